"""Conditions of stored campaigns: asked of each sale in its turn, the same when it is decided again at the end."""

import asyncio
from typing import Any

from test_visits import given, outcome_of, publish
from test_writer import send, writer_on

from databases import held_head
from lepta.db import Address
from lepta.rules.explanation import Why


def bonus(name: str, when: str, per: str = "basket") -> dict[str, Any]:
    effect = {"earn": {"points": 5}, "per": per}
    return {"campaign": name, "programme": "club", "kind": "bonus", "when": when, "effect": effect}


POOR = bonus("poor", "member.points < 20")
SECOND = bonus("second", "member.visits == 1 && store.region == 'siberia'")
EACH = bonus("each", "line.amount >= 10000 && basket.total > 0", per="unit")
OTHERS = bonus("others", "time.hour == 3 || 'staff' in member.segments")
FOR_ALL = {
    **bonus("for-all", "basket.total > 100 && member.points >= 0"),
    "kind": "donation",
    "effect": {"give": {"money": 100}, "to": {"fund": "forest-animals"}},
    "funding": [{"party": "retail-nsk", "share": "1"}],
}


async def test_what_a_condition_asks_of_the_ledger_is_what_the_sale_before_left(
    shop: Address,
) -> None:
    async with writer_on(shop) as writer:
        await publish(writer, POOR, EACH, OTHERS)
        async with held_head(shop):
            asked = [asyncio.ensure_future(send(writer, sequence=n)) for n in range(4)]
            await asyncio.sleep(0.1)
        decisions = await asyncio.gather(*asked)
    # Each earns 22: what the one before it in the same batch has earned, the next one has.
    balances = [outcome_of(d).balance for d in decisions]
    assert [balance.available for balance in balances if balance] == [22, 39, 56, 73]
    assert given(decisions) == {"base": 4, "each": 4, "poor": 1}


async def test_visits_are_counted_where_a_condition_asks_for_them(shop: Address) -> None:
    days = ("2026-11-22", "2026-11-22", "2026-11-23", "2026-11-24")
    async with writer_on(shop) as writer:
        await publish(writer, SECOND)
        decisions = [await send(writer, sequence=n, business_day=day) for n, day in enumerate(days)]
    assert [given([d])["second"] for d in decisions] == [0, 0, 1, 0]


async def test_without_a_card_the_reason_is_stored(shop: Address) -> None:
    async with writer_on(shop) as writer:
        await publish(writer, FOR_ALL)
        anonymous = await send(writer, sequence=1, card=None)
        known = await send(writer, sequence=2)
    assert outcome_of(anonymous).donations == ()
    assert Why.CONDITION_UNKNOWN in [code for _, code, _ in outcome_of(anonymous).reasons]
    assert "for-all" in [donation.campaign for donation in outcome_of(known).donations]
