"""`lepta verify`: the whole database against its own log, in one unchanging view, in log order."""

import asyncio
import secrets
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any, Self

import asyncpg

from lepta.db import Address
from lepta.verification import chain, locate, shifts, tables
from lepta.verification.chain import Chain
from lepta.verification.claims import MASK, name_differences
from lepta.verification.fold import Fold
from lepta.verification.invariants import Check
from lepta.verification.part import Part
from lepta.verification.replay import Slicer, changes_of
from lepta.verification.report import Faults, Report
from lepta.verification.reversals import check_reversals
from lepta.verification.source import SHARD, scanning, view
from lepta.verification.tree import Signed, Tree, check_signed, open_note, open_stored, read_key
from lepta.verification.workers import (
    POOL_FROM,
    RANGE,
    Ground,
    Hands,
    hands,
    processes,
    uncollected,
)

READ_HEAD = """
    SELECT size, root, frontier, rulebook, next_account, vkey FROM log_head WHERE shard = $1
"""
READ_ASSETS = "SELECT id, name FROM asset ORDER BY id"
READ_RULEBOOKS = "SELECT number, digest, change FROM rulebook ORDER BY number"
READ_CHECKPOINTS = "SELECT size, root, note FROM checkpoint WHERE shard = $1 ORDER BY size"

Progress = Callable[[int, int], None]
"""Called with (events done, events in all) as the work goes on."""


async def verify(
    address: Address,
    *,
    replay: bool = False,
    checkpoint: bytes | None = None,
    progress: Progress | None = None,
    workers: int | None = None,
) -> Report:
    """Check everything that can be checked, and with `replay` decide every event again.

    `checkpoint`: a signed note from elsewhere that must still hold. `workers`: processes; by default all
    processors for a large log, none but this one for a small one. Raises what a lost connection raises.
    """
    started = time.monotonic()
    async with view(address) as connection:
        head = await connection.fetchrow(READ_HEAD, SHARD)
        if head is None:
            return _headless(started)
        run = await _Run.begin(connection, head, checkpoint, progress or (lambda *_: None))
        count = _worker_count(workers, run.size, replay=replay)
        with uncollected():
            async with hands(connection, address, run.ground, count) as at_work:
                await run.fold_log(at_work, replay=replay)
            await run.conclude()
    return run.report(time.monotonic() - started)


async def faults(address: Address) -> list[str]:
    """What a test's end is checked with: every fault of a small ledger, re-decided too, as lines."""
    report = await verify(address, replay=True, workers=1)
    return list(report.lines())


def _headless(started: float) -> Report:
    found = Faults()
    found.add(Check.GAPS, "log_head", f"has no row of shard {SHARD}")
    seconds = time.monotonic() - started
    return Report(tuple(found.kept), 1, (), 0, 0, seconds, b"", None)


