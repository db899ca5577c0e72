"""First sales, visits and what is given once a visit, by two writers at once; verified and decided again at the end."""

import asyncio
from collections import Counter
from typing import Any

import asyncpg
import pytest
from test_writer import send, writer_on

import make
from databases import held_head
from lepta.db import Address
from lepta.processing.decide import Accepted, Decision
from lepta.processing.events import Publish
from lepta.processing.outcome import Outcome
from lepta.processing.state import Submission
from lepta.processing.writer import Writer


def bonus(name: str, points: int, **of_effect: Any) -> dict[str, Any]:
    effect = {"earn": {"points": points}, **of_effect}
    return {"campaign": name, "programme": "club", "kind": "bonus", "effect": effect}


WELCOME = bonus("welcome", 500, welcome=True)
SECOND = bonus("second", 20, nth_visit=2)
ONCE = bonus("once", 3, per="visit")
DAYS = ("2026-11-22", "2026-11-23", "2026-11-24")


def outcome_of(decision: Decision) -> Outcome:
    assert isinstance(decision, Accepted), decision
    return decision.recorded.outcome


async def publish(writer: Writer, *documents: dict[str, Any]) -> None:
    await writer.submit(Submission.of(Publish(make.change(*documents))))


def given(decisions: list[Decision]) -> Counter[str]:
    """How often each campaign earned something."""
    return Counter(earned.campaign for d in decisions for earned in outcome_of(d).earned)


@pytest.mark.edge_case(51)
async def test_a_hundred_sales_of_one_card_at_two_writers_are_one_welcome_and_three_visits(
    shop: Address,
) -> None:
    async with writer_on(shop) as one, writer_on(shop) as other:
        await publish(one, WELCOME, SECOND, ONCE)
        decisions = await asyncio.gather(
            *(
                send((one, other)[n % 2], sequence=n, business_day=DAYS[n // 2 % 3])
                for n in range(100)
            )
        )
    assert given(decisions) == {"base": 100, "welcome": 1, "second": 1, "once": 3}
    first = min(decisions, key=lambda d: d.recorded.log_index if isinstance(d, Accepted) else 0)
    assert "welcome" in [earned.campaign for earned in outcome_of(first).earned]
    await _has_counted(shop, visits=3)


async def test_of_two_first_sales_in_one_batch_the_first_is_welcomed(shop: Address) -> None:
    async with writer_on(shop) as writer:
        await publish(writer, WELCOME, SECOND, ONCE)
        async with held_head(shop):
            asked = [asyncio.ensure_future(send(writer, sequence=n)) for n in range(2)]
            await asyncio.sleep(0.1)
        first, second = await asyncio.gather(*asked)
    assert [e.campaign for e in outcome_of(first).earned] == ["base", "once", "welcome"]
    assert [e.campaign for e in outcome_of(second).earned] == ["base"]


async def test_who_bought_before_is_not_welcomed_and_visits_count_from_the_publication(
    shop: Address,
) -> None:
    async with writer_on(shop) as writer:
        await send(writer, sequence=1, business_day=DAYS[0])
        await publish(writer, WELCOME, SECOND)
        later = [
            await send(writer, sequence=n, business_day=day) for n, day in enumerate(DAYS, start=2)
        ]
    assert [[e.campaign for e in outcome_of(d).earned] for d in later] == [
        ["base"],
        ["base", "second"],
        ["base"],
    ]
    await _has_counted(shop, visits=3)


async def test_a_sale_that_was_refused_is_no_first_sale_and_no_visit(shop: Address) -> None:
    async with writer_on(shop) as writer:
        await publish(writer, WELCOME, ONCE, SECOND)
        await send(writer, "k1", sequence=1, redeem={"points": 9})
        assert given([await send(writer, sequence=2)]) == {"base": 1, "once": 1, "welcome": 1}


async def test_a_blocked_card_makes_no_visit_and_an_anonymous_sale_none_either(
    shop: Address,
) -> None:
    connection = await asyncpg.connect(**shop.arguments())
    async with writer_on(shop) as writer:
        await publish(writer, SECOND, ONCE)
        await connection.execute("UPDATE card SET status = 'blocked'")
        await connection.execute("UPDATE office_version SET version = version + 1")
        decisions = [await send(writer, sequence=1), await send(writer, sequence=2, card=None)]
        await connection.execute("UPDATE card SET status = 'active'")
        await connection.execute("UPDATE office_version SET version = version + 1")
        assert given([await send(writer, sequence=3)]) == {"base": 1, "once": 1}
    await connection.close()
    assert given(decisions) == {}
    await _has_counted(shop, visits=1)


async def _has_counted(shop: Address, *, visits: int) -> None:
    connection = await asyncpg.connect(**shop.arguments())
    counted = dict(await connection.fetch("SELECT counter, used FROM usage"))
    await connection.close()
    assert counted["club|visits|m-pyotr"] == visits
    days = [name for name in counted if name.startswith("club|visit|nsk-07|")]
    assert len(days) == visits
    assert all(counted[name] == 1 for name in days)
