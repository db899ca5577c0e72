"""What merging members is decided on besides the batch's ledger: their records, and all that the one had counted."""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import asyncpg

from lepta.processing import sql
from lepta.processing.acts import Act
from lepta.processing.beside import Beside
from lepta.processing.heirs import of_heir, own_counter
from lepta.processing.leaf import Leaf
from lepta.processing.owners import Merge
from lepta.processing.state import MemberRow, State
from lepta.rules.rulebook import Rulebook


class Merging(NamedTuple):
    """Of the one merger of a batch, which is alone in it."""

    rows: tuple[MemberRow, ...] = ()
    counters: frozenset[str] = frozenset()
    """Those of who is merged, and the same of who stays."""
    gave: tuple[tuple[int, str, str, int, int], ...] = ()
    """(account, campaign, fund, points, money)."""

    def add_to(self, state: State) -> None:
        """Have it decided on."""
        state.rows = self.rows
        for one in self.gave:
            state.give(*one)


async def read(
    connection: asyncpg.Connection, shard: int, acts: Sequence[Act], rulebook: Rulebook
) -> Merging:
    """Nothing where the batch merges nobody."""
    merge = next((act for act in acts if isinstance(act, Merge)), None)
    if merge is None or merge.trouble is not None:
        return Merging()
    rows = await connection.fetch(sql.LOCK_MEMBERS, list(merge.names))
    found = await connection.fetch(sql.READ_ACCOUNTS, shard, [merge.member])
    accounts = [number for _, _, number in found]
    events = await connection.fetch(sql.READ_ALL_OF, shard, accounts)
    given = await connection.fetch(sql.READ_GIVEN, shard, accounts)
    names = [*rulebook.campaigns]
    return Merging(
        tuple([MemberRow(*row) for row in rows]),
        _counters(events, merge),
        tuple([(n, names[campaign], *rest) for n, campaign, *rest in given]),
    )


def _counters(events: Iterable[Any], merge: Merge) -> frozenset[str]:
    """Every counter of a member stands in an event of theirs; with what the other one has of the same."""
    return frozenset(
        name
        for leaf, beside in events
        for counter, _ in _used(leaf, beside)
        if own_counter(counter, merge.member)
        for name in (counter, of_heir(counter, merge.member, merge.into))
    )


def _used(leaf: bytes, beside: bytes) -> Iterable[Any]:
    """What is too long for a leaf lies beside it, its entries among it."""
    document = Leaf(leaf).document
    if "used" not in document and "entries" not in document:
        document = Leaf(leaf, Beside(beside).content).document
    used: Iterable[Any] = document.get("used", ())
    return used