def _worker_count(workers: int | None, size: int, *, replay: bool) -> int:
    if workers is not None:
        return workers
    return processes() if size >= (POOL_FROM // 10 if replay else POOL_FROM) else 1


@dataclass(slots=True)
class _Run:
    """One verification under way. Faults are kept by where they belong, so that causes come before effects."""

    connection: asyncpg.Connection
    head: asyncpg.Record
    ground: Ground
    fold: Fold
    tree: Tree
    signed: list[Signed]
    newest: bytes | None
    progress: Progress
    of_head: Faults
    of_assets: Faults = field(default_factory=Faults)
    of_events: Faults = field(default_factory=Faults)
    of_replay: Faults = field(default_factory=Faults)
    of_claims: Faults = field(default_factory=Faults)
    of_tables: Faults = field(default_factory=Faults)
    events: int = 0
    replayed: int = 0
    advanced: int = 0

    @classmethod
    async def begin(
        cls,
        connection: asyncpg.Connection,
        head: asyncpg.Record,
        checkpoint: bytes | None,
        progress: Progress,
    ) -> Self:
        """Read what is small: head, checkpoints, assets, the chain of rulebooks."""
        found = Faults()
        assets = {name: number for number, name in await connection.fetch(READ_ASSETS)}
        changes = await connection.fetch(READ_RULEBOOKS)
        notes = await connection.fetch(READ_CHECKPOINTS, SHARD)
        key = read_key(head["vkey"], found)
        signed = open_stored(notes, key, found)
        if checkpoint is not None:
            given = open_note(checkpoint, key, "the given checkpoint", found)
            signed += [given] if given else []
        ground = Ground(assets, secrets.token_bytes(32), changes_of(changes), head["size"] or 0)
        fold = Fold(Chain(chain.links(changes, found)), assets)
        tree = Tree([s.stated.size for s in signed])
        newest = notes[-1]["note"] if notes else None
        return cls(connection, head, ground, fold, tree, signed, newest, progress, found)

    @property
    def size(self) -> int:
        """How many events the head says there are."""
        return int(self.head["size"] or 0)

    async def fold_log(self, at_work: Hands, *, replay: bool) -> None:
        """Read all ranges, fold them in order, and re-decide each on the fold before it."""
        together = at_work.width > 1
        slicer = Slicer()
        async with _Errands(at_work.width) as claims, _Errands(at_work.width) as deciding:
            if together:
                claims.send(at_work.claims())
            async for part in _in_order(at_work, self.size):
                self._grow(part)
                before = slicer.cut(self.fold, part) if replay else None
                await self._take(part)
                if before is not None:
                    slicer.learn(part)
                    deciding.send(at_work.redecide(before))
                    if deciding.full:
                        self._decided(*await deciding.result())
                self._advance(part.stop - part.start)
            while deciding.under_way:
                self._decided(*await deciding.result())
            if not together:
                claims.send(at_work.claims())
            await self._compare_claims(*await claims.result())

    def _grow(self, part: Part) -> None:
        self.of_events.extend(part.faults)
        self.events += part.events
        self.tree.grow(part.hashes)

    async def _take(self, part: Part) -> None:
        """Fold a range; leaves that are well-formed may still make no sense together."""
        try:
            self.fold.add(part)
        except Exception as error:  # noqa: BLE001 - what tampered bytes can break has no end
            what = f"cannot be folded ({type(error).__name__}: {error})"
            self.of_events.add(Check.ROWS, f"events {part.start} to {part.stop - 1}", what)
        if self.fold.suspects:
            await locate.name_suspects(self.connection, self.fold, self.fold.faults)
        self.of_events.extend(self.fold.faults)
        self.fold.faults = Faults()

    def _decided(self, count: int, found: Faults) -> None:
        self.replayed += count
        self.of_replay.extend(found)

    def _advance(self, events: int) -> None:
        self.advanced += events
        self.progress(min(self.advanced, self.size), self.size)

    async def _compare_claims(self, count: int, prints: int, found: Faults) -> None:
        self.of_claims.extend(found)
        if (count, prints) == (self.fold.claims, self.fold.claims_print & MASK):
            return
        before = self.of_claims.count
        differences = name_differences(self.connection, self.size, self.of_claims)
        await _guarded("idempotency", differences, self.of_claims)
        if self.of_claims.count == before:
            what = "natural and fiscal keys are not those of the events"
            self.of_claims.add(Check.CLAIMS, "idempotency", what)

    async def conclude(self) -> None:
        """What can only be said when the whole log is folded."""
        connection, fold, found = self.connection, self.fold, self.of_tables
        self._check_head()
        check_signed(self.signed, self.tree, self.of_head)
        fold.chain.check_rest(found)
        fold.check_lots()
        fold.check_merged()
        fold.holds.check(fold.accounts, fold.sums, fold.faults)
        found.extend(fold.faults)
        async with scanning(connection):
            await _guarded("asset", tables.check_assets(connection, fold, self.of_assets), found)
            tiles = tables.compare(connection, tables.TILE, dict(self.tree.tiles), found)
            await _guarded("tile", tiles, found)
            await _guarded("shift", shifts.check(connection, found), found)
            await _guarded("state", tables.compare_state(connection, fold, found), found)
        back = check_reversals(connection, fold, found)
        await _guarded("reversal", back, found)
        strangers = tables.find_strangers(connection, self.size, found)
        await _guarded("strangers", strangers, found)

    def _check_head(self) -> None:
        head, frontier = self.head, self.tree.frontier
        made = {
            "size": frontier.size,
            "root": frontier.root(),
            "frontier": frontier.to_bytes(),
            "next_account": len(self.fold.accounts) + 1,
        }
        # A leaf may name anything as its rulebook, also what is no digest.
        if head["rulebook"] is None or head["rulebook"].hex() != self.fold.chain.digest:
            self.of_head.add(Check.ROOT, "log_head", "rulebook is not the one that the leaves make")
        for column, value in made.items():
            if head[column] != value:
                what = f"{column} is not the one that the leaves make"
                self.of_head.add(Check.ROOT, "log_head", what)

    def report(self, seconds: float) -> Report:
        """Causes first: events, then what rests on them."""
        found = Faults()
        for group in (
            self.of_assets, self.of_events, self.of_claims, self.of_head, self.of_tables, self.of_replay,
        ):  # fmt: skip
            found.extend(group)
        notes = self.fold.gaps()
        if self.newest is None:
            notes.append(
                "no checkpoint has been signed yet: whoever can write all tables could rewrite the log"
            )
        return Report(
            tuple(found.kept), found.count, tuple(notes), self.events, self.replayed, seconds,
            self.tree.frontier.root(), self.newest,
        )  # fmt: skip


async def _guarded(place: str, check: Awaitable[None], found: Faults) -> None:
    """Run a check of a table. What it cannot even read is a fault; a lost connection is not."""
    try:
        await check
    except (OSError, asyncpg.InterfaceError, asyncpg.PostgresConnectionError):
        raise
    except Exception as error:  # noqa: BLE001 - what tampered bytes can break has no end
        found.add(Check.ROWS, f"table {place}", f"cannot be read ({type(error).__name__}: {error})")


class _Errands:
    """Work sent out, whose results come back in the order in which it was sent."""

    def __init__(self, width: int) -> None:
        self._width = width
        self.under_way: deque[asyncio.Future[Any]] = deque()

    @property
    def full(self) -> bool:
        return len(self.under_way) >= self._width

    def send(self, errand: Coroutine[Any, Any, Any]) -> None:
        self.under_way.append(asyncio.ensure_future(errand))

    async def result(self) -> Any:
        return await self.under_way.popleft()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        for errand in self.under_way:
            errand.cancel()
        await asyncio.gather(*self.under_way, return_exceptions=True)


async def _in_order(at_work: Hands, size: int) -> AsyncIterator[Part]:
    """All ranges of the log, some read ahead."""
    async with _Errands(at_work.width) as reading:
        start = 0
        while start < size or reading.under_way:
            while start < size and not reading.full:
                reading.send(at_work.read(start, min(start + RANGE, size)))
                start += RANGE
            yield await reading.result()
