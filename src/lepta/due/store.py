"""SQL of the days of lots: which programmes there are and where, and whose lots are due."""

from datetime import date
from typing import Any, NamedTuple

from sqlalchemy import TextClause, text

from lepta.db import Tx
from lepta.ledger.chart import points_of

SHARD = 0
_TURN = 0x6C6F74  # "lot"
"""The advisory lock of whoever tells days by the clock."""

_TAKE_TURN = text("SELECT pg_try_advisory_xact_lock(:lock)")
_ZONES = text("""
    SELECT p.id, array_remove(array_agg(DISTINCT s.time_zone), NULL)
    FROM programme p LEFT JOIN store s ON s.programme = p.id GROUP BY p.id ORDER BY p.id
""")
# Two short ranges of two indexes, and each lot's account by its key. Right after many lots have gone, the planner still
# believes that there are many and would read whole tables: it is left no other way.
_BY_INDEX = text("""
    SELECT set_config('enable_seqscan', 'off', true), set_config('enable_bitmapscan', 'off', true)
""")
_OF = """
    CROSS JOIN LATERAL (
        SELECT ref, code FROM account WHERE shard = l.shard AND id = l.account AND asset = :asset OFFSET 0
    ) a
"""
_WAITED = f"""
    SELECT a.ref, l.remaining AS matured, CASE WHEN l.expires_on < :on THEN l.remaining ELSE 0 END AS expired
    FROM lot l {_OF}
    WHERE l.shard = :shard AND l.available_on <= :on AND a.code = 'pending'
"""  # noqa: S608 - nothing but the text above is put in, here and below
_ENDED = f"""
    SELECT a.ref, 0 AS matured, l.remaining AS expired FROM lot l {_OF}
    WHERE l.shard = :shard AND l.expires_on < 'infinity' AND l.expires_on < :on AND a.code = 'available'
"""  # noqa: S608
_DUE = text(f"""
    SELECT DISTINCT ref FROM (({_WAITED} LIMIT :most) UNION ALL ({_ENDED} LIMIT :most)) d
""")  # noqa: S608
_SUMS = text(f"""
    SELECT count(DISTINCT ref), coalesce(sum(matured), 0)::bigint, coalesce(sum(expired), 0)::bigint
    FROM ({_WAITED} UNION ALL {_ENDED}) d
""")  # noqa: S608
_ASSET = text("SELECT id FROM asset WHERE name = :name")
_WITHOUT_HURRY = text("SELECT set_config('statement_timeout', '0', true)")


class Sums(NamedTuple):
    """What is due: of how many members, and how many points, in smallest units."""

    members: int
    matured: int
    expired: int


async def take_turn(tx: Tx) -> bool:
    """Whether nobody else tells days by the clock for as long as this transaction lasts."""
    return bool(await tx.scalar(_TAKE_TURN, {"lock": _TURN}))


async def zones(tx: Tx) -> dict[str, list[str]]:
    """The time zones of each programme's stores."""
    rows = await tx.execute(_ZONES)
    return {row[0]: row[1] for row in rows}


async def due(tx: Tx, programme: str, on: date, most: int) -> list[str]:
    """Refs of members with lots that wait for that day or an earlier one, or ended before it: of so many lots of
    either sort.
    """
    await tx.execute(_BY_INDEX)
    found = await _read(tx, _DUE, programme, on, most=most)
    return [ref for (ref,) in found]


async def sums(tx: Tx, programme: str, on: date) -> Sums:
    """All that is due, counted; takes as long as it takes."""
    await tx.execute(_WITHOUT_HURRY)
    found = await _read(tx, _SUMS, programme, on)
    return Sums(*found[0]) if found else Sums(0, 0, 0)


async def _read(tx: Tx, query: TextClause, programme: str, on: date, **more: Any) -> list[Any]:
    """Nothing where the programme has not given any points yet."""
    asset = await tx.scalar(_ASSET, {"name": points_of(programme)})
    if asset is None:
        return []
    where = {"shard": SHARD, "asset": asset, "on": on, **more}
    return list(await tx.execute(query, where))
