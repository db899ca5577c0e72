"""Who owes whom for points that one party had issued and another honoured: shares by lot, and what goes back of them."""

from datetime import date
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from lepta.ledger.lots import Lot, Spent
from lepta.processing.clearing import by_issuer

OURS, DAIRY, BAKERY = 1, 2, 3


def lots(*parts: tuple[int, int]) -> list[Spent]:
    """(issuer, points) in the order of spending."""
    return [
        Spent(Lot(date(2026, 12, 31), n, 0, 0, issuer), points)
        for n, (issuer, points) in enumerate(parts)
    ]


taken = st.lists(
    st.tuples(st.sampled_from([OURS, DAIRY, BAKERY]), st.integers(1, 500)), min_size=1, max_size=8
)
money = st.integers(0, 100_000)


def test_points_pay_in_proportion_and_an_odd_unit_is_the_earlier_lots() -> None:
    assert by_issuer(lots((DAIRY, 1), (OURS, 1)), 2, 25) == {DAIRY: 13, OURS: 12}
    assert by_issuer(lots((OURS, 1), (DAIRY, 1)), 2, 25) == {DAIRY: 12, OURS: 13}
    assert by_issuer(lots((DAIRY, 1), (BAKERY, 1), (DAIRY, 1)), 3, 100) == {DAIRY: 67, BAKERY: 33}


def test_an_odd_unit_is_whose_part_is_largest_before_it_is_the_earliers() -> None:
    assert by_issuer(lots((OURS, 1), (DAIRY, 2)), 3, 100) == {OURS: 33, DAIRY: 67}


def test_what_is_worth_less_than_a_unit_is_not_owed() -> None:
    assert by_issuer(lots((OURS, 99), (DAIRY, 1)), 100, 10) == {OURS: 10}
    assert by_issuer(lots((DAIRY, 3)), 3, 0) == {}


def test_points_that_were_given_away_after_those_that_paid_are_nobodys_debt() -> None:
    assert by_issuer(lots((DAIRY, 5), (BAKERY, 7)), 5, 50) == {DAIRY: 50}
    assert by_issuer(lots((DAIRY, 12)), 5, 50) == {DAIRY: 50}


def test_points_go_back_in_the_order_in_which_they_were_spent() -> None:
    spent = lots((DAIRY, 3), (BAKERY, 2))
    assert by_issuer(spent, 5, 51, 0, 1) == {DAIRY: 10}
    assert by_issuer(spent, 5, 51, 1, 4) == {DAIRY: 21, BAKERY: 10}
    assert by_issuer(spent, 5, 51, 4, 5) == {BAKERY: 10}
    assert by_issuer(spent, 5, 51) == {DAIRY: 31, BAKERY: 20}


@given(taken, money)
def test_what_issuers_owe_and_what_the_retailers_own_lots_paid_is_all_that_points_paid(
    parts: list[tuple[int, int]], paid: int
) -> None:
    spent = lots(*parts)
    points = sum(each.points for each in spent)
    shares = by_issuer(spent, points, paid)
    assert sum(shares.values()) == paid
    for issuer, share in shares.items():
        own = [each.points for each in spent if each.lot.issuer == issuer]
        # Each lot is at most an odd unit away from its part.
        assert abs(share * points - paid * sum(own)) < points * len(own)


@given(taken, money, st.lists(st.integers(0, 4_000), max_size=5))
def test_in_however_many_parts_points_come_back_each_issuers_debt_closes_to_nothing(
    parts: list[tuple[int, int]], paid: int, cuts: list[int]
) -> None:
    spent = lots(*parts)
    points = sum(each.points for each in spent)
    whole, back = by_issuer(spent, points, paid), dict[int, int]()
    for since, until in pairwise([0, *sorted(min(cut, points) for cut in cuts), points]):
        for issuer, its in by_issuer(spent, points, paid, since, until).items():
            assert its > 0
            back[issuer] = back.get(issuer, 0) + its
            assert back[issuer] <= whole[issuer]
    assert back == whole
