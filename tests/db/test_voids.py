"""Voids by the real writer, also such as come before their sale. Every test's ledger is verified and decided again."""

import asyncio
from typing import Any

import pytest
from test_writer import place, send, writer_on

import make
from cutter import Cutter
from databases import held_head
from lepta.db import Address
from lepta.processing.acts import Void
from lepta.processing.decide import Accepted, Decision
from lepta.processing.moving import Moved, Recalled
from lepta.processing.recognition import Refused, Repeated
from lepta.processing.state import Event, Submission
from reversing import (
    balances,
    change_programme,
    goods,
    moved,
    publish,
    refusal,
    returning,
    reversed_by,
    rows,
    sale_key,
    state,
    tell,
    void,
)

RICH: dict[str, Any] = {
    "lines": [make.line(1, 51_800, quantity="2"), make.line(2, 9_900, sku="bread")],
    "redeem": {"points": 10},
    "gifts": [{"offer": "round-up", "accepted": True, "amount": 400}],
}
"""Spends points, earns, gives packs to a fund, and rounds up."""


@pytest.mark.edge_case(5)
async def test_a_void_takes_back_all_that_a_sale_did(shop: Address) -> None:
    async with writer_on(shop) as writer:
        await publish(writer, make.ROUND_UP)
        await send(writer, sequence=1)
        before = await state(shop)
        sold = await send(writer, sequence=2, **RICH)
        assert isinstance(sold, Accepted), sold
        back = await void(writer, 2)
    assert await state(shop) == before
    outcome, sale = reversed_by(back), sold.recorded.outcome
    assert outcome.clawed_back == sale.points.earned > 0
    assert outcome.restored == 10
    assert outcome.to_refund == sale.to_pay
    assert {d.campaign for d in outcome.donations} == {"hunter-forest", "round-up"}
    assert moved(back).movement.about == (place(sold),)
    assert outcome.balance is not None
    assert outcome.balance.available == 12


async def test_a_second_void_gets_the_first_ones_answer_under_any_header(shop: Address) -> None:
    async with writer_on(shop) as writer:
        await send(writer)
        first = moved(await void(writer, key="one"))
        again = [await void(writer, key=key) for key in ("one", "two", None)]
    for answer in again:
        assert isinstance(answer, Recalled), answer
        assert answer.movement.id == first.movement.id
        assert reversed_by(answer) == reversed_by(first)
    assert await rows(shop, "SELECT subject, log_index FROM reversal") == [(1, 2)]


async def test_a_header_of_a_sale_names_no_void(shop: Address) -> None:
    async with writer_on(shop) as writer:
        await send(writer, "mine")
        assert refusal(await void(writer, key="mine")) == "idempotency-key-reused"
        moved(await void(writer, key="other"))
        reused = await send(writer, "other", sequence=5)
    assert refusal(reused) == "idempotency-key-reused"


async def test_a_void_after_partial_returns_takes_the_rest(shop: Address) -> None:
    async with writer_on(shop) as writer:
        await send(writer, sequence=1)
        before = await state(shop)
        lines = [make.line(1, 77_700, quantity="3"), make.line(2, 9_900, sku="bread")]
        sold = await send(writer, sequence=2, lines=lines)
        assert isinstance(sold, Accepted)
        parts = [await tell(writer, returning(n, 2, [goods(1, "1", 25_900)])) for n in (1, 2)]
        last = await void(writer, 2)
    assert await state(shop) == before
    taken = [reversed_by(part).clawed_back for part in (*parts, last)]
    assert sum(taken) == sold.recorded.outcome.points.earned
    assert reversed_by(last).to_refund == sold.recorded.outcome.to_pay - 2 * 25_900


async def test_a_repeat_of_a_voided_sale_is_the_sale(shop: Address) -> None:
    async with writer_on(shop) as writer:
        sold = await send(writer)
        await void(writer)
        again = await send(writer)
    assert isinstance(again, Repeated)
    assert place(again) == place(sold)


