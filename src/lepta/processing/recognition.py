"""Recognising an event that was decided before, by the names its till gave it."""

import base64
from collections.abc import Sequence
from hashlib import sha256
from typing import Any, NamedTuple

import orjson

from lepta.errors import DomainError
from lepta.processing.canonical import canonical
from lepta.processing.events import (
    Checkout,
    HoldMismatch,
    InsufficientPoints,
    KeyReused,
    QuoteStale,
    UnknownOriginal,
)
from lepta.processing.leaf import Recorded
from lepta.processing.motion import Movement
from lepta.processing.proration import OverReturn
from lepta.processing.state import FISCAL, HEADER, NATURAL, Claim, State, Submission


class Repeated(NamedTuple):
    """A sale that was recorded before: its stored outcome. `claim`: a further header naming it now; `voided`: whether
    nothing of it holds any more.
    """

    recorded: Recorded
    claim: Claim | None
    voided: bool = False


class Refused(NamedTuple):
    """An expected refusal; `stored` is what later tries under the same header will get again."""

    error: DomainError
    claim: Claim | None = None
    stored: bytes | None = None


def recognise(submission: Submission, state: State) -> Repeated | Refused | None:
    """The stored outcome of an event that was decided before, if it was.

    Another event under a name that is taken is refused and changes nothing.
    """
    event = submission.event
    assert isinstance(event, Checkout)
    found = [(claim, state.claims[claim]) for claim in submission.claims if claim in state.claims]
    if found:
        found = _sales_in(found, state)
    if not found:
        return None
    holders = {(claim.scope, holder) for claim, holder in found}
    for claim, holder in found:
        if isinstance(holder, bytes):
            return stored_refusal(claim, holder, event.identity)
        recorded = state.recorded[holder]
        if not isinstance(recorded, Recorded):
            return Refused(KeyReused(said(claim)))
        # Under another natural key it is the same sale if its fiscal document says so; a header that such a
        # repeat brought along names the same sale from then on.
        by_fiscal = claim.scope != NATURAL and (FISCAL, holder) in holders
        if not (recorded.equals(event) or (by_fiscal and recorded.is_same_sale(event))):
            return Refused(KeyReused(said(claim)))
    header = submission.header
    holder = found[0][1]
    assert isinstance(holder, int)
    recorded = state.recorded[holder]
    assert isinstance(recorded, Recorded), recorded
    voided = recorded.void is not None or holder in state.taken_back
    return Repeated(recorded, None if header in state.claims else header, voided)


def _sales_in(
    found: Sequence[tuple[Claim, int | bytes]], state: State
) -> list[tuple[Claim, int | bytes]]:
    """A void that came first has the natural key of its sale, and stands for it once that is recorded."""
    sales: list[tuple[Claim, int | bytes]] = []
    for claim, holder in found:
        known = state.recorded[holder] if isinstance(holder, int) else None
        if claim.scope != NATURAL or not isinstance(known, Movement):
            sales.append((claim, holder))
        elif known.log_index in state.voided:
            sales.append((claim, state.voided[known.log_index]))
    return sales


def said(claim: Claim) -> str:
    """A claim for people."""
    names = {HEADER: "This Idempotency-Key", FISCAL: "This fiscal document"}
    return names.get(claim.scope, "This store, till, business day and sequence")


REFUSALS: Sequence[type[DomainError]] = (
    InsufficientPoints, QuoteStale, OverReturn, UnknownOriginal, HoldMismatch
)  # fmt: skip
"""Decisions of the writer that are not events: what a header may be claimed for."""


def refusal_bytes(error: DomainError, identity: bytes, salt: bytes) -> bytes:
    """A refusal as it is stored under a header, with the salted digest of the event it was for."""
    assert type(error) in REFUSALS, error
    document = {
        "code": error.code,
        "message": str(error),
        "members": error.members,
        "salt": base64.b64encode(salt).decode(),
        "request": sha256(salt + b"request\n" + identity).hexdigest(),
    }
    return canonical(document)


def stored_refusal(claim: Claim, data: bytes, identity: bytes) -> Refused:
    """The refusal that is stored under a header, for the event it was for."""
    document = orjson.loads(data)
    salt = base64.b64decode(document["salt"])
    if sha256(salt + b"request\n" + identity).hexdigest() != document["request"]:
        return Refused(KeyReused(said(claim)))
    error = next(refusal for refusal in REFUSALS if refusal.code == document["code"])
    return Refused(_again(error, document["message"], document["members"]))


def _again(error: type[DomainError], message: str, members: dict[str, Any]) -> DomainError:
    """The very same refusal: its class, its sentence, its members."""
    again = error.__new__(error)
    DomainError.__init__(again, message, **members)
    return again
