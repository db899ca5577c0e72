"""Posting a file of checkouts, against a service that answers as told."""

import asyncio
import json
from collections import Counter
from collections.abc import Callable

import httpx
import pytest

from lepta.replay import Summary, replay, send

Handler = Callable[[httpx.Request], httpx.Response]


def client(handler: Handler) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.MockTransport(handler), base_url="http://till.test")


def checkout(sequence: int, card: str | None = None) -> bytes:
    body = {"store": "s", "till": "1", "sequence": sequence}
    return json.dumps(body if card is None else {**body, "card": card}).encode() + b"\n"


async def posted(handler: Handler, lines: list[bytes], workers: int = 4) -> Summary:
    async with client(handler) as http:
        return await replay(http, lines, workers=workers)


async def test_an_empty_file_posts_nothing() -> None:
    summary = await posted(lambda _: httpx.Response(500), [])
    assert summary.total == 0
    assert summary.percentile_ms(99) == 0


async def test_what_came_of_each_line_is_counted() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        match json.loads(request.content)["sequence"]:
            case 1:
                return httpx.Response(201)
            case 2:
                return httpx.Response(200)
            case _:
                return httpx.Response(422, json={"type": "/problems/not-supported", "detail": "no"})

    summary = await posted(
        answer, [checkout(1), b"\n", checkout(2), checkout(3), b"nonsense\n", b"7\n"]
    )
    assert (summary.recorded, summary.repeated) == (1, 1)
    assert summary.refused == Counter({"not-supported": 1, "unreadable": 2})
    assert sorted(summary.faults) == [
        "line 4: not-supported: no",
        "line 5: unreadable: this line is not a JSON object",
        "line 6: unreadable: this line is not a JSON object",
    ]


async def test_a_card_keeps_the_order_of_the_file_however_many_workers() -> None:
    seen: dict[str, list[int]] = {"a": [], "b": [], "c": []}

    async def slowly(request: httpx.Request) -> httpx.Response:
        body = json.loads(request.content)
        await asyncio.sleep(0.001 * (body["sequence"] % 3))
        seen[body["card"]].append(body["sequence"])
        return httpx.Response(201)

    lines = [checkout(n, "abc"[n % 3]) for n in range(60)]
    async with httpx.AsyncClient(
        transport=httpx.MockTransport(slowly), base_url="http://till.test"
    ) as http:
        summary = await replay(http, lines, workers=7)
    assert summary.recorded == 60
    assert all(numbers == sorted(numbers) and len(numbers) == 20 for numbers in seen.values())


async def test_a_return_never_overtakes_its_sale_and_each_goes_to_its_own_address() -> None:
    posted_to: list[tuple[str, int]] = []

    async def slowly(request: httpx.Request) -> httpx.Response:
        body = json.loads(request.content)
        sale = (body.get("original") or body)["sequence"]
        await asyncio.sleep(0.002 if request.url.path == "/v1/checkouts" else 0)
        posted_to.append((request.url.path, sale))
        return httpx.Response(201)

    lines = []
    for n in range(20):
        key = {"store": "s", "till": "1", "business_day": "2026-11-22", "sequence": n}
        back = {**key, "sequence": 100 + n, "till": "2", "original": key}
        lines += [
            json.dumps(each).encode()
            for each in ({**key, "card": str(n)}, {"return": back}, {"void": key})
        ]
    async with httpx.AsyncClient(
        transport=httpx.MockTransport(slowly), base_url="http://till.test"
    ) as http:
        summary = await replay(http, [*lines, b'{"void": 7}'], workers=7)
    assert (summary.recorded, summary.refused) == (60, Counter({"unreadable": 1}))
    for n in range(20):
        order = [path for path, sale in posted_to if sale == n]
        assert order == ["/v1/checkouts", "/v1/returns", "/v1/voids"]


async def test_a_checkout_may_be_named_as_in_a_batch() -> None:
    paths: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        paths.append(request.url.path)
        return httpx.Response(201 if "sequence" in json.loads(request.content) else 422)

    named = json.dumps({"checkout": json.loads(checkout(1))}).encode()
    summary = await posted(answer, [named])
    assert (summary.recorded, paths) == (1, ["/v1/checkouts"])


async def test_a_busy_service_is_asked_again_after_the_seconds_it_wants() -> None:
    answers = iter([httpx.Response(503, headers={"Retry-After": "0"}), httpx.Response(201)])
    summary = await posted(lambda _: next(answers), [checkout(1)])
    assert (summary.recorded, summary.resent) == (1, 1)


async def test_a_lost_connection_is_answered_by_sending_the_same_bytes_again() -> None:
    bodies: list[bytes] = []

    def once_lost(request: httpx.Request) -> httpx.Response:
        bodies.append(request.content)
        if len(bodies) == 1:
            raise httpx.ReadError("gone")
        return httpx.Response(200)

    async with client(once_lost) as http:
        sent = await send(http, "/v1/checkouts", b"{}")
    assert sent.tries == 2
    assert bodies == [b"{}", b"{}"]


async def test_the_rate_is_kept() -> None:
    async with client(lambda _: httpx.Response(201)) as http:
        summary = await replay(http, [checkout(n) for n in range(11)], workers=4, rate=100)
    assert 0.1 <= summary.seconds < 1


@pytest.mark.parametrize(("percent", "ms"), [(1, 1.0), (50, 2.0), (75, 3.0), (99, 4.0), (100, 4.0)])
def test_percentiles_are_of_the_nearest_rank(percent: int, ms: float) -> None:
    assert Summary(latencies_ms=[4.0, 1.0, 3.0, 2.0]).percentile_ms(percent) == ms
