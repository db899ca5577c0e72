"""Holds by the real writer: points set aside, captured, released, expired. Every test's ledger is verified, replayed too."""

import asyncio
from datetime import UTC, date, datetime
from typing import Any

import pytest
from test_lot_days import ENDS, WAITS
from test_writer import place, send, writer_on

import make
from cutter import Cutter
from databases import held_head
from holds import Clock, hold, holding, id_of, outcome_of, place_of, release, timed_writer
from lepta.db import Address
from lepta.ledger.entries import Code
from lepta.processing.acts import LotsDue, Release
from lepta.processing.decide import Accepted, Decision
from lepta.processing.moving import Moved, Recalled
from lepta.processing.recognition import Refused
from lepta.processing.writer import Writer
from reversing import (
    balances,
    moved,
    publish,
    refusal,
    returning,
    reversed_by,
    rows,
    state,
    tell,
    void,
)

AVAILABLE, HELD = "member/m-pyotr/available", "member/m-pyotr/held"


def recorded(decision: Decision) -> Any:
    assert isinstance(decision, Accepted), decision
    return decision.recorded


async def open_holds(shop: Address) -> list[tuple[Any, ...]]:
    return await rows(shop, "SELECT log_index, points FROM hold ORDER BY 1")


async def resolutions(shop: Address) -> list[tuple[Any, ...]]:
    return await rows(shop, "SELECT hold, log_index FROM resolution ORDER BY 1")


async def test_points_on_hold_are_not_there_for_others_and_come_back(shop: Address) -> None:
    async with writer_on(shop) as writer:
        await send(writer, sequence=1)
        before = await state(shop)
        held = moved(await hold(writer, 10))
        during = await balances(shop)
        more = await hold(writer, 3)
        sale = await send(writer, sequence=2, redeem={"points": 3})
        freed = moved(await release(writer, held))
        again = await release(writer, held)
    assert (during[AVAILABLE], during[HELD]) == (2, 10)
    assert outcome_of(held)["balance"][:3] == [2, 10, 0]
    assert [p.code for p in held.booked.postings] == [Code.HOLD]
    for refused in (more, sale):
        assert isinstance(refused, Refused)
        assert refused.error.code == "insufficient-points"
        assert refused.error.members["redeemable"] == 2
    assert outcome_of(freed)["ended"] == "released"
    assert isinstance(again, Recalled)
    assert again.movement.id == freed.movement.id
    assert await state(shop) == before
    assert await open_holds(shop) == []
    assert await resolutions(shop) == [(place_of(held), place_of(freed))]


async def test_a_sale_that_names_a_hold_spends_from_it_and_frees_the_rest(shop: Address) -> None:
    async with writer_on(shop) as writer:
        await send(writer, sequence=1)
        held = await hold(writer, 10)
        decision = await send(writer, sequence=2, hold=id_of(held), redeem={"points": 4})
        late = await release(writer, held)
    sale = recorded(decision)
    assert isinstance(decision, Accepted)
    assert [p.code for p in decision.booked.postings][:2] == [Code.RELEASE, Code.REDEEM]
    assert sale.outcome.points.redeemed == 4
    assert "hold-ended" not in sale.outcome.flags
    assert sale.outcome.balance.held == 0
    assert sale.outcome.balance.available == 12 - 4 + sale.outcome.points.earned
    assert isinstance(late, Refused)
    assert late.error.code == "hold-captured"
    assert late.error.members == {"checkout": sale.id}
    assert await resolutions(shop) == [(place_of(held), place(decision))]


async def test_all_that_is_held_may_be_redeemed_or_nothing_of_it(shop: Address) -> None:
    async with writer_on(shop) as writer:
        await send(writer, sequence=1)
        held = await hold(writer, 12)
        most = recorded(await send(writer, sequence=2, hold=id_of(held), redeem={"max": True}))
        again = await hold(writer, 5)
        nothing = recorded(await send(writer, sequence=3, hold=id_of(again)))
    assert most.outcome.points.redeemed == 12
    assert nothing.outcome.points.redeemed == 0
    assert HELD not in await balances(shop)


