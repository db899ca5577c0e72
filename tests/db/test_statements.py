"""How much work a batch is: counted, never timed. And every look-up goes through an index."""

import asyncio
import re

import asyncpg
import pytest
from sqlalchemy import text

import make
from databases import say
from lepta.db import INDEX_PLANS, SERVICE_ROLE, Address, Database
from lepta.processing import sql
from lepta.processing.decide import Accepted
from lepta.processing.directory import Directory
from lepta.processing.rulebooks import Rulebooks
from lepta.processing.state import Submission
from lepta.processing.writer import Writer

MOST_STATEMENTS = 6
"""In one transaction, BEGIN and COMMIT included, however many sales. Repeats, products not sold before and changes of
the office's records come with a statement or two more each, once a batch.
"""


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
    async with database.begin() as other:
        # All queue up while another process has the head, so that they become one batch.
        await other.execute(text(sql.WAIT_FOR_HEAD.replace("$1", "0")))
        asked = asyncio.gather(*(writer.submit(Submission.of(event)) for event in events))
        await asyncio.sleep(0.1)
    answers = await asked
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


KEYS = {
    "READ_EVENTS": ("log_index = k.log_index",),
    "READ_UNDONE": ("subject = k.log_index", "log_index = r.log_index"),
    "READ_ENDED": ("member = k.member", "log_index > k.since"),
    "READ_CLAIMED": ("sale = k.sale", "log_index = "),
    "READ_HEIRS": ("ref = k.ref", "ref = c.into_ref"),
    "READ_VOIDED": ("log_index = k.void",),
    "READ_TAKEN_BACK": ("subject = k.sale", "log_index = reversal.log_index"),
    "READ_HOLDS": ("log_index = k.log_index", "hold = k.log_index"),
    "READ_SHOPPERS": ("card = k.card", "id = card.member"),
    "READ_FORMER": ("card = k.card", "member = card.member", "until > k.moment"),
    "READ_LEDGER": (
        "scope = k.scope",
        "key = k.key",
        "ref = k.ref",
        "account = ",
        "counter = k.counter",
        "id >= ",
    ),
    "READ_LEAF_HASH": ("log_index = ",),
    "APPEND": (
        "account = k.account",
        "leg = k.leg",
        "counter = k.counter",
        "fund = k.fund",
        "shard = ",
    ),
}
"""Of each statement: what has to be found by index, key by key."""


@pytest.mark.parametrize("name", KEYS)
@pytest.mark.edge_case(32)
async def test_no_statement_of_a_batch_ever_reads_a_whole_table(owner: Address, name: str) -> None:
    await say(
        owner, "VACUUM ANALYZE"
    )  # on tables that are all but empty: the planner's worst advice
    settings = {"role": SERVICE_ROLE, **INDEX_PLANS}
    connection = await asyncpg.connect(**owner.arguments(), server_settings=settings)
    try:
        prepared = await connection.prepare(getattr(sql, name))
        types = [p.name for p in prepared.get_parameters()]
        await connection.execute(f"PREPARE looked_at ({', '.join(types)}) AS {getattr(sql, name)}")
        # A generic plan does not depend on the values.
        values = ", ".join(["NULL"] * len(types))
        rows = await connection.fetch(f"EXPLAIN (COSTS OFF) EXECUTE looked_at ({values})")
        plan = "\n".join(row[0] for row in rows)
        conditions = re.sub(r"\bk_\d+\.", "k.", " ".join(re.findall(r"Index Cond: (.*)", plan)))
        for key in KEYS[name]:
            assert key in conditions, plan
        assert not re.search(r"Seq Scan|Hash|Merge Join|Join Filter", plan), plan
    finally:
        await connection.close()
