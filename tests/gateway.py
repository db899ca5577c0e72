"""A gateway between services and their PostgreSQL that reads along, and stops a connection at a chosen message.

It knows of the wire protocol what that takes: where messages begin and end, which statement a Bind is of, which
backend answers. What becomes of a connection that it has stopped is the test's to say.
"""

import asyncio
import contextlib
import dataclasses
from collections.abc import AsyncIterator
from enum import Enum
from typing import NamedTuple

from lepta.db import Address
from lepta.processing import sql

ENCRYPT = {80_877_103, 80_877_104}
"""Requests before the first message: answered with one byte."""
READY, KEY = b"Z", b"K"
QUERY, PARSE, BIND = b"Q", b"P", b"B"
GONE = (ConnectionError, asyncio.IncompleteReadError)
STATEMENTS = {
    b"BEGIN": "BEGIN",
    b"COMMIT": "COMMIT",
    sql.LOCK_HEAD.encode(): "lock",
    sql.READ_LEDGER.encode(): "read",
    sql.APPEND.encode(): "append",
}
"""What the writer says in a batch; nobody else says it in just these words."""


class Until(Enum):
    """How far a message gets."""

    HELD = "sent, not forwarded"
    UNANSWERED = "forwarded, its answer held back"
    ANSWERED = "answered"


class Step(NamedTuple):
    """A place in a batch."""

    statement: str
    until: Until


STEPS = {
    "before BEGIN": Step("BEGIN", Until.HELD),
    "after the lock": Step("lock", Until.ANSWERED),
    "after the reads": Step("read", Until.ANSWERED),
    "append sent": Step("append", Until.UNANSWERED),
    "COMMIT not forwarded": Step("COMMIT", Until.HELD),
    "COMMIT forwarded": Step("COMMIT", Until.UNANSWERED),
    "COMMIT answered": Step("COMMIT", Until.ANSWERED),
}


class End:
    """One end of a connection: reads whole messages, writes any."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    async def exactly(self, size: int) -> bytes:
        return await self._reader.readexactly(size)

    async def message(self) -> bytes:
        """Its type, its length, the rest."""
        head = await self.exactly(5)
        return head + await self.exactly(int.from_bytes(head[1:]) - 4)

    async def greeting(self) -> tuple[int, bytes]:
        """A first message, which has no type: its code, and all of it."""
        head = await self.exactly(8)
        return int.from_bytes(head[4:]), head + await self.exactly(int.from_bytes(head[:4]) - 8)

    def write(self, data: bytes) -> None:
        self._writer.write(data)

    def reset(self) -> None:
        self._writer.transport.abort()


class Link:
    """One connection between a service and the server."""

    def __init__(self, gateway: "Gateway", client: End, server: End) -> None:
        self._gateway, self._client, self._server = gateway, client, server
        self._names: dict[bytes, str] = {}
        self._go, self._over = asyncio.Event(), asyncio.Event()
        self._go.set()
        self._awaited: Until | None = None
        self.backend_pid = 0
        self._silent = False

    def hold(self) -> None:
        """Let nothing through, either way, until `go_on`. What is held arrives late, whoever has gone meanwhile."""
        self._go.clear()

    def go_on(self) -> None:
        """Let through what was held back."""
        self._go.set()

    def silence(self) -> None:
        """Lose all packets from now on: neither end hears of the other again, not even that it has gone."""
        self.hold()
        self._silent = True

    def cut(self) -> None:
        """Reset both ends; what was held is lost."""
        self._over.set()
        self._client.reset()
        self._server.reset()

    async def run(self) -> None:
        """Pass on until one end has gone."""
        await self._greet()
        both = {asyncio.create_task(self._forth()), asyncio.create_task(self._back())}
        over = asyncio.create_task(self._over.wait())
        try:
            await asyncio.wait({*both, over}, return_when=asyncio.FIRST_COMPLETED)
            if self._silent:
                await over
        finally:
            for task in (*both, over):
                task.cancel()
            self.cut()

    async def _greet(self) -> None:
        while True:
            code, message = await self._client.greeting()
            await self._go.wait()
            self._server.write(message)
            if code not in ENCRYPT:
                return
            self._client.write(await self._server.exactly(1))

    async def _forth(self) -> None:
        with contextlib.suppress(*GONE):
            while True:
                message = await self._client.message()
                statement = self._statement(message)
                if statement == "COMMIT":
                    await self._gateway.committing()
                until = self._gateway.due(statement)
                if until is Until.HELD:
                    self._stop()
                elif until is not None:
                    self._awaited = until
                await self._go.wait()
                self._server.write(message)

    async def _back(self) -> None:
        with contextlib.suppress(*GONE):
            while True:
                message = await self._server.message()
                if message[:1] == KEY:
                    self.backend_pid = int.from_bytes(message[5:9])
                if self._awaited is Until.UNANSWERED:
                    message = await self._whole_answer(message)
                    self._stop()
                await self._go.wait()
                self._client.write(message)
                if message[:1] == READY and self._awaited is Until.ANSWERED:
                    self._stop()

    async def _whole_answer(self, first: bytes) -> bytes:
        answer, last = first, first
        while last[:1] != READY:
            last = await self._server.message()
            answer += last
        return answer

    def _stop(self) -> None:
        self._awaited = None
        self.hold()
        self._gateway.stopped(self)

    def _statement(self, message: bytes) -> str | None:
        """Which of the writer's statements a message begins; remembers the names of prepared ones."""
        kind = message[:1]
        if kind == QUERY:
            return STATEMENTS.get(message[5:-1])
        if kind == PARSE:
            name, query, _ = message[5:].split(b"\0", 2)
            self._names[name] = STATEMENTS.get(query, "")
        if kind == BIND:
            return self._names.get(message[5:].split(b"\0", 2)[1])
        return None


