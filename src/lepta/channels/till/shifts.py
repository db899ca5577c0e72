"""A till's call at the end of a shift: are all its receipts here?"""

from datetime import date, datetime
from typing import Annotated, Literal, Self

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field, model_validator
from starlette.requests import Request
from starlette.responses import Response

from lepta.channels.till.api import HIT, JSON
from lepta.channels.till.desk import HIT_HEADER
from lepta.channels.till.schemas import MAX_SEQUENCE, BusinessDay, Id
from lepta.http import bodies
from lepta.http.auth import (
    SECURED,
    Forbidden,
    RateLimited,
    Scope,
    TillKey,
    Unauthenticated,
    authorize,
)
from lepta.http.bodies import Body
from lepta.http.deps import Running, now, runtime
from lepta.http.direct import DirectRoute
from lepta.http.fields import Day
from lepta.http.problems import TooLarge, Unavailable, UnsupportedMediaType, documented
from lepta.processing.events import KeyReused
from lepta.shifts import service
from lepta.shifts.compare import Closing, UnknownShift
from lepta.shifts.store import Name

MOST_SEQUENCES = 100_000
MOST_MONEY = 10**17

router = APIRouter(prefix="/v1", tags=["till"], route_class=DirectRoute)
lookups = APIRouter(prefix="/v1", tags=["till"])

Sequence = Annotated[int, Field(ge=0, le=MAX_SEQUENCE)]
Money = Annotated[int, Field(ge=-MOST_MONEY, le=MOST_MONEY)]


class ShiftBody(Body):
    """The end of a shift. Amounts in minor units of the store's currency."""

    store: Id
    till: Id
    business_day: BusinessDay
    shift: Annotated[int, Field(ge=0, le=MAX_SEQUENCE)] | Id = Field(
        description="Its number or name; no other of this till and day has it."
    )
    count: Annotated[int, Field(ge=0, le=MAX_SEQUENCE)] = Field(
        description="Sales that were not voided; returns are no sales."
    )
    total: Money = Field(description="Of these sales, before points and gifts.")
    returns_total: Money
    first_sequence: Sequence
    last_sequence: Annotated[int, Field(ge=-1, le=MAX_SEQUENCE)] = Field(
        description="One below `first_sequence` if nothing was rung up."
    )

    @model_validator(mode="after")
    def _has_a_span(self) -> Self:
        length = self.last_sequence + 1 - self.first_sequence
        if not 0 <= length <= MOST_SEQUENCES:
            raise ValueError(
                f"last_sequence: a shift has 0 to {MOST_SEQUENCES} sequences, this one {length}"
            )
        return self

    def to_closing(self) -> Closing:
        """The values."""
        return Closing(
            self.store, self.till, self.business_day, self.shift, self.count, self.total,
            self.returns_total, self.first_sequence, self.last_sequence,
        )  # fmt: skip


class Difference(BaseModel):
    """A figure of the till's that is not ours. `missing` and `unexpected`: how many sequences are recorded."""

    kind: Literal["count", "total", "returns_total", "missing", "unexpected"]
    ours: int
    theirs: int


class ShiftAnswer(BaseModel):
    """What was found when the shift was closed; it never changes."""

    shift: int | str
    store: str
    till: str
    business_day: date
    closed_at: datetime
    differences: list[Difference]
    missing_sequences: list[int] = Field(description="Within the shift, and not recorded.")
    unexpected_sequences: list[int] = Field(
        description="Recorded for this till and day, and in no closed shift."
    )


CLOSED = bodies.answers(
    ShiftAnswer, s201="Closed.", s200="It was closed before: the stored answer."
)
CLOSED[200]["headers"] = HIT
REFUSALS = (
    KeyReused, TooLarge, UnsupportedMediaType, Unavailable, Unauthenticated, Forbidden, RateLimited,
)  # fmt: skip


@router.post(
    "/shifts",
    status_code=201,
    response_model=None,
    responses={**documented(*REFUSALS), **CLOSED},
    openapi_extra={**SECURED, **bodies.reads(ShiftBody)},
)
async def close_shift(request: Request) -> Response:
    """Compare a till's figures with what is recorded, and keep the result. Safe to send again."""
    till = await authorize(request, Scope.TILL)
    closing = (await bodies.parse(request, ShiftBody)).to_closing()
    till.require_till(closing.store, closing.till)
    body, again = await service.close(runtime(request).database, closing, now())
    return Response(body, 200 if again else 201, HIT_HEADER if again else None, JSON)


@lookups.get(
    "/shifts",
    responses={
        **documented(UnknownShift, Unavailable, Unauthenticated, Forbidden, RateLimited),
        **bodies.answers(ShiftAnswer, s200="The stored answer."),
    },
    response_model=None,
)
async def find_shift(  # noqa: PLR0917 - the name has as many parts
    principal: TillKey,
    running: Running,
    store: Annotated[Id, Query()],
    till: Annotated[Id, Query()],
    business_day: Annotated[Day, Query()],
    shift: Annotated[Id, Query()],
) -> Response:
    """What was answered when a shift was closed: to be asked after a time-out."""
    principal.require_till(store, till)
    body = await service.read(running.database, Name(store, till, business_day, shift))
    return Response(body, 200, HIT_HEADER, JSON)
