"""SQL of shifts, and of what is recorded of a till's day."""

import asyncio
from collections.abc import Iterator
from datetime import date
from hashlib import sha256
from typing import NamedTuple

from sqlalchemy import text

from lepta.db import Tx
from lepta.processing.beside import Beside
from lepta.processing.events import NaturalKey
from lepta.processing.leaf import KINDS, Leaf
from lepta.processing.state import NATURAL, natural_claim
from lepta.shifts.compare import Closing, Counted, numbered

SHARD = 0
MOST_OF_A_DAY = 300_000
"""Sequences of a till and day that are looked at; no till rings up as many."""
READ_AT_ONCE = 200
_HIGH = 1 << 32

# A till's keys of a day are neighbours in the primary key: see `natural_claim`.
CLAIMED = text("""
    SELECT key, log_index FROM idempotency
    WHERE shard = :shard AND scope = :scope AND key BETWEEN :first AND :last ORDER BY key LIMIT :most
""")
EVENTS = text(
    "SELECT kind, leaf, beside FROM event WHERE shard = :shard AND log_index = ANY(:places)"
)
VOIDED = text(f"""
    SELECT r.subject FROM reversal r JOIN event e ON e.shard = r.shard AND e.log_index = r.log_index
    WHERE r.shard = :shard AND r.subject = ANY(:places) AND e.kind = {KINDS["void"]}
""")  # noqa: S608 - the kind's number is ours
FIND = text("""
    SELECT request, answer FROM shift
    WHERE shard = :shard AND store = :store AND till = :till AND business_day = :day AND shift = :shift
""")
OTHERS = text("""
    SELECT request FROM shift
    WHERE shard = :shard AND store = :store AND till = :till AND business_day = :day AND shift <> :shift
""")
ADD = text("""
    INSERT INTO shift (business_day, shard, store, till, shift, request, answer, digest)
    VALUES (:day, :shard, :store, :till, :shift, :request, :answer, :digest) ON CONFLICT DO NOTHING
""")


class Stored(NamedTuple):
    """A closed shift: what was told of it, and what was answered. Canonical JSON."""

    request: bytes
    answer: bytes

    @property
    def digest(self) -> bytes:
        """By which a change of either is found."""
        return sha256(self.request + b"\0" + self.answer).digest()


class Name(NamedTuple):
    """What a till calls a shift."""

    store: str
    till: str
    business_day: date
    shift: str

    @property
    def parameters(self) -> dict[str, object]:
        """For the statements here."""
        store, till, day, shift = self
        return {"shard": SHARD, "store": store, "till": till, "day": day, "shift": shift}


async def find(tx: Tx, name: Name) -> Stored | None:
    """A closed shift."""
    row = (await tx.execute(FIND, name.parameters)).one_or_none()
    return None if row is None else Stored(*row)


async def others(tx: Tx, name: Name) -> list[bytes]:
    """What was told of the day's other shifts."""
    return [request for (request,) in await tx.execute(OTHERS, name.parameters)]


async def add(tx: Tx, name: Name, stored: Stored) -> None:
    """Keep a shift, unless it is there."""
    what = {"request": stored.request, "answer": stored.answer, "digest": stored.digest}
    await tx.execute(ADD, {**name.parameters, **what})


async def count(tx: Tx, closing: Closing) -> Counted:
    """What is recorded of a shift's sequences, and which the day has besides."""
    sales = await _places(tx, "checkout", closing)
    returns = await _places(tx, "return", closing)
    span = closing.span
    sold = {n: place for n, place in sales.items() if n in span}
    back = {n: place for n, place in returns.items() if n in span}
    totals = await _totals(tx, [*sold.values(), *back.values()])
    voided = await _voided(tx, list(sold.values()))
    return Counted(
        {n: totals[p] for n, p in sold.items() if p in totals and p not in voided},
        {n: totals[p] for n, p in back.items()},
        numbered(sales.keys(), returns.keys()),
    )


async def _places(tx: Tx, kind: str, closing: Closing) -> dict[int, int]:
    """By sequence: where the event stands that has a till's name for it."""
    found = {}
    ends = closing.span[:1], closing.span[-1:]
    for high in sorted({0, *(end[0] // _HIGH for end in ends if end)}):
        first, last = (
            natural_claim(
                kind, NaturalKey(closing.store, closing.till, closing.business_day, sequence)
            ).key
            for sequence in (high * _HIGH, high * _HIGH + _HIGH - 1)
        )
        where = {"shard": SHARD, "scope": NATURAL, "first": first, "last": last}
        for key, place in await tx.execute(CLAIMED, {**where, "most": MOST_OF_A_DAY}):
            found[high * _HIGH + int.from_bytes(key[12:])] = place
    return found


async def _totals(tx: Tx, places: list[int]) -> dict[int, int]:
    """`total` of each sale and return; a void that came first has none."""
    totals = {}
    for part in _parts(places):
        for kind, leaf, beside in await tx.execute(EVENTS, {"shard": SHARD, "places": part}):
            if kind == KINDS["void"]:
                continue
            document = Leaf(leaf, Beside(beside).content).document
            said = document["basket" if kind == KINDS["checkout"] else "request"]
            totals[document["index"]] = said["total"]
        await asyncio.sleep(0)  # tills are waiting
    return totals


async def _voided(tx: Tx, places: list[int]) -> set[int]:
    found: set[int] = set()
    for part in _parts(places):
        found.update(await tx.scalars(VOIDED, {"shard": SHARD, "places": part}))
    return found


def _parts(places: list[int]) -> Iterator[list[int]]:
    for first in range(0, len(places), READ_AT_ONCE):
        yield places[first : first + READ_AT_ONCE]
