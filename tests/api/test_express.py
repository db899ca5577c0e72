"""The express lane with the whole service behind it: both ways answer, count and log alike, and lose nothing."""

import asyncio
import io
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncpg
import orjson
import pytest
from prometheus_client import generate_latest

import hostile
import make
from cutter import Cutter
from lepta.db import Address
from lepta.http.express import LONGEST_BODY, Call, Reply
from lepta.keys import service as keys
from lepta.logs import json_log
from lepta.main import create_app
from lepta.settings import Settings
from wires import Answer, Served, Wire, request, served

NOT_PLAIN = {"te": "trailers"}
TILL = {"store": "nsk-07", "till": "3"}
HOLDERS: dict[str, tuple[str, dict[str, str]]] = {
    "till": ("till", TILL),
    "other till": ("till", {"store": "nsk-07", "till": "4"}),
    "other store": ("till", {"store": "nsk-08", "till": "3"}),
    "kiosk": ("kiosk", {"store": "nsk-07"}),
    "office": ("office", {}),
    "admin": ("admin", {}),
}
ADDRESS = "/v1/checkouts"


@dataclass
class Watched:
    """A desk that notes what it took."""

    desk: Any
    took: list[Call] = field(default_factory=list)
    after: Callable[[], None] = lambda: None

    def take(self, call: Call, answer: Any) -> bool:
        def answered(outcome: Reply | Exception) -> None:
            answer(outcome)
            self.after()

        self.took.append(call)
        taken = bool(self.desk.take(call, answered))
        if not taken:
            self.took.pop()
        return taken


@dataclass
class Way:
    """A service, which way its requests go, and what it knows: keys by holder, log lines."""

    header: dict[str, str]
    served: Served
    app: Any
    log: io.BytesIO
    address: Address
    clock_s: float = 0.0
    tokens: dict[str, str] = field(default_factory=dict)

    @property
    def desk(self) -> Watched:
        watched: Watched = self.app.lane.desk
        return watched

    @property
    def told(self) -> list[dict[str, Any]]:
        """The log."""
        return [orjson.loads(line) for line in self.log.getvalue().splitlines()]

    @property
    def lines(self) -> list[dict[str, Any]]:
        """The log, without what was only slow, and without what no two requests have in common."""
        left = {"timestamp", "ms", "at"}
        return [
            {name: value for name, value in line.items() if name not in left}
            for line in self.told
            if line.get("status", 500) >= 300
        ]

    @property
    def counts(self) -> list[str]:
        """What the metrics count."""
        told = generate_latest(self.app.state.metrics.registry).decode().splitlines()
        return [line for line in told if "_total{" in line or "_count{" in line]

    async def start(self) -> None:
        """Give out keys, have them known, and stop the clocks by which that is forgotten."""
        self.app.lane.desk = Watched(self.app.lane.desk)
        gate = self.app.state.gate
        gate.keys._now_s = gate.limit._buckets._now_s = lambda: self.clock_s
        gate.keys._checked_s = 0.0
        for holder, (role, scope) in HOLDERS.items():
            made = await keys.create(self.app.state.runtime.database, role, **scope)
            self.tokens[holder] = made.token
            await gate.keys.verify(made.token)

    def sale(self, body: Any = None, *, by: str = "till", to: str = "", **headers: str) -> bytes:
        """A sale's request; `body` may be bytes, or what differs from the founding sale."""
        if not isinstance(body, bytes):
            body = orjson.dumps(make.checkout_body(**(body or {})))
        told = {"content_type": "application/json", "x_request_id": "till-3.1", **headers}
        if by:
            told["authorization"] = f"Bearer {self.tokens.get(by, by)}"
        told = {name: value for name, value in told.items() if value != "none"}
        return request(body, to=ADDRESS + to, **told, **self.header)

    async def ask(self, *args: Any, **more: Any) -> Answer:
        return await self.served.ask(self.sale(*args, **more))

    async def wire(self, *args: Any, **more: Any) -> Wire:
        """A connection on which a sale is under way."""
        return (await self.served.wire()).send(self.sale(*args, **more))

    async def manage(self, method: str, path: str, body: Any, **headers: str) -> Answer:
        """A request of the office's."""
        headers["authorization"] = f"Bearer {self.tokens['admin']}"
        told = {"content_type": "application/json", **headers}
        sent = request(orjson.dumps(body), to=path, method=method, **told)
        return await self.served.ask(sent)


