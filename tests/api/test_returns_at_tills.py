"""Returns over HTTP: parts and rests, what is refused and what is left, exchanges, and returns without a sale."""

import asyncio
import base64
from datetime import UTC, date, datetime, timedelta
from typing import Any

import httpx
import pytest

import make
from conftest import ClientFor
from lepta.db import Address
from lepta.processing.acts import LotsDue
from lepta.processing.state import Submission
from lepta.runtime import Runtime
from shops import open_shop
from tills import bring_back, goods, key, problem, return_body, said, sell, void

TWO: dict[str, Any] = {
    "lines": [make.line(1, 51_800, quantity="2"), make.line(2, 9_900, sku="bread")]
}
"""Two packs and a loaf: 30 points for 617.00, and 100 to the fund."""


@pytest.fixture
async def till(owner: Address, client_for: ClientFor) -> httpx.AsyncClient:
    """The founding shop's till."""
    await asyncio.to_thread(asyncio.run, open_shop(owner))
    return await client_for("till", store="nsk-07", till="3")


@pytest.mark.edge_case(55)
async def test_a_part_of_a_sale_comes_back_with_what_belongs_to_it(till: httpx.AsyncClient) -> None:
    sale = (await sell(till, 1, **TWO)).json()
    answer = await bring_back(till, 2, {"checkout": sale["checkout"]})
    assert answer.status_code == 201, answer.text
    back = answer.json()
    assert back["checkout"] == sale["checkout"]
    assert back["points"]["clawed_back"] == sale["lines"][0]["earned"] // 2
    assert back["points"]["balance"]["available"] == 30 - back["points"]["clawed_back"]
    assert back["donations"] == [
        {
            "campaign": "hunter-forest", "fund": "forest-animals", "points": 50, "money": 500,
            "funders": [{"party": "hunter-foods", "money": 300}, {"party": "retail-nsk", "money": 200}],
            "from_shopper": {"points": 0, "money": 0}, "outcome": "reversed", "because": "the goods that it was given for came back",
        }
    ]  # fmt: skip
    assert (back["to_refund"], back["flags"], back["replayed"]) == (25_900, ["clock"], False)
    counted = back["points"]["clawed_back"]
    assert said(answer) == (
        "Уважаемый Пётр! Возврат принят. К возврату: 259,00 ₽. "
        f"Отменено начисление {counted} баллов. "
        "Отменена передача в Фонд защиты лесных животных 50 баллов. "
        f"На Вашем счёте {30 - counted} баллов."
    )


@pytest.mark.edge_case(13, 27)
async def test_however_it_is_cut_in_parts_all_of_a_sale_comes_back_in_the_end(
    till: httpx.AsyncClient, admin: httpx.AsyncClient
) -> None:
    loose = [make.line(1, 10_001, quantity="0.345", sku="nuts"), make.line(2, 33_333)]
    await sell(till, 1)
    sale = (await sell(till, 2, lines=loose, redeem={"points": 7})).json()
    parts = [goods(1, "0.1", 2_899), goods(2), goods(1, "0.2", 5_798), goods(1, "0.045", 1_304)]
    parts[1]["amount"] = 33_333
    answers = [
        (await bring_back(till, n, key(2), part)).json() for n, part in enumerate(parts, start=10)
    ]
    points = [answer["points"] for answer in answers]
    assert sum(each["clawed_back"] for each in points) == sale["points"]["earned"]
    assert sum(each["restored"] for each in points) == 7
    assert sum(answer["to_refund"] for answer in answers) == sale["to_pay"]
    taken = [donation for answer in answers for donation in answer["donations"]]
    assert sum(donation["money"] for donation in taken) == 500
    card = (await admin.get(f"/v1/cards/{make.CARD}")).json()
    assert card["points"]["available"] == 12
    assert points[-1]["balance"]["available"] == 12


