"""Ranges of the log sifted: here, or in processes of their own that see the same database."""

import asyncio
import gc
import os
from collections import deque
from collections.abc import AsyncIterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import AsyncExitStack
from multiprocessing import get_context

import asyncpg

from lepta.db import Address
from lepta.simulation import queries
from lepta.simulation.plan import Plan
from lepta.simulation.sift import Sieve, Sifted
from lepta.verification.source import view

NAME = "lepta simulate"
RANGE = 4_096
"""Events sifted at a time."""
POOL_FROM = 20_000
"""Events from which further processes are worth their start."""
_AHEAD = 2
"""Ranges that each process has before it: more would only wait in memory to be settled."""


async def in_order(
    connection: asyncpg.Connection, address: Address, plan: Plan, events: range, processes: int
) -> AsyncIterator[Sifted]:
    """All of these events in ranges, sifted, by so many `processes`; 1: none but us."""
    starts = range(events.start, events.stop, RANGE)
    if processes <= 1:
        sieve = Sieve.of(plan)
        for start in starts:
            yield sieve.sift(await queries.rows(connection, start, start + RANGE))
        return
    snapshot = await connection.fetchval("SELECT pg_export_snapshot()")
    pool = ProcessPoolExecutor(
        processes, get_context("spawn"), initializer=_begin, initargs=(address, snapshot, plan)
    )
    loop = asyncio.get_running_loop()
    waiting: deque[asyncio.Future[Sifted]] = deque()
    try:
        for start in starts:
            waiting.append(loop.run_in_executor(pool, _sift, start, start + RANGE))
            if len(waiting) >= _AHEAD * processes:
                yield await waiting.popleft()
        while waiting:
            yield await waiting.popleft()
    finally:
        for future in waiting:
            future.cancel()
        pool.shutdown(wait=True, cancel_futures=True)


def processors() -> int:
    """As many as there are for us."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class _Worker:
    """What a process of the pool keeps from range to range."""

    def __init__(self, address: Address, snapshot: str, plan: Plan) -> None:
        self.loop = asyncio.new_event_loop()
        self._open = AsyncExitStack()
        self._connection = self.loop.run_until_complete(
            self._open.enter_async_context(view(address, snapshot, name=NAME))
        )
        self._sieve = Sieve.of(plan)

    def sift(self, start: int, stop: int) -> Sifted:
        rows = self.loop.run_until_complete(queries.rows(self._connection, start, stop))
        return self._sieve.sift(rows)


_workers: list[_Worker] = []


def _begin(address: Address, snapshot: str, plan: Plan) -> None:
    gc.disable()
    _workers.append(_Worker(address, snapshot, plan))


def _sift(start: int, stop: int) -> Sifted:
    return _workers[0].sift(start, stop)
