"""The shopper rounds the bill up: `{round_up_to: 1000}` offers the gap to the next full 10.00."""

from pydantic import Field

from lepta.money import Rounding
from lepta.rules import fields
from lepta.rules.kind import Kind, Measure, Value
from lepta.rules.programme import Programme


class Params(fields.Strict):
    """What a campaign manager fills in."""

    round_up_to: int = Field(ge=2, le=fields.MAX_AMOUNT, description="Minor units: 100 is 1.00.")


def gives(params: Params, _programme: Programme, due_minor: int, _rounding: Rounding) -> Value:
    """The gap to the next multiple; a bill already on one gives nothing, not a whole step."""
    return 0, -due_minor % params.round_up_to if due_minor > 0 else 0


KIND = Kind("round-up", "give", Params, Measure.DUE, ("basket", "amount"), gives)