@asynccontextmanager
async def opened(
    address: Address, place: Path, header: dict[str, str], **more: Any
) -> AsyncIterator[Way]:
    config = {
        "data_dir": place,
        "database_pool_size": 4,
        "answer_timeout_s": 20,
        "lot_days_every_s": 0,
        **more,
    }
    log = io.BytesIO()
    app = create_app(Settings(database_url=address.url(), **config), log=json_log(log))
    async with served(app) as server:
        way = Way(header, server, app, log, address)
        await way.start()
        yield way


@dataclass
class Ways:
    """Two services alike, one asked by the lane and one by the ordinary way."""

    plain: Way
    ordinary: Way

    async def both(self, *args: Any, taken: bool = True, **more: Any) -> Answer:
        """The answer, if both give the same; fails unless it was the lane that took the plain one."""
        before = len(self.plain.desk.took)
        plain = await self.plain.ask(*args, **more)
        ordinary = await self.ordinary.ask(*args, **more)
        assert shown(plain) == shown(ordinary)
        assert len(self.plain.desk.took) - before == taken, plain
        assert self.ordinary.desk.took == []
        return plain

    def assert_told_alike(self) -> None:
        assert self.plain.lines == self.ordinary.lines
        assert self.plain.counts == self.ordinary.counts


def shown(answer: Answer) -> tuple[int, list[tuple[str, str]], Any]:
    """What is the same whenever and wherever it was asked."""
    body = orjson.loads(answer.body)
    body.pop("checkout", None)
    assert answer["date"].endswith(" GMT")
    return answer.status, sorted(h for h in answer.headers if h[0] != "date"), body


@pytest.fixture
async def open_ways(shop: Address, other_shop: Address, tmp_path: Path) -> AsyncIterator[Any]:
    """Opens both ways, with settings that a test asks for."""
    async with AsyncExitStack() as stack:

        async def both(**more: Any) -> Ways:
            enter = stack.enter_async_context
            plain = await enter(opened(shop, tmp_path / "a", {}, **more))
            ordinary = await enter(opened(other_shop, tmp_path / "b", NOT_PLAIN, **more))
            return Ways(plain, ordinary)

        yield both


@pytest.fixture
async def ways(open_ways: Any) -> Ways:
    found: Ways = await open_ways()
    return found


@asynccontextmanager
async def standstill(*ways: Way) -> AsyncIterator[None]:
    """The head of each log is somebody else's until the block ends, so that no sale is written."""
    async with AsyncExitStack() as stack:
        for way in ways:
            other = await asyncpg.connect(**way.address.arguments())
            stack.push_async_callback(other.close)
            await stack.enter_async_context(other.transaction())
            await other.execute("SELECT FROM log_head FOR UPDATE")
        yield


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not condition():  # noqa: ASYNC110 - nobody tells when it comes to be
            await asyncio.sleep(0.005)


@pytest.mark.edge_case(1, 2, 4)
async def test_a_sale_its_repeat_and_its_contradiction_are_answered_alike(ways: Ways) -> None:
    new = await ways.both()
    assert (new.status, new["x-request-id"]) == (201, "till-3.1")
    again = await ways.both()
    assert (again.status, again["idempotency-hit"]) == (200, "true")
    other = await ways.both({"lines": [make.line(amount=25_800)]})
    assert (other.status, orjson.loads(other.body)["type"]) == (
        422,
        "/problems/idempotency-key-reused",
    )
    named: Any = {"idempotency_key": "k1"}
    assert (await ways.both({"sequence": 2}, **named)).status == 201
    assert (await ways.both({"sequence": 2}, **named)).status == 200
    assert (await ways.both({"sequence": 3}, **named)).status == 422
    ways.assert_told_alike()
    assert [line["status"] for line in ways.plain.lines] == [422, 422]
    assert all(line["ms"] >= 1_000 for line in ways.plain.told if line["status"] < 300)
    count = 'lepta_http_requests_total{method="POST",route="/v1/checkouts",status="201"} 2.0'
    assert count in ways.plain.counts


