"""SQL of a batch, first half: take the head's lock and read what the batch is decided on."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import TypeVar

import asyncpg

from lepta.ledger.book import Book, Changes
from lepta.ledger.chart import Account
from lepta.ledger.lots import NEVER, Lot
from lepta.log.merkle import Frontier
from lepta.processing import sql
from lepta.processing.directory import Versions
from lepta.processing.leaf import Recorded
from lepta.processing.sight import Prepared
from lepta.processing.state import Claim, ShopperRecord
from lepta.processing.verdict import EXPIRING_WITHIN

Connection = asyncpg.Connection
Key = TypeVar("Key")


@dataclass(frozen=True, slots=True)
class Head:
    """The log's head under its lock: nobody else can append to this shard until the transaction ends."""

    size: int
    frontier: Frontier
    rulebook: bytes
    next_account: int
    partition_width: int
    partitioned_to: int
    versions: Versions


@dataclass(slots=True)
class Chart:
    """The numbers of all accounts that are not members', and of assets: few, and never changed."""

    next_account: int = 1
    accounts: dict[Account, int] = field(default_factory=dict)
    assets: dict[str, int] = field(default_factory=dict)
    asset_names: dict[int, str] = field(default_factory=dict)
    funds: dict[str, int] = field(default_factory=dict)
    """Of each fund the first account: the number that supporters know it by."""

    async def refresh(self, connection: Connection, shard: int, next_account: int) -> None:
        """Read what other writers have opened since."""
        if next_account == self.next_account:
            return
        rows = await connection.fetch(sql.READ_CHART, shard, self.next_account)
        for number, kind, ref, code, asset in rows:
            if kind is None:
                self.learn_assets([(asset, ref)])
            else:
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
        versions=Versions(*row["versions"]),
    )


async def open_partitions(connection: Connection, shard: int, head: Head, batch: int) -> None:
    """Have partitions made half a partition ahead of need."""
    needed = head.size + batch + head.partition_width // 2
    if needed > head.partitioned_to:
        await connection.fetchval(sql.OPEN_PARTITIONS, shard, needed)


async def find_claims(
    connection: Connection, shard: int, claims: Sequence[Claim]
) -> dict[Claim, int | bytes]:
    """Which of these names are taken, and by what."""
    if not claims:
        return {}
    scopes, keys = zip(*claims, strict=True)
    rows = await connection.fetch(sql.FIND_CLAIMS, shard, scopes, keys)
    return {
        Claim(scope, key): refusal if log_index is None else log_index
        for scope, key, log_index, refusal in rows
    }


async def read_recorded(
    connection: Connection, shard: int, indexes: Iterable[int]
) -> dict[int, Recorded]:
    """Sales by their place in the log."""
    wanted = list(indexes)
    if not wanted:
        return {}
    rows = await connection.fetch(sql.READ_EVENTS, shard, wanted)
    return {index: Recorded.parse(leaf, beside) for index, leaf, beside in rows}


async def read_shoppers(
    connection: Connection, shard: int, chart: Chart, head: Head, cards: Iterable[str]
) -> tuple[dict[str, ShopperRecord], Book]:
    """The members behind these cards, as far as they are known, and a working copy of the ledger with their
    accounts and those of all parties.
    """
    book = Book(next_account=head.next_account, accounts=dict(chart.accounts))
    shoppers: dict[str, ShopperRecord] = {}
    wanted = list(cards)
    if not wanted:
        return shoppers, book
    for row in await connection.fetch(sql.READ_SHOPPERS, shard, wanted):
        card, status, ref, tier, segments, first_name, gender, language, *account = row
        shoppers[card] = ShopperRecord(
            card, status, ref, tier, tuple(segments), first_name, gender, language
        )
        number, code, asset, balance = account
        if number is not None:
            book.accounts[Account("member", ref, code, chart.asset_names[asset])] = number
            book.balances[number] = balance
    return shoppers, book


async def read_lots_and_counts(
    connection: Connection, shard: int, book: Book, prepared: Sequence[Prepared]
) -> dict[str, int]:
    """Put open lots into the working copy; what has been used of the limits that these sales may touch."""
    until = _wanted_lots(book, prepared)
    counters = {counter for sale in prepared for counter in sale.matched.counters}
    counts: dict[str, int] = {}
    if not (until or counters):
        return counts
    book.lots.update({number: [] for number in until})
    rows = await connection.fetch(
        sql.READ_LOTS_AND_COUNTS, shard, list(until), list(until.values()), list(counters)
    )
    for account, expires_on, log_index, leg, amount, counter in rows:
        if counter is None:
            book.lots[account].append(Lot(expires_on, log_index, leg, amount))
        else:
            counts[counter] = amount
    return counts


def _wanted_lots(book: Book, prepared: Iterable[Prepared]) -> dict[int, date]:
    """By account the last day up to which lots matter: all to those who redeem, to others what expires soon, for
    their receipt.
    """
    until: dict[int, date] = {}
    for sale in prepared:
        account = sale.member_account
        number = book.accounts.get(account) if account else None
        if number is not None:
            soon = sale.event.key.business_day + EXPIRING_WITHIN
            until[number] = max(until.get(number, soon), NEVER if sale.event.redeem else soon)
    return until
