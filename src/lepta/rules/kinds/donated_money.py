"""A fixed sum for a fund from each unit, each product or the basket: `{money: 500}`."""

from lepta.money import Rounding
from lepta.rules import fields
from lepta.rules.kind import Kind, Measure, Value
from lepta.rules.programme import Programme


class Params(fields.Strict):
    """What a campaign manager fills in."""

    money: fields.Amount


def gives(params: Params, _programme: Programme, _number: int, _rounding: Rounding) -> Value:
    """The same each time."""
    return 0, params.money


KIND = Kind(
    "donated-money", "give", Params, Measure.COUNT, ("basket", "line", "unit", "visit"), gives
)