async def test_a_training_receipt_is_answered_alike_and_claims_nothing(ways: Ways) -> None:
    for _ in range(2):
        rehearsed = await ways.both({"training": True}, idempotency_key="k1")
        assert (rehearsed.status, orjson.loads(rehearsed.body)["log_index"]) == (200, None)
    refused = await ways.both({"training": True, "redeem": {"points": 10**6}})
    assert (refused.status, orjson.loads(refused.body)["redeemable"]) == (409, 0)
    assert (await ways.both(idempotency_key="k1")).status == 201
    ways.assert_told_alike()


async def test_its_form_its_language_and_its_id_are_read_alike(ways: Ways) -> None:
    for number, query in enumerate((
        "?explain=false&width=32&receipt=escpos", "?width=48", "?width=%33%32", "?", "?a=b", "?width=32&width=40",
        "?width=31", "?width=x", "?width=", "?width=+32", "?width=%00", "?width=32;explain=false", "?explain=maybe",
        "?receipt=pdf", "?width=1&explain=1&receipt=1", "?%ff=%ff", '?"<>\\^`{|}',
    )):  # fmt: skip
        await ways.both({"sequence": number}, to=query)
    for number, wanted in enumerate(("en", "de;q=1,en;q=0.5", "xx", "", "en;q=x", "*")):
        sale = {"sequence": 100 + number, "card": None}
        assert (await ways.both(sale, accept_language=wanted)).status == 201
    for key in ("a b", "", "x" * 256, "k ", "k", "x" * 255, '"k"', "a\\b~!"):
        await ways.both({"sequence": 200 + len(key)}, idempotency_key=key)
    ways.assert_told_alike()


async def test_an_id_that_is_not_sane_is_replaced_on_both_ways(ways: Ways) -> None:
    for given in ("none", "", "a b", "x" * 65, "id ", "é"):
        for way in (ways.plain, ways.ordinary):
            answer = await way.ask(b"{", x_request_id=given)
            assert orjson.loads(answer.body)["instance"] == answer["x-request-id"] != given
            assert answer["x-request-id"] == way.lines[-1]["request"]
    assert len(ways.plain.desk.took) == 5, "all but the last"


def long(length: int) -> bytes:
    body = orjson.dumps(make.checkout_body())
    return body + b" " * (length - len(body))


LINES = [{"line": n, "sku": "s", "quantity": "1", "amount": 1} for n in range(1_001)]
BODIES = [
    b"", b"{}", b"[]", b"null", b"{", b"0", b'"x"', b'{"store": "\xff"}', b"\xef\xbb\xbf{}", b"\x00", b"NaN",
    b'{"a":' * 33 + b"1" + b"}" * 33, b"[" * 40_000, b"[" * 40, b'{"lines":[' + b"{}," * 7_000 + b"{}]}",
    b"{" + b",".join(b'"f%d":0' % n for n in range(5_001)) + b"}", b" " * LONGEST_BODY,
]  # fmt: skip
SALES: list[dict[str, Any]] = [
    {"store": "nsk-99"}, {"till": "4"}, {"total": 1}, {"currency": "XXX"}, {"card": "x" * 100}, {"card": 5},
    {"sequence": -1}, {"sequence": "1"}, {"lines": []}, {"lines": LINES}, {"occurred_at": "now"}, {"more": 1},
    {"business_day": "2026-02-30"}, {"quote": "q1"}, {"hold": "h1"}, {"card": "2900000000025", "sequence": 7},
    {"redeem": {"points": 10**6}, "sequence": 8}, {"card": None, "sequence": 9}, {"store": None},
]  # fmt: skip


