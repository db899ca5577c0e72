"""Holds whose time is over, let go of by the clock for as long as the service runs.

Whoever spends points does not wait for it: a hold that is over is nothing that a sale could still name in time. It
gives back to the shopper what nobody came for.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import structlog
from sqlalchemy import text

from lepta.db import Database
from lepta.due.pulse import ever
from lepta.processing.acts import Release
from lepta.processing.moving import Moved
from lepta.processing.state import Submission
from lepta.processing.writer import Writer

SHARD = 0
WAVE = 64
"""Holds let go of at once: so many places of a batch sales do without."""
_OVER = text("""
    SELECT log_index FROM hold WHERE shard = :shard AND expires_at <= :now ORDER BY expires_at LIMIT :most
""")


@dataclass(frozen=True, slots=True)
class Expiry:
    """Looks every so often which holds are over. Several processes may: each hold ends once."""

    database: Database
    writer: Writer
    every_s: float
    clock: Callable[[], datetime]
    log: Any

    async def run(self) -> None:
        """Round after round."""
        await ever(self.once, self.every_s, self.log, "holds-kept")

    async def once(self) -> int:
        """Let go of all holds that are over; how many were."""
        released = 0
        while True:
            async with self.database.read() as tx:
                where = {"shard": SHARD, "now": self.clock(), "most": WAVE}
                over = list(await tx.scalars(_OVER, where))
            ended = sum(await asyncio.gather(*(self._release(hold) for hold in over)))
            released += ended
            if not ended:
                return released
            self.log.info("holds-expired", holds=ended)

    async def _release(self, hold: int) -> bool:
        """Whether it was this that ended the hold: a sale or another process may have been faster."""
        answered = await self.writer.submit(Submission.of(Release(hold, expired=True)))
        return isinstance(answered.decision, Moved)


@asynccontextmanager
async def by_the_clock(database: Database, writer: Writer, every_s: float) -> AsyncIterator[None]:
    """Let go of holds as long as the block lasts, at once and then every so many seconds; 0: never."""
    expiry = Expiry(database, writer, every_s, writer.clock, structlog.get_logger("lepta.due"))
    task = asyncio.create_task(expiry.run(), name="holds") if every_s else None
    try:
        yield
    finally:
        if task is not None:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
