"""Tables whose rows stand in the leaves: compared as bytes, and only where those differ row by row."""

from struct import Struct
from typing import NamedTuple

import asyncpg

from lepta.verification.invariants import Check
from lepta.verification.packed import ALLOCATION_ROW, ENTRY_ROW
from lepta.verification.report import Faults
from lepta.verification.source import SHARD, copied


class Mirror(NamedTuple):
    """A table that repeats a list of the leaves. The first two columns name the event and the place in it."""

    table: str
    columns: tuple[str, ...]
    packed: Struct

    def selection(self, columns: str) -> str:
        """The rows of a range in order."""
        first, second = self.columns[:2]
        return (
            f"SELECT {columns} FROM {self.table} WHERE shard = $1"  # noqa: S608 - constants
            f" AND {first} >= $2 AND {first} < $3 ORDER BY {first}, {second}"
        )


ENTRIES = Mirror(
    "entry", ("log_index", "leg", "debit", "credit", "asset", "amount", "code"), ENTRY_ROW
)
ALLOCATIONS = Mirror(
    "lot_allocation",
    ("log_index", "seq", "account", "lot_log_index", "lot_leg", "expires_on", "amount"),
    ALLOCATION_ROW,
)


async def compare(
    connection: asyncpg.Connection,
    mirror: Mirror,
    span: tuple[int, int],
    expected: bytes,
    faults: Faults,
) -> None:
    """Whether the table holds, for a span of events, the rows `expected` and no others."""
    query = mirror.selection(", ".join(mirror.columns))
    if await copied(connection, query, SHARD, *span) != expected:
        await _name_differences(connection, mirror, span, expected, faults)


async def _name_differences(
    connection: asyncpg.Connection,
    mirror: Mirror,
    span: tuple[int, int],
    expected: bytes,
    faults: Faults,
) -> None:
    columns = ", ".join(mirror.columns)
    # As numbers throughout: a date as the days since 2000, which 'infinity' has none of.
    days = "CASE WHEN isfinite(expires_on) THEN expires_on - DATE '2000-01-01' ELSE 2147483647 END"
    found = await connection.fetch(
        mirror.selection(columns.replace("expires_on", days)), SHARD, *span
    )
    # Every second value of the binary form is a column's length.
    wanted = {row[2:6:2]: row[2::2] for row in mirror.packed.iter_unpack(expected)}
    for row in map(tuple, found):
        index, place = row[:2]
        known = wanted.pop((index, place), None)
        if known is None:
            what = f"table {mirror.table} has a row {place} that the leaf does not"
            faults.event(Check.ROWS, index, what)
        else:
            for column, is_, says in zip(mirror.columns, row, known, strict=True):
                if is_ != says:
                    what = (
                        f"table {mirror.table} row {place}: {column} is {is_}, the leaf says {says}"
                    )
                    faults.event(Check.ROWS, index, what)
    for index, place in wanted:
        what = f"table {mirror.table} lacks row {place}, which the leaf has"
        faults.event(Check.ROWS, index, what)
