"""What the office has to look into: sales that look like misuse of a card."""

from datetime import datetime
from typing import Annotated, Literal

import orjson
from fastapi import APIRouter, Query
from pydantic import BaseModel, Field
from starlette.responses import Response

from lepta.channels.office.exceptions import NamedSale
from lepta.channels.office.schemas import Id
from lepta.http.auth import ExceptionsKey, Forbidden, RateLimited, Unauthenticated
from lepta.http.bodies import JSON, answers
from lepta.http.deps import Running
from lepta.http.fields import Day
from lepta.http.problems import Unavailable, documented
from lepta.statements import suspicions

router = APIRouter(prefix="/v1", tags=["office"])

SuspicionKind = Literal["many-sales", "two-places", "spent-at-once"]


class PointsMoved(BaseModel):
    """Points of the sale, smallest units."""

    earned: int
    redeemed: int


class Suspicion(NamedSale):
    """A sale that looks like misuse of a card."""

    checkout: str
    log_index: int
    kinds: list[SuspicionKind]
    capped: bool = Field(description="Whether it did not get all that it would have.")
    voided: bool
    occurred_at: datetime
    received_at: datetime
    member: str | None = Field(description="By which the ledger knows the card's member; random.")
    total: int
    points: PointsMoved


class SuspicionsAnswer(BaseModel):
    """A page of the list, in the order of the log: the newest last."""

    items: list[Suspicion]
    next: str | None = Field(
        description="Give it back as `after` for the next page; null: this is the last."
    )


@router.get(
    "/suspicions",
    responses={
        **documented(Unauthenticated, Forbidden, RateLimited, Unavailable),
        **answers(SuspicionsAnswer, s200="A page."),
    },
)
async def list_suspicions(  # noqa: PLR0917 - as many as there are wishes
    _key: ExceptionsKey,
    running: Running,
    store: Annotated[Id | None, Query()] = None,
    first: Annotated[
        Day | None, Query(alias="from", description="First business day, included.")
    ] = None,
    last: Annotated[
        Day | None, Query(alias="to", description="Last business day, included.")
    ] = None,
    kind: Annotated[SuspicionKind | None, Query()] = None,
    after: Annotated[
        int | None, Query(ge=0, le=2**62, description="`next` of the page before.")
    ] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> Response:
    """Sales that were flagged as a programme's `watch` says, the earliest recorded first."""
    sought = suspicions.Sought(store, first, last, kind)
    async with running.database.read() as tx:
        answer = await suspicions.suspicions(tx, sought, after, limit)
    return Response(orjson.dumps(answer), media_type=JSON)
