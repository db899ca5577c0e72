"""SQL of a batch, second half: append what was decided. The only module that writes ledger tables."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from hashlib import sha256
from typing import Any

import asyncpg

from lepta.ledger.book import Book, Changes, Opened
from lepta.ledger.chart import limit_side
from lepta.ledger.entries import spender
from lepta.ledger.lots import Lot
from lepta.log.merkle import leaf_hash
from lepta.processing import sql
from lepta.processing.decide import Accepted, Decision, Published
from lepta.processing.leaf import KINDS, Booked
from lepta.processing.load import Chart, Head
from lepta.processing.moving import Moved, Recalled
from lepta.processing.owners import ClaimSale, Merge
from lepta.processing.recognition import Refused, Repeated
from lepta.processing.state import HEADER, Claim, State
from lepta.rules.limits import is_hard
from lepta.rules.watch import KINDS as SUSPICIOUS

Connection = asyncpg.Connection
Columns = Sequence[Sequence[Any]]
Booking = Accepted | Moved
"""A decision that adds an event with entries to the log."""


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
    booked = [one for d in decisions if isinstance(d, (Accepted, Moved)) for one in d.parts]
    published = [d for d in decisions if isinstance(d, Published)]
    claims = _claims(decisions)
    if not (booked or published or claims[0]):
        return None
    written = [*(one.leaf for one in published), *(each.leaf for each in booked)]
    hashes = [leaf_hash(each.leaf) for each in written]
    await _append_assets(connection, state, chart)
    for publication in published:
        await _append_rulebook(connection, state.shard, publication)
    frontier, completed = head.frontier.grow(hashes)
    book = state.book
    appended = await connection.execute(
        sql.APPEND, state.shard,
        *_opened(book, chart), *_moved(book), *_events(published, booked, hashes),
        *_entries(book, chart, booked), *claims, *_lots(book.changes), *_allocations(booked),
        *_limits(state.used), *_reversals(booked), *_holds(booked), *_donations(state, chart, booked), *_columns(completed, 3),
        frontier.size, frontier.root(), frontier.to_bytes(), state.rulebook.digest, book.next_account, head.size,
    )  # fmt: skip
    assert appended == "UPDATE 1", appended
    acts = [each for each in booked if isinstance(each, Moved)]
    if acts:
        await _append_rest(connection, state.shard, acts)
    suspicions = _suspicions(booked)
    if suspicions:
        await connection.execute(sql.INSERT_SUSPICIONS, state.shard, *_columns(suspicions, 4))
    return hashes[-1] if hashes else None


async def _append_rest(connection: Connection, shard: int, acts: Sequence[Moved]) -> None:
    """What no sale has."""
    if asides := [(a.log_index, a.aside, *_about(a.movement.facts)) for a in acts if a.aside]:
        await connection.execute(sql.INSERT_REASONS, shard, *_columns(asides, 4))
    if seconds := [(act.second, act.log_index) for act in acts if act.second is not None]:
        await connection.execute(sql.INSERT_SECONDS, shard, *_columns(seconds, 2))
    for act in acts:
        if act.kind == ClaimSale.kind:
            (sale,) = act.movement.about
            await connection.execute(sql.INSERT_CLAIMED, shard, sale, act.log_index)
        if act.merger is not None:
            await _append_merger(connection, shard, act, act.merger)


async def _append_merger(connection: Connection, shard: int, act: Moved, merger: Merge) -> None:
    """Holds and cards go over with the points; the other one's record stays, and says to whom."""
    if "account" in act.movement.facts:
        accounts = (act.movement.facts["account"], act.booked.member)
        await connection.execute(sql.HAND_OVER_HOLDS, shard, *accounts)
    if merger.is_first:
        names = (act.log_index, merger.member, merger.into)
        await connection.execute(sql.INSERT_MERGED, shard, *names)
        await connection.execute(sql.HAND_OVER_CARDS, *merger.names)
        await connection.execute(sql.MERGE_MEMBERS, *merger.names)
        await connection.execute(sql.CHANGE_MEMBERS)


def _about(facts: Mapping[str, Any]) -> tuple[str, str]:
    """Whom the words about an act may name: one member, or two."""
    return facts["member"], facts.get("to", facts["member"])


