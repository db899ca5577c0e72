"""Where every request comes in and every answer leaves: its id, its size, its headers, its crash."""

from time import perf_counter

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from lepta.errors import DomainError
from lepta.http.journal import Asked, Journal
from lepta.http.problems import ASKED, REFUSAL, REQUEST_ID, InternalError, TooLarge, render
from lepta.processing.events import TooBusy

BODY_LIMIT = 1 << 20
BATCH_LIMIT = 64 << 20
BATCH_PATH = "/v1/checkouts:batch"
LONG = 64 << 10
ROOM = 32 << 20
"""Bytes of bodies longer than `LONG` that are kept in memory at a time; batches lie on disk."""

NO_STORE = (b"cache-control", b"no-store")
NO_CONTENT = (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'")
ALWAYS = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
)
"""Headers of every answer; the two above stand in those that do not say otherwise."""


class Room:
    """What is left for long bodies."""

    def __init__(self) -> None:
        self.left = ROOM

    def take(self, size: int) -> None:
        """Set `size` bytes aside; raises `TooBusy` where there are not so many."""
        if size > self.left:
            raise TooBusy("Too many long bodies are being read.")
        self.left -= size


class _Exchange:
    """One request and its answer."""

    __slots__ = (
        "head",
        "held",
        "limit",
        "receive",
        "received",
        "request_id",
        "room",
        "send",
        "status",
    )

    def __init__(
        self, scope: Scope, receive: Receive, send: Send, request_id: str, room: Room
    ) -> None:
        self.receive, self.send = receive, send
        self.request_id, self.room = request_id, room
        self.held = 0
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
                *ALWAYS,
                (b"x-request-id", self.request_id.encode()),
            ]
            names = {name for name, _ in headers}
            headers += [own for own in (NO_STORE, NO_CONTENT) if own[0] not in names]
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
            if self.received > LONG and not self.held:
                self.hold(self.limit)
        return message

    def hold(self, size: int) -> None:
        """Keep room for a long body until it is answered; raises `TooBusy`."""
        if size > LONG and self.limit != BATCH_LIMIT:
            self.room.take(size)
            self.held = size


class Edge:
    """ASGI middleware around everything."""

    def __init__(self, app: ASGIApp, journal: Journal) -> None:
        self._app = app
        self._journal = journal
        self.room = Room()

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
        request_id = self._journal.request_id(given)
        scope[REQUEST_ID] = request_id
        exchange = _Exchange(scope, receive, send, request_id, self.room)
        if exchange.head:
            # HEAD is GET without the body (RFC 9110, 9.3.2). A copy: the server goes by what the client said.
            scope = {**scope, "method": "GET", ASKED: "HEAD"}
        try:
            await self._serve(scope, exchange, length)
        finally:
            self.room.left += exchange.held
            seconds = perf_counter() - started
            asked = _asked(scope, request_id)
            self._journal.record(asked, exchange.status, seconds, scope.get(REFUSAL))

    async def _serve(self, scope: Scope, exchange: _Exchange, length: bytes | None) -> None:
        """A body of announced length is refused before any of it is read; the server keeps clients to their word."""
        try:
            if length is None or not length.isdigit():
                await self._app(scope, exchange.count, exchange.answer)
            elif len(length) > len(str(BATCH_LIMIT)) or int(length) > exchange.limit:
                await _refuse(scope, exchange, TooLarge(exchange.limit))
            else:
                exchange.hold(int(length))
                await self._app(scope, exchange.receive, exchange.answer)
        except TooBusy as error:
            await _refuse(scope, exchange, error)
        except ClientDisconnect:
            return  # it left in the middle of its body: there is nobody to answer
        except Exception as error:  # noqa: BLE001 - whatever it is, the client gets a problem document
            await self._crashed(scope, exchange, error)

    async def _crashed(self, scope: Scope, exchange: _Exchange, error: Exception) -> None:
        self._journal.crashed(_asked(scope, exchange.request_id), error)
        if exchange.status:
            raise error  # the answer is half sent: the server can only cut the connection
        scope[REFUSAL] = InternalError.code
        await render(InternalError(), exchange.request_id)(scope, exchange.receive, exchange.answer)


async def _refuse(scope: Scope, exchange: _Exchange, error: DomainError) -> None:
    scope[REFUSAL] = error.code
    await render(error, exchange.request_id)(scope, exchange.receive, exchange.answer)


def _asked(scope: Scope, request_id: str) -> Asked:
    route = getattr(scope.get("route"), "path_format", None) or "(none)"
    return Asked(request_id, scope.get(ASKED, scope["method"]), route)
