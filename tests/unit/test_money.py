"""Exact arithmetic: what rounds, what splits, and that nothing is lost."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lepta.money import MICRO, Ratio, Rounding, allocate, common_weights, divide, micro, ratio

amounts = st.integers(0, 10**12)
weights = st.lists(st.integers(0, 10**9), min_size=1, max_size=20).filter(any)


@pytest.mark.edge_case(23)
def test_the_odd_kopeck_goes_to_the_largest_remainder_then_to_the_first() -> None:
    assert allocate(100, [1, 1, 1]) == [34, 33, 33]
    assert allocate(10, [1, 2, 1]) == [3, 5, 2]


@given(amounts, weights)
@pytest.mark.edge_case(23)
def test_parts_add_up_and_none_is_further_than_one_unit_from_its_exact_share(
    amount: int, shares: list[int]
) -> None:
    parts = allocate(amount, shares)
    assert sum(parts) == amount
    for part, share in zip(parts, shares, strict=True):
        assert abs(part - Fraction(amount * share, sum(shares))) < 1
        assert share or part == 0


@pytest.mark.parametrize(
    ("rounding", "five_halves", "seven_halves", "ten_thirds"),
    [
        (Rounding.DOWN, 2, 3, 3),
        (Rounding.UP, 3, 4, 4),
        (Rounding.HALF_UP, 3, 4, 3),
        (Rounding.HALF_EVEN, 2, 4, 3),
    ],
)
def test_each_way_of_rounding(
    rounding: Rounding, five_halves: int, seven_halves: int, ten_thirds: int
) -> None:
    assert divide(5, 2, rounding) == five_halves
    assert divide(7, 2, rounding) == seven_halves
    assert divide(10, 3, rounding) == ten_thirds
    assert divide(0, 3, rounding) == 0
    assert divide(6, 3, rounding) == 2


def test_decimals_are_read_exactly() -> None:
    assert ratio("0.10") == Ratio(10, 100)
    assert ratio("1") == Ratio(1, 1)
    assert micro("0.345") == 345_000
    assert micro("-2") == -2 * MICRO
    assert micro("89638") == 89_638 * MICRO


@pytest.mark.parametrize(
    "text", ["", "1e3", "NaN", "0,5", "-1", "1.1234567", " 1", "1 ", "１", "0x1", "1."]
)
def test_what_is_no_plain_decimal_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="write a decimal"):
        ratio(text)


def test_shares_of_different_precision_get_common_weights() -> None:
    assert common_weights([ratio("0.6"), ratio("0.40")]) == [60, 40]
    assert common_weights([ratio("1")]) == [1]
