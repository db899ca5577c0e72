"""Multiplied base points: `{multiply: "2"}` adds as many points as group `base` gave on the matching lines."""

from lepta.money import Rounding, divide
from lepta.rules import fields
from lepta.rules.kind import Kind, Measure, Value
from lepta.rules.programme import Programme


class Params(fields.Strict):
    """What a campaign manager fills in."""

    multiply: fields.Factor


def gives(params: Params, _programme: Programme, base_points: int, rounding: Rounding) -> Value:
    """(m - 1) times the base points, which are rounded already: what is rounded here is only their multiple."""
    factor = params.multiply
    extra = base_points * (factor.numerator - factor.denominator)
    return divide(extra, factor.denominator, rounding), 0


KIND = Kind("multiply", "earn", Params, Measure.BASE_POINTS, ("basket", "amount", "visit"), gives)
