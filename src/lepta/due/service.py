"""Telling the ledger a day: every member whose lots are due, a few at a time, by way of the writer that tills use."""

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime

from lepta.db import Database
from lepta.due import metrics, store
from lepta.due.days import begun_in_all
from lepta.errors import DomainError, Kind
from lepta.processing.acts import LotsDue
from lepta.processing.decide import Decision
from lepta.processing.events import TooBusy
from lepta.processing.moving import Moved
from lepta.processing.state import Submission
from lepta.processing.writer import Writer

WAVE = 5_000
"""Lots of a sort that are looked up at once: so many rows do not keep a till waiting."""
TRIES = 10
"""How often a member is tried whose turn a full queue, or a slow database, leaves no room for."""

Advance = Callable[[int], None]
"""Called with how many members more have been told."""


class DayAhead(DomainError):
    """The day has not begun in all stores of a programme."""

    code = "day-ahead"
    kind = Kind.CONFLICT

    def __init__(self, programme: str, on: date, begun: date) -> None:
        super().__init__(
            f"{on} has not begun in all stores of {programme}: no points end or become available before their day. "
            f"Tell {begun} or an earlier day, or only look ahead with --dry-run.",
            programme=programme,
            begun=begun.isoformat(),
        )


@dataclass(slots=True)
class Told:
    """What came of telling a programme's day; points in smallest units."""

    programme: str
    on: date
    members: int = 0
    """Whose lots moved."""
    matured: int = 0
    expired: int = 0
    failed: int = 0
    """Tries that failed; these members are told again by the next round."""

    def add(self, decision: Decision) -> None:
        """Count what a member's lots came to; nothing if another process was faster."""
        moved = isinstance(decision, Moved)
        metrics.MEMBERS.labels("told" if moved else "nothing").inc()
        if not isinstance(decision, Moved):
            return
        outcome = decision.movement.outcome
        matured, expired = outcome.get("mature", 0), outcome.get("expire", 0)
        self.members += 1
        self.matured += matured
        self.expired += expired
        metrics.POINTS.labels("matured").inc(matured)
        metrics.POINTS.labels("expired").inc(expired)

    def fail(self) -> None:
        """Count a member who could not be told."""
        self.failed += 1
        metrics.MEMBERS.labels("failed").inc()


async def begun(database: Database, now: datetime) -> dict[str, date]:
    """Of each programme the newest date that has begun in all its stores."""
    async with database.read() as tx:
        zones = await store.zones(tx)
    return {programme: begun_in_all(found, now) for programme, found in zones.items()}


async def tell(
    database: Database,
    writer: Writer,
    told: Told,
    *,
    at_once: int,
    advance: Advance = lambda _members: None,
) -> Told:
    """Tell every member of a programme a day on which lots of theirs are due; adds to `told`.

    At most `at_once` of them wait for the writer at any moment, so that tills find room in every batch. Telling twice,
    or two who tell at once, changes nothing: whose lots are not due any more has no event.
    """
    while True:
        async with database.read() as tx:
            members = await store.due(tx, told.programme, told.on, WAVE)
        before = told.members
        waiting = iter(members)
        async with asyncio.TaskGroup() as group:
            for _ in range(min(at_once, len(members))):
                group.create_task(_tell_each(writer, waiting, told, advance))
        if told.members == before:
            return told


async def _tell_each(writer: Writer, waiting: Iterator[str], told: Told, advance: Advance) -> None:
    for ref in waiting:
        act = LotsDue(ref, told.programme, told.on)
        try:
            told.add(await _submit(writer, Submission.of(act)))
        except Exception:  # noqa: BLE001 - the writer has said what it was; the others are not to wait for it
            told.fail()
        advance(1)


async def _submit(writer: Writer, submission: Submission) -> Decision:
    """Wait for room as long as tills need it. Raises `TooBusy` when that takes too long."""
    for _ in range(TRIES - 1):
        try:
            return (await writer.submit(submission)).decision
        except TooBusy as full:
            await asyncio.sleep(full.retry_after_s)
    return (await writer.submit(submission)).decision
