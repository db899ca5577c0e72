"""SQL of a batch, second half: append what was decided. The only module that writes ledger tables."""

from collections.abc import Sequence
from datetime import datetime
from hashlib import sha256
from typing import Any, TypeVar

import asyncpg

from lepta.ledger.book import Book, Changes, LotKey
from lepta.ledger.chart import limit_side
from lepta.log.merkle import Completed, Frontier, leaf_hash
from lepta.processing import sql
from lepta.processing.decide import Accepted, Decision, Published
from lepta.processing.leaf import KINDS
from lepta.processing.load import Chart, Head
from lepta.processing.outcome import Donation
from lepta.processing.recognition import Refused, Repeated
from lepta.processing.state import HEADER, Claim, State
from lepta.rules.limits import is_hard

Connection = asyncpg.Connection
Key = TypeVar("Key")


async def append(
    connection: Connection,
    state: State,
    head: Head,
    chart: Chart,
    decisions: Sequence[Decision],
    *,
    received_at: datetime,
) -> bytes | None:
    """Write a batch's decisions: one statement a table. Returns the last leaf's hash, if there is one."""
    accepted = [d for d in decisions if isinstance(d, Accepted)]
    published = [d for d in decisions if isinstance(d, Published)]
    leaves = [d.leaf.leaf for d in published] + [d.leaf.leaf for d in accepted]
    hashes = [leaf_hash(leaf) for leaf in leaves]
    await _append_accounts(connection, state, chart)
    if accepted:
        await _append_sales(connection, state, chart, accepted, hashes, received_at=received_at)
    for publication in published:
        await _append_publication(connection, state, publication, hashes[0], received_at)
    await _append_claims(connection, state.shard, decisions)
    frontier, completed = head.frontier.grow(hashes)
    await _append_tiles(connection, state.shard, completed)
    if hashes:
        await _move_head(connection, state, head, frontier)
    return hashes[-1] if hashes else None


async def _append_accounts(connection: Connection, state: State, chart: Chart) -> None:
    opened = state.book.changes.opened
    if not opened:
        return
    new = {account.asset for _, (_, account) in opened} - chart.assets.keys()
    if new:
        first = len(chart.assets) + 1
        rows = list(enumerate(sorted(new), first))
        await connection.execute(sql.INSERT_ASSETS, *map(list, zip(*rows, strict=True)))
        chart.learn_assets(rows)
    numbers, sides, names = [], [], []
    for index, (number, account) in opened:
        numbers.append(number)
        sides.append(limit_side(account))
        names.append((number, *account[:3], chart.assets[account.asset], index))
    columns = list(zip(*names, strict=True))
    await connection.execute(sql.INSERT_ACCOUNTS, state.shard, *columns)
    await connection.execute(sql.INSERT_BALANCES, state.shard, numbers, sides)


async def _append_sales(
    connection: Connection,
    state: State,
    chart: Chart,
    accepted: Sequence[Accepted],
    hashes: Sequence[bytes],
    *,
    received_at: datetime,
) -> None:
    book, shard = state.book, state.shard
    await connection.execute(
        sql.APPEND_SALES,
        shard,
        received_at,
        *_events(book, accepted, hashes),
        *_entries(book, chart, accepted),
        *_moved(book.changes),
        *_issued(book.changes),
    )
    await _write_lots(connection, shard, book.changes)
    await _append_allocations(connection, shard, accepted)
    await _use_limits(connection, shard, state.used)
    await _add_donations(connection, shard, book, accepted)


def _columns(rows: Sequence[tuple[Any, ...]], width: int) -> Sequence[Sequence[Any]]:
    """Rows as so many columns, which is how `unnest` takes them; no rows are empty columns."""
    return list(zip(*rows, strict=True)) if rows else [()] * width


def _events(
    book: Book, accepted: Sequence[Accepted], hashes: Sequence[bytes]
) -> Sequence[Sequence[Any]]:
    kind = KINDS["checkout"]
    rows = [
        (
            sale.recorded.log_index, sale.recorded.event.occurred_at, _member_number(book, sale), kind,
            sale.leaf.leaf, hashed, sale.recorded.salt, sale.facts, sale.recorded.event.basket,
            sale.leaf.beside,
        )
        for sale, hashed in zip(accepted, hashes, strict=True)
    ]  # fmt: skip
    return _columns(rows, 10)


def _member_number(book: Book, sale: Accepted) -> int | None:
    account = sale.member_account
    return book.accounts[account] if account else None


def _entries(book: Book, chart: Chart, accepted: Sequence[Accepted]) -> Sequence[Sequence[Any]]:
    asset_of = {number: chart.assets[account.asset] for account, number in book.accounts.items()}
    rows = [
        (sale.recorded.log_index, leg, p.debit, p.credit, asset_of[p.debit], p.amount, p.code)
        for sale in accepted
        for leg, p in enumerate(sale.booked.postings)
    ]
    return _columns(rows, 7)


def _moved(changes: Changes) -> Sequence[Sequence[int]]:
    # Always in the same order, so that no two transactions can wait for each other in a ring.
    return _columns([(account, *sums) for account, sums in sorted(changes.moved.items())], 3)


