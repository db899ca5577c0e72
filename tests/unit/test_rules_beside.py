"""Goods that have to be bought beside those that a campaign is about."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import make_rules as make
from lepta.rules.explanation import Why
from lepta.rules.facts import Line
from make_rules import codes, earned, outcome

JACKET: dict[str, Any] = make.bonus(
    "pack", {"points": 10}, what={"skus": ["jacket"], "beside": {"categories": ["trousers"]}}
)


def _trousers(amount: int, *, goods: bool = True) -> Line:
    return make.line("jeans", amount, categories=["trousers"], goods=goods)


@pytest.mark.parametrize(
    ("others", "points"),
    [
        ([], {}),
        ([_trousers(5000)], {"pack": 10}),
        ([_trousers(0)], {}),
        ([_trousers(5000), _trousers(-5000)], {}),
        ([_trousers(5000), _trousers(-4999)], {"pack": 10}),
        ([_trousers(5000, goods=False)], {}),
        ([make.line("jeans", 5000)], {}),
    ],
)
def test_they_have_to_be_paid_goods(others: list[Line], points: dict[str, int]) -> None:
    book = make.rulebook(JACKET)
    result = outcome(book, make.facts(make.line("jacket", 9900), *others))
    assert earned(result) == points
    expected = Why.AMOUNT if points else Why.OTHER_GOODS_MISSING
    assert codes(book, result) == {"pack": expected}


def test_alone_they_bring_nothing() -> None:
    book = make.rulebook(JACKET)
    assert codes(book, outcome(book, make.facts(_trousers(5000)))) == {}


def test_an_offer_asks_for_them_too() -> None:
    book = make.rulebook({**make.ROUND_UP, "what": {"beside": {"skus": ["jacket"]}}})
    assert outcome(book, make.facts(make.line("milk", 9950))).offers == ()
    (offer,) = outcome(book, make.facts(make.line("jacket", 9950))).offers
    assert offer.amount_minor == 50


@given(
    st.lists(
        st.tuples(st.sampled_from(["jacket", "jeans", "milk"]), st.integers(-3000, 9000)),
        min_size=1,
        max_size=6,
    )
)
def test_they_keep_a_gift_away_or_leave_it_as_it_is(bought: list[tuple[str, int]]) -> None:
    what = {"skus": ["jacket", "milk"]}
    free = make.rulebook(make.bonus("b", {"rate": "1"}, what=what))
    bound = make.rulebook(make.bonus("b", {"rate": "1"}, what={**what, "beside": {"skus": ["jeans"]}}))  # fmt: skip
    sale = make.facts(*[make.line(sku, amount) for sku, amount in bought])
    paid = sum(amount for sku, amount in bought if sku == "jeans") > 0
    assert earned(outcome(bound, sale)) == (earned(outcome(free, sale)) if paid else {})
