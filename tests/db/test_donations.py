"""Each example of the rule language's donations, booked by the real writer on a real database: its entries, one by one.

Every ledger made here is verified and decided again at the end of its test.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any

import asyncpg
import orjson
import pytest
from test_writer import writer_on

import make
from lepta.db import Address
from lepta.ledger.entries import Code
from lepta.processing.decide import Accepted, Decision
from lepta.processing.outcome import Outcome
from lepta.processing.recognition import Refused
from lepta.processing.state import Submission
from lepta.processing.writer import Writer
from lepta.rules.rulebook import Change, PublishedCampaign
from shops import publish

ENTRIES = """
    SELECT d.kind || '/' || d.ref || '/' || d.code AS debit, c.kind || '/' || c.ref || '/' || c.code AS credit,
        e.amount, s.name AS asset, e.code
    FROM entry e JOIN account d ON d.shard = e.shard AND d.id = e.debit
    JOIN account c ON c.shard = e.shard AND c.id = e.credit JOIN asset s ON s.id = e.asset
    WHERE e.log_index = $1 ORDER BY e.leg
"""
PARTIES = (
    ("school-1", "beneficiary"),
    ("school-17", "beneficiary"),
    ("children", "charity"),
    ("dairy", "supplier"),
)
POTATOES = [make.line(sku="potatoes", amount=25_640)]


def donation(campaign: str, give: Mapping[str, Any], **parts: Any) -> dict[str, Any]:
    effect = {"give": give, "to": {"fund": "children"}}
    effect |= {name: parts.pop(name) for name in ("per", "to", "from") if name in parts}
    document = {"campaign": campaign, "programme": "club", "kind": "donation", "effect": effect}
    return {**document, **parts}


def offer(campaign: str, give: Mapping[str, Any], **parts: Any) -> dict[str, Any]:
    return donation(campaign, give, **{"from": "shopper-money", **parts})


RETAILER = [{"party": "retail-nsk", "share": "1"}]
THREE = [
    {"party": "hunter-foods", "share": "0.333333"},
    {"party": "dairy", "share": "0.333333"},
    {"party": "retail-nsk", "share": "0.333334"},
]


@dataclass
class Shop:
    """A writer, and a superuser's eye on what it books."""

    address: Address
    writer: Writer
    sequence: int = 0

    async def publish(self, *campaigns: Mapping[str, Any]) -> None:
        items = [PublishedCampaign(c["campaign"], 1, None, c) for c in campaigns]
        await publish(self.address, Change(tuple(items)).canonical())

    async def decide(self, **sale: Any) -> Decision:
        self.sequence += 1
        body = {"card": None, "lines": POTATOES, "sequence": self.sequence, **sale}
        answered = await self.writer.submit(Submission.of(make.checkout(**body)))
        return answered.decision

    async def sell(self, **sale: Any) -> tuple[list[str], Outcome]:
        """The entries of a sale, and what came of it."""
        decision = await self.decide(**sale)
        assert isinstance(decision, Accepted), decision
        rows = await self.ask(ENTRIES, decision.recorded.log_index)
        told = [
            f"{Code(row['code']).name}: {row['debit']} to {row['credit']}, {row['amount']} {row['asset']}"
            for row in rows
        ]
        return told, decision.recorded.outcome

    async def ask(self, query: str, *arguments: Any) -> list[Any]:
        connection = await asyncpg.connect(**self.address.arguments())
        try:
            rows: list[Any] = await connection.fetch(query, *arguments)
        finally:
            await connection.close()
        return rows


@pytest.fixture
async def donors(shop: Address) -> AsyncIterator[Shop]:
    """The founding shop, with the parties of these examples."""
    connection = await asyncpg.connect(**shop.arguments())
    for party, kind in PARTIES:
        name = orjson.dumps(party).decode()
        await connection.execute(
            "INSERT INTO party (id, kind, name) VALUES ($1, $2, $3)", party, kind, name
        )
    await connection.close()
    async with writer_on(shop) as writer:
        yield Shop(shop, writer)