@pytest.mark.edge_case(14)
async def test_more_than_is_left_is_refused_with_what_is_left(till: httpx.AsyncClient) -> None:
    await sell(till, 1, **TWO)
    await bring_back(till, 2, key(1))
    refused = await bring_back(till, 3, key(1), goods(1, "2", 51_800))
    assert problem(refused) == (422, "over-return")
    left = refused.json()
    assert left["left"] == [
        {"line": 1, "quantity": "1", "amount": 25_900},
        {"line": 2, "quantity": "1", "amount": 9_900},
    ]
    assert left["left_total"] == 35_800
    again = await bring_back(till, 3, key(1), goods(1), goods(1))
    assert problem(again) == (422, "over-return")
    unknown = await bring_back(till, 3, key(1), goods(7))
    assert problem(unknown) == (422, "over-return")
    # A refusal takes no sequence.
    assert (await bring_back(till, 3, key(1))).status_code == 201


async def test_a_refusal_is_remembered_under_its_header_only(till: httpx.AsyncClient) -> None:
    await sell(till, 1)
    refused = [await bring_back(till, 2, key(1), goods(1, "2"), header="r") for _ in range(2)]
    assert [problem(each) for each in refused] == [(422, "over-return")] * 2
    same = [{k: v for k, v in each.json().items() if k != "instance"} for each in refused]
    assert same[0] == same[1]
    reused = await bring_back(till, 2, key(1), header="r")
    assert problem(reused) == (422, "idempotency-key-reused")
    assert (await bring_back(till, 2, key(1), header="r2")).status_code == 201
    early = await bring_back(till, 3, key(9), header="u")
    assert problem(early) == (404, "unknown-original")
    await sell(till, 9)
    assert problem(await bring_back(till, 3, key(9), header="u")) == (404, "unknown-original")
    assert (await bring_back(till, 3, key(9))).status_code == 201


async def test_a_return_again_is_the_same_return(till: httpx.AsyncClient) -> None:
    sale = (await sell(till, 1, **TWO)).json()
    first = await bring_back(till, 2, key(1), header="r1")
    moments = {"occurred_at": "2026-11-22T12:00:00Z"}
    again = [
        await bring_back(till, 2, key(1), header="r1"),
        await bring_back(till, 2, key(1)),
        await bring_back(till, 2, {"checkout": sale["checkout"]}, header="r2"),
        await bring_back(till, 2, key(1), offline=True),
        await bring_back(till, 2, key(1), **moments),
    ]
    for answer in again:
        assert (answer.status_code, answer.headers["Idempotency-Hit"]) == (200, "true")
        assert answer.json() == {**first.json(), "replayed": True}
    for other in ({"total": 1}, {"occurred_at": "2026-11-22T12:00:01Z"}, {"original": None}):
        changed = await till.post("/v1/returns", json={**return_body(2, key(1)), **other})
        assert problem(changed) == (422, "idempotency-key-reused"), other


@pytest.mark.edge_case(14)
async def test_twenty_returns_of_one_pack_at_once_bring_it_back_once(
    till: httpx.AsyncClient,
) -> None:
    await sell(till, 1)
    answers = await asyncio.gather(*(bring_back(till, n, key(1)) for n in range(2, 22)))
    assert sorted(answer.status_code for answer in answers) == [201] + [422] * 19
    assert {problem(a)[1] for a in answers if a.status_code == 422} == {"over-return"}


async def test_what_a_sale_has_come_to_can_be_asked(till: httpx.AsyncClient) -> None:
    sale = (await sell(till, 1, **TWO)).json()
    first = (await bring_back(till, 2, key(1), goods(2, "1", 9_900), total=9_800)).json()
    second = (await bring_back(till, 3, key(1))).json()
    found = (await till.get(f"/v1/checkouts/{sale['checkout']}")).json()
    assert found["voided"] is False
    assert found["returns"] == [
        {
            "return": first["return"], "log_index": first["log_index"], "total": 9_800,
            "lines": [{"line": 2, "quantity": "1", "amount": 9_900}],
        },
        {
            "return": second["return"], "log_index": second["log_index"], "total": 25_900,
            "lines": [{"line": 1, "quantity": "1", "amount": 25_900}],
        },
    ]  # fmt: skip
    assert "returns" not in (await sell(till, 1, **TWO)).json()
    by_id = await till.get(f"/v1/returns/{second['return']}")
    by_key = await till.get("/v1/returns", params=key(3))
    assert by_id.json() == by_key.json() == {**second, "replayed": True}
    assert problem(await till.get("/v1/returns", params=key(1))) == (404, "unknown-reversal")


