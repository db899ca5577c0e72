"""Mergers by the real writer, with a clock that a test sets: what ends, comes back or is killed around them."""

from datetime import date, timedelta

import asyncpg
import pytest

import make
from databases import say
from families import OLGA, add_olga
from holds import Clock, hold, timed_writer
from lepta.db import Address
from lepta.processing.acts import LotsDue
from lepta.processing.moving import Moved, Recalled
from lepta.processing.owners import Merge
from lepta.processing.state import Submission
from lepta.processing.writer import Writer
from reversing import balances, change_programme, moved, reversed_by, rows, tell, void

MERGE = Merge("m-pyotr", "m-olga", ("pyotr", "olga"), said=b"pyotr olga")
ENDS = date(2027, 1, 1)


async def sell(writer: Writer, sequence: int = 1187, card: str = make.CARD) -> None:
    await writer.submit(Submission.of(make.checkout(sequence=sequence, card=card)))


@pytest.mark.edge_case(48)
@pytest.mark.parametrize("at", ["before", "after"])
async def test_points_that_ended_around_a_merger_are_not_asked_back_of_who_stays(
    shop: Address, at: str
) -> None:
    await add_olga(shop)
    clock = Clock()
    async with timed_writer(shop, clock) as writer:
        await change_programme(writer, expire_after={"months": 0, "at": "year-end"})
        await sell(writer)
        await sell(writer, 1188, OLGA)
        clock.now += timedelta(days=60)
        if at == "before":
            moved(await tell(writer, LotsDue("m-pyotr", "club", ENDS)))
        moved(await tell(writer, MERGE))
        moved(await tell(writer, LotsDue("m-olga", "club", ENDS)))
        back = reversed_by(await void(writer))
    assert (back.clawed_back, back.owed, sum(points for _, points in back.lapsed)) == (0, 0, 12)
    assert "member/m-olga/owed" not in await balances(shop)


async def test_points_of_both_that_ended_pay_no_debt(shop: Address) -> None:
    await add_olga(shop)
    clock = Clock()
    async with timed_writer(shop, clock) as writer:
        await change_programme(writer, expire_after={"months": 0, "at": "year-end"})
        await sell(writer)
        await sell(writer, 1188, OLGA)
        moved(await hold(writer, 12))
        moved(await void(writer))
        clock.now += timedelta(days=60)
        done = moved(await tell(writer, MERGE))
    assert done.movement.outcome["owed"] == 12
    assert "repaid" not in done.movement.outcome


async def test_an_act_laid_out_before_the_merger_goes_to_who_stays(shop: Address) -> None:
    await add_olga(shop)
    async with timed_writer(shop, Clock()) as writer:
        await sell(writer)
        moved(await tell(writer, MERGE))
        moved(await hold(writer, 5))
    assert await balances(shop) == {
        "member/m-olga/available": 7, "member/m-olga/held": 5, "funder/retail-nsk/issued": -12,
        "fund/forest-animals/points": 50, "funder/hunter-foods/issued": -30, "fund/forest-animals/receivable": -500,
        "party/hunter-foods/payable": 300, "party/retail-nsk/payable": 200,
    } | {"funder/retail-nsk/issued": -32}  # fmt: skip


@pytest.mark.edge_case(48)
async def test_a_merger_that_the_database_refuses_leaves_nothing_half_done(shop: Address) -> None:
    await add_olga(shop)
    async with timed_writer(shop, Clock()) as writer:
        await sell(writer)
        before = await balances(shop)
        await say(shop, "ALTER TABLE card ADD CONSTRAINT broken CHECK (member <> 'olga') NOT VALID")
        with pytest.raises(asyncpg.CheckViolationError):
            await tell(writer, MERGE)
        assert await balances(shop) == before
        assert await rows(shop, "SELECT merged_into FROM member WHERE id = 'pyotr'") == [(None,)]
        await say(shop, "ALTER TABLE card DROP CONSTRAINT broken")
        assert isinstance(await tell(writer, MERGE), Moved)
        assert isinstance(await tell(writer, MERGE), Recalled)
    assert (await balances(shop))["member/m-olga/available"] == 12
