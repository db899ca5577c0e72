"""A till's calls: record a sale, and ask what became of one."""

from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from lepta.channels.till.answers import MAX_WIDTH, MIN_WIDTH, WIDTH, Answers, Form, read_form
from lepta.channels.till.desk import HIT_HEADER, RECOGNISED, TillDesk, read_sale
from lepta.channels.till.models import CheckoutAnswer, UnrecordedAnswer
from lepta.channels.till.named import Named
from lepta.channels.till.reversal_answers import returns_of
from lepta.channels.till.schemas import CheckoutBody, TooManyLines
from lepta.db import Tx
from lepta.errors import DomainError, Kind, NotSupported
from lepta.http import bodies
from lepta.http.auth import (
    SECURED,
    Forbidden,
    Principal,
    RateLimited,
    Scope,
    TillKey,
    Unauthenticated,
    authorize,
)
from lepta.http.deps import Running, runtime
from lepta.http.direct import DirectRoute, parameter
from lepta.http.problems import TooLarge, UnsupportedMediaType, documented
from lepta.processing import reading
from lepta.processing.events import (
    HoldMismatch,
    InsufficientPoints,
    KeyReused,
    QuoteStale,
    TooBusy,
)
from lepta.processing.leaf import Recorded, parse_checkout_id

SHARD = 0
JSON = "application/json"

router = APIRouter(prefix="/v1/checkouts", tags=["till"], route_class=DirectRoute)

FORM = [
    parameter("explain", "query", {"type": "boolean", "default": True}, "Say why campaigns fired or not."),
    parameter(
        "width", "query",
        {"type": "integer", "minimum": MIN_WIDTH, "maximum": MAX_WIDTH, "default": WIDTH},
        "Columns of the printer.",
    ),
    parameter(
        "receipt", "query", {"type": "string", "enum": ["text", "escpos"], "default": "text"},
        "`escpos` adds the printer's bytes.",
    ),
    parameter(
        "Accept-Language", "header", {"type": "string"},
        "The receipt's language where the member has none of their own.",
    ),
]  # fmt: skip
KEY_HEADER = parameter(
    "Idempotency-Key", "header", {"type": "string", "maxLength": 255},
    "A name for this request; any decision is remembered under it, for ever.",
)  # fmt: skip
HIT = {"Idempotency-Hit": {"description": "`true` on a repeat.", "schema": {"type": "string"}}}


class UnknownCheckout(DomainError):
    """No such sale is recorded.

    If the sale was sent and its answer did not arrive, it is not recorded: send it again, unchanged.
    """

    code = "unknown-checkout"
    kind = Kind.NOT_FOUND

    def __init__(self) -> None:
        super().__init__("No such sale is recorded. If it was sent, send it again, unchanged.")


def _recorded_answers() -> dict[int | str, dict[str, Any]]:
    answers = bodies.answers(CheckoutAnswer, s201="Recorded.")
    answers |= bodies.answers(
        UnrecordedAnswer, s200="Recognised: the stored answer again; or a training receipt."
    )
    answers[200]["headers"] = HIT
    refusals = (
        KeyReused, InsufficientPoints, HoldMismatch, QuoteStale, NotSupported, TooManyLines, TooLarge, UnsupportedMediaType,
        TooBusy,
        Unauthenticated, Forbidden, RateLimited,
    )  # fmt: skip
    return {**documented(*refusals), **answers}


@router.post(
    "",
    status_code=201,
    response_model=None,
    responses=_recorded_answers(),
    openapi_extra={
        **SECURED,
        **bodies.reads(CheckoutBody),
        "parameters": [KEY_HEADER, *FORM],
    },
)  # fmt: skip
async def create_checkout(request: Request) -> Response:
    """Record a sale. Safe to send again: the first answer comes back with `Idempotency-Hit: true`.

    With `training` it is a training receipt: decided and answered (200) as if it were real, and nothing of it is
    recorded, counted or claimed.
    """
    till = await authorize(request, Scope.TILL)
    sale = read_sale(till, request.headers, request.query_params, await bodies.read(request))
    desk: TillDesk = request.app.state.till_desk
    reply = await desk.record(sale)
    headers = HIT_HEADER if reply.status == RECOGNISED and not sale.training else None
    return Response(reply.body, reply.status, headers, JSON)


PATH = router.prefix
"""Where sales are sent; their way is the express lane."""

lookups = APIRouter(prefix="/v1/checkouts", tags=["till"])
LOOKUP = documented(UnknownCheckout, Unauthenticated, Forbidden, RateLimited)
LOOKUP_EXTRA = {"parameters": FORM}


@lookups.get("/{checkout}", responses={**LOOKUP, **bodies.answers(CheckoutAnswer, s200="The stored answer.")},
             openapi_extra={**SECURED, **LOOKUP_EXTRA}, response_model=None)  # fmt: skip
async def read_checkout(request: Request, checkout: str) -> Response:
    """The stored answer of a sale."""
    till = await authorize(request, Scope.TILL)
    form = read_form(request.query_params, request.headers.get("accept-language"))
    place = parse_checkout_id(checkout)
    if place is None:
        raise UnknownCheckout
    running = runtime(request)
    async with running.database.read() as tx:
        recorded = await reading.by_index(tx, *place)
        if recorded is None or recorded.id != checkout:
            raise UnknownCheckout
        return await _stored(request, tx, recorded, till, form)


@lookups.get("", responses={**LOOKUP, **bodies.answers(CheckoutAnswer, s200="The stored answer.")},
             openapi_extra={**SECURED, **LOOKUP_EXTRA}, response_model=None)  # fmt: skip
async def find_checkout(
    principal: TillKey, request: Request, running: Running, key: Named
) -> Response:
    """What became of a sale, by the till's own name for it: to be asked after a time-out."""
    principal.require_till(key.store, key.till)
    wishes = {k: v for k, v in request.query_params.items() if k in {"explain", "width", "receipt"}}
    form = read_form(wishes, request.headers.get("accept-language"))
    async with running.database.read() as tx:
        recorded = await reading.by_natural_key(tx, SHARD, key)
        if recorded is None:
            raise UnknownCheckout
        return await _stored(request, tx, recorded, principal, form)


async def _stored(
    request: Request, tx: Tx, recorded: Recorded, till: Principal, form: Form
) -> Response:
    till.require_till(recorded.event.key.store, recorded.event.key.till)
    reader: reading.Reader = request.app.state.reader
    await reader.catch_up(tx, recorded.shard, recorded.event)
    await reader.know_rules(tx, recorded)
    shopper = await reading.shopper_of(tx, recorded)
    answers: Answers = request.app.state.stored_answers
    undone = await reading.undone_of(tx, recorded)
    voided = any(each.movement.kind == "void" for each in undone)
    answer = answers.checkout(
        recorded, shopper, form, replayed=True, voided=voided, returns=returns_of(undone)
    )
    return Response(answer, 200, HIT_HEADER, JSON)
