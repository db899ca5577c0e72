"""Refusals as problem documents (RFC 9457): the only module that knows both refusals and HTTP."""

import re
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any, ClassVar

import asyncpg
import orjson
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match
from starlette.types import ExceptionHandler

from lepta.errors import DomainError, InvalidRequest, Kind, title

MEDIA_TYPE = "application/problem+json"
REQUEST_ID = "lepta.request_id"
"""Where the edge leaves the request's id in the ASGI scope."""
ASKED = "lepta.method"
"""Where the edge leaves the method, if it was another than the one in the ASGI scope."""
REFUSAL = "lepta.refusal"
"""Where the slug of a refusal stands in the ASGI scope, for the log."""

STATUS = {
    Kind.UNAUTHENTICATED: 401,
    Kind.FORBIDDEN: 403,
    Kind.NOT_FOUND: 404,
    Kind.CONFLICT: 409,
    Kind.STALE: 412,
    Kind.TOO_LARGE: 413,
    Kind.REFUSED: 422,
    Kind.UNCONDITIONAL: 428,
    Kind.TOO_MANY: 429,
    Kind.BUSY: 503,
}
MAX_ERRORS = 20
"""Faults that a problem document lists; `more` in it counts the others."""
RETRY_AFTER_S = 1
"""When to come back, where a refusal does not say."""


class Problem(BaseModel):
    """A problem document (RFC 9457). Each type has members of its own beside these."""

    model_config = ConfigDict(extra="allow")

    type: str = Field(description="`/problems/<slug>`, served as a page; branch on this.")
    title: str
    status: int
    detail: str = Field(description="What happened, why, and what to do next.")
    instance: str = Field(description="The request's id, also in the header `X-Request-ID`.")


class ProtocolError(DomainError):
    """A refusal of HTTP itself, whose status no kind stands for."""

    status: ClassVar[int]


class NoSuchAddress(ProtocolError):
    """Nothing is at this address.

    No endpoint has this path. Check the address; `/docs` lists them all.
    """

    code = "no-such-address"
    status = 404

    def __init__(self) -> None:
        super().__init__("Nothing is at this address. Check it against /docs.")


class MethodNotAllowed(ProtocolError):
    """The address does not take this method.

    The header `Allow` and the member `allow` name the methods it takes.
    """

    code = "method-not-allowed"
    status = 405

    def __init__(self, method: str, allow: list[str]) -> None:
        super().__init__(f"{method} cannot be used here. Use {' or '.join(allow)}.", allow=allow)


class UnsupportedMediaType(ProtocolError):
    """The body is of a type that is not read here.

    Bodies are JSON in UTF-8: send them with `Content-Type: application/json`.
    """

    code = "unsupported-media-type"
    status = 415

    def __init__(self, given: str) -> None:
        shown = f"not {given!r}" if given else "and name it"
        super().__init__(f"Send the body as application/json in the header Content-Type, {shown}.")


class TooLarge(DomainError):
    """The body is too large.

    The member `limit` says how much a body may have here, and `of` of what: bytes, containers (objects and
    lists), fields, or commas. Send less at once.
    """

    code = "too-large"
    kind = Kind.TOO_LARGE

    def __init__(self, limit: int, of: str = "bytes") -> None:
        super().__init__(
            f"A body may have {limit:,} {of} here. Send less at once.", limit=limit, of=of
        )


class Unavailable(DomainError):
    """The database cannot be reached.

    Nothing was read or changed, or what was changed is not known. Send the same request again after the
    seconds that `Retry-After` says; a sale sent again counts once.
    """

    code = "unavailable"
    kind = Kind.BUSY

    def __init__(self) -> None:
        super().__init__(
            "The database cannot be reached just now. Send the same request again shortly."
        )


class InternalError(ProtocolError):
    """Lepta made a mistake.

    It is logged under the request's id, the member `instance`: tell it to whoever runs this service. Whether
    anything was recorded is not known: sending the same sale again is safe, it counts once.
    """

    code = "internal-error"
    status = 500

    def __init__(self) -> None:
        super().__init__(
            "A fault of the service, logged under this request's id. Sending again is safe."
        )


class OtherStatus(ProtocolError):
    """The request could not be served.

    The member `status` and the title say why.
    """

    code = "about-blank"
    status = 500


def status_of(error: type[DomainError]) -> int:
    """The HTTP status that a refusal is answered with."""
    return error.status if issubclass(error, ProtocolError) else STATUS[error.kind]


