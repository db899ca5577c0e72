"""Voids and returns in any order with all else that sales do, by two writers, and of sales that are odd or long ago.

Every test's ledger is verified and decided again.
"""

import asyncio
import random
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Any

import pytest
from test_writer import send, writer_on

import make
from databases import held_head, say
from lepta.db import Address
from lepta.processing.decide import Accepted, Decision
from lepta.processing.events import Publish
from lepta.processing.moving import Moved
from lepta.processing.proration import ReturnedLine
from lepta.processing.state import Submission
from lepta.processing.writer import Writer
from lepta.rules.rulebook import Change, PublishedCampaign
from reversing import (
    balances,
    change_programme,
    goods,
    publish,
    refusal,
    returning,
    reversed_by,
    state,
    tell,
    void,
)


def bonus(campaign: str, points: int, *, limits: Any = None, **earn: Any) -> dict[str, Any]:
    effect = {"earn": {"points": points}, **earn}
    document = {"campaign": campaign, "programme": "club", "kind": "bonus", "effect": effect}
    return document if limits is None else {**document, "limits": limits}


THIRDS = [
    {"party": "hunter-foods", "share": "0.333333"},
    {"party": "retail-nsk", "share": "0.666667", "budget": {"points": 20}},
]
CAMPAIGNS: list[dict[str, Any]] = [
    bonus("welcome", 500, welcome=True),
    bonus("once", 3, per="visit"),
    bonus("second", 20, nth_visit=2),
    bonus("waits", 7, pending_days=2),
    bonus("ends", 5, expire_after={"months": 1}, limits={"units": 6}),
    {
        **bonus("milk", 7, per="unit", limits={"units": 9, "per_card": 5, "budget": {"points": 40}}),
        "what": {"skus": ["milk"]},
        "funding": THIRDS,
    },
    {**make.HUNTER, "limits": {"units": 5, "budget": {"money": 2_000}}},
    {
        "campaign": "own", "programme": "club", "kind": "donation",
        "effect": {
            "give": {"points": 5, "money_rate": "0.10"}, "to": {"fund": "forest-animals"}, "from": "shopper-points",
        },
        "funding": [{"party": "retail-nsk", "share": "1"}], "limits": {"budget": {"points": 23}},
    },
    {
        **make.ROUND_UP,
        "match": {
            "funding": [
                {"party": "retail-nsk", "share": "0.5", "budget": {"money": 300}},
                {"party": "hunter-foods", "share": "0.5"},
            ],
            "ratio": "0.5", "budget": {"money": 777},
        },
    },
]  # fmt: skip
GIFTS = [{"offer": offer, "accepted": True} for offer in ("own", "round-up")]