async def test_fifty_points_for_each_pack_are_given_in_the_shoppers_name_and_owed_by_two(
    donors: Shop,
) -> None:
    entries, _ = await donors.sell(card=make.CARD, lines=[make.line(quantity="2", amount=51_800)])
    assert entries == [
        "EARN: funder/retail-nsk/issued to member/m-pyotr/available, 25 PTS/club",
        "GIVE_POINTS: funder/hunter-foods/issued to fund/forest-animals/points, 60 PTS/club",
        "GIVE_MONEY: fund/forest-animals/receivable to party/hunter-foods/payable, 600 RUB",
        "GIVE_POINTS: funder/retail-nsk/issued to fund/forest-animals/points, 40 PTS/club",
        "GIVE_MONEY: fund/forest-animals/receivable to party/retail-nsk/payable, 400 RUB",
    ]


@pytest.mark.edge_case(41)
async def test_all_revenue_of_one_minute_on_the_first_of_each_month(donors: Shop) -> None:
    minute = {"rrule": "FREQ=MONTHLY;BYMONTHDAY=1", "at": "12:00", "for": "PT1M"}
    await donors.publish(
        donation("minute", {"rate": "1"}, per="amount", schedule=[minute], funding=RETAILER)
    )
    first = {"business_day": "2026-11-01"}
    inside, _ = await donors.sell(**first, occurred_at="2026-11-01T12:00:59+07:00")
    outside, _ = await donors.sell(**first, occurred_at="2026-11-01T12:01:00+07:00")
    assert inside == ["GIVE_MONEY: fund/children/receivable to party/retail-nsk/payable, 25640 RUB"]
    assert outside == []


@pytest.mark.edge_case(57)
async def test_a_fixed_sum_from_each_reusable_bag_with_its_odd_kopecks(donors: Shop) -> None:
    """Of 5.00 for each of two bags, a third each: the odd unit is the retailer's, whose share is largest."""
    bags = {"skus": ["bag"]}
    await donors.publish(
        donation("bags", {"money": 500}, per="unit", what=bags, funding=THREE),
    )
    entries, _ = await donors.sell(lines=[make.line(sku="bag", amount=1_980, quantity="2")])
    assert entries == [
        "GIVE_MONEY: fund/children/receivable to party/hunter-foods/payable, 333 RUB",
        "GIVE_MONEY: fund/children/receivable to party/dairy/payable, 333 RUB",
        "GIVE_MONEY: fund/children/receivable to party/retail-nsk/payable, 334 RUB",
    ]


async def test_the_shoppers_school_and_its_standing(donors: Shop) -> None:
    schools = {"choice": ["school-1", "school-17"], "default": "school-1"}
    await donors.publish(
        donation("school", {"rate": "0.01"}, per="amount", to=schools, funding=RETAILER)
    )
    chosen = {"campaign": "school", "beneficiary": "school-17"}
    mine, _ = await donors.sell(card=make.CARD, choice=chosen)
    other, _ = await donors.sell()
    assert mine == [
        "EARN: funder/retail-nsk/issued to member/m-pyotr/available, 12 PTS/club",
        "GIVE_MONEY: fund/school-17/receivable to party/retail-nsk/payable, 256 RUB",
    ]
    assert other == ["GIVE_MONEY: fund/school-1/receivable to party/retail-nsk/payable, 256 RUB"]
    rows = await donors.ask(
        "SELECT fund, donations, shoppers, money_minor FROM standing ORDER BY 1"
    )
    assert [tuple(row) for row in rows] == [("school-1", 1, 0, 256), ("school-17", 1, 1, 256)]


