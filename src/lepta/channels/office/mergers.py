"""Merging members: one turns out to be another."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import orjson
from fastapi import APIRouter
from pydantic import BaseModel, Field
from starlette.requests import Request
from starlette.responses import Response

from lepta.channels.acting import record
from lepta.channels.office.answers import GUARDED
from lepta.channels.office.api import PathId
from lepta.channels.office.schemas import Id
from lepta.channels.till.answers import balance_document
from lepta.channels.till.api import HIT
from lepta.channels.till.desk import CREATED, HIT_HEADER, RECOGNISED, idempotency_key
from lepta.channels.till.models import BalanceAnswer
from lepta.http.auth import SECURED, Scope, authorize
from lepta.http.bodies import JSON, Body, answers, parse, reads
from lepta.http.deps import Running
from lepta.http.direct import parameter
from lepta.http.problems import TooLarge, UnsupportedMediaType, documented
from lepta.processing.events import KeyReused, TooBusy
from lepta.processing.motion import Movement
from lepta.processing.outcome import Balance
from lepta.processing.owners import AlreadyMerged
from lepta.revisions import NotFound
from lepta.statements import mergers
from lepta.statements.mergers import Wish

router = APIRouter(prefix="/v1", tags=["office"])
KEY = parameter(
    "Idempotency-Key", "header", {"type": "string", "pattern": "^[!-~]{1,255}$"},
    "Names the request; it counts once with or without it.",
)  # fmt: skip


class MergeBody(Body):
    """Who the member in the address turned out to be."""

    into: Id = Field(description="The member who stays.")


class MergedPoints(BaseModel):
    """What went over in one programme; points in its smallest unit."""

    programme: str
    available: int
    pending: int
    held: int
    owed: int
    repaid: int = Field(description="What of the points of both paid what either owed.")
    balance: BalanceAnswer = Field(description="What the member who stays has now.")


class MergeAnswer(BaseModel):
    """A recorded merger."""

    merge: str
    log_index: int
    replayed: bool
    member: str
    into: str
    points: list[MergedPoints] = Field(description="None of a member who never had any.")


@router.post(
    "/members/{member}/merge",
    status_code=201,
    response_model=None,
    responses={
        **documented(
            *GUARDED, KeyReused, AlreadyMerged, NotFound, TooBusy, TooLarge, UnsupportedMediaType
        ),
        **answers(MergeAnswer, s201="Recorded.", s200="Recognised: the stored answer again."),
        200: {**answers(MergeAnswer, s200="Recognised: the stored answer again.")[200], "headers": HIT},
    },
    openapi_extra={**SECURED, **reads(MergeBody), "parameters": [KEY]},
)  # fmt: skip
async def merge_member(request: Request, member: PathId, running: Running) -> Response:
    """Make two members one, for good: points, debts, holds, cards and what limits counted go over to `into`."""
    await authorize(request, Scope.OFFICE)
    key, wish = (
        idempotency_key(request.headers),
        Wish(member, (await parse(request, MergeBody)).into),
    )
    async with running.database.read() as tx:
        act = await mergers.placed(tx, wish, datetime.now(UTC))
    movement, again = await record(running, act, key)
    async with running.database.read() as tx:
        parts = await mergers.parts(tx, movement)
    return _answered(wish, parts, again=again)


def _answered(wish: Wish, parts: Sequence[Movement], *, again: bool) -> Response:
    first = parts[0]
    answer: dict[str, Any] = {
        "merge": first.id,
        "log_index": first.log_index,
        "replayed": again,
        "member": wish.member,
        "into": wish.into,
        "points": [_points(part) for part in parts if "programme" in part.facts],
    }
    if again:
        return Response(orjson.dumps(answer), RECOGNISED, HIT_HEADER, JSON)
    return Response(orjson.dumps(answer), CREATED, media_type=JSON)


def _points(part: Movement) -> dict[str, Any]:
    told = {
        name: part.outcome.get(name, 0)
        for name in ("available", "pending", "held", "owed", "repaid")
    }
    balance = balance_document(Balance.read(part.outcome["balance"]))
    return {"programme": part.facts["programme"], **told, "balance": balance}
