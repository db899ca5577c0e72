"""Transfers over HTTP. Every test's ledger is verified and decided again at its end."""

import asyncio
from typing import Any

import httpx
import pytest

import make
from conftest import ClientFor
from families import OLGA, add_olga, adjust, history, points_of, transfer
from lepta.db import Address
from lepta.processing.beside import Beside
from reversing import balances, rows
from shops import open_shop, publish
from tills import problem, sell, void

WELCOME = {
    "campaign": "welcome", "programme": "club", "kind": "bonus",
    "effect": {"earn": {"points": 100}, "welcome": True},
}  # fmt: skip
LOTS = """
    SELECT a.ref, l.expires_on::text, l.log_index, l.leg, l.remaining FROM lot l JOIN account a ON a.id = l.account
    ORDER BY 1, 2, 3
"""


@pytest.fixture
async def office(owner: Address, client_for: ClientFor) -> httpx.AsyncClient:
    """The founding shop's office; Пётр and Ольга are its members."""
    await asyncio.to_thread(asyncio.run, open_shop(owner))
    await add_olga(owner)
    return await client_for("office")


@pytest.mark.edge_case(48)
async def test_points_that_end_first_go_over_first_and_end_when_they_would_have(
    office: httpx.AsyncClient, owner: Address
) -> None:
    await sell(office, 1)
    await adjust(office, 500, party="hunter-foods")
    before = {row[2]: row for row in await rows(owner, LOTS)}
    (earned, given) = before
    done = await transfer(office, 20)
    assert done.status_code == 201, done.text
    told = done.json()
    assert (told["points"], told["repaid"], told["reason"]) == (20, 0, "Подарок жене")
    assert told["balance"]["available"] == 492
    assert await rows(owner, LOTS) == [
        ("m-olga", before[earned][1], earned, 0, 12),
        ("m-olga", before[given][1], given, 0, 8),
        ("m-pyotr", before[given][1], given, 0, 492),
    ]
    assert (await balances(owner))["funder/hunter-foods/issued"] == -530
    assert (await office.get(f"/v1/transfers/{told['transfer']}")).json() == {
        **told,
        "replayed": True,
    }


@pytest.mark.edge_case(48)
async def test_both_members_see_it_in_their_history(office: httpx.AsyncClient) -> None:
    await adjust(office, 500)
    await transfer(office, 20)
    hers, his = await history(office, OLGA), await history(office, make.CARD)
    assert [(item["kind"], item["points"]["transferred"]) for item in hers] == [("transfer", 20)]
    assert [(item["kind"], item["points"]["transferred"]) for item in his] == [
        ("transfer", -20),
        ("adjustment", 0),
    ]


async def test_never_more_than_may_be_spent(office: httpx.AsyncClient) -> None:
    await adjust(office, 20)
    refused = await transfer(office, 21)
    assert problem(refused) == (409, "insufficient-points")
    assert refused.json()["redeemable"] == 20
    await adjust(office, 20, "a2")
    again = await transfer(office, 21)
    assert (problem(again), again.json()["redeemable"]) == (problem(refused), 20)
    assert (await transfer(office, 40, "t2")).status_code == 201
    assert problem(await transfer(office, 1, "t3")) == (409, "insufficient-points")


async def test_the_same_transfer_ten_times_at_once_counts_once(office: httpx.AsyncClient) -> None:
    await adjust(office, 500)
    sent = await asyncio.gather(*(transfer(office, 20) for _ in range(10)))
    assert sorted(answer.status_code for answer in sent) == [200] * 9 + [201]
    assert len({answer.json()["transfer"] for answer in sent}) == 1
    assert await points_of(office, OLGA) == (20, 0, 0)
    assert problem(await transfer(office, 21)) == (422, "idempotency-key-reused")


async def test_two_that_send_the_same_points_to_and_fro_at_once_lose_none(
    office: httpx.AsyncClient,
) -> None:
    await adjust(office, 100)
    await adjust(office, 100, "a2", OLGA)
    back = {"card": OLGA, "to": make.CARD}
    sent = await asyncio.gather(
        *(transfer(office, 60, f"t{n}") for n in range(3)),
        *(transfer(office, 60, f"b{n}", **back) for n in range(3)),
    )
    assert {answer.status_code for answer in sent} <= {201, 409}
    his, hers = await points_of(office, make.CARD), await points_of(office, OLGA)
    assert his[0] + hers[0] == 200


