"""What the ledger's entries say of donations, read past the API: the demo does not take the service's word."""

from sqlalchemy import text

from lepta.db import Database
from lepta.demo.totals import SHOPPERS

OWED = text("""
    SELECT fund.ref, CASE payer.kind WHEN 'shopper' THEN :shoppers ELSE payer.ref END, sum(e.amount)
    FROM (
        SELECT shard, debit AS fund, credit AS payer, amount FROM entry
        UNION ALL
        SELECT shard, credit, debit, -amount FROM entry
    ) e
    JOIN account fund ON (fund.shard, fund.id) = (e.shard, e.fund)
    JOIN account payer ON (payer.shard, payer.id) = (e.shard, e.payer)
    WHERE fund.kind = 'fund' AND fund.code = 'receivable'
    GROUP BY 1, 2 HAVING sum(e.amount) <> 0
""")


async def owed(db: Database) -> dict[tuple[str, str], int]:
    """Minor units by (fund, payer), over all entries, less what was taken back; `SHOPPERS` where it was the shoppers' own money."""
    async with db.read() as tx:
        rows = await tx.execute(OWED, {"shoppers": SHOPPERS})
        return {(fund, payer): int(minor) for fund, payer, minor in rows}
