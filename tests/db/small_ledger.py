"""A small ledger of every sort of row, written by the real writer, and copies of it to tamper with."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from lepta.db import Address, Database
from lepta.log.merkle import Frontier, leaf_hash
from lepta.money import MICRO
from lepta.postgres.embedded import own
from lepta.processing.acts import Act, LotsDue, Return, Void
from lepta.processing.beside import Beside, named, pack
from lepta.processing.canonical import canonical
from lepta.processing.decide import Answered
from lepta.processing.directory import Directory
from lepta.processing.events import NaturalKey, Publish
from lepta.processing.leaf import Leaf
from lepta.processing.owners import ClaimSale, Merge, Transfer
from lepta.processing.proration import ReturnedLine
from lepta.processing.rulebooks import Rulebooks
from lepta.processing.state import Submission
from lepta.processing.writer import Writer
from lepta.rules.rulebook import Change, PublishedCampaign, PublishedProgramme
from lepta.schema import migrate
from lepta.shifts import service as shifts
from lepta.shifts.compare import Closing
from lepta.verification.verify import verify
from lepta.witness.service import Witness
from make import BASE, HUNTER, PROGRAMME, ROUND_UP, checkout, line

OFFICE = """
    INSERT INTO party (id, kind, name) VALUES ('retail-nsk', 'retailer', '"Retail"');
    INSERT INTO programme (id, document) VALUES ('club', '{}'), ('bakery', '{}');
    INSERT INTO store (id, retailer, region, time_zone, currency, language, programme) VALUES
        ('nsk-07', 'retail-nsk', 'siberia', 'Asia/Novosibirsk', 'RUB', 'ru', 'club'),
        ('bak-01', 'retail-nsk', 'siberia', 'Asia/Novosibirsk', 'RUB', 'ru', 'bakery');
    INSERT INTO product (sku, categories, brand, changed) VALUES ('bulk', '{bulk}', 'Sack', 1);
    INSERT INTO member (id, ref, first_name) SELECT 'm' || n, 'mref' || n, 'Name' FROM generate_series(1, 9) n;
    INSERT INTO card (card, member, position, status) SELECT 'card' || n, 'm' || n, 1,
        CASE n WHEN 9 THEN 'blocked' ELSE 'active' END FROM generate_series(1, 9) n;
"""
HEADER = "0f8a1e1e-2c5b-4a39-9a6f-4d5a0c5b0a11"
SLOW = {
    "campaign": "slow", "programme": "club", "title": {"en": "Later"}, "kind": "bonus",
    "what": {"categories": ["slow"]}, "effect": {"earn": {"points": 7}, "per": "unit", "pending_days": 14},
}  # fmt: skip
TIGHT = {
    **HUNTER,
    "limits": {"per_card_day": 3, "per_card": 100, "units": 40, "budget": {"money": 9_000}},
}
OCCASIONS = [
    {
        "campaign": name, "programme": "club", "kind": "bonus",
        "effect": {"earn": {"points": 1}, **of_effect},
    }
    for name, of_effect in (
        ("welcome", {"welcome": True}), ("second-visit", {"nth_visit": 2}), ("once", {"per": "visit"}),
    )
]  # fmt: skip
BULK = [
    {
        "campaign": f"bulk-{n:02}", "programme": "club", "title": {"en": "Bulk"}, "kind": "bonus",
        "what": {"categories": ["bulk"]}, "effect": {"earn": {"points": 1 + n}, "per": "unit"},
        "funding": [
            {"party": f"a-funder-of-bulk-with-a-long-name-{n:02}-{m:02}", "share": "0.05", "budget": {"points": 10**6}}
            for m in range(20)
        ],
    }
    for n in range(20)
]  # fmt: skip
"""Enough funders of one basket for a leaf that is too long."""
GIFTS: list[dict[str, Any]] = [
    {
        "campaign": "my-points", "programme": "club", "kind": "donation",
        "effect": {"give": {"points": 20, "money_rate": "0.10"}, "to": {"fund": "children"}, "from": "shopper-points"},
        "funding": [{"party": "hunter-foods", "share": "0.5"}, {"party": "retail-nsk", "share": "0.5"}],
    },
    {
        "campaign": "top-up", "programme": "club", "kind": "donation",
        "effect": {"give": {"money": 500}, "to": {"fund": "children"}, "from": "shopper-money"},
        "match": {"funding": [{"party": "hunter-foods", "share": "1"}], "ratio": "1", "budget": {"money": 600}},
    },
]  # fmt: skip
BAKERY_BASE = {**BASE, "campaign": "bakery-base", "programme": "bakery"}


@contextmanager
def running_server(directory: Path) -> Iterator[Address]:
    """The address of an empty embedded server's own database, as superuser."""
    with own(directory) as server:
        yield Address.parse(server.dsn_for("postgres", "postgres"))


