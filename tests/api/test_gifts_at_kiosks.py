"""Gifts of points at kiosks over HTTP. Every test's ledger is verified and decided again at its end."""

import asyncio
from typing import Any

import httpx
import pytest

import make
from conftest import ClientFor
from databases import held_head
from families import OLGA, add_olga, merge
from lepta.db import Address
from reversing import balances, rows
from shops import open_shop, publish
from tills import problem, sell

PLAY: dict[str, Any] = {
    "campaign": "play", "programme": "club", "kind": "donation",
    "effect": {
        "give": {"points": 20, "money_rate": "0.10"}, "to": {"fund": "forest-animals"}, "from": "shopper-points",
    },
    "funding": [{"party": "hunter-foods", "share": "0.5"}, {"party": "retail-nsk", "share": "0.5"}],
    "limits": {"budget": {"points": 300}, "per_card": 3},
}  # fmt: skip
SCHOOLS: dict[str, Any] = {
    "campaign": "schools", "programme": "club", "kind": "donation",
    "effect": {
        "give": {"points": 10, "money_rate": "0.10"}, "from": "shopper-points",
        "to": {"choice": ["school-17", "school-18"], "default": "school-17"},
    },
    "match": {"funding": [{"party": "hunter-foods", "share": "1"}], "ratio": "1", "budget": {"money": 150}},
}  # fmt: skip
BASKETS = {**PLAY, "campaign": "baskets", "what": {"categories": ["toys"]}, "limits": {}}


@pytest.fixture
async def kiosk(owner: Address, client_for: ClientFor) -> httpx.AsyncClient:
    """The founding shop's kiosk; Пётр has 1,000 points, and campaigns take them."""
    await asyncio.to_thread(asyncio.run, open_shop(owner))
    await rows(
        owner,
        "INSERT INTO party (id, kind, name) VALUES ('school-17', 'beneficiary', '\"17\"'),"
        " ('school-18', 'beneficiary', '\"18\"')",
    )
    await publish(owner, make.change(make.BASE, PLAY, SCHOOLS, BASKETS))
    office = await client_for("office")
    body = {"card": make.CARD, "points": 1_000, "reason": "opening"}
    given = await office.post("/v1/adjustments", json=body, headers={"Idempotency-Key": "o"})
    assert given.status_code == 201, given.text
    return await client_for("kiosk", store="nsk-07")


async def give(
    kiosk: httpx.AsyncClient, points: int = 100, key: str = "g1", **more: Any
) -> httpx.Response:
    body = {"card": make.CARD, "points": points, **(more or {"campaign": "play"})}
    return await kiosk.post("/v1/gifts", json=body, headers={"Idempotency-Key": key})


@pytest.mark.edge_case(60)
async def test_a_gift_leaves_the_member_for_the_fund_with_the_money_behind_it(
    kiosk: httpx.AsyncClient, owner: Address
) -> None:
    answer = await give(kiosk, 115)
    assert answer.status_code == 201, answer.text
    told = answer.json()
    assert told["donations"] == [
        {
            "campaign": "play", "fund": "forest-animals", "points": 115, "money": 1150, "units": 1,
            "funders": [{"party": "hunter-foods", "money": 575}, {"party": "retail-nsk", "money": 575}],
            "from_shopper": {"points": 115, "money": 0},
        }
    ]  # fmt: skip
    assert (told["points"], told["balance"]["available"], told["replayed"]) == (115, 885, False)
    assert await balances(owner) == {
        "funder/retail-nsk/issued": -1000, "member/m-pyotr/available": 885, "fund/forest-animals/points": 115,
        "fund/forest-animals/receivable": -1150, "party/hunter-foods/payable": 575, "party/retail-nsk/payable": 575,
    }  # fmt: skip
    card = (await kiosk.get(f"/v1/cards/{make.CARD}")).json()
    assert card["donations"] == [{"fund": "forest-animals", "points": 115, "money": 1150}]
    history = (await kiosk.get(f"/v1/cards/{make.CARD}/history")).json()["items"]
    assert (history[0]["kind"], history[0]["points"]["given"]) == ("gift", 115)
    standing = await rows(owner, "SELECT donations, shoppers, points, money_minor FROM standing")
    assert standing == [(1, 1, 115, 1150)]


async def test_the_same_gift_ten_times_at_once_counts_once(
    kiosk: httpx.AsyncClient, owner: Address
) -> None:
    sent = await asyncio.gather(*(give(kiosk) for _ in range(10)))
    assert sorted(answer.status_code for answer in sent) == [200] * 9 + [201]
    assert len({answer.json()["gift"] for answer in sent}) == 1
    assert (await balances(owner))["member/m-pyotr/available"] == 900
    assert problem(await give(kiosk, 101)) == (422, "idempotency-key-reused")
    await rows(owner, "UPDATE card SET status = 'blocked'")
    again = await give(kiosk)
    assert (again.status_code, again.headers["Idempotency-Hit"]) == (200, "true")


async def test_two_kiosks_cannot_give_the_same_points(
    kiosk: httpx.AsyncClient, client_for: ClientFor, owner: Address
) -> None:
    other = await client_for("kiosk", store="nsk-07")
    sent = await asyncio.gather(
        *(give(one, 700, f"k{n}", campaign="schools") for n, one in enumerate((kiosk, other)))
    )
    assert sorted(answer.status_code for answer in sent) == [201, 409]
    refused = next(answer for answer in sent if answer.status_code == 409)
    assert (problem(refused)[1], refused.json()["redeemable"]) == ("insufficient-points", 300)
    assert (await balances(owner))["member/m-pyotr/available"] == 300