@pytest.mark.parametrize(
    ("give", "amount"),
    [
        ({"round_up_to": 1_000}, 360),
        ({"money": 1_000}, 1_000),
        ({"rate": "0.01"}, 256),
        ({"bands": [{"from": 20_000, "money": 700}, {"from": 50_000, "money": 1_500}]}, 700),
    ],
)
async def test_the_shoppers_own_money_is_booked_if_they_say_so(
    donors: Shop, give: Any, amount: int
) -> None:
    await donors.publish(offer("own", give))
    unasked, before = await donors.sell()
    declined, _ = await donors.sell(gifts=[{"offer": "own", "accepted": False}])
    accepted, after = await donors.sell(
        gifts=[{"offer": "own", "accepted": True, "amount": amount}]
    )
    assert (unasked, declined) == ([], [])
    assert accepted == [
        f"COLLECT: fund/children/receivable to shopper/retail-nsk/collected, {amount} RUB"
    ]
    assert (before.to_pay, after.to_pay) == (25_640, 25_640 + amount)


async def test_several_gifts_on_one_sale_are_apart(donors: Shop) -> None:
    await donors.publish(
        offer("a", {"money": 1_000}, to={"fund": "forest-animals"}),
        offer("b", {"rate": "0.01"}),
        offer("c", {"round_up_to": 1_000}),
    )
    gifts = [{"offer": name, "accepted": True} for name in "abc"]
    entries, outcome = await donors.sell(gifts=gifts)
    assert entries == [
        "COLLECT: fund/forest-animals/receivable to shopper/retail-nsk/collected, 1000 RUB",
        "COLLECT: fund/children/receivable to shopper/retail-nsk/collected, 360 RUB",
    ]
    given = [(d.campaign, d.shopper_money) for d in outcome.donations]
    assert given == [("a", 1_000), ("b", 256), ("c", 104)]
    assert outcome.to_pay == 27_000


async def test_a_figure_that_is_not_ours_is_refused_online_and_booked_as_taken_offline(
    donors: Shop,
) -> None:
    await donors.publish(offer("own", {"rate": "0.01"}))
    gifts = [{"offer": "own", "accepted": True, "amount": 250}]
    refused = await donors.decide(gifts=gifts)
    assert isinstance(refused, Refused)
    assert refused.error.code == "quote-stale"
    entries, outcome = await donors.sell(gifts=gifts, offline=True)
    assert entries == ["COLLECT: fund/children/receivable to shopper/retail-nsk/collected, 250 RUB"]
    assert "gift-differs" in outcome.flags


POINTS = {"points": 40, "money_rate": "0.10"}
ALL_OF_THEM = [{"offer": "own", "accepted": True}]


@pytest.mark.edge_case(43, 60)
async def test_the_shoppers_points_leave_the_lots_that_end_first_and_become_money_that_is_owed(
    donors: Shop,
) -> None:
    """40 points of two lots, 12 and 50: the older is used up, and what is earned on the sale itself stays."""
    await donors.publish(offer("own", POINTS, **{"from": "shopper-points"}))
    old, _ = await donors.sell(card=make.CARD, business_day="2026-10-30")
    new, _ = await donors.sell(card=make.CARD, lines=[make.line(sku="x", amount=100_000)])
    entries, outcome = await donors.sell(card=make.CARD, gifts=ALL_OF_THEM)
    assert (old[0][-11:], new[0][-11:]) == ("12 PTS/club", "50 PTS/club")
    assert entries == [
        "GIVE_OWN: member/m-pyotr/available to fund/children/points, 40 PTS/club",
        "EARN: funder/retail-nsk/issued to member/m-pyotr/available, 12 PTS/club",
        "GIVE_MONEY: fund/children/receivable to party/retail-nsk/payable, 400 RUB",
    ]
    assert (outcome.points.given, outcome.to_pay) == (40, 25_640)
    assert outcome.balance
    assert outcome.balance.available == 12 + 50 - 40 + 12
    [gift] = outcome.donations
    assert (gift.points, gift.shopper_points, gift.money, gift.shopper_money) == (40, 40, 400, 0)
    assert [(f.party, f.money) for f in gift.funders] == [("retail-nsk", 400)]
    taken = await donors.ask("SELECT amount FROM lot_allocation ORDER BY log_index, seq")
    assert [row["amount"] for row in taken] == [12, 28]


