"""A till's calls to take a sale back, or a part of it, and to ask what became of that."""

from typing import Annotated, Any

from fastapi import APIRouter, Path
from starlette.requests import Request
from starlette.responses import Response

from lepta.channels.till.answers import Form, read_form
from lepta.channels.till.api import FORM, HIT, JSON, KEY_HEADER, SHARD
from lepta.channels.till.desk import HIT_HEADER, idempotency_key
from lepta.channels.till.models import (
    ReturnAnswer,
    UnrecordedReturnAnswer,
    UnrecordedVoidAnswer,
    VoidAnswer,
)
from lepta.channels.till.named import Named
from lepta.channels.till.returns_desk import ReturnsDesk, Undoing, void_of
from lepta.channels.till.reversal_schemas import NamedVoidBody, ReturnBody, VoidBody
from lepta.channels.till.schemas import TooManyLines
from lepta.errors import DomainError, Kind
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
from lepta.http.deps import Running
from lepta.http.direct import DirectRoute
from lepta.http.problems import TooLarge, UnsupportedMediaType, documented
from lepta.processing import reading
from lepta.processing.acts import Void
from lepta.processing.events import KeyReused, NaturalKey, TooBusy, UnknownOriginal
from lepta.processing.leaf import parse_checkout_id
from lepta.processing.proration import OverReturn

router = APIRouter(prefix="/v1", tags=["till"], route_class=DirectRoute)
addressed = APIRouter(prefix="/v1", tags=["till"])

WISHES = [each for each in FORM if each["name"] != "explain"]
ANSWERS: dict[str, type[VoidAnswer | ReturnAnswer]] = {"void": VoidAnswer, "return": ReturnAnswer}
UNRECORDED: dict[str, type[UnrecordedVoidAnswer | UnrecordedReturnAnswer]] = {
    "void": UnrecordedVoidAnswer,
    "return": UnrecordedReturnAnswer,
}


class UnknownReversal(DomainError):
    """No such void or return is recorded.

    If it was sent and its answer did not arrive, it is not recorded: send it again, unchanged.
    """

    code = "unknown-reversal"
    kind = Kind.NOT_FOUND

    def __init__(self, kind: str) -> None:
        super().__init__(f"No such {kind} is recorded. If it was sent, send it again, unchanged.")


def _recorded(kind: str, *refusals: type[DomainError]) -> dict[int | str, dict[str, Any]]:
    answers = bodies.answers(ANSWERS[kind], s201="Recorded.")
    answers |= bodies.answers(
        UNRECORDED[kind], s200="Recognised: the stored answer again; or a training receipt."
    )
    answers[200]["headers"] = HIT
    always = (
        KeyReused, TooLarge, UnsupportedMediaType, TooBusy, Unauthenticated, Forbidden, RateLimited,
    )  # fmt: skip
    return {**documented(*refusals, *always), **answers}


def _stored(kind: str) -> dict[int | str, dict[str, Any]]:
    refusals = documented(UnknownReversal, Unauthenticated, Forbidden, RateLimited)
    return {**refusals, **bodies.answers(ANSWERS[kind], s200="The stored answer.")}


def _desk(request: Request) -> ReturnsDesk:
    desk: ReturnsDesk = request.app.state.returns_desk
    return desk


def _form(request: Request) -> Form:
    wishes = {k: v for k, v in request.query_params.items() if k in {"width", "receipt"}}
    return read_form(wishes, request.headers.get("accept-language"))


@addressed.post(
    "/checkouts/{checkout}/void",
    status_code=201,
    response_model=None,
    responses=_recorded("void", UnknownOriginal),
    openapi_extra={
        **SECURED,
        **bodies.reads(NamedVoidBody, required=False),
        "parameters": [
            KEY_HEADER,
            *WISHES,
        ],
    },
)
async def void_checkout(request: Request, checkout: str) -> Response:
    """Take back all that is left of a recorded sale, for good. Safe to send again."""
    till = await authorize(request, Scope.TILL)
    header, form = idempotency_key(request.headers), _form(request)
    told = NamedVoidBody()
    if await request.body():
        told = await bodies.parse(request, NamedVoidBody)
    desk = _desk(request)
    sale = await desk.sale(checkout)
    if sale is None:
        raise UnknownOriginal
    key = sale.event.key
    till.require_till(key.store, key.till)
    return await desk.record(Undoing(Void(key), told.training), header, form)


