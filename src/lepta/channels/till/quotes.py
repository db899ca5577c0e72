"""A till's call before the sale is paid: what it would come to."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from lepta.channels.till.answers import Answers, read_form
from lepta.channels.till.api import FORM, JSON
from lepta.channels.till.models import QuoteAnswer
from lepta.channels.till.schemas import CheckoutBody, TooManyLines
from lepta.errors import InvalidRequest, NotSupported
from lepta.http import bodies
from lepta.http.auth import (
    SECURED,
    Forbidden,
    RateLimited,
    Scope,
    Unauthenticated,
    authorize,
    looking_up,
)
from lepta.http.direct import DirectRoute
from lepta.http.problems import TooLarge, UnsupportedMediaType, documented
from lepta.processing.events import Checkout, InsufficientPoints, QuoteStale
from lepta.processing.quoting import Quoting

router = APIRouter(prefix="/v1/quotes", tags=["till"], route_class=DirectRoute)
_REFUSALS = (
    InsufficientPoints, QuoteStale, NotSupported, TooManyLines, TooLarge, UnsupportedMediaType,
    Unauthenticated, Forbidden, RateLimited,
)  # fmt: skip


@router.post(
    "",
    response_model=None,
    responses={
        **documented(*_REFUSALS),
        **bodies.answers(QuoteAnswer, s200="What the sale would come to. Nothing is written."),
    },
    openapi_extra={**SECURED, **bodies.reads(CheckoutBody), "parameters": FORM},
)
async def create_quote(request: Request) -> Response:
    """Say what a sale would come to, what may be spent on it and what may be given. Nothing is written or claimed.

    The sale that names the quote while it is valid is decided by the rules of now, and as it says or not at all.
    The shopper's answers (`redeem`, `gifts`, `choice`) may be others then; the sequence is not looked at.
    """
    till = await authorize(request, Scope.TILL)
    body = await bodies.read(request)
    told = CheckoutBody.model_validate_json(body)
    event = _asked(told.to_event())
    till.require_till(event.key.store, event.key.till)
    form = read_form(request.query_params, request.headers.get("accept-language"))
    quoting: Quoting = request.app.state.quoting
    answers: Answers = request.app.state.stored_answers
    if event.card is None:
        made = await quoting.make(event)
    else:
        with looking_up(request, till) as lookup:
            made = await quoting.make(event)
            lookup.is_unknown = made.recorded.seen.card_status == "unknown"
    return Response(answers.quote(made, form, training=told.training), 200, media_type=JSON)


def _asked(event: Checkout) -> Checkout:
    """A quote is asked for while the till waits, and of no other quote."""
    if event.hold is not None:
        raise NotSupported("hold", "a quote of a sale that names a hold")
    faults = []
    if event.quote is not None:
        reason = "leave it out: a new quote does not rest on an old one"
        faults.append({"path": "quote", "reason": reason})
    if event.offline:
        reason = "leave it out: a sale that is over is sent to /v1/checkouts"
        faults.append({"path": "offline", "reason": reason})
    if faults:
        raise InvalidRequest(faults)
    return event