async def test_a_hold_and_what_is_free_may_be_spent_together(shop: Address) -> None:
    async with writer_on(shop) as writer:
        await send(writer, sequence=1)
        held = await hold(writer, 7)
        over = await send(writer, sequence=2, hold=id_of(held), redeem={"points": 13})
        both = recorded(await send(writer, sequence=2, hold=id_of(held), redeem={"points": 12}))
    assert isinstance(over, Refused)
    assert over.error.members["redeemable"] == 12
    assert both.outcome.points.redeemed == 12


async def test_a_sale_that_is_refused_leaves_its_hold_as_it_was(shop: Address) -> None:
    async with writer_on(shop) as writer:
        await send(writer, sequence=1)
        held = await hold(writer, 10)
        sale: dict[str, Any] = {"sequence": 2, "hold": id_of(held), "redeem": {"points": 13}}
        assert refusal(await send(writer, "key", **sale)) == "insufficient-points"
        assert refusal(await send(writer, "key", **sale)) == "insufficient-points"
        assert await open_holds(shop) == [(place_of(held), 10)]
        place(await send(writer, **{**sale, "redeem": {"points": 12}}))


@pytest.mark.edge_case(12)
async def test_a_repeat_of_a_hold_under_its_header_is_that_hold(shop: Address) -> None:
    async with writer_on(shop) as writer:
        await send(writer, sequence=1)
        first = moved(await hold(writer, 5, "key"))
        again = await hold(writer, 5, "key", status="blocked", member=None)
        others = [
            await hold(writer, 6, "key"),
            await hold(writer, 5, "key", card="2900000000025"),
            await hold(writer, 5, "key", ttl_s=60),
            await send(writer, "key", sequence=2),
        ]
        await release(writer, first)
        ended = await hold(writer, 5, "key")
    assert isinstance(again, Recalled)
    assert isinstance(ended, Recalled)
    assert {again.movement.id, ended.movement.id} == {first.movement.id}
    assert {refusal(other) for other in others} == {"idempotency-key-reused"}


async def test_equal_holds_without_a_header_are_as_many_holds(shop: Address) -> None:
    async with writer_on(shop) as writer:
        await send(writer, sequence=1)
        async with held_head(shop):
            asked = [asyncio.ensure_future(hold(writer, 5)) for _ in range(3)]
            await asyncio.sleep(0.1)
        decisions = await asyncio.gather(*asked)
    assert sorted(type(d).__name__ for d in decisions) == ["Moved", "Moved", "Refused"]
    assert sum(points for _, points in await open_holds(shop)) == 10


@pytest.mark.parametrize("status", ["unknown", "not-activated", "blocked"])
async def test_a_card_that_may_not_spend_holds_nothing(shop: Address, status: str) -> None:
    member = None if status == "unknown" else "m-pyotr"
    async with writer_on(shop) as writer:
        await send(writer, sequence=1)
        refused = await hold(writer, 1, "key", status=status, member=member)
        stored = await hold(writer, 1, "key")
    assert isinstance(refused, Refused)
    assert refused.error.members["redeemable"] == 0
    assert isinstance(stored, Refused)
    assert str(stored.error) == str(refused.error)


async def test_a_member_without_points_and_a_store_nobody_knows_hold_nothing(shop: Address) -> None:
    async with writer_on(shop) as writer:
        assert refusal(await hold(writer, 1)) == "insufficient-points"
        assert refusal(await hold(writer, 1, till=("nowhere", "1"))) == "invalid-request"


