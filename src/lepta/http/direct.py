"""Endpoints of the hot path: they read their request themselves, and the framework's layers are left out.

FastAPI still knows such a route, for its description and for whoever comes in another way; but solving its
parameters and passing some nine layers would cost a third of what a whole sale may cost.
"""

from collections.abc import Callable, Coroutine, Mapping
from typing import Any

from fastapi import FastAPI
from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, ExceptionHandler, Receive, Scope, Send

Endpoint = Callable[[Request], Coroutine[Any, Any, Response]]


class DirectRoute(APIRoute):
    """Calls its endpoint with the request and nothing else; `openapi_extra` documents the rest."""

    def get_route_handler(self) -> Endpoint:
        """The endpoint itself."""
        endpoint: Endpoint = self.endpoint
        return endpoint


class Direct:
    """One route as an ASGI application: refusals become problem documents as everywhere."""

    def __init__(self, route: DirectRoute, handlers: Mapping[Any, ExceptionHandler]) -> None:
        self._route = route
        self._endpoint = route.get_route_handler()
        self._handlers = handlers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; raises what no handler is for."""
        scope["route"] = self._route
        request = Request(scope, receive, send)
        try:
            response = await self._endpoint(request)
        except Exception as error:
            handler = self._handler(error)
            if handler is None:
                raise
            answered = handler(request, error)
            response = answered if isinstance(answered, Response) else await answered
        await response(scope, receive, send)

    def _handler(self, error: Exception) -> Any:
        """For the error's class or the nearest above it."""
        return next((h for c in type(error).__mro__ if (h := self._handlers.get(c))), None)


class Application(FastAPI):
    """The application, with a way past the framework for one method at one path."""

    shortcut: tuple[str, str, ASGIApp] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Take the shortcut where there is one."""
        if self.shortcut is not None and scope["type"] == "http":
            method, path, app = self.shortcut
            if scope["path"] == path and scope["method"] == method:
                scope["app"] = self
                await app(scope, receive, send)
                return
        await super().__call__(scope, receive, send)


def parameter(
    name: str, where: str, schema: dict[str, Any], description: str, *, required: bool = False
) -> dict[str, Any]:
    """One parameter for `openapi_extra`."""
    return {
        "name": name, "in": where, "required": required, "schema": schema, "description": description,
    }  # fmt: skip
