"""What each tier earns: the same campaign, another form for each."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import make_rules as make
from lepta.errors import InvalidRequest
from lepta.rules.document import validate
from lepta.rules.explanation import Why
from lepta.rules.facts import Facts, Shopper
from make_rules import codes, earned, outcome

FORMS: dict[str, dict[str, Any]] = {
    "bronze": {"points": 5},
    "silver": {"rate": "0.01"},
    "gold": {"ladder": [{"from": 0, "rate": "0.02"}, {"from": 50_000, "rate": "0.05"}]},
    "platinum": {"points": 1, "per_amount": 1000},
    "black": {"multiply": "3"},
}


def tiers(**parts: Any) -> dict[str, Any]:
    return make.bonus("tiers", {"by_tier": FORMS}, **parts)


def sale(tier: str | None, amount: int = 60_000, ref: str = "r") -> Facts:
    return make.facts(make.line(amount=amount), shopper=Shopper(ref, tier))


@pytest.mark.parametrize(
    ("tier", "amount", "points"),
    [
        ("bronze", 60_000, 5),
        ("silver", 60_000, 6),
        ("gold", 49_999, 9),
        ("gold", 50_000, 25),
        ("platinum", 60_999, 60),
        ("black", 60_000, 60),
    ],
)
def test_each_tier_earns_in_its_own_way(tier: str, amount: int, points: int) -> None:
    book = make.rulebook(make.BASE, tiers())
    assert earned(outcome(book, sale(tier, amount)))["tiers"] == points


@pytest.mark.parametrize("tier", [None, "blue", "Gold", ""])
def test_a_tier_without_an_entry_earns_nothing_and_is_told_so(tier: str | None) -> None:
    book = make.rulebook(tiers())
    result = outcome(book, sale(tier))
    assert (earned(result), codes(book, result)) == ({}, {"tiers": Why.NOTHING_FOR_TIER})


def test_whoever_earns_nothing_stops_nobody_and_uses_nothing_up() -> None:
    first = tiers(stacking={"mode": "stop", "order": 1}, limits={"units": 1})
    book = make.rulebook(first, make.bonus("other", {"points": 7}))
    result = outcome(book, sale("blue"))
    assert (earned(result), result.consumed) == ({"other": 7}, ())
    assert earned(outcome(book, sale("bronze"))) == {"tiers": 5}


def test_a_limit_is_shared_by_all_tiers() -> None:
    book = make.rulebook(tiers(limits={"budget": {"points": 8}}))
    assert earned(outcome(book, sale("silver"), {"tiers|budget|points": 3})) == {"tiers": 5}
    assert earned(outcome(book, sale("bronze"), {"tiers|budget|points": 8})) == {}


def test_a_tier_counts_in_its_own_way_or_all_in_one() -> None:
    by_default = tiers(what={"skus": ["1", "2"]})
    per_line = make.bonus("lines", {"by_tier": {"bronze": {"points": 5}, "silver": {"rate": "1"}}}, per="line")  # fmt: skip
    book = make.rulebook(by_default, per_line)
    lines = [make.line("1", 999), make.line("2", 999)]
    for tier, points in (
        ("bronze", {"tiers": 5, "lines": 10}),
        ("silver", {"lines": 18}),
    ):
        assert earned(outcome(book, make.facts(*lines, shopper=Shopper("r", tier)))) == points


def test_only_whom_it_has_something_for_is_held_out() -> None:
    book = make.rulebook(tiers(who={"holdout_percent": 99}))
    assert codes(book, outcome(book, sale("blue"))) == {"tiers": Why.NOTHING_FOR_TIER}
    held_out = [codes(book, outcome(book, sale("gold", ref=f"m{n}")))["tiers"] for n in range(50)]
    assert held_out.count(Why.HELD_OUT) > 40


def test_every_fault_of_every_tier_is_reported_at_once() -> None:
    broken = make.bonus("tiers", {"by_tier": {"gold": {"points": 0}, "silver": {"rate": 1}}})
    with pytest.raises(InvalidRequest) as refusal:
        validate(broken, make.known())
    assert [error["path"] for error in refusal.value.members["errors"]] == [
        "effect.earn.by_tier.gold.points",
        "effect.earn.by_tier.silver.rate",
    ]
    both = make.bonus("tiers", {"by_tier": {"a": {"rate": "1"}, "b": {"rate": "2"}}}, per="unit")
    with pytest.raises(InvalidRequest) as refusal:
        validate(both, make.known())
    assert [error["path"] for error in refusal.value.members["errors"]] == ["effect.per"]


@given(st.sampled_from(sorted(FORMS)), st.integers(-10_000, 200_000), st.booleans())
def test_a_tier_earns_what_a_campaign_for_it_alone_would(
    tier: str, amount: int, first: Any
) -> None:
    alone = make.bonus("tiers", FORMS[tier], who={"tiers": [tier]})
    reordered = make.bonus("tiers", {"by_tier": dict(reversed(FORMS.items()))})
    books = [make.rulebook(make.BASE, tiers()), make.rulebook(reordered, make.BASE)]
    expected = outcome(make.rulebook(make.BASE, alone), sale(tier, amount))
    result = outcome(books[first], sale(tier, amount))
    assert (result.effects, result.consumed) == (expected.effects, expected.consumed)
    assert codes(books[first], result) == codes(make.rulebook(make.BASE, alone), expected)