async def test_a_hold_of_nobody_or_of_another_store_is_no_sales_own(shop: Address) -> None:
    async with writer_on(shop) as writer:
        await send(writer, sequence=1)
        held = await hold(writer, 5)
        mismatched = [
            await send(writer, sequence=2, hold="0" * 24),
            await send(writer, sequence=2, hold="no hold"),
            await send(writer, sequence=2, hold=id_of(held)[:-1] + "x"),
            await send(writer, sequence=2, hold=id_of(held), card=None),
            await send(writer, sequence=2, hold=id_of(held), card="2900000000099"),
        ]
        offline = recorded(
            await send(writer, sequence=2, hold="no", offline=True, redeem={"points": 9})
        )
        assert refusal(await tell(writer, Release(1))) == "unknown-hold"
        assert refusal(await tell(writer, Release(99))) == "unknown-hold"
    assert {refusal(each) for each in mismatched} == {"hold-mismatch"}
    assert {"unknown-hold", "shortfall"} <= set(offline.outcome.flags)
    assert (offline.outcome.points.redeemed, offline.outcome.points.shortfall) == (7, 2)
    assert await open_holds(shop) == [(place_of(held), 5)]


async def test_a_hold_that_expires_is_released_once_and_not_before(shop: Address) -> None:
    clock = Clock()
    async with timed_writer(shop, clock) as writer:
        await send(writer, sequence=1)
        held = await hold(writer, 10, ttl_s=60)
        clock.pass_s(59.999)
        assert refusal(await release(writer, held, expired=True)) == "hold-not-expired"
        clock.pass_s(0.001)
        decisions = await asyncio.gather(*(release(writer, held, expired=True) for _ in range(5)))
        by_till = await release(writer, held)
    assert outcome_of(decisions[0])["ended"] == "expired"
    assert {place_of(each) for each in (*decisions, by_till)} == {place_of(decisions[0])}
    assert len(await resolutions(shop)) == 1


@pytest.mark.parametrize("swept", [False, True])
@pytest.mark.edge_case(7)
async def test_a_hold_that_expires_under_way_lets_its_sale_spend_what_is_free(
    shop: Address, swept: bool
) -> None:
    clock = Clock()
    async with timed_writer(shop, clock) as writer:
        await send(writer, sequence=1)
        held = await hold(writer, 10, ttl_s=60)
        clock.pass_s(60)
        if swept:
            await release(writer, held, expired=True)
        sale = recorded(await send(writer, sequence=2, hold=id_of(held), redeem={"points": 12}))
        late = await release(writer, held, expired=True)
    assert sale.outcome.points.redeemed == 12
    assert "hold-ended" in sale.outcome.flags
    assert isinstance(late, Recalled if swept else Refused)
    assert HELD not in await balances(shop)


@pytest.mark.edge_case(7)
async def test_a_hold_that_expired_and_was_spent_elsewhere_is_not_spent_twice(
    shop: Address,
) -> None:
    clock = Clock()
    async with timed_writer(shop, clock) as writer:
        await send(writer, sequence=1, lines=[make.line(1, 30_000, sku="bread")])
        held = await hold(writer, 10, ttl_s=60)
        clock.pass_s(60)
        await release(writer, held, expired=True)
        await send(
            writer, sequence=2, redeem={"points": 12}, lines=[make.line(1, 1_900, sku="bread")]
        )
        refused = await send(writer, sequence=3, hold=id_of(held), redeem={"points": 10})
        offline = recorded(
            await send(writer, sequence=3, hold=id_of(held), redeem={"points": 10}, offline=True)
        )
    assert isinstance(refused, Refused)
    assert refused.error.members["redeemable"] == 3
    assert offline.outcome.points[2:] == (3, 0, 7)
    assert {"hold-ended", "shortfall"} <= set(offline.outcome.flags)