async def test_a_void_after_returns_takes_the_rest_and_nothing_comes_back_after_it(
    till: httpx.AsyncClient,
) -> None:
    sale = (await sell(till, 1, **TWO)).json()
    part = (await bring_back(till, 2, key(1))).json()
    rest = (await void(till, 1)).json()
    assert part["to_refund"] + rest["to_refund"] == sale["to_pay"]
    points = part["points"]["clawed_back"] + rest["points"]["clawed_back"]
    assert (points, rest["points"]["balance"]["available"]) == (sale["points"]["earned"], 0)
    refused = await bring_back(till, 3, key(1))
    assert problem(refused) == (422, "over-return")
    assert refused.json()["left"] == []
    assert (await bring_back(till, 2, key(1))).status_code == 200


@pytest.mark.edge_case(15)
async def test_points_that_were_spent_since_become_a_debt_and_the_receipt_says_so(
    till: httpx.AsyncClient,
) -> None:
    await sell(till, 1)
    await sell(till, 2, redeem={"points": 10}, lines=[make.line(1, 1_900)])
    answer = await bring_back(till, 4, key(1))
    points = answer.json()["points"]
    assert (points["clawed_back"], points["owed"], points["shortfall"]) == (12, 10, 0)
    assert points["balance"]["available"] == 0
    assert "Из них уже потрачено 10 баллов: они будут удержаны" in said(answer)


async def change(admin: httpx.AsyncClient, path: str, **changes: Any) -> None:
    """Replace a part of an office's document."""
    found = await admin.get(path)
    match = {"If-Match": found.headers["etag"]}
    done = await admin.put(path, json={**found.json(), **changes}, headers=match)
    assert done.status_code == 200, done.text


def just_now() -> dict[str, str]:
    """When a sale takes place to which a programme applies as it has just been published."""
    moment = datetime.now(UTC)
    return {"occurred_at": moment.isoformat(), "business_day": moment.date().isoformat()}


@pytest.mark.edge_case(15)
async def test_a_programme_may_write_off_what_was_spent_and_nobody_owes_it(
    till: httpx.AsyncClient, admin: httpx.AsyncClient
) -> None:
    await change(admin, "/v1/programmes/club", debt="to-zero")
    await sell(till, 1)
    await sell(till, 2, redeem={"points": 10}, lines=[make.line(1, 1_900)])
    answer = await bring_back(till, 4, key(1))
    points = answer.json()["points"]
    assert (points["clawed_back"], points["owed"], points["shortfall"]) == (2, 0, 10)
    assert "Отменено начисление 2 баллов." in said(answer)
    assert "потрачен" not in said(answer)
    later = (await sell(till, 5)).json()
    assert later["points"]["balance"]["available"] == 12


async def test_a_debt_is_paid_by_what_is_earned_next(till: httpx.AsyncClient) -> None:
    await sell(till, 1)
    await sell(till, 2, redeem={"points": 10}, lines=[make.line(1, 1_900)])
    await bring_back(till, 4, key(1))
    later = (await sell(till, 5)).json()["points"]
    assert (later["earned"], later["balance"]["available"]) == (12, 2)


