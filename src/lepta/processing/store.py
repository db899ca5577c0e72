"""SQL of a batch, second half: append what was decided. The only module that writes ledger tables."""

from collections.abc import Iterator, Sequence
from datetime import date
from hashlib import sha256
from typing import Any

import asyncpg

from lepta.ledger.book import Book, Changes, Opened
from lepta.ledger.chart import limit_side
from lepta.log.merkle import leaf_hash
from lepta.processing import sql
from lepta.processing.decide import Accepted, Decision, Published
from lepta.processing.leaf import KINDS
from lepta.processing.load import Chart, Head
from lepta.processing.recognition import Refused, Repeated
from lepta.processing.state import HEADER, Claim, State
from lepta.rules.limits import is_hard

Connection = asyncpg.Connection
Columns = Sequence[Sequence[Any]]
AT_ONCE = date.min
"""The first day of points that do not have to wait ('-infinity' in the database)."""


async def append(
    connection: Connection,
    state: State,
    head: Head,
    chart: Chart,
    decisions: Sequence[Decision],
) -> bytes | None:
    """Write a batch's decisions in one statement, a publication's rulebook besides. Returns the last leaf's hash,
    if there is one.
    """
    accepted = [d for d in decisions if isinstance(d, Accepted)]
    published = [d for d in decisions if isinstance(d, Published)]
    claims = _claims(decisions)
    if not (accepted or published or claims[0]):
        return None
    written = [*(one.leaf for one in published), *(sale.leaf for sale in accepted)]
    hashes = [leaf_hash(each.leaf) for each in written]
    await _append_assets(connection, state, chart)
    for publication in published:
        await _append_rulebook(connection, state.shard, publication)
    frontier, completed = head.frontier.grow(hashes)
    book = state.book
    appended = await connection.execute(
        sql.APPEND, state.shard,
        *_opened(book, chart), *_moved(book), *_events(published, accepted, hashes),
        *_entries(book, chart, accepted), *claims, *_lots(book.changes), *_allocations(accepted),
        *_limits(state.used), *_donations(state, chart, accepted), *_columns(completed, 3),
        frontier.size, frontier.root(), frontier.to_bytes(), state.rulebook.digest, book.next_account, head.size,
    )  # fmt: skip
    assert appended == "UPDATE 1", appended
    return hashes[-1] if hashes else None


async def _append_assets(connection: Connection, state: State, chart: Chart) -> None:
    opened = state.book.changes.opened
    new = {account.asset for _, (_, account) in opened} - chart.assets.keys()
    if new:
        rows = list(enumerate(sorted(new), len(chart.assets) + 1))
        await connection.execute(sql.INSERT_ASSETS, *_columns(rows, 2))
        chart.learn_assets(rows)


async def _append_rulebook(connection: Connection, shard: int, published: Published) -> None:
    rulebook = published.rulebook
    await connection.execute(
        sql.INSERT_RULEBOOK, rulebook.number, rulebook.digest, published.change
    )
    caps = sorted(published.caps.items())
    if caps:
        await connection.execute(sql.GRANT_BUDGETS, shard, *_columns(caps, 2))


def _columns(rows: Sequence[tuple[Any, ...]], width: int) -> Columns:
    """Rows as so many columns, which is how `unnest` takes them; no rows are empty columns."""
    return list(zip(*rows, strict=True)) if rows else [()] * width


def _opened(book: Book, chart: Chart) -> Columns:
    """New accounts, and their balances with what the batch moved there."""
    names, balances = [], []
    for index, (number, account) in book.changes.opened:
        names.append((number, *account[:3], chart.assets[account.asset], index))
        sums = book.changes.moved.get(number, (0, 0))
        balances.append((number, limit_side(account), *sums))
    return [*_columns(names, 6), *_columns(balances, 4)]


def _moved(book: Book) -> Columns:
    """Balances of the accounts that were there before."""
    opened = {number for _, (number, _) in book.changes.opened}
    moved = book.changes.moved.items()
    return _columns([(n, *sums) for n, sums in moved if n not in opened], 3)