async def test_what_is_no_sale_is_refused_alike(ways: Ways) -> None:
    strange = (*hostile.MALFORMED.values(), *hostile.ODD.values())
    short = (body for body in strange if len(body) <= LONGEST_BODY)
    for body in (*BODIES, *SALES, *short):
        await ways.both(body)
    for sale in ({"store": "nsk-99"}, {"till": "4", "sequence": 1}):
        await ways.both(sale, by="office")
    for kind in (
        "none",
        "",
        "text/plain",
        "application/jsonx",
        "APPLICATION/JSON; charset=x",
        "application/json ",
    ):
        await ways.both(content_type=kind)
    ways.assert_told_alike()


async def test_the_longest_body_of_the_lane_and_a_longer_one_are_answered_alike(ways: Ways) -> None:
    assert (await ways.both(long(LONGEST_BODY))).status == 201
    assert (await ways.both(long(LONGEST_BODY + 1), taken=False)).status == 200
    ways.assert_told_alike()


async def test_who_may_not_is_refused_alike(ways: Ways) -> None:
    for holder in ("other till", "other store", "kiosk"):
        assert (await ways.both(by=holder)).status == 403, holder
    for token in ("", "nobody", "lepta_till_aaaaaaaaaaaaa_" + "a" * 32, " "):
        assert (await ways.both(by=token, taken=False)).status == 401, token
    for scheme in ("bearer", "BEARER ", "Basic", ""):
        statuses = set()
        for way in (ways.plain, ways.ordinary):
            given = f"{scheme} {way.tokens['till']}"
            statuses.add((await way.ask(by="", authorization=given)).status)
        assert len(statuses) == 1
    for way in (ways.plain, ways.ordinary):
        token = way.tokens["till"]
        await keys.revoke(way.app.state.runtime.database, token.split("_")[2])
        way.clock_s = 2.1
    assert (await ways.both(taken=False)).status == 401
    ways.assert_told_alike()


async def test_a_key_that_is_used_too_often_is_refused_alike(open_ways: Any) -> None:
    ways: Ways = await open_ways(rate_per_minute=3)
    assert [(await ways.both()).status for _ in range(4)] == [201, 200, 200, 429]
    limited = await ways.both(b"no sale")
    assert (limited.status, limited["retry-after"]) == (429, "20")
    for way in (ways.plain, ways.ordinary):
        way.clock_s = 20
        way.app.state.gate.keys._checked_s = 20
    assert (await ways.both()).status == 200
    ways.assert_told_alike()


async def test_a_repeat_after_its_card_has_changed_hands_greets_its_own_member(ways: Ways) -> None:
    await ways.both()
    for way in (ways.plain, ways.ordinary):
        found = await way.manage("GET", "/v1/members/pyotr", None)
        without = {**orjson.loads(found.body), "cards": []}
        assert (
            await way.manage("PUT", "/v1/members/pyotr", without, if_match=found["etag"])
        ).status == 200
        anna = {"first_name": "Анна", "cards": [make.CARD]}
        assert (await way.manage("PUT", "/v1/members/anna", anna)).status == 201
    again = await ways.both()
    assert again.status == 200
    assert "Пётр" in orjson.loads(again.body)["receipt"]["text"]


class Broken:
    """Answers that cannot be made."""

    def checkout(self, *args: Any, **more: Any) -> bytes:
        raise ValueError("card 2900000000018")


async def test_a_crash_is_answered_and_logged_alike_and_without_its_words(ways: Ways) -> None:
    answers = ways.plain.desk.desk.answers
    for way in (ways.plain, ways.ordinary):
        way.desk.desk.answers = Broken()
    crashed = await ways.both()
    assert (crashed.status, orjson.loads(crashed.body)["type"]) == (500, "/problems/internal-error")
    ways.assert_told_alike()
    crash, told = ways.plain.lines
    assert (crash["event"], crash["request"], crash["error"]) == (
        "crash",
        "till-3.1",
        ["builtins.ValueError"],
    )
    assert (told["status"], told["refusal"]) == (500, "internal-error")
    assert b"2900000000018" not in crashed.body + ways.plain.log.getvalue()
    ways.plain.desk.desk.answers = answers
    assert (await ways.plain.ask()).status == 200


