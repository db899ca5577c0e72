"""Telling days by the real writer: who is told, when, by how many, and what happens when it is cut short."""

import asyncio
import io
from collections.abc import Sequence
from datetime import date, datetime
from random import Random

import orjson
import pytest
import structlog
from sqlalchemy import text
from test_lot_days import ENDS, WAITS, points, publish
from test_writer import send, writer_on

from databases import say
from lepta.commands.expiring import expire
from lepta.db import Address, Database
from lepta.due import service, store
from lepta.due.rounds import Rounds
from lepta.due.service import DayAhead, Told
from lepta.logs import json_log
from lepta.processing import lot_days
from lepta.processing.acts import LotsDue
from lepta.processing.decide import Accepted
from lepta.processing.lot_days import NotBegun
from lepta.processing.moving import Moved
from lepta.processing.recognition import Refused
from lepta.processing.state import Submission
from lepta.processing.writer import Writer
from lepta.runtime import running
from lepta.settings import Settings
from lepta.verification.verify import faults

MEMBERS = 40


async def open_cards(shop: Address, members: int) -> None:
    """Further members m-1, m-2, …, with cards 1, 2, …"""
    await say(
        shop,
        f"INSERT INTO member (id, ref) SELECT 'p' || n, 'm-' || n FROM generate_series(1, {members}) n",
    )
    await say(
        shop,
        "INSERT INTO card (card, member, position, status)"
        f" SELECT n::text, 'p' || n, 0, 'active' FROM generate_series(1, {members}) n",
    )


async def sell_to(writer: Writer, cards: Sequence[int]) -> None:
    sales = (send(writer, sequence=card, card=str(card)) for card in cards)
    assert all(isinstance(sale, Accepted) for sale in await asyncio.gather(*sales))


def stop_at(writer: Writer, moment: str) -> datetime:
    """Have the writer's clock stand still."""
    now = datetime.fromisoformat(moment)
    writer.clock = lambda: now
    return now


def rounds(db: Database, writer: Writer) -> Rounds:
    return Rounds(db, writer, 60, 8, writer.clock, structlog.get_logger())


async def days_told(db: Database) -> int:
    async with db.read() as tx:
        return int(await tx.scalar(text("SELECT count(*) FROM event WHERE kind = 5")) or 0)


async def test_a_round_tells_everybody_whose_lots_are_due_and_the_next_one_nobody(
    shop: Address, db: Database
) -> None:
    await open_cards(shop, MEMBERS)
    async with writer_on(shop) as writer:
        await publish(writer, WAITS, ENDS)
        await sell_to(writer, range(1, MEMBERS + 1))
        stop_at(writer, "2027-01-02T00:00:00Z")
        first, again = await rounds(db, writer).once(), await rounds(db, writer).once()
    assert first == [Told("club", date(2027, 1, 2), MEMBERS, 7 * MEMBERS, 5 * MEMBERS)]
    assert again == [Told("club", date(2027, 1, 2))]
    assert await days_told(db) == MEMBERS


async def test_nothing_is_told_before_its_day_has_begun_in_the_last_store(
    shop: Address, db: Database
) -> None:
    await say(
        shop,
        "INSERT INTO store (id, retailer, time_zone, currency, language, programme) VALUES"
        " ('kir-1', 'retail-nsk', 'Pacific/Kiritimati', 'RUB', 'en', 'club'),"
        " ('pag-1', 'retail-nsk', 'Pacific/Pago_Pago', 'RUB', 'en', 'club')",
    )
    async with writer_on(shop) as writer:
        await publish(writer, WAITS)
        await send(writer, sequence=1)
        stop_at(writer, "2026-11-25T10:59:59Z")
        (early,) = await rounds(db, writer).once()
        stop_at(writer, "2026-11-25T11:00:00Z")
        (in_time,) = await rounds(db, writer).once()
    assert early == Told("club", date(2026, 11, 24))
    assert (in_time.on, in_time.matured) == (date(2026, 11, 25), 7)


async def test_a_day_that_has_begun_nowhere_is_refused_by_the_ledger_itself(shop: Address) -> None:
    async with writer_on(shop) as writer:
        await publish(writer, WAITS)
        await send(writer, sequence=1)
        stop_at(writer, "2026-11-24T09:59:59Z")
        act = Submission.of(LotsDue("m-pyotr", "club", date(2026, 11, 25)))
        early = (await writer.submit(act)).decision
        stop_at(writer, "2026-11-24T10:00:00Z")
        on_the_first_island = (await writer.submit(act)).decision
    assert isinstance(early, Refused)
    assert isinstance(early.error, NotBegun)
    assert not isinstance(on_the_first_island, Refused)


