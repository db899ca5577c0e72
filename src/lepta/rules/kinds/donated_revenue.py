"""A part of what was paid for the matching goods: `{rate: "1"}` is all of it."""

from lepta.money import Rounding, divide
from lepta.rules import fields
from lepta.rules.kind import Kind, Measure, Value
from lepta.rules.programme import Programme


class Params(fields.Strict):
    """What a campaign manager fills in; more than all of the revenue is surely a slip."""

    rate: fields.PositiveShare


def gives(params: Params, _programme: Programme, amount_minor: int, rounding: Rounding) -> Value:
    """Money of money, so no scale comes in."""
    rate = params.rate
    return 0, divide(amount_minor * rate.numerator, rate.denominator, rounding)


KIND = Kind(
    "donated-revenue", "give", Params, Measure.AMOUNT, ("amount", "basket", "line", "visit"), gives
)
