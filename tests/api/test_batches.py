"""What tills have stored while they were offline, in one request: order, strangers' items, nonsense, and again."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

import make
from conftest import ClientFor
from lepta.channels.till.batch_desk import BatchDesk
from lepta.db import Address
from lepta.http.edge import BATCH_LIMIT, BODY_LIMIT
from lepta.runtime import Runtime
from lepta.settings import Settings
from shops import open_shop
from tills import bring_back, key, problem, return_body, sell, void

BATCH = "/v1/checkouts:batch"
JSON = {"Content-Type": "application/json"}


@pytest.fixture
async def till(owner: Address, client_for: ClientFor) -> httpx.AsyncClient:
    """The founding shop's till."""
    await asyncio.to_thread(asyncio.run, open_shop(owner))
    return await client_for("till", store="nsk-07", till="3")


def sale(sequence: int, **more: Any) -> dict[str, Any]:
    return {"checkout": make.checkout_body(sequence=sequence, **more)}


def voided(sequence: int) -> dict[str, Any]:
    return {"void": key(sequence)}


def returned(sequence: int, original: Any, *lines: Any, **more: Any) -> dict[str, Any]:
    return {"return": return_body(sequence, original, *lines, **more)}


async def send(till: httpx.AsyncClient, *items: Any, query: str = "") -> list[dict[str, Any]]:
    """The results of a file."""
    return await send_bytes(till, json.dumps(items).encode(), query)


async def send_bytes(till: httpx.AsyncClient, raw: bytes, query: str = "") -> list[dict[str, Any]]:
    answer = await till.post(BATCH + query, content=raw, headers=JSON)
    assert answer.status_code == 200, answer.text
    results: list[dict[str, Any]] = answer.json()["results"]
    return results


def statuses(results: list[dict[str, Any]]) -> list[int]:
    return [result["status"] for result in results]


def slugs(results: list[dict[str, Any]]) -> list[str]:
    return [r["body"].get("type", "").removeprefix("/problems/") for r in results]


def same(told: dict[str, Any]) -> dict[str, Any]:
    """A problem document without the name of the request."""
    return {name: part for name, part in told.items() if name != "instance"}


async def test_an_empty_file_has_no_results(till: httpx.AsyncClient) -> None:
    assert await send(till) == []


async def test_what_follows_in_a_file_finds_what_stood_before_it_decided(
    till: httpx.AsyncClient,
) -> None:
    results = await send(
        till, sale(1), sale(2, redeem={"points": 12}), voided(1), returned(3, key(2)), voided(2), sale(1)
    )  # fmt: skip
    assert statuses(results) == [201, 201, 201, 201, 201, 200]
    first, second, void_1, back, void_2, again = [result["body"] for result in results]
    assert second["points"]["redeemed"] == 12
    assert void_1["checkout"] == first["checkout"]
    assert back["checkout"] == void_2["checkout"] == second["checkout"]
    assert (again["checkout"], again["voided"]) == (first["checkout"], True)
    places = [r["body"]["log_index"] for r in results[:5]]
    assert places == list(range(places[0], places[0] + 5))


@pytest.mark.edge_case(1, 4)
async def test_the_same_file_twice_changes_nothing(
    till: httpx.AsyncClient, admin: httpx.AsyncClient
) -> None:
    items = [sale(1), sale(2), voided(2), returned(3, key(1)), voided(9), sale(4, card=None)]
    first = await send(till, *items)
    balance = (await admin.get(f"/v1/cards/{make.CARD}")).json()
    again = await send(till, *items)
    assert statuses(first) == [201] * 6
    assert statuses(again) == [200] * 6
    for one, other in zip(first, again, strict=True):
        assert other["body"]["log_index"] == one["body"]["log_index"]
        assert (one["body"]["replayed"], other["body"]["replayed"]) == (False, True)
    assert again[1]["body"]["voided"]
    assert (await admin.get(f"/v1/cards/{make.CARD}")).json() == balance


