"""Batching is invisible: the same events come to the same, whatever batches they stand in and whoever writes them."""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import asyncpg
import pytest
import simple_said as said
from drawn import START, courses
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from telling import told
from test_machine import EXAMPLES, PHASES
from worlds import World

from databases import fresh
from lepta.db import Address

pytestmark = pytest.mark.parametrize("server", ["embedded"], indirect=True)
ALL_AT_ONCE = 10**9
BUDGET = 2_600
ENTRIES = """
    SELECT e.log_index, concat_ws('/', d.kind, d.ref, d.code), concat_ws('/', c.kind, c.ref, c.code), e.amount, e.code
    FROM entry e JOIN account d ON d.id = e.debit JOIN account c ON c.id = e.credit ORDER BY e.log_index, e.leg
"""
ALLOCATIONS = (
    "SELECT log_index, lot_log_index, lot_leg, amount FROM lot_allocation ORDER BY log_index, seq"
)
drawn = settings(
    max_examples=max(EXAMPLES // 2, 1), deadline=None, print_blob=True, phases=PHASES,
    suppress_health_check=list(HealthCheck),
)  # fmt: skip

Answers = list[dict[str, Any]]
Course = Sequence[said.Event]


async def history(connection: asyncpg.Connection) -> list[list[tuple[Any, ...]]]:
    """What each event booked, by the names of accounts, and from which lots."""
    return [[tuple(row) for row in await connection.fetch(q)] for q in (ENTRIES, ALLOCATIONS)]


def cut(events: Course, sizes: Iterable[int]) -> Sequence[Course]:
    """Batches of these sizes, but a hold ends its batch: the sale that captures it has to know its name."""
    batches: list[list[said.Event]] = [[]]
    left = iter(sizes)
    size = next(left, ALL_AT_ONCE)
    for event in events:
        if len(batches[-1]) >= size or (batches[-1] and isinstance(batches[-1][-1], said.Hold)):
            batches.append([])
            size = next(left, ALL_AT_ONCE)
        batches[-1].append(event)
    return batches


async def sent(world: World, batches: Iterable[Course], key: str = "a") -> Answers:
    """The answers, in the order of the events; those of a batch are queued all at once."""
    answers: Answers = []
    for batch in batches:
        found = [await world.submission(e, f"{key}{len(answers) + n}") for n, e in enumerate(batch)]
        waiting = [
            world.writers[n % len(world.writers)].enqueue(each, share=False)
            for n, each in enumerate(found)
        ]
        for event, answered in zip(batch, await asyncio.gather(*waiting), strict=True):
            world.learn(event, answered.decision)
            answers.append(told(answered.decision))
    return answers


async def outcome(
    address: Address, batches: Iterable[Course], writers: int = 1
) -> tuple[Answers, list[list[tuple[Any, ...]]]]:
    world = World(address, START, BUDGET)
    await world.open(writers)
    try:
        return await sent(world, batches), await history(world.reader)
    finally:
        await world.close()


def on_a_fresh_ledger(
    server: Address, template: str, batches: Iterable[Course], writers: int = 1
) -> Any:
    with fresh(server, template) as name:
        return asyncio.run(outcome(replace(server, database=name), batches, writers))


def test_any_batches_come_to_the_same_as_one_event_at_a_time(
    server: Address, template: str
) -> None:
    @drawn
    @given(courses(), st.lists(st.integers(1, 6)))
    def law(events: Course, sizes: list[int]) -> None:
        one_by_one = on_a_fresh_ledger(server, template, cut(events, [1] * len(events)))
        assert on_a_fresh_ledger(server, template, cut(events, sizes)) == one_by_one

    law()


def test_what_two_writers_do_at_once_one_does_in_the_order_of_the_log(
    server: Address, template: str
) -> None:
    """What is refused is in no log: when it was decided nobody can tell, and it changed nothing."""

    @drawn
    @given(courses(holds=False))
    def law(events: Course) -> None:
        answers, booked = on_a_fresh_ledger(server, template, [events], writers=2)
        recorded = [
            (answer, event)
            for answer, event in zip(answers, events, strict=True)
            if answer.get("again") is False
        ]
        recorded.sort(key=lambda pair: pair[0]["at"])
        in_order = [event for _, event in recorded]
        alone = on_a_fresh_ledger(server, template, cut(in_order, [1] * len(in_order)))
        assert ([answer for answer, _ in recorded], booked) == alone

    law()
