"""Adjustments over HTTP. Every test's ledger is verified and decided again at its end."""

import asyncio
from typing import Any

import httpx
import pytest

import make
from conftest import ClientFor
from lepta.db import Address
from lepta.processing.beside import Beside
from reversing import balances, rows
from shops import open_shop, publish
from tills import problem, sell, void

WELCOME = {
    "campaign": "welcome", "programme": "club", "kind": "bonus",
    "effect": {"earn": {"points": 100}, "welcome": True},
}  # fmt: skip


@pytest.fixture
async def office(owner: Address, client_for: ClientFor) -> httpx.AsyncClient:
    """The founding shop's office."""
    await asyncio.to_thread(asyncio.run, open_shop(owner))
    return await client_for("office")


async def adjust(
    office: httpx.AsyncClient, points: int, key: str = "a1", **more: Any
) -> httpx.Response:
    body = {"card": make.CARD, "points": points, "reason": "Спасибо за отзыв", **more}
    return await office.post("/v1/adjustments", json=body, headers={"Idempotency-Key": key})


async def test_points_are_given_by_the_only_retailer_and_end_as_earned_ones_do(
    office: httpx.AsyncClient, owner: Address
) -> None:
    given = await adjust(office, 500)
    assert given.status_code == 201, given.text
    told = given.json()
    assert (told["points"], told["party"], told["programme"]) == (500, "retail-nsk", "club")
    assert (told["repaid"], told["replayed"], told["reason"]) == (0, False, "Спасибо за отзыв")
    assert told["balance"]["available"] == 500
    assert await balances(owner) == {
        "member/m-pyotr/available": 500, "funder/retail-nsk/issued": -500,
    }  # fmt: skip
    days = await rows(owner, "SELECT expires_on::text, remaining FROM lot")
    assert days == [(told["expires_on"], 500)]
    again = await office.get(f"/v1/adjustments/{told['adjustment']}")
    assert again.json() == {**told, "replayed": True}
    history = (await office.get(f"/v1/cards/{make.CARD}/history")).json()["items"]
    assert [(item["kind"], item["points"]["adjusted"]) for item in history] == [("adjustment", 500)]


async def test_points_are_taken_from_the_lots_that_end_first_and_never_below_zero(
    office: httpx.AsyncClient, owner: Address
) -> None:
    await sell(office, 1)
    await adjust(office, 10, "a1", party="hunter-foods")
    taken = await adjust(office, -15, "a2")
    assert (taken.status_code, taken.json()["points"]) == (201, -15)
    assert taken.json()["expires_on"] is None
    assert taken.json()["balance"]["available"] == 7
    left = await balances(owner)
    assert left["funder/hunter-foods/issued"] == -40
    assert left["member/m-pyotr/available"] == 7
    refused = await adjust(office, -8, "a3")
    assert problem(refused) == (409, "insufficient-points")
    assert refused.json()["redeemable"] == 7
    await adjust(office, 5, "a4")
    again = await adjust(office, -8, "a3")
    assert (problem(again), again.json()["redeemable"]) == (problem(refused), 7)
    assert (await adjust(office, -8, "a5")).status_code == 201


async def test_the_same_adjustment_ten_times_at_once_counts_once(
    office: httpx.AsyncClient, owner: Address
) -> None:
    sent = await asyncio.gather(*(adjust(office, 500) for _ in range(10)))
    assert sorted(answer.status_code for answer in sent) == [200] * 9 + [201]
    assert len({answer.json()["adjustment"] for answer in sent}) == 1
    assert (await balances(owner))["member/m-pyotr/available"] == 500
    other = await adjust(office, 501)
    assert problem(other) == (422, "idempotency-key-reused")


async def test_two_that_take_the_same_points_at_once_take_them_once(
    office: httpx.AsyncClient,
) -> None:
    await adjust(office, 500)
    sent = await asyncio.gather(*(adjust(office, -400, f"b{n}") for n in range(5)))
    assert sorted(answer.status_code for answer in sent) == [201] + [409] * 4


async def test_a_repeat_is_known_though_the_card_is_gone(
    office: httpx.AsyncClient, owner: Address
) -> None:
    first = await adjust(office, 500)
    await rows(owner, "DELETE FROM card")
    again = await adjust(office, 500)
    assert (again.status_code, again.headers["Idempotency-Hit"]) == (200, "true")
    assert again.json() == {**first.json(), "replayed": True}
    assert problem(await adjust(office, 500, "new")) == (404, "unknown-card")


async def test_points_given_pay_a_debt_first(office: httpx.AsyncClient, owner: Address) -> None:
    await sell(office, 1)
    await adjust(office, -12, "all")
    await void(office, 1)
    assert (await balances(owner))["member/m-pyotr/owed"] == -12
    part = (await adjust(office, 5, "b")).json()
    assert (part["repaid"], part["expires_on"], part["balance"]["available"]) == (5, None, 0)
    rest = (await adjust(office, 10, "c")).json()
    assert (rest["repaid"], rest["balance"]["available"]) == (7, 3)


async def test_a_first_sale_is_welcome_though_points_came_before_it(
    office: httpx.AsyncClient, owner: Address
) -> None:
    await publish(owner, make.change(make.BASE, WELCOME))
    await adjust(office, 500)
    earned = [(await sell(office, n)).json()["points"]["earned"] for n in (1, 2)]
    assert earned == [112, 12]


@pytest.mark.parametrize(
    "body, place",
    [
        ({"points": 0}, "points"),
        ({"points": 10**13}, "points"),
        ({"reason": ""}, "reason"),
        ({"party": "nobody"}, "party"),
        ({"party": "forest-animals"}, "party"),
        ({"programme": "none"}, "programme"),
        ({"card": ""}, "card"),
    ],
)
async def test_what_means_nothing_is_refused_with_its_place(
    office: httpx.AsyncClient, body: dict[str, Any], place: str
) -> None:
    refused = await adjust(office, **{"points": 5, **body})
    assert problem(refused) == (422, "invalid-request")
    assert [error["path"] for error in refused.json()["errors"]] == [place]
    right = await adjust(office, 5)
    assert right.status_code == 201


async def test_an_adjustment_has_to_have_a_key_of_its_own(office: httpx.AsyncClient) -> None:
    body = {"card": make.CARD, "points": 5, "reason": "x"}
    refused = await office.post("/v1/adjustments", json=body)
    assert [error["path"] for error in refused.json()["errors"]] == ["Idempotency-Key"]
    assert problem(await office.get("/v1/adjustments/x")) == (404, "unknown-adjustment")


async def test_the_ledger_does_not_hold_the_reason(
    office: httpx.AsyncClient, owner: Address
) -> None:
    reason = "Ask Pyotr Petrov, +79130000000"
    made = (await adjust(office, 5, reason=reason)).json()
    (row,) = await rows(owner, "SELECT leaf, beside FROM event WHERE kind = 9")
    content = Beside(row[1]).content
    assert b"Petrov" not in row[0] + content
    assert make.CARD.encode() not in row[0] + content
    await rows(owner, "DELETE FROM adjustment_reason")
    kept = await office.get(f"/v1/adjustments/{made['adjustment']}")
    assert kept.json() == {**made, "reason": None, "replayed": True}
