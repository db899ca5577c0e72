"""What a sale sees of its member: tier and segments of its moment, days around the birthday, and nothing more.

Verified and decided again at the end of each test.
"""

import asyncio
from collections.abc import AsyncIterator
from datetime import date, datetime, timedelta
from typing import Any

import asyncpg
import pytest
from test_writer import send, writer_on

import make
from databases import held_head, say
from lepta.db import Address, Database
from lepta.members import service as members
from lepta.members.tables import Card, Member
from lepta.processing import sql
from lepta.processing.beside import Beside
from lepta.processing.decide import Accepted, Decision
from lepta.processing.events import Publish
from lepta.processing.seen import MemberSeen
from lepta.processing.state import Submission
from lepta.processing.writer import Writer

BY_TIER: dict[str, Any] = {
    "campaign": "tiers",
    "programme": "club",
    "kind": "bonus",
    "effect": {"earn": {"by_tier": {"silver": {"points": 1}, "gold": {"points": 2}}}},
}
CAKE: dict[str, Any] = {
    "campaign": "cake",
    "programme": "club",
    "kind": "bonus",
    "effect": {"earn": {"points": 50}, "birthday": {"days_before": 3, "days_after": 3}},
}
Standing = tuple[str | None, tuple[str, ...]]


@pytest.fixture
async def office(shop: Address) -> AsyncIterator[Database]:
    """The office's way to the shop's members."""
    database = Database(shop, pool_size=2)
    yield database
    await database.close()


async def change(
    office: Database, tier: str | None, *segments: str, birthday: date | None = None
) -> datetime:
    """Put Пётр into a tier and segments; returns a moment after that, and before whatever comes next."""
    record = Member(
        "pyotr", tier=tier, segments=segments, birthday=birthday, cards=(Card(make.CARD),)
    )
    await members.put_all(office, [record])
    return await now(office)


async def now(office: Database) -> datetime:
    async with office.read() as tx:
        found: datetime = (await tx.exec_driver_sql("SELECT clock_timestamp()")).scalar_one()
    return found


async def publish(writer: Writer, *documents: dict[str, Any]) -> None:
    await writer.submit(Submission.of(Publish(make.change(*documents))))


def member_of(decision: Decision) -> MemberSeen:
    assert isinstance(decision, Accepted), decision
    assert decision.recorded.seen.member
    return decision.recorded.seen.member


def earned(decision: Decision) -> dict[str, int]:
    assert isinstance(decision, Accepted), decision
    return {e.campaign: e.points for e in decision.recorded.outcome.earned}


@pytest.mark.parametrize("together", [True, False])
@pytest.mark.edge_case(39)
async def test_a_late_sale_has_the_tier_and_the_segments_of_its_purchase(
    shop: Address, office: Database, *, together: bool
) -> None:
    expected: list[tuple[datetime, Standing]] = [
        (await now(office), (None, ())),
        (await change(office, "silver"), ("silver", ())),
        (await change(office, "silver", "students"), ("silver", ("students",))),
        # The same once more is no change.
        (await change(office, "silver", "students"), ("silver", ("students",))),
        (await change(office, "gold", "families", "students"), ("gold", ("families", "students"))),
        (await change(office, None), (None, ())),
    ]
    years_ago = expected[0][0] - timedelta(days=400)
    expected += [(years_ago, (None, ())), (years_ago + timedelta(days=900), (None, ()))]
    async with writer_on(shop) as writer:
        await publish(writer, BY_TIER)
        if together:
            async with held_head(shop):
                asked = [
                    asyncio.ensure_future(send(writer, sequence=n, occurred_at=at.isoformat()))
                    for n, (at, _) in enumerate(expected)
                ]
                await asyncio.sleep(0.1)
            decisions = list(await asyncio.gather(*asked))
        else:
            decisions = [
                await send(writer, sequence=n, occurred_at=at.isoformat())
                for n, (at, _) in enumerate(expected)
            ]
    seen = [(m.tier, m.segments) for m in map(member_of, decisions)]
    assert seen == [standing for _, standing in expected]
    points = {"silver": 1, "gold": 2, None: None}
    assert [earned(d).get("tiers") for d in decisions] == [points[tier] for tier, _ in seen]


@pytest.mark.edge_case(45)
async def test_a_change_counts_from_its_very_moment_on(shop: Address, office: Database) -> None:
    await change(office, "silver")
    await change(office, "gold")
    connection = await asyncpg.connect(**shop.arguments())
    since = await connection.fetchval("SELECT since FROM member WHERE id = 'pyotr'")
    kept = await connection.fetch("SELECT until, tier FROM member_history ORDER BY until")
    await connection.close()
    assert [tuple(row) for row in kept][1:] == [(since, "silver")]
    moments = [since - timedelta(microseconds=1), since]
    async with writer_on(shop) as writer:
        decisions = [
            await send(writer, sequence=n, occurred_at=at.isoformat())
            for n, at in enumerate(moments)
        ]
    assert [member_of(d).tier for d in decisions] == ["silver", "gold"]


async def test_a_clock_that_was_set_back_leaves_neither_gap_nor_overlap(
    shop: Address, office: Database
) -> None:
    before = await now(office)
    await change(office, "silver")
    ahead = "UPDATE member SET since = since + interval '1 hour'"
    history = "UPDATE member_history SET until = until + interval '1 hour'"
    await say(shop, ahead, history)
    await change(office, "gold")
    await change(office, "platinum")
    moments = [before, before + timedelta(hours=2)]
    async with writer_on(shop) as writer:
        decisions = [
            await send(writer, sequence=n, occurred_at=at.isoformat())
            for n, at in enumerate(moments)
        ]
    assert [member_of(d).tier for d in decisions] == [None, "platinum"]


async def test_only_sales_from_before_a_change_ask_for_the_history(
    shop: Address, office: Database
) -> None:
    late = await now(office)
    after = await change(office, "gold")
    async with writer_on(shop) as writer:
        await send(writer, sequence=1)
        writer._ahead.stop()
        heard: list[str] = []
        assert writer._connection is not None
        writer._connection.add_query_logger(lambda record: heard.append(record.query))
        await send(writer, sequence=2, occurred_at=after.isoformat())
        assert sql.READ_SHOPPERS in heard
        assert sql.READ_FORMER not in heard
        await send(writer, sequence=3, occurred_at=late.isoformat())
        assert sql.READ_FORMER in heard


async def test_the_birthday_is_nowhere_but_with_the_member(
    shop: Address, office: Database, capfd: pytest.CaptureFixture[str]
) -> None:
    await change(office, None, birthday=date(1987, 11, 23))
    async with writer_on(shop) as writer:
        await publish(writer, CAKE)
        sale = await send(writer, sequence=1)
    assert earned(sale) == {"base": 12, "cake": 50}
    assert member_of(sale).birthdays == ((3, 3),)
    printed = capfd.readouterr()
    connection = await asyncpg.connect(**shop.arguments())
    tables = await connection.fetch(
        "SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'member'"
    )
    told = [printed.out, printed.err]
    for (table,) in tables:
        rows = await connection.fetch(f"SELECT t::text FROM {table} t")
        told += [row[0] for row in rows]
    for leaf, beside in await connection.fetch("SELECT leaf, beside FROM event"):
        told.append(bytes(leaf).decode())
        if beside:
            told.append(Beside(bytes(beside)).content.decode())
    await connection.close()
    assert len(told) > 10
    assert [text for text in told if "11-23" in text] == []
