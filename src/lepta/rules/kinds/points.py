"""So many points for each unit, each product or the basket: `{points: 5}`."""

from lepta.money import Rounding
from lepta.rules import fields
from lepta.rules.kind import Kind, Measure, Value
from lepta.rules.programme import Programme


class Params(fields.Strict):
    """What a campaign manager fills in."""

    points: fields.Points


def gives(params: Params, _programme: Programme, _number: int, _rounding: Rounding) -> Value:
    """The same each time."""
    return params.points, 0


KIND = Kind("points", "earn", Params, Measure.COUNT, ("basket", "line", "unit", "visit"), gives)
