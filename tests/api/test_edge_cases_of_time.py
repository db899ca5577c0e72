"""Edge cases of clocks, days and versions, from a till's request to its answer."""

import asyncio
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

import make
from conftest import ClientFor
from lepta.db import Address
from reversing import rows
from shops import open_shop
from tills import change, goods, publish, return_body, sell

MOSCOW = {"retailer": "retail-nsk", "time_zone": "Europe/Moscow", "region": "centre"}


@pytest.fixture
async def till(owner: Address, client_for: ClientFor) -> httpx.AsyncClient:
    """The founding shop's till."""
    await asyncio.to_thread(asyncio.run, open_shop(owner))
    return await client_for("till", store="nsk-07", till="3")


def bonus(name: str, points: int, **more: Any) -> dict[str, Any]:
    """So many points for a sale."""
    return {
        "campaign": name, "programme": "club", "kind": "bonus",
        "effect": {"earn": {"points": points}, "per": "basket"}, **more,
    }  # fmt: skip


def by(answer: httpx.Response, campaign: str) -> bool:
    """Whether a campaign gave something for the sale's only line."""
    assert answer.status_code in {200, 201}, answer.text
    return campaign in answer.json()["lines"][0]["campaigns"]


@pytest.mark.edge_case(20)
async def test_goods_go_back_by_the_rates_of_their_sale_whatever_day_store_tier_or_campaign_it_is(
    till: httpx.AsyncClient, admin: httpx.AsyncClient
) -> None:
    """Bought in silver, doubled, in Novosibirsk; back in January, in Moscow, in gold, when all of it has ended.

    Of 25 points of each of two campaigns the first pack takes 12 back, and the second the rest.
    """
    await change(admin, "/v1/members/pyotr", tier="silver")
    silver = {"kind": "bonus", "programme": "club", "effect": {"earn": {"multiply": "2"}}}
    await publish(admin, {**silver, "campaign": "silver", "who": {"tiers": ["silver"]}})
    now = datetime.now(UTC)
    when = {"occurred_at": now.isoformat(), "business_day": now.date().isoformat()}
    sold = await sell(till, 1, lines=[make.line(1, 51_800, quantity="2")], **when)
    assert sold.json()["points"]["earned"] == 50
    await change(admin, "/v1/members/pyotr", tier="gold")
    for campaign in ("base", "hunter-forest", "silver"):
        assert (await admin.post(f"/v1/campaigns/{campaign}/end")).status_code == 200
    assert (await admin.put("/v1/stores/msk-1", json=MOSCOW)).status_code == 201
    elsewhere = {"store": "msk-1", "till": "1", "business_day": "2027-01-15"}
    for sequence, back in ((1, 24), (2, 26)):
        body = return_body(
            sequence, {"checkout": sold.json()["checkout"]}, goods(), **elsewhere,
            occurred_at="2027-01-15T12:00:00+03:00",
        )  # fmt: skip
        answer = await admin.post("/v1/returns", json=body)
        assert answer.status_code == 201, answer.text
        assert answer.json()["points"]["clawed_back"] == back
        assert [gift["money"] for gift in answer.json()["donations"]] == [500]


@pytest.mark.edge_case(39, 40)
async def test_a_queue_of_last_week_is_decided_by_the_rates_of_its_days_and_booked_now(
    till: httpx.AsyncClient, admin: httpx.AsyncClient, owner: Address
) -> None:
    await publish(
        admin, bonus("that-week", 7, active={"from": "2026-11-09", "until": "2026-11-16"})
    )
    today = (await sell(till, 99)).json()["log_index"]
    days = {"2026-11-08": False, "2026-11-09": True, "2026-11-15": True, "2026-11-16": False}
    items = [
        {"checkout": make.checkout_body(
            sequence=n, business_day=day, occurred_at=f"{day}T12:00:00+07:00", offline=True
        )}
        for n, day in enumerate(days)
    ]  # fmt: skip
    results = (await till.post("/v1/checkouts:batch", json=items)).json()["results"]
    assert [each["status"] for each in results] == [201] * 4
    fired = ["that-week" in each["body"]["lines"][0]["campaigns"] for each in results]
    assert fired == list(days.values())
    assert all({"late", "clock"} & set(each["body"]["flags"]) for each in results)
    places = [each["body"]["log_index"] for each in results]
    assert places == list(range(places[0], places[0] + 4))
    assert places[0] > today


