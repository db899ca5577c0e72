"""SQL of a batch, first half: take the head's lock and read what the batch is decided on."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from itertools import starmap
from typing import Any, NamedTuple

import asyncpg
import orjson

from lepta.ledger.book import Book, Changes
from lepta.ledger.chart import Account
from lepta.ledger.lots import NEVER, Lot
from lepta.log.merkle import Frontier
from lepta.processing import sql
from lepta.processing.directory import Versions
from lepta.processing.motion import Entered, parse
from lepta.processing.outcome import EXPIRING_WITHIN
from lepta.processing.sight import Prepared
from lepta.processing.state import Claim, Former, ShopperRecord

Connection = asyncpg.Connection


@dataclass(frozen=True, slots=True)
class Head:
    """The log's head under its lock: nobody else can append to this shard until the transaction ends."""

    size: int
    frontier: Frontier
    rulebook: bytes
    next_account: int
    partition_width: int
    partitioned_to: int


@dataclass(slots=True)
class Chart:
    """The numbers of all accounts that are not members', and of assets: few, and never changed."""

    next_account: int = 1
    accounts: dict[Account, int] = field(default_factory=dict)
    assets: dict[str, int] = field(default_factory=dict)
    asset_names: dict[int, str] = field(default_factory=dict)
    funds: dict[str, int] = field(default_factory=dict)
    """Of each fund the first account: the number that supporters know it by."""

    def take_in(self, assets: Iterable[Any], accounts: Iterable[Any], next_account: int) -> None:
        """What other writers have opened since."""
        self.learn_assets(assets)
        for number, kind, ref, code, asset in accounts:
            self._learn(number, Account(kind, ref, code, self.asset_names[asset]))
        self.next_account = next_account

    def learn_assets(self, rows: Iterable[tuple[int, str]]) -> None:
        """Take in rows of table `asset`."""
        for number, name in rows:
            self.assets[name] = number
            self.asset_names[number] = name

    def learn(self, changes: Changes, next_account: int) -> None:
        """Take in what a batch has opened, once it is committed."""
        for _, (number, account) in changes.opened:
            if account.kind != "member":
                self._learn(number, account)
        self.next_account = next_account

    def _learn(self, number: int, account: Account) -> None:
        self.accounts[account] = number
        if account.kind == "fund":
            self.funds.setdefault(account.ref, number)


async def lock_head(connection: Connection, shard: int) -> Head:
    """Wait for the shard's turn."""
    row = await connection.fetchrow(sql.LOCK_HEAD, shard)
    assert row is not None, shard
    return Head(
        size=row["size"],
        frontier=Frontier.from_bytes(row["size"], row["frontier"]),
        rulebook=row["rulebook"],
        next_account=row["next_account"],
        partition_width=row["partition_width"],
        partitioned_to=row["partitioned_to"],
    )


async def open_partitions(connection: Connection, shard: int, head: Head, batch: int) -> None:
    """Have partitions made half a partition ahead of need."""
    needed = head.size + batch + head.partition_width // 2
    if needed > head.partitioned_to:
        await connection.fetchval(sql.OPEN_PARTITIONS, shard, needed)


async def read_recorded(
    connection: Connection, shard: int, indexes: Iterable[int]
) -> dict[int, Entered]:
    """Sales and acts by their place in the log."""
    wanted = list(indexes)
    if not wanted:
        return {}
    rows = await connection.fetch(sql.READ_EVENTS, shard, wanted)
    return {index: parse(leaf, beside) for index, leaf, beside in rows}


async def read_shoppers(connection: Connection, cards: Collection[str]) -> dict[str, ShopperRecord]:
    """The members behind these cards, as far as they are known."""
    if not cards:
        return {}
    rows = await connection.fetch(sql.READ_SHOPPERS, cards)
    shoppers = {}
    for card, status, ref, tier, segments, *others, choices in rows:
        shopper = ShopperRecord(card, status, ref, tier, tuple(segments), *others)
        if choices is not None:
            shopper = shopper._replace(choices=tuple(sorted(orjson.loads(choices).items())))
        shoppers[card] = shopper
    return shoppers


async def read_former(
    connection: Connection, moments: Mapping[str, datetime]
) -> dict[str, tuple[Former, ...]]:
    """What the tiers and segments of these cards' members were, from a moment on."""
    former: dict[str, list[Former]] = {}
    rows = await connection.fetch(sql.READ_FORMER, list(moments), list(moments.values()))
    for card, until, tier, segments in rows:
        former.setdefault(card, []).append(Former(until, tier, tuple(segments)))
    return {card: tuple(sorted(found)) for card, found in former.items()}


class Ledger(NamedTuple):
    """What of the ledger a batch is decided on."""

    claims: dict[Claim, int | bytes]
    """Names that are taken, and by what: an event's place or a stored refusal."""
    book: Book
    """The accounts of all parties and of the batch's members."""
    counts: dict[str, int]
    """What has been used of the limits that its sales may touch."""
    versions: Versions
    """Of the office's records."""


async def read_ledger(
    connection: Connection,
    shard: int,
    chart: Chart,
    next_account: int,
    *,
    claims: Sequence[Claim],
    sales: Sequence[Prepared],
    counters: Iterable[str] = (),
) -> Ledger:
    """What these names and sales are about, and further counters; `chart` learns what others have opened.

    `next_account` is the head's.
    """
    scopes, keys = zip(*claims, strict=True) if claims else ((), ())
    until = _wanted_lots(sales)
    wanted = {counter for sale in sales for counter in sale.matched.counters}
    wanted.update(counters)
    row = await connection.fetchrow(
        sql.READ_LEDGER, shard, scopes, keys, list(until), list(until.values()), list(wanted),
        len(chart.assets), chart.next_account,
    )  # fmt: skip
    assert row is not None
    taken, members, counts, assets, parties, versions = row
    chart.take_in(assets, parties, next_account)
    book = Book(next_account=next_account, accounts=dict(chart.accounts))
    for ref, number, code, asset, balance, lots in members:
        account = Account("member", ref, code, chart.asset_names[asset])
        book.accounts[account] = number
        book.know(number, account, balance, starmap(Lot, lots))
    held = {
        Claim(scope, key): refusal if index is None else index
        for scope, key, index, refusal in taken
    }
    return Ledger(held, book, dict(counts), Versions(*versions))


def _wanted_lots(sales: Iterable[Prepared]) -> dict[str, date]:
    """By member the last day up to which lots matter: all to those who redeem, to others what expires soon, for
    their receipt.
    """
    until: dict[str, date] = {}
    for sale in sales:
        account = sale.member_account
        if account is not None:
            soon = sale.event.key.business_day + EXPIRING_WITHIN
            spends = sale.event.redeem or sale.matched.spends_points
            last = NEVER if spends else soon
            until[account.ref] = max(until.get(account.ref, last), last)
    return until