async def test_an_answer_that_fails_after_it_was_sent_is_not_sent_again(ways: Ways) -> None:
    def fail() -> None:
        ways.plain.desk.after = lambda: None
        raise OSError("no space left for the log")

    wire = await ways.plain.served.wire()
    ways.plain.desk.after = fail
    assert (await wire.ask(ways.plain.sale())).status == 201
    for status in (200, 200):
        assert (await wire.ask(ways.plain.sale())).status == status


@pytest.mark.edge_case(10)
async def test_a_database_that_is_gone_is_told_alike_and_the_sale_may_be_sent_again(
    shop: Address, other_shop: Address, tmp_path: Path
) -> None:
    async with Cutter(shop) as cut, Cutter(other_shop) as other_cut:
        more = {"answer_timeout_s": 1.5}
        async with (
            opened(cut.address, tmp_path / "a", {}, **more) as plain,
            opened(other_cut.address, tmp_path / "b", NOT_PLAIN, **more) as ordinary,
        ):
            ways = Ways(plain, ordinary)
            for cutter in (cut, other_cut):
                cutter.close_for_business()
            gone = await ways.both()
            assert (gone.status, gone["retry-after"]) == (503, "2")
            for cutter in (cut, other_cut):
                cutter.open_for_business()
            for way in (plain, ordinary):
                await until(lambda: not way.app.state.runtime.writer._in_flight)  # noqa: B023
            assert (await ways.both()).status == 200
            ways.assert_told_alike()


async def test_a_full_queue_is_told_alike_and_what_is_in_it_is_answered(open_ways: Any) -> None:
    ways: Ways = await open_ways(queue_size=2)
    async with standstill(ways.plain, ways.ordinary):
        wires = []
        for way in (ways.plain, ways.ordinary):
            for number in range(2):
                wires.append(await way.wire({"sequence": number}))
                await until(lambda: len(way.app.state.runtime.writer._queue) > number)  # noqa: B023
        full = await ways.both({"sequence": 2})
        assert (full.status, full["retry-after"]) == (503, "1")
        await asyncio.sleep(1)
    assert [(await wire.answer()).status for wire in wires] == [201] * 4
    await until(lambda: len(ways.ordinary.told) == len(ways.plain.told) == 3)
    ways.assert_told_alike()
    for way in (ways.plain, ways.ordinary):
        assert [line["status"] for line in way.told] == [503, 201, 201], "slow ones are told"


@pytest.mark.edge_case(11)
async def test_a_client_that_hangs_up_during_its_call_finds_its_sale_later(ways: Ways) -> None:
    async with standstill(ways.plain, ways.ordinary):
        for way in (ways.plain, ways.ordinary):
            wire = await way.wire()
            await until(lambda: bool(way.app.state.runtime.writer._in_flight))  # noqa: B023
            await wire.leave()
            await until(lambda: not way.served.server.server_state.connections)  # noqa: B023
    for way in (ways.plain, ways.ordinary):
        await until(lambda: any('status="201"' in line for line in way.counts))  # noqa: B023
    assert (await ways.both()).status == 200
    ways.assert_told_alike()


async def test_a_client_that_hangs_up_in_the_middle_of_a_body_is_no_crash(ways: Ways) -> None:
    for way in (ways.plain, ways.ordinary):
        wire = (await way.served.wire()).send(way.sale()[:-1])
        await asyncio.sleep(0.2)
        await wire.leave()
        await until(lambda: not way.served.server.server_state.connections)  # noqa: B023
    await until(lambda: bool(ways.ordinary.lines))
    assert ways.plain.lines == [], "nobody has asked for anything yet"
    assert [(line["event"], line["status"]) for line in ways.ordinary.lines] == [("request", 499)]
    assert (await ways.both()).status == 201


