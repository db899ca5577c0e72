"""HTTP on a real socket, to the last byte: a server for an application, and a client that promises nothing."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from typing import Any, Self

import uvicorn

from lepta.commands.serving import configure
from lepta.settings import Settings

PATIENCE_S = 20


@dataclass(frozen=True)
class Answer:
    """One answer; its headers in the order in which they came."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes

    def __getitem__(self, name: str) -> str:
        """The only header of that name."""
        (value,) = [value for key, value in self.headers if key == name]
        return value


def request(
    body: bytes = b"{}", *, to: str = "/v1/checkouts", method: str = "POST", **headers: str
) -> bytes:
    """A request as a plain client sends it; `x_request_id="a"` is a header."""
    told = {"host": "lepta.test", "content_length": str(len(body)), **headers}
    lines = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in told.items())
    return f"{method} {to} HTTP/1.1\r\n{lines}\r\n".encode("latin-1") + body


def split(raw: bytes) -> tuple[Answer | None, bytes]:
    """The first whole answer and what comes after it. Takes lengths at their word, so a lie is no answer."""
    head, end, rest = raw.partition(b"\r\n\r\n")
    if not end:
        return None, raw
    first, *lines = head.decode("latin-1").split("\r\n")
    version, status, _ = first.split(" ", 2)
    assert version == "HTTP/1.1", first
    headers = [(n.lower(), v) for n, _, v in (line.partition(": ") for line in lines)]
    answer = Answer(int(status), headers, b"")
    length = int(answer["content-length"])
    if len(rest) < length:
        return None, raw
    return replace(answer, body=rest[:length]), rest[length:]


class Wire:
    """A client's end of one connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self._unread = b""

    @classmethod
    async def to(cls, address: tuple[str, int]) -> Self:
        return cls(*await asyncio.open_connection(*address))

    def send(self, *pieces: bytes) -> Self:
        for piece in pieces:
            self._writer.write(piece)
        return self

    @property
    def is_closed(self) -> bool:
        """Whether the server has hung up, and said nothing more."""
        return self._reader.at_eof()

    async def drain(self) -> None:
        await self._writer.drain()

    async def answer(self) -> Answer:
        """The next one; fails if the server closes first."""
        async with asyncio.timeout(PATIENCE_S):
            while True:
                found, self._unread = split(self._unread)
                if found is not None:
                    return found
                more = await self._reader.read(65_536)
                assert more, f"closed after {self._unread!r}"
                self._unread += more

    async def ask(self, sent: bytes) -> Answer:
        return await self.send(sent).answer()

    async def rest(self) -> bytes:
        """All until the server closes."""
        async with asyncio.timeout(PATIENCE_S):
            with contextlib.suppress(ConnectionResetError):
                while more := await self._reader.read(65_536):
                    self._unread += more
        return self._unread

    async def leave(self) -> None:
        """Hang up at once, whatever is under way."""
        self._writer.transport.abort()
        with contextlib.suppress(ConnectionError):
            await self._writer.wait_closed()


class Served:
    """An application behind the server as the service runs it."""

    def __init__(self, server: uvicorn.Server, address: tuple[str, int]) -> None:
        self.server, self.address = server, address
        self._wires: list[Wire] = []

    async def wire(self) -> Wire:
        self._wires.append(await Wire.to(self.address))
        return self._wires[-1]

    async def ask(self, sent: bytes) -> Answer:
        """On a connection of its own."""
        wire = await self.wire()
        answer = await wire.ask(sent)
        await wire.leave()
        return answer

    def stop(self) -> None:
        """As SIGTERM does."""
        self.server.should_exit = True

    async def hang_up(self) -> None:
        for wire in self._wires:
            await wire.leave()


@contextlib.asynccontextmanager
async def served(app: Any, keep_alive_s: float = 5) -> AsyncIterator[Served]:
    """`app` on a free port of this machine, until the block ends; its lifespan is the server's."""
    config: Any = configure(Settings())
    config.app, config.timeout_keep_alive, config.port = (lambda: app), keep_alive_s, 0
    server = uvicorn.Server(config)
    running = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.wait({running}, timeout=0.01)
        assert not running.done(), running
    found = Served(server, server.servers[0].sockets[0].getsockname()[:2])
    try:
        yield found
    finally:
        await found.hang_up()
        found.stop()
        await running
