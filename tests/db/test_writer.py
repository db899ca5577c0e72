"""The writer on a real database: batches, repeats, poison, lost connections, two of them at once."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

import make
from cutter import Cutter
from databases import held_head
from lepta.db import Address, Database
from lepta.processing import batch, decide, verdict
from lepta.processing.decide import Accepted, Answered, Decision
from lepta.processing.directory import Directory
from lepta.processing.events import Publish, TooBusy
from lepta.processing.recognition import Refused, Repeated
from lepta.processing.rulebooks import Rulebooks
from lepta.processing.state import Submission
from lepta.processing.writer import Writer


@asynccontextmanager
async def writer_on(address: Address, **settings: Any) -> AsyncIterator[Writer]:
    """A started writer; stopped at the end."""
    database = Database(address)
    writer = Writer(database, Directory(), Rulebooks(), **settings)
    await writer.start()
    try:
        yield writer
    finally:
        await writer.stop()
        await database.close()


@pytest.fixture
async def writer(shop: Address) -> AsyncIterator[Writer]:
    async with writer_on(shop) as started:
        yield started


async def send(writer: Writer, key: str | None = None, **sale: Any) -> Decision:
    answered = await writer.submit(Submission.of(make.checkout(**sale), key))
    return answered.decision


def place(decision: Decision) -> int:
    assert isinstance(decision, Accepted | Repeated), decision
    return decision.recorded.log_index


@pytest.mark.edge_case(1)
async def test_fifty_equal_sales_at_once_are_one(writer: Writer) -> None:
    decisions = await asyncio.gather(*(send(writer) for _ in range(50)))
    assert len({place(d) for d in decisions}) == 1
    assert sum(isinstance(d, Accepted) for d in decisions) == 1


@pytest.mark.edge_case(1, 4)
async def test_what_a_repeat_gets_from_the_tables_is_what_the_first_got(writer: Writer) -> None:
    first = await send(writer, redeem={"max": True})
    again = await send(writer, redeem={"max": True})
    assert isinstance(first, Accepted)
    assert isinstance(again, Repeated)
    assert again.recorded.outcome == first.recorded.outcome
    assert again.recorded.id == first.recorded.id
    assert again.recorded.event.lines == first.recorded.event.lines


@pytest.mark.edge_case(3)
async def test_a_repeat_under_a_new_header_takes_that_header(writer: Writer) -> None:
    first = await send(writer, "k1")
    assert place(await send(writer, "k2")) == place(first)
    other = await send(writer, "k2", sequence=5)
    assert isinstance(other, Refused)
    assert other.error.code == "idempotency-key-reused"


@pytest.mark.edge_case(2)
async def test_a_refusal_is_stored_under_its_header_and_survives_a_restart(shop: Address) -> None:
    async with writer_on(shop) as writer:
        first = await send(writer, "k1", redeem={"points": 9})
    async with writer_on(shop) as writer:
        await send(writer, sequence=1)
        again = await send(writer, "k1", redeem={"points": 9})
        allowed = await send(writer, "k2", redeem={"points": 9})
    assert isinstance(first, Refused)
    assert isinstance(again, Refused)
    assert str(again.error) == str(first.error)
    assert isinstance(allowed, Accepted)


@pytest.mark.edge_case(8)
async def test_two_that_spend_the_same_points_at_once_never_spend_them_twice(
    writer: Writer,
) -> None:
    await send(writer, sequence=1)
    decisions = await asyncio.gather(
        *(send(writer, sequence=n, redeem={"points": 12}) for n in range(2, 12))
    )
    spent = [d for d in decisions if isinstance(d, Accepted)]
    assert len(spent) >= 1
    for decision in decisions:
        if isinstance(decision, Refused):
            assert decision.error.code == "insufficient-points"
    last = max(spent, key=place).recorded.outcome
    earned = 12 + sum(d.recorded.outcome.points.earned for d in spent)
    assert last.balance is not None
    assert last.balance.available == earned - 12 * len(spent) >= 0


@pytest.mark.edge_case(33)
async def test_a_budget_for_seven_units_gives_seven_to_a_hundred_tills_of_two_writers(
    shop: Address,
) -> None:
    limited = {**make.HUNTER, "limits": {"units": 7}, "who": {"card": "optional"}}
    async with writer_on(shop) as one, writer_on(shop) as other:
        await one.submit(Submission.of(Publish(make.change(make.BASE, limited))))
        decisions = await asyncio.gather(
            *(send((one, other)[n % 2], sequence=n, card=None) for n in range(100))
        )
    units = [
        donation.units
        for decision in decisions
        if isinstance(decision, Accepted)
        for donation in decision.recorded.outcome.donations
    ]
    assert len(decisions) == 100
    assert sum(units) == 7


async def test_two_writers_never_give_two_sales_one_place(shop: Address) -> None:
    async with writer_on(shop) as one, writer_on(shop) as other:
        both = [one, other]
        decisions = await asyncio.gather(*(send(both[n % 2], sequence=n // 2) for n in range(200)))
    places = [place(d) for d in decisions]
    assert sum(isinstance(d, Accepted) for d in decisions) == 100
    assert len(set(places)) == 100
    assert places[::2] == places[1::2]


async def test_a_rulebook_published_by_one_process_decides_the_next_event_of_another(
    shop: Address,
) -> None:
    doubled = {**make.BASE, "effect": {"earn": {"points": 2, "per_amount": 2000}, "per": "basket"}}
    async with writer_on(shop) as one, writer_on(shop) as other:
        before = await send(other, sequence=1)
        change = make.change({**doubled, "campaign": "second"})
        await one.submit(Submission.of(Publish(change)))
        after = await send(other, sequence=2)
    assert isinstance(before, Accepted)
    assert isinstance(after, Accepted)
    earned = (before.recorded.outcome.points.earned, after.recorded.outcome.points.earned)
    assert earned == (12, 12 + 24)
    assert before.recorded.rulebook != after.recorded.rulebook


async def test_an_event_that_cannot_be_decided_never_takes_its_neighbours_along(
    writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest = verdict.judge

    def judge(prepared: Any, *rest: Any) -> Any:
        if prepared.event.key.sequence == 7:
            raise ZeroDivisionError
        return honest(prepared, *rest)

    for module in (decide, verdict):  # where it is judged in its turn, and ahead of it
        monkeypatch.setattr(module, "judge", judge)
    results = await asyncio.gather(
        *(send(writer, sequence=n) for n in range(20)), return_exceptions=True
    )
    failed = [n for n, result in enumerate(results) if isinstance(result, ZeroDivisionError)]
    assert failed == [7]
    assert sum(isinstance(result, Accepted) for result in results) == 19
    monkeypatch.undo()
    assert isinstance(await send(writer, sequence=7), Accepted)


async def test_an_event_that_the_database_refuses_never_takes_its_neighbours_along(
    writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest = decide.decide_checkout

    def altered(submission: Submission, *rest: Any, **more: Any) -> Decision:
        decision = honest(submission, *rest, **more)
        if isinstance(decision, Accepted) and decision.recorded.event.key.sequence == 3:
            leaf = decision.leaf._replace(beside=None)  # type: ignore[arg-type]
            return decision._replace(leaf=leaf)
        return decision

    monkeypatch.setattr(batch, "decide_checkout", altered)
    results = await asyncio.gather(
        *(send(writer, sequence=n) for n in range(9)), return_exceptions=True
    )
    assert [n for n, result in enumerate(results) if isinstance(result, Exception)] == [3]


async def test_a_full_queue_turns_away_and_what_was_taken_is_answered(shop: Address) -> None:
    async with writer_on(shop, queue_size=10, batch_size=2) as writer:
        results = await asyncio.gather(
            *(send(writer, sequence=n) for n in range(40)), return_exceptions=True
        )
    taken = [r for r in results if isinstance(r, Accepted)]
    refused = [r for r in results if isinstance(r, TooBusy)]
    assert len(taken) + len(refused) == 40
    assert len(taken) >= 10
    assert refused


async def test_stopping_answers_all_that_was_taken(shop: Address) -> None:
    async with writer_on(shop, batch_size=3) as writer:
        sent = [asyncio.create_task(send(writer, sequence=n)) for n in range(30)]
        await asyncio.sleep(0)
        stopping = asyncio.create_task(writer.stop())
        assert all(isinstance(d, Accepted) for d in await asyncio.gather(*sent))
        await stopping
        with pytest.raises(TooBusy):
            await send(writer, sequence=99)


async def test_a_till_that_hangs_up_changes_nothing_for_others(writer: Writer) -> None:
    first = asyncio.create_task(send(writer))
    second = asyncio.create_task(send(writer))
    await asyncio.sleep(0)
    first.cancel()
    assert place(await second) == place(await send(writer))


@pytest.mark.parametrize("after_commit", [False, True])
@pytest.mark.edge_case(11)
async def test_a_commit_whose_answer_is_lost_is_looked_up_and_never_guessed(
    shop: Address, after_commit: bool
) -> None:
    async with Cutter(shop) as cutter, writer_on(cutter.address) as writer:
        await send(writer, sequence=1)
        cutter.cut_at_commit(after=after_commit)
        decisions = await asyncio.gather(*(send(writer, sequence=n) for n in range(2, 12)))
        assert cutter.cuts == 1
        assert all(isinstance(d, Accepted) for d in decisions)
        assert len({place(d) for d in decisions}) == 10
        again = await asyncio.gather(*(send(writer, sequence=n) for n in range(2, 12)))
    assert [place(d) for d in again] == [place(d) for d in decisions]


@pytest.mark.edge_case(10)
async def test_while_the_database_is_away_tills_are_told_to_send_again(shop: Address) -> None:
    async with Cutter(shop) as cutter, writer_on(cutter.address, answer_timeout_s=0.5) as writer:
        await send(writer, sequence=1)
        cutter.close_for_business()
        with pytest.raises(TooBusy):
            await send(writer, sequence=2)
        cutter.open_for_business()
        later = await asyncio.wait_for(_until_answered(writer, sequence=2), 20)
    assert isinstance(later, Accepted | Repeated)


async def _until_answered(writer: Writer, **sale: Any) -> Decision:
    while True:
        try:
            return await send(writer, **sale)
        except TooBusy:
            await asyncio.sleep(0.05)


async def test_a_repeat_of_an_overdue_sale_is_told_to_send_again_too(shop: Address) -> None:
    async with Cutter(shop) as cutter, writer_on(cutter.address, answer_timeout_s=0.2) as writer:
        cutter.close_for_business()
        for _ in range(2):
            async with asyncio.timeout(5):
                with pytest.raises(TooBusy):
                    await send(writer)
        cutter.open_for_business()
        assert place(await asyncio.wait_for(_until_answered(writer), 20)) == 1


async def test_the_same_events_in_another_split_give_the_same_entries(
    shop: Address, other_shop: Address
) -> None:
    async def leaves(address: Address, size: int) -> list[Any]:
        async with writer_on(address, batch_size=size) as writer:
            sales: list[dict[str, Any]] = [
                {"sequence": n, "redeem": {"points": n % 5}} for n in range(40)
            ]
            decisions = await asyncio.gather(*(send(writer, **sale) for sale in sales))
        return [
            (d.booked.postings, d.booked.spent, d.booked.used, d.recorded.outcome)
            if isinstance(d, Accepted)
            else type(d.error).__name__
            for d in decisions
            if isinstance(d, Accepted | Refused)
        ]

    assert await leaves(shop, 1) == await leaves(other_shop, 64)


async def test_what_queues_up_while_another_process_has_the_head_becomes_one_batch(
    shop: Address,
) -> None:
    async with writer_on(shop) as writer:
        begun = transactions_of(writer)
        async with held_head(shop):
            asked = asyncio.gather(*(writer.submit(sale(n)) for n in range(40)))
            await asyncio.sleep(0.1)
        answers = await asked
    assert begun == ["BEGIN"]
    assert [index_of(answered) for answered in answers] == sorted(map(index_of, answers))


async def test_half_of_what_waits_stays_behind_while_nobody_else_has_the_head(
    shop: Address,
) -> None:
    async with writer_on(shop, patience_s=60) as writer:
        begun = transactions_of(writer)
        answers = await asyncio.gather(*(writer.submit(sale(n)) for n in range(100)))
    assert len(set(map(index_of, answers))) == 100
    assert 2 <= len(begun) <= 6


def transactions_of(writer: Writer) -> list[str]:
    """Grows with each transaction that the writer begins."""
    begun: list[str] = []
    connection = writer._connection
    assert connection is not None
    connection.add_query_logger(
        lambda record: begun.append(record.query) if record.query == "BEGIN" else None
    )
    return begun


def sale(sequence: int) -> Submission:
    return Submission.of(make.checkout(sequence=sequence))


def index_of(answered: Answered) -> int:
    assert isinstance(answered.decision, Accepted)
    return answered.decision.recorded.log_index
