"""Edge cases of budgets, limits and holds, from a till's request to its answer and what the ledger counts."""

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
from tills import bring_back, goods, key, problem, publish, sell, void

COUNTERS = """
    SELECT counter, used FROM (SELECT counter, used FROM budget UNION ALL SELECT counter, used FROM usage) counted
    WHERE used > 0 ORDER BY 1
"""


@pytest.fixture
async def till(owner: Address, client_for: ClientFor) -> httpx.AsyncClient:
    """The founding shop's till."""
    await asyncio.to_thread(asyncio.run, open_shop(owner))
    return await client_for("till", store="nsk-07", till="3")


def limited(**more: Any) -> dict[str, Any]:
    """The founding donation, for anybody, with other limits."""
    return {**make.HUNTER, "campaign": "limited", "who": {"card": "optional"}, **more}


def packs(count: int) -> dict[str, Any]:
    return {"lines": [make.line(1, 25_900 * count, quantity=str(count))]}


def given(answer: httpx.Response, campaign: str = "limited") -> int:
    """The money of a campaign on a sale."""
    assert answer.status_code == 201, answer.text
    return sum(d["money"] for d in answer.json()["donations"] if d["campaign"] == campaign)


def why(answer: httpx.Response, campaign: str = "limited") -> str:
    [told] = [each for each in answer.json()["explain"] if each["campaign"] == campaign]
    because: str = told["because"]
    return because


@pytest.mark.edge_case(33, 38)
async def test_a_hundred_sales_race_for_the_last_unit_and_the_losers_are_told(
    till: httpx.AsyncClient, admin: httpx.AsyncClient
) -> None:
    await publish(admin, limited(limits={"budget": {"money": 500}}))
    answers = await asyncio.gather(*(sell(till, n, card=None) for n in range(100)))
    gifts = [given(answer) for answer in answers]
    assert sorted(gifts) == [0] * 99 + [500]
    told = {why(answer) for answer, gift in zip(answers, gifts, strict=True) if not gift}
    assert told == {"budget exhausted"}


@pytest.mark.edge_case(34)
@pytest.mark.parametrize(("exhausted", "expected"), [("partial", 1_000), ("none", 0)])
async def test_a_budget_that_ends_in_a_basket_gives_up_to_the_cap_or_nothing_and_charges_no_other(
    till: httpx.AsyncClient, admin: httpx.AsyncClient, exhausted: str, expected: int
) -> None:
    """The supplier has 6.50 left and bears 3.00 a pack, so two packs of three are given for, or none."""
    funding = [{**make.HUNTER["funding"][0], "budget": {"money": 650}}, make.HUNTER["funding"][1]]
    await publish(admin, limited(funding=funding, exhausted=exhausted, limits={}))
    answer = await sell(till, 1, **packs(3))
    assert given(answer) == expected
    for gift in answer.json()["donations"]:
        if gift["campaign"] == "limited":
            assert [funder["money"] for funder in gift["funders"]] == [600, 400]
    assert "budget" in why(answer) or "limits" in why(answer)


@pytest.mark.edge_case(35)
async def test_what_comes_back_frees_budget_and_usage_once(
    till: httpx.AsyncClient, admin: httpx.AsyncClient, owner: Address
) -> None:
    await publish(
        admin, limited(who={"card": "required"}, limits={"per_card": 3, "budget": {"money": 1_500}})
    )
    before = await rows(owner, COUNTERS)
    assert given(await sell(till, 1, **packs(2))) == 1_000
    assert given(await sell(till, 2, **packs(2))) == 500
    for _ in range(2):
        await bring_back(till, 3, key(1), goods(1))
    assert given(await sell(till, 4, **packs(2))) == 500
    for _ in range(2):
        for sequence in (1, 2, 4):
            await void(till, sequence)
    assert await rows(owner, COUNTERS) == before
    assert given(await sell(till, 5, **packs(3))) == 1_500


@pytest.mark.edge_case(36)
async def test_a_campaign_that_gave_nothing_has_used_no_limit(
    till: httpx.AsyncClient, admin: httpx.AsyncClient, owner: Address
) -> None:
    tenth = {"give": {"rate": "0.01"}, "to": {"fund": "forest-animals"}, "from": "funders"}
    await publish(
        admin, limited(effect=tenth, who={"card": "required"}, limits={"per_card": 1, "units": 1})
    )
    for sequence in range(3):
        assert given(await sell(till, sequence, lines=[make.line(1, 99)])) == 0
    assert [name for name, _ in await rows(owner, COUNTERS) if name.startswith("limited|")] == []
    assert given(await sell(till, 9, lines=[make.line(1, 10_000)])) == 100
    assert given(await sell(till, 10, lines=[make.line(1, 10_000)])) == 0