async def test_what_was_accepted_is_answered_when_the_service_stops(ways: Ways) -> None:
    both = (ways.plain, ways.ordinary)
    desk = ways.plain.desk  # the lane lets go of it once the service has stopped
    async with standstill(*both):
        wires = [await way.wire({"sequence": n}) for n in range(5) for way in both]
        for way in both:
            await until(lambda: len(way.app.state.runtime.writer._in_flight) == 5)  # noqa: B023
            way.served.stop()
            await until(lambda: not way.served.server.servers[0].is_serving())  # noqa: B023
    for wire in wires:
        answer = await wire.answer()
        assert (answer.status, answer["connection"]) == (201, "close")
        assert await wire.rest() == b""
    assert len(desk.took) == 5
    for way in both:
        connection = await asyncpg.connect(**way.address.arguments())
        assert await connection.fetchval("SELECT size FROM log_head") == 1 + 5
        await connection.close()


def swapped(old: bytes, new: bytes) -> Callable[[bytes], bytes]:
    return lambda sent: sent.replace(old, new, 1)


STRANGE: dict[str, tuple[Callable[[bytes], bytes], int]] = {
    "HTTP/1.0": (swapped(b"HTTP/1.1", b"HTTP/1.0"), 201),
    "another method": (swapped(b"POST", b"PUT"), 405),
    "a method in small letters": (swapped(b"POST", b"post"), 400),
    "another path": (swapped(b"/checkouts", b"/checkout%73"), 201),
    "a fragment": (swapped(b"/checkouts", b"/checkouts?width=32#x"), 201),
    "a length twice": (swapped(b"host: x", b"content-length: 9"), 400),
    "chunks and a length": (swapped(b"host: x", b"transfer-encoding: chunked"), 400),
    "a coding and a length": (swapped(b"host: x", b"transfer-encoding: identity"), 400),
    "a length with a sign": (swapped(b"content-length: ", b"content-length: +"), 400),
    "a length in other digits": (swapped(b"content-length: ", b"content-length: \xd9\xa2"), 400),
    "a length after two spaces": (swapped(b"content-length: ", b"content-length:  "), 201),
    "a length with a nought": (swapped(b"content-length: ", b"content-length: 0"), 201),
    "a space before the colon": (swapped(b"content-length: ", b"content-length : "), 400),
    "a header twice": (swapped(b"host: x", b"host: x\r\nhost: y"), 201),
    "a folded header": (swapped(b"host: x", b"host: x\r\n y"), 400),
    "a control character": (swapped(b"host: x", b"host: x\x00"), 400),
    "a byte beyond ASCII": (swapped(b"host: x", b"host: \xff"), 201),
    "a bare line feed": (swapped(b"host: x\r\n", b"host: x\n"), 400),
    "capital letters": (swapped(b"content-length", b"CONTENT-LENGTH"), 201),
    "proxy-connection": (swapped(b"host: x", b"proxy-connection: close"), 201),
    "expect": (swapped(b"host: x", b"expect: 200-ok"), 201),
}
TAKEN = {"a length with a nought", "capital letters"}


async def test_strange_requests_are_answered_as_the_parser_answers_them(ways: Ways) -> None:
    way = ways.plain
    for number, (name, (change, status)) in enumerate(STRANGE.items()):
        before = len(way.desk.took)
        sent = change(way.sale({"sequence": number}, host="x"))
        answer = await way.served.ask(sent)
        assert answer.status == status, (name, answer)
        assert len(way.desk.took) - before == (name in TAKEN), name


async def test_several_requests_at_once_are_answered_in_order_each_once(ways: Ways) -> None:
    way = ways.plain
    health = request(b"", to="/healthz", method="GET")
    sent = b"".join(
        health if number % 3 == 2 else way.sale({"sequence": number}, x_request_id=f"r{number}")
        for number in range(12)
    )
    for start in (0, 1):
        wire = await way.served.wire()
        wire.send(sent if not start else health + sent)
        if start:
            assert (await wire.answer()).status == 200
        for number in range(12):
            answer = await wire.answer()
            if number % 3 != 2:
                assert answer["x-request-id"] == f"r{number}"
                assert answer.status == 201 - start
        assert (await wire.ask(health)).status == 200