async def test_what_is_redeemed_takes_the_first_lots_and_a_gift_the_next(donors: Shop) -> None:
    funding = [{"party": "hunter-foods", "share": "0.5"}, {"party": "dairy", "share": "0.5"}]
    await donors.publish(
        offer("own", {**POINTS, "points": 15}, **{"from": "shopper-points"}, funding=funding)
    )
    await donors.sell(card=make.CARD, business_day="2026-10-30")
    await donors.sell(card=make.CARD)
    entries, outcome = await donors.sell(card=make.CARD, redeem={"points": 7}, gifts=ALL_OF_THEM)
    assert entries[:2] == [
        "REDEEM: member/m-pyotr/available to programme/club/redeemed, 7 PTS/club",
        "GIVE_OWN: member/m-pyotr/available to fund/children/points, 15 PTS/club",
    ]
    assert entries[3:] == [
        "GIVE_MONEY: fund/children/receivable to party/hunter-foods/payable, 75 RUB",
        "GIVE_MONEY: fund/children/receivable to party/dairy/payable, 75 RUB",
    ]
    assert (outcome.points.redeemed, outcome.points.given) == (7, 15)
    taken = await donors.ask("SELECT amount FROM lot_allocation ORDER BY log_index, seq")
    assert [row["amount"] for row in taken] == [12, 10]


async def test_points_that_are_not_there_or_not_free_are_not_given(donors: Shop) -> None:
    """12 points and an offer of 10: redeemed first, then too few; an anonymous and a blocked card have none."""
    await donors.publish(offer("own", {**POINTS, "points": 10}, **{"from": "shopper-points"}))
    await donors.sell(card=make.CARD)
    sale = {"card": make.CARD, "gifts": ALL_OF_THEM}
    _, redeemed = await donors.sell(**sale, redeem={"points": 3})
    assert (redeemed.points.redeemed, redeemed.points.given) == (3, 0)
    assert "unknown-gift" in redeemed.flags
    _, anonymous = await donors.sell(gifts=ALL_OF_THEM)
    assert (anonymous.points.given, "unknown-gift" in anonymous.flags) == (0, True)
    await donors.ask("UPDATE card SET status = 'not-activated'")
    _, inactive = await donors.sell(**sale)
    assert (inactive.points.given, "unknown-gift" in inactive.flags) == (0, True)
    await donors.ask("UPDATE card SET status = 'active'")
    _, active = await donors.sell(**sale)
    assert (active.points.given, "unknown-gift" in active.flags) == (10, False)


async def test_two_writers_that_give_the_same_points_at_once_give_them_once(donors: Shop) -> None:
    await donors.publish(offer("own", {**POINTS, "points": 12}, **{"from": "shopper-points"}))
    await donors.sell(card=make.CARD)
    async with writer_on(donors.address) as other:
        both = [donors.writer, other]
        body = {"card": make.CARD, "lines": [make.line(sku="x", amount=1)], "gifts": ALL_OF_THEM}
        sales = [make.checkout(**body, sequence=100 + n) for n in range(12)]
        answers = await asyncio.gather(
            *(both[n % 2].submit(Submission.of(sale)) for n, sale in enumerate(sales))
        )
    outcomes = [a.decision.recorded.outcome for a in answers if isinstance(a.decision, Accepted)]
    assert len(outcomes) == 12
    assert sorted(outcome.points.given for outcome in outcomes) == [0] * 11 + [12]