@pytest.mark.edge_case(8, 51)
async def test_two_sales_that_name_one_hold_capture_it_once(shop: Address) -> None:
    async with writer_on(shop) as one, writer_on(shop) as other:
        await send(one, sequence=1)
        held = await hold(one, 10)
        async with held_head(shop):
            asked = [
                asyncio.ensure_future(
                    send(writer, sequence=n, hold=id_of(held), redeem={"points": 10})
                )
                for n, writer in enumerate((one, one, other, other), start=2)
            ]
            await asyncio.sleep(0.1)
        decisions = await asyncio.gather(*asked)
    won = [d for d in decisions if isinstance(d, Accepted) and "hold-ended" not in flags(d)]
    assert len(won) == 1
    assert len(await resolutions(shop)) == 1
    for decision in decisions:
        if isinstance(decision, Refused):
            assert decision.error.code == "insufficient-points"


def flags(decision: Accepted) -> tuple[str, ...]:
    return decision.recorded.outcome.flags


@pytest.mark.edge_case(7)
async def test_a_release_and_a_sale_at_once_agree(shop: Address) -> None:
    async with writer_on(shop) as one, writer_on(shop) as other:
        await send(one, sequence=1)
        held = await hold(one, 10)
        async with held_head(shop):
            asked = [
                asyncio.ensure_future(release(other, held)),
                asyncio.ensure_future(release(one, held)),
                asyncio.ensure_future(
                    send(one, sequence=2, hold=id_of(held), redeem={"points": 10})
                ),
            ]
            await asyncio.sleep(0.1)
        decisions = await asyncio.gather(*asked)
    assert recorded(decisions[2]).outcome.points.redeemed == 10
    assert len(await resolutions(shop)) == 1
    assert HELD not in await balances(shop)


@pytest.mark.edge_case(8)
async def test_whatever_two_writers_hold_and_spend_is_never_more_than_there_is(
    shop: Address,
) -> None:
    async def use(writer: Writer, n: int) -> Decision:
        if n % 3:
            return await hold(writer, 4)
        return await send(
            writer, sequence=n, redeem={"points": 5}, lines=[make.line(1, 1_000, sku="bread")]
        )

    async with writer_on(shop) as one, writer_on(shop) as other:
        await send(one, sequence=1, lines=[make.line(1, 80_000, sku="bread")])
        decisions = await asyncio.gather(
            *(use((one, other)[n % 2], n) for n in range(2, 40)),
        )
    taken = sum(
        5 if isinstance(d, Accepted) else 4 for d in decisions if isinstance(d, Accepted | Moved)
    )
    left = await balances(shop)
    assert taken + left.get(AVAILABLE, 0) == 40
    assert {refusal(d) for d in decisions if isinstance(d, Refused)} == {"insufficient-points"}
    assert left[HELD] == sum(points for _, points in await open_holds(shop))


@pytest.mark.edge_case(44)
async def test_a_lot_that_ends_on_hold_may_still_be_spent_from_it_and_expires_on_release(
    shop: Address,
) -> None:
    clock = Clock(datetime(2026, 12, 31, 16, 50, tzinfo=UTC))
    new_year: dict[str, Any] = {
        "business_day": "2027-01-01", "occurred_at": "2027-01-01T00:05:00+07:00",
        "lines": [make.line(1, 1_900, sku="bread")],
    }  # fmt: skip
    async with timed_writer(shop, clock) as writer:
        await publish(writer, ENDS)
        await send(writer, sequence=1)
        one, two = await hold(writer, 3), await hold(writer, 2)
        clock.now = datetime(2026, 12, 31, 17, 4, tzinfo=UTC)
        await tell(writer, LotsDue("m-pyotr", "club", date(2027, 1, 1)))
        kept = await send(writer, sequence=2, hold=id_of(one), redeem={"points": 4}, **new_year)
        freed = moved(await release(writer, two))
        gone = moved(await tell(writer, LotsDue("m-pyotr", "club", date(2027, 1, 1))))
    assert isinstance(kept, Accepted)
    # ENDS gives five points to each sale: three of those on hold go first, then one of the points without an end.
    assert [(s.lot.log_index, s.points) for s in kept.booked.spent] == [(2, 3), (2, 1)]
    assert kept.booked.spent[0].lot.expires_on == date(2026, 12, 31)
    assert outcome_of(freed)["ended"] == "released"
    assert outcome_of(gone)["expire"] == 2