@pytest.mark.edge_case(41)
async def test_happy_hours_are_the_stores_and_limits_of_a_day_the_business_days(
    till: httpx.AsyncClient, admin: httpx.AsyncClient
) -> None:
    evening = [{"rrule": "FREQ=DAILY", "at": "18:00", "for": "PT1H"}]
    await publish(
        admin,
        bonus("evening", 3, schedule=evening),
        bonus("once-a-day", 5, limits={"per_card_day": 1}),
    )
    assert (await admin.put("/v1/stores/msk-1", json=MOSCOW)).status_code == 201

    async def sold(n: int, **more: Any) -> httpx.Response:
        body = make.checkout_body(sequence=n, lines=[make.line(1, 100)], **more)
        return await admin.post("/v1/checkouts", json=body)

    moscow = {"store": "msk-1"}
    assert by(await sold(1, occurred_at="2026-11-22T18:30:00+07:00"), "evening")
    assert not by(await sold(2, occurred_at="2026-11-22T18:30:00+03:00"), "evening")
    assert by(await sold(3, occurred_at="2026-11-22T18:30:00+03:00", **moscow), "evening")
    assert by(await sold(4, occurred_at="2026-11-22T15:30:00Z", **moscow), "evening")
    # Past midnight the shop's day goes on, and with it what its limit counts.
    night = {"occurred_at": "2026-11-24T00:30:00+07:00"}
    assert by(await sold(5, business_day="2026-11-23", **night), "once-a-day")
    assert not by(await sold(6, business_day="2026-11-23", **night), "once-a-day")
    assert by(await sold(7, business_day="2026-11-24", **night), "once-a-day")


@pytest.mark.edge_case(41)
async def test_in_the_hour_that_comes_twice_both_sales_are_happy_or_the_first_alone(
    admin: httpx.AsyncClient, till: httpx.AsyncClient
) -> None:
    """Berlin, 25 October 2026: from 3 o'clock back to 2. A window of two hours from 2 o'clock lasts through both."""
    berlin = {**MOSCOW, "time_zone": "Europe/Berlin"}
    assert (await admin.put("/v1/stores/ber-1", json=berlin)).status_code == 201
    night = [{"rrule": "FREQ=DAILY", "at": "02:00", "for": "PT2H"}]
    await publish(admin, bonus("night", 3, schedule=night))
    told = {}
    for n, moment in enumerate(
        ("01:59:59+02:00", "02:30:00+02:00", "02:30:00+01:00", "03:30:00+01:00", "04:00:00+01:00")
    ):
        body = make.checkout_body(
            sequence=n, store="ber-1", business_day="2026-10-25",
            occurred_at=f"2026-10-25T{moment}", lines=[make.line(1, 100)],
        )  # fmt: skip
        told[moment] = by(await admin.post("/v1/checkouts", json=body), "night")
    assert told["02:30:00+02:00"]
    assert told["02:30:00+01:00"]
    assert not told["01:59:59+02:00"]
    assert not told["04:00:00+01:00"]


@pytest.mark.edge_case(43)
async def test_what_ends_first_is_spent_first_and_of_equals_the_oldest(
    till: httpx.AsyncClient, admin: httpx.AsyncClient, owner: Address
) -> None:
    await change(admin, "/v1/programmes/club", expire_after={"months": 2, "at": "day"})
    await sell(till, 1, business_day="2026-11-20")
    sold = [await sell(till, n, business_day=day) for n, day in ((2, "2026-11-22"), (3, "2026-11-21"), (4, "2026-11-22"))]  # fmt: skip
    assert [answer.json()["points"]["earned"] for answer in sold] == [12] * 3
    spent = await sell(till, 5, lines=[make.line(1, 10_000)], redeem={"points": 40})
    assert spent.json()["points"]["redeemed"] == 40
    place = spent.json()["log_index"]
    taken = await rows(
        owner, f"SELECT amount FROM lot_allocation WHERE log_index = {place} ORDER BY seq"
    )
    assert [amount for (amount,) in taken] == [12, 12, 12, 4]
    left = await rows(
        owner, f"SELECT log_index, remaining FROM lot WHERE log_index < {place} ORDER BY 1"
    )
    assert left == [(sold[2].json()["log_index"], 8)]


@pytest.mark.edge_case(46)
async def test_a_quote_holds_when_its_campaign_is_edited_and_paused_before_the_sale(
    till: httpx.AsyncClient, admin: httpx.AsyncClient
) -> None:
    quote = (await till.post("/v1/quotes", json=make.checkout_body())).json()
    assert quote["points"]["earned"] == 12
    more = {"earn": {"points": 1, "per_amount": 1_000}, "per": "basket"}
    await publish(admin, {**make.BASE, "effect": more})
    assert (await admin.post("/v1/campaigns/hunter-forest/pause")).status_code == 200
    sale = (await sell(till, 1187, quote=quote["quote"])).json()
    assert (sale["points"]["earned"], sale["rulebook"]) == (12, quote["rulebook"])
    assert sale["donations"] == quote["donations"]
