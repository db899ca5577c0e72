"""Closed shifts: they stand in no leaf, so each carries its own digest."""

from hashlib import sha256
from typing import Any

import asyncpg
import orjson

from lepta.verification.invariants import Check
from lepta.verification.report import Faults
from lepta.verification.source import SHARD

READ = """
    SELECT shard, store, till, business_day, shift, request, answer, digest FROM shift
    ORDER BY shard, store, till, business_day, shift
"""
NAME = ("store", "till", "business_day", "shift")


async def check(connection: asyncpg.Connection, faults: Faults) -> None:
    """Whether each is as it was written, under its own name."""
    async for row in connection.cursor(READ):
        place = f"shift {row['shift']} of {row['store']}/{row['till']} on {row['business_day']}"
        if row["shard"] != SHARD:
            faults.add(Check.SHIFTS, place, f"stands in shard {row['shard']}, which has no log")
        if sha256(row["request"] + b"\0" + row["answer"]).digest() != row["digest"]:
            faults.add(Check.SHIFTS, place, "is not what its digest was made of")
        elif [str(row[name]) for name in NAME] != _named(row["request"]):
            faults.add(Check.SHIFTS, place, "was closed under another name")


def _named(request: bytes) -> list[str]:
    told: dict[str, Any] = orjson.loads(request)
    return [str(told.get(name)) for name in NAME]
