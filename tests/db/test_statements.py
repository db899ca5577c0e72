"""How much work a batch is: counted, never timed. And every look-up goes through an index."""

import asyncio
import re

import asyncpg
import pytest

import make
from lepta.db import INDEX_PLANS, SERVICE_ROLE, Address, Database
from lepta.processing import sql
from lepta.processing.decide import Accepted
from lepta.processing.directory import Directory
from lepta.processing.rulebooks import Rulebooks
from lepta.processing.state import Submission
from lepta.processing.writer import Writer

MOST_STATEMENTS = 12
"""In one transaction, BEGIN and COMMIT included, whatever the batch holds."""


async def spoken(shop: Address, sales: int) -> list[str]:
    """The statements of the one transaction that records so many sales, after a first one opened accounts."""
    database = Database(shop)
    writer = Writer(database, Directory(), Rulebooks())
    await writer.start()
    await writer.submit(Submission.of(make.checkout(sequence=10_000)))
    heard: list[str] = []
    connection = writer._connection
    assert connection is not None
    connection.add_query_logger(lambda record: heard.append(record.query))
    events = [make.checkout(sequence=n, redeem={"points": 0}) for n in range(sales)]
    answers = await asyncio.gather(*(writer.submit(Submission.of(event)) for event in events))
    assert all(isinstance(answered.decision, Accepted) for answered in answers)
    await writer.stop()
    await database.close()
    return heard


async def test_a_batch_of_a_hundred_takes_no_more_statements_than_one_of_two(
    shop: Address, other_shop: Address
) -> None:
    few, many = await spoken(shop, 2), await spoken(other_shop, 100)
    assert many.count("BEGIN") == many.count("COMMIT") == 1
    assert len(few) == len(many) <= MOST_STATEMENTS


LOOKUPS = (
    "FIND_CLAIMS", "READ_EVENTS", "READ_SHOPPERS", "READ_LOTS", "READ_COUNTS", "READ_LEAF_HASH",
    "APPEND_SALES", "UPDATE_LOTS", "CLOSE_LOTS", "USE_LIMITS", "MOVE_HEAD",
)  # fmt: skip


@pytest.mark.parametrize("name", LOOKUPS)
async def test_no_statement_of_a_batch_ever_reads_a_whole_table(shop: Address, name: str) -> None:
    settings = {"role": SERVICE_ROLE, **INDEX_PLANS}
    connection = await asyncpg.connect(**shop.arguments(), server_settings=settings)
    try:
        prepared = await connection.prepare(getattr(sql, name))
        types = [p.name for p in prepared.get_parameters()]
        await connection.execute(f"PREPARE looked_at ({', '.join(types)}) AS {getattr(sql, name)}")
        # A generic plan does not depend on the values.
        values = ", ".join(["NULL"] * len(types))
        rows = await connection.fetch(f"EXPLAIN (COSTS OFF) EXECUTE looked_at ({values})")
        plan = "\n".join(row[0] for row in rows)
        assert "Index" in plan, plan
        assert not re.search(r"Seq Scan|Hash|Merge Join", plan), plan
    finally:
        await connection.close()