@pytest.mark.edge_case(2, 3, 11)
async def test_a_sale_sent_online_first_is_known_again_in_the_file_of_the_till(
    till: httpx.AsyncClient,
) -> None:
    """Whether its answer was lost, or its request, the till cannot know."""
    online = (await sell(till, 1, header="h-1")).json()
    (stored,) = await send(till, sale(1, offline=True))
    assert stored == {"status": 200, "body": {**online, "replayed": True}}


async def test_a_bad_item_gets_what_it_would_get_alone_and_stops_nobody(
    till: httpx.AsyncClient, admin: httpx.AsyncClient
) -> None:
    bad: list[Any] = [
        make.checkout_body(sequence=2, currency="XXX", till=5),
        make.checkout_body(sequence=3, lines=[make.line(), make.line()]),
        make.checkout_body(sequence=4, redeem={"points": 1_000}),
        make.checkout_body(sequence=5, till="4"),
        make.checkout_body(sequence=6, hold="h"),
        make.checkout_body(sequence=7, store="nowhere"),
        make.checkout_body(sequence=1, lines=[make.line(amount=1)]),
        make.checkout_body(lines=[make.line(n) for n in range(1_001)]),
        {}, None, 1, [], "x",
    ]  # fmt: skip
    results = await send(till, sale(1), *({"checkout": body} for body in bad), sale(9, card=None))
    assert statuses(results) == [201, 422, 422, 409, 403, 409, 403, 422, 413, *[422] * 5, 201]
    for body, result in zip(bad, results[1:-1], strict=True):
        raw = json.dumps(body).encode()  # a body of null, too
        alone = await till.post("/v1/checkouts", content=raw, headers=JSON)
        assert result["status"] == alone.status_code
        assert same(result["body"]) == same(alone.json())


async def test_a_bad_void_or_return_gets_what_it_would_get_alone(till: httpx.AsyncClient) -> None:
    await sell(till, 1)
    bad = [
        ("void", {**key(1), "why": "x"}),
        ("void", key(1, till="4")),
        ("return", return_body(2, {"checkout": "nothing"})),
        ("return", return_body(3, key(77))),
        ("return", return_body(4, key(1), {"line": 1, "quantity": "2", "amount": 51_800})),
        ("return", {**return_body(5, None), **key(5, store="x")}),
    ]
    results = await send(till, *({kind: body} for kind, body in bad))
    assert statuses(results) == [422, 403, 404, 404, 422, 403]
    for (kind, body), result in zip(bad, results, strict=True):
        alone = await till.post(f"/v1/{kind}s", json=body)
        assert (result["status"], same(result["body"])) == (alone.status_code, same(alone.json()))


@pytest.mark.parametrize(
    "item",
    [
        b"1", b"null", b"nul", b'"checkout"', b"[]", b"{}", b"{]", b'{"sale": {}}', b'{"checkout"}', b'{"checkout":',
        b'{"checkout" 1}', b'{"\xff": {}}', b"\x00", b'{"checkout": {}} {}', b'{"checkout": {}, "void": {}}',
        b'{"checkout": {}, "checkout": {}}',
    ],
)  # fmt: skip
async def test_an_item_of_another_shape_is_told_which_there_are(
    till: httpx.AsyncClient, item: bytes
) -> None:
    if item == b'{"checkout":':
        item += b" ]"  # brackets of an item may not match, but there must be as many
    before, bad, after = await send_bytes(
        till, b"[%b, %b, %b]" % (json.dumps(sale(1)).encode(), item, json.dumps(sale(2)).encode())
    )
    assert (before["status"], after["status"]) == (201, 201)
    assert (bad["status"], bad["body"]["type"]) == (422, "/problems/invalid-request")
    assert bad["body"]["errors"][0]["path"] == ""