async def test_verification_finds_a_day_that_was_told_before_it_had_begun(
    other_shop: Address, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lot_days, "newest_day", lambda _moment: date.max)
    async with writer_on(other_shop) as writer:
        await publish(writer, WAITS)
        await send(writer, sequence=1)
        stop_at(writer, "2026-11-22T12:00:00Z")
        act = LotsDue("m-pyotr", "club", date(2026, 11, 25))
        assert isinstance((await writer.submit(Submission.of(act))).decision, Moved)
    (found,) = await faults(other_shop)
    assert "tells of 2026-11-25 before that day has begun anywhere" in found


async def test_a_round_that_moved_something_says_so_in_one_line(
    shop: Address, db: Database
) -> None:
    written = io.BytesIO()
    async with writer_on(shop) as writer:
        await publish(writer, WAITS, ENDS)
        await send(writer, sequence=1)
        stop_at(writer, "2027-01-02T00:00:00Z")
        by_the_clock = Rounds(db, writer, 60, 8, writer.clock, json_log(written))
        for _ in range(2):
            await by_the_clock.once()
    (line,) = map(orjson.loads, written.getvalue().splitlines())
    told = {name: line[name] for name in ("event", "programme", "on", "members", "failed")}
    assert told == {
        "event": "lot-days", "programme": "club", "on": "2027-01-02", "members": 1, "failed": 0,
    }  # fmt: skip
    assert (line["matured"], line["expired"]) == (7, 5)


@pytest.mark.edge_case(42)
async def test_a_lot_of_31_january_that_lives_a_month_ends_with_1_march(
    shop: Address, db: Database
) -> None:
    effect = {"earn": {"points": 5}, "expire_after": {"months": 1, "at": "day"}}
    async with writer_on(shop) as writer:
        await publish(writer, {**ENDS, "effect": effect})
        day = {"business_day": "2027-01-31", "occurred_at": "2027-01-31T12:00:00+07:00"}
        await send(writer, sequence=1, **day)
        stop_at(writer, "2027-03-01T16:59:59Z")
        (before,) = await rounds(db, writer).once()
        stop_at(writer, "2027-03-01T17:00:00Z")
        (after,) = await rounds(db, writer).once()
    assert (before.on, before.expired) == (date(2027, 3, 1), 0)
    assert (after.on, after.expired) == (date(2027, 3, 2), 5)


async def test_two_processes_that_tell_the_same_day_at_once_end_each_lot_once(
    shop: Address, db: Database
) -> None:
    await open_cards(shop, MEMBERS)
    async with writer_on(shop) as one, writer_on(shop) as other:
        await publish(one, WAITS, ENDS)
        await sell_to(one, range(1, MEMBERS + 1))
        on = date(2027, 1, 2)
        for writer in (one, other):
            stop_at(writer, "2027-01-02T00:00:00Z")
        told = await asyncio.gather(
            *(service.tell(db, writer, Told("club", on), at_once=8) for writer in (one, other))
        )
    assert sum(each.members for each in told) == await days_told(db) == MEMBERS
    assert sum(each.expired for each in told) == 5 * MEMBERS
    assert (await points(shop))["pending"] == 0


async def test_while_one_process_tells_days_by_the_clock_another_does_not(
    shop: Address, db: Database
) -> None:
    async with writer_on(shop) as writer:
        async with db.begin() as turn:
            assert await store.take_turn(turn)
            assert await rounds(db, writer).once() == []
        assert len(await rounds(db, writer).once()) == 1


async def test_what_was_cut_short_is_made_up_for(shop: Address, db: Database) -> None:
    await open_cards(shop, MEMBERS)
    on = date(2027, 1, 2)
    async with writer_on(shop) as writer:
        await publish(writer, ENDS)
        await sell_to(writer, range(1, MEMBERS + 1))
        stop_at(writer, "2027-01-02T00:00:00Z")
        begun = asyncio.Event()
        telling = asyncio.create_task(
            service.tell(
                db, writer, Told("club", on), at_once=4, advance=lambda _members: begun.set()
            )
        )
        await begun.wait()
        telling.cancel()
        with pytest.raises(asyncio.CancelledError):
            await telling
    some = await days_told(db)
    async with writer_on(shop) as writer:
        stop_at(writer, "2027-01-02T00:00:00Z")
        rest = await service.tell(db, writer, Told("club", on), at_once=4)
    assert 0 < some < MEMBERS
    assert rest.members == MEMBERS - some


async def test_whoever_finds_the_queue_full_waits_for_room(shop: Address, db: Database) -> None:
    await open_cards(shop, MEMBERS)
    async with writer_on(shop, queue_size=3) as writer:
        await publish(writer, ENDS)
        for first in range(1, MEMBERS + 1, 2):
            await sell_to(writer, range(first, first + 2))
        stop_at(writer, "2027-01-02T00:00:00Z")
        told = await service.tell(db, writer, Told("club", date(2027, 1, 2)), at_once=16)
    assert (told.members, told.failed) == (MEMBERS, 0)


