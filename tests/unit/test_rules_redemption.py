"""Before the campaigns: the total spread over the lines, the ceiling of a redemption, its money."""

from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import make_rules as make
from lepta.rules.redemption import ceiling, eligible, money_of, most_useful, over_lines, spread

amounts = st.lists(st.integers(-(10**6), 10**6), min_size=1, max_size=12)


@pytest.mark.parametrize(
    ("total", "lines", "spread_to"),
    [
        (300, [100, 200], [100, 200]),
        (297, [100, 200], [99, 198]),
        (299, [100, 100, 100], [99, 100, 100]),
        (180, [100, -20, 200], [67, -20, 133]),
        (0, [100], [0]),
        (-20, [0, -5], [0, -5]),
    ],
)
def test_the_difference_falls_on_lines_above_nothing(
    total: int, lines: list[int], spread_to: list[int]
) -> None:
    assert spread(total, lines) == spread_to


@given(amounts, st.integers(0, 10**6))
@pytest.mark.edge_case(23)
def test_the_lines_sum_to_the_total(lines: list[int], less: int) -> None:
    total = sum(lines) - less
    result = spread(total, lines)
    if any(amount > 0 for amount in lines):
        assert sum(result) == total
    assert all(after <= before for after, before in zip(result, lines, strict=True))
    assert [a for a, b in zip(result, lines, strict=True) if b <= 0] == [b for b in lines if b <= 0]


@pytest.mark.parametrize(
    ("total", "lines", "spread_to"),
    [
        (290, [100, 200], [90, 200]),
        (200, [100, 200], [0, 200]),
        (150, [100, 200], [0, 150]),
        (190, [0, 200], [0, 190]),
        (300, [100, 200], [100, 200]),
    ],
)
def test_nothing_lowers_what_the_shopper_gives_as_long_as_goods_cost_anything(
    total: int, lines: list[int], spread_to: list[int]
) -> None:
    assert spread(total, lines, {1}) == spread_to


@given(amounts, st.integers(0, 10**6), st.sets(st.integers(0, 11)))
def test_the_lines_sum_to_the_total_whichever_of_them_are_gifts(
    lines: list[int], less: int, donated: set[int]
) -> None:
    total = sum(lines) - less
    result = spread(total, lines, donated)
    if any(amount > 0 for amount in lines):
        assert sum(result) == total
    assert all(after <= before for after, before in zip(result, lines, strict=True))
    lowered = [n for n, after in enumerate(result) if after < lines[n]]
    if any(n in donated for n in lowered):
        assert all(result[n] <= 0 for n in range(len(lines)) if n not in donated)


@pytest.mark.parametrize(
    ("changes", "available", "points"),
    [
        ({}, 10_000, 1295),
        ({}, 50, 50),
        ({}, 0, 0),
        ({}, -5, 0),
        ({"redeem": {"max_share": "1"}}, 10_000, 2590),
        ({"redeem": {"max_share": "0"}}, 10_000, 0),
        ({"redeem": {"max_share": "1", "min_cash": 25000}}, 10_000, 90),
        ({"redeem": {"min_cash": 30000}}, 10_000, 0),
        ({"redeem": {"max_share": "0.333333"}}, 10_000, 863),
        ({"redeem": {"exclude": {"categories": ["frozen"]}}}, 10_000, 0),
        ({"point_value": "1"}, 10_000, 129),
        ({"points_scale": 2, "point_value": "1"}, 100_000, 12950),
        ({"point_value": "0.001"}, 10**6, 129500),
    ],
)
def test_the_ceiling_is_the_least_of_what_bounds_it(
    changes: dict[str, Any], available: int, points: int
) -> None:
    lines = [make.line(categories=["frozen"])]
    assert ceiling(make.programme(**changes), lines, 25900, available) == points


@pytest.mark.parametrize(
    ("total", "points", "useful"),
    [(101, 101, 100), (100, 100, 100), (1, 1, 0), (2, 2, 2), (0, 0, 0)],
)
def test_half_a_yen_is_not_rounded_away_before_it_is_points(
    total: int, points: int, useful: int
) -> None:
    programme = make.programme(currency="JPY", point_value="0.5", redeem={"max_share": "0.5"})
    most = ceiling(programme, [make.line(amount=total)], total, 10_000)
    assert (most, most_useful(programme, most)) == (points, useful)


def test_cash_that_must_remain_bounds_in_points_too() -> None:
    programme = make.programme(
        currency="JPY", point_value="0.4", redeem={"max_share": "1", "min_cash": 1}
    )
    assert ceiling(programme, [make.line(amount=10)], 10, 10_000) == 22


def test_only_goods_above_nothing_may_be_paid_with_points() -> None:
    lines = [
        make.line("1", 100),
        make.line("2", -50),
        make.line("3", 300, goods=False),
        make.line("4", 500, categories=["tobacco"]),
    ]
    programme = make.programme(redeem={"exclude": {"categories": ["tobacco"]}})
    assert eligible(programme, lines) == [100, 0, 0, 0]
    assert over_lines(programme, lines, 7) == [7, 0, 0, 0]
    assert over_lines(programme, lines, 0) == [0, 0, 0, 0]


@given(
    amounts,
    st.integers(0, 10**7),
    st.sampled_from(["0.1", "0.5", "1"]),
    st.sampled_from(["0.001", "0.10", "0.33", "7"]),
)
def test_points_never_pay_more_than_is_due(
    prices: list[int], available: int, share: str, value: str
) -> None:
    programme = make.programme(redeem={"max_share": share}, point_value=value)
    lines = [make.line(str(n), price) for n, price in enumerate(prices)]
    points = ceiling(programme, lines, sum(prices), available)
    money = money_of(programme, points)
    assert 0 <= points <= available
    assert money <= max(sum(prices), 0)
    parts = over_lines(programme, lines, money)
    assert sum(parts) == money
    assert all(part <= max(price, 0) for part, price in zip(parts, prices, strict=True))


@given(st.integers(0, 10**9), st.sampled_from(["0.001", "0.10", "0.33", "7", "0.010001"]))
def test_the_fewest_points_that_pay_as_much(points: int, value: str) -> None:
    programme = make.programme(point_value=value)
    least = most_useful(programme, points)
    assert 0 <= least <= points
    assert money_of(programme, least) == money_of(programme, points)
    assert least == 0 or money_of(programme, least - 1) < money_of(programme, points)


@given(
    amounts,
    st.integers(0, 10**6),
    st.sampled_from(["0", "0.5", "0.333333", "1"]),
    st.sampled_from(["0.001", "0.10", "0.33", "7"]),
)
def test_one_point_above_the_ceiling_would_break_a_bound(
    prices: list[int], min_cash: int, share: str, value: str
) -> None:
    programme = make.programme(redeem={"max_share": share, "min_cash": min_cash}, point_value=value)
    lines = [make.line(str(n), price) for n, price in enumerate(prices)]
    of_goods = Fraction(share) * sum(eligible(programme, lines))
    bound: Fraction = min(of_goods, Fraction(sum(prices) - min_cash))
    points = ceiling(programme, lines, sum(prices), 10**12)
    worth = Fraction(value) * 100
    assert points * worth <= max(bound, Fraction(0))
    assert (points + 1) * worth > bound
