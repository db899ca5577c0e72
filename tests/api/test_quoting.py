"""Quotes over HTTP: what a till is told before a sale is paid, and the sale that names it."""

import asyncio
from typing import Any

import asyncpg
import httpx
import pytest

import make
from conftest import ClientFor
from lepta.db import Address
from lepta.keys.service import create
from lepta.main import create_app
from lepta.runtime import Runtime
from lepta.settings import Settings
from shops import open_shop, publish

OWN = {
    "campaign": "own-points", "programme": "club", "kind": "donation",
    "effect": {"give": {"points": 3, "money_rate": "0.10"}, "to": {"fund": "forest-animals"}, "from": "shopper-points"},
}  # fmt: skip
MATCHED = {
    **make.ROUND_UP, "match": {"funding": [{"party": "retail-nsk", "share": "1"}], "ratio": "1", "budget": {"money": 500}},
}  # fmt: skip
OFFERING = make.change(make.BASE, make.HUNTER, MATCHED, OWN)
UNROUND: dict[str, Any] = {"lines": [make.line(amount=25_940)]}
PRESSURE = ("!", "только", "пожалуйста", "осталось", "please", "only", "last")


@pytest.fixture
async def till(owner: Address, client_for: ClientFor) -> httpx.AsyncClient:
    """The founding shop's till; a shopper may round up, which is matched, or give points."""
    await asyncio.to_thread(asyncio.run, open_shop(owner))
    await asyncio.to_thread(asyncio.run, publish(owner, OFFERING))
    return await client_for("till", store="nsk-07", till="3")


async def ask(by: httpx.AsyncClient, query: str = "", **sale: Any) -> httpx.Response:
    return await by.post(f"/v1/quotes{query}", json=make.checkout_body(**sale))


async def sell(by: httpx.AsyncClient, key: str = "", **sale: Any) -> httpx.Response:
    headers = {"Idempotency-Key": key} if key else {}
    return await by.post("/v1/checkouts", json=make.checkout_body(**sale), headers=headers)


def said(answer: httpx.Response) -> dict[str, Any]:
    """What a quote and its sale say alike."""
    ours = {"quote", "valid_until", "redeemable", "offers", "checkout", "log_index"}
    return {name: told for name, told in answer.json().items() if name not in ours}


async def test_a_quote_is_the_answer_to_its_sale_word_for_word(till: httpx.AsyncClient) -> None:
    quote = await ask(till)
    assert quote.status_code == 200, quote.text
    told = quote.json()
    assert (told["checkout"], told["log_index"], told["replayed"]) == (None, None, False)
    assert told["points"]["balance"]["available"] == 12
    sale = await sell(till, quote=told["quote"])
    assert sale.status_code == 201, sale.text
    assert said(sale) == said(quote)
    assert sale.json()["offers"] == []


@pytest.mark.edge_case(61)
async def test_offers_are_told_in_the_receipts_language_without_pressure(
    till: httpx.AsyncClient,
) -> None:
    await sell(till, sequence=1)
    russian = (await ask(till, **UNROUND)).json()
    assert russian["receipt"]["language"] == "ru"
    assert russian["offers"] == [
        {"id": "own-points", "text": "Можно передать в Фонд защиты лесных животных 3\u00a0балла со своего счёта.",
         "amount": 0, "points": 3},
        {"id": "round-up", "text": "Можно передать в Фонд защиты лесных животных 0,60\u00a0₽.", "amount": 60},
    ]  # fmt: skip
    english = await till.post(
        "/v1/quotes",
        json=make.checkout_body(card=None, **UNROUND),
        headers={"Accept-Language": "en"},
    )
    (offer,) = english.json()["offers"]
    assert offer["text"] == "You may give RUB\u00a00.60 to Фонд защиты лесных животных."
    texts = [one["text"] for one in (*russian["offers"], offer)]
    assert [t for t in texts for word in PRESSURE if word in t.lower()] == []


@pytest.mark.edge_case(62)
async def test_an_accepted_offer_is_booked_as_it_was_quoted_and_a_match_only_if_it_was_booked(
    till: httpx.AsyncClient,
) -> None:
    gift = [{"offer": "round-up", "accepted": True, "amount": 60}]
    quote = (await ask(till, **UNROUND)).json()
    sale = (await sell(till, quote=quote["quote"], gifts=gift, **UNROUND)).json()
    assert sale["to_pay"] == quote["to_pay"] + 60 == 26_000
    assert {d["campaign"]: d["money"] for d in sale["donations"]}["round-up"] == 120
    for text in (quote["offers"][0]["text"], quote["receipt"]["text"]):
        assert "Партнёры" not in text
    assert "Партнёры добавили 0,60" in " ".join(sale["receipt"]["text"].split("\n"))


