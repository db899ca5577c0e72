"""Transfers: points of one member become another's."""

from datetime import UTC, datetime
from typing import Annotated, Any

import orjson
from fastapi import APIRouter
from pydantic import BaseModel, Field
from starlette.requests import Request
from starlette.responses import Response

from lepta.channels.acting import KEY_HEADER, record, required_key
from lepta.channels.office.adjustments import MOST_POINTS
from lepta.channels.office.answers import GUARDED
from lepta.channels.office.schemas import Slug
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
from lepta.statements import transfers
from lepta.statements.adjustments import Kept
from lepta.statements.cards import UnknownCard
from lepta.statements.transfers import UnknownTransfer, Wish

router = APIRouter(prefix="/v1", tags=["office"])


class TransferBody(Body):
    """Points that the owner of a card leaves to the owner of another one, and why."""

    card: Opaque
    to: Opaque = Field(description="A card of who gets them.")
    points: Annotated[int, Field(ge=1, le=MOST_POINTS)]
    reason: Annotated[
        Readable,
        Field(description="Kept outside of the log; it goes when the member is erased."),
    ]
    programme: Slug | None = Field(default=None, description="Left out: the only one there is.")

    def to_wish(self) -> Wish:
        """What is asked for."""
        return Wish(self.card, self.to, self.points, self.reason, self.programme)


class TransferAnswer(BaseModel):
    """A recorded transfer; points in the programme's smallest unit."""

    transfer: str
    log_index: int
    replayed: bool
    programme: str
    points: int
    repaid: int = Field(description="What of it paid points that the other member owed.")
    reason: str | None = Field(description="null: it was erased with the member.")
    balance: BalanceAnswer = Field(description="What is left to the owner of `card`.")


@router.post(
    "/transfers",
    status_code=201,
    response_model=None,
    responses={
        **documented(
            *GUARDED, KeyReused, InsufficientPoints, UnknownCard, TooBusy, TooLarge, UnsupportedMediaType
        ),
        **answers(TransferAnswer, s201="Recorded.", s200="Recognised: the stored answer again."),
        200: {**answers(TransferAnswer, s200="Recognised: the stored answer again.")[200], "headers": HIT},
    },
    openapi_extra={**SECURED, **reads(TransferBody), "parameters": [KEY_HEADER]},
)  # fmt: skip
async def create_transfer(request: Request, running: Running) -> Response:
    """Give points of a card's owner to another member: those that end first, and they end as they would have."""
    await authorize(request, Scope.OFFICE)
    key, wish = required_key(request), (await parse(request, TransferBody)).to_wish()
    async with running.database.read() as tx:
        act = await transfers.placed(tx, wish, datetime.now(UTC))
    movement, again = await record(running, act, key)
    async with running.database.read() as tx:
        kept = await Kept.of(tx, movement)
    return _answered(kept, again=again)


@router.get(
    "/transfers/{transfer}",
    responses={
        **documented(*GUARDED, UnknownTransfer),
        **answers(TransferAnswer, s200="The stored answer."),
    },
)
async def get_transfer(transfer: str, _key: OfficeKey, running: Running) -> Response:
    """A transfer, as it was answered."""
    async with running.database.read() as tx:
        kept = await transfers.stored(tx, transfer)
    return _answered(kept, again=True)


def _answered(kept: Kept, *, again: bool) -> Response:
    movement, reason = kept
    answer: dict[str, Any] = {
        "transfer": movement.id,
        "log_index": movement.log_index,
        "replayed": again,
        "programme": movement.facts["programme"],
        "points": movement.request["points"],
        "repaid": movement.outcome.get("repaid", 0),
        "reason": reason,
        "balance": balance_document(Balance.read(movement.outcome["balance"])),
    }
    if again:
        return Response(orjson.dumps(answer), RECOGNISED, HIT_HEADER, JSON)
    return Response(orjson.dumps(answer), CREATED, media_type=JSON)
