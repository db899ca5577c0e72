"""What acts are decided on besides the batch's ledger: the sales that they are about, and all that members have."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import starmap

import asyncpg

from lepta.ledger.book import Book
from lepta.ledger.chart import Account
from lepta.ledger.lots import Lot
from lepta.processing import sql
from lepta.processing.acts import Act
from lepta.processing.beside import Beside
from lepta.processing.events import NaturalKey
from lepta.processing.leaf import Leaf, Recorded
from lepta.processing.motion import Movement
from lepta.processing.state import Claim, Subject, natural_claim


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
            subjects[index] = Subject(Recorded.of(read_, lying), read_, [])
    rows = await connection.fetch(sql.READ_UNDONE, shard, list(subjects), before)
    for subject, _, leaf, beside in rows:
        lying = Beside(beside)
        subjects[subject].undone.append(Movement.of(Leaf(leaf, lying.content), lying))
    return subjects


def members_of(acts: Sequence[Act], subjects: Mapping[int, Subject]) -> set[str]:
    """Whose lots have to be known."""
    shown = (subject.recorded.seen.member for subject in subjects.values())
    return {ref for act in acts for ref in act.members} | {member.ref for member in shown if member}


def counters_of(subjects: Mapping[int, Subject]) -> set[str]:
    """Counters that may be released."""
    return {
        counter
        for subject in subjects.values()
        for counter, _ in subject.leaf.document.get("used", ())
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
