"""SQL that forgets a member. What the ledger has of them is a random ref, and stays."""

from sqlalchemy import delete, text

from lepta.db import Tx
from lepta.members.tables import member
from lepta.processing.leaf import KINDS

SHARD = 0
_LOCK = text("SELECT ref FROM member WHERE id = :id FOR UPDATE")
# Nobody adds to the log meanwhile: a batch that is being written has committed what it says of the member, and the next
# one sees that there is none.
_HEAD = text("SELECT size FROM log_head WHERE shard = :shard FOR UPDATE")
_REASONS = text("""
    WITH RECURSIVE self AS (
        SELECT CAST(:ref AS text) AS ref
        UNION SELECT m.ref FROM self s JOIN merged m ON m.shard = :shard AND m.into_ref = s.ref
    )
    DELETE FROM adjustment_reason r USING self s, account a, LATERAL (
        SELECT log_index FROM event WHERE shard = :shard AND member = a.id AND kind = ANY(:kinds)
        UNION ALL SELECT log_index FROM second_member WHERE shard = :shard AND member = a.id
    ) e
    WHERE a.shard = :shard AND a.ref = s.ref AND a.kind = 'member' AND r.shard = :shard AND r.log_index = e.log_index
""")
_EXPLAINED = [KINDS["adjustment"], KINDS["transfer"]]
"""Kinds of events that the office gives a reason for."""
_DEPARTED = text("INSERT INTO departed (ref) VALUES (:ref)")


async def lock(tx: Tx, member_id: str) -> str | None:
    """The member's ref, the row locked until `tx` ends; None: there is no such member."""
    ref: str | None = await tx.scalar(_LOCK, {"id": member_id})
    return ref


async def forget(tx: Tx, member_id: str, ref: str) -> None:
    """Delete a member without cards, with their history, the records of who was merged into them, and what the office
    wrote of them all.
    """
    await tx.execute(delete(member).where(member.c.id == member_id))
    await tx.execute(_DEPARTED, {"ref": ref})
    await tx.execute(_HEAD, {"shard": SHARD})
    await tx.execute(_REASONS, {"shard": SHARD, "ref": ref, "kinds": _EXPLAINED})
