"""Edge cases of sales and their lines, from a till's request to its answer."""

import asyncio
from typing import Any

import httpx
import pytest

import make
from conftest import ClientFor
from lepta.db import Address
from shops import open_shop
from tills import (
    bring_back,
    change,
    goods,
    key,
    problem,
    publish,
    said,
    sell,
    tree_size,
    void,
)


@pytest.fixture
async def till(owner: Address, client_for: ClientFor) -> httpx.AsyncClient:
    """The founding shop's till."""
    await asyncio.to_thread(asyncio.run, open_shop(owner))
    return await client_for("till", store="nsk-07", till="3")


def bread(number: int = 1, amount: int = 10_000, **more: Any) -> dict[str, Any]:
    """A line that no donation is about."""
    return make.line(number, amount, **{"sku": "bread", **more})


def earned_by_line(answer: httpx.Response) -> list[int]:
    return [line["earned"] for line in answer.json()["lines"]]


@pytest.mark.edge_case(2)
async def test_another_sale_under_a_used_key_writes_nothing_and_a_refusal_uses_none_up(
    till: httpx.AsyncClient,
) -> None:
    await sell(till, 1, header="h-1")
    size = await tree_size(till)
    for refused in (
        await sell(till, 1, header="h-1", total=25_800),
        await sell(till, 2, header="h-1"),
        await sell(till, 1, header="h-2", card=None),
    ):
        assert problem(refused) == (422, "idempotency-key-reused")
    assert problem(await sell(till, 2, redeem={"points": 13})) == (409, "insufficient-points")
    assert await tree_size(till) == size
    assert (await sell(till, 2, redeem={"points": 12})).status_code == 201


@pytest.mark.edge_case(3, 4)
async def test_a_sale_tried_again_by_any_of_its_names_is_the_first(till: httpx.AsyncClient) -> None:
    fiscal = {"fn": "9999078900004312", "i": 1234, "fp": "2926563744"}
    first = (await sell(till, 1, header="h-1", fiscal=fiscal)).json()
    size = await tree_size(till)
    again = [
        await sell(till, 1, header="h-1", fiscal=fiscal),
        await sell(till, 1, header="h-2", fiscal=fiscal),
        await sell(till, 1, fiscal=fiscal),
        await sell(till, 77, fiscal=fiscal),
        await sell(till, 1, fiscal=fiscal, offline=True),
    ]
    assert {answer.status_code for answer in again} == {200}
    assert [answer.json() for answer in again] == [{**first, "replayed": True}] * 5
    assert await tree_size(till) == size


@pytest.mark.edge_case(8)
async def test_of_two_tills_that_spend_all_of_a_card_the_loser_is_told_what_is_left(
    till: httpx.AsyncClient, client_for: ClientFor
) -> None:
    other = await client_for("till", store="nsk-07", till="4")
    await sell(till, 1, lines=[bread(amount=24_000)])
    spend: dict[str, Any] = {"redeem": {"points": 12}, "lines": [bread(amount=1_000)]}
    theirs = make.checkout_body(sequence=2, till="4", **spend)
    answers = await asyncio.gather(sell(till, 2, **spend), other.post("/v1/checkouts", json=theirs))
    won, lost = sorted(answers, key=lambda answer: answer.status_code)
    assert won.json()["points"]["balance"]["available"] == 0
    assert problem(lost) == (409, "insufficient-points")
    assert lost.json()["redeemable"] == 0


@pytest.mark.edge_case(21)
async def test_an_exchange_is_two_events_under_one_number_and_earns_on_what_is_bought(
    till: httpx.AsyncClient, admin: httpx.AsyncClient
) -> None:
    """Of one receipt of the till: a pack back for 259.00, bread home for 100.00; 159.00 are paid out."""
    await sell(till, 1)
    back = await bring_back(till, 2, key(1))
    sale = await sell(till, 2, lines=[bread(amount=10_000)])
    assert (back.status_code, sale.status_code) == (201, 201)
    assert sale.json()["to_pay"] - back.json()["to_refund"] == -15_900
    assert back.json()["points"]["clawed_back"] == 12
    assert sale.json()["points"]["earned"] == 5
    by_key = [await till.get(f"/v1/{events}", params=key(2)) for events in ("checkouts", "returns")]
    assert [found.json()["log_index"] for found in by_key] == [
        sale.json()["log_index"], back.json()["log_index"],
    ]  # fmt: skip
    # As much back as home: nothing is paid, and points follow each leg.
    even = await bring_back(till, 3, key(2), goods(1, "1", 10_000))
    again = await sell(till, 3, lines=[bread(amount=10_000)])
    assert again.json()["to_pay"] - even.json()["to_refund"] == 0
    card = (await admin.get(f"/v1/cards/{make.CARD}")).json()
    assert card["points"]["available"] == 5


