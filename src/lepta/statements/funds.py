"""What a fund was given. Public: it names no shopper."""

from typing import Any

from sqlalchemy import text

from lepta.db import Tx
from lepta.errors import DomainError, Kind

SHARD = 0

_FUND = text("SELECT name FROM party WHERE id = :fund AND kind IN ('charity', 'beneficiary')")
_BALANCES = text("""
    SELECT a.code, s.name AS asset, b.debits, b.credits
    FROM account a JOIN asset s ON s.id = a.asset JOIN account_balance b ON b.shard = a.shard AND b.account = a.id
    WHERE a.shard = :shard AND a.ref = :fund AND a.kind = 'fund' ORDER BY s.name
""")
_DONATIONS = text("""
    SELECT coalesce(sum(donations), 0)::bigint FROM standing WHERE shard = :shard AND fund = :fund
""")


class UnknownFund(DomainError):
    """There is no such fund.

    No charity or beneficiary has this id. A campaign's explanation and a receipt's donations name the right ones.
    """

    code = "unknown-fund"
    kind = Kind.NOT_FOUND

    def __init__(self, fund: str) -> None:
        super().__init__(
            f"No charity or beneficiary is called {fund!r}. Check the spelling.", id=fund
        )


async def summary(tx: Tx, fund: str) -> dict[str, Any]:
    """Points given in shoppers' names and money owed, both net of reversals. `UnknownFund` if there is none."""
    name = await tx.scalar(_FUND, {"fund": fund})
    if name is None:
        raise UnknownFund(fund)
    rows = (await tx.execute(_BALANCES, {"shard": SHARD, "fund": fund})).all()
    return {
        "fund": fund,
        "name": name,
        "points": sum(row.credits - row.debits for row in rows if row.code == "points"),
        # A fund is paid by settlement, and no entry of this version settles anything yet.
        "money": [
            {"currency": row.asset, "given": row.debits - row.credits, "paid": 0}
            for row in rows
            if row.code == "receivable"
        ],
        "donations": await tx.scalar(_DONATIONS, {"shard": SHARD, "fund": fund}),
    }
