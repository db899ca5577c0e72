"""What a back-test reads, in one unchanging view: the office's records, the chain of rulebooks, the log."""

from datetime import UTC, datetime

import asyncpg

from lepta.processing.leaf import Leaf
from lepta.rules.known import Known, Place
from lepta.rules.rulebook import EMPTY, Rulebook
from lepta.verification.source import SHARD

READ_SIZE = "SELECT size FROM log_head WHERE shard = $1"
READ_CHANGES = "SELECT number, change FROM rulebook ORDER BY number"
READ_PARTIES = "SELECT id, kind, closed_on FROM party"
READ_PLACES = "SELECT id, retailer, region, programme FROM store"
READ_LEAF = "SELECT leaf FROM event WHERE shard = $1 AND log_index = $2"
READ_RANGE = """
    SELECT leaf, beside FROM event
    WHERE shard = $1 AND log_index >= $2 AND log_index < $3 ORDER BY log_index
"""


async def size(connection: asyncpg.Connection) -> int:
    """How many events the log has."""
    return int(await connection.fetchval(READ_SIZE, SHARD) or 0)


async def changes(connection: asyncpg.Connection) -> dict[int, bytes]:
    """The rulebook's changes by number."""
    return {number: bytes(change) for number, change in await connection.fetch(READ_CHANGES)}


def newest(chain: dict[int, bytes]) -> Rulebook:
    """The rulebook after all changes."""
    rulebook = EMPTY
    for number in sorted(chain):
        rulebook = rulebook.extended(chain[number])
    return rulebook


async def known(connection: asyncpg.Connection, rulebook: Rulebook) -> Known:
    """What a document may name."""
    parties = await connection.fetch(READ_PARTIES)
    return Known(
        parties={party: kind for party, kind, _ in parties},
        programmes=rulebook.programmes,
        stores={store: Place(*place) for store, *place in await connection.fetch(READ_PLACES)},
        campaigns=rulebook.programmes_of_campaigns(),
        closing={party: day for party, _, day in parties if day is not None},
        today=datetime.now(UTC).date(),
    )


async def rows(connection: asyncpg.Connection, start: int, stop: int) -> list[asyncpg.Record]:
    """(leaf, beside) of a range of the log."""
    return await connection.fetch(READ_RANGE, SHARD, start, stop)


async def first_since(connection: asyncpg.Connection, moment: datetime, size: int) -> int:
    """The first event received at `moment` or later; `size` if there is none.

    Events stand in the order in which they were received, but for the differences of the services' clocks.
    """
    low, high = 0, size
    while low < high:
        middle = (low + high) // 2
        leaf = await connection.fetchval(READ_LEAF, SHARD, middle)
        if Leaf(leaf).received_at < moment:
            low = middle + 1
        else:
            high = middle
    return low