async def test_limits_and_a_match_stop_exactly(kiosk: httpx.AsyncClient, owner: Address) -> None:
    first = (await give(kiosk, 10, "a", campaign="schools")).json()
    second = (await give(kiosk, 10, "b", fund="school-18")).json()
    assert [one["donations"][0]["money"] for one in (first, second)] == [200, 150]
    assert [one["donations"][0]["fund"] for one in (first, second)] == ["school-17", "school-18"]
    assert (await give(kiosk, 300, "c")).status_code == 201
    refused = await give(kiosk, 1, "d")
    assert problem(refused) == (409, "gift-not-open")
    assert refused.json()["because"] == "budget exhausted"
    assert await rows(owner, "SELECT used FROM budget WHERE counter = 'play|budget|points'") == [
        (300,)
    ]


@pytest.mark.edge_case(38, 48)
async def test_a_gift_under_way_while_its_donor_is_merged_is_under_the_limits_of_who_goes_on(
    kiosk: httpx.AsyncClient, owner: Address, client_for: ClientFor
) -> None:
    await add_olga(owner)
    office = await client_for("office")
    body = {"card": OLGA, "points": 100, "reason": "opening"}
    await office.post("/v1/adjustments", json=body, headers={"Idempotency-Key": "olga"})
    hers = [await give(kiosk, 10, f"o{n}", card=OLGA, campaign="play") for n in range(4)]
    assert [answer.status_code for answer in hers] == [201, 201, 201, 409]
    async with held_head(owner):
        merging = asyncio.create_task(merge(office))
        await asyncio.sleep(0.2)  # it stands in line for the head before the gift does
        giving = asyncio.create_task(give(kiosk, 10, "p"))
        await asyncio.sleep(0.2)
    assert (await merging).status_code == 201
    refused = await giving
    assert problem(refused) == (409, "gift-not-open")
    assert refused.json()["because"] == hers[3].json()["because"]


async def test_a_fund_alone_will_do_where_one_campaign_is_open_for_it(
    kiosk: httpx.AsyncClient, owner: Address
) -> None:
    one = await give(kiosk, 5, "a", fund="forest-animals")
    assert one.json()["donations"][0]["campaign"] == "play"
    await publish(owner, make.change({**PLAY, "campaign": "second"}))
    several = await give(kiosk, 5, "b", fund="forest-animals")
    assert problem(several) == (422, "invalid-request")
    assert "play, second" in several.json()["errors"][0]["reason"]
    assert problem(await give(kiosk, 5, "c", fund="nobody")) == (409, "gift-not-open")


@pytest.mark.parametrize(
    "more, because",
    [
        ({"campaign": "baskets"}, "it is not in force, or only taken with a purchase"),
        ({"campaign": "nothing"}, "it is not in force, or only taken with a purchase"),
        ({"campaign": "base"}, "the campaign does not take points"),
        ({"campaign": "play", "fund": "school-17"}, "the campaign does not give to it"),
    ],
)
async def test_what_takes_no_points_without_a_purchase_says_so(
    kiosk: httpx.AsyncClient, more: dict[str, Any], because: str
) -> None:
    refused = await give(kiosk, **more)
    assert problem(refused) == (409, "gift-not-open")
    assert refused.json()["because"] == because
    assert (await give(kiosk)).status_code == 201


@pytest.mark.parametrize("status", ["blocked", "not-activated"])
async def test_a_card_that_is_not_active_gives_nothing_away(
    kiosk: httpx.AsyncClient, owner: Address, status: str
) -> None:
    await rows(owner, f"UPDATE card SET status = '{status}'")
    refused = await give(kiosk)
    assert problem(refused) == (409, "card-not-active")
    assert refused.json()["card_status"] == status


async def test_a_closed_fund_takes_no_gift(kiosk: httpx.AsyncClient, owner: Address) -> None:
    await rows(owner, "UPDATE party SET closed_on = '2020-01-01' WHERE id = 'forest-animals'")
    refused = await give(kiosk)
    assert refused.json()["because"] == "the fund is closed"


async def test_a_kiosk_gives_in_its_own_store_and_offices_name_one(
    kiosk: httpx.AsyncClient, client_for: ClientFor
) -> None:
    assert problem(await give(kiosk, campaign="play", store="other")) == (403, "forbidden")
    office = await client_for("office")
    assert problem(await give(office)) == (422, "invalid-request")
    assert (await give(office, campaign="play", store="nsk-07")).status_code == 201
    unknown = await kiosk.post(
        "/v1/gifts", json={"card": "x", "points": 1, "fund": "f"}, headers={"Idempotency-Key": "u"}
    )
    assert problem(unknown) == (404, "unknown-card")
    assert problem(await kiosk.post("/v1/gifts", json={"card": "x", "points": 1, "fund": "f"})) == (
        422, "invalid-request",
    )  # fmt: skip


async def test_sales_and_gifts_at_once_leave_the_books_right(
    kiosk: httpx.AsyncClient, client_for: ClientFor, owner: Address
) -> None:
    till = await client_for("till", store="nsk-07", till="3")
    gifts = [give(kiosk, 150, f"s{n}", campaign="schools") for n in range(8)]
    sales = [sell(till, n, redeem={"max": True}) for n in range(1, 4)]
    sent = await asyncio.gather(*gifts, *sales)
    assert {answer.status_code for answer in sent} <= {201, 409}
    assert (await balances(owner)).get("member/m-pyotr/available", 0) >= 0
