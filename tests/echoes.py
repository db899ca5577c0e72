"""An application that answers with what it is sent, its express lane, and a connection to it."""

import asyncio
import io
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import uvicorn
from starlette.types import Receive, Scope, Send

from lepta.commands.serving import configure
from lepta.errors import InvalidRequest
from lepta.http.express import Answer, Call, Lane, Reply
from lepta.http.journal import Journal
from lepta.http.metrics import Metrics
from lepta.http.problems import HANDLERS
from lepta.http.protocol import Protocol
from lepta.logs import json_log
from lepta.processing.events import TooBusy
from lepta.settings import Settings
from wires import PATIENCE_S, Wire

LANE, ORDINARY, HELD, DECLINED = "/echo", "/other", "/echo?held", "/echo?declined"
FULL = "/echo?full"


class Echo:
    """An application and its lane's desk: both answer with the body."""

    def __init__(self) -> None:
        self.log = io.BytesIO()
        self.lane = Lane(self, LANE, Journal(json_log(self.log), Metrics()), HANDLERS)
        self.lane.desk = self
        self.taken: list[bytes] = []
        self.held: list[tuple[Answer, Reply]] = []
        self.let_go = asyncio.Event()

    def take(self, call: Call, answer: Answer) -> bool:
        if call.query == "declined":
            return False
        self.taken.append(call.body)
        if call.query == "refused":
            raise InvalidRequest([{"path": "", "reason": "so"}])
        if call.query == "full":
            raise TooBusy("Too many.")
        if call.query == "crash":
            raise ValueError("card 2900000000018")
        reply = Reply(201, b"content-type: text/plain\r\n", call.body)
        if call.query == "held":
            self.held.append((answer, reply))
        else:
            asyncio.get_running_loop().call_soon(answer, reply)
        return True

    def release(self) -> None:
        answer, reply = self.held.pop(0)
        answer(reply)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        body, more = b"", True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            body, more = body + message["body"], message["more_body"]
        if scope["query_string"] == b"held":
            await self.let_go.wait()
        length = (b"content-length", b"%d" % len(body))
        await send({"type": "http.response.start", "status": 200, "headers": [length]})
        await send({"type": "http.response.body", "body": body})


class Line:
    """A connection to an `Echo`: its protocol, and the client's end of it."""

    def __init__(self, echo: Echo, protocol: Any, wire: Wire) -> None:
        self.echo, self.protocol, self.wire = echo, protocol, wire

    async def feed(self, piece: bytes) -> None:
        """Hand over exactly this piece, as soon as the protocol reads."""
        await self.until(self.protocol.transport.is_reading)
        if not self.protocol.transport.is_closing():
            self.protocol.data_received(piece)

    async def until(self, condition: Any) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while not condition():  # noqa: ASYNC110 - nobody tells when it comes to be
                await asyncio.sleep(0)

    @property
    def is_open(self) -> bool:
        return not self.protocol.transport.is_closing()


@asynccontextmanager
async def line(keep_alive_s: float = 5, send_buffer: int | None = None) -> AsyncIterator[Line]:
    echo, loop = Echo(), asyncio.get_running_loop()
    config: Any = configure(Settings())
    config.app, config.timeout_keep_alive = (lambda: echo), keep_alive_s
    config.load()
    state = uvicorn.Server(config).server_state
    state.default_headers = [(b"date", b"today")]
    ours, theirs = socket.socketpair()
    if send_buffer is not None:
        ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, send_buffer)
    transport, protocol = await loop.connect_accepted_socket(
        lambda: Protocol(config, state, {}), ours
    )
    found = Line(echo, protocol, Wire(*await asyncio.open_connection(sock=theirs)))
    try:
        yield found
    finally:
        await found.wire.leave()
        transport.abort()
        echo.let_go.set()
        await asyncio.gather(*state.tasks)
        await asyncio.sleep(0)
