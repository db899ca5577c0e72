"""Voids over HTTP: what a till is answered, at first, again, later, and when the sale comes second."""

import asyncio
import base64
from typing import Any

import httpx
import pytest

import make
from conftest import ClientFor
from lepta.db import Address
from shops import open_shop
from tills import key, problem, said, sell, void, void_by_id


@pytest.fixture
async def till(owner: Address, client_for: ClientFor) -> httpx.AsyncClient:
    """The founding shop's till."""
    await asyncio.to_thread(asyncio.run, open_shop(owner))
    return await client_for("till", store="nsk-07", till="3")


def without(answer: httpx.Response, *names: str) -> dict[str, Any]:
    return {name: part for name, part in answer.json().items() if name not in names}


@pytest.mark.edge_case(5)
async def test_a_void_takes_all_of_a_sale_back_and_says_so(till: httpx.AsyncClient) -> None:
    await sell(till, 1)
    sale = (await sell(till, 2, redeem={"points": 5})).json()
    answer = await void_by_id(till, sale["checkout"])
    assert answer.status_code == 201, answer.text
    back = answer.json()
    assert back["points"] == {
        "clawed_back": sale["points"]["earned"], "restored": 5, "shortfall": 0, "owed": 0, "repaid": 0,
        "balance": {"available": 12, "held": 0, "pending": 0, "expiring": []},
    }  # fmt: skip
    assert back["donations"] == [
        {
            "campaign": "hunter-forest", "fund": "forest-animals", "points": 50, "money": 500,
            "funders": [{"party": "hunter-foods", "money": 300}, {"party": "retail-nsk", "money": 200}],
            "from_shopper": {"points": 0, "money": 0}, "outcome": "reversed", "because": "the sale was voided",
        }
    ]  # fmt: skip
    assert back["to_refund"] == sale["to_pay"] == 25_850
    assert back["checkout"] == sale["checkout"]
    assert (back["replayed"], back["flags"]) == (False, [])
    assert back["log_index"] == sale["log_index"] + 1
    assert back["rulebook"] == sale["rulebook"]
    assert said(answer) == (
        "Уважаемый Пётр! Эта покупка отменена. К возврату: 258,50 ₽. Отменено начисление 12 баллов. "
        "Вам возвращено 5 списанных баллов. "
        "Отменена передача в Фонд защиты лесных животных 50 баллов. На Вашем счёте 12 баллов."
    )


async def test_a_void_again_is_the_same_void_by_whatever_name(till: httpx.AsyncClient) -> None:
    sale = (await sell(till)).json()
    first = await void(till, header="v1")
    again = [
        await void(till, header="v1"),
        await void(till),
        await void(till, header="v2"),
        await void_by_id(till, sale["checkout"]),
        await void_by_id(till, sale["checkout"], header="v1"),
    ]
    assert first.status_code == 201
    for answer in again:
        assert (answer.status_code, answer.headers["Idempotency-Hit"]) == (200, "true")
        assert answer.json() == {**first.json(), "replayed": True}


async def test_twenty_voids_at_once_are_one(till: httpx.AsyncClient) -> None:
    await sell(till)
    answers = await asyncio.gather(*(void(till) for _ in range(20)))
    assert sorted(answer.status_code for answer in answers) == [200] * 19 + [201]
    assert len({answer.json()["void"] for answer in answers}) == 1


@pytest.mark.edge_case(5)
async def test_a_sale_sent_again_after_its_void_is_its_stored_answer_marked_voided(
    till: httpx.AsyncClient,
) -> None:
    first = await sell(till)
    await void(till)
    again = await sell(till)
    assert (again.status_code, again.headers["Idempotency-Hit"]) == (200, "true")
    assert again.json()["voided"] is True
    changed = ("replayed", "voided", "receipt")
    assert without(again, *changed) == without(first, *changed)
    assert said(again) == "Уважаемый Пётр! Эта покупка отменена."
    other = await sell(till, lines=[make.line(amount=1)])
    assert problem(other) == (422, "idempotency-key-reused")


async def test_a_voided_sale_read_later_is_marked_voided(till: httpx.AsyncClient) -> None:
    sale = (await sell(till)).json()
    by_id = await till.get(f"/v1/checkouts/{sale['checkout']}")
    assert (by_id.json()["voided"], by_id.json().get("returns")) == (False, None)
    await void(till)
    by_id = await till.get(f"/v1/checkouts/{sale['checkout']}")
    by_key = await till.get("/v1/checkouts", params=key(1))
    assert by_id.json() == by_key.json()
    assert (by_id.json()["voided"], by_id.json().get("returns")) == (True, None)


