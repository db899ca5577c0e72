"""Clients that send too slowly, too much, or nothing: what a connection makes of them."""

import asyncio
import json
from itertools import repeat

import pytest
from hypothesis import given
from hypothesis import strategies as st

from echoes import FULL, HELD, LANE, ORDINARY, Line, line
from lepta.http import arrival, protocol
from lepta.http.arrival import BYTES_PER_S, GRACE_S, Arrival
from wires import request

BODY = b"x" * 2_000


@pytest.fixture
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """A fifth of a second instead of twenty."""
    monkeypatch.setattr(arrival, "GRACE_S", 0.2)


async def refused(on: Line) -> tuple[int, str]:
    """Status and slug of the last answer of a connection that is then closed."""
    head, _, body = (await on.wire.rest()).partition(b"\r\n\r\n")
    assert b"connection: close" in head
    assert b"content-type: application/problem+json" in head
    problem = json.loads(body)
    assert problem["detail"]
    return problem["status"], problem["type"].removeprefix("/problems/")


async def test_who_connects_and_says_nothing_is_hung_up_on(hurry: None) -> None:
    async with line() as on:
        assert await on.wire.rest() == b""


@pytest.mark.parametrize(
    "part",
    [
        b"P", b"POST /other HTTP/1.1\r\nhost: a\r\n", request(BODY, to=ORDINARY)[:-1], request(BODY, to=LANE)[:-1],
        request(b"", to=ORDINARY) + b"POST", request(b"", to=LANE) + b"POST",
    ],
)  # fmt: skip
async def test_who_stops_in_the_middle_of_a_request_is_told_and_hung_up_on(
    hurry: None, part: bytes
) -> None:
    async with line() as on:
        on.wire.send(part)
        if part.endswith(b"\nPOST"):
            await on.wire.answer()
        assert await refused(on) == (408, "too-slow")
        assert on.echo.taken in ([], [b""])


@pytest.mark.parametrize("to", [LANE, ORDINARY])
async def test_who_sends_slowly_but_steadily_is_answered(
    hurry: None, monkeypatch: pytest.MonkeyPatch, to: str
) -> None:
    monkeypatch.setattr(arrival, "BYTES_PER_S", 10)
    async with line() as on:
        sent = request(BODY, to=to)
        for start in range(0, len(sent), 200):
            await on.feed(sent[start : start + 200])
            await asyncio.sleep(0.04)
        assert (await on.wire.answer()).body == BODY


@pytest.mark.parametrize("to", [LANE, ORDINARY])
async def test_who_sends_a_byte_now_and_then_is_not(hurry: None, to: str) -> None:
    async with line() as on, asyncio.timeout(10):
        for byte in request(BODY, to=to):
            await on.feed(bytes([byte]))
            await asyncio.sleep(0.02)
            if not on.is_open:
                break
        assert await refused(on) == (408, "too-slow")


async def test_a_head_without_end_is_refused_when_it_is_too_long() -> None:
    async with line() as on:
        await on.feed(b"POST /other HTTP/1.1\r\n")
        sent = 0
        for piece in repeat(b"a: b\r\n" * 500):
            await on.feed(piece)
            sent += len(piece)
            if not on.is_open:
                break
        assert sent <= arrival.LONGEST_HEAD + 3_000
        assert await refused(on) == (431, "head-too-long")


@pytest.mark.parametrize("to", [HELD, ORDINARY + "?held"])
async def test_whoever_waits_for_an_answer_is_not_in_anybodys_way(hurry: None, to: str) -> None:
    async with line() as on:
        on.wire.send(request(BODY, to=to))
        await asyncio.sleep(0.5)
        assert on.is_open
        on.echo.let_go.set()
        if on.echo.held:
            on.echo.release()
        assert (await on.wire.answer()).body == BODY


async def test_many_requests_in_one_piece_are_not_one_long_head() -> None:
    async with line() as on:
        many = request(b"", to=ORDINARY) * 2_000
        on.wire.send(many + b"POST /other HTTP/1.1\r\n")
        for _ in range(2_000):
            assert (await on.wire.answer()).status == 200
        assert on.is_open


async def test_who_is_told_to_come_again_and_does_so_at_once_is_made_to_wait(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each request is answered, in order; but between two of them others are listened to."""
    monkeypatch.setattr(protocol, "REST_S", 0.05)
    async with line() as on:
        on.wire.send(request(b"", to=FULL) * 3 + request(BODY, to=LANE))
        for number in range(3):
            answer = await on.wire.answer()
            assert (answer.status, answer["retry-after"]) == (503, "1")
            told = json.loads(answer.body)
            assert (told["type"], told["retry_after_s"]) == ("/problems/too-busy", 1)
            assert told["instance"] == answer["x-request-id"]
            assert len(on.echo.taken) == number + 1
            assert not on.protocol.transport.is_reading()
        assert (await on.wire.answer()).body == BODY
        assert on.is_open


@pytest.mark.parametrize("leaving", ["client", "service"])
async def test_nobody_waits_for_a_connection_that_rests(
    monkeypatch: pytest.MonkeyPatch, leaving: str
) -> None:
    monkeypatch.setattr(protocol, "REST_S", 0.05)
    async with line() as on:
        assert (await on.wire.ask(request(b"", to=FULL))).status == 503
        if leaving == "client":
            await on.wire.leave()
        else:
            on.protocol.shutdown()
        await on.until(lambda: not on.is_open)


async def test_of_a_crowd_that_is_turned_away_only_some_are_logged(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(protocol, "REST_S", 0.0)
    async with line() as on:
        on.wire.send(request(b"", to=FULL) * 100)
        for _ in range(100):
            await on.wire.answer()
        lines = on.echo.log.getvalue().splitlines()
        assert 10 <= len(lines) < 100
        assert all(b'"refusal":"too-busy"' in told for told in lines)


@given(
    st.lists(
        st.tuples(
            st.floats(0.001, GRACE_S, exclude_max=True, allow_nan=False), st.integers(1, 1_000)
        ),
        max_size=50,
    )
)
def test_who_keeps_the_pace_is_never_late(pieces: list[tuple[float, int]]) -> None:
    """However it is split: pauses below the grace, and on the whole as many bytes as are asked for."""
    coming, now_s = Arrival(0.0, 0.0), 0.0
    for pause_s, extra in pieces:
        assert not coming.is_late(now_s)
        now_s += pause_s
        coming.size += int(pause_s * BYTES_PER_S) + extra
        coming.last_s = now_s
    assert not coming.is_late(now_s)
    assert coming.is_late(now_s + GRACE_S + 1)
