"""Adjustments: the office gives a member points, or takes some."""

from datetime import UTC, date, datetime
from typing import Annotated, Any

import orjson
from fastapi import APIRouter
from pydantic import AfterValidator, BaseModel, Field
from starlette.requests import Request
from starlette.responses import Response

from lepta.channels.acting import KEY_HEADER, record, required_key
from lepta.channels.office.answers import GUARDED
from lepta.channels.office.schemas import Id, Slug
from lepta.channels.till.answers import balance_document
from lepta.channels.till.api import HIT
from lepta.channels.till.desk import CREATED, HIT_HEADER, RECOGNISED
from lepta.channels.till.models import BalanceAnswer
from lepta.http.auth import SECURED, OfficeKey, Scope, authorize
from lepta.http.bodies import JSON, Body, answers, parse, reads
from lepta.http.deps import Running
from lepta.http.fields import Opaque
from lepta.http.problems import TooLarge, UnsupportedMediaType, documented
from lepta.names import Readable
from lepta.processing.events import InsufficientPoints, KeyReused, TooBusy
from lepta.processing.outcome import Balance
from lepta.statements import adjustments
from lepta.statements.adjustments import Kept, UnknownAdjustment, Wish
from lepta.statements.cards import UnknownCard

router = APIRouter(prefix="/v1", tags=["office"])

MOST_POINTS = 10**12


def _something(points: int) -> int:
    if points == 0:
        raise ValueError("0 changes nothing: write what to give, or, below 0, to take")
    return points


class AdjustmentBody(Body):
    """Points to give a card's owner, or, below 0, to take, and why."""

    card: Opaque
    points: Annotated[int, Field(ge=-MOST_POINTS, le=MOST_POINTS), AfterValidator(_something)]
    reason: Annotated[
        Readable,
        Field(description="Kept outside of the log; it goes when the member is erased."),
    ]
    party: Id | None = Field(
        default=None,
        description="The retailer, supplier or agency that bears it; left out: the only retailer of the programme.",
    )
    programme: Slug | None = Field(default=None, description="Left out: the only one there is.")

    def to_wish(self) -> Wish:
        """What is asked for."""
        return Wish(self.card, self.points, self.reason, self.party, self.programme)


class AdjustmentAnswer(BaseModel):
    """A recorded adjustment; points in the programme's smallest unit."""

    adjustment: str
    log_index: int
    replayed: bool
    programme: str
    party: str
    points: int
    repaid: int = Field(description="What of it paid points that the member owed.")
    expires_on: date | None = Field(description="The last day of use of points given.")
    reason: str | None = Field(description="null: it was erased with the member.")
    balance: BalanceAnswer


@router.post(
    "/adjustments",
    status_code=201,
    response_model=None,
    responses={
        **documented(
            *GUARDED, KeyReused, InsufficientPoints, UnknownCard, TooBusy, TooLarge, UnsupportedMediaType
        ),
        **answers(AdjustmentAnswer, s201="Recorded.", s200="Recognised: the stored answer again."),
        200: {**answers(AdjustmentAnswer, s200="Recognised: the stored answer again.")[200], "headers": HIT},
    },
    openapi_extra={**SECURED, **reads(AdjustmentBody), "parameters": [KEY_HEADER]},
)  # fmt: skip
async def create_adjustment(request: Request, running: Running) -> Response:
    """Give the owner of a card points, or take some, for good: what was wrong is put right by another adjustment."""
    await authorize(request, Scope.OFFICE)
    key, wish = required_key(request), (await parse(request, AdjustmentBody)).to_wish()
    async with running.database.read() as tx:
        act = await adjustments.placed(tx, wish, datetime.now(UTC))
    movement, again = await record(running, act, key)
    async with running.database.read() as tx:
        kept = await Kept.of(tx, movement)
    return _answered(kept, again=again)


@router.get(
    "/adjustments/{adjustment}",
    responses={
        **documented(*GUARDED, UnknownAdjustment),
        **answers(AdjustmentAnswer, s200="The stored answer."),
    },
)
async def get_adjustment(adjustment: str, _key: OfficeKey, running: Running) -> Response:
    """An adjustment, as it was answered."""
    async with running.database.read() as tx:
        kept = await adjustments.stored(tx, adjustment)
    return _answered(kept, again=True)


def _answered(kept: Kept, *, again: bool) -> Response:
    movement, reason = kept
    facts, outcome = movement.facts, movement.outcome
    answer: dict[str, Any] = {
        "adjustment": movement.id,
        "log_index": movement.log_index,
        "replayed": again,
        "programme": facts["programme"],
        "party": facts["party"],
        "points": movement.request["points"],
        "repaid": outcome.get("repaid", 0),
        "expires_on": outcome.get("expires_on"),
        "reason": reason,
        "balance": balance_document(Balance.read(outcome["balance"])),
    }
    body = orjson.dumps(answer)
    if again:
        return Response(body, RECOGNISED, HIT_HEADER, JSON)
    return Response(body, CREATED, media_type=JSON)
