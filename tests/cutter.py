"""A proxy between a writer and its PostgreSQL that cuts connections where it hurts most."""

import asyncio
import contextlib
import dataclasses
from types import TracebackType
from typing import Self

from lepta.db import Address

COMMIT = b"COMMIT\x00"


class Cutter:
    """Listens on loopback, passes everything on, and cuts when told to."""

    def __init__(self, target: Address) -> None:
        self._target = target
        self._armed = ""
        self._open = True
        self._writers: set[asyncio.StreamWriter] = set()
        self.cuts = 0

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        port = self._server.sockets[0].getsockname()[1]
        self.address = dataclasses.replace(self._target, host="127.0.0.1", port=port)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self._server.close()
        self._cut_all()

    def cut_at_commit(self, *, after: bool) -> None:
        """Cut once: when the next COMMIT has been answered but not passed back, or before it is passed on."""
        self._armed = "after" if after else "before"

    def close_for_business(self) -> None:
        """Cut everything and take nobody in."""
        self._open = False
        self._cut_all()

    def open_for_business(self) -> None:
        """Take connections again."""
        self._open = True

    def _cut_all(self) -> None:
        for writer in self._writers:
            writer.transport.abort()

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        host, port = self._target.host, self._target.port
        if host.startswith("/"):
            return await asyncio.open_unix_connection(f"{host}/.s.PGSQL.{port}")
        return await asyncio.open_connection(host, port)

    async def _serve(self, client: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        if not self._open:
            back.transport.abort()
            return
        server, forth = await self._connect()
        self._writers |= {back, forth}
        cut = asyncio.Event()
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._pass_on(client, forth, back, cut))
                group.create_task(self._pass_back(server, back, cut))
        except* (ConnectionError, OSError):
            pass
        finally:
            self._writers -= {back, forth}
            for writer in (back, forth):
                with contextlib.suppress(Exception):
                    writer.transport.abort()

    async def _pass_on(
        self,
        client: asyncio.StreamReader,
        forth: asyncio.StreamWriter,
        back: asyncio.StreamWriter,
        cut: asyncio.Event,
    ) -> None:
        while data := await client.read(65_536):
            if self._armed and COMMIT in data:
                before, self._armed = self._armed == "before", ""
                self.cuts += 1
                cut.set()
                if before:
                    back.transport.abort()
                    break
            forth.write(data)
            await forth.drain()
        forth.close()

    async def _pass_back(
        self, server: asyncio.StreamReader, back: asyncio.StreamWriter, cut: asyncio.Event
    ) -> None:
        while data := await server.read(65_536):
            if cut.is_set():
                # The COMMIT has taken effect; whoever sent it will never be told.
                back.transport.abort()
                return
            back.write(data)
            await back.drain()