@router.post(
    "/voids",
    status_code=201,
    response_model=None,
    responses=_recorded("void"),
    openapi_extra={**SECURED, **bodies.reads(VoidBody), "parameters": [KEY_HEADER, *WISHES]},
)
async def create_void(request: Request) -> Response:
    """Take back a sale by its till's own name for it; it may arrive before the sale. Safe to send again."""
    till = await authorize(request, Scope.TILL)
    header, form = idempotency_key(request.headers), _form(request)
    act = void_of(till, await bodies.read(request))
    return await _desk(request).record(act, header, form)


@router.post(
    "/returns",
    status_code=201,
    response_model=None,
    responses=_recorded("return", OverReturn, UnknownOriginal, TooManyLines),
    openapi_extra={**SECURED, **bodies.reads(ReturnBody), "parameters": [KEY_HEADER, *WISHES]},
)
async def create_return(request: Request) -> Response:
    """Record goods that come back, from whatever store of the retailer they are. Safe to send again."""
    till = await authorize(request, Scope.TILL)
    header, form = idempotency_key(request.headers), _form(request)
    desk = _desk(request)
    act = await desk.return_of(till, await bodies.read(request))
    return await desk.record(act, header, form)


@addressed.get(
    "/voids/{void}",
    responses=_stored("void"),
    openapi_extra={"parameters": WISHES},
    response_model=None,
)
async def read_void(request: Request, void: str, running: Running, till: TillKey) -> Response:
    """The stored answer of a void."""
    return await _by_id(request, running, till, "void", void)


@addressed.get(
    "/returns/{return}",
    responses=_stored("return"),
    openapi_extra={"parameters": WISHES},
    response_model=None,
)
async def read_return(
    request: Request,
    return_: Annotated[str, Path(alias="return")],
    running: Running,
    till: TillKey,
) -> Response:
    """The stored answer of a return."""
    return await _by_id(request, running, till, "return", return_)


@addressed.get(
    "/voids",
    responses=_stored("void"),
    openapi_extra={"parameters": WISHES},
    response_model=None,
)
async def find_void(principal: TillKey, request: Request, running: Running, key: Named) -> Response:
    """What became of a sale's void, by the till's own name for the sale: to be asked after a time-out."""
    return await _by_key(request, running, principal, "void", key)


@addressed.get(
    "/returns",
    responses=_stored("return"),
    openapi_extra={"parameters": WISHES},
    response_model=None,
)
async def find_return(
    principal: TillKey, request: Request, running: Running, key: Named
) -> Response:
    """What became of a return, by the till's own name for it: to be asked after a time-out."""
    return await _by_key(request, running, principal, "return", key)


async def _by_id(
    request: Request, running: Running, till: Principal, kind: str, name: str
) -> Response:
    form, place = _form(request), parse_checkout_id(name)
    if place is None:
        raise UnknownReversal(kind)
    async with running.database.read() as tx:
        found = await reading.act_by_index(tx, *place, kind)
        if found is None or found.movement.id != name:
            raise UnknownReversal(kind)
        till.require_till(found.key.store, found.key.till)
        body = await _desk(request).answer(tx, found, form, replayed=True)
    return Response(body, 200, HIT_HEADER, JSON)


async def _by_key(
    request: Request, running: Running, principal: Principal, kind: str, key: NaturalKey
) -> Response:
    principal.require_till(key.store, key.till)
    form = _form(request)
    async with running.database.read() as tx:
        found = await reading.act_by_natural_key(tx, SHARD, kind, key)
        if found is None:
            raise UnknownReversal(kind)
        body = await _desk(request).answer(tx, found, form, replayed=True)
    return Response(body, 200, HIT_HEADER, JSON)
