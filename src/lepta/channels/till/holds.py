"""A till's calls to set points of a card aside for a sale under way, and to let go of them."""

from datetime import datetime
from typing import Annotated, Any, Literal

import orjson
from fastapi import APIRouter
from pydantic import BaseModel, Field, RootModel
from starlette.requests import Request
from starlette.responses import Response

from lepta.channels.till.answers import TRAINING, balance_document
from lepta.channels.till.api import HIT, JSON, KEY_HEADER
from lepta.channels.till.desk import CREATED, HIT_HEADER, RECOGNISED, TillDesk, idempotency_key
from lepta.channels.till.models import BalanceAnswer
from lepta.channels.till.reversal_schemas import NothingBody
from lepta.channels.till.schemas import MAX_AMOUNT, Id, Opaque, Training
from lepta.channels.till.training_desk import ANSWERED
from lepta.errors import DomainError, InvalidRequest
from lepta.http import bodies
from lepta.http.auth import (
    SECURED,
    Forbidden,
    Principal,
    RateLimited,
    Scope,
    Unauthenticated,
    authorize,
    looking_up,
)
from lepta.http.deps import runtime
from lepta.http.direct import DirectRoute
from lepta.http.problems import TooLarge, Unavailable, UnsupportedMediaType, documented
from lepta.processing import reading
from lepta.processing.acts import Act, Hold, Release
from lepta.processing.events import InsufficientPoints, KeyReused, TooBusy
from lepta.processing.holding import HoldCaptured, UnknownHold
from lepta.processing.leaf import moment_of, parse_checkout_id
from lepta.processing.motion import Movement
from lepta.processing.moving import Moved, Recalled
from lepta.processing.outcome import Balance
from lepta.processing.recognition import Refused
from lepta.processing.state import Submission

TTL_S, MOST_TTL_S = 900, 86_400

router = APIRouter(prefix="/v1/holds", tags=["till"], route_class=DirectRoute)
addressed = APIRouter(prefix="/v1/holds", tags=["till"])

_ALWAYS: tuple[type[DomainError], ...] = (
    TooLarge, UnsupportedMediaType, TooBusy, Unavailable, Unauthenticated, Forbidden, RateLimited,
)  # fmt: skip


_HELD_BEFORE = "Recognised by its header: the stored answer again; or one for a till in training."


class HoldBody(bodies.Body):
    """Points of a card that nobody else is to spend while a sale is under way."""

    card: Opaque
    points: Annotated[int, Field(ge=1, le=MAX_AMOUNT, description="In smallest units.")]
    ttl_s: Annotated[
        int, Field(ge=1, le=MOST_TTL_S, description="After so many seconds they are free again.")
    ] = TTL_S
    store: Annotated[
        Id | None,
        Field(description="That of the key, which may leave it out if it is bound to one."),
    ] = None
    till: Annotated[Id | None, Field(description="As `store`.")] = None
    training: Training = False

    def place(self, key: Principal) -> tuple[str, str]:
        """Store and till of the hold: refuses others than the key's, and none where the key has none."""
        store, till = self.store or key.store, self.till or key.till
        if store is None or till is None:
            missing = [name for name, told in (("store", store), ("till", till)) if told is None]
            reason = "is required: the key is bound to none"
            raise InvalidRequest([{"path": name, "reason": reason} for name in missing])
        key.require_till(store, till)
        return store, till


class HeldAnswer(BaseModel):
    """Points and the member's balance right after the event."""

    replayed: bool
    points: int
    balance: BalanceAnswer


class HoldAnswer(HeldAnswer):
    """Points set aside; a sale that names `hold` before `expires_at` may spend them."""

    hold: str
    log_index: int
    expires_at: datetime


class TrainingHoldAnswer(HeldAnswer):
    """What the hold of a till in training would come to. Nothing is set aside."""

    hold: None
    log_index: None
    training: Literal[True]
    expires_at: datetime


class UnrecordedHoldAnswer(RootModel[HoldAnswer | TrainingHoldAnswer]):
    """A hold that was recorded before, or one of a till in training."""


class ReleaseAnswer(HeldAnswer):
    """Points that are free again."""

    hold: str
    log_index: int
    ended: str = Field(description="`released`, or `expired` where its time was over before.")


