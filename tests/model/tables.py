"""The tables as the model sees them, and laws that hold of them whatever was sent: each a query that returns nothing."""

from datetime import date
from typing import Any

import asyncpg

_BALANCES = """
    SELECT concat_ws('/', a.kind, a.ref, a.code), b.credits - b.debits FROM account a
    JOIN account_balance b ON b.account = a.id WHERE b.credits <> b.debits
"""
_LOTS = """
    SELECT a.ref, a.code, l.expires_on, l.log_index, l.available_on, i.ref, sum(l.remaining)::bigint
    FROM lot l JOIN account a ON a.id = l.account JOIN account i ON i.id = l.issuer GROUP BY 1, 2, 3, 4, 5, 6
"""
_USED = """
    SELECT counter, used FROM budget WHERE used > 0 UNION ALL SELECT counter, used FROM usage WHERE used > 0
"""
_STANDINGS = "SELECT campaign, donations, points, money_minor FROM standing WHERE donations > 0"

LAWS = {
    "an asset's debits are its credits": """
        SELECT a.asset, sum(b.credits - b.debits) FROM account a JOIN account_balance b ON b.account = a.id
        GROUP BY 1 HAVING sum(b.credits - b.debits) <> 0
    """,
    "a balance is the fold of its entries": """
        SELECT b.account FROM account_balance b LEFT JOIN (
            SELECT account, sum(debits) AS debits, sum(credits) AS credits FROM (
                SELECT debit AS account, amount AS debits, 0 AS credits FROM entry
                UNION ALL SELECT credit, 0, amount FROM entry
            ) leg GROUP BY 1
        ) f ON f.account = b.account
        WHERE (b.debits, b.credits) IS DISTINCT FROM (coalesce(f.debits, 0), coalesce(f.credits, 0))
    """,
    "an entry is of one asset": """
        SELECT e.log_index FROM entry e JOIN account d ON d.id = e.debit JOIN account c ON c.id = e.credit
        WHERE (d.asset, c.asset) IS DISTINCT FROM (e.asset, e.asset) OR e.amount <= 0
    """,
    "what a member has is what lies in lots": """
        SELECT a.ref, a.code FROM account a JOIN account_balance b ON b.account = a.id
        LEFT JOIN (SELECT account, sum(remaining) AS points FROM lot GROUP BY 1) l ON l.account = a.id
        WHERE a.kind = 'member' AND a.code IN ('available', 'pending', 'held')
            AND b.credits - b.debits <> coalesce(l.points, 0)
    """,
    "a member's points are never below 0": """
        SELECT a.ref, a.code FROM account a JOIN account_balance b ON b.account = a.id
        WHERE a.kind = 'member' AND a.code <> 'owed' AND b.credits < b.debits
    """,
    "a lot is what was taken and what remains": """
        SELECT l.log_index, l.leg FROM (
            SELECT lot_log_index AS log_index, lot_leg AS leg, amount AS points FROM lot_allocation
            UNION ALL SELECT log_index, leg, remaining FROM lot
        ) l LEFT JOIN entry e ON (e.log_index, e.leg) = (l.log_index, l.leg)
        GROUP BY l.log_index, l.leg, e.amount HAVING sum(l.points) IS DISTINCT FROM e.amount
    """,
    "a budget is not exceeded": "SELECT counter FROM budget WHERE used > granted",
    "the log has no gap": """
        SELECT size FROM log_head
        WHERE size <> (SELECT count(*) FROM event) OR size <> (SELECT max(log_index) + 1 FROM event)
    """,
    "a hold ends once": "SELECT hold FROM resolution GROUP BY 1 HAVING count(*) > 1",
}


async def state_of(connection: asyncpg.Connection) -> dict[str, Any]:
    """Balances, lots, limits and standings, as `simple_books.Books.state` has them."""
    lots = {}
    for ref, place, last, index, first, issuer, points in await connection.fetch(_LOTS):
        since: date | None = first if place == "pending" else None
        lots[ref, place, last, index, since, issuer] = points
    return {
        "accounts": dict(map(tuple, await connection.fetch(_BALANCES))),
        "lots": lots,
        "used": dict(map(tuple, await connection.fetch(_USED))),
        "standings": {row[0]: tuple(row)[1:] for row in await connection.fetch(_STANDINGS)},
    }


async def broken_laws(connection: asyncpg.Connection) -> list[tuple[str, Any]]:
    """Each law that does not hold, with the first rows that break it."""
    broken = []
    for law, query in LAWS.items():
        rows = await connection.fetch(f"{query} LIMIT 3")
        if rows:
            broken.append((law, [tuple(row) for row in rows]))
    return broken
