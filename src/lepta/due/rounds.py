"""Telling days by the clock, for as long as the service runs."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import structlog

from lepta.db import Database
from lepta.due import leaving, metrics, service, store
from lepta.due.pulse import ever
from lepta.due.service import Told
from lepta.processing.writer import Writer


@dataclass(frozen=True, slots=True)
class Rounds:
    """Looks every so often whose lots are due. Of several processes on one database one does it at a time."""

    database: Database
    writer: Writer
    every_s: float
    at_once: int
    clock: Callable[[], datetime]
    log: Any

    async def run(self) -> None:
        """Round after round."""
        await ever(self.once, self.every_s, self.log, "lot-days-failed")

    async def once(self) -> list[Told]:
        """Tell each programme the day that has begun in all its stores; nothing if another process is at it."""
        async with self.database.begin() as turn:
            if not await store.take_turn(turn):
                return []
            now = self.clock()
            days = await service.begun(self.database, now)
            told = [await self._tell(Told(programme, on)) for programme, on in days.items()]
            await leaving.settle(self.database, self.writer, now)
        metrics.LAST.set(now.timestamp())
        return told

    async def _tell(self, told: Told) -> Told:
        loop = asyncio.get_running_loop()
        started_s = loop.time()
        await service.tell(self.database, self.writer, told, at_once=self.at_once)
        if told.members or told.failed:
            self.log.info(
                "lot-days", programme=told.programme, on=told.on.isoformat(), members=told.members,
                matured=told.matured, expired=told.expired, failed=told.failed,
                seconds=round(loop.time() - started_s, 3),
            )  # fmt: skip
        return told


@asynccontextmanager
async def by_the_clock(
    database: Database, writer: Writer, every_s: float, at_once: int
) -> AsyncIterator[None]:
    """Tell days as long as the block lasts, at once and then every so many seconds; 0: never."""
    log = structlog.get_logger("lepta.due")
    rounds = Rounds(database, writer, every_s, at_once, writer.clock, log)
    task = asyncio.create_task(rounds.run(), name="lot-days") if every_s else None
    try:
        yield
    finally:
        if task is not None:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
