"""Days of lots by the real writer: points that wait, points that end. Every test's ledger is verified and decided again."""

import asyncio
from datetime import date, datetime
from typing import Any

import asyncpg
from test_writer import send, writer_on

import make
from databases import held_head
from lepta.db import Address
from lepta.ledger.entries import Code
from lepta.processing.acts import LotsDue
from lepta.processing.events import Publish
from lepta.processing.lot_days import NothingDue
from lepta.processing.moving import Moved
from lepta.processing.recognition import Refused
from lepta.processing.state import Submission
from lepta.processing.writer import Writer

WAITS = {
    "campaign": "waits", "programme": "club", "kind": "bonus", "effect": {"earn": {"points": 7}, "pending_days": 3},
}  # fmt: skip
ENDS = {
    "campaign": "ends", "programme": "club", "kind": "bonus",
    "effect": {"earn": {"points": 5}, "expire_after": {"months": 1}},
}  # fmt: skip
WAITING = ("available", "pending")


async def tell(writer: Writer, on: str) -> Moved | Refused:
    """Tell a day on that day."""
    writer.clock = lambda: datetime.fromisoformat(f"{on}T12:00:00Z")
    decision = (await writer.submit(Submission.of(due(on)))).decision
    assert isinstance(decision, (Moved, Refused)), decision
    return decision


def due(on: str) -> LotsDue:
    return LotsDue("m-pyotr", "club", date.fromisoformat(on))


async def points(owner: Address) -> dict[str, int]:
    connection = await asyncpg.connect(**owner.arguments())
    rows = await connection.fetch(
        "SELECT a.kind, a.code, b.credits - b.debits FROM account a"
        " JOIN account_balance b ON b.account = a.id JOIN asset s ON s.id = a.asset WHERE s.name LIKE 'PTS%'"
    )
    await connection.close()
    return {code if kind == "member" else f"{kind}/{code}": left for kind, code, left in rows}


async def publish(writer: Writer, *documents: dict[str, Any]) -> None:
    await writer.submit(Submission.of(Publish(make.change(*documents))))


async def test_points_that_wait_may_be_spent_from_their_day_on_and_not_before(
    shop: Address,
) -> None:
    async with writer_on(shop) as writer:
        await publish(writer, WAITS)
        await send(writer, sequence=1)
        assert isinstance(await tell(writer, "2026-11-24"), Refused)
        before = await points(shop)
        moved = await tell(writer, "2026-11-25")
        again = await tell(writer, "2026-11-25")
    assert (before["pending"], before["available"]) == (7, 12)
    assert isinstance(moved, Moved)
    assert moved.movement.outcome == {"mature": 7}
    assert [p.code for p in moved.booked.postings] == [Code.MATURE]
    assert isinstance(again, Refused)
    assert isinstance(again.error, NothingDue)
    after = await points(shop)
    assert (after["pending"], after["available"]) == (0, 19)


async def test_a_lot_ends_the_day_after_its_last_and_once(shop: Address) -> None:
    async with writer_on(shop) as writer:
        await publish(writer, ENDS)
        await send(writer, sequence=1)
        assert isinstance(await tell(writer, "2026-12-31"), Refused)
        moved = await tell(writer, "2027-01-01")
        assert isinstance(await tell(writer, "2027-01-23"), Refused)
    assert isinstance(moved, Moved)
    assert moved.movement.outcome == {"expire": 5}
    left = await points(shop)
    assert (left["available"], left["programme/expired"]) == (12, 5)


async def test_what_waited_past_its_last_day_matures_and_ends_in_one_event(shop: Address) -> None:
    both = WAITS | {"effect": WAITS["effect"] | {"expire_after": {"months": 1}}}  # type: ignore[operator]
    async with writer_on(shop) as writer:
        await publish(writer, both)
        await send(writer, sequence=1)
        moved = await tell(writer, "2027-05-01")
    assert isinstance(moved, Moved)
    assert moved.movement.outcome == {"mature": 7, "expire": 7}
    assert (await points(shop))["pending"] == 0


async def test_a_sale_that_spends_and_the_day_of_its_lots_in_one_batch_agree(shop: Address) -> None:
    async with writer_on(shop) as writer:
        await publish(writer, WAITS, ENDS)
        await send(writer, sequence=1)
        async with held_head(shop):
            asked = [
                asyncio.ensure_future(tell(writer, "2026-11-25")),
                asyncio.ensure_future(send(writer, sequence=2, redeem={"points": 20})),
                asyncio.ensure_future(tell(writer, "2027-02-01")),
            ]
            await asyncio.sleep(0.1)
        await asyncio.gather(*asked)
    left = await points(shop)
    assert left["programme/redeemed"] == 20
    assert left["pending"] == 0


async def test_a_member_nobody_knows_has_nothing_due(shop: Address) -> None:
    async with writer_on(shop) as writer:
        decision = (
            await writer.submit(Submission.of(LotsDue("m-nobody", "club", date(2027, 1, 1))))
        ).decision
    assert isinstance(decision, Refused)