async def test_a_writer_that_takes_nothing_is_a_failure_and_no_end_of_the_world(
    shop: Address, db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "TRIES", 1)
    async with writer_on(shop) as writer:
        await publish(writer, ENDS)
        await send(writer, sequence=1)
    told = await service.tell(db, writer, Told("club", date(2027, 1, 2)), at_once=16)
    assert told == Told("club", date(2027, 1, 2), failed=1)


@pytest.mark.edge_case(63)
async def test_sales_redemptions_and_days_all_at_once_leave_a_ledger_that_adds_up(
    shop: Address, db: Database
) -> None:
    await open_cards(shop, 5)
    dice = Random(7)
    async with writer_on(shop) as one, writer_on(shop) as other:
        await publish(one, WAITS, ENDS)
        for writer in (one, other):
            stop_at(writer, "2027-03-01T00:00:00Z")

        async def sell(number: int) -> None:
            day = date(2026, dice.choice([10, 11, 12]), dice.randint(1, 30)).isoformat()
            at = {"business_day": day, "occurred_at": f"{day}T12:00:00+07:00"}
            card, redeem = str(dice.randint(1, 5)), {"points": dice.randint(0, 40)}
            await send(
                dice.choice([one, other]), sequence=number, card=card, redeem=redeem, offline=True, **at
            )  # fmt: skip

        async def tell() -> None:
            on = date(2026, dice.choice([11, 12]), dice.randint(1, 30))
            await service.tell(db, dice.choice([one, other]), Told("club", on), at_once=3)

        await asyncio.gather(*(tell() if n % 6 == 5 else sell(n) for n in range(120)))
        await service.tell(db, one, Told("club", date(2027, 2, 28)), at_once=3)
    assert (await points(shop))["pending"] == 0
    async with db.read() as tx:
        assert await store.due(tx, "club", date(2027, 2, 28), 10) == []


async def test_who_is_due_is_found_by_index_even_if_all_are(shop: Address, db: Database) -> None:
    await say(
        shop,
        "INSERT INTO lot (shard, account, expires_on, available_on, log_index, leg, remaining, issuer)"
        " SELECT 7, n, '2020-01-01', '2020-01-01', n, 0, 1, 1 FROM generate_series(1, 20000) n",
        "ANALYZE lot",
    )
    async with db.read() as tx:
        await tx.execute(store._BY_INDEX)
        where = {"shard": 0, "asset": 1, "on": date(2026, 11, 22), "most": 10}
        explained = text(f"EXPLAIN (COSTS OFF) {store._DUE.text}")
        plan = "\n".join(row[0] for row in await tx.execute(explained, where))
    await say(shop, "DELETE FROM lot WHERE shard = 7")
    await say(shop, "VACUUM ANALYZE lot")
    assert "lot_waits" in plan, plan
    assert "lot_ends" in plan, plan
    assert "Seq Scan" not in plan, plan


def test_the_command_shows_what_is_due_and_then_does_it(
    shop: Address, tmp_path: object, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = Settings(database_url=shop.url().replace("postgresql+asyncpg", "postgresql"))

    async def before() -> None:
        await open_cards(shop, 3)
        async with writer_on(shop) as writer:
            await publish(writer, WAITS)
            await sell_to(writer, range(1, 4))

    asyncio.run(before())
    ahead = date(2200, 1, 1)
    with pytest.raises(DayAhead, match="has not begun in all stores of club"):
        expire(settings, ahead, dry_run=False)
    assert expire(settings, ahead, dry_run=True) == 0
    shown = capsys.readouterr().out.splitlines()
    assert shown[0].split() == ["programme", "day", "members", "matures", "expires"]
    assert shown[1].split() == ["club", "2200-01-01", "3", "21", "57"]
    assert expire(settings, date(2026, 11, 22), dry_run=False) == 0
    assert capsys.readouterr().out.splitlines()[1].split() == ["club", "2026-11-22", "0", "0", "0"]


async def test_a_running_service_tells_days_by_itself(
    shop: Address, db: Database, settings: Settings
) -> None:
    effect = {"earn": {"points": 5}, "expire_after": {"months": 0}}
    async with writer_on(shop) as writer:
        await publish(writer, {**ENDS, "effect": effect})
        day = {"business_day": "2026-09-30", "occurred_at": "2026-09-30T12:00:00+07:00"}
        await send(writer, sequence=1, **day)
    by_the_clock = settings.model_copy(update={"lot_days_every_s": 0.05})
    async with running(by_the_clock):
        for _ in range(200):
            if await days_told(db):
                break
            await asyncio.sleep(0.05)
    assert (await points(shop))["programme/expired"] == 5