class Gateway:
    """Listens on loopback; a service is given `address` instead of the server's own."""

    def __init__(self, target: Address) -> None:
        self._target = target
        self._armed: Step | None = None
        self._reached: asyncio.Future[Link] | None = None
        self._stalled = False
        self._links: set[Link] = set()
        self.commit_s = 0.0
        """Each of the writer's COMMITs takes so much longer, as on a slow disk."""
        self.commits = 0

    @contextlib.asynccontextmanager
    async def open(self) -> AsyncIterator["Gateway"]:
        """Take connections as long as the block lasts."""
        server = await asyncio.start_server(self._take, "127.0.0.1", 0, backlog=256)
        port = server.sockets[0].getsockname()[1]
        self.address = dataclasses.replace(self._target, host="127.0.0.1", port=port)
        try:
            yield self
        finally:
            server.close()
            self.cut()

    def stop_at(self, step: Step) -> "asyncio.Future[Link]":
        """The first connection that gets there; it is held from then on."""
        self._armed = step
        self._reached = asyncio.get_running_loop().create_future()
        return self._reached

    def stall(self) -> None:
        """Hold every connection, and each new one, until `go_on`."""
        self._stalled = True
        for link in self._links:
            link.hold()

    def go_on(self) -> None:
        """Let through all that was held back."""
        self._stalled = False
        for link in self._links:
            link.go_on()

    def cut(self) -> None:
        """Reset every connection."""
        for link in list(self._links):
            link.cut()

    async def committing(self) -> None:
        """A COMMIT is on its way."""
        self.commits += 1
        if self.commit_s:
            await asyncio.sleep(self.commit_s)

    def due(self, statement: str | None) -> Until | None:
        """How far this statement gets if it is the one that is waited for."""
        if self._armed is None or statement != self._armed.statement:
            return None
        until, self._armed = self._armed.until, None
        return until

    def stopped(self, link: Link) -> None:
        """A connection has got where it was to be stopped."""
        if self._reached is not None and not self._reached.done():
            self._reached.set_result(link)

    async def _connect(self) -> End:
        host, port = self._target.host, self._target.port
        if host.startswith("/"):
            return End(*await asyncio.open_unix_connection(f"{host}/.s.PGSQL.{port}"))
        return End(*await asyncio.open_connection(host, port))

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        client = End(reader, writer)
        try:
            server = await self._connect()
        except OSError:
            client.reset()
            return
        link = Link(self, client, server)
        if self._stalled:
            link.hold()
        self._links.add(link)
        with contextlib.suppress(*GONE):
            await link.run()
        self._links.discard(link)
        link.cut()