def _suspicions(booked: Sequence[Booking]) -> list[tuple[Any, ...]]:
    """Sales that the office is to look into."""
    return [
        (each.log_index, kinds, each.recorded.event.key.store, each.recorded.event.key.business_day)
        for each in booked
        if isinstance(each, Accepted)
        and each.recorded.outcome.flags
        and (kinds := sum([SUSPICIOUS.get(flag, 0) for flag in each.recorded.outcome.flags]))
    ]


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
    published: Sequence[Published], booked: Sequence[Booking], hashes: Sequence[bytes]
) -> Columns:
    publication = KINDS["rulebook"]
    rows: list[tuple[Any, ...]] = [
        (p.log_index, None, publication, p.leaf.leaf, p.leaf.beside) for p in published
    ]
    rows += [
        (b.log_index, b.booked.member, KINDS[b.kind], b.leaf.leaf, b.leaf.beside) for b in booked
    ]
    return [*_columns(rows, 5), hashes]


def _entries(book: Book, chart: Chart, booked: Sequence[Booking]) -> Columns:
    asset_of = {number: chart.assets[account.asset] for account, number in book.accounts.items()}
    rows = [
        (each.log_index, leg, p.debit, p.credit, asset_of[p.debit], p.amount, p.code)
        for each in booked
        for leg, p in enumerate(each.booked.postings)
    ]
    return _columns(rows, 7)


def _lots(changes: Changes) -> Columns:
    """New lots, and what is left of older ones; of an empty one no row is kept."""
    issued = [(*key, *lot) for key, lot in changes.issued.items() if lot.remaining]
    touched = [(*key, rest) for key, rest in changes.remaining.items()]
    return [*_columns(issued, 7), *_columns(touched, 5)]


def _allocations(booked: Sequence[Booking]) -> Columns:
    """What was taken from lots; below 0: put into them."""
    rows = [
        (each.log_index, seq, account, lot.log_index, lot.leg, lot.expires_on, points)
        for each in booked
        for seq, (account, lot, points) in enumerate(_taken(each.booked))
    ]
    return _columns(rows, 7)


def _taken(booked: Booked) -> Iterable[tuple[int, Lot, int]]:
    if booked.moves is not None:
        return booked.moves
    if not booked.spent:
        return booked.released
    account = spender(booked.postings)
    return [*booked.released, *((account, lot, points) for lot, points in booked.spent)]


def _limits(used: dict[str, int]) -> Columns:
    """Hard caps, of others what was used, and what was released."""
    hard = [(counter, amount) for counter, amount in used.items() if is_hard(counter)]
    others = [(counter, amount) for counter, amount in used.items() if not is_hard(counter)]
    more = [(counter, amount) for counter, amount in others if amount > 0]
    less = [(counter, -amount) for counter, amount in others if amount < 0]
    return [*_columns(hard, 2), *_columns(more, 2), *_columns(less, 2)]


def _reversals(booked: Sequence[Booking]) -> Columns:
    return _columns([pair for each in booked for pair in each.reversals], 2)


def _holds(booked: Sequence[Booking]) -> Columns:
    """Holds that were made, and what ended which."""
    made = _columns([row for each in booked for row in each.held], 4)
    return [*made, *_columns([pair for each in booked for pair in each.resolutions], 2)]


def _donations(state: State, chart: Chart, booked: Sequence[Booking]) -> Columns:
    """What each member gave, and what each campaign did; below 0 what was taken back."""
    funds = {account.ref: number for number, account in _new_funds(state.book)} | chart.funds
    number_of = state.rulebook.number_of
    given: dict[tuple[int, int, int], list[int]] = {}
    standing: dict[tuple[str, str], list[int]] = {}
    for each in booked:
        for member, (campaign, fund, donations, points, money) in each.givers:
            total = standing.setdefault((campaign, fund), [len(standing), 0, 0, 0])
            total[1] += donations
            total[2] += points
            total[3] += money
            if member is not None:
                key = (member, number_of(campaign), funds[fund])
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
            case Accepted() | Moved():
                for claim in decision.claims:
                    rows[claim] = (decision.log_index, b"")
            case Repeated(known, claim) | Recalled(known, claim) if claim is not None:
                rows[claim] = (known.log_index, b"")
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
