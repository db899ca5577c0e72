"""Who pays which part: any number of funders, odd units always on the same, and nobody for another."""

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import make_rules as make
from lepta.rules.effects import Donate
from lepta.rules.explanation import Why
from make_rules import codes, outcome

MOST = 20
PARTS = 1_000_000
NO_BUDGET: st.SearchStrategy[Any] = st.none()
FORMS: Any = st.sampled_from(
    [
        ({"money": 997}, "basket"),
        ({"money": 997}, "unit"),
        ({"rate": "0.0371"}, "amount"),
        ({"bands": [{"from": 0, "money": 13}, {"from": 20_000, "money": 4_001}]}, "basket"),
        ({"points": 7, "money_rate": "0.13"}, "unit"),
        ({"points": 701, "money_rate": "0.13"}, "basket"),
    ]
)


@st.composite
def funders(draw: st.DrawFn, budgets: st.SearchStrategy[Any] = NO_BUDGET) -> list[dict[str, Any]]:
    """1 to 20 of them with shares of up to six decimals that add up to 1."""
    count = draw(st.integers(1, MOST))
    cuts = draw(st.sets(st.integers(1, PARTS - 1), min_size=count - 1, max_size=count - 1))
    ends = [0, *sorted(cuts), PARTS]
    return [
        {
            "party": f"funder-{n}",
            "share": f"{(upper - lower) // PARTS}.{(upper - lower) % PARTS:06}",
            "budget": draw(budgets),
        }
        for n, (lower, upper) in enumerate(pairwise(ends))
    ]


def micro(funder: dict[str, Any]) -> int:
    return int(funder["share"].replace(".", ""))


def by_largest_remainder(amount: int, weights: list[int]) -> list[int]:
    """Written from the rule: whole units first, then one more to the largest remainders, of equals the first."""
    parts = [amount * weight // PARTS for weight in weights]
    order = sorted(range(len(weights)), key=lambda n: (-(amount * weights[n] % PARTS), n))
    for n in order[: amount - sum(parts)]:
        parts[n] += 1
    return parts


@given(funders(), FORMS, st.integers(1, 60_000), st.integers(1, 9))
@settings(deadline=None)
def test_shares_add_up_and_the_odd_units_go_to_the_largest_remainders(
    funding: list[dict[str, Any]], form: Any, amount: int, count: int
) -> None:
    give, per = form
    book = make.rulebook(make.donation("d", give, per=per, funding=funding))
    sale = make.facts(make.line(amount=amount, quantity=str(count)))
    for effect in outcome(book, sale).effects:
        assert isinstance(effect, Donate)
        weights = [micro(funder) for funder in funding]
        money = [funder.money_minor for funder in effect.funders]
        points = [funder.points for funder in effect.funders]
        assert money == by_largest_remainder(effect.money_minor, weights)
        assert points == by_largest_remainder(effect.points, weights)
        assert [funder.party for funder in effect.funders] == [f["party"] for f in funding]


caps = st.none() | st.integers(1, 4_000).map(lambda cap: {"money": cap})


@given(
    funders(caps),
    FORMS,
    st.lists(st.integers(1, 60_000), min_size=1, max_size=6),
    st.sampled_from(["partial", "none"]),
    st.none() | st.integers(1, 6_000).map(lambda cap: {"money": cap}),
)
@settings(deadline=None)
@pytest.mark.edge_case(34)
def test_budgets_hold_and_what_one_cannot_pay_is_never_charged_to_another(
    funding: list[dict[str, Any]], form: Any, amounts: list[int], exhausted: str, budget: Any
) -> None:
    give, per = form
    document = make.donation("d", give, per=per, funding=funding, exhausted=exhausted)
    book = make.rulebook({**document, "limits": {"budget": budget}})
    bare = [{**funder, "budget": None} for funder in funding]
    without_budgets = make.rulebook(make.donation("d", give, per=per, funding=bare))
    counts: dict[str, int] = {}
    paid = [0] * len(funding)
    weights = [micro(funder) for funder in funding]
    for amount in amounts:
        sale = make.facts(make.line(amount=amount, quantity="3"))
        unlimited = outcome(without_budgets, sale)
        result = outcome(book, sale, counts)
        for effect in result.effects:
            assert isinstance(effect, Donate)
            money = [funder.money_minor for funder in effect.funders]
            assert money == by_largest_remainder(effect.money_minor, weights)
            [whole] = unlimited.effects
            assert isinstance(whole, Donate)
            assert effect.money_minor <= whole.money_minor
            if exhausted == "none":
                assert effect.money_minor == whole.money_minor
            paid = [so_far + part for so_far, part in zip(paid, money, strict=True)]
        for counter, used in result.consumed:
            counts[counter] = counts.get(counter, 0) + used
    for funder, total in zip(funding, paid, strict=True):
        if funder["budget"]:
            assert total == counts.get(f"d|funder|{funder['party']}|money", 0)
            assert total <= funder["budget"]["money"]
    if budget:
        assert sum(paid) == counts.get("d|budget|money", 0) <= budget["money"]


@pytest.mark.parametrize(
    ("exhausted", "given", "why"),
    [("partial", 21, Why.AMOUNT_CUT), ("none", 0, Why.FUNDER_EXHAUSTED)],
)
def test_a_budget_that_ends_within_a_gift(exhausted: str, given: int, why: Why) -> None:
    """Seven left of the second's thirds: all give seven, or nobody does."""
    thirds = ("0.333333", "0.333333", "0.333334")
    parties = ("hunter-foods", "dairy", "retail-nsk")
    funding: list[dict[str, Any]] = [{"party": p, "share": s} for p, s in zip(parties, thirds, strict=True)]  # fmt: skip
    funding[1]["budget"] = {"money": 40}
    document = make.donation("d", {"money": 100}, funding=funding, exhausted=exhausted)
    book = make.rulebook(document)
    result = outcome(book, make.facts(), {"d|funder|dairy|money": 33})
    assert sum(e.money_minor for e in result.effects if isinstance(e, Donate)) == given
    assert codes(book, result) == {"d": why}
