"""What acts are decided on besides the batch's ledger: the sales that they are about, and all that members have."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import starmap

import asyncpg

from lepta.ledger.book import Book
from lepta.ledger.chart import Account, points_of
from lepta.ledger.lots import Lot
from lepta.processing import sql
from lepta.processing.acts import Act
from lepta.processing.beside import Beside
from lepta.processing.events import NaturalKey
from lepta.processing.heirs import Heir, Heirs, heir_at, of_heir
from lepta.processing.held import Held
from lepta.processing.leaf import Leaf, Recorded
from lepta.processing.motion import Entered, Movement
from lepta.processing.state import Claim, Claimed, Subject, natural_claim


async def find(
    connection: asyncpg.Connection, shard: int, keys: Iterable[NaturalKey]
) -> dict[Claim, int]:
    """Where in the log the events lie that tills call by these keys, as far as they are recorded."""
    claims = [natural_claim("checkout", key) for key in keys]
    if not claims:
        return {}
    rows = await connection.fetch(sql.FIND_SUBJECTS, shard, [claim.key for claim in claims])
    places = dict(map(tuple, rows))
    return {claim: places[claim.key] for claim in claims if claim.key in places}


async def read(
    connection: asyncpg.Connection, shard: int, indexes: Collection[int], before: int
) -> dict[int, Subject]:
    """Sales by their place in the log, with what took parts of them back before another place."""
    if not indexes:
        return {}
    subjects = {}
    for index, leaf, beside in await connection.fetch(sql.READ_EVENTS, shard, list(indexes)):
        lying = Beside(beside)
        read_ = Leaf(leaf, lying.content)
        if read_.kind == "checkout":
            subjects[index] = Subject(Recorded.of(read_, lying), read_, [], [])
    rows = await connection.fetch(sql.READ_UNDONE, shard, list(subjects), before)
    for subject, _, leaf, beside in rows:
        lying = Beside(beside)
        subjects[subject].undone.append(Movement.of(Leaf(leaf, lying.content), lying))
    await _read_claims(connection, shard, subjects)
    shown = {ref for subject in subjects.values() for ref in subject.refs}
    heirs = await read_heirs(connection, shard, shown)
    for index, subject in subjects.items():
        if subject.refs and subject.refs[0] in heirs:
            subjects[index] = subject._replace(heirs=heirs[subject.refs[0]])
    await _read_ended(connection, shard, subjects)
    return subjects


async def _read_claims(
    connection: asyncpg.Connection, shard: int, subjects: dict[int, Subject]
) -> None:
    """Add who claimed sales without a card."""
    anonymous = [n for n, subject in subjects.items() if subject.recorded.seen.member is None]
    rows = await connection.fetch(sql.READ_CLAIMED, shard, anonymous) if anonymous else ()
    for sale, leaf, beside in rows:
        lying = Beside(beside)
        read_ = Leaf(leaf, lying.content)
        subjects[sale] = subjects[sale]._replace(claimed=Claimed(Movement.of(read_, lying), read_))


async def read_heirs(
    connection: asyncpg.Connection, shard: int, refs: Collection[str]
) -> dict[str, Heirs]:
    """Who these members became, of those who were merged."""
    found: dict[str, list[Heir]] = {}
    if refs:
        for ref, log_index, into in await connection.fetch(sql.READ_HEIRS, shard, list(refs)):
            found.setdefault(ref, []).append(Heir(log_index, into))
    return {**found}


async def _read_ended(
    connection: asyncpg.Connection, shard: int, subjects: Mapping[int, Subject]
) -> None:
    """Add what the sales' lots lost on their last day, or when their member left: with their member, and with whom that
    one became.
    """
    ending = {
        index: subject
        for index, subject in subjects.items()
        if subject.origin.document.get("member")
    }
    if not ending:
        return
    places = [
        (subject.origin.document["member"], sale, subject.origin.index)
        for sale, subject in ending.items()
    ] + await _inherited(connection, shard, ending)
    holders = {(account, sale) for account, sale, _ in places}
    rows = await connection.fetch(sql.READ_ENDED, shard, *zip(*places, strict=True))
    for sale, leaf, beside in rows:
        read_ = Leaf(leaf, Beside(beside).content)
        for account, index, leg, points, *_ in read_.document.get("moves", ()):
            if index == ending[sale].origin.index and (account, sale) in holders and points > 0:
                subjects[sale].expired.append((read_.index, leg, points))


async def _inherited(
    connection: asyncpg.Connection, shard: int, sales: Mapping[int, Subject]
) -> list[tuple[int, int, int]]:
    """(account, sale, since when) of who has the sales' lots since their member was merged."""
    heirs = {heir.ref for subject in sales.values() for heir in subject.heirs}
    if not heirs:
        return []
    rows = await connection.fetch(sql.READ_ACCOUNTS, shard, list(heirs))
    accounts = {(ref, asset): number for ref, asset, number in rows}
    return [
        (accounts[heir.ref, asset], sale, heir.log_index)
        for sale, subject in sales.items()
        for asset in [points_of(subject.recorded.seen.store.programme)]
        for heir in subject.heirs
        if (heir.ref, asset) in accounts
    ]


