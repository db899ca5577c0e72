"""Edge cases of gifts to good causes, from a till's request to its answer and what the ledger holds."""

import asyncio
from typing import Any

import httpx
import pytest

import make
from conftest import ClientFor
from lepta.db import Address
from reversing import rows
from shops import open_shop
from tills import bring_back, change, key, publish, said, sell, void

RETAILER = [{"party": "retail-nsk", "share": "1"}]
FOREST = {"fund": "forest-animals"}


@pytest.fixture
async def till(owner: Address, client_for: ClientFor) -> httpx.AsyncClient:
    """The founding shop's till."""
    await asyncio.to_thread(asyncio.run, open_shop(owner))
    return await client_for("till", store="nsk-07", till="3")


def donation(name: str, give: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Given by the retailer to the forest, for bread, unless said otherwise."""
    return {
        "campaign": name, "programme": "club", "kind": "donation", "what": {"skus": ["bread"]},
        "effect": {"give": give, "to": FOREST, "from": "funders", **more.pop("effect", {})},
        "funding": RETAILER, **more,
    }  # fmt: skip


def bread(number: int = 1, amount: int = 10_000, **more: Any) -> dict[str, Any]:
    return make.line(number, amount, **{"sku": "bread", **more})


async def ask(till: httpx.AsyncClient, **sale: Any) -> dict[str, Any]:
    """What a quote says."""
    answer = await till.post("/v1/quotes", json=make.checkout_body(sequence=999, **sale))
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


def accepted(amount: int) -> dict[str, Any]:
    return {"gifts": [{"offer": "round-up", "accepted": True, "amount": amount}]}


@pytest.mark.edge_case(52)
async def test_a_bill_that_is_whole_is_not_offered_to_be_rounded_up(
    till: httpx.AsyncClient, admin: httpx.AsyncClient
) -> None:
    await publish(admin, make.ROUND_UP)
    for amount, offered in ((26_000, []), (0, []), (25_999, [1]), (25_001, [999])):
        quote = await ask(till, lines=[bread(1, amount)])
        assert [offer["amount"] for offer in quote["offers"]] == offered
    sale = await sell(till, 1, lines=[bread(1, 26_000)], **accepted(0))
    assert (sale.status_code, sale.json()["donations"], sale.json()["to_pay"]) == (201, [], 26_000)


@pytest.mark.edge_case(53)
async def test_what_is_rounded_up_is_what_is_due_after_discounts_and_points_once_a_sale(
    till: httpx.AsyncClient, admin: httpx.AsyncClient
) -> None:
    """259.00 with 0.60 off and 12 points of 0.10: 257.20 are due, whatever coins there are; 2.80 make it 260.00."""
    await publish(admin, make.ROUND_UP)
    await sell(till, 1)
    sale: dict[str, Any] = {"lines": [bread(1, 25_900)], "total": 25_840, "redeem": {"points": 12}}
    quote = await ask(till, **sale)
    assert (quote["to_pay"], [offer["amount"] for offer in quote["offers"]]) == (25_720, [280])
    twice: dict[str, Any] = {"gifts": [*accepted(280)["gifts"], *accepted(280)["gifts"]]}
    told = (await sell(till, 2, offline=True, **sale, **twice)).json()
    assert told["to_pay"] == 26_000
    assert [gift["from_shopper"]["money"] for gift in told["donations"]] == [280]


@pytest.mark.edge_case(54)
async def test_a_donation_line_earns_nothing_and_nothing_is_taken_off_it(
    till: httpx.AsyncClient,
) -> None:
    await sell(till, 1, lines=[bread(1, 200_000)])
    given = bread(2, 10_000, sku="for-the-forest", kind="donation")
    sale = await sell(till, 2, lines=[bread(1, 10_000), given], total=19_960, redeem={"points": 20})
    goods, gift = sale.json()["lines"]
    assert (goods["redeemed"], gift["redeemed"]) == (20, 0)
    # 100.00 less 0.40 and 2.00: 97.60 of bread earn.
    assert (goods["earned"], gift["earned"]) == (4, 0)
    alone = await sell(till, 3, lines=[given], redeem={"max": True})
    assert (alone.json()["points"]["redeemed"], alone.json()["to_pay"]) == (0, 10_000)


@pytest.mark.edge_case(55)
@pytest.mark.parametrize(("policy", "outcome"), [("keep", "kept"), ("reverse", "reversed")])
async def test_a_donation_by_product_goes_back_with_its_unit_and_an_own_gift_by_policy(
    till: httpx.AsyncClient, admin: httpx.AsyncClient, policy: str, outcome: str
) -> None:
    await publish(admin, {**make.ROUND_UP, "returns": policy})
    await sell(till, 1, lines=[make.line(1, 51_800, quantity="2")], **accepted(200))
    part = (await bring_back(till, 2, key(1))).json()["donations"]
    [pack] = [gift for gift in part if gift["campaign"] == "hunter-forest"]
    assert (pack["points"], pack["money"], pack["outcome"]) == (50, 500, "reversed")
    rest = (await bring_back(till, 3, key(1))).json()["donations"]
    own = [gift for gift in (*part, *rest) if gift["campaign"] == "round-up"]
    assert {gift["outcome"] for gift in own} == {outcome}
    assert sum(gift["money"] for gift in own if gift["outcome"] == "reversed") == (
        200 if policy == "reverse" else 0
    )


@pytest.mark.edge_case(57)
async def test_the_odd_kopeck_of_three_funders_is_always_the_same_ones_and_documented(
    till: httpx.AsyncClient, admin: httpx.AsyncClient
) -> None:
    dairy = await admin.put("/v1/parties/dairy", json={"kind": "supplier", "name": "Dairy"})
    assert dairy.status_code == 201
    thirds = [
        {"party": "hunter-foods", "share": "0.333333"},
        {"party": "dairy", "share": "0.333333"},
        {"party": "retail-nsk", "share": "0.333334"},
    ]
    await publish(admin, donation("ten", {"money": 10}, funding=thirds))
    for sequence in range(3):
        told = (await sell(till, sequence, lines=[bread()])).json()
        [gift] = [gift for gift in told["donations"] if gift["campaign"] == "ten"]
        assert [(f["party"], f["money"]) for f in gift["funders"]] == [
            ("hunter-foods", 3), ("dairy", 3), ("retail-nsk", 4),
        ]  # fmt: skip


@pytest.mark.edge_case(58)
@pytest.mark.parametrize(("rounding", "money"), [("down", 0), ("half-up", 1), ("up", 1)])
async def test_a_share_of_less_than_a_kopeck_is_rounded_once_a_sale_as_the_campaign_says(
    till: httpx.AsyncClient, admin: httpx.AsyncClient, rounding: str, money: int
) -> None:
    """0.5 % of 1.00. Two loaves in one sale are rounded together: half a kopeck each makes one."""
    half = donation("half", {"rate": "0.005"}, rounding=rounding)
    await publish(admin, half)
    one = (await sell(till, 1, lines=[bread(1, 100)])).json()
    assert sum(gift["money"] for gift in one["donations"]) == money
    two = (await sell(till, 2, lines=[bread(1, 100), bread(2, 100)])).json()
    assert sum(gift["money"] for gift in two["donations"]) == 1
    fund = (await admin.get("/v1/funds/forest-animals")).json()
    assert sum(each["given"] for each in fund["money"]) == money + 1


@pytest.mark.edge_case(59)
async def test_a_sale_from_before_a_campaign_ended_is_given_for_when_it_comes_in_late(
    till: httpx.AsyncClient, admin: httpx.AsyncClient
) -> None:
    """The purchase's rules hold; what its closed fund would have got goes to the fallback."""
    await admin.put("/v1/parties/children", json={"kind": "charity", "name": "Дети"})
    to = {"to": {"fund": "children", "fallback": "forest-animals"}}
    active = {"from": "2026-01-01", "until": "2026-11-01"}
    await publish(admin, donation("autumn", {"money": 500}, effect=to, active=active))
    sale: dict[str, Any] = {"lines": [bread()], "offline": True}
    then = {"business_day": "2026-10-31", "occurred_at": "2026-10-31T20:00:00+07:00"}
    now = (await sell(till, 1, **sale)).json()
    assert now["donations"] == []
    await change(admin, "/v1/parties/children", closed_on="2026-11-01")
    late = (await sell(till, 2, **sale, **then)).json()
    assert [(gift["fund"], gift["money"]) for gift in late["donations"]] == [
        ("forest-animals", 500)
    ]
    assert {"late", "fallback-fund"} <= set(late["flags"])


@pytest.mark.edge_case(60)
async def test_points_that_were_given_are_money_of_the_fund_and_end_no_more(
    till: httpx.AsyncClient, admin: httpx.AsyncClient, owner: Address
) -> None:
    give = {"points": 10, "money_rate": "0.25"}
    own = {"effect": {"from": "shopper-points"}, "what": {}}
    await publish(admin, donation("own", give, **own))
    await sell(till, 1, lines=[bread(1, 25_900)])
    taken = [{"offer": "own", "accepted": True}]
    told = (await sell(till, 2, lines=[bread(1, 100)], gifts=taken)).json()
    assert (told["points"]["given"], told["points"]["balance"]["available"]) == (10, 2)
    [gift] = told["donations"]
    assert (gift["money"], gift["from_shopper"]["points"]) == (250, 10)
    # What is left of the member's lot ends one day; nothing of the fund's is a lot.
    assert await rows(owner, "SELECT sum(remaining) FROM lot") == [(2,)]
    owed = (
        "SELECT sum(b.credits - b.debits) FROM account a JOIN account_balance b ON b.account = a.id"
    )
    assert await rows(owner, f"{owed} WHERE a.kind = 'fund' AND a.code = 'points'") == [(10,)]
    undone = (await void(till, 2)).json()
    assert undone["points"]["balance"]["available"] == 12


@pytest.mark.edge_case(61)
@pytest.mark.parametrize("language", ["ru", "en"])
async def test_who_declines_reads_what_they_would_have_read_without_an_offer(
    till: httpx.AsyncClient, admin: httpx.AsyncClient, language: str
) -> None:
    await change(admin, "/v1/members/pyotr", language=language)
    unasked = said(await sell(till, 1, lines=[bread(1, 25_640)]))
    await void(till, 1)
    await publish(admin, make.ROUND_UP)
    sale: dict[str, Any] = {"lines": [bread(1, 25_640)]}
    quote = await ask(till, **sale)
    assert [offer["amount"] for offer in quote["offers"]] == [360]
    declined = [{"offer": "round-up", "accepted": False}]
    answer = await sell(till, 2, quote=quote["quote"], gifts=declined, **sale)
    assert said(answer) == unasked
    assert answer.json()["offers"] == []


@pytest.mark.edge_case(62)
async def test_a_match_is_promised_by_the_receipt_only_as_far_as_it_was_booked(
    till: httpx.AsyncClient, admin: httpx.AsyncClient
) -> None:
    """4.00 for gifts of 3.60: the first is matched whole, the second by 0.40, the third not at all."""
    match = {"funding": RETAILER, "ratio": "1", "budget": {"money": 400}}
    await publish(admin, {**make.ROUND_UP, "match": match})
    texts, matched = [], []
    for sequence in range(3):
        answer = await sell(till, sequence, lines=[bread(1, 25_640)], **accepted(360))
        [gift] = answer.json()["donations"]
        assert gift["from_shopper"]["money"] == 360
        matched.append(gift["money"] - 360)
        texts.append(said(answer))
    assert matched == [360, 40, 0]
    added = ["Партнёры добавили 3,60", "Партнёры добавили 0,40", None]
    for text, promise in zip(texts, added, strict=True):
        assert (promise in text) if promise else ("Партнёры" not in text)
