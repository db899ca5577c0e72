"""Voids and returns that were tampered with, digests made anew: what does not add up is found without deciding again."""

from collections.abc import Callable
from typing import Any

import orjson
import pytest
from small_ledger import Ledgers, connected, ledgers, tampered

from lepta.ledger.entries import Code
from lepta.processing.leaf import KINDS
from lepta.verification.invariants import Check
from lepta.verification.verify import verify

__all__ = ["ledgers"]
Document = dict[str, Any]


@pytest.fixture
def ledger(ledgers: Ledgers) -> Ledgers:
    return ledgers


async def reversal_of(ledger: Ledgers, kind: str) -> int:
    """The first event of this kind that takes something back."""
    async with connected(ledger.original) as connection:
        rows = await connection.fetch(
            "SELECT e.log_index, e.leaf FROM event e JOIN reversal r ON r.log_index = e.log_index"
            " WHERE e.kind = $1 ORDER BY 1",
            KINDS[kind],
        )
    return next(int(index) for index, leaf in rows if "entries" in orjson.loads(leaf))


def claw_back_more(document: Document) -> None:
    document["outcome"]["points"][2] += 1


def restore_more(document: Document) -> None:
    document["outcome"]["points"][0] += 1


def earn_less(document: Document) -> None:
    document["outcome"]["earned"][0][1][1] -= 1


def be_of_another_kind(document: Document) -> None:
    document["outcome"]["refund"][0] ^= 1


def use_limits(document: Document) -> None:
    document["used"] = [["hunter-forest|units", 1]]


@pytest.mark.parametrize(
    "change", [claw_back_more, restore_more, earn_less, be_of_another_kind, use_limits]
)
@pytest.mark.parametrize("kind", ["void", "return"])
async def test_a_reversal_that_does_not_add_up_is_named(
    ledger: Ledgers, kind: str, change: Callable[[Document], None]
) -> None:
    place = await reversal_of(ledger, kind)
    async with tampered(ledger.server, ledger.original.database) as copy:
        await copy.rewrite(place, change)
        report = await verify(copy.address, workers=1)
    assert [f.place for f in report.faults if f.check is Check.SHARES] == [f"event {place}"]


@pytest.mark.parametrize("kind", ["void", "return"])
async def test_a_reversal_that_frees_a_party_of_a_debt_that_it_does_not_have_is_named(
    ledger: Ledgers, kind: str
) -> None:
    def owe_less(document: Document) -> None:
        document["entries"].append([1, 2, 10, int(Code.CLEAR)])

    place = await reversal_of(ledger, kind)
    async with tampered(ledger.server, ledger.original.database) as copy:
        await copy.rewrite(place, owe_less)
        report = await verify(copy.address, workers=1)
    assert [f.place for f in report.faults if f.check is Check.CLEARING] == [f"event {place}"]


def bring_more_goods(document: Document) -> None:
    document["outcome"]["lines"][0][1] *= 10


def take_more_points_of_one_entry(document: Document) -> None:
    outcome = document["outcome"]
    outcome["points"][2] += 10**6
    outcome["earned"][0][1][1] += 10**6


def restore_more_than_was_redeemed(document: Document) -> None:
    document["outcome"]["points"][0] += 10**6


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (bring_more_goods, "brings back more goods than were left of the sale"),
        (take_more_points_of_one_entry, "takes back more earned points than the sale gave"),
        (restore_more_than_was_redeemed, "takes back more redeemed points than the sale gave"),
    ],
)
async def test_returns_that_take_more_than_a_sale_gave_are_named(
    ledger: Ledgers, change: Callable[[Document], None], fault: str
) -> None:
    place = await reversal_of(ledger, "return")
    async with tampered(ledger.server, ledger.original.database) as copy:
        await copy.rewrite(place, change)
        report = await verify(copy.address, workers=1)
    found = [(f.place, f.what) for f in report.faults if f.check is Check.REVERSALS]
    assert found == [(f"event {place}", fault)]
