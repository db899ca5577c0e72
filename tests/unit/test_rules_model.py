"""The engine against a model that was written from the words of the rule language and tries every subset."""

from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import make_rules as make
from lepta.rules import engine
from lepta.rules.effects import Donate
from make_rules import outcome
from rules_model import OF_BASKET, OF_LINES, Basket, Given, decide

SKUS = ("1", "2", "3")
FUNDERS = ("hunter-foods", "retail-nsk", "dairy")
LADDER = [{"from": 100, "rate": "0.013"}, {"from": 30_000, "points": 3, "per_amount": 700}, {"from": 50_000, "points": 9}]  # fmt: skip

earns: st.SearchStrategy[tuple[dict[str, Any], str]] = st.sampled_from(
    [
        ({"points": 5}, "unit"),
        ({"points": 3}, "line"),
        ({"points": 20}, "basket"),
        ({"points": 1, "per_amount": 1000}, "basket"),
        ({"points": 2, "per_amount": 999}, "line"),
        ({"rate": "0.137"}, "amount"),
        ({"rate": "0.015"}, "line"),
        ({"ladder": LADDER}, "basket"),
        ({"multiply": "1.7"}, "basket"),
        ({"multiply": "3"}, "basket"),
    ]
)
gives: st.SearchStrategy[tuple[dict[str, Any], str]] = st.sampled_from(
    [
        ({"points": 7, "money_rate": "0.13"}, "unit"),
        ({"points": 31, "money_rate": "0.017"}, "basket"),
        ({"money": 333}, "unit"),
        ({"money": 90}, "line"),
        ({"money": 211}, "basket"),
        ({"rate": "0.037"}, "amount"),
    ]
)
SHARES = [["1"], ["0.6", "0.4"], ["0.55", "0.25", "0.2"], ["0.34", "0.33", "0.33"], ["0.999", "0.001"]]  # fmt: skip
lines = st.tuples(st.sampled_from(SKUS), st.integers(1, 60_000), st.sampled_from(["1", "2", "0.345", "7.5"]))  # fmt: skip
left = st.none() | st.integers(1, 9)


@st.composite
def campaigns(draw: st.DrawFn, name: str) -> dict[str, Any]:
    bonus = draw(st.booleans())
    form, per = draw(earns if bonus else gives)
    unit = draw(st.sampled_from(["points", "money"])) if "money_rate" in form else "points" if bonus else "money"  # fmt: skip
    caps = st.none() | st.builds(lambda cap: {unit: cap}, st.integers(1, 900))
    build = make.bonus if bonus else make.donation
    group = draw(st.sampled_from(["base", "a", "b"])) if "multiply" not in form else "b"
    what = {} if "multiply" in form else draw(st.sampled_from([{}, {"skus": ["1", "3"]}]))
    conditions = [*OF_BASKET, *OF_LINES] if per in {"unit", "line"} else [*OF_BASKET]
    return {
        **build(name, form, per=per),
        "what": what,
        "when": draw(st.sampled_from([*([""] * len(conditions)), *conditions])),
        "funding": [{"party": p, "share": s, "budget": draw(caps)} for p, s in zip(FUNDERS, draw(st.sampled_from(SHARES)), strict=False)],
        "limits": {"per_basket": draw(left), "per_card_day": draw(left), "per_card": draw(left), "units": draw(left), "budget": draw(caps), "max_per_basket": draw(caps)},
        "exhausted": draw(st.sampled_from(["partial", "none"])),
        "rounding": draw(st.sampled_from(["down", "half-up", "half-even", "up"])),
        "stacking": {"group": group, "order": draw(st.integers(0, 2)), "mode": draw(st.sampled_from(["add", "best", "stop"]))},
    }  # fmt: skip


@st.composite
def sets(draw: st.DrawFn) -> list[dict[str, Any]]:
    names = draw(st.permutations([f"c-{n}" for n in range(draw(st.integers(1, 5)))]))
    return [draw(campaigns(name)) for name in names]


def told(effect: Any, used: dict[str, int]) -> Given:
    money = effect.money_minor if isinstance(effect, Donate) else 0
    funders = tuple((f.party, f.points, f.money_minor) for f in effect.funders)
    own = {c: n for c, n in used.items() if c.startswith(f"{effect.campaign}|")}
    return Given(effect.points, money, effect.applications, funders, tuple(sorted(own.items())))


@given(sets(), st.lists(lines, min_size=1, max_size=5), st.data())
@settings(deadline=None, max_examples=300)
@pytest.mark.edge_case(31)
def test_the_engine_does_what_the_language_says(
    documents: list[dict[str, Any]], basket: list[tuple[str, int, str]], data: st.DataObject
) -> None:
    book = make.rulebook(*documents)
    sale = make.facts(*(make.line(*line) for line in basket))
    counters = engine.match(book, sale).counters
    counts = {counter: data.draw(st.sampled_from([0, 0, 0, 1, 2, 8, 300])) for counter in counters}
    result = outcome(book, sale, counts)
    used = dict(result.consumed)
    ours = {effect.campaign: told(effect, used) for effect in result.effects}
    model = Basket([(sku, amount, Fraction(size)) for sku, amount, size in basket], counts, "ref-1", "2026-11-22")  # fmt: skip
    expected = decide(documents, model)
    assert ours == {
        name: Given(g.points, g.money, g.applications, g.funders, tuple(sorted(g.used)))
        for name, g in expected.items()
    }
    assert set(used) == {counter for given in expected.values() for counter, _ in given.used}
