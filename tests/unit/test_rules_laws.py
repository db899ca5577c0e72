"""Laws of the evaluation, over baskets and campaigns of every sort."""

import sys
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import make_rules as make
from lepta.rules import engine
from lepta.rules.effects import Donate, Earn
from lepta.rules.explanation import Why, because, fired
from lepta.rules.facts import Line
from make_rules import earned, outcome

SKUS = ("1", "2", "3", "4")
CATEGORY = {"1": ["milk"], "2": ["milk", "fresh"], "3": ["bread"], "4": []}


def _line(sku: str, amount: int, micro: int) -> Line:
    return Line(1, sku, tuple(CATEGORY[sku]), None, is_goods=True, quantity_micro=micro, amount_minor=amount)  # fmt: skip


lines = st.builds(
    _line,
    st.sampled_from(SKUS),
    st.integers(-20_000, 60_000) | st.just(0),
    st.sampled_from([345_000, 1_000_000, 2_000_000, 7_500_000]),
)
baskets = st.lists(lines, min_size=1, max_size=8)

whats = st.sampled_from([{}, {"skus": ["1", "3"]}, {"categories": ["milk"]}, {"exclude": {"skus": ["2"]}}])  # fmt: skip
earns: st.SearchStrategy[tuple[dict[str, Any], str]] = st.sampled_from(
    [
        ({"points": 5}, "unit"),
        ({"points": 5}, "line"),
        ({"points": 5}, "basket"),
        ({"points": 5}, "visit"),
        ({"rate": "0.137"}, "visit"),
        ({"points": 1, "per_amount": 1000}, "basket"),
        ({"points": 1, "per_amount": 1000}, "line"),
        ({"rate": "0.137"}, "amount"),
        ({"rate": "0.137"}, "line"),
        ({"ladder": [{"from": 0, "rate": "0.01"}, {"from": 30000, "rate": "0.02"}]}, "basket"),
        ({"multiply": "1.7"}, "basket"),
        ({"multiply": "2.25"}, "visit"),
    ]
)
gives: st.SearchStrategy[tuple[dict[str, Any], str]] = st.sampled_from(
    [
        ({"points": 7, "money_rate": "0.13"}, "unit"),
        ({"points": 7, "money_rate": "0.13"}, "basket"),
        ({"money": 333}, "unit"),
        ({"money": 333}, "line"),
        ({"money": 333}, "visit"),
        ({"rate": "0.037"}, "amount"),
    ]
)
OF_BASKET = [
    "basket.total > 30000",
    "basket.lines >= 2",
    "basket.units % 3 == 1",
    "20 / basket.units > 2",
]
OF_LINES = [
    "line.amount > 9000",
    "line.quantity != 2",
    '"milk" in line.categories',
    "9000 / line.quantity > 2999",
]
shares = st.sampled_from([["1"], ["0.6", "0.4"], ["0.55", "0.25", "0.2"], ["0.999999", "0.000001"]])
FUNDERS = ("hunter-foods", "retail-nsk", "dairy")


@st.composite
def limits(draw: st.DrawFn, unit: str) -> dict[str, Any]:
    small, cap = st.none() | st.integers(1, 12), st.none() | st.integers(1, 4000)
    said: dict[str, Any] = {
        name: draw(small) for name in ("per_basket", "per_card_day", "per_card", "units")
    }
    for name in ("budget", "max_per_basket"):
        amount = draw(cap)
        said[name] = None if amount is None else {unit: amount}
    return said


@st.composite
def campaigns(draw: st.DrawFn, name: str) -> dict[str, Any]:
    bonus = draw(st.booleans())
    form, per = draw(earns if bonus else gives)
    unit = "points" if bonus else "money"
    parties = draw(shares)
    funding = [
        {"party": party, "share": share, "budget": {unit: cap} if (cap := draw(st.none() | st.integers(1, 2000))) else None}
        for party, share in zip(FUNDERS, parties, strict=False)
    ]  # fmt: skip
    build = make.bonus if bonus else make.donation
    return {
        **build(name, form, per=per, what=draw(whats)),
        "when": draw(st.sampled_from(["", "", "", *OF_BASKET, *(OF_LINES if per in {"unit", "line"} else ())])),
        "funding": funding,
        "limits": draw(limits(unit)),
        "exhausted": draw(st.sampled_from(["partial", "none"])),
        "rounding": draw(st.sampled_from(["down", "half-up", "half-even", "up"])),
        "stacking": {
            "group": draw(st.sampled_from(["a", "b"])),
            "order": draw(st.integers(0, 2)),
            "mode": draw(st.sampled_from(["add", "best", "stop"])),
        },
    }  # fmt: skip