@pytest.mark.edge_case(37)
async def test_a_hold_ties_up_points_and_no_budget(
    till: httpx.AsyncClient, admin: httpx.AsyncClient, owner: Address
) -> None:
    await publish(admin, limited(limits={"budget": {"money": 500}}))
    await sell(till, 1, lines=[make.line(1, 100_000, sku="bread")])
    before = await rows(owner, COUNTERS)
    held = await till.post("/v1/holds", json={"card": make.CARD, "points": 50, "ttl_s": 900})
    assert held.status_code == 201
    assert await rows(owner, COUNTERS) == before
    assert given(await sell(till, 2, card=None)) == 500
    late = await sell(till, 3, hold=held.json()["hold"], redeem={"points": 50})
    assert given(late) == 0
    assert late.json()["points"]["redeemed"] == 50


@pytest.mark.edge_case(38)
async def test_no_words_of_a_till_get_round_a_limit(
    till: httpx.AsyncClient, admin: httpx.AsyncClient
) -> None:
    await publish(admin, limited(who={"card": "required"}, limits={"per_card": 1, "per_basket": 1}))
    for listed in ("campaigns", "donations", "promotions", "usage"):
        said: dict[str, Any] = {listed: ["limited"]}
        refused = await sell(till, 1, **said)
        assert problem(refused) == (422, "invalid-request")
    line = make.line(1, quantity="5", amount=129_500)
    assert given(await sell(till, 1, lines=[line], choice={"campaign": "limited", "beneficiary": "x"})) == 500  # fmt: skip
    assert given(await sell(till, 2, offline=True, lines=[line])) == 0
    assert given(await sell(till, 3, business_day="2026-11-23", lines=[line])) == 0


@pytest.mark.edge_case(51)
async def test_one_hold_named_by_two_sales_is_spent_once(till: httpx.AsyncClient) -> None:
    await sell(till, 1)
    held = await till.post("/v1/holds", json={"card": make.CARD, "points": 12, "ttl_s": 900})
    claims: dict[str, Any] = {
        "hold": held.json()["hold"], "redeem": {"points": 12}, "lines": [make.line(1, 1_900)],
    }  # fmt: skip
    answers = await asyncio.gather(*(sell(till, n, **claims) for n in range(2, 8)))
    won = [answer for answer in answers if answer.status_code == 201]
    assert [answer.json()["points"]["redeemed"] for answer in won] == [12]
    lost = {problem(answer) for answer in answers if answer.status_code != 201}
    assert lost == {(409, "insufficient-points")}


@pytest.mark.edge_case(67)
async def test_a_kiosk_shows_available_held_waiting_and_expiring_points_apart(
    till: httpx.AsyncClient, admin: httpx.AsyncClient, client_for: ClientFor
) -> None:
    """12 points that live for a year, 7 that end in a month, 9 that wait; the 5 on hold are of those that end first."""
    earn: dict[str, Any] = {"campaign": "soon", "programme": "club", "kind": "bonus"}
    soon = {"earn": {"points": 7}, "per": "basket", "expire_after": {"months": 1, "at": "day"}}
    waits = {"earn": {"points": 9}, "per": "basket", "pending_days": 14}
    await publish(admin, {**earn, "effect": soon}, {**earn, "campaign": "waits", "effect": waits})
    moment = datetime.now(UTC)
    sold = await sell(
        till, 1, occurred_at=moment.isoformat(), business_day=moment.date().isoformat()
    )
    assert sold.status_code == 201
    held = await till.post("/v1/holds", json={"card": make.CARD, "points": 5, "ttl_s": 900})
    assert held.status_code == 201, held.text
    kiosk = await client_for("kiosk", store="nsk-07")
    shown = (await kiosk.get(f"/v1/cards/{make.CARD}")).json()["points"]
    assert (shown["available"], shown["held"], shown["pending"]) == (14, 5, 9)
    assert [lot["points"] for lot in shown["expiring"]] == [2]
    await till.post(f"/v1/holds/{held.json()['hold']}/release")
    freed = (await kiosk.get(f"/v1/cards/{make.CARD}")).json()["points"]
    assert (freed["available"], freed["held"], freed["pending"]) == (19, 0, 9)
    assert [lot["points"] for lot in freed["expiring"]] == [7]
