"""Misuse of cards as the writer sees it: exact whoever comes at once, the same in any batch, and decided again."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any

import asyncpg
import pytest
from test_writer import send, writer_on

import make
from databases import held_head, say
from lepta.db import Address
from lepta.processing.acts import Void
from lepta.processing.decide import Accepted, Decision
from lepta.processing.events import Publish
from lepta.processing.outcome import Outcome
from lepta.processing.state import Submission
from lepta.processing.writer import Writer
from lepta.verification.verify import faults

PER_DAY = {"sales_per_day": {"flag": 3, "cap": 5}}
APART = {"two_places": {"minutes": 30, "kilometres": 100, "block": "all"}}
BARNAUL = """
    INSERT INTO store (id, retailer, region, time_zone, currency, language, programme, location) VALUES
        ('brn-01', 'retail-nsk', 'altai', 'Asia/Barnaul', 'RUB', 'ru', 'club', '{"latitude": "53.3474", "longitude": "83.7784"}');
    UPDATE store SET location = '{"latitude": "55.0302", "longitude": "82.9204"}' WHERE id = 'nsk-07';
    UPDATE office_version SET version = version + 1;
"""


@asynccontextmanager
async def watching(shop: Address, said: dict[str, Any]) -> AsyncIterator[Writer]:
    async with writer_on(shop) as writer:
        await writer.submit(Submission.of(Publish(make.change(programme={"watch": said}))))
        yield writer


def outcome_of(decision: Decision) -> Outcome:
    assert isinstance(decision, Accepted), decision
    return decision.recorded.outcome


def earned(decisions: list[Decision]) -> list[int]:
    return [outcome_of(d).points.earned for d in decisions]


async def rows(shop: Address, query: str) -> list[Any]:
    connection = await asyncpg.connect(**shop.arguments())
    try:
        return [tuple(row) for row in await connection.fetch(query)]
    finally:
        await connection.close()


async def test_of_thirty_sales_at_two_writers_exactly_those_beyond_are_flagged_and_capped(
    shop: Address,
) -> None:
    async with watching(shop, PER_DAY) as one, writer_on(shop) as other:
        decisions = await asyncio.gather(
            *(send((one, other)[n % 2], sequence=n) for n in range(30))
        )
    in_order = sorted(decisions, key=lambda d: d.recorded.log_index if isinstance(d, Accepted) else 0)  # fmt: skip
    assert earned(in_order) == [12] * 5 + [0] * 25
    flagged = [d for d in in_order if "many-sales" in outcome_of(d).flags]
    assert flagged == in_order[3:]
    found = await rows(shop, "SELECT log_index, kinds, store FROM suspicion ORDER BY 1")
    assert [(kinds, store) for _, kinds, store in found] == [(1, "nsk-07")] * 27
    assert await rows(shop, "SELECT used FROM usage WHERE counter LIKE 'club|sales|%'") == [(30,)]


async def test_one_batch_decides_as_many_do(shop: Address, other_shop: Address) -> None:
    async with watching(shop, PER_DAY) as writer:
        alone = [await send(writer, sequence=n) for n in range(7)]
    async with watching(other_shop, PER_DAY) as writer:
        async with held_head(other_shop):
            asked = [asyncio.ensure_future(send(writer, sequence=n)) for n in range(7)]
            await asyncio.sleep(0.1)
        together = await asyncio.gather(*asked)
    assert [outcome_of(d).flags for d in alone] == [outcome_of(d).flags for d in together]
    assert earned(alone) == earned(together) == [12] * 5 + [0] * 2


async def test_a_voided_sale_still_counts_and_one_sent_again_does_not_count_twice(
    shop: Address,
) -> None:
    async with watching(shop, {"sales_per_day": {"flag": 1}}) as writer:
        await send(writer, sequence=1)
        await send(writer, sequence=1)
        await writer.submit(Submission.of(Void(make.checkout(sequence=1).key)))
        assert "many-sales" in outcome_of(await send(writer, sequence=2)).flags
        await writer.submit(Submission.of(Void(make.checkout(sequence=2).key)))
        assert "many-sales" in outcome_of(await send(writer, sequence=3)).flags
    assert await rows(shop, "SELECT used FROM usage WHERE counter LIKE 'club|sales|%'") == [(3,)]


async def test_a_sale_whose_void_came_first_counts_for_nobody(shop: Address) -> None:
    async with watching(shop, {"sales_per_day": {"flag": 1}}) as writer:
        await writer.submit(Submission.of(Void(make.checkout(sequence=1).key)))
        await send(writer, sequence=1)
        assert outcome_of(await send(writer, sequence=2)).flags == ("clock",)


async def test_where_a_card_was_is_known_across_batches_and_processes(shop: Address) -> None:
    await say(shop, BARNAUL)
    start = datetime.fromisoformat("2026-11-22T18:00:00+07:00")

    def sale(n: int, store: str) -> dict[str, Any]:
        moment = (start + timedelta(minutes=n)).isoformat()
        return {"store": store, "sequence": n, "occurred_at": moment}

    async with watching(shop, APART) as one, writer_on(shop) as other:
        stores = ["nsk-07", "nsk-07", "brn-01", "brn-01", "nsk-07"]
        decisions = [
            await send((one, other)[n % 2], **sale(n, store)) for n, store in enumerate(stores)
        ]
        async with held_head(shop):
            asked = [asyncio.ensure_future(send(one, **sale(n, s))) for n, s in ((40, "brn-01"), (41, "nsk-07"), (42, "brn-01"))]  # fmt: skip
            await asyncio.sleep(0.1)
        decisions += await asyncio.gather(*asked)
    elsewhere = ["two-places" in outcome_of(d).flags for d in decisions]
    assert elsewhere == [False, False, True, False, True, False, True, True]
    assert [not points for points in earned(decisions)] == elsewhere
    assert len(await rows(shop, "SELECT 1 FROM suspicion WHERE kinds = 2")) == 4


async def test_only_a_batch_with_a_suspicious_sale_has_one_statement_more(shop: Address) -> None:
    heard: list[int] = []
    async with watching(shop, {"sales_per_day": {"flag": 2}}) as writer:
        for n in range(4):
            told: list[str] = []
            connection = writer._connection
            assert connection is not None
            with connection.query_logger(lambda record, told=told: told.append(record.query)):
                await send(writer, sequence=n)
            heard.append(sum("INSERT INTO suspicion" in query for query in told))
    assert heard == [0, 0, 1, 1]


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE suspicion SET kinds = 2", "UPDATE suspicion SET store = 'nsk-08'",
        "UPDATE suspicion SET business_day = '2026-11-23'", "UPDATE suspicion SET log_index = 1",
        "DELETE FROM suspicion", "UPDATE suspicion SET shard = 1",
    ],
)  # fmt: skip
async def test_a_changed_list_is_refused_by_the_database_and_found_by_verification(
    shop: Address, change: str
) -> None:
    async with watching(shop, {"sales_per_day": {"flag": 1}}) as writer:
        for n in range(2):
            await send(writer, sequence=n)
    with pytest.raises(asyncpg.RestrictViolationError, match="append-only"):
        await say(shop, change)
    kept = "CREATE TABLE kept AS TABLE suspicion; ALTER TABLE suspicion DISABLE TRIGGER append_only"
    await say(shop, kept)
    await say(shop, change)
    found = await asyncio.to_thread(asyncio.run, faults(shop))
    assert any("suspicion" in line for line in found), found
    await say(shop, "DELETE FROM suspicion; INSERT INTO suspicion TABLE kept; DROP TABLE kept")