@pytest.mark.edge_case(16)
async def test_points_that_had_paid_come_back_with_their_own_last_day(
    till: httpx.AsyncClient, admin: httpx.AsyncClient
) -> None:
    await change(admin, "/v1/programmes/club", expire_after={"months": 1, "at": "day"})
    today = just_now()
    before = (await sell(till, 1, **today)).json()["points"]["balance"]
    assert [lot["points"] for lot in before["expiring"]] == [12]
    await sell(till, 2, redeem={"points": 12}, lines=[make.line(1, 1_900)], **today)
    sold = {**key(2), "business_day": today["business_day"]}
    back = (await bring_back(till, 3, sold, goods(1, "1", 1_900))).json()
    assert back["points"]["restored"] == 12
    assert back["points"]["balance"] == before
    # Money by the share of money: 12 points had paid 1.20 of the 19.00.
    assert back["to_refund"] == 1_780


@pytest.mark.edge_case(17, 18)
async def test_a_line_keeps_its_own_share_whatever_is_left_of_the_sale(
    till: httpx.AsyncClient, admin: httpx.AsyncClient
) -> None:
    big = {
        "campaign": "big", "programme": "club", "kind": "bonus", "when": "basket.total >= 50000",
        "effect": {"earn": {"points": 100}, "per": "basket"},
    }  # fmt: skip
    assert (await admin.put("/v1/campaigns/big", json=big)).status_code == 201
    assert (await admin.post("/v1/campaigns/big/publish")).status_code == 200
    lines = [make.line(1, 20_000, sku="a"), make.line(2, 30_000, sku="b")]
    sale = (await sell(till, 1, lines=lines)).json()
    shares = [line["earned"] for line in sale["lines"]]
    assert (sum(shares), shares) == (125, [50, 75])
    # What is left is below the campaign's threshold, which was met when it counted; and the campaign has ended.
    assert (await admin.post("/v1/campaigns/big/pause")).status_code == 200
    first = (await bring_back(till, 2, key(1), goods(1, "1", 20_000))).json()
    assert first["points"]["clawed_back"] == 50
    second = (await bring_back(till, 3, key(1), goods(2, "1", 30_000))).json()
    assert second["points"]["clawed_back"] == 75


@pytest.mark.edge_case(55)
async def test_the_shoppers_own_gift_stays_with_the_fund_and_the_receipt_says_so(
    till: httpx.AsyncClient, admin: httpx.AsyncClient
) -> None:
    campaign = {**make.ROUND_UP}
    made = await admin.put("/v1/campaigns/round-up", json=campaign)
    assert made.status_code == 201, made.text
    assert (await admin.post("/v1/campaigns/round-up/publish")).status_code == 200
    gifts = [{"offer": "round-up", "accepted": True, "amount": 100}]
    sale = (await sell(till, 1, gifts=gifts)).json()
    assert sale["to_pay"] == 26_000
    answer = await bring_back(till, 2, key(1))
    kept = answer.json()["donations"][-1]
    assert (kept["campaign"], kept["money"], kept["outcome"]) == ("round-up", 100, "kept")
    assert kept["because"] == "what the shopper gave stays with the fund"
    assert answer.json()["to_refund"] == 25_900
    assert "Передача в Фонд защиты лесных животных 1,00 ₽ остаётся в силе." in said(answer)


@pytest.mark.edge_case(19)
async def test_a_return_without_its_sale_is_recorded_for_the_office_to_look_into(
    till: httpx.AsyncClient, client_for: ClientFor
) -> None:
    await sell(till, 1)
    await bring_back(till, 2, key(1))
    answer = await bring_back(till, 3, None)
    assert answer.status_code == 201, answer.text
    told = answer.json()
    assert "unreferenced" in told["flags"]
    assert (told["checkout"], told["donations"], told["to_refund"]) == (None, [], 25_900)
    assert told["points"]["balance"] is None
    assert "Чек покупки не предъявлен" in said(answer)
    assert (await bring_back(till, 3, None)).json() == {**told, "replayed": True}
    unknown = (await bring_back(till, 4, key(77), offline=True)).json()
    assert {"unreferenced", "unknown-original"} <= set(unknown["flags"])
    auditor = await client_for("auditor")
    first = (await auditor.get("/v1/exceptions?limit=1")).json()
    (item,) = first["items"]
    assert item.pop("received_at")
    assert item == {
        "return": told["return"], "log_index": told["log_index"], **key(3),
        "occurred_at": "2026-11-22T19:00:00+07:00", "flags": told["flags"], "original": None,
        "lines": [{"line": 1, "quantity": "1", "amount": 25_900}], "total": 25_900,
    }  # fmt: skip
    page = await auditor.get("/v1/exceptions", params={"after": first["next"]})
    assert [item["return"] for item in page.json()["items"]] == [unknown["return"]]
    assert page.json()["items"][0]["original"] == key(77)
    assert page.json()["next"] is None
    assert problem(await till.get("/v1/exceptions")) == (403, "forbidden")


