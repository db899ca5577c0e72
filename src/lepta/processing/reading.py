"""Recorded sales for those who ask for them later. Reads only."""

import asyncio
from dataclasses import dataclass, field

import asyncpg
from sqlalchemy import text

from lepta.db import Tx
from lepta.processing import sql
from lepta.processing.directory import Directory, Versions
from lepta.processing.events import NaturalKey
from lepta.processing.leaf import KINDS, Recorded
from lepta.processing.rulebooks import Rulebooks
from lepta.processing.state import NATURAL, ShopperRecord, natural_claim

BY_INDEX = text("""
    SELECT leaf, beside FROM event
    WHERE shard = :shard AND log_index = :log_index AND kind = :kind
""")
CLAIMED = text("""
    SELECT log_index FROM idempotency WHERE shard = :shard AND scope = :scope AND key = :key
""")
SHOPPER = text("""
    SELECT ref, tier, segments, first_name, gender, language FROM member WHERE ref = :ref
""")


async def by_index(tx: Tx, shard: int, log_index: int) -> Recorded | None:
    """The sale at a place of the log."""
    where = {"shard": shard, "log_index": log_index, "kind": KINDS["checkout"]}
    row = (await tx.execute(BY_INDEX, where)).one_or_none()
    return None if row is None else Recorded.parse(*row)


async def by_natural_key(tx: Tx, shard: int, key: NaturalKey) -> Recorded | None:
    """The sale that a till calls by this key."""
    where = {"shard": shard, "scope": NATURAL, "key": natural_claim("checkout", key).key}
    log_index = await tx.scalar(CLAIMED, where)
    return None if log_index is None else await by_index(tx, shard, log_index)


async def shopper_of(tx: Tx, recorded: Recorded) -> ShopperRecord | None:
    """Today's record of the member a sale belongs to; None for anonymous sales and erased members."""
    member = recorded.seen.member
    if member is None:
        return None
    row = (await tx.execute(SHOPPER, {"ref": member.ref})).one_or_none()
    if row is None:
        return None
    ref, tier, segments, first_name, gender, language = row
    return ShopperRecord("", "", ref, tier, tuple(segments), first_name, gender, language)


@dataclass(slots=True)
class Reader:
    """Records for the answers to those who only ask: as fresh as the database, in a process that may not have
    written anything since they changed. Its directory is its own, so that a writer's stays as it was locked.
    """

    rulebooks: Rulebooks
    directory: Directory = field(default_factory=Directory)
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def catch_up(self, tx: Tx, recorded: Recorded) -> None:
        """Know every name that the answer to `recorded` needs."""
        shared = await tx.get_raw_connection()
        connection = shared.driver_connection
        assert isinstance(connection, asyncpg.Connection)
        async with self._turn:
            head = await connection.fetchrow(sql.READ_HEAD, recorded.shard)
            assert head is not None, recorded.shard
            await self.rulebooks.refresh(connection, head["rulebook"])
            await self.directory.refresh(connection, Versions(*head["versions"]))
            await self.directory.fetch(connection, [recorded.event])
