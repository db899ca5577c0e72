"""Where every request comes in and every answer leaves: its id, its size, its headers, its log line, its crash."""

import re
from itertools import count
from secrets import token_hex
from time import perf_counter
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from lepta.http.metrics import Metrics
from lepta.http.problems import ASKED, REFUSAL, REQUEST_ID, InternalError, TooLarge, render
from lepta.logs import described

BODY_LIMIT = 1 << 20
BATCH_LIMIT = 64 << 20
BATCH_PATH = "/v1/checkouts:batch"
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
SLOW_S = 1.0
CLIENT_LEFT = 499
"""Status in log and metrics of a request whose client did not wait for the answer."""

_SANE_ID = re.compile(r"[A-Za-z0-9._-]{1,64}\Z", re.ASCII)

_NO_STORE = (b"cache-control", b"no-store")
_NO_CONTENT = (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'")
_ALWAYS = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
)


class _Exchange:
    """One request and its answer."""

    __slots__ = ("head", "limit", "receive", "received", "request_id", "send", "status")

    def __init__(self, scope: Scope, receive: Receive, send: Send, request_id: str) -> None:
        self.receive, self.send = receive, send
        self.request_id = request_id
        self.limit = BATCH_LIMIT if scope["path"] == BATCH_PATH else BODY_LIMIT
        self.head = scope["method"] == "HEAD"
        self.received = 0
        self.status = 0

    async def answer(self, message: Message) -> None:
        """Pass a part of the answer on, with the headers that every answer has."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = [
                *message.get("headers", ()),
                *_ALWAYS,
                (b"x-request-id", self.request_id.encode()),
            ]
            names = {name for name, _ in headers}
            if b"cache-control" not in names:
                headers.append(_NO_STORE)
            if b"content-security-policy" not in names:
                headers.append(_NO_CONTENT)
            message["headers"] = headers
        elif self.head:
            message["body"] = b""
        await self.send(message)

    async def count(self) -> Message:
        """The next part of a body whose length nobody announced; refused once it is too long."""
        message = await self.receive()
        if message["type"] == "http.request":
            self.received += len(message.get("body", b""))
            if self.received > self.limit:
                raise TooLarge(self.limit)
        return message


class Edge:
    """ASGI middleware around everything; `log` gets one line a request, `metrics` one observation.

    `quiet`: no line for what was done in time. A sale stands in the ledger and is counted; at hundreds a second
    its line would bury those that matter.
    """

    def __init__(self, app: ASGIApp, log: Any, metrics: Metrics, *, quiet: bool = False) -> None:
        self._app = app
        self._quiet = quiet
        self._log = log
        self._metrics = metrics
        self._prefix = token_hex(4)
        self._numbers = count(1)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request; anything else passes through."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = perf_counter()
        given, length = None, None
        for name, value in scope["headers"]:
            if name == b"content-length":
                length = value
            elif name == b"x-request-id":
                given = value.decode("latin-1")
        sane = given is not None and _SANE_ID.match(given)
        request_id = given if given and sane else f"{self._prefix}-{next(self._numbers):x}"
        scope[REQUEST_ID] = request_id
        exchange = _Exchange(scope, receive, send, request_id)
        if exchange.head:
            # HEAD is GET without the body (RFC 9110, 9.3.2). A copy: the server goes by what the client said.
            scope = {**scope, "method": "GET", ASKED: "HEAD"}
        try:
            await self._serve(scope, exchange, length)
        finally:
            self._record(scope, exchange, perf_counter() - started)

    async def _serve(self, scope: Scope, exchange: _Exchange, length: bytes | None) -> None:
        """A body of announced length is refused before any of it is read; the server keeps clients to their word."""
        try:
            if length is None or not length.isdigit():
                await self._app(scope, exchange.count, exchange.answer)
            elif len(length) > len(str(BATCH_LIMIT)) or int(length) > exchange.limit:
                scope[REFUSAL] = TooLarge.code
                too_large = render(TooLarge(exchange.limit), exchange.request_id)
                await too_large(scope, exchange.receive, exchange.answer)
            else:
                await self._app(scope, exchange.receive, exchange.answer)
        except Exception as error:  # noqa: BLE001 - whatever it is, the client gets a problem document
            await self._crashed(scope, exchange, error)

    async def _crashed(self, scope: Scope, exchange: _Exchange, error: Exception) -> None:
        self._log.error(
            "crash", request=exchange.request_id, route=_route(scope), **described(error)
        )
        if exchange.status:
            raise error  # the answer is half sent: the server can only cut the connection
        scope[REFUSAL] = InternalError.code
        await render(InternalError(), exchange.request_id)(scope, exchange.receive, exchange.answer)

    def _record(self, scope: Scope, exchange: _Exchange, seconds: float) -> None:
        route = _route(scope)
        method = scope.get(ASKED, scope["method"])
        method = method if method in METHODS else "other"
        status = exchange.status or CLIENT_LEFT
        self._metrics.observe(route, method, status, seconds)
        if self._quiet and status < 300 and seconds < SLOW_S:
            return
        told: dict[str, Any] = {
            "request": exchange.request_id,
            "method": method,
            "route": route,
            "status": status,
            "ms": round(seconds * 1000, 2),
        }
        if REFUSAL in scope:
            told["refusal"] = scope[REFUSAL]
        self._log.info("request", **told)


def _route(scope: Scope) -> str:
    """The template, never the path: a path may name a card."""
    found = scope.get("route")
    return getattr(found, "path_format", None) or "(none)"