@pytest.mark.edge_case(62)
async def test_a_match_stops_at_its_cap_whoever_races_for_it(donors: Shop) -> None:
    """12.00 for gifts of 5.00: two are matched whole, one gets the rest, the others stay what they are."""
    match = {
        "funding": [{"party": "dairy", "share": "0.6"}, {"party": "retail-nsk", "share": "0.4"}],
        "ratio": "1",
        "budget": {"money": 1_200},
    }
    await donors.publish(offer("own", {"money": 500}, match=match))
    entries, _ = await donors.sell(gifts=ALL_OF_THEM)
    assert entries == [
        "GIVE_MONEY: fund/children/receivable to party/dairy/payable, 300 RUB",
        "GIVE_MONEY: fund/children/receivable to party/retail-nsk/payable, 200 RUB",
        "COLLECT: fund/children/receivable to shopper/retail-nsk/collected, 500 RUB",
    ]
    async with writer_on(donors.address) as other:
        both = [donors.writer, other]
        body = {"card": None, "lines": POTATOES, "gifts": ALL_OF_THEM}
        sales = [make.checkout(**body, sequence=100 + n) for n in range(20)]
        answers = await asyncio.gather(
            *(both[n % 2].submit(Submission.of(sale)) for n, sale in enumerate(sales))
        )
    gifts = [
        gift
        for answer in answers
        if isinstance(answer.decision, Accepted)
        for gift in answer.decision.recorded.outcome.donations
    ]
    assert [gift.shopper_money for gift in gifts] == [500] * 20
    assert sorted(gift.money - 500 for gift in gifts) == [0] * 18 + [200, 500]
    [row] = await donors.ask("SELECT used, granted FROM budget WHERE counter = 'own|match|money'")
    assert tuple(row) == (1_200, 1_200)


@pytest.mark.edge_case(62)
async def test_points_are_matched_in_money_up_to_the_cap_whoever_races_for_it(donors: Shop) -> None:
    """4.00 for points worth 4.00 each time, of 10.00: two are matched whole, one by half, the others stay what they are."""
    match = {
        "funding": [{"party": "dairy", "share": "0.5"}, {"party": "retail-nsk", "share": "0.5"}],
        "budget": {"money": 1_000},
    }
    points = {"from": "shopper-points", "match": match}
    await donors.publish(offer("own", POINTS, **points, funding=RETAILER))
    await donors.sell(card=make.CARD, lines=[make.line(sku="x", amount=1_000_000)])
    body = {"card": make.CARD, "lines": [make.line(sku="x", amount=1)], "gifts": ALL_OF_THEM}
    entries, _ = await donors.sell(**body)
    assert entries == [
        "GIVE_OWN: member/m-pyotr/available to fund/children/points, 40 PTS/club",
        "GIVE_MONEY: fund/children/receivable to party/retail-nsk/payable, 600 RUB",
        "GIVE_MONEY: fund/children/receivable to party/dairy/payable, 200 RUB",
    ]
    async with writer_on(donors.address) as other:
        both = [donors.writer, other]
        sales = [make.checkout(**body, sequence=100 + n) for n in range(9)]
        answers = await asyncio.gather(
            *(both[n % 2].submit(Submission.of(sale)) for n, sale in enumerate(sales))
        )
    gifts = [
        gift
        for answer in answers
        if isinstance(answer.decision, Accepted)
        for gift in answer.decision.recorded.outcome.donations
    ]
    assert [(gift.points, gift.shopper_points) for gift in gifts] == [(40, 40)] * 9
    assert sorted(gift.money for gift in gifts) == [400] * 7 + [600, 800]
    assert sorted(gift.matched for gift in gifts) == [0] * 7 + [200, 400]
    [row] = await donors.ask("SELECT used, granted FROM budget WHERE counter = 'own|match|money'")
    assert tuple(row) == (1_000, 1_000)


@pytest.mark.edge_case(59)
async def test_what_comes_in_after_a_fund_has_closed_goes_to_the_fallback(donors: Shop) -> None:
    to = {"fund": "children", "fallback": "forest-animals"}
    await donors.publish(
        donation("a", {"money": 500}, to=to, funding=RETAILER),
        donation("b", {"money": 700}, funding=RETAILER),
    )
    sale = {"business_day": "2026-11-20", "occurred_at": "2026-11-20T12:00:00+07:00"}
    before, _ = await donors.sell(**sale)
    await donors.ask("UPDATE party SET closed_on = '2026-11-21' WHERE id = 'children'")
    await donors.ask("UPDATE office_version SET version = version + 1")
    after, outcome = await donors.sell(**sale, offline=True)
    assert before == [
        "GIVE_MONEY: fund/children/receivable to party/retail-nsk/payable, 1200 RUB",
    ]
    assert after == [
        "GIVE_MONEY: fund/forest-animals/receivable to party/retail-nsk/payable, 500 RUB",
    ]
    assert "fallback-fund" in outcome.flags
