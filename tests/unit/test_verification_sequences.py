"""Sequences of tills: which are missing, whether a till counts returns with its sales or apart."""

from hypothesis import given
from hypothesis import strategies as st

from lepta.shifts.compare import numbered
from lepta.verification.sequences import Runs, TillDay

numbers = st.lists(st.integers(0, 60) | st.integers(2**52, 2**52 + 9), max_size=200)


def day(sales: list[int], returns: list[int]) -> TillDay:
    made = TillDay()
    for number in sales:
        made.sales.add(number)
    for number in returns:
        made.returns.add(number)
    return made


@given(numbers, numbers, st.integers(0, 60), st.integers(0, 60))
def test_runs_are_the_set_of_their_numbers(
    one: list[int], other: list[int], low: int, high: int
) -> None:
    runs, more = Runs(), Runs()
    for number in one:
        runs.add(number)
    for number in other:
        more.add(number)
    runs.take_in(more.runs)
    wanted = set(one) | set(other)
    assert len(runs) == len(wanted)
    assert runs.within(low, high) == len([n for n in wanted if low <= n <= high])
    assert len(more) == len(set(other))
    if wanted:
        assert runs.ends == (min(wanted), max(wanted))


def test_a_million_numbers_in_their_order_are_one_run() -> None:
    runs = Runs()
    for number in range(10_000):
        runs.add(number)
    assert runs.runs == [[0, 9_999]]


def test_numbers_between_those_of_sales_that_returns_have_are_not_missing() -> None:
    assert day([1, 2, 4, 6], [3, 5]).gap() is None
    assert day([1, 2, 6], [3, 5]).gap() == (1, 1, 6)
    assert day([1, 3], [2, 7]).gap() == (3, 1, 7)


def test_returns_that_are_counted_apart_fill_no_gap() -> None:
    assert day([1, 2, 4], [1, 2, 3]).gap() == (1, 1, 4)
    assert day([1, 2, 3], [900, 901]).gap() is None
    assert day([1, 3], [900]).gap() == (1, 1, 3)


def test_a_day_of_returns_alone_and_a_day_of_nothing_have_no_gap() -> None:
    assert day([], [3, 9]).gap() is None
    assert day([], []).gap() is None
    assert day([7], []).gap() is None


def test_a_sale_whose_void_came_first_is_not_missing_and_none_is_expected_up_to_it() -> None:
    made = day([1, 3], [])
    for number in (2, 3, 900):
        made.voided.add(number)
    assert made.gap() is None


@given(numbers, numbers)
def test_parts_of_a_log_come_to_the_same_as_the_whole(one: list[int], other: list[int]) -> None:
    both = day(one, [])
    both.add(day(other, []))
    assert both.gap() == day(one + other, []).gap()


def test_a_shift_takes_returns_for_its_gaps_unless_they_are_counted_apart() -> None:
    assert numbered({1, 2}, {3}) == {1, 2, 3}
    assert numbered({1, 2}, {1, 3}) == {1, 2}
    assert numbered(set(), {3}) == {3}