@asynccontextmanager
async def connected(address: Address) -> AsyncIterator[asyncpg.Connection]:
    """A superuser's connection, which commits each statement."""
    connection = await asyncpg.connect(**address.arguments())
    try:
        yield connection
    finally:
        await connection.close()


async def create(server: Address, name: str, template: str | None = None) -> Address:
    """A database of this name, empty or a copy."""
    async with connected(server) as connection:
        copied = f' TEMPLATE "{template}" STRATEGY FILE_COPY' if template else ""
        await connection.execute(f'CREATE DATABASE "{name}"{copied}')
    return replace(server, database=name)


async def drop(server: Address, name: str) -> None:
    async with connected(server) as connection:
        await connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


@dataclass
class Till:
    """Sends sales to a writer, each with the next sequence."""

    writer: Writer
    clock: "Clock"
    sequence: int = 0

    async def sell(self, *, key: str | None = None, **more: Any) -> Answered:
        self.sequence += 1
        body = {"sequence": self.sequence, "card": None, **more}
        return await self.writer.submit(Submission.of(checkout(**body), key))

    @property
    def key(self) -> NaturalKey:
        """Of its newest sale."""
        return checkout(sequence=self.sequence).key

    async def act(self, act: Act) -> Answered:
        return await self.writer.submit(Submission.of(act))

    async def bring_back(
        self, original: NaturalKey | None, *lines: ReturnedLine, offline: bool = False
    ) -> Answered:
        self.sequence += 1
        total = sum(each.amount for each in lines)
        at = datetime(2026, 11, 22, 12, tzinfo=UTC)
        return await self.act(Return(self.key, at, original, lines, total, offline))

    async def publish(self, *items: Any) -> None:
        await self.writer.submit(Submission(Publish(Change(items).canonical())))


@dataclass
class Clock:
    """Moves on by a second whenever it is asked."""

    at: datetime = datetime(2026, 11, 22, 11, 15, 4, 123_000, tzinfo=UTC)

    def __call__(self) -> datetime:
        self.at += timedelta(seconds=1)
        return self.at


@asynccontextmanager
async def open_till(address: Address) -> AsyncIterator[Till]:
    """A writer on a database, and a till that feeds it."""
    database = Database(address)
    clock = Clock()
    writer = Writer(database, Directory(), Rulebooks(), clock=clock)
    await writer.start()
    try:
        yield Till(writer, clock)
    finally:
        await writer.stop()
        await database.close()


@asynccontextmanager
async def signing(address: Address, key_file: Path) -> AsyncIterator[Witness]:
    """The log's voice; it signs when asked, and once at the end."""
    database = Database(address)
    try:
        async with Witness.opened(database, key_file, None, 3600) as witness:
            yield witness
    finally:
        await database.close()


def published(*campaigns: dict[str, Any], version: int = 1) -> list[PublishedCampaign]:
    from_at = None if version == 1 else datetime(2026, 11, 22, tzinfo=UTC)
    return [PublishedCampaign(c["campaign"], version, from_at, c) for c in campaigns]


async def fill(address: Address, key_file: Path, *, sales: int = 298) -> None:
    """Everything that history has columns for, and more than 256 events of it."""
    await migrate(address)
    async with connected(address) as connection:
        await connection.execute(OFFICE)
    async with open_till(address) as till, signing(address, key_file) as witness:
        endless = {**PROGRAMME, "expire_after": None}
        await till.publish(
            PublishedProgramme("club", 1, None, {**PROGRAMME, "debt": "allowed"}),
            PublishedProgramme("bakery", 1, None, endless),
        )
        await till.publish(*published(BASE, HUNTER, ROUND_UP, SLOW, BAKERY_BASE, *BULK))
        await _sell_each_sort(till)
        await witness.checkpoint()
        await till.publish(*published(TIGHT, version=2), *published(*OCCASIONS, *GIFTS))
        await asyncio.gather(*[_sell_plainly(till, n) for n in range(sales)])
        await _give(till)
        await _take_back(till)
        await till.sell(card="card1", redeem={"max": True})
        await _change_owners(till)
        await _close_shifts(till.writer.database)


async def _close_shifts(database: Database) -> None:
    for number in (1, 2, 3):
        closing = Closing("nsk-07", "3", date(2026, 11, 22), number, 9, 900, 0, number * 10, 90)
        await shifts.close(database, closing, datetime(2026, 11, 22, 20, tzinfo=UTC))