def render(error: DomainError, request_id: str) -> Response:
    """The answer that refuses: problem document and the headers its status asks for."""
    status = status_of(type(error))
    members = dict(error.members)
    _shorten(members)
    headers = {}
    if status in {429, 503}:
        headers["Retry-After"] = str(members.setdefault("retry_after_s", RETRY_AFTER_S))
    if status == HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = 'Bearer realm="lepta"'
    if isinstance(error, MethodNotAllowed):
        headers["Allow"] = ", ".join(members["allow"])
    document = {
        "type": f"/problems/{error.code}",
        "title": title(type(error)),
        "status": status,
        "detail": str(error),
        "instance": request_id,
        **members,
    }
    return Response(orjson.dumps(document), status, headers, MEDIA_TYPE)


def _shorten(members: dict[str, Any]) -> None:
    """List the first faults and count the others: nobody mends hundreds of them at once."""
    errors = members.get("errors", ())
    if len(errors) > MAX_ERRORS:
        members["errors"] = errors[:MAX_ERRORS]
        members["more"] = len(errors) - MAX_ERRORS


def _answer(request: Request, error: DomainError) -> Response:
    request.scope[REFUSAL] = error.code
    return render(error, request.scope.get(REQUEST_ID, ""))


async def refused(request: Request, error: Exception) -> Response:
    """An expected refusal."""
    assert isinstance(error, DomainError)
    return _answer(request, error)


async def invalid(request: Request, error: Exception) -> Response:
    """A parameter or body that is not what the endpoint takes."""
    assert isinstance(error, RequestValidationError | ValidationError)
    if isinstance(error, RequestValidationError):
        return _answer(request, invalid_request(error.errors(), parameters=True))
    if error.error_count() > _MAX_READ:
        return _answer(request, _hopeless(error.error_count()))
    return _answer(request, invalid_request(error.errors(include_url=False)))


def _hopeless(faults: int) -> InvalidRequest:
    """For what must be another document: to make a value of each fault would take longer than all else."""
    reason = f"has {faults:,} faults, too many to name: check that this is the document meant"
    return InvalidRequest([{"path": "", "reason": reason}])


async def protocol_error(request: Request, error: Exception) -> Response:
    """What the router itself refuses."""
    assert isinstance(error, HTTPException)
    if error.status_code == HTTPStatus.NOT_FOUND:
        return _answer(request, NoSuchAddress())
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        method = request.scope.get(ASKED, request.method)
        return _answer(request, MethodNotAllowed(method, _allowed(request)))
    status = HTTPStatus(error.status_code)
    document = {
        "type": "about:blank",
        "title": status.phrase,
        "status": status,
        "detail": str(error.detail),
        "instance": request.scope.get(REQUEST_ID, ""),
    }
    return Response(orjson.dumps(document), status, error.headers, MEDIA_TYPE)


def _allowed(request: Request) -> list[str]:
    """Every method of every route with this path; the router itself knows only the first one's."""
    matching = [
        route for route in request.app.routes if route.matches(request.scope)[0] is not Match.NONE
    ]
    methods = {method for route in matching for method in getattr(route, "methods", None) or ()}
    return sorted(methods | {"HEAD"} if "GET" in methods else methods)


async def database_failed(request: Request, error: Exception) -> Response:
    """A lost or refused connection is nobody's fault here; any other error of the database is a bug."""
    if not is_connection_lost(error):
        raise error
    return _answer(request, Unavailable())


# Class 08: connection exception; 57P: operator intervention; 53: out of connections, memory or disk.
_LOST = ("08", "57P", "53")


def is_connection_lost(error: BaseException | None) -> bool:
    """Whether the database was not there, rather than asked something wrong."""
    while error is not None:
        if isinstance(error, OSError | PoolTimeoutError | asyncpg.InterfaceError):
            return True
        if isinstance(error, DBAPIError) and error.connection_invalidated:
            return True
        if (getattr(error, "sqlstate", None) or "").startswith(_LOST):
            return True
        error = error.__cause__
    return False


async def handled(
    handlers: Mapping[Any, ExceptionHandler], request: Request, error: Exception
) -> Response:
    """The answer of the handler that is for `error`; raises it again where there is none: it is a bug."""
    for kind in type(error).__mro__:
        handler: Any = handlers.get(kind)
        if handler is not None:
            answered = handler(request, error)
            return answered if isinstance(answered, Response) else await answered
    raise error