@st.composite
def sets(draw: st.DrawFn) -> list[dict[str, Any]]:
    count = draw(st.integers(1, 4))
    return [make.BASE, *(draw(campaigns(f"c-{n}")) for n in range(count))]


@given(sets(), baskets)
def test_shares_and_lines_sum_to_the_effect(documents: list[dict[str, Any]], basket: list[Line]) -> None:  # fmt: skip
    for effect in outcome(make.rulebook(*documents), make.facts(*basket)).effects:
        assert effect.points > 0 or (isinstance(effect, Donate) and effect.money_minor > 0)
        assert sum(f.points for f in effect.funders) == effect.points
        money = effect.money_minor if isinstance(effect, Donate) else 0
        assert sum(f.money_minor for f in effect.funders) == money
        if isinstance(effect, Earn):
            assert sum(points for _, points in effect.by_line) == effect.points
            assert all(points >= 0 for _, points in effect.by_line)


@given(sets(), st.lists(baskets, min_size=1, max_size=8))
@settings(deadline=None)
def test_no_cap_is_ever_exceeded(documents: list[dict[str, Any]], days: list[list[Line]]) -> None:
    book = make.rulebook(*documents)
    limits = {document["campaign"]: document.get("limits") or {} for document in documents}
    counts: dict[str, int] = {}
    for basket in days:
        result = outcome(book, make.facts(*basket), counts)
        for counter, amount in result.consumed:
            assert amount > 0
            counts[counter] = counts.get(counter, 0) + amount
        for effect in result.effects:
            said = limits[effect.campaign]
            assert effect.applications <= (said.get("per_basket") or effect.applications)
            money = effect.money_minor if isinstance(effect, Donate) else 0
            for unit, cap in (said.get("max_per_basket") or {}).items():
                assert (effect.points if unit == "points" else money) <= cap
    for counter, cap in book.caps().items():
        assert counts.get(counter, 0) <= cap, counter
    for name, said in limits.items():
        assert counts.get(f"{name}|card|ref-1", 0) <= (said.get("per_card") or 10**9)
        assert counts.get(f"{name}|day|2026-11-22|ref-1", 0) <= (said.get("per_card_day") or 10**9)


gifts = st.lists(st.builds(make.gift, amount=st.none() | st.integers(0, 1000)), max_size=2)


@given(sets(), st.integers(1, 1500), baskets, gifts, st.booleans(), st.data())
@settings(deadline=None)
def test_what_was_foreseen_before_counters_were_known_comes_out_if_it_holds(
    documents: list[dict[str, Any]],
    most: int,
    basket: list[Line],
    taken: list[Any],
    offline: bool,
    data: st.DataObject,
) -> None:
    round_up = {**make.ROUND_UP, "limits": {"budget": {"money": most}}}
    book = make.rulebook(*documents, round_up)
    sale = make.facts(*basket, gifts=tuple(taken), offline=offline)
    foreseen = outcome(book, sale)
    used = st.sampled_from([0, 0, 1, 3, 50, 600, 4000])
    counts = {c: data.draw(used) for c in engine.match(book, sale).counters}
    if foreseen.holds(counts):
        assert outcome(book, sale, counts) == foreseen
    assert foreseen.holds({}) or any(amount > gauge.cap for gauge, amount in foreseen.asked)
    nothing_left = dict.fromkeys(counts, 10**12)
    limited = any(amount for _, amount in foreseen.asked)
    assert foreseen.holds(nothing_left) is not limited


