"""Tills in training: answered as if all were real, and nothing of it is recorded, counted or claimed."""

import asyncio
from typing import Any

import asyncpg
import httpx
import pytest

import make
from conftest import ClientFor
from lepta.db import Address
from shops import open_shop
from tills import DAY, bring_back, goods, key, problem, return_body, said, sell, void, void_by_id

TRAINING: dict[str, Any] = {"training": True}
NAMES = {"checkout", "log_index", "training", "receipt"}
RU, EN = "УЧЕБНЫЙ ЧЕК.", "TRAINING RECEIPT."
TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'checkpoint'"


@pytest.fixture
async def till(owner: Address, client_for: ClientFor) -> httpx.AsyncClient:
    """The founding shop's till; Пётр has 12 points of sale 1."""
    await asyncio.to_thread(asyncio.run, open_shop(owner))
    made = await client_for("till", store="nsk-07", till="3")
    assert (await sell(made, 1)).status_code == 201
    return made


async def everything(owner: Address) -> dict[str, Any]:
    """A digest of each table's rows. Heads are signed from time to time, whatever tills do."""
    connection = await asyncpg.connect(**owner.arguments())
    try:
        tables = [name for (name,) in await connection.fetch(TABLES)]
        digest = "SELECT count(*), md5(string_agg(md5(t::text), '' ORDER BY t::text)) FROM {} t"
        return {t: tuple(await connection.fetchrow(digest.format(t))) for t in tables}
    finally:
        await connection.close()


async def test_whatever_is_sent_in_training_changes_no_row_of_any_table(
    till: httpx.AsyncClient, owner: Address
) -> None:
    before = await everything(owner)
    sale = make.checkout_body(sequence=2, redeem={"points": 3}, **TRAINING)
    real = (await till.get("/v1/checkouts", params=key(1))).json()["checkout"]
    items = [
        {"checkout": sale}, {"void": key(1) | TRAINING},
        {"return": return_body(3, key(1), **TRAINING)},
    ]  # fmt: skip
    for _ in range(12):
        answers = [
            await till.post("/v1/checkouts", json=sale, headers={"Idempotency-Key": "k1"}),
            await sell(till, 1, **TRAINING),
            await sell(till, 4, offline=True, **TRAINING),
            await void(till, 1, header="k2", **TRAINING),
            await void(till, 2, **TRAINING),
            await till.post(f"/v1/checkouts/{real}/void", json=TRAINING),
            await bring_back(till, 3, key(1), header="k3", **TRAINING),
            await till.post("/v1/quotes", json=sale),
            await till.post("/v1/holds", json={"card": make.CARD, "points": 5, **TRAINING}),
        ]
        assert [answer.status_code for answer in answers] == [200] * 9, answers
        assert all(answer.json()["training"] is True for answer in answers)
        assert not any("Idempotency-Hit" in answer.headers for answer in answers)
        batch = (await till.post("/v1/checkouts:batch", json=items)).json()["results"]
        assert [(one["status"], one["body"]["training"]) for one in batch] == [(200, True)] * 3
    assert await everything(owner) == before


async def test_a_training_sale_is_answered_as_the_real_one_and_may_be_it_later(
    till: httpx.AsyncClient,
) -> None:
    asked: dict[str, Any] = {"sequence": 2, "redeem": {"points": 5}, "header": "k1"}
    rehearsed = (await sell(till, **asked, **TRAINING)).json()
    assert (rehearsed["checkout"], rehearsed["log_index"]) == (None, None)
    real = await sell(till, **asked)
    assert real.status_code == 201, real.text
    told = real.json()
    assert "training" not in told
    assert {k: v for k, v in rehearsed.items() if k not in NAMES} == {
        k: v for k, v in told.items() if k not in NAMES
    }
    assert told["points"]["balance"]["available"] == 12 - 5 + told["points"]["earned"]
    again = await sell(till, **{**asked, "training": False})
    assert (again.status_code, again.json()["checkout"]) == (200, told["checkout"])