HANDLERS: Mapping[Any, ExceptionHandler] = {
    DomainError: refused,
    RequestValidationError: invalid,
    ValidationError: invalid,
    HTTPException: protocol_error,
    **dict.fromkeys(
        (DBAPIError, PoolTimeoutError, OSError, asyncpg.PostgresError, asyncpg.InterfaceError),
        database_failed,
    ),
}


_MAX_READ = 5_000
_MAX_PATH = 200
_FIELD_FIRST = re.compile(r"([a-z]\w*(?:\.\w+)*): (.+)", re.ASCII | re.DOTALL)

# Pydantic's words, for people who never heard of it.
_REASONS = {
    "missing": "is required",
    "extra_forbidden": "is not a field of this document",
    "string_type": "must be a string",
    "int_type": "must be an integer",
    "int_parsing": "must be an integer",
    "int_from_float": "must be an integer",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "list_type": "must be a list",
    "tuple_type": "must be a list",
    "dict_type": "must be an object",
    "model_type": "must be an object",
    "model_attributes_type": "must be an object",
    "none_required": "must be null",
    "too_short": "must not be empty: fill it in",
    "string_pattern_mismatch": "has characters that are not allowed here",
    "date_from_datetime_parsing": 'must be a date such as "2026-11-22"',
    "date_parsing": 'must be a date such as "2026-11-22"',
    "date_type": 'must be a date such as "2026-11-22"',
    "datetime_type": 'must be a time such as "2026-11-22T18:15:03+07:00"',
    "datetime_parsing": 'must be a time such as "2026-11-22T18:15:03+07:00"',
    "datetime_from_date_parsing": 'must be a time such as "2026-11-22T18:15:03+07:00"',
    "timezone_aware": "must name its offset, such as +07:00",
}


def invalid_request(
    errors: Iterable[ErrorDetails] | Iterable[Any], *, parameters: bool = False
) -> InvalidRequest:
    """Pydantic's findings, each as the place in the document and a reason that people understand.

    `parameters`: they are about the address and headers, so places start with where the parameter stands.
    """
    found = list(errors)
    if any(error["type"] == "too_short" for error in found):
        # A list whose only items are faulty is not empty as well.
        inside = {error["loc"][:n] for error in found for n in range(len(error["loc"]))}
        found = [e for e in found if e["type"] != "too_short" or e["loc"] not in inside]
    return InvalidRequest([_found(error, parameters=parameters) for error in found])


def _found(error: Any, *, parameters: bool) -> dict[str, str]:
    place = ".".join(map(str, error["loc"][1:] if parameters else error["loc"]))[:_MAX_PATH]
    kind, message = error["type"], error["msg"]
    if kind == "json_invalid":
        return {"path": "", "reason": f"is not JSON: {error['ctx']['error']}"}
    if kind in {"value_error", "assertion_error"}:
        message = message.partition(", ")[2] or message
        if named := _FIELD_FIRST.fullmatch(message):
            return {"path": f"{place}.{named[1]}" if place else named[1], "reason": named[2]}
    if kind == "literal_error":
        return {"path": place, "reason": f"must be {error['ctx']['expected']}"}
    shown = _REASONS.get(kind) or message[:1].lower() + message[1:]
    return {"path": place, "reason": shown}


def documented(*refusals: type[DomainError]) -> dict[int | str, dict[str, Any]]:
    """`responses=` for an endpoint, so that the OpenAPI file names every refusal it can give."""
    lines: dict[int, list[str]] = {}
    every: tuple[type[DomainError], ...] = (InvalidRequest, *refusals)
    for error in every:
        lines.setdefault(status_of(error), []).append(f"`{error.code}`: {title(error)}.")
    schema = {"x-component": Problem.__name__, **Problem.model_json_schema()}
    content = {MEDIA_TYPE: {"schema": schema}}
    return {s: {"description": " ".join(ls), "content": content} for s, ls in sorted(lines.items())}


def every_refusal() -> dict[str, type[DomainError]]:
    """All refusals of the code base by slug, for their pages."""
    found: dict[str, type[DomainError]] = {}
    waiting: list[type[DomainError]] = [DomainError]
    while waiting:
        for error in waiting.pop().__subclasses__():
            waiting.append(error)
            if "code" in error.__dict__:
                found.setdefault(error.code, error)
    return dict(sorted(found.items()))
