"""Fixed sums by the matching amount: `{bands: [{from: 50000, money: 1000}]}` gives 10.00 from 500.00 on."""

from itertools import pairwise
from typing import Annotated

from pydantic import AfterValidator, Field

from lepta.money import Rounding
from lepta.rules import fields
from lepta.rules.kind import Kind, Measure, Value
from lepta.rules.programme import Programme


class Band(fields.Strict):
    """From `from` on, up to the next band, `money` is given; both in minor units."""

    least: fields.AmountOrZero = Field(alias="from")
    money: fields.Amount


def _rising(bands: tuple[Band, ...]) -> tuple[Band, ...]:
    for lower, upper in pairwise(bands):
        if upper.least <= lower.least:
            raise ValueError(
                f"bands rise: let the one from {upper.least} begin above {lower.least}"
            )
    return bands


class Params(fields.Strict):
    """What a campaign manager fills in."""

    bands: Annotated[tuple[Band, ...], AfterValidator(_rising)] = Field(min_length=1, max_length=50)


def gives(params: Params, _programme: Programme, amount_minor: int, _rounding: Rounding) -> Value:
    """The sum of the highest band at or below the amount; nothing below the first."""
    given = 0
    for band in params.bands:
        if amount_minor < band.least:
            break
        given = band.money
    return 0, given


KIND = Kind("bands", "give", Params, Measure.AMOUNT, ("basket", "amount", "line", "visit"), gives)