@pytest.mark.edge_case(20)
async def test_goods_may_come_back_to_another_till_on_another_day(
    till: httpx.AsyncClient, client_for: ClientFor
) -> None:
    sale = (await sell(till, 1)).json()
    other = await client_for("till", store="nsk-07", till="4")
    body = return_body(
        1, {"checkout": sale["checkout"]}, till="4", business_day="2026-12-24",
        occurred_at="2026-12-24T10:00:00+07:00",
    )  # fmt: skip
    answer = await other.post("/v1/returns", json=body)
    assert answer.status_code == 201, answer.text
    assert answer.json()["points"]["clawed_back"] == 12
    assert problem(await bring_back(other, 2, key(1))) == (403, "forbidden")
    mine = {**key(1, till="4"), "business_day": "2026-12-24"}
    assert (await other.get("/v1/returns", params=mine)).status_code == 200
    assert problem(await till.get("/v1/returns", params=mine)) == (403, "forbidden")
    office = await client_for("office")
    assert (await office.get("/v1/returns", params=mine)).status_code == 200


async def test_an_exchange_is_a_return_and_a_sale_of_what_is_taken_home(
    till: httpx.AsyncClient,
) -> None:
    await sell(till, 1)
    back = (await bring_back(till, 2, key(1))).json()
    sale = (await sell(till, 3, lines=[make.line(1, 40_000)])).json()
    assert back["points"]["clawed_back"] == 12
    assert sale["points"]["earned"] == 20
    assert sale["points"]["balance"]["available"] == 20


@pytest.mark.edge_case(22)
async def test_a_line_voided_on_the_sale_itself_earns_nothing_and_cannot_come_back(
    till: httpx.AsyncClient,
) -> None:
    lines = [make.line(1), make.line(2, -25_900, quantity="-1"), make.line(3, 10_000, sku="bread")]
    sale = (await sell(till, 1, lines=lines)).json()
    assert (sale["points"]["earned"], sale["donations"]) == (5, [])
    for line in (goods(1), goods(2)):
        assert problem(await bring_back(till, 2, key(1), line)) == (422, "over-return")
    assert (await bring_back(till, 2, key(1), goods(3, "1", 10_000))).status_code == 201


async def test_an_anonymous_sale_returns_without_points(till: httpx.AsyncClient) -> None:
    await sell(till, 1, card=None)
    answer = await bring_back(till, 2, key(1))
    assert (answer.json()["points"]["clawed_back"], answer.json()["points"]["balance"]) == (0, None)
    assert said(answer) == "Здравствуйте! Возврат принят. К возврату: 259,00 ₽."


async def test_what_a_member_reads_in_english_on_a_printer(
    till: httpx.AsyncClient, admin: httpx.AsyncClient
) -> None:
    member = await admin.get("/v1/members/pyotr")
    await admin.put(
        "/v1/members/pyotr", json={**member.json(), "language": "en"},
        headers={"If-Match": member.headers["etag"]},
    )  # fmt: skip
    await sell(till, 1)
    answer = await bring_back(till, 2, key(1), query="?receipt=escpos&width=48")
    receipt = answer.json()["receipt"]
    assert (receipt["language"], receipt["width"]) == ("en", 48)
    assert "12 points that you had earned were taken back." in said(answer)
    assert b"12 points that you had earned were taken back." in base64.b64decode(receipt["escpos"])