@given(
    sets(), baskets, st.integers(0, 7), st.integers(0, 100), st.integers(0, 100), st.integers(0, 8)
)
@pytest.mark.edge_case(25)
def test_splitting_a_line_changes_nothing(
    documents: list[dict[str, Any]], basket: list[Line], place: int, of_amount: int, of_size: int, to: int
) -> None:  # fmt: skip
    """Into any two parts of its sign, one of which may cost nothing or be no quantity at all."""
    at = place % len(basket)
    line = basket[at]
    size = line.quantity_micro if line.amount_minor >= 0 else -line.quantity_micro
    one = (line.amount_minor * of_amount // 100, size * of_size // 100)
    other = (line.amount_minor - one[0], size - one[1])
    parts = [replace(line, amount_minor=a, quantity_micro=q) for a, q in (one, other)]
    split = [*basket[:at], parts[0], *basket[at + 1 :]]
    split.insert(max(to, at + 1), parts[1])
    book = make.rulebook(*documents)
    whole, apart = outcome(book, make.facts(*basket)), outcome(book, make.facts(*split))
    assert [_sums(e) for e in whole.effects] == [_sums(e) for e in apart.effects]
    assert (whole.consumed, whole.reasons) == (apart.consumed, apart.reasons)


def _sums(effect: Any) -> tuple[Any, ...]:
    money = effect.money_minor if isinstance(effect, Donate) else 0
    return effect.campaign, effect.points, money, effect.funders, effect.applications


@given(earns, baskets, st.integers(0, 7), st.integers(0, 50_000))
def test_more_spent_never_earns_less(earn: Any, basket: list[Line], place: int, more: int) -> None:
    form, per = earn
    book = make.rulebook(make.BASE, make.bonus("b", form, per=per))
    at = place % len(basket)
    raised = [*basket]
    raised[at] = replace(basket[at], amount_minor=basket[at].amount_minor + more)
    before = sum(earned(outcome(book, make.facts(*basket))).values())
    assert before <= sum(earned(outcome(book, make.facts(*raised))).values())


@given(sets(), baskets, st.randoms(use_true_random=False))
@pytest.mark.edge_case(30)
def test_the_same_sale_has_the_same_outcome_whatever_was_published_first(
    documents: list[dict[str, Any]], basket: list[Line], random: Any
) -> None:
    shuffled = random.sample(documents, len(documents))
    sale = make.facts(*basket)
    one, other = make.rulebook(*documents), make.rulebook(*shuffled)
    first, again, second = outcome(one, sale), outcome(one, sale), outcome(other, sale)
    assert first == again
    assert (first.effects, first.consumed) == (second.effects, second.consumed)
    assert make.codes(one, first) == make.codes(other, second)


@given(
    st.lists(st.tuples(st.sampled_from(["add", "best", "stop"]), st.integers(0, 3), st.integers(0, 4)), min_size=1, max_size=7)
)  # fmt: skip
@pytest.mark.edge_case(30, 31)
def test_a_group_does_what_its_definition_says(members: list[tuple[str, int, int]]) -> None:
    documents = [
        {**make.bonus(f"c-{n}", {"points": points} if points else {"points": 1, "per_amount": 10**9}), "stacking": {"group": "g", "order": order, "mode": mode}}
        for n, (mode, points, order) in enumerate(members)
    ]  # fmt: skip
    ranked = sorted((order, f"c-{n}", mode, points) for n, (mode, points, order) in enumerate(members))  # fmt: skip
    stops = [at for at, (_, _, mode, points) in enumerate(ranked) if mode == "stop" and points]
    reached = ranked[: stops[0] + 1] if stops else ranked
    firing = [member for member in reached if member[3]]
    # Every choice of at most one `best`: the most points win, of equals the first.
    rivals = [m for m in firing if m[2] == "best"]
    winner = max(rivals, key=lambda m: m[3], default=None)
    expected = {name: points for _, name, mode, points in firing if mode != "best"}
    if winner:
        expected[winner[1]] = winner[3]
    assert earned(outcome(make.rulebook(*documents), make.facts())) == expected


def rivals_decided(count: int) -> tuple[dict[str, int], int]:
    """What so many campaigns of which the best counts come to, and how many calls of functions that takes."""
    rival = {"group": "g", "mode": "best"}
    documents = [{**make.bonus(f"c-{n}", {"points": n + 1}), "stacking": rival} for n in range(count)]  # fmt: skip
    book, sale, calls = make.rulebook(*documents), make.facts(), 0

    def called(frame: Any, event: str, argument: Any) -> None:
        nonlocal calls
        calls += event == "call"

    outcome(book, sale)
    sys.setprofile(called)
    try:
        result = outcome(book, sale)
    finally:
        sys.setprofile(None)
    return earned(result), calls


@pytest.mark.edge_case(31)
def test_of_many_campaigns_that_exclude_each_other_each_is_looked_at_once() -> None:
    few, many = rivals_decided(200), rivals_decided(800)
    assert (few[0], many[0]) == ({"c-199": 200}, {"c-799": 800})
    assert many[1] <= 5 * few[1]


@given(sets(), baskets, st.booleans())
def test_every_campaign_considered_says_why_in_one_short_sentence(
    documents: list[dict[str, Any]], basket: list[Line], card: Any
) -> None:
    book = make.rulebook(*documents)
    result = outcome(book, make.facts(*basket, card=card))
    firing = {effect.campaign for effect in result.effects}
    for number, code, argument in result.reasons:
        name = book.name_of(number)
        assert fired(code) is (name in firing)
        text = because(code, argument, [line.sku for line in basket], "RUB", book.name_of)
        assert 0 < len(text) < 120
    assert len(result.reasons) == len({reason.campaign for reason in result.reasons})


def test_every_code_has_its_sentence() -> None:
    texts = {why: because(why, 1234, ["1", "2", "1", "3", "4"], "RUB", str) for why in Why}
    assert len(set(texts.values())) == len(texts)
    assert texts[Why.UNITS] == "1234 units of skus 1, 2, 3 and 1 more"
    assert texts[Why.GIFT] == "the shopper gave 12.34 RUB"
    assert texts[Why.NOT_IN_SCHEDULE] == "not in schedule"
    assert texts[Why.OUTDONE] == "1234 gave more"
    assert because(Why.AMOUNT, 1234, [], "JPY", str) == "1234 JPY of matching goods"


@given(
    st.lists(st.integers(1, 5_000), min_size=1, max_size=4),
    st.sampled_from(["down", "half-up", "half-even", "up"]),
    st.sampled_from([{"rate": "0.1"}, {"rate": "0.137"}, {"points": 3, "per_amount": 700}]),
)
def test_per_line_every_product_keeps_what_it_earned_by_itself(
    amounts: list[int], rounding: str, earn: dict[str, Any]
) -> None:
    document = make.bonus("b", earn, per="line", rounding=rounding)
    basket = [make.line(sku, amount) for sku, amount in zip(SKUS, amounts, strict=False)]
    book = make.rulebook(document, club={"points_scale": 2})
    alone = [earned(outcome(book, make.facts(one))).get("b", 0) for one in basket]
    effects = outcome(book, make.facts(*basket)).effects
    assert [points for e in effects if isinstance(e, Earn) for _, points in e.by_line] == (
        alone if any(alone) else []
    )


@given(
    st.lists(st.tuples(st.sampled_from(SKUS), st.integers(0, 9_500_000)), min_size=1, max_size=6),
    st.integers(2, 5),
    st.integers(1, 4) | st.none(),
)
def test_sets_are_as_many_as_their_units_make_and_no_more_than_the_limit(
    bought: list[tuple[str, int]], size: int, most: int | None
) -> None:
    document = make.bonus("b", {"points": 7}, per="unit", set_of=size, limits={"per_basket": most})
    book = make.rulebook(document)
    basket = [_line(sku, 100, micro) for sku, micro in bought]
    by_sku = {sku: sum(micro for its, micro in bought if its == sku) for sku, _ in bought}
    units = sum(micro // 1_000_000 for micro in by_sku.values())
    sets = units // size if most is None else min(units // size, most)
    result = outcome(book, make.facts(*basket))
    assert earned(result) == ({"b": 7 * sets} if sets else {})
    for effect in result.effects:
        assert isinstance(effect, Earn)
        assert (effect.applications, sum(p for _, p in effect.by_line)) == (sets, 7 * sets)
