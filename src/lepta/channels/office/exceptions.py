"""What the office has to look into: returns that name no sale."""

from datetime import date, datetime
from typing import Annotated

import orjson
from fastapi import APIRouter, Query
from pydantic import BaseModel, Field
from starlette.responses import Response

from lepta.channels.till.models import ReturnedLineAnswer
from lepta.http.auth import ExceptionsKey, Forbidden, RateLimited, Unauthenticated
from lepta.http.bodies import JSON, answers
from lepta.http.deps import Running
from lepta.http.problems import Unavailable, documented
from lepta.statements import exceptions

router = APIRouter(prefix="/v1", tags=["office"])


class NamedSale(BaseModel):
    """A sale, as its till called it."""

    store: str
    till: str
    business_day: date
    sequence: int


class UnreferencedReturn(NamedSale):
    """Goods that came back, of which sale nobody knows."""

    return_: str = Field(alias="return")
    log_index: int
    occurred_at: datetime
    received_at: datetime
    flags: list[str]
    original: NamedSale | None = Field(description="What an offline till named, which is unknown.")
    lines: list[ReturnedLineAnswer]
    total: int


class ExceptionsAnswer(BaseModel):
    """A page of the exception list, in the order of the log."""

    items: list[UnreferencedReturn]
    next: str | None = Field(
        description="Give it back as `after` for the next page; null: this is the last."
    )


@router.get(
    "/exceptions",
    responses={
        **documented(Unauthenticated, Forbidden, RateLimited, Unavailable),
        **answers(ExceptionsAnswer, s200="A page."),
    },
)
async def list_exceptions(
    _key: ExceptionsKey,
    running: Running,
    after: Annotated[
        int | None, Query(ge=0, le=2**62, description="`next` of the page before.")
    ] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> Response:
    """Returns without a sale, the earliest recorded first: money was paid back, and nothing was taken back for it."""
    async with running.database.read() as tx:
        answer = await exceptions.exceptions(tx, after, limit)
    return Response(orjson.dumps(answer), media_type=JSON)
