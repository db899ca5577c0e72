"""Points for a fund in the shopper's name, with the money behind them: `{points: 50, money_rate: "0.10"}`."""

from lepta.money import Rounding, divide
from lepta.rules import fields
from lepta.rules.kind import Kind, Measure, Value
from lepta.rules.programme import Programme


class Params(fields.Strict):
    """What a campaign manager fills in; the rate is in major units for one displayed point."""

    points: fields.Points
    money_rate: fields.Rate


def gives(params: Params, programme: Programme, _number: int, rounding: Rounding) -> Value:
    """The same each time."""
    return params.points, money_of(params, programme, params.points, rounding)


def money_of(params: Params, programme: Programme, points: int, rounding: Rounding) -> int:
    """What the funders owe for `points`, in minor units."""
    rate = params.money_rate
    scaled = points * rate.numerator * programme.major_minor
    return divide(scaled, rate.denominator * programme.scale_points, rounding)


def points_for(params: Params, programme: Programme, money_minor: int) -> int:
    """The most points whose exact money is at most `money_minor`, so that no rounding exceeds it."""
    rate = params.money_rate
    scaled = money_minor * rate.denominator * programme.scale_points
    return scaled // (rate.numerator * programme.major_minor)


KIND = Kind(
    "donated-points", "give", Params, Measure.COUNT, ("basket", "line", "unit", "visit"), gives
)
