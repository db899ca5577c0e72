"""Sales over HTTP: the founding example, repeats, what is asked later, and receipts as today's records have them."""

import asyncio
import base64
from typing import Any

import httpx
import pytest

import make
from conftest import ClientFor
from lepta.db import Address
from shops import open_shop

ENGLISH = {"ru": "Фонд", "en": "The Fund"}


@pytest.fixture
async def till(owner: Address, client_for: ClientFor) -> httpx.AsyncClient:
    """The founding shop's till."""
    await asyncio.to_thread(asyncio.run, open_shop(owner))
    return await client_for("till", store="nsk-07", till="3")


async def post(till: httpx.AsyncClient, key: str = "", **sale: Any) -> httpx.Response:
    query = sale.pop("query", "")
    headers = {"Idempotency-Key": key} if key else {}
    body = make.checkout_body(**sale)
    return await till.post(f"/v1/checkouts{query}", json=body, headers=headers)


async def test_the_founding_example_word_for_word(till: httpx.AsyncClient) -> None:
    answer = await post(till)
    assert answer.status_code == 201, answer.text
    sale = answer.json()
    (donation,) = sale["donations"]
    assert donation == {
        "campaign": "hunter-forest", "fund": "forest-animals", "points": 50, "money": 500, "units": 1,
        "funders": [{"party": "hunter-foods", "money": 300}, {"party": "retail-nsk", "money": 200}],
        "from_shopper": {"points": 0, "money": 0},
    }  # fmt: skip
    text = sale["receipt"]["text"]
    assert " ".join(text.split("\n")).startswith(
        "Уважаемый Пётр! При покупке пельменей «Охотничьи» Вами передано в Фонд защиты лесных животных "
        "50 баллов. Спасибо за покупку!"
    )
    assert max(map(len, text.split("\n"))) <= 40


@pytest.mark.edge_case(1, 2, 4)
async def test_fifty_at_once_are_one_and_another_body_is_refused(till: httpx.AsyncClient) -> None:
    answers = await asyncio.gather(*(post(till) for _ in range(50)))
    assert sorted(a.status_code for a in answers) == [200] * 49 + [201]
    assert len({a.json()["log_index"] for a in answers}) == 1
    same = [{k: v for k, v in a.json().items() if k != "replayed"} for a in answers]
    assert all(one == same[0] for one in same)
    other = await post(till, lines=[make.line(amount=25_800)])
    assert (other.status_code, other.json()["type"]) == (422, "/problems/idempotency-key-reused")


@pytest.mark.edge_case(3, 51)
async def test_a_repeat_by_its_fiscal_document_may_be_repeated_with_its_header(
    till: httpx.AsyncClient,
) -> None:
    fiscal = {"fn": "9999078900004312", "i": 1234, "fp": "2926563744"}
    first = await post(till, fiscal=fiscal)
    for _ in range(2):
        again = await post(till, "k1", fiscal=fiscal, sequence=2000)
        assert again.status_code == 200, again.text
        assert again.json()["log_index"] == first.json()["log_index"]


async def test_the_form_of_the_receipt_is_the_tills_to_choose(till: httpx.AsyncClient) -> None:
    answer = await post(till, query="?width=32&receipt=escpos&explain=false")
    sale = answer.json()
    assert "explain" not in sale
    assert max(map(len, sale["receipt"]["text"].split("\n"))) <= 32
    assert "Пётр".encode("cp866").replace(b"\xf1", b"\xf1") in base64.b64decode(
        sale["receipt"]["escpos"]
    )
    for wrong in ("?width=31", "?width=49", "?width=x", "?receipt=pdf", "?explain=maybe"):
        refused = await post(till, query=wrong, sequence=9)
        assert (refused.status_code, refused.json()["type"]) == (422, "/problems/invalid-request")


async def test_what_became_of_a_sale_can_be_asked_by_id_and_by_natural_key(
    till: httpx.AsyncClient,
) -> None:
    sale = (await post(till)).json()
    by_id = await till.get(f"/v1/checkouts/{sale['checkout']}")
    key: dict[str, str | int] = {
        "store": "nsk-07",
        "till": "3",
        "business_day": "2026-11-22",
        "sequence": 1187,
    }
    by_key = await till.get("/v1/checkouts", params=key)
    expected = {**sale, "replayed": True}
    assert by_id.json() == by_key.json() == expected
    for unknown in ("0" * 24, "f" * 24, "7fff" + "0" * 20, "nonsense", sale["checkout"][:-1] + "x"):
        assert (await till.get(f"/v1/checkouts/{unknown}")).status_code == 404
    assert (await till.get("/v1/checkouts", params={**key, "sequence": 9})).status_code == 404