@pytest.mark.edge_case(61)
async def test_a_shopper_who_declines_is_asked_no_more(till: httpx.AsyncClient) -> None:
    declined = [{"offer": "round-up", "accepted": False}]
    quote = await ask(till, gifts=declined, **UNROUND)
    assert quote.json()["offers"] == []
    sale = await sell(till, quote=quote.json()["quote"], gifts=declined, **UNROUND)
    assert said(sale) == said(quote)
    assert [d["campaign"] for d in sale.json()["donations"]] == ["hunter-forest"]


@pytest.mark.edge_case(9)
async def test_a_quote_of_another_basket_is_refused_once_and_for_all_under_its_header(
    till: httpx.AsyncClient,
) -> None:
    quote = (await ask(till)).json()["quote"]
    first = await sell(till, "k1", quote=quote, **UNROUND)
    assert first.status_code == 409
    problem = first.json()
    assert (problem["type"], problem["because"]) == ("/problems/quote-stale", "basket")
    assert "new quote" in problem["detail"]
    again = (await sell(till, "k1", quote=quote, **UNROUND)).json()
    assert again | {"instance": ""} == problem | {"instance": ""}
    assert (await sell(till, "k2", **UNROUND)).status_code == 201
    page = await till.get("/problems/quote-stale")
    for because in ("expired", "basket", "unknown", "points", "outcome", "gift"):
        assert because in page.text


async def test_no_changed_quote_is_one(till: httpx.AsyncClient) -> None:
    quote = (await ask(till)).json()["quote"]
    assert len(quote) < 512
    for at in range(0, len(quote), 17):
        other = "A" if quote[at] != "A" else "B"
        changed = quote[:at] + other + quote[at + 1 :]
        refused = await sell(till, quote=changed)
        assert (refused.status_code, refused.json()["because"]) == (409, "unknown"), at
    assert (await sell(till, quote=quote)).status_code == 201


async def test_a_quote_is_refused_with_what_the_sale_would_be(till: httpx.AsyncClient) -> None:
    above = await ask(till, total=25_901)
    assert (above.status_code, above.json()["type"]) == (422, "/problems/invalid-request")
    points = await ask(till, redeem={"points": 1})
    assert (points.status_code, points.json()["redeemable"]) == (409, 0)
    gift = await ask(till, gifts=[{"offer": "round-up", "accepted": True, "amount": 1}], **UNROUND)
    assert (gift.status_code, gift.json()["because"]) == (409, "gift")
    asked: dict[str, Any] = {"offline": True, "quote": "q1"}
    for field, told in asked.items():
        refused = await ask(till, "", **{field: told})
        assert refused.status_code == 422
        assert [error["path"] for error in refused.json()["errors"]] == [field]
    longest = await ask(till, quote="q" * 16_385)
    assert longest.status_code == 422


async def test_a_till_asks_for_itself_alone(till: httpx.AsyncClient, client_for: ClientFor) -> None:
    assert (await ask(till, till="4")).status_code == 403
    assert (await ask(await client_for("office"), till="4")).status_code == 200
    assert (await ask(await client_for("kiosk", store="nsk-07"))).status_code == 403
    assert (await ask(await client_for())).status_code == 401


async def test_the_form_is_the_tills_to_choose_and_a_sequence_may_be_quoted_often(
    till: httpx.AsyncClient,
) -> None:
    short = await ask(till, "?explain=false&width=32&receipt=escpos")
    assert "explain" not in short.json()
    assert "escpos" in short.json()["receipt"]
    assert (await ask(till, "?width=7")).status_code == 422
    await sell(till)
    assert (await ask(till)).status_code == 200


async def test_quotes_count_towards_a_keys_rate(settings: Settings, owner: Address) -> None:
    await asyncio.to_thread(asyncio.run, open_shop(owner))
    app = create_app(settings.model_copy(update={"rate_per_minute": 2}))
    async with app.router.lifespan_context(app):
        running: Runtime = app.state.runtime
        made = await create(running.database, "till", store="nsk-07", till="3")
        headers = {"Authorization": f"Bearer {made.token}"}
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://x", headers=headers) as till:  # fmt: skip
            answers = [await ask(till) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert "Retry-After" in answers[-1].headers


async def test_what_quotes_are_signed_with_is_told_to_nobody(
    till: httpx.AsyncClient, owner: Address, caplog: pytest.LogCaptureFixture, capfd: Any
) -> None:
    connection = await asyncpg.connect(**owner.arguments())
    secret = await connection.fetchval("SELECT secret FROM quote_secret")
    await connection.close()
    quote = await ask(till)
    refused = await sell(till, quote="q1")
    told = quote.text + refused.text + caplog.text + "".join(capfd.readouterr())
    assert secret.hex() not in told
    assert make.CARD not in quote.json()["quote"]
