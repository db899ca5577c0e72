"""Points of one coalition programme that one party issues and another retailer honours: who owes whom, by the real
writer. Every test's ledger is verified and decided again.
"""

import asyncio
from datetime import UTC, date, datetime
from typing import Any

import pytest
from test_writer import send, writer_on

import holds
import make
from databases import say
from lepta.db import Address
from lepta.processing.acts import Adjustment
from lepta.processing.decide import Accepted
from lepta.processing.moving import Moved
from lepta.processing.recognition import Refused
from lepta.processing.writer import Writer
from reversing import (
    balances,
    change_programme,
    goods,
    moved,
    publish,
    returning,
    rows,
    state,
    tell,
    void,
)

COALITION = (
    """
    INSERT INTO party (id, kind, name) VALUES
        ('retail-omsk', 'retailer', '"Omsk"'), ('dairy', 'supplier', '"Dairy"')
    """,
    """
    INSERT INTO store (id, retailer, region, time_zone, currency, language, programme) VALUES
        ('oms-01', 'retail-omsk', 'siberia', 'Asia/Omsk', 'RUB', 'ru', 'club')
    """,
    "UPDATE office_version SET version = version + 1",
)
CHEESE = {
    "campaign": "cheese", "programme": "club", "kind": "bonus",
    "what": {"skus": ["cheese"]}, "effect": {"earn": {"points": 5}, "per": "unit"},
    "funding": [{"party": "dairy", "share": "0.6"}, {"party": "hunter-foods", "share": "0.4"}],
}  # fmt: skip
CLEARED = """
    SELECT e.log_index, concat_ws('/', d.ref, d.code), concat_ws('/', c.ref, c.code), e.amount FROM entry e
    JOIN account d ON d.id = e.debit JOIN account c ON c.id = e.credit WHERE e.code = 18 ORDER BY e.log_index, e.leg
"""
TEA: dict[str, Any] = {"lines": [make.line(1, 10_000, sku="tea", quantity="2")]}


@pytest.fixture
async def coalition(shop: Address) -> Address:
    """The founding shop, and another retailer with a store in the same programme."""
    await say(shop, *COALITION)
    return shop


async def earn(writer: Writer, sequence: int, amount: int = 20_000, store: str = "oms-01") -> None:
    """A point for each 20 roubles, issued by the store's retailer."""
    lines = [make.line(1, amount, sku="tea")]
    assert isinstance(await send(writer, store=store, sequence=sequence, lines=lines), Accepted)


async def spend(writer: Writer, sequence: int, points: int, **sale: Any) -> Accepted:
    """At the founding shop's own store."""
    sold = await send(writer, sequence=sequence, **{**TEA, "redeem": {"points": points}, **sale})
    assert isinstance(sold, Accepted), sold
    return sold


async def give(writer: Writer, party: str, points: int) -> None:
    """By the office."""
    on = date(2026, 11, 22)
    act = Adjustment("m-pyotr", "club", party, points, on, said=f"{party} {points}".encode())
    assert isinstance(await tell(writer, act, f"{party}-{points}"), Moved)


async def cleared(shop: Address) -> list[tuple[int, str, str, int]]:
    """(event, debit, credit, amount) of all entries between parties."""
    return await rows(shop, CLEARED)


async def test_points_of_one_retailer_that_another_honours_are_a_debt_of_the_one_to_the_other(
    coalition: Address,
) -> None:
    async with writer_on(coalition) as writer:
        await earn(writer, 1)
        sold = await spend(writer, 2, 7)
    assert await cleared(coalition) == [
        (sold.log_index, "retail-nsk/receivable", "retail-omsk/payable", 70)
    ]
    told = await balances(coalition)
    assert (told["party/retail-nsk/receivable"], told["party/retail-omsk/payable"]) == (-70, 70)


async def test_points_that_a_retailer_issued_itself_clear_nothing(coalition: Address) -> None:
    async with writer_on(coalition) as writer:
        await earn(writer, 1, store="nsk-07")
        await spend(writer, 2, 7)
    assert await cleared(coalition) == []


async def test_a_supplier_and_who_an_adjustment_names_owe_for_their_points_each_for_its_lots(
    coalition: Address,
) -> None:
    """Points worth 0.133 roubles: 15 of them pay 1.99, of which 199 × 3/15, 2/15, 4/15, 6/15 = 39.8, 26.5, 53.1, 79.6."""
    async with writer_on(coalition) as writer:
        await publish(writer, CHEESE)
        await change_programme(writer, point_value="0.133")
        cheese = [make.line(1, 1_000, sku="cheese")]
        assert isinstance(await send(writer, sequence=1, lines=cheese), Accepted)
        await give(writer, "retail-omsk", 4)
        await earn(writer, 2, store="nsk-07")
        sold = await spend(writer, 3, 15)
    assert sold.recorded.outcome.redeemed_money == 199
    assert [s.points for s in sold.booked.spent] == [3, 2, 4, 6]
    assert await cleared(coalition) == [
        (sold.log_index, "retail-nsk/receivable", "dairy/payable", 40),
        (sold.log_index, "retail-nsk/receivable", "hunter-foods/payable", 26),
        (sold.log_index, "retail-nsk/receivable", "retail-omsk/payable", 53),
    ]