@pytest.mark.parametrize(
    "told",
    [
        b'{"sequence": 1' + b"0" * 100_000 + b"}", b'{"sequence": 1e400}', b'{"till": "\xff\xfe"}',
        b'{"till": "a\x00b"}', b'{"till": "\\ud800"}', b"[" * 5_000 + b"]" * 5_000,
        b'{"lines": [' + b"{}," * 7_000 + b"{}]}", b'{"a": 1, "a": 2}', b'{"till": "\\u0000"}', b"-", b'{"a" "b"}',
        b'{"pad": "' + b"x" * BODY_LIMIT + b'"}',
    ],
)  # fmt: skip
async def test_hostile_documents_get_what_they_would_get_alone(
    till: httpx.AsyncClient, told: bytes
) -> None:
    alone = await till.post("/v1/checkouts", content=told, headers=JSON)
    bad, good = await send_bytes(
        till, b'[{"checkout":%b},%b]' % (told, json.dumps(sale(1)).encode())
    )
    assert (bad["status"], same(bad["body"])) == (alone.status_code, same(alone.json()))
    assert bad["status"] in {413, 422}
    assert good["status"] == 201


async def test_the_last_of_two_equal_names_counts_as_it_does_alone(till: httpx.AsyncClient) -> None:
    raw = json.dumps(make.checkout_body(sequence=7)).encode()
    twice = raw[:-1] + b', "sequence": 8}'
    (result,) = await send_bytes(till, b'[{"checkout":%b}]' % twice)
    alone = await till.post("/v1/checkouts", content=twice, headers=JSON)
    assert (result["status"], alone.status_code) == (201, 200)
    assert alone.json()["checkout"] == result["body"]["checkout"]


async def test_a_name_in_another_spelling_is_the_same_name(till: httpx.AsyncClient) -> None:
    raw = b' [ { "\\u0063heckout" : %b } ] ' % json.dumps(make.checkout_body()).encode()
    assert statuses(await send_bytes(till, raw)) == [201]


@pytest.mark.parametrize("told", [b"", b"[", b"{}", b"nonsense", b'[{"checkout": {}}', b"[1,]"])
async def test_what_is_no_whole_array_is_refused_before_anything_is_recorded(
    till: httpx.AsyncClient, told: bytes
) -> None:
    if told.startswith(b"[{"):
        told = b"[" + json.dumps(sale(1)).encode()
    answer = await till.post(BATCH, content=told, headers=JSON)
    assert problem(answer) == (422, "invalid-request")
    assert (await sell(till, 1)).status_code == 201


async def test_too_many_items_and_too_many_bytes_are_refused_before_anything_is_recorded(
    till: httpx.AsyncClient,
) -> None:
    async def endless() -> AsyncIterator[bytes]:
        yield b"[" + json.dumps(sale(1)).encode()
        while True:
            yield b" " * (1 << 20)

    first = json.dumps(sale(1)).encode()
    many = await till.post(BATCH, content=b"[%b%b]" % (first, b",1" * 10_000), headers=JSON)
    assert (problem(many), many.json()["limit"]) == ((413, "too-large"), 10_000)
    long = await till.post(BATCH, content=endless(), headers=JSON)
    assert (problem(long), long.json()["limit"]) == ((413, "too-large"), BATCH_LIMIT)
    assert (await sell(till, 1)).status_code == 201


async def test_ten_thousand_items_are_not_too_many(till: httpx.AsyncClient) -> None:
    results = await send_bytes(till, b"[" + b"1," * 9_999 + b"1]")
    assert statuses(results) == [422] * 10_000


async def test_a_body_that_is_not_json_or_a_width_that_there_is_not_is_refused(
    till: httpx.AsyncClient,
) -> None:
    assert problem(await till.post(BATCH, content=b"[]"))[0] == 415
    assert problem(await till.post(f"{BATCH}?width=9", json=[])) == (422, "invalid-request")


