"""Returns of which nobody knows the sale: money left the till for them, and nothing was taken back. Reads only."""

from typing import Any

from sqlalchemy import text

from lepta.db import Tx
from lepta.processing.beside import Beside
from lepta.processing.leaf import KINDS, Leaf
from lepta.processing.motion import Movement
from lepta.processing.proration import quantity_text
from lepta.processing.reversed import Reversed

SHARD = 0

# What takes something back of a sale stands in `reversal`.
_UNREFERENCED = text(f"""
    SELECT leaf, beside FROM event e
    WHERE shard = :shard AND kind = {KINDS["return"]} AND log_index > :after AND NOT EXISTS (
        SELECT FROM reversal r WHERE r.shard = e.shard AND r.log_index = e.log_index
    )
    ORDER BY log_index LIMIT :most
""")  # noqa: S608 - the kind's number is ours; a parameter would keep the planner from the index of returns


async def exceptions(tx: Tx, after: int | None, limit: int) -> dict[str, Any]:
    """In the order of the log; `next` goes on where this page ends, None at the end."""
    where = {"shard": SHARD, "after": -1 if after is None else after, "most": limit + 1}
    items = [_item(*row) for row in await tx.execute(_UNREFERENCED, where)]
    shown = items[:limit]
    more = len(items) > limit
    return {"items": shown, "next": str(shown[-1]["log_index"]) if more else None}


def _item(leaf: bytes, beside: bytes) -> dict[str, Any]:
    lying = Beside(beside)
    read = Leaf(leaf, lying.content)
    movement = Movement.of(read, lying)
    back, original = Reversed.of(movement.outcome), movement.request.get("original")
    names = ("store", "till", "business_day", "sequence")
    return {
        "return": movement.id,
        "log_index": movement.log_index,
        **dict(zip(names, read.key, strict=True)),
        "occurred_at": read.occurred_at,
        "received_at": read.received_at,
        "flags": movement.outcome.get("flags", []),
        "original": None if original is None else dict(zip(names, original, strict=True)),
        "lines": [
            {"line": number, "quantity": quantity_text(micro), "amount": amount}
            for number, micro, amount in back.lines
        ],
        "total": back.total,
    }
