"""What the contract names and this version does not do yet: asked for, it says so."""

import re
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from lepta.errors import DomainError, NotSupported
from lepta.http.auth import SECURED, Forbidden, RateLimited, Scope, Unauthenticated, authorize
from lepta.http.direct import parameter
from lepta.http.problems import documented

router = APIRouter()


class Later(NamedTuple):
    """An address that a coming version serves."""

    method: str
    path: str
    tag: str
    scope: Scope
    what: str


LATER = (
    Later("GET", "/v1/statements/{party}", "centre", Scope.STATEMENTS, "a statement"),
    Later("POST", "/v1/reconciliations", "centre", Scope.SETTLEMENT, "a reconciliation"),
    Later(
        "GET",
        "/v1/reconciliations/{reconciliation}",
        "centre",
        Scope.SETTLEMENT,
        "a reconciliation",
    ),
    Later("POST", "/v1/settlements", "centre", Scope.SETTLEMENT, "a settlement"),
    Later("GET", "/v1/settlements/{settlement}", "centre", Scope.SETTLEMENT, "a settlement"),
)


class NotBuilt(NotSupported):
    """Something the contract names that this version does not do yet."""

    def __init__(self, what: str) -> None:
        DomainError.__init__(
            self, f"{what.capitalize()} is not supported by this version. Nothing was recorded."
        )


def _refusing(one: Later) -> Callable[[Request], Awaitable[Response]]:
    async def refuse(request: Request) -> Response:
        await authorize(request, one.scope)
        raise NotBuilt(one.what)

    refuse.__doc__ = f"Not supported by this version: {one.what}."
    return refuse


def _parameters(path: str) -> list[dict[str, Any]]:
    names = re.findall(r"\{(\w+)", path)
    return [parameter(name, "path", {"type": "string"}, "", required=True) for name in names]


for _one in LATER:
    router.add_api_route(
        _one.path,
        _refusing(_one),
        methods=[_one.method],
        tags=[_one.tag],
        name=f"later_{_one.method}_{_one.path.replace(':path', '')}",
        summary="Not supported yet",
        status_code=422,
        response_model=None,
        responses=documented(NotSupported, Unauthenticated, Forbidden, RateLimited),
        openapi_extra={**SECURED, "parameters": _parameters(_one.path)},
    )
