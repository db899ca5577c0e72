"""Points of members who were erased: they are gone with their owner, so that nobody owes them for ever.

Erasing is one transaction; this follows by way of the writer, at once and again with every round of days: whatever
was under way then, or comes back by a void or a return later, ends too.
"""

from datetime import datetime

import structlog
from sqlalchemy import text

from lepta.db import Database
from lepta.ledger.chart import points_of
from lepta.logs import described
from lepta.members import service as members
from lepta.processing.acts import Act, LotsDue, Release
from lepta.processing.moving import Moved
from lepta.processing.state import Submission
from lepta.processing.writer import Writer

SHARD = 0
WAVE = 1_000
"""Members that are looked up at once."""
log = structlog.get_logger("lepta.due")

_HOLDS = text("""
    SELECT h.log_index FROM hold h
    JOIN account a ON a.shard = h.shard AND a.id = h.account JOIN departed d ON d.ref = a.ref
    WHERE h.shard = :shard ORDER BY h.log_index LIMIT :most
""")
_LEFT = text("""
    SELECT DISTINCT d.ref, s.name FROM departed d
    CROSS JOIN LATERAL (
        SELECT id, asset FROM account WHERE shard = :shard AND ref = d.ref AND kind = 'member' OFFSET 0
    ) a
    CROSS JOIN LATERAL (SELECT FROM lot WHERE account = a.id AND shard = :shard LIMIT 1) l
    JOIN asset s ON s.id = a.asset
    LIMIT :most
""")


async def erase(database: Database, writer: Writer, member_id: str) -> None:
    """Forget a member, for good. Raises `NotFound`.

    They are forgotten when this returns; should the writer have no room for their points just now, a round sees to them.
    """
    await members.erase(database, member_id)
    try:
        await settle(database, writer, writer.clock())
    except Exception as error:  # noqa: BLE001 - whoever asked is told what has been done
        log.warning("points-of-departed-left", **described(error))


async def settle(database: Database, writer: Writer, now: datetime) -> int:
    """End the holds and lots of all who have departed; how many events it took."""
    events = 0
    async with database.read() as tx:
        holds = list((await tx.execute(_HOLDS, {"shard": SHARD, "most": WAVE})).scalars())
    for hold in holds:
        events += await _tell(writer, Release(hold))
    async with database.read() as tx:
        left = (await tx.execute(_LEFT, {"shard": SHARD, "most": WAVE})).all()
    for ref, asset in left:
        programme = asset.removeprefix(points_of(""))
        events += await _tell(writer, LotsDue(ref, programme, now.date(), left=True))
    return events


async def _tell(writer: Writer, act: Act) -> int:
    """1 if it was recorded; 0: somebody else was faster."""
    answered = await writer.submit(Submission.of(act))
    return int(isinstance(answered.decision, Moved))
