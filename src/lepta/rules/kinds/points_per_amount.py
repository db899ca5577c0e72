"""Points for each full amount: `{points: 1, per_amount: 2000}` is one for each full 20.00."""

from lepta.money import Rounding
from lepta.rules import fields
from lepta.rules.kind import Kind, Measure, Value
from lepta.rules.programme import Programme


class Params(fields.Strict):
    """What a campaign manager fills in."""

    points: fields.Points
    per_amount: fields.Amount


def gives(params: Params, _programme: Programme, amount_minor: int, _rounding: Rounding) -> Value:
    """Only full amounts count, however the campaign rounds."""
    return amount_minor // params.per_amount * params.points, 0


KIND = Kind(
    "points-per-amount",
    "earn",
    Params,
    Measure.AMOUNT,
    ("basket", "amount", "line", "visit"),
    gives,
)
