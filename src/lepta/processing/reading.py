"""Recorded sales, voids and returns for those who ask for them later. Reads only."""

import asyncio
from dataclasses import dataclass, field
from typing import NamedTuple, Self

import asyncpg
from sqlalchemy import text

from lepta.db import Tx
from lepta.processing import sql
from lepta.processing.beside import Beside
from lepta.processing.directory import Directory, Versions
from lepta.processing.events import Checkout, NaturalKey
from lepta.processing.leaf import KINDS, Leaf, Recorded
from lepta.processing.motion import Movement
from lepta.processing.rulebooks import Rulebooks
from lepta.processing.state import NATURAL, ShopperRecord, natural_claim

BY_INDEX = text("""
    SELECT leaf, beside FROM event
    WHERE shard = :shard AND log_index = :log_index AND kind = :kind
""")
CLAIMED = text("""
    SELECT log_index FROM idempotency WHERE shard = :shard AND scope = :scope AND key = :key
""")
VOIDED = text("SELECT subject FROM reversal WHERE shard = :shard AND log_index = :void")
UNDONE = text("""
    SELECT e.leaf, e.beside FROM reversal r
    JOIN event e ON e.shard = r.shard AND e.log_index = r.log_index
    WHERE r.shard = :shard AND r.subject = :subject ORDER BY r.log_index
""")
HEAD = text(sql.SEE_HEAD.replace("$1", ":shard"))
CARD = text(
    "SELECT c.status, m.ref FROM card c JOIN member m ON m.id = c.member WHERE c.card = :card"
)
SHOPPER = text("""
    SELECT ref, tier, segments, first_name, gender, language FROM member WHERE ref = :ref
""")


class SeenHead(NamedTuple):
    """The log's head as it is seen by somebody who does not wait for it."""

    size: int
    rulebook: bytes
    next_account: int
    versions: Versions


async def see_head(tx: Tx, shard: int) -> SeenHead:
    """As of the transaction."""
    size, rulebook, next_account, versions = (await tx.execute(HEAD, {"shard": shard})).one()
    return SeenHead(size, rulebook, next_account, Versions(*versions))


async def bare(tx: Tx) -> asyncpg.Connection:
    """The connection of a transaction that has begun, for what a batch reads with, too."""
    shared = await tx.get_raw_connection()
    connection = shared.driver_connection
    assert isinstance(connection, asyncpg.Connection)
    return connection


async def by_index(tx: Tx, shard: int, log_index: int) -> Recorded | None:
    """The sale at a place of the log."""
    where = {"shard": shard, "log_index": log_index, "kind": KINDS["checkout"]}
    row = (await tx.execute(BY_INDEX, where)).one_or_none()
    return None if row is None else Recorded.parse(*row)


async def by_natural_key(tx: Tx, shard: int, key: NaturalKey) -> Recorded | None:
    """The sale that a till calls by this key. A void that came first has that name in its stead."""
    where = {"shard": shard, "scope": NATURAL, "key": natural_claim("checkout", key).key}
    log_index = await tx.scalar(CLAIMED, where)
    if log_index is None:
        return None
    found = await by_index(tx, shard, log_index)
    if found is not None:
        return found
    sale = await tx.scalar(VOIDED, {"shard": shard, "void": log_index})
    return None if sale is None else await by_index(tx, shard, sale)


async def card(tx: Tx, number: str) -> tuple[str, str] | None:
    """Whether a card is active, and whose it is; None: nobody's."""
    row = (await tx.execute(CARD, {"card": number})).one_or_none()
    return None if row is None else (row.status, row.ref)


async def hold_by_index(tx: Tx, shard: int, log_index: int) -> Movement | None:
    """The hold at a place of the log, whatever became of it."""
    where = {"shard": shard, "log_index": log_index, "kind": KINDS["hold"]}
    row = (await tx.execute(BY_INDEX, where)).one_or_none()
    if row is None:
        return None
    lying = Beside(row.beside)
    return Movement.of(Leaf(row.leaf, lying.content), lying)


class FoundAct(NamedTuple):
    """A void or a return, and what its till calls it."""

    key: NaturalKey
    movement: Movement

    @classmethod
    def parse(cls, leaf: bytes, beside: bytes) -> Self:
        """Read back what table `event` holds."""
        lying = Beside(beside)
        read = Leaf(leaf, lying.content)
        return cls(read.key, Movement.of(read, lying))


async def act_by_index(tx: Tx, shard: int, log_index: int, kind: str) -> FoundAct | None:
    """The void or the return, as `kind` says, at a place of the log."""
    where = {"shard": shard, "log_index": log_index, "kind": KINDS[kind]}
    row = (await tx.execute(BY_INDEX, where)).one_or_none()
    return None if row is None else FoundAct.parse(*row)


async def movement_by_index(tx: Tx, shard: int, log_index: int, kind: str) -> Movement | None:
    """An act of any kind, also one that no till has a name for."""
    where = {"shard": shard, "log_index": log_index, "kind": KINDS[kind]}
    row = (await tx.execute(BY_INDEX, where)).one_or_none()
    if row is None:
        return None
    lying = Beside(row.beside)
    return Movement.of(Leaf(row.leaf, lying.content), lying)


async def act_by_natural_key(tx: Tx, shard: int, kind: str, key: NaturalKey) -> FoundAct | None:
    """The void of the sale, or the return, that a till calls by this key."""
    where = {"shard": shard, "scope": NATURAL, "key": natural_claim(kind, key).key}
    log_index = await tx.scalar(CLAIMED, where)
    return None if log_index is None else await act_by_index(tx, shard, log_index, kind)


async def undone_of(tx: Tx, recorded: Recorded) -> list[FoundAct]:
    """What took a sale back, or parts of it, in the order of the log."""
    where = {"shard": recorded.shard, "subject": recorded.log_index}
    return [FoundAct.parse(*row) for row in await tx.execute(UNDONE, where)]


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

    async def catch_up(self, tx: Tx, shard: int, *sales: Checkout) -> None:
        """Know every name that answers need, those of products as far as they stand in `sales`."""
        connection = await bare(tx)
        await self.follow(connection, await see_head(tx, shard))
        await self.directory.fetch(connection, sales)

    async def know_rules(self, tx: Tx, recorded: Recorded) -> None:
        """Have the rulebook at hand that the words of a quoted sale stand in."""
        if recorded.event.quote is not None:
            await self.rulebooks.load(await bare(tx), recorded.rulebook)

    async def follow(self, connection: asyncpg.Connection, head: SeenHead) -> None:
        """Know the rules and the office's records as they were when the head was seen, or later."""
        async with self._turn:
            await self.rulebooks.refresh(connection, head.rulebook)
            await self.directory.refresh(connection, head.versions)
