"""Closing a shift, once, and reading what was answered."""

from dataclasses import asdict
from datetime import datetime
from typing import Any

import orjson

from lepta.db import Database
from lepta.processing.canonical import canonical
from lepta.processing.events import KeyReused
from lepta.shifts import store
from lepta.shifts.compare import Closing, UnknownShift, compared
from lepta.shifts.store import Name, Stored


async def close(database: Database, closing: Closing, now: datetime) -> tuple[bytes, bool]:
    """(the answer, whether it is an earlier one) to the end of a shift.

    What is found is kept as it was found: sales that come later, or are voided later, change nothing of it. Raises
    `KeyReused` for a shift that was closed with other figures.
    """
    name = Name(closing.store, closing.till, closing.business_day, str(closing.shift))
    told: dict[str, Any] = {**asdict(closing), "business_day": str(closing.business_day)}
    request = canonical(told)
    async with database.read() as tx:
        stored = await store.find(tx, name)
        if stored is None:
            spans = [_span(orjson.loads(other)) for other in await store.others(tx, name)]
            found = compared(closing, await store.count(tx, closing), spans)
    if stored is not None:
        return _repeated(stored, request), True
    named = {key: told[key] for key in ("shift", "store", "till", "business_day")}
    mine = Stored(request, canonical({**named, "closed_at": now.isoformat(), **found}))
    async with database.begin() as tx:
        await store.add(tx, name, mine)
        kept = await store.find(tx, name)
    assert kept is not None, name
    return _repeated(kept, request), kept != mine


async def read(database: Database, name: Name) -> bytes:
    """The answer to a shift's end; raises `UnknownShift`."""
    async with database.read() as tx:
        stored = await store.find(tx, name)
    if stored is None:
        raise UnknownShift
    return stored.answer


def _repeated(stored: Stored, request: bytes) -> bytes:
    if stored.request != request:
        raise KeyReused("shift")
    return stored.answer


def _span(told: dict[str, Any]) -> range:
    return range(told["first_sequence"], told["last_sequence"] + 1)
