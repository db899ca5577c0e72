"""Who tries card numbers is slowed down, at every endpoint that tells whether somebody has a card."""

import asyncio
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

import make
from conftest import ClientFor
from lepta.db import Address
from lepta.http.limits import UNKNOWN_CARDS
from lepta.settings import Settings
from shops import open_shop
from tills import sell

ALLOWED = 3


@pytest.fixture
async def settings(settings: Settings, owner: Address) -> Settings:
    await asyncio.to_thread(asyncio.run, open_shop(owner))
    return settings.model_copy(update={"unknown_cards_per_minute": ALLOWED})


def counted(role: str) -> float:
    return float(UNKNOWN_CARDS.labels(role)._value.get())


async def ask(client: httpx.AsyncClient, path: str, card: str) -> httpx.Response:
    """One look-up of a card by the endpoint of that name."""
    body: dict[str, Any]
    if path in {"", "/history"}:
        return await client.get(f"/v1/cards/{card}{path}")
    if path == "/choice":
        body = {"campaign": "none", "beneficiary": None}
        return await client.put(f"/v1/cards/{card}/choice", json=body)
    body = {"card": card, "points": 1}
    if path == "/v1/gifts":
        body["campaign"] = "none"
    if path == "/v1/quotes":
        body = make.checkout_body(card=card)
    return await client.post(path, json=body, headers={"Idempotency-Key": card})


@pytest.mark.parametrize(
    "role, path",
    [
        ("kiosk", ""), ("kiosk", "/history"), ("kiosk", "/choice"), ("kiosk", "/v1/gifts"),
        ("till", ""), ("till", "/history"), ("till", "/v1/holds"), ("till", "/v1/quotes"),
    ],
)  # fmt: skip
async def test_so_many_unknown_cards_a_minute_and_no_more(
    app: FastAPI, client_for: ClientFor, role: str, path: str
) -> None:
    scope = {"store": "nsk-07"} | ({"till": "3"} if role == "till" else {})
    client, other = await client_for(role, **scope), await client_for(role, **scope)
    before = counted(role)
    known = [(await ask(client, path, make.CARD)).status_code for _ in range(2 * ALLOWED)]
    assert 429 not in known
    statuses = [(await ask(client, path, f"9{n}")).status_code for n in range(ALLOWED)]
    assert 429 not in statuses
    assert counted(role) - before == ALLOWED
    for card in ("99", make.CARD):
        # Whether the card exists makes no difference now.
        answer = await ask(client, path, card)
        assert (answer.status_code, answer.json()["type"]) == (429, "/problems/rate-limited")
        assert 1 <= int(answer.headers["Retry-After"]) <= 60 // ALLOWED
    assert (await ask(other, path, make.CARD)).status_code != 429


async def test_who_asks_for_many_at_once_gets_no_more_of_them(
    app: FastAPI, client_for: ClientFor
) -> None:
    kiosk = await client_for("kiosk", store="nsk-07")
    answers = await asyncio.gather(*(ask(kiosk, "", f"9{n}") for n in range(20)))
    statuses = [answer.status_code for answer in answers]
    assert (statuses.count(404), statuses.count(429)) == (ALLOWED, 20 - ALLOWED)


async def test_a_sale_is_never_held_up_by_it(app: FastAPI, client_for: ClientFor) -> None:
    till = await client_for("till", store="nsk-07", till="3")
    for n in range(ALLOWED + 1):
        await ask(till, "", f"9{n}")
    assert (await sell(till, 1, card="9")).json()["card_status"] == "unknown"
    assert (await till.post("/v1/quotes", json=make.checkout_body(card=None))).status_code == 200


async def test_an_office_may_look_for_whom_it_likes(app: FastAPI, client_for: ClientFor) -> None:
    office = await client_for("office")
    answers = [(await ask(office, "", f"9{n}")).status_code for n in range(2 * ALLOWED)]
    assert set(answers) == {404}