async def read_voided(
    connection: asyncpg.Connection, shard: int, recorded: Mapping[int, Entered]
) -> dict[int, int]:
    """Of those of these events that are voids which came first: the sale, if it is recorded."""
    voids = [
        index
        for index, event in recorded.items()
        if isinstance(event, Movement) and event.kind == "void" and not event.about
    ]
    if not voids:
        return {}
    return dict(map(tuple, await connection.fetch(sql.READ_VOIDED, shard, voids)))


async def read_taken_back(
    connection: asyncpg.Connection, shard: int, recorded: Mapping[int, Entered]
) -> set[int]:
    """Those of these sales that were voided after they had been recorded."""
    sales = [index for index, event in recorded.items() if isinstance(event, Recorded)]
    if not sales:
        return set()
    rows = await connection.fetch(sql.READ_TAKEN_BACK, shard, sales)
    return {sale for (sale,) in rows}


def members_of(acts: Sequence[Act], subjects: Mapping[int, Subject]) -> set[str]:
    """Whose lots have to be known."""
    shown = {ref for subject in subjects.values() for ref in subject.refs}
    return {ref for act in acts for ref in act.members} | shown


def counters_of(subjects: Mapping[int, Subject]) -> set[str]:
    """Counters that may be released, by every name that their member had."""
    return {
        name
        for subject in subjects.values()
        for leaf in (subject.leaf, subject.origin)
        for counter, _ in leaf.document.get("used", ())
        for name in (counter, *[of_heir(counter, subject.refs[0], ref) for ref in subject.refs[1:]])
    }


async def read_holdings(
    connection: asyncpg.Connection, shard: int, book: Book, members: Collection[str]
) -> None:
    """Put all accounts and lots of these members into the book."""
    if not members:
        return
    for ref, number, code, asset, balance, lots in await connection.fetch(
        sql.READ_HOLDINGS, shard, list(members)
    ):
        account = Account("member", ref, code, asset)
        book.accounts[account] = number
        book.know(number, account, balance, starmap(Lot, lots))


async def read_holds(
    connection: asyncpg.Connection, shard: int, indexes: Collection[int], before: int
) -> dict[int, Held]:
    """Holds by their place in the log, what ended them, and whose they are before another place; at other places is
    none.
    """
    found = {}
    if indexes:
        for index, leaf, beside, by in await connection.fetch(sql.READ_HOLDS, shard, list(indexes)):
            lying = Beside(beside)
            found[index] = Held.of(Leaf(leaf, lying.content), lying, by)
    heirs = await read_heirs(connection, shard, {held.member for held in found.values()})
    return {
        index: replace(held, owner=heir_at(held.member, heirs.get(held.member, ()), before))
        for index, held in found.items()
    }