@pytest.mark.edge_case(22)
async def test_a_line_that_was_voided_at_the_till_earns_and_gives_nothing(
    till: httpx.AsyncClient,
) -> None:
    lines = [bread(1), make.line(2), make.line(3, -25_900, quantity="-1")]
    sale = await sell(till, 1, lines=lines)
    assert (sale.json()["points"]["earned"], sale.json()["donations"]) == (5, [])
    alone = await sell(till, 2, lines=[make.line(1), make.line(2, -25_900, quantity="-1")])
    assert (alone.json()["points"]["earned"], alone.json()["total"]) == (0, 0)


@pytest.mark.edge_case(23)
async def test_what_belongs_to_the_whole_sale_is_shared_by_its_lines_to_the_last_unit(
    till: httpx.AsyncClient,
) -> None:
    lines = [bread(number, 3_333, sku=f"s{number}") for number in range(1, 8)]
    for sequence in range(2, 6):
        await sell(till, 100 + sequence, lines=[bread(amount=100_000)])
        total = sum(line["amount"] for line in lines) - sequence
        sale = await sell(till, sequence, lines=lines, total=total, redeem={"points": 9 + sequence})
        told = sale.json()
        assert sum(earned_by_line(sale)) == told["points"]["earned"] == told["to_pay"] // 2_000
        redeemed = [line["redeemed"] for line in told["lines"]]
        assert sum(redeemed) == told["points"]["redeemed"] == 9 + sequence
        assert max(redeemed) - min(redeemed) <= 1
        assert max(earned_by_line(sale)) - min(earned_by_line(sale)) <= 1


@pytest.mark.edge_case(24)
async def test_nothing_is_earned_on_gift_cards_deposits_donations_and_what_points_paid(
    till: httpx.AsyncClient, admin: httpx.AsyncClient
) -> None:
    others = [
        bread(n, 50_000, sku=kind, kind=kind)
        for n, kind in enumerate(("gift-card", "donation", "deposit"), start=2)
    ]
    sale = await sell(till, 1, lines=[bread(1, 60_000), *others])
    assert earned_by_line(sale) == [30, 0, 0, 0]
    # A reward that cost nothing but points: ten points pay for a line of 1.00.
    paid = await sell(till, 2, lines=[bread(1, 2_050)], redeem={"points": 10})
    assert (paid.json()["points"]["earned"], paid.json()["to_pay"]) == (0, 1_950)
    gross = {**make.BASE["effect"], "base": "gross"}
    await publish(admin, {**make.BASE, "campaign": "gross", "effect": gross})
    asked = await sell(till, 3, lines=[bread(1, 2_050)], redeem={"points": 10})
    assert asked.json()["points"]["earned"] == 1


@pytest.mark.edge_case(25, 27)
async def test_a_product_on_two_lines_and_weighed_earns_as_it_would_on_one(
    till: httpx.AsyncClient, admin: httpx.AsyncClient
) -> None:
    """Base, unit and rounding are said: 1 point for each full 20.00, of each product."""
    each = {"earn": {"points": 1, "per_amount": 2_000}, "per": "line"}
    await publish(admin, {**make.BASE, "effect": each})
    cheese: dict[str, Any] = {"sku": "cheese", "amount": 3_100}
    whole = await sell(till, 1, lines=[bread(1, quantity="0.345", **cheese), bread(2, 2_500)])
    parts = [
        bread(1, quantity="0.2", sku="cheese", amount=1_800),
        bread(2, 2_500),
        bread(3, quantity="0.145", sku="cheese", amount=1_300),
    ]
    split = await sell(till, 2, lines=parts)
    assert (whole.status_code, split.status_code) == (201, 201)
    assert whole.json()["points"]["earned"] == split.json()["points"]["earned"] == 2