@pytest.mark.edge_case(6)
async def test_a_sale_whose_void_came_first_is_recorded_and_gives_nothing(shop: Address) -> None:
    async with writer_on(shop) as writer:
        await send(writer, sequence=1)
        before = await state(shop)
        early = moved(await void(writer, 2))
        sold = await send(writer, "header", sequence=2, redeem={"points": 5})
        again = [
            await send(writer, key, sequence=2, redeem={"points": 5})
            for key in ("header", "new", None)
        ]
        other = await send(writer, sequence=2)
        once_more = await void(writer, 2)
    assert await state(shop) == before
    assert early.movement.about == ()
    assert isinstance(sold, Accepted)
    assert sold.recorded.void == early.log_index
    assert sold.recorded.outcome.points == (0, 0, 0, 0, 0)
    assert sold.recorded.outcome.balance is not None
    assert sold.recorded.outcome.balance.available == 12
    for answer in again:
        assert isinstance(answer, Repeated), answer
        assert answer.recorded.log_index == sold.log_index
        assert answer.recorded.void == early.log_index
    assert refusal(other) == "idempotency-key-reused"
    assert isinstance(once_more, Recalled)
    assert await rows(shop, "SELECT subject, log_index FROM reversal") == [
        (sold.log_index, early.log_index)
    ]


@pytest.mark.edge_case(6)
async def test_a_void_and_its_sale_in_one_batch_come_to_nothing(shop: Address) -> None:
    async with writer_on(shop) as writer:
        async with held_head(shop):
            asked = [
                asyncio.ensure_future(void(writer, 2)),
                asyncio.ensure_future(send(writer, sequence=2)),
                asyncio.ensure_future(send(writer, "second", sequence=2)),
            ]
            await asyncio.sleep(0.1)
        early, sold, again = await asyncio.gather(*asked)
    assert isinstance(early, Moved)
    assert isinstance(sold, Accepted)
    assert sold.recorded.void == early.log_index
    assert isinstance(again, Repeated)
    assert place(again) == place(sold)
    assert await balances(shop) == {}


async def test_a_sale_and_its_void_that_wait_together_are_decided_in_their_order(
    shop: Address,
) -> None:
    async with writer_on(shop) as writer:
        async with held_head(shop):
            asked = [
                asyncio.ensure_future(send(writer, sequence=2)),
                asyncio.ensure_future(void(writer, 2)),
                asyncio.ensure_future(send(writer, "second", sequence=2)),
            ]
            await asyncio.sleep(0.1)
        sold, back, again = await asyncio.gather(*asked)
    assert isinstance(sold, Accepted)
    assert sold.recorded.void is None
    assert moved(back).movement.about == (sold.log_index,)
    assert place(again) == place(sold)
    assert await balances(shop) == {}


async def test_two_writers_void_one_sale_at_once_and_it_is_voided_once(shop: Address) -> None:
    async with writer_on(shop) as one, writer_on(shop) as other:
        await send(one)
        answers = await asyncio.gather(*(void((one, other)[n % 2], key=f"k{n}") for n in range(20)))
    assert sum(isinstance(answer, Moved) for answer in answers) == 1
    assert len({_index(answer) for answer in answers}) == 1
    assert await balances(shop) == {}


def _index(decision: Decision) -> int:
    assert isinstance(decision, (Moved, Recalled)), decision
    return decision.movement.log_index


