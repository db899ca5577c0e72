"""A till's call after it was offline: all that it has stored, in one request."""

from contextlib import ExitStack

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Send
from starlette.types import Scope as Asked

from lepta.channels.till.answers import read_form
from lepta.channels.till.api import FORM, JSON
from lepta.channels.till.batch_desk import BatchDesk, Caller, written
from lepta.channels.till.batch_items import BatchAnswer, BatchBody
from lepta.http import bodies
from lepta.http.auth import (
    SECURED,
    Forbidden,
    RateLimited,
    Scope,
    Unauthenticated,
    authorize,
)
from lepta.http.direct import DirectRoute
from lepta.http.edge import BATCH_PATH
from lepta.http.problems import TooLarge, UnsupportedMediaType, documented
from lepta.http.spool import NoRoom
from lepta.processing.events import TooBusy

router = APIRouter(tags=["till"], route_class=DirectRoute)

REFUSALS = (
    TooLarge, UnsupportedMediaType, TooBusy, NoRoom, Unauthenticated, Forbidden, RateLimited,
)  # fmt: skip


class _Answering(StreamingResponse):
    """An answer on its way, and what is given back when it has arrived or its client has left."""

    held: ExitStack

    async def __call__(self, scope: Asked, receive: Receive, send: Send) -> None:
        with self.held:
            await super().__call__(scope, receive, send)


@router.post(
    BATCH_PATH,
    response_model=None,
    responses={
        **documented(*REFUSALS),
        **bodies.answers(BatchAnswer, s200="What became of each item, in order."),
    },
    openapi_extra={**SECURED, **bodies.reads(BatchBody), "parameters": FORM},
)
async def create_batch(request: Request) -> Response:
    """Record what a till has stored while it was offline, at most 10,000 items and 64 MiB. Safe to send again.

    Each item is answered with the status and the body that it would get alone; a bad one does not stop the others.
    They are decided in their order, so that a void may follow its sale. `offline` is what each item says itself.
    The array is read to its end first: one that is cut off, or has too many items, is refused as a whole, before
    anything is recorded. Items are known by their own names, an `Idempotency-Key` has no meaning here.
    """
    till = await authorize(request, Scope.TILL)
    form = read_form(request.query_params, request.headers.get("accept-language"))
    bodies.check_type(request.headers.get("content-type", ""))
    desk: BatchDesk = request.app.state.batch_desk
    with ExitStack() as stack:
        spool = stack.enter_context(desk.taking())
        await spool.take_in(request)
        outcomes = desk.outcomes(spool, Caller(request, till, form))
        answer = _Answering(written(outcomes), media_type=JSON)
        answer.held = stack.pop_all()
    return answer