def _issued(changes: Changes) -> Sequence[Sequence[Any]]:
    rows = [
        (*key, remaining, available_on)
        for key, (remaining, available_on) in changes.issued.items()
        if remaining
    ]
    return _columns(rows, 6)


async def _write_lots(connection: Connection, shard: int, changes: Changes) -> None:
    left = [(*key, rest) for key, rest in changes.remaining.items() if rest]
    if left:
        await connection.execute(sql.UPDATE_LOTS, shard, *_columns(left, 5))
    closed: list[LotKey] = [key for key, rest in changes.remaining.items() if not rest]
    if closed:
        await connection.execute(sql.CLOSE_LOTS, shard, *_columns(closed, 4))


async def _append_allocations(
    connection: Connection, shard: int, accepted: Sequence[Accepted]
) -> None:
    rows = [
        (sale.recorded.log_index, seq, sale.booked.postings[0].debit, lot.log_index, lot.leg,
         lot.expires_on, points)
        for sale in accepted
        for seq, (lot, points) in enumerate(sale.booked.spent)
    ]  # fmt: skip
    if rows:
        await connection.execute(sql.INSERT_ALLOCATIONS, shard, *_columns(rows, 7))


async def _use_limits(connection: Connection, shard: int, used: dict[str, int]) -> None:
    if used:
        hard = sorted((c, n) for c, n in used.items() if is_hard(c))
        others = sorted((c, n) for c, n in used.items() if not is_hard(c))
        await connection.execute(sql.USE_LIMITS, shard, *_columns(hard, 2), *_columns(others, 2))


async def _add_donations(
    connection: Connection, shard: int, book: Book, accepted: Sequence[Accepted]
) -> None:
    """Keep what each member gave and where each campaign stands."""
    given: dict[tuple[int, str, str], list[int]] = {}
    standing: dict[tuple[str, str], list[int]] = {}
    for sale in accepted:
        member = _member_number(book, sale)
        for donation in sale.recorded.outcome.donations:
            place = (donation.campaign, donation.fund)
            _add(standing, place, donation)
            if member is not None:
                _add(given, (member, *place), donation)
    if standing:
        by_member = [(*key, *sums) for key, sums in sorted(given.items())]
        totals = [(*key, *sums) for key, sums in sorted(standing.items())]
        await connection.execute(
            sql.ADD_DONATIONS, shard, *_columns(by_member, 6), *_columns(totals, 5)
        )


def _add(sums: dict[Key, list[int]], key: Key, donation: Donation) -> None:
    total = sums.setdefault(key, [0, 0, 0])
    total[0] += 1
    total[1] += donation.points
    total[2] += donation.money


async def _append_publication(
    connection: Connection, state: State, published: Published, hashed: bytes, received_at: datetime
) -> None:
    rulebook, index = published.rulebook, published.log_index
    await connection.execute(
        sql.INSERT_EVENT, state.shard, received_at, index, KINDS["rulebook"],
        published.leaf.leaf, hashed, published.leaf.beside,
    )  # fmt: skip
    change = published.change
    await connection.execute(sql.INSERT_RULEBOOK, rulebook.number, rulebook.digest, change)
    caps = sorted(rulebook.caps().items())
    if caps:
        await connection.execute(sql.GRANT_BUDGETS, state.shard, *zip(*caps, strict=True))


async def _append_claims(connection: Connection, shard: int, decisions: Sequence[Decision]) -> None:
    rows: dict[Claim, tuple[int | None, bytes | None]] = {}
    for decision in decisions:
        match decision:
            case Accepted():
                for claim in decision.claims:
                    rows[claim] = (decision.recorded.log_index, None)
            case Repeated(recorded, claim) if claim is not None:
                rows[claim] = (recorded.log_index, None)
            case Refused(_, claim, stored) if claim is not None:
                rows[claim] = (None, stored)
            case _:
                pass
    if rows:
        columns = [(*claim, *held, header_digest(claim, *held)) for claim, held in rows.items()]
        await connection.execute(sql.INSERT_CLAIMS, shard, *zip(*columns, strict=True))


def header_digest(claim: Claim, log_index: int | None, refusal: bytes | None) -> bytes | None:
    """What guards a claim by a request header, which no leaf tells; None for the others."""
    if claim.scope != HEADER:
        return None
    place = b"" if log_index is None else str(log_index).encode()
    return sha256(b"\x00".join((claim.key, place, refusal or b""))).digest()


async def _append_tiles(connection: Connection, shard: int, completed: Sequence[Completed]) -> None:
    if completed:
        await connection.execute(sql.INSERT_TILES, shard, *zip(*completed, strict=True))


async def _move_head(connection: Connection, state: State, head: Head, frontier: Frontier) -> None:
    moved = await connection.execute(
        sql.MOVE_HEAD, state.shard, frontier.size, frontier.root(), frontier.to_bytes(),
        state.rulebook.digest, state.book.next_account, head.size,
    )  # fmt: skip
    assert moved == "UPDATE 1", moved