@pytest.mark.edge_case(6)
async def test_a_void_may_come_before_its_sale_which_then_is_nothing(
    till: httpx.AsyncClient, admin: httpx.AsyncClient
) -> None:
    early = await void(till, header="v1")
    assert early.status_code == 201, early.text
    amounts = dict.fromkeys(("clawed_back", "restored", "shortfall", "owed", "repaid"), 0)
    nothing = {**amounts, "balance": None}
    told = early.json()
    assert (told["checkout"], told["points"], told["donations"]) == (None, nothing, [])
    assert told["to_refund"] == 0
    assert said(early) == "Здравствуйте! Эта покупка отменена."
    assert (await till.get("/v1/checkouts", params=key(1))).status_code == 404
    sale = await sell(till, header="s1")
    assert sale.status_code == 201, sale.text
    assert (sale.json()["voided"], sale.json()["replayed"]) == (True, False)
    assert (sale.json()["points"]["earned"], sale.json()["donations"]) == (0, [])
    for again in (await sell(till, header="s1"), await sell(till)):
        assert (again.status_code, again.headers["Idempotency-Hit"]) == (200, "true")
        assert without(again, "replayed") == without(sale, "replayed")
    by_key = await till.get("/v1/checkouts", params=key(1))
    assert (by_key.json()["checkout"], by_key.json()["voided"]) == (sale.json()["checkout"], True)
    assert (await void(till)).json() == {**told, "replayed": True}
    assert (await void_by_id(till, sale.json()["checkout"])).json()["void"] == told["void"]
    fund = (await admin.get("/v1/funds/forest-animals")).json()
    assert (fund["points"], fund["money"], fund["donations"]) == (0, [], 0)


async def test_what_became_of_a_void_can_be_asked_by_id_and_by_the_sales_name(
    till: httpx.AsyncClient,
) -> None:
    assert problem(await till.get("/v1/voids", params=key(1))) == (404, "unknown-reversal")
    sale = (await sell(till)).json()
    assert problem(await till.get("/v1/voids", params=key(1))) == (404, "unknown-reversal")
    first = (await void(till)).json()
    by_id = await till.get(f"/v1/voids/{first['void']}")
    by_key = await till.get("/v1/voids", params=key(1))
    assert by_id.json() == by_key.json() == {**first, "replayed": True}
    for unknown in ("0" * 24, "f" * 24, "nonsense", sale["checkout"], first["void"][:-1] + "x"):
        assert problem(await till.get(f"/v1/voids/{unknown}")) == (404, "unknown-reversal")
        assert problem(await till.get(f"/v1/returns/{unknown}")) == (404, "unknown-reversal")
    assert problem(await till.get(f"/v1/returns/{first['void']}")) == (404, "unknown-reversal")
    assert (await till.get(f"/v1/checkouts/{first['void']}")).status_code == 404


async def test_a_void_may_come_before_its_store(client_for: ClientFor) -> None:
    till = await client_for("till", store="nowhere", till="3")
    early = await void(till, store="nowhere")
    assert (early.status_code, early.json()["to_refund"]) == (201, 0)
    assert said(early) == "Здравствуйте! Эта покупка отменена."
    assert problem(await sell(till, store="nowhere")) == (422, "invalid-request")


async def test_a_sale_that_nobody_recorded_cannot_be_voided_by_id(till: httpx.AsyncClient) -> None:
    sale = (await sell(till)).json()
    made_up = sale["checkout"][:-1] + ("0" if sale["checkout"][-1] != "0" else "1")
    for unknown in ("0" * 24, "7fff" + "0" * 20, "nonsense", made_up):
        assert problem(await void_by_id(till, unknown)) == (404, "unknown-original")
    back = (await void(till)).json()
    assert problem(await void_by_id(till, back["void"])) == (404, "unknown-original")


async def test_a_till_voids_its_own_sales_alone_and_an_office_any(
    till: httpx.AsyncClient, client_for: ClientFor
) -> None:
    sale = (await sell(till)).json()
    other = await client_for("till", store="nsk-07", till="4")
    assert problem(await void_by_id(other, sale["checkout"])) == (403, "forbidden")
    assert problem(await void(other)) == (403, "forbidden")
    office = await client_for("office")
    done = await void_by_id(office, sale["checkout"])
    assert done.status_code == 201
    assert problem(await other.get(f"/v1/voids/{done.json()['void']}")) == (403, "forbidden")
    assert problem(await other.get("/v1/voids", params=key(1))) == (403, "forbidden")
    kiosk = await client_for("kiosk", store="nsk-07")
    assert problem(await void(kiosk)) == (403, "forbidden")


