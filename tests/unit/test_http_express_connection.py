"""What a connection with an express lane makes of any bytes, of clients that leave or wait, and of the service's end."""

import asyncio
from itertools import pairwise

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from echoes import DECLINED, HELD, LANE, ORDINARY, line
from lepta.http.express import LONGEST_BODY
from wires import PATIENCE_S, Wire, request, split

READ_AT_ONCE = 256 << 10
"""The most that asyncio's transports hand over in one piece."""


# Pieces, and several at once


def body_of(number: int) -> bytes:
    return f"{number:03}".encode() * (1 + number % 7)


WAYS = st.lists(
    st.sampled_from([LANE, ORDINARY, DECLINED, "/echo?refused", "/echo?crash"]), min_size=1, max_size=6
)  # fmt: skip


async def told(ways: list[str], pieces: list[bytes]) -> None:
    """Feed these pieces of requests by these ways; answers come in order, each once."""
    async with line() as on, asyncio.timeout(PATIENCE_S):
        for piece in pieces:
            await on.feed(piece)
        for number, way in enumerate(ways):
            answer = await on.wire.answer()
            # The ordinary way, which heads in pieces take, knows no refusals here.
            if answer.status in {422, 500}:
                assert orjson.loads(answer.body)["instance"] == f"r{number}"
                assert way.endswith(("refused", "crash"))
            else:
                assert answer.body == body_of(number)
        assert on.is_open
        on.wire._writer.write_eof()
        assert await on.wire.rest() == b""


def sent_by(ways: list[str]) -> bytes:
    return b"".join(
        request(body_of(number), to=way, x_request_id=f"r{number}") for number, way in enumerate(ways)
    )  # fmt: skip


@given(ways=WAYS, data=st.data())
@settings(max_examples=150, deadline=None)
def test_bytes_may_come_in_any_pieces(ways: list[str], data: st.DataObject) -> None:
    sent = sent_by(ways)
    cuts = data.draw(st.sets(st.integers(1, len(sent) - 1), max_size=12))
    places = [0, *sorted(cuts), len(sent)]
    asyncio.run(told(ways, [sent[a:b] for a, b in pairwise(places)]))


@pytest.mark.parametrize("ways", [[LANE] * 3, [LANE, ORDINARY, LANE], [ORDINARY, LANE, DECLINED]])
async def test_bytes_may_come_one_by_one_or_all_at_once(ways: list[str]) -> None:
    sent = sent_by(ways)
    await told(ways, [sent])
    await told(ways, [bytes([byte]) for byte in sent])


async def test_a_body_may_come_long_after_its_head() -> None:
    async with line() as on:
        sent = request(b"x" * LONGEST_BODY, to=LANE)
        await on.feed(sent[:-LONGEST_BODY])
        await asyncio.sleep(0.01)
        for start in range(0, LONGEST_BODY, 10_000):
            await on.feed(sent[-LONGEST_BODY:][start : start + 10_000])
        assert (await on.wire.answer()).body == b"x" * LONGEST_BODY
        assert on.echo.taken == [b"x" * LONGEST_BODY]


async def test_garbage_after_a_call_is_refused_after_its_answer() -> None:
    async with line() as on:
        await on.feed(request(b"a", to=LANE) + b"garbage\r\n\r\n")
        first, rest = split(await on.wire.rest())
        second, rest = split(rest)
    assert first is not None
    assert second is not None
    assert (first.body, second.status, rest) == (b"a", 400, b"")


async def test_a_body_that_looks_like_a_call_is_none() -> None:
    call = request(b"inner", to=LANE)
    async with line() as on:
        whole = request(call, to=ORDINARY)
        await on.feed(whole[: -len(call)])
        await on.feed(call)
        assert (await on.wire.answer()).body == call
        await on.feed(request(call, to=LANE))
        assert (await on.wire.answer()).body == call
        assert on.echo.taken == [call]


async def test_a_body_that_comes_after_its_refusal_is_no_call() -> None:
    """The ordinary way may answer before a body is there; its bytes still belong to it."""
    call = request(b"inner", to=LANE)
    async with line() as on:
        await on.feed(request(call, to=ORDINARY)[: -len(call)])
        on.protocol.cycle.response_complete = True
        await on.feed(call)
        await asyncio.sleep(0.01)
        assert on.echo.taken == []


# Hanging up, waiting, leaving


@pytest.mark.parametrize("ahead", [b"", request(b"b", to=LANE)])
async def test_a_client_that_leaves_during_its_call_is_missed_by_nobody(ahead: bytes) -> None:
    async with line() as on:
        await on.feed(request(b"a", to=HELD) + ahead)
        await on.wire.leave()
        if not ahead:  # else nothing is read, so that nobody knows yet
            await on.until(lambda: not on.protocol.server_state.connections)
        on.echo.release()
        await on.until(lambda: not on.protocol.server_state.connections)
        await asyncio.sleep(0.01)
        assert on.echo.taken == [b"a"]


async def test_a_client_that_leaves_in_the_middle_of_a_body_has_asked_for_nothing() -> None:
    async with line() as on:
        on.wire.send(request(b"whole", to=LANE)[:-1])
        await on.until(lambda: on.protocol._head)
        await on.wire.leave()
        await on.until(lambda: not on.protocol.server_state.connections)
        assert on.echo.taken == []


@pytest.mark.parametrize("length", [1, LONGEST_BODY])
async def test_what_a_client_sends_ahead_of_its_answers_is_bounded(length: int) -> None:
    async with line() as on:
        sending = asyncio.create_task(pour(on.wire, request(b"x" * length, to=HELD)))
        most = 0
        for _ in range(100):
            await on.until(lambda: on.echo.held)
            await asyncio.sleep(0.001)
            most = max(most, len(on.protocol._received))
            on.echo.release()
            on.echo.taken.clear()
            await on.wire.answer()
        sending.cancel()
    assert most <= 2 * READ_AT_ONCE


