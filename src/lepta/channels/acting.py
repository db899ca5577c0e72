"""Acts from outside of tills: under a key that each must have, and to what became of them."""

from typing import NamedTuple

from starlette.requests import Request

from lepta.channels.till.desk import idempotency_key
from lepta.errors import InvalidRequest
from lepta.http.direct import parameter
from lepta.processing.acts import Act
from lepta.processing.motion import Movement
from lepta.processing.moving import Moved, Recalled
from lepta.processing.recognition import Refused
from lepta.processing.state import Submission
from lepta.runtime import Runtime

_NO_KEY = "is required: without it, a request that is sent again would count again"
KEY_HEADER = parameter(
    "Idempotency-Key", "header", {"type": "string", "pattern": "^[!-~]{1,255}$"},
    "Names the request: sent again under it, it counts once.", required=True,
)  # fmt: skip


class Told(NamedTuple):
    """What became of an act; `again`: it was recorded before."""

    movement: Movement
    again: bool


def required_key(request: Request) -> str:
    """The request's own name; raises `InvalidRequest`."""
    key = idempotency_key(request.headers)
    if key is None:
        raise InvalidRequest([{"path": "Idempotency-Key", "reason": _NO_KEY}])
    return key


async def record(running: Runtime, act: Act, key: str | None) -> Told:
    """Give an act to the writer; raises its refusal."""
    decision = (await running.writer.submit(Submission.of(act, key))).decision
    if isinstance(decision, Refused):
        raise decision.error
    assert isinstance(decision, (Moved, Recalled)), decision
    return Told(decision.movement, isinstance(decision, Recalled))
