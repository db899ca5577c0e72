"""Holds sent to a real writer, with a clock that a test sets."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import make
from lepta.db import Address, Database
from lepta.processing.acts import Hold, Release
from lepta.processing.decide import Decision
from lepta.processing.directory import Directory
from lepta.processing.moving import Moved, Recalled
from lepta.processing.rulebooks import Rulebooks
from lepta.processing.writer import Writer
from reversing import tell


@dataclass
class Clock:
    """Stands still until a test moves it."""

    now: datetime = datetime(2026, 11, 22, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def pass_s(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@asynccontextmanager
async def timed_writer(address: Address, clock: Clock) -> AsyncIterator[Writer]:
    """A writer that goes by this clock."""
    database = Database(address)
    writer = Writer(database, Directory(), Rulebooks(), clock=clock)
    await writer.start()
    try:
        yield writer
    finally:
        await writer.stop()
        await database.close()


def holding(points: int = 10, **more: Any) -> Hold:
    """Пётр's points, at the till of `make`, for a quarter of an hour."""
    return Hold(
        **{
            "till": ("nsk-07", "3"), "card": make.CARD, "status": "active", "member": "m-pyotr",
            "points": points, "ttl_s": 900, **more,
        }
    )  # fmt: skip


async def hold(writer: Writer, points: int = 10, key: str | None = None, **more: Any) -> Decision:
    """What becomes of a hold."""
    return await tell(writer, holding(points, **more), key)


async def release(writer: Writer, held: Decision, *, expired: bool = False) -> Decision:
    """Let go of a hold."""
    return await tell(writer, Release(place_of(held), expired))


def place_of(held: Decision) -> int:
    assert isinstance(held, Moved | Recalled), held
    return held.movement.log_index


def id_of(held: Decision) -> str:
    assert isinstance(held, Moved | Recalled), held
    return held.movement.id


def outcome_of(decision: Decision) -> dict[str, Any]:
    assert isinstance(decision, Moved | Recalled), decision
    return decision.movement.outcome
