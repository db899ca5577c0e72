"""Endpoints that read their request themselves, past the framework's parameters."""

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import Response

Endpoint = Callable[[Request], Coroutine[Any, Any, Response]]


class DirectRoute(APIRoute):
    """Calls its endpoint with the request and nothing else; `openapi_extra` documents the rest."""

    def get_route_handler(self) -> Endpoint:
        """The endpoint itself."""
        endpoint: Endpoint = self.endpoint
        return endpoint


def parameter(
    name: str, where: str, schema: dict[str, Any], description: str, *, required: bool = False
) -> dict[str, Any]:
    """One parameter for `openapi_extra`."""
    return {
        "name": name, "in": where, "required": required, "schema": schema, "description": description,
    }  # fmt: skip