@pytest.mark.edge_case(6)
async def test_two_writers_void_a_sale_before_it_comes_in_at_a_third(shop: Address) -> None:
    async with writer_on(shop) as one, writer_on(shop) as other, writer_on(shop) as third:
        decisions = await asyncio.gather(
            *(void((one, other)[n % 2], n // 4, key=f"v{n}") for n in range(40)),
            *(send(third, sequence=n // 4, key=f"s{n}") for n in range(40)),
        )
    recorded = [d for d in decisions if isinstance(d, Accepted)]
    voids = {d.log_index for d in decisions if isinstance(d, Moved)}
    assert len(recorded) == len(voids) == 10
    assert await balances(shop) == {}


async def test_a_sale_of_a_fiscal_document_is_void_under_that_name_too(shop: Address) -> None:
    fiscal = {"fn": "9999078900001234", "i": 7, "fp": "26"}
    async with writer_on(shop) as writer:
        await void(writer, 2)
        sold = await send(writer, sequence=2, fiscal=fiscal)
        resent = await send(writer, sequence=3, fiscal=fiscal)
    assert isinstance(resent, Repeated)
    assert place(resent) == place(sold)
    assert resent.recorded.void is not None


async def test_a_members_first_sale_that_was_void_before_it_came_in_opens_no_account(
    shop: Address,
) -> None:
    async with writer_on(shop) as writer:
        await void(writer, 1)
        sold = await send(writer, sequence=1)
    assert isinstance(sold, Accepted)
    assert sold.booked.member is None
    assert await rows(shop, "SELECT ref FROM account WHERE kind = 'member'") == []


async def test_points_spent_elsewhere_are_owed_and_the_next_ones_pay(shop: Address) -> None:
    async with writer_on(shop) as writer:
        await change_programme(writer, debt="allowed")
        await send(writer, sequence=1)
        await send(
            writer,
            sequence=2,
            card=make.CARD,
            redeem={"points": 10},
            lines=[make.line(amount=1_000)],
        )
        back = await void(writer, 1)
        owing = await balances(shop)
        paid = await send(writer, sequence=3, lines=[make.line(amount=12_000, sku="bread")])
        clear = await send(writer, sequence=4)
        free = await balances(shop)
    assert reversed_by(back).owed == 10
    assert owing["member/m-pyotr/owed"] == -10
    assert "member/m-pyotr/available" not in owing
    assert isinstance(paid, Accepted)
    assert paid.recorded.outcome.points.earned == 6
    assert "repaid" in paid.recorded.outcome.flags
    assert paid.recorded.outcome.balance is not None
    assert paid.recorded.outcome.balance.available == 0
    assert isinstance(clear, Accepted)
    assert clear.recorded.outcome.balance is not None
    assert clear.recorded.outcome.balance.available == 12 - 4
    assert "member/m-pyotr/owed" not in free


async def test_voids_of_an_earning_and_a_spending_sale_in_either_order_leave_nothing(
    shop: Address, other_shop: Address
) -> None:
    for address, order in ((shop, (1, 2, 3)), (other_shop, (3, 1, 2))):
        async with writer_on(address) as writer:
            await change_programme(writer, debt="allowed")
            before = await state(address)
            await send(writer, sequence=1)
            await send(writer, sequence=2, redeem={"points": 12}, lines=[make.line(amount=1_200)])
            await send(writer, sequence=3)
            backs = [reversed_by(await void(writer, n)) for n in order]
        assert await state(address) == before
        assert await balances(address) == {}
        assert sum(back.owed - back.repaid for back in backs) == 0


async def test_points_that_a_void_gives_back_pay_what_the_member_owes(shop: Address) -> None:
    async with writer_on(shop) as writer:
        await change_programme(writer, debt="allowed")
        await send(writer, sequence=1)
        await send(writer, sequence=2, redeem={"points": 10}, lines=[make.line(amount=1_000)])
        owing, paying = [reversed_by(await void(writer, n)) for n in (1, 2)]
    assert (owing.clawed_back, owing.owed, owing.repaid) == (12, 10, 0)
    assert (paying.restored, paying.repaid, paying.owed) == (10, 10, 0)
    assert paying.balance is not None
    assert paying.balance.available == 0
    assert await balances(shop) == {}


@pytest.mark.edge_case(35)
async def test_a_void_gives_the_last_unit_to_exactly_one_of_twenty_sales(shop: Address) -> None:
    limited = {
        **make.HUNTER,
        "campaign": "last-one",
        "limits": {"units": 1, "budget": {"money": 500}},
    }
    async with writer_on(shop) as one, writer_on(shop) as other:
        await publish(one, {**limited, "who": {"card": "optional"}})
        first = await send(one, sequence=1)
        async with held_head(shop):
            voided = asyncio.ensure_future(void(one, 1))
            await asyncio.sleep(0.05)
            waiting = [
                asyncio.ensure_future(send((one, other)[n % 2], sequence=n, card=None))
                for n in range(2, 22)
            ]
            await asyncio.sleep(0.1)
        decisions = await asyncio.gather(*waiting)
        await voided
        late = await send(one, sequence=99, card=None)
    assert _gave(first, "last-one") == 1
    assert sum(_gave(d, "last-one") for d in [*decisions, late]) == 1


def _gave(decision: Decision, campaign: str) -> int:
    assert isinstance(decision, Accepted), decision
    return sum(d.units for d in decision.recorded.outcome.donations if d.campaign == campaign)


async def test_a_void_whose_commit_got_no_answer_is_looked_up_and_never_guessed(
    shop: Address, other_shop: Address
) -> None:
    for address, after in ((shop, False), (other_shop, True)):
        async with Cutter(address) as cutter, writer_on(cutter.address) as writer:
            for n in range(10):
                await send(writer, sequence=n)
            cutter.cut_at_commit(after=after)
            answers = await asyncio.gather(*(void(writer, n) for n in range(12)))
            assert cutter.cuts == 1
            assert all(isinstance(answer, Moved) for answer in answers)
            again = await asyncio.gather(*(void(writer, n) for n in range(12)))
        assert [_index(a) for a in again] == [_index(a) for a in answers]
        assert await balances(address) == {}


async def test_an_anonymous_sale_is_voided_too(shop: Address) -> None:
    async with writer_on(shop) as writer:
        await publish(writer, {**make.HUNTER, "campaign": "for-all", "who": {"card": "optional"}})
        sold = await send(writer, card=None)
        back = await void(writer)
    assert _gave(sold, "for-all") == 1
    assert reversed_by(back).balance is None
    assert await balances(shop) == {}
    assert await rows(shop, "SELECT donations, points FROM standing") == [(0, 0)]


async def test_a_void_and_returns_of_one_sale_at_once_never_take_back_more_than_it_gave(
    shop: Address,
) -> None:
    lines = [make.line(1, 103_600, quantity="4")]
    async with writer_on(shop) as one, writer_on(shop) as other:
        await send(one, lines=lines)
        decisions = await asyncio.gather(
            *(tell((one, other)[n % 2], returning(n)) for n in range(6)),
            void(one),
            void(other, key="k"),
        )
    assert await balances(shop) == {}
    for decision in decisions:
        assert isinstance(decision, (Moved, Recalled)) or refusal(decision) == "over-return"


async def test_the_same_in_another_split_gives_the_same_entries(
    shop: Address, other_shop: Address
) -> None:
    async def run(address: Address, size: int) -> list[Any]:
        async with writer_on(address, batch_size=size) as writer:
            async with held_head(address):
                asked = [asyncio.ensure_future(writer.submit(one)) for one in _mixed()]
                await asyncio.sleep(0.1)
            answers = [answered.decision for answered in await asyncio.gather(*asked)]
        return [_made(decision) for decision in answers]

    one_by_one, together = await run(shop, 1), await run(other_shop, 256)
    assert one_by_one == together
    assert await state(shop) == await state(other_shop)


def _mixed() -> list[Submission]:
    sales = [
        make.checkout(
            sequence=n,
            redeem={"points": n % 4},
            offline=True,
            lines=[make.line(quantity="2", amount=30_000)],
        )
        for n in range(12)
    ]
    acts: list[Event] = [
        *(returning(n, n, [goods(1, "1", 15_000)]) for n in range(0, 14, 3)),
        *(Void(sale_key(n)) for n in range(0, 16, 2)),
    ]
    late = [make.checkout(sequence=n) for n in range(12, 16)]
    events: list[Event] = [*sales, *acts, *late]
    return list(map(Submission.of, events))


def _made(decision: Decision) -> Any:
    if isinstance(decision, (Accepted, Moved)):
        booked = decision.booked
        return booked.postings, booked.spent, booked.moves, booked.used
    assert isinstance(decision, Refused), decision
    return decision.error.code