def _events(
    published: Sequence[Published], accepted: Sequence[Accepted], hashes: Sequence[bytes]
) -> Columns:
    publication, sale = KINDS["rulebook"], KINDS["checkout"]
    rows: list[tuple[Any, ...]] = [
        (p.log_index, None, publication, p.leaf.leaf, p.leaf.beside) for p in published
    ]
    rows += [
        (a.recorded.log_index, a.booked.member, sale, a.leaf.leaf, a.leaf.beside) for a in accepted
    ]
    return [*_columns(rows, 5), hashes]


def _entries(book: Book, chart: Chart, accepted: Sequence[Accepted]) -> Columns:
    asset_of = {number: chart.assets[account.asset] for account, number in book.accounts.items()}
    rows = [
        (sale.recorded.log_index, leg, p.debit, p.credit, asset_of[p.debit], p.amount, p.code)
        for sale in accepted
        for leg, p in enumerate(sale.booked.postings)
    ]
    return _columns(rows, 7)


def _lots(changes: Changes) -> Columns:
    """New lots, and what is left of older ones; of an empty one no row is kept."""
    issued = [
        (*key, remaining, available_on or AT_ONCE)
        for key, (remaining, available_on) in changes.issued.items()
        if remaining
    ]
    touched = [(*key, rest) for key, rest in changes.remaining.items()]
    return [*_columns(issued, 6), *_columns(touched, 5)]


def _allocations(accepted: Sequence[Accepted]) -> Columns:
    rows = [
        (sale.recorded.log_index, seq, sale.booked.postings[0].debit, lot.log_index, lot.leg,
         lot.expires_on, points)
        for sale in accepted
        for seq, (lot, points) in enumerate(sale.booked.spent)
    ]  # fmt: skip
    return _columns(rows, 7)


def _limits(used: dict[str, int]) -> Columns:
    hard = [(counter, amount) for counter, amount in used.items() if is_hard(counter)]
    others = [(counter, amount) for counter, amount in used.items() if not is_hard(counter)]
    return [*_columns(hard, 2), *_columns(others, 2)]


def _donations(state: State, chart: Chart, accepted: Sequence[Accepted]) -> Columns:
    """What each member gave, and what each campaign did."""
    funds = {account.ref: number for number, account in _new_funds(state.book)} | chart.funds
    number_of = state.rulebook.number_of
    given: dict[tuple[int, int, int], list[int]] = {}
    standing: dict[tuple[str, str], list[int]] = {}
    for sale in accepted:
        for donation in sale.recorded.outcome.donations:
            campaign, fund, points, money = donation[:4]
            total = standing.setdefault((campaign, fund), [len(standing), 0, 0, 0])
            total[1] += 1
            total[2] += points
            total[3] += money
            if sale.booked.member is not None:
                key = (sale.booked.member, number_of(campaign), funds[fund])
                sums = given.setdefault(key, [0, 0, total[0]])
                sums[0] += points
                sums[1] += money
    by_member = [(*key, *sums) for key, sums in given.items()]
    totals = [(number, *key, *sums) for key, (number, *sums) in standing.items()]
    return [*_columns(by_member, 6), *_columns(totals, 6)]


def _new_funds(book: Book) -> Iterator[Opened]:
    """Accounts of funds that the batch opened, the first of each fund last."""
    return (opened for _, opened in reversed(book.changes.opened) if opened.account.kind == "fund")


def _claims(decisions: Sequence[Decision]) -> Columns:
    """Names that are taken from now on, by an event or a stored refusal."""
    rows: dict[Claim, tuple[int | None, bytes]] = {}
    for decision in decisions:
        match decision:
            case Accepted():
                for claim in decision.claims:
                    rows[claim] = (decision.recorded.log_index, b"")
            case Repeated(recorded, claim) if claim is not None:
                rows[claim] = (recorded.log_index, b"")
            case Refused(_, claim, stored) if claim is not None and stored is not None:
                rows[claim] = (None, stored)
            case _:
                pass
    return _columns(
        [(*claim, *held, header_digest(claim, *held)) for claim, held in rows.items()], 5
    )


def header_digest(claim: Claim, log_index: int | None, refusal: bytes) -> bytes:
    """What guards a claim by a request header, which no leaf tells; the others have none."""
    if claim.scope != HEADER:
        return b""
    place = b"" if log_index is None else str(log_index).encode()
    return sha256(b"\x00".join((claim.key, place, refusal))).digest()