def _answers(
    model: type[BaseModel], fresh: int, again: str, *refusals: type[DomainError]
) -> dict[int | str, dict[str, Any]]:
    statuses = {f"s{fresh}": "Recorded.", "s200": again}
    answers = bodies.answers(model, **statuses)
    answers[200]["headers"] = HIT
    return {**documented(*refusals, *_ALWAYS), **answers}


@router.post(
    "",
    status_code=201,
    response_model=None,
    responses={
        **_answers(UnrecordedHoldAnswer, 201, _HELD_BEFORE, KeyReused, InsufficientPoints),
        **bodies.answers(HoldAnswer, s201="Recorded."),
    },
    openapi_extra={**SECURED, **bodies.reads(HoldBody), "parameters": [KEY_HEADER]},
)  # fmt: skip
async def create_hold(request: Request) -> Response:
    """Set points of a card aside, until a sale names the hold, it is released, or its time is over.

    With an Idempotency-Key it is safe to send again; without one, each request makes a hold of its own.
    """
    key = await authorize(request, Scope.TILL)
    header = idempotency_key(request.headers)
    body = await bodies.parse(request, HoldBody)
    place = body.place(key)
    with looking_up(request, key) as lookup:
        async with runtime(request).database.read() as tx:
            found = await reading.card(tx, body.card)
        lookup.is_unknown = found is None
        status, member = found or ("unknown", None)
        act = Hold(place, body.card, status, member, body.points, body.ttl_s)
        movement, again = await _made(request, act, header, training=body.training)
    expires_at = moment_of(movement.outcome["expires_at"])
    told = expires_at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    answer = {
        "hold": movement.id,
        **_held(movement, body.points, replayed=again),
        "expires_at": told,
    }
    if body.training:
        answer |= {"hold": None, "log_index": None, **TRAINING}
        return _answer(answer, ANSWERED, again=False)
    return _answer(answer, RECOGNISED if again else CREATED, again=again)


async def _made(
    request: Request, act: Hold, header: str | None, *, training: bool
) -> tuple[Movement, bool]:
    if training:
        desk: TillDesk = request.app.state.till_desk
        return await desk.training.training.act(act), False
    return await _submit(request, act, header)


@addressed.post(
    "/{hold}/release",
    response_model=None,
    responses=_answers(
        ReleaseAnswer, 200, "All its points are free, now or since before.", UnknownHold, HoldCaptured
    ),
    openapi_extra={**SECURED, **bodies.reads(NothingBody, required=False)},
)  # fmt: skip
async def release_hold(request: Request, hold: str) -> Response:
    """Let go of all points of a hold. Safe to send again."""
    key = await authorize(request, Scope.TILL)
    if await request.body():
        await bodies.parse(request, NothingBody)
    place = parse_checkout_id(hold)
    if place is None:
        raise UnknownHold
    async with runtime(request).database.read() as tx:
        held = await reading.hold_by_index(tx, *place)
    if held is None or held.id != hold:
        raise UnknownHold
    store, till = held.request["till"]
    key.require_till(store, key.till or till)
    movement, again = await _submit(request, Release(held.log_index), None)
    answer = {
        "hold": hold,
        **_held(movement, movement.outcome["points"], replayed=again),
        "ended": movement.outcome["ended"],
    }
    return _answer(answer, 200, again=again)


async def _submit(request: Request, act: Act, header: str | None) -> tuple[Movement, bool]:
    """The recorded act, and whether it had been recorded before; raises its refusal."""
    decision = (await runtime(request).writer.submit(Submission.of(act, header))).decision
    if isinstance(decision, Refused):
        raise decision.error
    assert isinstance(decision, (Moved, Recalled)), decision
    return decision.movement, isinstance(decision, Recalled)


def _held(movement: Movement, points: int, *, replayed: bool) -> dict[str, Any]:
    return {
        "log_index": movement.log_index,
        "replayed": replayed,
        "points": points,
        "balance": balance_document(Balance.read(movement.outcome["balance"])),
    }


def _answer(document: dict[str, Any], status: int, *, again: bool) -> Response:
    return Response(orjson.dumps(document), status, HIT_HEADER if again else None, JSON)
