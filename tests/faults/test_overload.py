"""More than the service can take: it takes what it can, turns away the rest at once, and stays well.

The database is slowed down, so that what can be taken is known and small on any machine; bounds are counted in
batches, not in seconds.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import make
from havoc import Ground, ground
from lepta.postgres.embedded import own
from lepta.postgres.server import EmbeddedServer
from lepta.processing.leaf import KINDS
from open_loop import OpenLoop, Outcome, again_and_again
from traffic import CARDS

BATCH, QUEUE, COMMIT_S = 8, 32, 0.1
CAPACITY = BATCH / COMMIT_S
"""Sales a second, at the most."""
SALES = 600
MEMORY_MB = 100
SMALL = {
    "LEPTA_BATCH_SIZE": str(BATCH), "LEPTA_QUEUE_SIZE": str(QUEUE), "LEPTA_ANSWER_TIMEOUT_S": "30",
    "LEPTA_STATEMENT_TIMEOUT_MS": "10000",
}  # fmt: skip


@pytest.fixture(scope="module")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedServer]:
    with own(tmp_path_factory.mktemp("postgres")) as server:
        yield server


@pytest.fixture
async def slow(postgres: EmbeddedServer, tmp_path: Path) -> AsyncIterator[Ground]:
    """A service whose database takes its time for each COMMIT."""
    async with ground(postgres, tmp_path, "overload", settings=SMALL) as over:
        over.served[0].gateway.commit_s = COMMIT_S
        yield over


@pytest.fixture
async def crowd(slow: Ground) -> AsyncIterator[OpenLoop]:
    it = slow.served[0]
    made = OpenLoop(("127.0.0.1", it.service.port), slow.traffic.key, lambda: it.gateway.commits)
    yield made
    await made.leave()


def sale(number: int, **more: Any) -> dict[str, Any]:
    card = CARDS[number % len(CARDS)]
    return make.checkout_body(sequence=number, card=card, offline=True, **more)


def memory_mb(pid: int) -> float:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * 4096 / 2**20


def turned_away(outcomes: list[Outcome]) -> list[Outcome]:
    found = [outcome for outcome in outcomes if outcome.status == 503]
    assert {outcome.body["type"] for outcome in found} <= {"/problems/too-busy"}
    assert all(int(outcome.answer["retry-after"]) >= 1 for outcome in found)
    return found


async def test_at_twice_what_it_can_take_it_answers_everybody_and_keeps_every_promise(
    slow: Ground, crowd: OpenLoop, record_property: Callable[[str, str], None]
) -> None:
    seen: list[int] = []

    async def look() -> None:
        paths = ("/healthz", "/readyz", "/metrics")
        seen.extend([(await crowd.ask(crowd.get(path))).status for path in paths])

    pid = slow.served[0].service.process.pid
    assert (await crowd.ask(crowd.post("/v1/checkouts", sale(SALES)))).status == 201
    before_mb = memory_mb(pid)
    looking = asyncio.create_task(again_and_again(look))
    requests = [crowd.post("/v1/checkouts", sale(number)) for number in range(SALES)]
    outcomes = await crowd.send(requests, per_s=2 * CAPACITY)
    looking.cancel()
    taken = [outcome for outcome in outcomes if outcome.status == 201]
    refused = turned_away(outcomes)
    assert len(taken) + len(refused) == SALES
    assert len(taken) > QUEUE
    assert refused
    # What was ahead of a sale when it was taken, the batch under way and its own; and the look-up of what is late.
    assert max(outcome.commits for outcome in taken) <= QUEUE // BATCH + 4
    assert sorted(outcome.commits for outcome in refused)[len(refused) // 2] <= 1
    assert memory_mb(pid) - before_mb < MEMORY_MB
    assert set(seen) == {200}
    record_property("summary", f"overload: {summed_up(taken, refused)}")
    await is_itself_again(slow, crowd, [outcome.body["log_index"] for outcome in taken])


def summed_up(taken: list[Outcome], refused: list[Outcome]) -> str:
    def ms(outcomes: list[Outcome], share: float) -> int:
        return round(sorted(o.seconds for o in outcomes)[int(share * (len(outcomes) - 1))] * 1000)

    waits = [f"{len(s)} in {ms(s, 0.5)}/{ms(s, 0.99)} ms" for s in (taken, refused)]
    return f"taken {waits[0]}, turned away {waits[1]} (median/p99)"


async def is_itself_again(slow: Ground, crowd: OpenLoop, places: list[int]) -> None:
    """At once: nobody is turned away, and what was answered is there, once, and nothing else."""
    slow.served[0].gateway.commit_s = 0.0
    after = await crowd.ask(crowd.post("/v1/checkouts", sale(SALES + 1)))
    assert after.status == 201
    again = [await crowd.ask(crowd.post("/v1/checkouts", sale(n))) for n in range(SALES)]
    known = {outcome.body["log_index"] for outcome in again if outcome.status == 200}
    assert known == set(places)
    assert {outcome.status for outcome in again} <= {200, 201}
    there = await slow.kinds_by_place()
    assert sum(kind == KINDS["checkout"] for kind in there.values()) == SALES + 2
    await slow.is_clean()


@pytest.mark.edge_case(10)
async def test_while_the_database_says_nothing_the_rest_is_turned_away_without_waiting_for_it(
    slow: Ground, crowd: OpenLoop
) -> None:
    assert (await crowd.ask(crowd.post("/v1/checkouts", sale(1)))).status == 201
    gateway = slow.served[0].gateway
    gateway.stall()
    asked = [
        asyncio.create_task(crowd.ask(crowd.post("/v1/checkouts", sale(n))))
        for n in range(2, 2 + 3 * QUEUE)
    ]
    done, waiting = await asyncio.wait(asked, timeout=1.5)
    assert len(turned_away([task.result() for task in done])) == len(done)
    assert len(waiting) <= QUEUE + BATCH
    assert (await crowd.ask(crowd.get("/healthz"))).status == 200
    gateway.go_on()
    assert {(await task).status for task in waiting} == {201}
    await slow.is_clean()


async def test_long_receipts_take_the_place_of_several_short_ones(
    slow: Ground, crowd: OpenLoop
) -> None:
    """A queue is bounded by what it holds: of receipts with many lines it takes fewer."""
    lines = [make.line(number) for number in range(1, 16 * BATCH)]
    slow.served[0].gateway.stall()
    requests = [crowd.post("/v1/checkouts", sale(n, lines=lines)) for n in range(QUEUE)]
    asked = [asyncio.create_task(crowd.ask(one)) for one in requests]
    done, waiting = await asyncio.wait(asked, timeout=1.5)
    slow.served[0].gateway.go_on()
    assert len(turned_away([task.result() for task in done])) >= QUEUE - QUEUE // BATCH - 3
    assert {(await task).status for task in waiting} == {201}
    await slow.is_clean()