async def test_receipts_say_first_of_all_that_they_are_for_training(
    till: httpx.AsyncClient,
) -> None:
    for answer in (
        await sell(till, 2, **TRAINING),
        await void(till, 1, **TRAINING),
        await bring_back(till, 3, key(1), **TRAINING),
        await till.post("/v1/quotes", json=make.checkout_body(**TRAINING)),
    ):
        assert said(answer).startswith(RU), answer.text
    english = await till.post(
        "/v1/checkouts?width=32&receipt=escpos",
        json=make.checkout_body(card=None, **TRAINING),
        headers={"Accept-Language": "en"},
    )
    assert said(english).startswith(EN)
    assert max(map(len, english.json()["receipt"]["text"].split("\n"))) <= 32
    for real in (await sell(till, 2), await bring_back(till, 3, key(2)), await void(till, 1)):
        assert RU not in said(real)


async def test_a_quote_in_training_decides_a_training_sale(till: httpx.AsyncClient) -> None:
    body = make.checkout_body(sequence=2, **TRAINING)
    quote = (await till.post("/v1/quotes", json=body)).json()["quote"]
    assert (await sell(till, 2, quote=quote, **TRAINING)).status_code == 200
    other = await sell(till, 2, quote=quote, total=25_800, **TRAINING)
    assert (problem(other), other.json()["because"]) == ((409, "quote-stale"), "basket")


async def test_what_would_be_refused_is_refused_in_training_too(till: httpx.AsyncClient) -> None:
    many = await sell(till, 2, redeem={"points": 13}, **TRAINING)
    assert (problem(many), many.json()["redeemable"]) == ((409, "insufficient-points"), 12)
    over = await bring_back(till, 3, key(1), goods(quantity="2", amount=51_800), **TRAINING)
    assert problem(over) == (422, "over-return")
    strange = make.checkout_body(till="4", **TRAINING)
    assert problem(await till.post("/v1/checkouts", json=strange)) == (403, "forbidden")
    strange = {**key(1, till="4"), **TRAINING}
    assert problem(await till.post("/v1/voids", json=strange)) == (403, "forbidden")
    assert problem(await sell(till, 2, training="yes")) == (422, "invalid-request")
    assert problem(await sell(till, 2, hold="h1", **TRAINING)) == (409, "hold-mismatch")
    assert problem(await void_by_id(till, "0" * 24)) == (404, "unknown-original")


async def test_what_goes_back_in_training_is_told_and_stays(till: httpx.AsyncClient) -> None:
    back = (await void(till, 1, **TRAINING)).json()
    assert (back["void"], back["log_index"]) == (None, None)
    assert (back["points"]["clawed_back"], back["to_refund"]) == (12, 25_900)
    part = (await bring_back(till, 2, key(1), **TRAINING)).json()
    assert (part["return"], part["points"]["clawed_back"]) == (None, 12)
    shown = (await till.get(f"/v1/cards/{make.CARD}")).json()
    assert shown["points"]["available"] == 12
    real = await void(till, 1)
    assert (real.status_code, real.json()["points"]["clawed_back"]) == (201, 12)


async def test_a_sale_that_was_training_itself_can_be_taken_back_in_training(
    till: httpx.AsyncClient,
) -> None:
    assert (await sell(till, 2, **TRAINING)).status_code == 200
    voided = await void(till, 2, **TRAINING)
    assert (voided.status_code, voided.json()["checkout"]) == (200, None)
    returned = await bring_back(till, 3, key(2), **TRAINING)
    assert returned.status_code == 200, returned.text
    assert "unreferenced" in returned.json()["flags"]
    assert (await void(till, 2)).status_code == 201, "a real void may still come first"
    assert (await void(till, 2, **TRAINING)).status_code == 200
    assert (await sell(till, 2)).json()["voided"] is True


async def test_training_is_no_part_of_a_shift(till: httpx.AsyncClient) -> None:
    await sell(till, 2, **TRAINING)
    told = {
        "store": "nsk-07", "till": "3", "business_day": DAY, "shift": 1, "count": 1, "total": 25_900,
        "returns_total": 0, "first_sequence": 1, "last_sequence": 1,
    }  # fmt: skip
    assert (await till.post("/v1/shifts", json=told)).json()["differences"] == []