async def test_of_one_lot_two_holds_and_a_sale_take_their_own_parts(shop: Address) -> None:
    async with writer_on(shop) as writer:
        await send(writer, sequence=1)
        one, two = await hold(writer, 3), await hold(writer, 4)
        sold = recorded(await send(writer, sequence=2, hold=id_of(two), redeem={"points": 6}))
        assert await open_holds(shop) == [(place_of(one), 3)]
        moved(await release(writer, one))
        back = moved(await void(writer, 2))
    assert sold.outcome.points.redeemed == 6
    assert reversed_by(back).restored == 6
    left = await balances(shop)
    assert left[AVAILABLE] == 12
    assert HELD not in left


async def test_a_return_of_a_sale_that_captured_a_hold_restores_what_it_spent(
    shop: Address,
) -> None:
    async with writer_on(shop) as writer:
        await send(writer, sequence=1)
        before = await state(shop)
        held = await hold(writer, 10)
        await send(writer, sequence=2, hold=id_of(held), redeem={"points": 10})
        moved(await tell(writer, returning(1, 2)))
    after = await state(shop)
    assert after[0] == before[0]
    assert sum(lot[4] for lot in after[1]) == sum(lot[4] for lot in before[1])


async def test_a_void_that_comes_first_leaves_the_hold_of_its_sale_open(shop: Address) -> None:
    async with writer_on(shop) as writer:
        await send(writer, sequence=1)
        held = await hold(writer, 10)
        await void(writer, 2)
        late = recorded(await send(writer, sequence=2, hold=id_of(held), redeem={"points": 10}))
        assert late.outcome.points.redeemed == 0
        assert await open_holds(shop) == [(place_of(held), 10)]


async def test_days_of_lots_holds_and_a_gift_of_held_points_agree(shop: Address) -> None:
    async with writer_on(shop) as writer:
        await publish(writer, WAITS, ENDS)
        await send(writer, sequence=1)
        async with held_head(shop):
            asked = [
                asyncio.ensure_future(tell(writer, LotsDue("m-pyotr", "club", date(2026, 11, 22)))),
                asyncio.ensure_future(hold(writer, 9)),
                asyncio.ensure_future(send(writer, sequence=2, redeem={"points": 3})),
                asyncio.ensure_future(hold(writer, 4)),
            ]
            await asyncio.sleep(0.1)
        await asyncio.gather(*asked)
    assert sum(points for _, points in await open_holds(shop)) == 13


async def test_a_hold_whose_commit_is_lost_is_there_once(shop: Address) -> None:
    async with writer_on(shop) as writer:
        await send(writer, sequence=1)
    async with Cutter(shop) as cutter, writer_on(cutter.address) as writer:
        cutter.cut_at_commit(after=True)
        first = await hold(writer, 5, "key")
        again = await hold(writer, 5, "key")
    assert isinstance(again, Recalled | Moved)
    assert place_of(first) == place_of(again)
    assert len(await open_holds(shop)) == 1


async def test_holds_are_the_same_events_in_any_split_into_batches(
    shop: Address, other_shop: Address
) -> None:
    clock = Clock()

    async def run(address: Address, *, together: bool) -> list[Any]:
        async with timed_writer(address, clock) as writer:
            await send(writer, sequence=1)
            acts = [holding(n) for n in (3, 4, 5, 1)]
            if together:
                async with held_head(address):
                    asked = [asyncio.ensure_future(tell(writer, act)) for act in acts]
                    await asyncio.sleep(0.1)
                await asyncio.gather(*asked)
            else:
                for act in acts:
                    await tell(writer, act)
        return await rows(
            address, "SELECT log_index, leg, debit, credit, amount, code FROM entry ORDER BY 1, 2"
        )

    assert await run(shop, together=True) == await run(other_shop, together=False)
