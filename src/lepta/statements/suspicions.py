"""Sales that look like misuse of a card, as they were flagged when they were recorded. Reads only."""

from datetime import date
from typing import Any, NamedTuple

from sqlalchemy import TextClause, text

from lepta.db import Tx
from lepta.processing.beside import Beside
from lepta.processing.leaf import KINDS, Leaf, Recorded
from lepta.rules.watch import CAPPED
from lepta.rules.watch import KINDS as SUSPICIOUS

SHARD = 0

_CONDITIONS = {
    "store": "s.store = :store",
    "first": "s.business_day >= :first",
    "last": "s.business_day <= :last",
    "kinds": "s.kinds & :kinds <> 0",
}


class Sought(NamedTuple):
    """Which of them; None: whichever. Business days are the tills', both ends included."""

    store: str | None = None
    first: date | None = None
    last: date | None = None
    kind: str | None = None

    @property
    def parameters(self) -> dict[str, Any]:
        """For the conditions that it takes."""
        told = {"store": self.store, "first": self.first, "last": self.last}
        found = {name: value for name, value in told.items() if value is not None}
        return found if self.kind is None else {**found, "kinds": SUSPICIOUS[self.kind]}


def statement(sought: Sought) -> TextClause:
    """The page after `after`: only suspicious sales are looked at, those of one store by an index of its own."""
    wanted = "".join(f" AND {_CONDITIONS[name]}" for name in sought.parameters)
    return text(f"""
        SELECT e.leaf, e.beside, EXISTS (
            SELECT FROM reversal r JOIN event v ON v.shard = r.shard AND v.log_index = r.log_index
            WHERE r.shard = s.shard AND r.subject = s.log_index AND v.kind = {KINDS["void"]}
        ) AS voided
        FROM suspicion s JOIN event e ON e.shard = s.shard AND e.log_index = s.log_index
        WHERE s.shard = :shard AND s.log_index > :after{wanted}
        ORDER BY s.log_index LIMIT :most
    """)  # noqa: S608 - numbers and conditions of ours


async def suspicions(tx: Tx, sought: Sought, after: int | None, limit: int) -> dict[str, Any]:
    """In the order of the log; `next` goes on where this page ends, None at the end."""
    where = {"shard": SHARD, "after": -1 if after is None else after, "most": limit + 1}
    rows = await tx.execute(statement(sought), {**where, **sought.parameters})
    items = [_item(*row) for row in rows]
    shown = items[:limit]
    more = len(items) > limit
    return {"items": shown, "next": str(shown[-1]["log_index"]) if more else None}


def _item(leaf: bytes, beside: bytes, voided: bool) -> dict[str, Any]:  # noqa: FBT001 - a column
    lying = Beside(beside)
    read = Leaf(leaf, lying.content)
    sale = Recorded.of(read, lying)
    outcome, member = sale.outcome, sale.seen.member
    return {
        "checkout": sale.id,
        "log_index": sale.log_index,
        "kinds": [flag for flag in outcome.flags if flag in SUSPICIOUS],
        "capped": CAPPED in outcome.flags,
        "voided": voided or sale.void is not None,
        **dict(zip(("store", "till", "business_day", "sequence"), read.key, strict=True)),
        "occurred_at": read.occurred_at,
        "received_at": read.received_at,
        "member": member.ref if member else None,
        "total": outcome.total,
        "points": {"earned": outcome.points.earned, "redeemed": outcome.points.redeemed},
    }
