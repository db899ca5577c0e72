"""Returns by the real writer: in part, in turn, of nobody knows what. Every test's ledger is verified and decided again."""

import asyncio
from datetime import UTC, date, datetime
from typing import Any

import pytest
from test_writer import place, send, writer_on

import make
from cutter import Cutter
from databases import held_head, say
from lepta.db import Address
from lepta.ledger.entries import Code
from lepta.processing.acts import LotsDue
from lepta.processing.decide import Accepted, Decision
from lepta.processing.events import Publish
from lepta.processing.moving import Moved, Recalled
from lepta.processing.recognition import Refused
from lepta.processing.reversed import Because
from lepta.processing.state import Submission
from lepta.processing.writer import Writer
from lepta.rules.rulebook import Change, PublishedCampaign
from reversing import (
    balances,
    change_programme,
    flags_of,
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

THREE: dict[str, Any] = {"lines": [make.line(1, 77_700, quantity="3")]}
WAITS = {
    "campaign": "waits", "programme": "club", "kind": "bonus", "effect": {"earn": {"points": 7}, "pending_days": 3},
}  # fmt: skip
ENDS = {
    "campaign": "ends", "programme": "club", "kind": "bonus",
    "effect": {"earn": {"points": 50}, "expire_after": {"months": 1}},
}  # fmt: skip
WELCOME = {
    "campaign": "welcome", "programme": "club", "kind": "bonus", "effect": {"earn": {"points": 500}, "welcome": True},
}  # fmt: skip
OTHER_RETAILER = (
    "INSERT INTO party (id, kind, name) VALUES ('retail-omsk', 'retailer', '\"Omsk\"')",
    """
    INSERT INTO store (id, retailer, region, time_zone, currency, language, programme) VALUES
        ('oms-01', 'retail-omsk', 'siberia', 'Asia/Omsk', 'RUB', 'ru', 'club'),
        ('nsk-08', 'retail-nsk', 'siberia', 'Asia/Novosibirsk', 'RUB', 'ru', 'club')
    """,
    "UPDATE office_version SET version = version + 1",
)


@pytest.mark.edge_case(13)
async def test_a_sale_returned_in_three_parts_leaves_nothing(shop: Address) -> None:
    async with writer_on(shop) as writer:
        await send(writer, sequence=1)
        before = await state(shop)
        sold = await send(writer, sequence=2, redeem={"points": 10}, **THREE)
        assert isinstance(sold, Accepted)
        parts = [await tell(writer, returning(n, 2)) for n in (1, 2, 3)]
        over = await tell(writer, returning(4, 2))
    assert await state(shop) == before
    outcomes = [reversed_by(part) for part in parts]
    assert sum(o.clawed_back for o in outcomes) == sold.recorded.outcome.points.earned
    assert sum(o.restored for o in outcomes) == 10
    assert sum(o.to_refund for o in outcomes) == sold.recorded.outcome.to_pay
    assert refusal(over) == "over-return"
    assert await rows(shop, "SELECT subject, count(*) FROM reversal GROUP BY 1") == [(2, 3)]


async def test_a_return_sent_again_is_the_same_return(shop: Address) -> None:
    async with writer_on(shop) as writer:
        await send(writer, **THREE)
        first = moved(await tell(writer, returning(), "one"))
        later = returning(occurred_at=datetime(2026, 11, 22, 13, tzinfo=UTC))
        for key in ("one", "two", None):
            again = await tell(writer, returning(offline=True), key)
            assert isinstance(again, Recalled), again
            assert again.movement.id == first.movement.id
        assert refusal(await tell(writer, later)) == "idempotency-key-reused"
        assert refusal(await tell(writer, later, "one")) == "idempotency-key-reused"
    assert len(await rows(shop, "SELECT FROM reversal")) == 1


async def test_a_refusal_is_remembered_under_its_header_and_not_under_the_returns_own_key(
    shop: Address,
) -> None:
    async with writer_on(shop) as writer:
        early = await tell(writer, returning(), "early")
        await send(writer)
        over = await tell(writer, returning(2, lines=[goods(1, "2", 1)]), "over")
    async with writer_on(shop) as writer:
        assert str(_error(await tell(writer, returning(), "early"))) == str(_error(early))
        again = await tell(writer, returning(2, lines=[goods(1, "2", 1)]), "over")
        assert _error(again).members == _error(over).members
        assert isinstance(await tell(writer, returning(), "right"), Moved)
    assert refusal(early) == "unknown-original"
    assert _error(over).members["left"] == [{"line": 1, "quantity": "1", "amount": 25_900}]


def _error(decision: Decision) -> Any:
    assert isinstance(decision, Refused), decision
    return decision.error


@pytest.mark.edge_case(19)
async def test_a_return_that_names_no_sale_moves_nothing_and_can_be_found(shop: Address) -> None:
    async with writer_on(shop) as writer:
        await send(writer)
        before = await state(shop)
        lost = await tell(writer, returning(1, None))
        offline = await tell(writer, returning(2, 99, offline=True))
        await tell(writer, returning(3, offline=True))
        after = await state(shop)
    assert await state(shop) == after != before
    assert flags_of(lost)[0] == "unreferenced"
    assert flags_of(offline)[:2] == ("unreferenced", "unknown-original")
    assert reversed_by(lost).to_refund == 25_900
    unreferenced = """
        SELECT log_index FROM event e WHERE shard = 0 AND kind = 4
            AND NOT EXISTS (SELECT FROM reversal WHERE shard = 0 AND log_index = e.log_index)
        ORDER BY log_index
    """
    found = [index for (index,) in await rows(shop, unreferenced)]
    assert found == [moved(lost).log_index, moved(offline).log_index]


async def test_nothing_comes_back_of_a_voided_sale_whenever_it_was_voided(shop: Address) -> None:
    async with writer_on(shop) as writer:
        await send(writer, sequence=1)
        await void(writer, 1)
        await void(writer, 2)
        early = await tell(writer, returning(1, 2))
        await send(writer, sequence=2)
        refused = [early, await tell(writer, returning(1, 2)), await tell(writer, returning(2, 1))]
    for decision in refused:
        assert refusal(decision) == "over-return"
        assert _error(decision).members["left"] == []


@pytest.mark.edge_case(20)
async def test_goods_come_back_in_any_store_of_the_retailer_and_in_no_other(shop: Address) -> None:
    await say(shop, *OTHER_RETAILER)
    async with writer_on(shop) as writer:
        await send(writer, **THREE)
        here = await tell(writer, returning(key=sale_key(1, "nsk-08")))
        elsewhere = await tell(writer, returning(key=sale_key(1, "oms-01")))
        over = await tell(writer, returning(key=sale_key(1, "oms-01"), offline=True))
        nowhere = await tell(writer, returning(key=sale_key(1, "nsk-99")), "header")
    assert reversed_by(here).clawed_back > 0
    assert refusal(elsewhere) == "unknown-original"
    assert "another retailer's" in str(_error(elsewhere))
    assert flags_of(over)[0] == "unreferenced"
    assert refusal(nowhere) == "invalid-request"


@pytest.mark.edge_case(55)
async def test_what_a_shopper_gave_stays_with_the_fund_until_the_sale_is_voided(
    shop: Address,
) -> None:
    async with writer_on(shop) as writer:
        await publish(writer, make.ROUND_UP)
        await send(writer, gifts=[{"offer": "round-up", "accepted": True, "amount": 100}])
        back = reversed_by(await tell(writer, returning()))
        kept = await balances(shop)
        rest = reversed_by(await void(writer))
    outcomes = {each.campaign: each.because for each in back.donations}
    assert outcomes["round-up"] == Because.SHOPPERS_GIFT
    assert outcomes["hunter-forest"] == Because.RETURNED
    assert kept["shopper/retail-nsk/collected"] == 100
    assert rest.to_refund == 100
    assert await balances(shop) == {}


@pytest.mark.edge_case(16)
async def test_points_come_back_to_their_lots_and_to_new_ones_where_these_have_ended(
    shop: Address,
) -> None:
    clock = [datetime(2026, 11, 22, 11, 20, tzinfo=UTC)]
    async with writer_on(shop, clock=lambda: clock[0]) as writer:
        await change_programme(writer, restore_grace_days=5)
        await publish_more(writer, ENDS)
        await send(writer, sequence=1)
        ends = await rows(shop, "SELECT expires_on, remaining FROM lot ORDER BY 1")
        await send(writer, sequence=2, redeem={"points": 20})
        clock[0] = datetime(2027, 1, 5, 11, 20, tzinfo=UTC)
        await tell(writer, LotsDue("m-pyotr", "club", date(2027, 1, 5)))
        back = moved(await void(writer, 2))
    outcome = reversed_by(back)
    assert ends == [(date(2026, 12, 31), 50), (date(2027, 11, 30), 12)]
    assert outcome.restored == 20
    assert [(one.points, one.parent) for one in outcome.renewed] == [(20, 3)]
    new = await rows(shop, "SELECT expires_on FROM lot WHERE remaining = 20")
    assert new == [(date(2027, 1, 10),)]


async def publish_more(writer: Writer, *documents: dict[str, Any]) -> None:
    """Campaigns beside a version of the programme that is in force."""
    items = tuple(PublishedCampaign(each["campaign"], 1, None, each) for each in documents)
    await writer.submit(Submission.of(Publish(Change(items).canonical())))


async def test_points_that_wait_are_taken_back_before_they_may_be_spent(shop: Address) -> None:
    async with writer_on(shop) as writer:
        await publish(writer, WAITS)
        await send(writer)
        back = moved(await tell(writer, returning()))
    assert reversed_by(back).clawed_back == 12 + 7
    assert await balances(shop) == {}
    assert await rows(shop, "SELECT FROM lot") == []


async def test_points_that_mature_pay_a_debt_first(shop: Address) -> None:
    clock = [datetime(2026, 11, 22, 11, 20, tzinfo=UTC)]
    async with writer_on(shop, clock=lambda: clock[0]) as writer:
        await change_programme(writer, debt="allowed")
        await send(writer, sequence=1)
        await publish_more(writer, WAITS)
        await send(writer, sequence=2, redeem={"points": 12}, lines=[make.line(amount=1_000)])
        await void(writer, 1)
        owing = await balances(shop)
        clock[0] = datetime(2026, 11, 25, 11, 20, tzinfo=UTC)
        matured = moved(await tell(writer, LotsDue("m-pyotr", "club", date(2026, 11, 25))))
    assert owing["member/m-pyotr/owed"] == -12
    assert owing["member/m-pyotr/pending"] == 7
    assert matured.movement.outcome == {"repay": 7}
    assert [posting.code for posting in matured.booked.postings] == [Code.REPAY]
    left = await balances(shop)
    assert left["member/m-pyotr/owed"] == -5
    assert "member/m-pyotr/pending" not in left


async def test_a_return_after_its_lots_have_ended_takes_nothing_for_them(shop: Address) -> None:
    clock = [datetime(2026, 11, 22, 11, 20, tzinfo=UTC)]
    async with writer_on(shop, clock=lambda: clock[0]) as writer:
        await publish(writer, ENDS)
        await send(writer)
        clock[0] = datetime(2027, 1, 5, 11, 20, tzinfo=UTC)
        async with held_head(shop):
            asked = [
                asyncio.ensure_future(tell(writer, LotsDue("m-pyotr", "club", date(2027, 1, 5)))),
                asyncio.ensure_future(tell(writer, returning())),
            ]
            await asyncio.sleep(0.1)
        _, back = await asyncio.gather(*asked)
    outcome = reversed_by(back)
    assert outcome.clawed_back == 12
    assert outcome.shortfall == outcome.owed == 0
    assert sum(points for _, points in outcome.lapsed) == 50


@pytest.mark.edge_case(15)
async def test_a_debt_that_is_not_allowed_is_missed_and_said(shop: Address) -> None:
    async with writer_on(shop) as writer:
        await change_programme(writer, debt="to-zero")
        await send(writer, sequence=1)
        await send(writer, sequence=2, redeem={"points": 12}, lines=[make.line(amount=1_000)])
        back = reversed_by(await tell(writer, returning(1, 1)))
    assert back.shortfall == 12
    assert back.owed == back.clawed_back == 0


@pytest.mark.parametrize("takes_back", ["void", "return"])
async def test_who_brings_all_of_a_first_sale_back_is_welcomed_again(
    shop: Address, takes_back: str
) -> None:
    async with writer_on(shop) as writer:
        await publish(writer, WELCOME)
        first = await send(writer, sequence=1, **THREE)
        second = await send(writer, sequence=2)
        await tell(writer, returning(1, 1))
        third = await send(writer, sequence=3)
        rest = (
            void(writer, 1)
            if takes_back == "void"
            else tell(writer, returning(2, 1, [goods(1, "2", 51_800)]))
        )
        await rest
        fourth = await send(writer, sequence=4)
        fifth = await send(writer, sequence=5)
    welcomed = [_welcomed(each) for each in (first, second, third, fourth, fifth)]
    assert welcomed == [True, False, False, True, False]


def _welcomed(decision: Decision) -> bool:
    assert isinstance(decision, Accepted), decision
    return "welcome" in [earned.campaign for earned in decision.recorded.outcome.earned]


async def test_a_return_whose_commit_got_no_answer_is_looked_up_and_never_guessed(
    shop: Address, other_shop: Address
) -> None:
    for address, after in ((shop, False), (other_shop, True)):
        async with Cutter(address) as cutter, writer_on(cutter.address) as writer:
            for n in range(10):
                await send(writer, sequence=n, **THREE)
            cutter.cut_at_commit(after=after)
            answers = await asyncio.gather(*(tell(writer, returning(n, n)) for n in range(10)))
            assert cutter.cuts == 1
            again = await asyncio.gather(*(tell(writer, returning(n, n)) for n in range(10)))
        assert all(isinstance(answer, Moved) for answer in answers)
        assert [reversed_by(a) for a in again] == [reversed_by(a) for a in answers]
        assert len(await rows(address, "SELECT FROM reversal")) == 10


async def test_a_hundred_returns_of_one_pack_each_at_two_writers_bring_back_what_was_bought(
    shop: Address,
) -> None:
    async with writer_on(shop) as one, writer_on(shop) as other:
        sold = await send(one, lines=[make.line(1, 25_900 * 40, quantity="40")])
        decisions = await asyncio.gather(
            *(tell((one, other)[n % 2], returning(n)) for n in range(100))
        )
    back = [reversed_by(d) for d in decisions if isinstance(d, Moved)]
    assert len(back) == 40
    assert {refusal(d) for d in decisions if isinstance(d, Refused)} == {"over-return"}
    assert place(sold) == 1
    assert await balances(shop) == {}