async def test_a_header_names_one_request_whatever_that_was_for(till: httpx.AsyncClient) -> None:
    await sell(till, 1, header="k")
    assert problem(await void(till, 1, header="k")) == (422, "idempotency-key-reused")
    await void(till, 1, header="v")
    assert problem(await void(till, 2, header="v")) == (422, "idempotency-key-reused")
    assert problem(await sell(till, 2, header="v")) == (422, "idempotency-key-reused")
    assert (await sell(till, 2)).status_code == 201
    assert problem(await void(till, 2, header="a b")) == (422, "invalid-request")


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({}, "store"),
        ({**key(1), "sequence": -1}, "sequence"),
        ({**key(1), "sequence": "1"}, "sequence"),
        ({**key(1), "business_day": "22.11.2026"}, "business_day"),
        ({**key(1), "card": "2900000000018"}, "card"),
        ({**key(1), "store": "a b"}, "store"),
    ],
)
async def test_a_void_that_is_not_one_is_refused_field_by_field(
    till: httpx.AsyncClient, body: dict[str, Any], path: str
) -> None:
    refused = await till.post("/v1/voids", json=body)
    assert problem(refused) == (422, "invalid-request")
    assert path in [error["path"] for error in refused.json()["errors"]]


async def test_a_void_by_id_needs_no_body_and_takes_none_but_an_empty_one(
    till: httpx.AsyncClient,
) -> None:
    sale = (await sell(till)).json()
    address = f"/v1/checkouts/{sale['checkout']}/void"
    assert problem(await till.post(address, json={"why": "x"})) == (422, "invalid-request")
    assert (await till.post(address, content=b"{}")).status_code == 415
    assert (await till.post(address, json={})).status_code == 201
    assert (await till.post(address)).status_code == 200


async def test_the_form_of_the_receipt_is_the_tills_to_choose(till: httpx.AsyncClient) -> None:
    await sell(till, card=None)
    answer = await void(till, query="?width=32&receipt=escpos")
    receipt = answer.json()["receipt"]
    assert receipt["width"] == 32
    assert max(map(len, receipt["text"].split("\n"))) <= 32
    assert "отменена".encode("cp866") in base64.b64decode(receipt["escpos"])
    for wrong in ("?width=31", "?receipt=pdf"):
        assert problem(await void(till, 2, query=wrong)) == (422, "invalid-request")
    english = await till.post("/v1/voids", json=key(1), headers={"Accept-Language": "en"})
    assert english.json()["receipt"]["language"] == "en"
    assert said(english).startswith("Hello! This purchase has been cancelled.")


async def test_an_anonymous_sale_gives_back_its_donation_and_no_points(
    till: httpx.AsyncClient,
) -> None:
    sale = (await sell(till, card=None)).json()
    back = (await void(till)).json()
    assert back["points"]["balance"] is None
    assert back["to_refund"] == sale["to_pay"]


async def test_history_and_funds_are_net_of_what_was_voided(
    till: httpx.AsyncClient, admin: httpx.AsyncClient
) -> None:
    await sell(till, 1)
    await sell(till, 2)
    await void(till, 2)
    history = (await admin.get(f"/v1/cards/{make.CARD}/history")).json()["items"]
    assert [item["kind"] for item in history] == ["void", "checkout", "checkout"]
    gone, sold, _ = history
    assert {name: -points for name, points in gone["points"].items()} == {
        **sold["points"], "given": 0, "shortfall": 0,
    }  # fmt: skip
    assert gone["donations"] == [
        {"campaign": "hunter-forest", "fund": "forest-animals", "points": -50, "money": -500}
    ]
    assert gone["store"] == "nsk-07"
    card = (await admin.get(f"/v1/cards/{make.CARD}")).json()
    assert card["points"]["available"] == 12
    assert card["donations"] == [{"fund": "forest-animals", "points": 50, "money": 500}]
    fund = (await admin.get("/v1/funds/forest-animals")).json()
    assert (fund["points"], fund["donations"]) == (50, 1)
    assert fund["money"] == [{"currency": "RUB", "given": 500, "paid": 0}]


async def test_a_void_can_be_proved_as_its_sale_can(
    till: httpx.AsyncClient, admin: httpx.AsyncClient
) -> None:
    sale = (await sell(till)).json()
    back = (await void(till)).json()
    for name in (sale["checkout"], back["void"]):
        proof = await admin.get("/v1/log/proof", params={"checkout": name})
        assert proof.text.startswith("c2sp.org/tlog-proof@v1\n"), proof.text
    made_up = await admin.get("/v1/log/proof", params={"checkout": back["void"][:-1] + "g"})
    assert made_up.status_code == 404


async def test_a_voids_receipt_read_later_has_todays_names(
    till: httpx.AsyncClient, admin: httpx.AsyncClient
) -> None:
    await sell(till)
    await void(till)
    party = await admin.get("/v1/parties/forest-animals")
    await admin.put(
        "/v1/parties/forest-animals", json={"kind": "charity", "name": "Фонд тайги"},
        headers={"If-Match": party.headers["etag"]},
    )  # fmt: skip
    assert "в Фонд тайги 50 баллов" in said(await void(till))
