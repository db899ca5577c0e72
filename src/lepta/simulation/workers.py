"""The log sifted and settled in ranges: here, or in processes of their own that see the same database.

Ranges are sifted by whoever is free, and settled in log order by whoever sifted them: what a range used of limits is
all that goes from one process to another. While one settles, the others sift ahead.
"""

import asyncio
import gc
import os
from collections import defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from multiprocessing import get_context
from typing import TypeVar, TypeVarTuple

import asyncpg

from lepta.db import Address
from lepta.simulation import queries
from lepta.simulation.plan import Plan
from lepta.simulation.sift import Passed, Settled, Step, Trial, Used
from lepta.simulation.tally import Tally
from lepta.verification.source import view

NAME = "lepta simulate"
RANGE = 2_048
"""Events sifted at a time."""
POOL_FROM = 20_000
"""Events from which further processes are worth their start."""

Progress = Callable[[int], None]
"""Called with the number of events done since the last call."""
Result = TypeVar("Result")
Arguments = TypeVarTuple("Arguments")


async def settled(
    connection: asyncpg.Connection,
    address: Address,
    plan: Plan,
    events: range,
    *,
    processes: int,
    progress: Progress,
) -> Settled:
    """What these events come to, by so many `processes`; 1: none but us."""
    starts = iter(range(events.start, events.stop, RANGE))
    if processes <= 1:
        trial = Trial.of(plan)
        for start in starts:
            rows = await queries.rows(connection, start, start + RANGE)
            trial.settle(trial.sift(rows))
            progress(len(rows))
        return trial.settled
    snapshot = await connection.fetchval("SELECT pg_export_snapshot()")
    hands = [Hand.of(address, snapshot, plan) for _ in range(processes)]
    try:
        return await _Crew(plan, hands, enumerate(starts), progress).work()
    finally:
        for hand in hands:
            hand.pool.shutdown(wait=True, cancel_futures=True)


def processors() -> int:
    """As many as there are for us."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@dataclass(frozen=True, slots=True)
class Hand:
    """One of the processes: it does in turn what it is told."""

    pool: ProcessPoolExecutor
    news: dict[str, int] = field(default_factory=dict)
    """What others have settled since it settled last."""

    @classmethod
    def of(cls, address: Address, snapshot: str, plan: Plan) -> "Hand":
        """Started with its first task."""
        arguments = (address, snapshot, plan)
        return cls(
            ProcessPoolExecutor(1, get_context("spawn"), initializer=_begin, initargs=arguments)
        )

    def told(
        self, task: Callable[[*Arguments], Result], *arguments: *Arguments
    ) -> asyncio.Future[Result]:
        """Its next task, behind those that it has already."""
        return asyncio.get_running_loop().run_in_executor(self.pool, task, *arguments)


@dataclass(frozen=True, slots=True)
class _Crew:
    """All hands on one log."""

    plan: Plan
    hands: list[Hand]
    ranges: Iterator[tuple[int, int]]
    """(number, first event), taken by whoever is free."""
    progress: Progress
    turns: dict[int, asyncio.Event] = field(default_factory=lambda: defaultdict(asyncio.Event))
    """Of each range, by number: all before it are settled."""

    async def work(self) -> Settled:
        """Raises what the first of them raises that fails."""
        total = Settled(Tally.of(self.plan))
        self.turns[0].set()
        try:
            async with asyncio.TaskGroup() as group:
                for hand in self.hands:
                    group.create_task(self._work(hand, total))
        except BaseExceptionGroup as failed:
            raise failed.exceptions[0] from None
        for hand in self.hands:
            total.tally.merge(await hand.told(_finish))
        return total

    async def _work(self, hand: Hand, total: Settled) -> None:
        """Sift one range after the other; each is settled while the next is under way."""
        behind: tuple[int, int] | None = None
        for number, start in self.ranges:
            sifting = hand.told(_sift, start, start + RANGE)
            if behind is not None:
                await self._settle(hand, total, *behind)
            events, steps = await sifting
            self.progress(events)
            behind = number, steps
        if behind is not None:
            await self._settle(hand, total, *behind)

    async def _settle(self, hand: Hand, total: Settled, number: int, steps: int) -> None:
        await self.turns[number].wait()
        del self.turns[number]
        if steps:
            news = dict(hand.news)
            hand.news.clear()
            used, full = await hand.told(_settle, news)
            self._spread(hand, used)
            total.take(used, full, self.plan.limits)
        self.turns[number + 1].set()

    def _spread(self, hand: Hand, used: Used) -> None:
        for other in self.hands:
            if other is not hand:
                news = other.news
                for counter, amount in used.items():
                    news[counter] = news.get(counter, 0) + amount


class _Worker:
    """What a process keeps from range to range."""

    def __init__(self, address: Address, snapshot: str, plan: Plan) -> None:
        self.loop = asyncio.new_event_loop()
        self._open = AsyncExitStack()
        self._connection = self.loop.run_until_complete(
            self._open.enter_async_context(view(address, snapshot, name=NAME))
        )
        self.trial = Trial.of(plan)
        self._waiting: list[list[Step | Passed]] = []

    def sift(self, start: int, stop: int) -> tuple[int, int]:
        rows = self.loop.run_until_complete(queries.rows(self._connection, start, stop))
        steps = self.trial.sift(rows)
        if steps:
            self._waiting.append(steps)
        return len(rows), len(steps)

    def settle(self, news: Used) -> Used:
        self.trial.learn(news)
        return self.trial.settle(self._waiting.pop(0))


_workers: list[_Worker] = []


def _begin(address: Address, snapshot: str, plan: Plan) -> None:
    gc.disable()
    _workers.append(_Worker(address, snapshot, plan))


def _sift(start: int, stop: int) -> tuple[int, int]:
    """(events, steps to settle) of a range."""
    return _workers[0].sift(start, stop)


def _settle(news: Used) -> tuple[Used, dict[str, str]]:
    """Settle the earliest range that was sifted and has steps: (what it used, limits that are used up by then)."""
    worker = _workers[0]
    return worker.settle(news), worker.trial.settled.full


def _finish() -> Tally:
    """Of all ranges that this process has settled."""
    return _workers[0].trial.settled.tally