async def test_the_form_of_the_answers_is_asked_for_once(till: httpx.AsyncClient) -> None:
    first, back = await send(till, sale(1), voided(1), query="?width=32&explain=false")
    assert "explain" not in first["body"]
    assert {first["body"]["receipt"]["width"], back["body"]["receipt"]["width"]} == {32}


async def test_the_office_sends_what_many_tills_have_stored(
    till: httpx.AsyncClient, client_for: ClientFor
) -> None:
    office = await client_for("office")
    items = [sale(n, till=str(n % 3)) for n in range(30)]
    assert statuses(await send(office, *items)) == [201] * 30


@pytest.mark.edge_case(10, 39)
async def test_points_wait_for_the_queue_of_a_till_and_rules_are_those_of_its_day(
    till: httpx.AsyncClient, admin: httpx.AsyncClient
) -> None:
    """The service was down; the sales went on, and the points come later."""
    day, moment = "2026-10-03", "2026-10-03T12:00:00+07:00"
    stored = [
        sale(n, business_day=day, occurred_at=moment, offline=True, redeem={"points": 20})
        for n in range(3)
    ]
    first, second, third = [result["body"] for result in await send(till, *stored)]
    assert [body["points"]["earned"] for body in (first, second, third)] == [12, 12, 12]
    # Each spends what the one before it has earned, and nothing is refused: the goods have left the shop.
    assert first["points"]["redeemed"] == 0
    assert first["points"]["shortfall"] == 20
    assert second["points"]["redeemed"] <= 12
    assert {"late", "shortfall"} <= set(first["flags"])
    gone = await send(
        till, sale(9, business_day="2026-09-01", occurred_at="2026-09-01T12:00:00+07:00")
    )
    assert gone[0]["body"]["donations"] == []  # the campaign began in October
    balance = (await admin.get(f"/v1/cards/{make.CARD}")).json()["points"]["available"]
    assert balance == 36 + gone[0]["body"]["points"]["earned"] - sum(
        body["points"]["redeemed"] for body in (first, second, third)
    )


@pytest.mark.edge_case(40, 41)
async def test_a_till_whose_clock_is_ahead_is_flagged_and_not_lost(till: httpx.AsyncClient) -> None:
    """The business day comes with the event, whatever its calendar day."""
    (ahead,) = await send(
        till, sale(1, business_day="2099-01-01", occurred_at="2099-01-02T02:00:00+07:00")
    )
    assert ahead["status"] == 201
    assert "clock" in ahead["body"]["flags"]