async def _sell_each_sort(till: Till) -> None:
    await till.sell()
    for _ in range(3):
        await till.sell(card="card1", lines=[line(amount=99_900, quantity="2")])
    await till.sell(card="card2", gifts=[{"offer": "round-up", "accepted": True, "amount": 100}])
    await till.sell(card="card4", lines=[line(sku="s", categories=["slow"])])
    await till.sell(card="card9")
    await till.sell(card="nobody's")
    await till.sell(card="card3", store="bak-01")
    await till.sell(card="card3", store="bak-01", fiscal={"fn": "9999", "i": 7, "fp": "26"})
    await till.sell(card="card1", lines=[line(n, 100, sku="bulk") for n in range(1, 1001)])
    await till.sell(
        card="card1", occurred_at="2026-11-20T10:00:00+07:00", business_day="2026-11-20",
        lines=[line(amount=99_900)],
    )  # fmt: skip
    await till.sell(card="card1", redeem={"points": 90})
    await _be_refused(till)
    await till.sell(card="card2", redeem={"points": 9_000}, offline=True)


async def _give(till: Till) -> None:
    """Points out of lots, beside others that pay; and the shopper's money, matched as far as the budget allows."""
    points, money = ({"offer": name, "accepted": True} for name in ("my-points", "top-up"))
    await till.sell(card="card1", redeem={"points": 7}, gifts=[points, money])
    await till.sell(card="card2", gifts=[money, points])


