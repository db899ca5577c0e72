"""Displayed points for each major unit of the currency: `{rate: "0.01"}`."""

from lepta.money import Rounding, divide
from lepta.rules import fields
from lepta.rules.kind import Kind, Measure, Value
from lepta.rules.programme import Programme


class Params(fields.Strict):
    """What a campaign manager fills in."""

    rate: fields.Rate


def gives(params: Params, programme: Programme, amount_minor: int, rounding: Rounding) -> Value:
    """One division, so rounded once."""
    rate = params.rate
    scaled = amount_minor * rate.numerator * programme.scale_points
    return divide(scaled, rate.denominator * programme.major_minor, rounding), 0


KIND = Kind("rate", "earn", Params, Measure.AMOUNT, ("amount", "basket", "line", "visit"), gives)