@pytest.mark.edge_case(26)
async def test_a_line_that_its_units_do_not_divide_keeps_its_amount(
    till: httpx.AsyncClient,
) -> None:
    """Three for 100.00: unit by unit comes back what the till paid out, and points to the last one."""
    sale = await sell(till, 1, lines=[bread(1, 10_000, quantity="3", unit_price=3_333)])
    assert (sale.json()["total"], sale.json()["points"]["earned"]) == (10_000, 5)
    backs = [
        (await bring_back(till, n, key(1), goods(1, "1", amount))).json()
        for n, amount in ((2, 3_333), (3, 3_333))
    ]
    short = await bring_back(till, 4, key(1), goods(1, "1", 3_335))
    assert problem(short) == (422, "over-return")
    assert short.json()["left"] == [{"line": 1, "quantity": "1", "amount": 3_334}]
    backs.append((await bring_back(till, 4, key(1), goods(1, "1", 3_334))).json())
    assert sum(back["to_refund"] for back in backs) == 10_000
    assert sum(back["points"]["clawed_back"] for back in backs) == 5


@pytest.mark.edge_case(28)
@pytest.mark.parametrize(
    ("amounts", "total", "earned"),
    [
        ([0], 0, 0),
        ([0, 4_000], 4_000, 2),
        ([-2_000], -2_000, 0),
        ([4_000, -6_000], -2_000, 0),
        ([4_000, -4_000], 0, 0),
        ([6_000, -2_000], 4_000, 2),
    ],
)
async def test_free_and_negative_lines_are_legal_and_earn_nothing_below_nothing(
    till: httpx.AsyncClient, amounts: list[int], total: int, earned: int
) -> None:
    lines = [bread(n, amount, sku=f"s{n}") for n, amount in enumerate(amounts)]
    sale = await sell(till, 1, lines=lines)
    assert sale.status_code == 201, sale.text
    assert (sale.json()["total"], sale.json()["points"]["earned"]) == (total, earned)
    assert min(earned_by_line(sale)) >= 0
    undone = (await void(till, 1)).json()
    assert undone["to_refund"] == max(total, 0)
    assert undone["points"]["balance"]["available"] == 0


@pytest.mark.edge_case(29)
async def test_a_total_rounded_in_the_shoppers_favour_is_accepted_and_earned_on(
    till: httpx.AsyncClient,
) -> None:
    lines = [bread(1, 1_999, sku="a"), bread(2, 2_098, sku="b")]
    rounded = await sell(till, 1, lines=lines, total=4_000)
    assert (rounded.json()["points"]["earned"], rounded.json()["to_pay"]) == (2, 4_000)
    below = await sell(till, 2, lines=lines, total=3_999)
    assert (below.json()["points"]["earned"], below.json()["to_pay"]) == (1, 3_999)
    assert problem(await sell(till, 3, lines=lines, total=4_098)) == (422, "invalid-request")


@pytest.mark.edge_case(47)
@pytest.mark.parametrize(
    ("status", "earned", "text"),
    [("not-activated", 12, "не активирована"), ("blocked", 0, "заблокирована")],
)
async def test_a_card_that_may_not_spend_is_told_so_and_the_sale_goes_on(
    till: httpx.AsyncClient, admin: httpx.AsyncClient, status: str, earned: int, text: str
) -> None:
    await sell(till, 1)
    await change(admin, "/v1/members/pyotr", cards=[{"card": make.CARD, "status": status}])
    refused = await sell(till, 2, redeem={"points": 1})
    assert problem(refused) == (409, "insufficient-points")
    assert refused.json()["redeemable"] == 0
    sale = await sell(till, 2)
    assert (sale.status_code, sale.json()["card_status"]) == (201, status)
    assert sale.json()["points"]["earned"] == earned
    assert text in said(sale)
    offline = await sell(till, 3, redeem={"points": 1}, offline=True)
    assert (offline.status_code, offline.json()["points"]["shortfall"]) == (201, 1)


@pytest.mark.edge_case(48)
async def test_a_sale_takes_one_card(till: httpx.AsyncClient) -> None:
    for cards in ([make.CARD], [make.CARD, "2900000000025"]):
        refused = await sell(till, 1, card=cards)
        assert problem(refused) == (422, "invalid-request")
    two = await sell(till, 1, cards=[make.CARD, "2900000000025"])
    assert two.json()["errors"][0]["path"] == "cards"