async def _take_back(till: Till) -> None:
    """All sorts of reversals: whole and in part, before their sale, of spent points and of none; and days of lots."""
    lines = [line(1, 60_000, quantity="3"), line(2, 9_900, sku="bread")]
    for card in ("card5", "card6", None, "card4"):
        slow = [line(3, sku="s", categories=["slow"])] if card == "card4" else []
        rounding = [{"offer": "round-up", "accepted": True}] if card else []
        await till.sell(
            card=card, lines=lines + slow, redeem={"points": 5} if card else None, gifts=rounding
        )
        sold = till.key
        back = [ReturnedLine(1, MICRO, 20_000), ReturnedLine(2, MICRO // 2, 4_000)]
        await till.bring_back(sold, *back)
        await till.bring_back(sold, ReturnedLine(1, MICRO, 20_000))
        await till.act(Void(sold))
    await till.sell(card="card7", lines=[line(amount=99_900)])
    sold = till.key
    await till.sell(
        card="card7", redeem={"points": 10**6}, offline=True, lines=[line(amount=5_000)]
    )
    await till.act(Void(sold))
    await till.sell(card="card7")
    early = till.key._replace(sequence=till.sequence + 1)
    await till.act(Void(early))
    await till.sell(card="card8", redeem={"points": 5})
    await till.act(Void(early._replace(sequence=10**6)))
    await till.bring_back(None, ReturnedLine(1, MICRO, 100))
    await till.bring_back(early._replace(sequence=10**6 + 1), offline=True)
    till.clock.at += timedelta(days=20)
    for member in ("mref4", "mref5"):
        await till.act(LotsDue(member, "club", date(2026, 12, 6)))
    till.clock.at -= timedelta(days=20)
    await till.sell(card="card5", lines=[line(sku="s", categories=["slow"])])


async def _change_owners(till: Till) -> None:
    """Points are left to another member, and a member turns out to be another, and that one a third; and one claims a sale."""
    on = date(2026, 11, 22)
    for donor, heir in (("mref7", "mref6"), ("mref6", "mref8"), ("mref1", "mref2")):
        await till.act(Transfer(donor, heir, "club", 3, on, donor.encode()))
    for n, into in ((8, 7), (7, 6), (3, 2)):
        names = (f"m{n}", f"m{into}")
        await till.act(Merge(f"mref{n}", f"mref{into}", names, said=names[0].encode()))
    await till.act(ClaimSale(till.key._replace(sequence=1), "card5", said=b"card5"))


async def _be_refused(till: Till) -> None:
    """Refused under a header, again the same, then right under another one, which is sent twice."""
    asked: dict[str, Any] = {"card": "card2", "redeem": {"points": 9_000}}
    for _ in range(2):
        await till.sell(key=HEADER, **asked)
        till.sequence -= 1
    for key in ("second", "second", "third"):
        await till.sell(key=key, card="card2")
        till.sequence -= 1
    till.sequence += 1


async def _sell_plainly(till: Till, n: int) -> None:
    card = f"card{n % 8 + 1}" if n % 3 else None
    redeem: dict[str, Any] = {"redeem": {"points": 5}, "offline": True}
    if n % 7 or not card:
        redeem = {}
    await till.sell(
        card=card, lines=[line(1, 25_900 + n), line(2, 5_000, sku=f"s{n % 50}")],
        business_day=f"2026-11-2{2 + n % 100 // 50}", **redeem,
    )  # fmt: skip


@dataclass
class Tampered:
    """An unlocked copy and a superuser's connection to it."""

    address: Address
    connection: asyncpg.Connection

    async def faults(self, **more: Any) -> list[str]:
        """What verification says of it, in this process."""
        return list((await verify(self.address, workers=1, **more)).lines())

    async def rewrite(self, log_index: int, change: Callable[[dict[str, Any]], Any]) -> None:
        """Change a leaf or what lies beside it, and make all digests anew as if nothing had happened."""
        query = "SELECT leaf, beside FROM event WHERE log_index = $1"
        [(leaf, beside)] = await self.connection.fetch(query, log_index)
        lying = Beside(beside)
        document = Leaf(leaf, lying.content).document
        change(document)
        parts = ["facts", "outcome"]
        parts += ["basket"] if "basket" in document else ["request", "given"]
        content = {name: document.pop(name) for name in parts if name in document}
        beside = pack(lying.salt, document.pop("request", lying.request), canonical(content))
        document["beside"] = named(sha256(beside).digest())
        await self.overwrite(log_index, canonical(document), beside)

    async def overwrite(self, log_index: int, leaf: bytes, beside: bytes) -> None:
        """Put other bytes in a leaf's place, with their own hash."""
        update = "UPDATE event SET leaf = $2, leaf_hash = $3, beside = $4 WHERE log_index = $1"
        await self.connection.execute(update, log_index, leaf, leaf_hash(leaf), beside)

    async def rebuild_tree(self, size: int) -> None:
        """Make head and tiles those of the first `size` leaves; what was signed stays."""
        leaves = "SELECT leaf_hash FROM event WHERE log_index < $1 ORDER BY log_index"
        hashes = [row[0] for row in await self.connection.fetch(leaves, size)]
        frontier, cells = Frontier().grow(hashes)
        await self.connection.execute("DELETE FROM tile")
        add = "INSERT INTO tile (shard, level, n, hash) VALUES (0, $1, $2, $3)"
        await self.connection.executemany(add, cells)
        head = "UPDATE log_head SET size = $1, root = $2, frontier = $3"
        await self.connection.execute(head, size, frontier.root(), frontier.to_bytes())


async def unlock(connection: asyncpg.Connection) -> None:
    """What somebody with all rights would do first: no triggers, no checks, no columns that must be filled."""
    tables = """
        SELECT oid::regclass::text FROM pg_class
        WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')
    """
    for (table,) in await connection.fetch(tables):
        await connection.execute(f"ALTER TABLE {table} DISABLE TRIGGER ALL")
    checks = """
        SELECT conrelid::regclass::text, conname FROM pg_constraint
        WHERE contype = 'c' AND coninhcount = 0 AND connamespace = 'public'::regnamespace
    """
    for table, name in await connection.fetch(checks):
        await connection.execute(f'ALTER TABLE {table} DROP CONSTRAINT "{name}"')
    columns = """
        SELECT attrelid::regclass::text, attname FROM pg_attribute a JOIN pg_class c ON c.oid = attrelid
        WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition
            AND attnotnull AND attnum > 0
            AND NOT EXISTS (SELECT FROM pg_index WHERE indrelid = attrelid AND indisprimary AND attnum = ANY(indkey))
    """
    for table, column in await connection.fetch(columns):
        await connection.execute(f"ALTER TABLE {table} ALTER COLUMN {column} DROP NOT NULL")


@asynccontextmanager
async def tampered(server: Address, original: str) -> AsyncIterator[Tampered]:
    """A copy of a ledger, unlocked, for as long as the block lasts."""
    name = f"copy_{secrets.token_hex(6)}"
    address = await create(server, name, original)
    try:
        async with connected(address) as connection:
            await unlock(connection)
            yield Tampered(address, connection)
    finally:
        await drop(server, name)


@dataclass
class Ledgers:
    """A server with one filled ledger, and the file of its log's key."""

    server: Address
    original: Address
    key_file: Path


@pytest.fixture(scope="module")
def ledgers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ledgers]:
    """A filled ledger that nobody changes; tests work on copies."""
    directory = tmp_path_factory.mktemp("ledgers")
    key_file = directory / "key" / "log.key"
    with running_server(directory / "data") as server:
        original = asyncio.run(create(server, "original"))
        asyncio.run(fill(original, key_file))
        yield Ledgers(server, original, key_file)