async def test_points_pay_first_what_the_other_one_owes(
    office: httpx.AsyncClient, owner: Address
) -> None:
    await sell(office, 1, card=OLGA)
    await adjust(office, -12, "all", OLGA)
    await void(office, 1)
    assert (await balances(owner))["member/m-olga/owed"] == -12
    await adjust(office, 500)
    part = (await transfer(office, 5)).json()
    assert (part["points"], part["repaid"], part["balance"]["available"]) == (5, 5, 495)
    rest = (await transfer(office, 10, "t2")).json()
    assert rest["repaid"] == 7
    assert await points_of(office, OLGA) == (3, 0, 0)
    assert "member/m-olga/owed" not in await balances(owner)


async def test_who_was_left_points_is_still_welcomed_at_the_first_sale(
    office: httpx.AsyncClient, owner: Address
) -> None:
    await publish(owner, make.change(make.BASE, WELCOME))
    await adjust(office, 500)
    await transfer(office, 20)
    earned = [(await sell(office, n, card=OLGA)).json()["points"]["earned"] for n in (1, 2)]
    assert earned == [112, 12]


async def test_points_left_to_another_one_are_spent_when_their_sale_is_voided(
    office: httpx.AsyncClient, owner: Address
) -> None:
    await sell(office, 1)
    await transfer(office, 12)
    back = (await void(office, 1)).json()
    assert back["points"]["clawed_back"] == 12
    assert await points_of(office, OLGA) == (12, 0, 0)
    assert (await balances(owner))["member/m-pyotr/owed"] == -12


async def test_a_card_that_changes_hands_leaves_the_points_where_they_are(
    office: httpx.AsyncClient,
) -> None:
    await adjust(office, 500)
    for member, cards in (("pyotr", []), ("olga", [OLGA, make.CARD])):
        stored = await office.get(f"/v1/members/{member}")
        document = {**stored.json(), "cards": cards}
        done = await office.put(
            f"/v1/members/{member}", json=document, headers={"If-Match": stored.headers["ETag"]}
        )
        assert done.status_code == 200, done.text
    assert await points_of(office, make.CARD) == (0, 0, 0)
    assert problem(await transfer(office, 1)) == (422, "invalid-request")


@pytest.mark.parametrize(
    "body, status, place",
    [
        ({"points": 0}, 422, "points"),
        ({"points": -5}, 422, "points"),
        ({"points": 10**13}, 422, "points"),
        ({"reason": ""}, 422, "reason"),
        ({"to": "nobody"}, 422, "to"),
        ({"to": make.CARD}, 422, "to"),
        ({"programme": "none"}, 422, "programme"),
        ({"card": "nobody"}, 404, None),
    ],
)
async def test_what_means_nothing_is_refused_with_its_place(
    office: httpx.AsyncClient, body: dict[str, Any], status: int, place: str | None
) -> None:
    await adjust(office, 500)
    refused = await transfer(office, **{"points": 5, **body})
    assert refused.status_code == status, refused.text
    if place is not None:
        assert [error["path"] for error in refused.json()["errors"]] == [place]
    assert (await transfer(office, 5)).status_code == 201


async def test_a_transfer_has_to_have_a_key_of_its_own(office: httpx.AsyncClient) -> None:
    body = {"card": make.CARD, "to": OLGA, "points": 5, "reason": "x"}
    refused = await office.post("/v1/transfers", json=body)
    assert [error["path"] for error in refused.json()["errors"]] == ["Idempotency-Key"]
    assert problem(await office.get("/v1/transfers/x")) == (404, "unknown-transfer")


async def test_the_ledger_holds_neither_the_reason_nor_the_cards(
    office: httpx.AsyncClient, owner: Address
) -> None:
    await adjust(office, 500)
    made = (await transfer(office, 5, reason="For Olga, +79130000000")).json()
    (row,) = await rows(owner, "SELECT leaf, beside FROM event WHERE kind = 12")
    content = row[0] + Beside(row[1]).content
    assert all(word not in content for word in (b"Olga", OLGA.encode(), make.CARD.encode()))
    await rows(owner, "DELETE FROM adjustment_reason")
    kept = await office.get(f"/v1/transfers/{made['transfer']}")
    assert kept.json() == {**made, "reason": None, "replayed": True}