async def test_a_sale_that_comes_back_in_parts_closes_what_was_owed_to_nothing(
    coalition: Address,
) -> None:
    async with writer_on(coalition) as writer:
        await give(writer, "dairy", 3)
        await earn(writer, 1)
        before = await state(coalition)
        sold = await spend(writer, 2, 7, lines=[make.line(1, 30_000, sku="tea", quantity="3")])
        parts = [
            moved(await tell(writer, returning(n, 2, [goods(1, "1", 10_000)]))) for n in (1, 2, 3)
        ]
    places = [part.movement.log_index for part in parts]
    assert await cleared(coalition) == [
        (sold.log_index, "retail-nsk/receivable", "dairy/payable", 30),
        (sold.log_index, "retail-nsk/receivable", "retail-omsk/payable", 40),
        (places[0], "dairy/payable", "retail-nsk/receivable", 20),
        (places[1], "dairy/payable", "retail-nsk/receivable", 10),
        (places[1], "retail-omsk/payable", "retail-nsk/receivable", 10),
        (places[2], "retail-omsk/payable", "retail-nsk/receivable", 30),
    ]
    assert await state(coalition) == before


async def test_a_void_takes_back_all_that_is_still_owed(coalition: Address) -> None:
    async with writer_on(coalition) as writer:
        await earn(writer, 1)
        before = await state(coalition)
        await spend(writer, 2, 7)
        await tell(writer, returning(1, 2, [goods(1, "1", 5_000)]))
        await void(writer, 2)
    assert [amount for *_, amount in await cleared(coalition)] == [70, 30, 40]
    assert await state(coalition) == before


async def test_points_that_came_back_are_still_their_issuers_when_they_are_spent_again(
    coalition: Address,
) -> None:
    """Also those that came back to a lot that had ended, and lie in new ones now: one for each issuer."""
    clock = [datetime(2026, 11, 22, 11, 20, tzinfo=UTC)]
    async with writer_on(coalition, clock=lambda: clock[0]) as writer:
        await change_programme(writer, restore_grace_days=30)
        await earn(writer, 1)
        await give(writer, "dairy", 3)
        await spend(writer, 2, 13)
        clock[0] = datetime(2027, 12, 15, 11, 20, tzinfo=UTC)
        await void(writer, 2)
        lots = "SELECT expires_on, remaining FROM lot ORDER BY leg"
        assert await rows(coalition, lots) == [(date(2028, 1, 14), 10), (date(2028, 1, 14), 3)]
        again = await spend(writer, 3, 11)
    assert await cleared(coalition) == [
        (again.log_index - 2, "retail-nsk/receivable", "retail-omsk/payable", 100),
        (again.log_index - 2, "retail-nsk/receivable", "dairy/payable", 30),
        (again.log_index - 1, "retail-omsk/payable", "retail-nsk/receivable", 100),
        (again.log_index - 1, "dairy/payable", "retail-nsk/receivable", 30),
        (again.log_index, "retail-nsk/receivable", "retail-omsk/payable", 100),
        (again.log_index, "retail-nsk/receivable", "dairy/payable", 10),
    ]


async def test_a_hold_that_a_sale_captures_is_owed_for_as_if_there_had_been_none(
    coalition: Address,
) -> None:
    async with writer_on(coalition) as writer:
        await earn(writer, 1)
        held = moved(await tell(writer, holds.holding(6)))
        sold = await spend(writer, 2, 8, hold=held.movement.id)
        assert await balances(coalition)
        await void(writer, 2)
    assert await cleared(coalition) == [
        (sold.log_index, "retail-nsk/receivable", "retail-omsk/payable", 80),
        (sold.log_index + 1, "retail-omsk/payable", "retail-nsk/receivable", 80),
    ]


async def test_points_that_a_shopper_gives_away_clear_nothing(coalition: Address) -> None:
    """The campaign's funders pay the fund for them, at its rate."""
    own = {
        "campaign": "own", "programme": "club", "title": {"en": "Points"}, "kind": "donation",
        "effect": {
            "give": {"points": 4, "money_rate": "0.10"}, "per": "basket", "from": "shopper-points",
            "to": {"fund": "forest-animals"},
        },
        "funding": [{"party": "retail-nsk", "share": "1"}],
    }  # fmt: skip
    async with writer_on(coalition) as writer:
        await publish(writer, own)
        await earn(writer, 1)
        gift = {"gifts": [{"offer": "own", "accepted": True}]}
        sold = await spend(writer, 2, 5, **gift)
    assert [s.points for s in sold.booked.spent] == [9]
    assert [amount for *_, amount in await cleared(coalition)] == [50]
    assert (await balances(coalition))["party/retail-nsk/payable"] > 0


async def test_two_tills_of_two_retailers_at_once_owe_what_their_lots_say(
    coalition: Address,
) -> None:
    async with writer_on(coalition) as writer, writer_on(coalition) as other:
        await earn(writer, 1)
        await earn(writer, 2, store="nsk-07")
        sales = [
            spend((writer, other)[n % 2], 10 + n, 2, store=("nsk-07", "oms-01")[n // 2 % 2])
            for n in range(8)
        ]
        sold = await asyncio.gather(*sales)
    # Ten points of Omsk are spent first, wherever that is; then six of ours.
    by_store = {"nsk-07": 0, "oms-01": 0}
    for sale in sorted(sold, key=lambda sale: sale.log_index)[:5]:
        by_store[sale.recorded.event.key.store] += 20
    told = await balances(coalition)
    assert told.get("party/retail-omsk/payable", 0) == by_store["nsk-07"]
    rest = sorted(sold, key=lambda sale: sale.log_index)[5:]
    foreign = sum(20 for sale in rest if sale.recorded.event.key.store == "oms-01")
    assert -told.get("party/retail-omsk/receivable", 0) == foreign


async def test_points_that_nobody_has_are_refused_and_owed_by_nobody(coalition: Address) -> None:
    async with writer_on(coalition) as writer:
        await earn(writer, 1, amount=2_000)
        refused = await send(writer, sequence=2, **TEA, redeem={"points": 9})
        assert isinstance(refused, Refused)
        nothing = await spend(writer, 3, 0)
    assert nothing.recorded.outcome.redeemed_money == 0
    assert await cleared(coalition) == []
