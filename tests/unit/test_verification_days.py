"""What verification says of lots that are spent, matured or ended on the wrong day: it goes by the leaves alone."""

import pytest

from lepta.ledger.chart import Account
from lepta.verification.chain import Chain
from lepta.verification.fold import Fold
from lepta.verification.invariants import Check
from lepta.verification.part import Opening, Part, freely

WALLET, WAITS = 1, 2
SOON, LATER = (100, 0, 0, 9), (200, 0, 1, 9)
"""Places of two lots, by their last days."""


def folded(day: int, account: int, place: tuple[int, int, int, int], *, sale: bool) -> list[str]:
    """The checks that event 1 fails, which takes 5 points of the lot on that day."""
    part = Part(0, 2)
    part.opened = [
        Opening(0, number, Account("member", "m", code, "PTS/club"))
        for number, code in ((WALLET, "available"), (WAITS, "pending"))
    ]
    part.lots = [(WALLET, SOON, 5, None), (WALLET, LATER, 5, None), (WAITS, LATER, 5, 150)]
    part.days, part.dues = ({1: day}, {}) if sale else ({}, {1: day})
    part.lots.append((account, place, -5, 1 if sale else freely(1)))
    fold = Fold(Chain({}), {"PTS/club": 1})
    fold.add(part)
    return [
        fault.check for fault in fold.faults.kept if fault.check in {Check.DAYS, Check.SPENDING}
    ]


@pytest.mark.parametrize(
    ("day", "place", "found"),
    [
        (99, SOON, []),
        (100, SOON, []),
        (101, SOON, [Check.DAYS]),
        (100, LATER, [Check.SPENDING]),
        (101, LATER, []),
        (201, LATER, [Check.DAYS]),
    ],
)
def test_a_sale_takes_what_ends_first_of_what_has_not_ended(
    day: int, place: tuple[int, int, int, int], found: list[str]
) -> None:
    assert folded(day, WALLET, place, sale=True) == found


def test_a_sale_never_takes_what_waits() -> None:
    assert folded(150, WAITS, LATER, sale=True) == [Check.DAYS]


@pytest.mark.parametrize(
    ("day", "account", "place", "found"),
    [
        (100, WALLET, SOON, [Check.DAYS]),
        (101, WALLET, SOON, []),
        (149, WAITS, LATER, [Check.DAYS]),
        (150, WAITS, LATER, []),
    ],
)
def test_a_lot_ends_after_its_last_day_and_matures_on_its_first(
    day: int, account: int, place: tuple[int, int, int, int], found: list[str]
) -> None:
    assert folded(day, account, place, sale=False) == found