async def test_a_body_under_way_is_bounded() -> None:
    async with line() as on:
        whole = request(b"x" * LONGEST_BODY, to=HELD)
        await on.feed(whole[:-1])
        await on.feed(whole[-1:] + b"y" * READ_AT_ONCE)
        assert len(on.protocol._received) == READ_AT_ONCE
        assert not on.protocol.transport.is_reading()


async def pour(wire: Wire, piece: bytes) -> None:
    while True:
        wire.send(piece)
        await wire.drain()


async def test_answers_that_a_client_does_not_read_are_bounded_and_all_come() -> None:
    async with line(send_buffer=4_096) as on:
        high = on.protocol.transport.get_write_buffer_limits()[1]
        answered = 0
        for number in range(60):
            on.wire.send(request(b"%02d" % number * 5_000, to=LANE))
        await on.until(lambda: on.protocol.flow.write_paused)
        await asyncio.sleep(0.2)
        assert on.protocol.transport.get_write_buffer_size() <= high + 3 * 10_000
        for answered in range(60):
            assert (await on.wire.answer()).body == b"%02d" % answered * 5_000
        assert 0 < len(on.echo.taken) < 60


async def test_a_connection_without_a_call_is_closed_after_a_while() -> None:
    async with line(keep_alive_s=1) as on:
        began = asyncio.get_running_loop().time()
        for _ in range(4):
            await on.wire.ask(request(to=LANE))
            await asyncio.sleep(0.3)
        assert await on.wire.rest() == b""
        assert 1.85 < asyncio.get_running_loop().time() - began < PATIENCE_S


@pytest.mark.parametrize("after", [b"\r\n", b""])
async def test_it_is_closed_too_if_its_last_request_went_the_ordinary_way(after: bytes) -> None:
    async with line(keep_alive_s=0.5) as on:
        await on.wire.ask(request(to=LANE) + after)
        await on.wire.ask(request(to=ORDINARY) + after)
        assert await on.wire.rest() == b""


async def test_a_connection_whose_client_reads_late_is_closed_too() -> None:
    async with line(keep_alive_s=0.5, send_buffer=4_096) as on:
        while not on.protocol.flow.write_paused:
            await on.feed(request(b"x" * LONGEST_BODY, to=LANE))
            await on.until(lambda: not on.protocol._calling)
        await asyncio.sleep(0.8)
        for _ in on.echo.taken:
            assert (await on.wire.answer()).body == b"x" * LONGEST_BODY
        assert await on.wire.rest() == b""


@pytest.mark.parametrize("before", [LANE, ORDINARY])
async def test_neither_a_slow_call_nor_a_slow_body_is_idleness(before: str) -> None:
    async with line(keep_alive_s=0.5) as on:
        await on.wire.ask(request(to=before))
        whole = request(b"slow", to=HELD)
        on.wire.send(whole[:-1])
        await asyncio.sleep(0.8)
        on.wire.send(whole[-1:])
        await asyncio.sleep(0.8)
        on.echo.release()
        assert (await on.wire.answer()).body == b"slow"
        assert await on.wire.rest() == b""


async def test_a_call_under_way_is_answered_when_the_service_stops_and_then_it_hangs_up() -> None:
    async with line() as on:
        await on.feed(request(b"a", to=HELD) + request(b"b", to=LANE))
        on.protocol.shutdown()
        await asyncio.sleep(0.01)
        assert on.is_open
        on.echo.release()
        answer, rest = split(await on.wire.rest())
        assert answer is not None
        assert (answer.body, answer["connection"], rest) == (b"a", "close", b"")
        assert on.echo.taken == [b"a"]


@pytest.mark.parametrize("way", [LANE, DECLINED, "/echo?refused"])
async def test_a_body_under_way_may_still_come_when_the_service_stops(way: str) -> None:
    async with line() as on:
        whole = request(b"late", to=way)
        await on.feed(whole[:-1])
        on.protocol.shutdown()
        await on.feed(whole[-1:])
        answer, rest = split(await on.wire.rest())
        assert answer is not None
        assert (answer["connection"], rest) == ("close", b"")


@pytest.mark.parametrize("before", [b"", request(to=LANE)])
async def test_a_connection_without_a_call_is_closed_when_the_service_stops(before: bytes) -> None:
    async with line() as on:
        if before:
            await on.wire.ask(before)
        on.protocol.shutdown()
        assert await on.wire.rest() == b""


async def test_an_ordinary_request_under_way_keeps_later_calls_behind_it() -> None:
    async with line() as on:
        await on.feed(request(b"a", to="/other?held"))
        await on.feed(request(b"b", to=LANE))
        await asyncio.sleep(0.01)
        on.echo.let_go.set()
        assert [(await on.wire.answer()).body for _ in range(2)] == [b"a", b"b"]


async def test_a_crash_is_logged_without_its_words() -> None:
    async with line() as on:
        answer = await on.wire.ask(request(to="/echo?crash", x_request_id="r1"))
        crash, told = (orjson.loads(each) for each in on.echo.log.getvalue().splitlines())
    assert (answer.status, answer["x-request-id"], answer["date"]) == (500, "r1", "today")
    assert (crash["event"], crash["request"], crash["error"]) == (
        "crash",
        "r1",
        ["builtins.ValueError"],
    )
    assert (told["status"], told["refusal"]) == (500, "internal-error")
    assert b"2900000000018" not in answer.body + on.echo.log.getvalue()