@dataclass
class Storm:
    """What tills do, at random: sales, and voids and returns of these, some sent twice, some before their sale."""

    random: random.Random
    writers: tuple[Writer, Writer]
    sales: dict[int, dict[str, Any]] = field(default_factory=dict)

    def batch(self, number: int) -> list[Coroutine[Any, Any, Decision]]:
        """A few events at once."""
        return [self._event(number * 10 + n) for n in range(self.random.choice((1, 4, 8)))]

    def _event(self, number: int) -> Coroutine[Any, Any, Decision]:
        pick = self.random
        writer, what = pick.choice(self.writers), pick.random()
        if what < 0.5 or not self.sales:
            sale = self.sales.setdefault(number, self._sale())
            return send(writer, pick.choice((None, f"s{number}")), sequence=number, **sale)
        original = pick.choice((number + 3, *self.sales))
        if what < 0.7:
            return void(writer, original, pick.choice((None, f"v{number}")))
        lines = self._back(self.sales.get(original) or self._sale())
        return tell(writer, returning(5_000 + number // 2, original, lines))

    def _sale(self) -> dict[str, Any]:
        pick = self.random
        lines = [
            make.line(
                number, pick.choice((0, 1, 3_333, 25_900)),
                sku=pick.choice((make.HUNTER_SKU, "milk", "bread")), quantity=pick.choice(("1", "3", "0.345")),
            )
            for number in range(1, pick.randint(2, 5))
        ]  # fmt: skip
        if pick.random() < 0.2:
            lines.append({**lines[0], "line": 9, "amount": -lines[0]["amount"]})
        return {
            "lines": lines,
            "card": pick.choice((make.CARD,) * 9 + (None,)),
            "redeem": pick.choice((None, {"max": True}, {"points": pick.randint(1, 99)})),
            "gifts": pick.sample(GIFTS, pick.randint(0, 2)),
            "offline": True,
        }

    def _back(self, sale: dict[str, Any]) -> list[ReturnedLine]:
        pick = self.random
        kept = [each for each in sale["lines"] if each["amount"] >= 0 and pick.random() < 0.6]
        parts = [(each, pick.choice((1, 1, 2, 3))) for each in kept]
        whole = [(goods(each["line"], each["quantity"], each["amount"]), n) for each, n in parts]
        return [
            ReturnedLine(back.line, back.quantity_micro // n, back.amount // n) for back, n in whole
        ]


@pytest.mark.parametrize("seed", [1, 2])
async def test_after_a_void_of_every_sale_it_is_as_if_there_had_been_none(
    shop: Address, seed: int
) -> None:
    pick = random.Random(seed)
    async with writer_on(shop, batch_size=pick.choice((1, 3))) as one, writer_on(shop) as other:
        await change_programme(one, debt="allowed", redeem={"max_share": "1"})
        await publish(one, *CAMPAIGNS)
        before = await state(shop)
        storm = Storm(pick, (one, other))
        done: list[Decision] = []
        for number in range(15):
            async with held_head(shop):
                asked = [asyncio.ensure_future(each) for each in storm.batch(number)]
                await asyncio.sleep(0.02)
            done += await asyncio.gather(*asked)
        for sequence in pick.sample(list(storm.sales), len(storm.sales)):
            await void(pick.choice(storm.writers), sequence)
        assert await state(shop) == before
    kinds = {decision.kind for decision in done if isinstance(decision, Moved)}
    assert kinds == {"void", "return"}
    assert sum(isinstance(decision, Accepted) for decision in done) > 10


async def test_what_somebody_bought_goes_back_though_they_are_blocked_or_erased_by_now(
    shop: Address,
) -> None:
    half = [goods(1, "0.5", 12_950)]
    async with writer_on(shop) as writer:
        await send(writer)
    await _in_the_office(shop, "UPDATE card SET status = 'blocked'")
    async with writer_on(shop) as writer:
        blocked = reversed_by(await tell(writer, returning(1, lines=half)))
    await _in_the_office(shop, "DELETE FROM card", "DELETE FROM member")
    async with writer_on(shop) as writer:
        erased = reversed_by(await void(writer))
        assert refusal(await tell(writer, returning(2, lines=half))) == "over-return"
    assert (blocked.clawed_back, erased.clawed_back) == (6, 6)
    assert await balances(shop) == {}


async def _in_the_office(shop: Address, *statements: str) -> None:
    for statement in (*statements, "UPDATE office_version SET version = version + 1"):
        await say(shop, statement)


@pytest.mark.edge_case(20)
async def test_a_sale_goes_back_as_it_was_whatever_its_campaigns_say_by_now(shop: Address) -> None:
    over = {**make.HUNTER, "active": {"from": "2026-10-01", "until": "2026-10-02"}}
    richer = {**make.BASE, "effect": {"earn": {"points": 9}, "per": "basket"}, "returns": "keep"}
    async with writer_on(shop) as writer:
        await send(writer, sequence=1)
        before = await state(shop)
        await send(writer, sequence=2, redeem={"points": 5})
        await change_programme(writer, debt="to-zero", point_value="0.50", pending_days=3)
        new = [
            PublishedCampaign(each["campaign"], 2, None, each)
            for each in ({**over, "returns": "keep"}, richer)
        ]
        await writer.submit(Submission.of(Publish(Change(tuple(new)).canonical())))
        part = reversed_by(await tell(writer, returning(1, 2, [goods(1, "0.333", 8_600)])))
        await void(writer, 2)
    assert part.donations[0].points == 16
    assert await state(shop) == before


async def test_a_sale_of_a_thousand_weighed_lines_comes_back_in_three_parts(shop: Address) -> None:
    lines = [
        make.line(n, 3_000 + n, sku=f"sku-{n}-{'x' * 50}", quantity="0.345")
        for n in range(1, 1_001)
    ]
    third = [goods(n, "0.115", (3_000 + n) // 3) for n in range(1, 1_001)]
    rest = [
        ReturnedLine(n, back.quantity_micro, 3_000 + n - 2 * back.amount)
        for n, back in enumerate(third, 1)
    ]
    async with writer_on(shop) as writer:
        await publish(writer, make.ROUND_UP)
        await send(writer, sequence=1)
        before = await state(shop)
        sold = await send(writer, sequence=2, lines=lines, redeem={"points": 7})
        assert isinstance(sold, Accepted)
        parts = [
            reversed_by(await tell(writer, returning(n, 2, back)))
            for n, back in enumerate((third, third, rest), 3)
        ]
    assert await state(shop) == before
    assert sum(part.clawed_back for part in parts) == sold.recorded.outcome.points.earned > 1_000
    assert sum(part.to_refund for part in parts) == sold.recorded.outcome.to_pay
