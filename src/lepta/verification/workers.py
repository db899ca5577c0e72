"""Reading and re-deciding ranges of the log: here, or in processes of their own that see the same database."""

import asyncio
import gc
import os
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from multiprocessing import get_context
from typing import Protocol, TypeVar, TypeVarTuple

import asyncpg

from lepta.db import Address
from lepta.verification import replay, rows
from lepta.verification.claims import check_claims
from lepta.verification.part import Part
from lepta.verification.reader import READ_EVENTS, Reader
from lepta.verification.replay import Before, Rulebooks
from lepta.verification.report import Faults
from lepta.verification.source import SHARD, scanning, view

RANGE = 2_048
"""Events read at a time."""
POOL_FROM = 20_000
"""Events from which further processes are worth their start; when re-deciding, a tenth of it."""


@dataclass(frozen=True, slots=True)
class Ground:
    """What every range is read with."""

    assets: dict[str, int]
    secret: bytes
    changes: dict[int, bytes]
    size: int


Claims = tuple[int, int, Faults]
Result = TypeVar("Result")
Arguments = TypeVarTuple("Arguments")


class Hands(Protocol):
    """Who does the work on ranges."""

    width: int
    """How many ranges are worth having under way at a time."""

    async def read(self, start: int, stop: int) -> Part:
        """Check a range by itself and add it up."""

    async def redecide(self, before: Before) -> tuple[int, Faults]:
        """Decide a range again."""

    async def claims(self) -> Claims:
        """Check table `idempotency` row by row, and add its fingerprints up."""


@dataclass(slots=True)
class Here:
    """In this process, on one connection."""

    connection: asyncpg.Connection
    ground: Ground
    width: int = 1
    rulebooks: Rulebooks = field(init=False)

    def __post_init__(self) -> None:
        self.rulebooks = Rulebooks(self.ground.changes)

    async def read(self, start: int, stop: int) -> Part:
        """See `Hands`."""
        ground = self.ground
        reader = Reader(ground.assets, ground.secret, start, stop)
        for row in await self.connection.fetch(READ_EVENTS, SHARD, start, stop):
            reader.read(row)
        part = reader.finish()
        span, faults = (start, stop), part.faults
        entries, allocations = b"".join(reader.entries), b"".join(reader.allocations)
        await rows.compare(self.connection, rows.ENTRIES, span, entries, faults)
        await rows.compare(self.connection, rows.ALLOCATIONS, span, allocations, faults)
        return part

    async def redecide(self, before: Before) -> tuple[int, Faults]:
        """See `Hands`."""
        return await replay.redecide(self.connection, self.rulebooks, before)

    async def claims(self) -> Claims:
        """See `Hands`."""
        faults = Faults()
        async with scanning(self.connection):
            found = await check_claims(
                self.connection, self.ground.secret, self.ground.size, faults
            )
        return (*found, faults)


@dataclass(slots=True)
class Elsewhere:
    """In a pool of processes, each with its own connection and the same view."""

    pool: ProcessPoolExecutor
    width: int

    async def read(self, start: int, stop: int) -> Part:
        """See `Hands`."""
        return await self._run(_read, start, stop)

    async def redecide(self, before: Before) -> tuple[int, Faults]:
        """See `Hands`."""
        return await self._run(_redecide, before)

    async def claims(self) -> Claims:
        """See `Hands`."""
        return await self._run(_claims)

    async def _run(self, task: Callable[[*Arguments], Result], *arguments: *Arguments) -> Result:
        return await asyncio.get_running_loop().run_in_executor(self.pool, task, *arguments)


def processes() -> int:
    """As many as there are processors for us."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@asynccontextmanager
async def hands(
    connection: asyncpg.Connection, address: Address, ground: Ground, count: int
) -> AsyncIterator[Hands]:
    """Workers on the view of `connection`, which stays open as long as they work; `count` 1: none but us."""
    if count <= 1:
        yield Here(connection, ground)
        return
    snapshot = await connection.fetchval("SELECT pg_export_snapshot()")
    pool = ProcessPoolExecutor(
        count, get_context("spawn"), initializer=_begin, initargs=(address, snapshot, ground)
    )
    try:
        yield Elsewhere(pool, 2 * count)
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


@contextmanager
def uncollected() -> Iterator[None]:
    """Without the cycle collector: nothing here makes cycles, and it would walk millions of rows again and again."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


class _Worker:
    """What a process of the pool keeps from task to task."""

    def __init__(self, address: Address, snapshot: str, ground: Ground) -> None:
        self.loop = asyncio.new_event_loop()
        self._open = AsyncExitStack()
        connection = self.loop.run_until_complete(
            self._open.enter_async_context(view(address, snapshot))
        )
        self.here = Here(connection, ground)


_workers: list[_Worker] = []


def _begin(address: Address, snapshot: str, ground: Ground) -> None:
    gc.disable()
    _workers.append(_Worker(address, snapshot, ground))


def _read(start: int, stop: int) -> Part:
    worker = _workers[0]
    return worker.loop.run_until_complete(worker.here.read(start, stop))


def _redecide(before: Before) -> tuple[int, Faults]:
    worker = _workers[0]
    return worker.loop.run_until_complete(worker.here.redecide(before))


def _claims() -> Claims:
    worker = _workers[0]
    return worker.loop.run_until_complete(worker.here.claims())