async def test_another_till_may_not_ask_nor_send(
    till: httpx.AsyncClient, client_for: ClientFor
) -> None:
    sale = (await post(till)).json()
    other = await client_for("till", store="nsk-07", till="4")
    assert (await other.get(f"/v1/checkouts/{sale['checkout']}")).status_code == 403
    assert (await post(other, sequence=5)).status_code == 403


async def test_a_receipt_read_later_has_todays_names_and_its_own_member(
    till: httpx.AsyncClient, admin: httpx.AsyncClient
) -> None:
    named = {"kind": "charity", "name": "Фонд добрых дел"}
    product = {"name": {"ru": {"nominative": "Пельмени", "genitive": "пельменей"}}}
    sale = (await post(till)).json()
    found = await admin.get("/v1/parties/forest-animals")
    put = await admin.put(
        "/v1/parties/forest-animals", json=named, headers={"If-Match": found.headers["etag"]}
    )
    assert put.status_code == 200, put.text
    assert (await admin.put(f"/v1/products/{make.HUNTER_SKU}", json=product)).status_code == 201
    later = (await till.get(f"/v1/checkouts/{sale['checkout']}")).json()
    assert "Фонд добрых дел" in " ".join(later["receipt"]["text"].split("\n"))
    assert later["donations"] == sale["donations"]


async def test_a_card_that_changed_hands_does_not_change_whom_a_receipt_greets(
    till: httpx.AsyncClient, admin: httpx.AsyncClient
) -> None:
    await post(till)
    office = await admin.get("/v1/members/pyotr")
    await admin.put(
        "/v1/members/pyotr", json={**office.json(), "cards": []},
        headers={"If-Match": office.headers["etag"]},
    )  # fmt: skip
    taken = await admin.put("/v1/members/anna", json={"first_name": "Анна", "cards": [make.CARD]})
    assert taken.status_code == 201, taken.text
    again = (await post(till)).json()
    assert again["replayed"] is True
    assert "Пётр" in again["receipt"]["text"]
    assert "Анна" not in again["receipt"]["text"]


async def test_what_is_not_built_yet_is_said_and_never_ignored(till: httpx.AsyncClient) -> None:
    refused = await till.post("/v1/quotes", json=make.checkout_body(hold="h1"))
    assert (refused.status_code, refused.json()["type"]) == (422, "/problems/not-supported")
    assert (await post(till, hold=None, quote=None)).status_code == 201


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 422), (b"[]", 422), (b"null", 422), (b"{", 422), (b'{"store": "\xff"}', 422),
        (b"[" * 40_000, 413), (b'{"a":' * 33 + b"1" + b"}" * 33, 422), (b" " * (1 << 20), 422),
        (b" " * ((1 << 20) + 1), 413),
    ],
)  # fmt: skip
async def test_garbage_is_a_problem_document(
    till: httpx.AsyncClient, body: bytes, status: int
) -> None:
    headers = {"Content-Type": "application/json"}
    answer = await till.post("/v1/checkouts", content=body, headers=headers)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"


async def test_a_thousand_lines_are_taken_and_one_more_is_too_large(
    till: httpx.AsyncClient,
) -> None:
    lines = [{"line": n, "sku": f"s{n}", "quantity": "1", "amount": 100} for n in range(1_001)]
    assert (await post(till, lines=lines[:1_000])).status_code == 201
    assert (await post(till, lines=lines, sequence=2)).status_code == 413


async def test_a_name_that_cannot_be_printed_never_stops_a_paid_sale(
    till: httpx.AsyncClient,
) -> None:
    for number, name in enumerate(["\u202eevil", "a\u0000b", "\u200b", "x" * 900]):
        sale = await post(till, sequence=number, lines=[make.line(sku="s", name=name)])
        assert sale.status_code == 201, sale.text


@pytest.mark.parametrize("at", ["1700000000", "2026-11-22T18:15:03", "2026-11-22", "now", 5])
async def test_only_rfc_3339_is_a_time(till: httpx.AsyncClient, at: object) -> None:
    refused = await post(till, occurred_at=at)
    assert (refused.status_code, refused.json()["errors"][0]["path"]) == (422, "occurred_at")