@pytest.mark.parametrize(
    ("changed", "path"),
    [
        ({"lines": []}, "lines"),
        ({"lines": [{**goods(), "sku": "x"}]}, "lines.0.sku"),
        ({"lines": [goods(1, "-1")]}, "lines.0.quantity"),
        ({"lines": [goods(1, "0", 0)], "total": 0}, "lines.0.quantity"),
        ({"lines": [{**goods(), "amount": -1}]}, "lines.0.amount"),
        ({"total": 25_901}, "total"),
        ({"total": -1}, "total"),
        ({"card": make.CARD}, "card"),
        ({"original": {}}, "original"),
        ({"original": {"store": "nsk-07"}}, "original"),
        ({"original": {"checkout": "x", **key(1)}}, "original"),
        ({"original": {"receipt": "x"}}, "original.receipt"),
        ({"original": "x"}, "original"),
        ({"occurred_at": "2026-11-22T18:15:03"}, "occurred_at"),
        ({"occurred_at": "1970-01-01T00:00:00Z"}, "occurred_at"),
    ],
)
async def test_a_return_that_is_not_one_is_refused_field_by_field(
    till: httpx.AsyncClient, changed: dict[str, Any], path: str
) -> None:
    refused = await till.post("/v1/returns", json={**return_body(2, key(1)), **changed})
    assert problem(refused) == (422, "invalid-request")
    assert path in [error["path"] for error in refused.json()["errors"]], refused.text


async def test_a_return_has_a_thousand_lines_at_most(till: httpx.AsyncClient) -> None:
    many = [goods(n, "1", 1) for n in range(1_001)]
    assert problem(await bring_back(till, 2, key(1), *many)) == (413, "too-large")
    assert problem(await bring_back(till, 2, key(1), *many[:-1])) == (404, "unknown-original")
    lines = [make.line(n, 1) for n in range(1_000)]
    await sell(till, 1, lines=lines)
    assert (await bring_back(till, 2, key(1), *many[:-1])).status_code == 201


async def test_a_store_that_nobody_knows_takes_nothing_back(client_for: ClientFor) -> None:
    till = await client_for("till", store="nowhere", till="3")
    body = return_body(2, None, store="nowhere")
    assert problem(await till.post("/v1/returns", json=body)) == (422, "invalid-request")


async def test_history_shows_what_came_back(
    till: httpx.AsyncClient, admin: httpx.AsyncClient
) -> None:
    await sell(till, 1, **TWO)
    back = (await bring_back(till, 2, key(1))).json()
    newest = (await admin.get(f"/v1/cards/{make.CARD}/history?limit=1")).json()
    (item,) = newest["items"]
    assert (item["kind"], item["log_index"]) == ("return", back["log_index"])
    assert item["occurred_at"] == "2026-11-22T19:00:00+07:00"
    assert item["points"]["earned"] == -back["points"]["clawed_back"]
    assert item["donations"][0]["points"] == -50
    proof = await admin.get("/v1/log/proof", params={"checkout": back["return"]})
    assert proof.status_code == 200


async def test_history_shows_the_day_on_which_points_may_be_spent(
    till: httpx.AsyncClient, admin: httpx.AsyncClient, running: Runtime
) -> None:
    await change(admin, "/v1/programmes/club", pending_days=1)
    today = just_now()
    await sell(till, 1, **today)
    tomorrow = date.fromisoformat(today["business_day"]) + timedelta(days=1)
    await running.writer.submit(Submission.of(LotsDue("m-pyotr", "club", tomorrow)))
    history = (await admin.get(f"/v1/cards/{make.CARD}/history")).json()["items"]
    assert [(item["kind"], item["store"]) for item in history] == [
        ("lots", None), ("checkout", "nsk-07"),
    ]  # fmt: skip
    matured, sold = (item["points"] for item in history)
    assert (matured["matured"], matured["expired"], matured["earned"]) == (12, 0, 0)
    assert (sold["matured"], sold["pending"], sold["earned"]) == (0, 12, 12)