async def test_a_fault_of_the_service_is_one_items_and_nobody_elses(
    till: httpx.AsyncClient, app: FastAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk: BatchDesk = app.state.batch_desk
    settle = type(desk.sales).settle

    async def fails_once(self: Any, answered: Any, form: Any) -> Any:
        reply = await settle(self, answered, form)
        if b'"log_index":2,' in reply.body:
            raise RuntimeError("a bug")
        return reply

    monkeypatch.setattr(type(desk.sales), "settle", fails_once)
    results = await send(till, sale(1), sale(2), sale(3))
    assert statuses(results) == [201, 500, 201]
    assert slugs(results)[1] == "internal-error"
    monkeypatch.undo()
    assert statuses(await send(till, sale(1), sale(2), sale(3))) == [200] * 3


async def test_a_file_is_taken_while_tills_sell_and_nobody_waits_for_its_end(
    till: httpx.AsyncClient, client_for: ClientFor, running: Runtime
) -> None:
    other = await client_for("till", store="nsk-07", till="4")
    stored = asyncio.create_task(send(till, *(sale(n) for n in range(600))))
    sold = []
    number = 0
    while not stored.done():
        body = make.checkout_body(sequence=number, till="4")
        sold.append((await other.post("/v1/checkouts", json=body)).status_code)
        number += 1
    assert statuses(await stored) == [201] * 600
    assert sold == [201] * len(sold)
    assert len(sold) > 5


async def test_a_client_that_hangs_up_leaves_decided_what_was_begun(
    till: httpx.AsyncClient, app: FastAPI
) -> None:
    """The rest comes with the file's second attempt."""
    desk: BatchDesk = app.state.batch_desk
    items = [sale(n) for n in range(400)]
    raw = json.dumps(items).encode()
    sent = [{"type": "http.request", "body": raw, "more_body": False}]
    left = asyncio.Event()

    async def receive() -> Any:
        if sent:
            return sent.pop()
        await left.wait()
        return {"type": "http.disconnect"}

    pieces = []

    async def hear(message: Any) -> None:
        pieces.append(message.get("body", b""))
        if sum(map(len, pieces)) > 20_000:
            left.set()

    headers = [(b"content-type", b"application/json"),
               (b"authorization", till.headers["Authorization"].encode())]  # fmt: skip
    await app(
        {
            "type": "http", "method": "POST", "path": BATCH, "raw_path": BATCH.encode(), "query_string": b"",
            "headers": headers, "http_version": "1.1", "scheme": "http", "server": ("t", 80), "client": ("c", 1),
            "root_path": "", "asgi": {"version": "3.0", "spec_version": "2.3"},
        },
        receive,
        hear,
    )  # fmt: skip
    await asyncio.gather(*desk._under_way)
    assert (desk._files, desk.window._items, desk.window._bytes) == (0, 0, 0)
    again = statuses(await send_bytes(till, raw))
    begun = again.count(200)
    assert again == [200] * begun + [201] * (400 - begun)
    assert 0 < begun < 400


class TestWithASmallQueue:
    """More items than the writer takes at once."""

    @pytest.fixture
    def settings(self, settings: Settings) -> Settings:
        return settings.model_copy(update={"queue_size": 2, "answer_timeout_s": 20.0})

    async def test_a_file_waits_where_a_till_would_be_sent_away(
        self, till: httpx.AsyncClient
    ) -> None:
        stored = [sale(1), voided(1), *(sale(n) for n in range(2, 60)), returned(60, key(59))]
        assert statuses(await send(till, *stored)) == [201] * 61

    async def test_more_files_at_once_than_there_is_room_for_come_again(
        self, till: httpx.AsyncClient, app: FastAPI
    ) -> None:
        desk: BatchDesk = app.state.batch_desk
        desk._files = 32
        answer = await till.post(BATCH, json=[sale(1)])
        assert problem(answer) == (503, "too-busy")
        desk._files = 0
        assert statuses(await send(till, sale(1))) == [201]


async def test_what_finds_no_room_keeps_what_follows_from_overtaking_it(
    till: httpx.AsyncClient, running: Runtime, app: FastAPI
) -> None:
    running.writer._stopping = True
    object.__setattr__(running.settings, "answer_timeout_s", 0.05)
    try:
        results = await send(till, sale(1), voided(1))
    finally:
        running.writer._stopping = False
    assert statuses(results) == [503, 503]
    assert slugs(results) == ["too-busy", "too-busy"]


async def test_two_files_of_one_till_at_once_are_one(till: httpx.AsyncClient) -> None:
    items = [sale(n) for n in range(50)]
    one, other = await asyncio.gather(send(till, *items), send(till, *items))
    assert sorted(a + b for a, b in zip(statuses(one), statuses(other), strict=True)) == [401] * 50


async def test_a_return_by_the_id_of_an_earlier_answer_is_found(till: httpx.AsyncClient) -> None:
    name = (await sell(till, 1)).json()["checkout"]
    back, again = await send(till, returned(2, {"checkout": name}), returned(2, key(1)))
    assert (back["status"], again["status"]) == (201, 200)
    assert (await bring_back(till, 2, key(1))).json()["return"] == back["body"]["return"]
    assert (await void(till)).status_code == 201
