"""A card's points as a kiosk shows them: by the day of its own store, whether or not somebody has told that day yet."""

from datetime import datetime
from typing import Any

import pytest
from test_lot_days import ENDS, WAITS, publish
from test_writer import send, writer_on

import make
from lepta.db import Address, Database
from lepta.statements import cards
from lepta.statements.cards import Wanted


async def points(db: Database, at: str, store: str | None = "nsk-07") -> dict[str, Any]:
    async with db.read() as tx:
        answer = await cards.summary(
            tx, make.CARD, Wanted("club", store), datetime.fromisoformat(at)
        )
    return {
        name: part if isinstance(part, int) else {str(lot["on"]): lot["points"] for lot in part}
        for name, part in answer["points"].items()
    }


@pytest.fixture
async def shop_with_lots(shop: Address) -> Address:
    async with writer_on(shop) as writer:
        await publish(writer, WAITS, ENDS)
        await send(writer, sequence=1)
    return shop


async def test_what_ended_in_the_kiosks_store_is_not_shown(
    shop_with_lots: Address, db: Database
) -> None:
    in_time = await points(db, "2026-12-31T16:59:59Z")
    assert (in_time["available"], in_time["expiring"]) == (17, {"2026-12-31": 5})
    too_late = await points(db, "2026-12-31T17:00:00Z")
    assert (too_late["available"], too_late["expiring"]) == (12, {})
    elsewhere = await points(db, "2026-12-31T17:00:00Z", store=None)
    assert elsewhere["available"] == 17


async def test_points_that_wait_are_shown_with_their_day(
    shop_with_lots: Address, db: Database
) -> None:
    now = await points(db, "2026-11-22T12:00:00Z")
    assert (now["pending"], now["pending_until"]) == (7, {"2026-11-25": 7})


async def test_a_card_without_points_waits_for_none(shop: Address, db: Database) -> None:
    empty = await points(db, "2026-11-22T12:00:00Z")
    assert empty == {"available": 0, "held": 0, "pending": 0, "expiring": {}, "pending_until": {}}
