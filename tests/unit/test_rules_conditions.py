"""Conditions in CEL: what they may ask, what they get, what is refused before it can run away."""

import random
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import make_rules as make
from lepta.errors import InvalidRequest
from lepta.rules import conditions, engine
from lepta.rules.context import Context
from lepta.rules.document import validate
from lepta.rules.explanation import Why, because, fired
from lepta.rules.facts import NO_PAST, Facts, Line, Shopper
from make_rules import codes, donated, earned, outcome


def when(text: str, **parts: Any) -> dict[str, Any]:
    """A bonus of 5 points, under a condition."""
    return make.bonus("under", {"points": 5}, when=text, **parts)


def fires(text: str, sale: Facts | None = None, **known: Any) -> bool:
    book = make.rulebook(when(text))
    return bool(earned(outcome(book, sale or make.facts(), known.pop("counts", None), **known)))


def reason_of(text: str, sale: Facts, **parts: Any) -> int:
    book = make.rulebook(when(text, **parts))
    return codes(book, outcome(book, sale))["under"]


def at(hour: int, minute: int = 0, day: int = 22) -> datetime:
    return datetime(2026, 11, day, hour, minute, tzinfo=make.NOVOSIBIRSK)


# --- What it asks ---


def test_the_example_of_the_rule_language_fires_when_it_holds() -> None:
    text = "basket.total >= 100000 && member.visits >= 3"
    rich, poor = make.facts(make.line(amount=100_000)), make.facts(make.line(amount=99_999))
    seen = {"counts": {"club|visits|ref-1": 3}}
    assert fires(text, rich, **seen)
    assert not fires(text, poor, **seen)
    assert not fires(text, rich, counts={"club|visits|ref-1": 2})


BASKET = (
    make.line("milk", 9_900, "2"),
    make.line("milk", 4_950, "1"),
    make.line("apples", 12_345, "0.755"),
    make.line("voucher", 100_000, goods=False),
    make.line("free", 0, "3"),
)


@pytest.mark.parametrize(
    "text",
    [
        "basket.total == 27195",
        "basket.lines == 2",
        "basket.units == 3",
        'store.id == "nsk-07" && store.retailer == "retail-nsk" && store.region == "siberia"',
        "time.hour == 18 && time.weekday == 7 && time.day == 22 && time.month == 11",
        'store.id in ["nsk-07", "nsk-08"]',
        'store.id.startsWith("nsk-") && store.id.endsWith("7") && store.id.contains("k-0")',
        "store.id.size() == 6 && size(store.id) == 6",
        "basket.total / basket.units == 9065 && basket.total % 10 == 5 && -basket.units + 4 == 1",
        "-7 / 2 == -3 && -7 % 2 == -1 && 7 / -2 == -3",
        '"Ж".size() == 1 && "Страна\\u0301" != "Страна" && "a" in ["b", "a"] && !("a" in [])',
        "time.weekday in [6, 7] ? basket.total > 100 : basket.total > 1000000",
        '["nsk-07", "x"].exists(s, s == store.id) && ["n", "s"].all(s, store.id.contains(s))',
        '["nsk-07", "x"].exists_one(s, s == store.id)',
        '(basket.total > 0 ? ["a"] : ["b", "c"]).exists(s, s == "a") && ["a"][0] == "a"',
        "!(basket.total < 0 || basket.total * 2 - 1 <= 0) && basket.lines != 3",
    ],
)
def test_basket_store_and_time_are_what_was_bought_where_and_when(text: str) -> None:
    assert fires(text, make.facts(*BASKET))


def test_every_fact_can_be_asked_for() -> None:
    gold = make.facts(*BASKET, shopper=Shopper("ref-1", "gold", ("students",), 400))
    for name in conditions.VARIABLES:
        context = Context(gold, NO_PAST)
        condition = conditions.compiled(f"{name} == {name}")
        assert condition.variables == (name,)
        kept, why = context.kept(condition, (0, 2))
        assert (tuple(kept), why) == ((0, 2), 0), name


def test_a_region_that_the_store_has_not_is_empty() -> None:
    assert fires('store.region == ""', make.facts(store=make.store(region=None)))


def test_the_clock_is_the_stores() -> None:
    midnight = at(0, day=23)
    assert fires("time.day == 23 && time.hour == 0 && time.weekday == 1", make.facts(at=midnight))
    second = midnight - timedelta(seconds=1)
    assert fires("time.day == 22 && time.hour == 23 && time.weekday == 7", make.facts(at=second))


def test_the_basket_is_what_it_costs_before_points_pay_for_it() -> None:
    book = make.rulebook(when("basket.total == 25900"))
    assert earned(outcome(book, make.facts(), net=[100])) == {"under": 5}


def test_points_and_visits_are_those_before_the_sale() -> None:
    assert fires("member.points == 700 && member.visits == 0", points=700)
    assert not fires("member.points > 700", points=700)


def test_tier_and_segments_are_the_shoppers() -> None:
    gold = make.facts(shopper=Shopper("ref-1", "gold", ("students", "vip-1")))
    assert fires('member.tier == "gold" && "students" in member.segments', gold)
    assert fires('member.segments.exists(s, s.startsWith("vip"))', gold)
    assert not fires('member.tier == "silver" || "staff" in member.segments', gold)
    plain = make.facts()
    assert fires('member.tier == "" && member.segments.size() == 0', plain)
    assert reason_of('member.segments[0] == "students"', plain) == Why.CONDITION_UNKNOWN


def test_days_since_joining_are_the_shoppers_where_they_are_known() -> None:
    known = make.facts(shopper=Shopper("ref-1", joined_days=30))
    assert fires("member.days_since_joining >= 30", known)
    assert not fires("member.days_since_joining > 30", known)
    assert reason_of("member.days_since_joining >= 0", make.facts()) == Why.CONDITION_UNKNOWN


# --- A sale that is not foreseen ---


def test_only_what_asks_the_ledger_waits_for_its_turn() -> None:
    asking = engine.match(make.rulebook(when("member.points > 0")), make.facts())
    assert asking.asks_past
    assert asking.counters == ()
    visiting = engine.match(make.rulebook(when("member.visits > 0")), make.facts())
    assert visiting.asks_past
    assert visiting.counters == ("club|visits|ref-1", "club|visit|nsk-07|2026-11-22|ref-1")
    assert not engine.match(make.rulebook(when("basket.total > 0")), make.facts()).asks_past


# --- What is not known ---


@pytest.mark.parametrize(
    "text",
    [
        'member.tier == "gold"',
        'member.tier != "gold"',
        '"vip" in member.segments',
        "member.visits == 0",
        "member.points == 0",
        "basket.total > 0 && member.points == 0",
        "basket.total / 0 > 1",
        "basket.total % (basket.lines - 1) == 0",
        "basket.total * 9000000000000000000 > 0",
        "-9223372036854775807 - 2 < basket.total",
        '["a"][basket.lines] == "a"',
    ],
)
def test_what_cannot_be_told_does_not_fire_and_says_so(text: str) -> None:
    book = make.rulebook(make.donation("gift", {"money": 500}, when=text))
    result = outcome(book, make.facts(card=False))
    assert donated(result) == {}
    assert codes(book, result) == {"gift": Why.CONDITION_UNKNOWN}
    [reason] = result.reasons
    assert not fired(reason.code)
    said = because(reason.code, reason.argument, [], "RUB", book.name_of)
    assert said == "its condition needs what is not known of the sale"


def test_what_holds_without_a_member_holds() -> None:
    book = make.rulebook(
        make.donation("gift", {"money": 500}, when="basket.total > 0 || member.points > 0")
    )
    assert donated(outcome(book, make.facts(card=False))) == {"gift": 500}
    assert reason_of("basket.total < 0 && member.points > 0", make.facts()) == Why.CONDITION_FALSE


# --- Of each product ---

MIXED = (
    make.line("milk", 30_000, "3", ["dairy"], "farm"),
    make.line("bread", 5_000, "1", ["bakery"]),
    make.line("tea", 60_000, "2", ["tea", "hot"], "farm"),
)


@pytest.mark.parametrize(
    ("text", "per_unit", "per_line"),
    [
        ("line.quantity >= 2", 25, 10),
        ("line.amount >= 50000", 10, 5),
        ('line.sku == "bread"', 5, 5),
        ('line.brand == "farm"', 25, 10),
        ('line.brand == ""', 5, 5),
        ('"hot" in line.categories', 10, 5),
        ("line.amount > basket.total / 2", 10, 5),
        ("line.quantity > 100", 0, 0),
        ("line.amount / (line.quantity - 1) > 14999", 25, 10),
        ("basket.units == 6", 30, 15),
    ],
)
def test_a_condition_about_lines_is_asked_of_each_product(
    text: str, per_unit: int, per_line: int
) -> None:
    for per, points in (("unit", per_unit), ("line", per_line)):
        book = make.rulebook(when(text, per=per))
        assert earned(outcome(book, make.facts(*MIXED))).get("under", 0) == points


def test_points_are_given_for_the_lines_that_it_leaves() -> None:
    book = make.rulebook(when("line.amount > 20000", per="unit"))
    [effect] = outcome(book, make.facts(*MIXED)).effects
    assert effect.by_line == ((0, 15), (2, 10))


def test_least_quantity_and_amount_are_of_what_it_leaves() -> None:
    fits = when("line.amount > 20000", per="unit", what={"min_quantity": "5", "min_amount": 90_000})
    book = make.rulebook(fits)
    assert earned(outcome(book, make.facts(*MIXED))) == {"under": 25}
    more = when("line.amount > 20000", per="unit", what={"min_quantity": "6"})
    book = make.rulebook(more)
    assert codes(book, outcome(book, make.facts(*MIXED))) == {"under": Why.BELOW_MIN_QUANTITY}


def test_where_no_product_is_left_the_reason_says_whether_something_was_unknown() -> None:
    sale = make.facts(*MIXED)
    assert reason_of("line.quantity > 100", sale, per="unit") == Why.CONDITION_FALSE
    assert reason_of("line.amount / 0 > 1", sale, per="unit") == Why.CONDITION_UNKNOWN
    # One is unknown and another holds: that is given.
    assert fired(reason_of("line.amount / (line.quantity - 3) < 0", sale, per="unit"))


@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.integers(1, 5), st.integers(-2_000, 9_000)), min_size=1, max_size=6),
    st.sampled_from(["line.quantity >= 3", "line.amount > 4000", "basket.lines > 1", "basket.units > 5"]),
    st.sampled_from(["unit", "line"]),
    st.randoms(use_true_random=False),
)  # fmt: skip
def test_splitting_a_line_and_their_order_change_nothing(
    bought: list[tuple[str, int, int]], text: str, per: str, shuffle: random.Random
) -> None:
    whole = [make.line(sku, amount, str(count)) for sku, count, amount in bought]
    split = []
    for line in whole:
        if line.quantity_micro > 1_000_000 and line.amount_minor > 1:
            split.append(replace(line, quantity_micro=1_000_000, amount_minor=1))
            rest = line.quantity_micro - 1_000_000
            split.append(replace(line, quantity_micro=rest, amount_minor=line.amount_minor - 1))
        else:
            split.append(line)
    shuffle.shuffle(split)
    book = make.rulebook(when(text, per=per))
    assert earned(outcome(book, make.facts(*split))) == earned(outcome(book, make.facts(*whole)))


# --- Beside other rules ---


def test_what_its_condition_keeps_out_uses_up_nothing_and_stops_nobody() -> None:
    first = when("basket.total < 0", stacking={"mode": "stop", "order": 1}, limits={"units": 1})
    second = make.bonus("second", {"points": 3}, stacking={"order": 2})
    book = make.rulebook(first, second)
    result = outcome(book, make.facts())
    assert earned(result) == {"second": 3}
    assert result.consumed == ()
    assert codes(book, result)["under"] == Why.CONDITION_FALSE


def test_an_offer_waits_for_its_condition_too() -> None:
    book = make.rulebook({**make.ROUND_UP, "when": "basket.total > 20000"})
    sale = make.facts(make.line(amount=25_910))
    assert [offer.campaign for offer in outcome(book, sale).offers] == ["round-up"]
    assert outcome(book, make.facts(make.line(amount=15_910))).offers == ()


def test_a_multiplier_has_its_condition() -> None:
    double = make.bonus("double", {"multiply": "2"}, when="time.weekday == 7")
    book = make.rulebook(make.BASE, double)
    assert earned(outcome(book, make.facts())) == {"base": 12, "double": 12}
    assert earned(outcome(book, make.facts(at=at(12, day=23)))) == {"base": 12}


def test_two_campaigns_that_write_the_same_share_it() -> None:
    text = "basket.total > 4711"
    assert conditions.compiled(text) is conditions.compiled(text)


def test_an_empty_condition_is_none() -> None:
    book = make.rulebook(when(""))
    campaign = book.campaign("under")
    assert campaign is not None
    assert campaign.condition is None


# --- The law ---

Predicate = tuple[str, Callable[[dict[str, Any]], bool]]

_numbers = st.sampled_from(["basket.total", "basket.lines", "basket.units", "time.hour", "time.day", "member.points"])  # fmt: skip
_compare: dict[str, Callable[[int, int], bool]] = {
    "<": lambda a, b: a < b, "<=": lambda a, b: a <= b, "==": lambda a, b: a == b,
    "!=": lambda a, b: a != b, ">=": lambda a, b: a >= b, ">": lambda a, b: a > b,
}  # fmt: skip


def _comparison(name: str, sign: str, number: int, shift: int) -> Predicate:
    text = f"{name} {sign} {number}" if shift == 0 else f"({name} + {shift}) {sign} {number}"
    return text, lambda known: _compare[sign](known[name] + shift, number)


def _membership(name: str, numbers: list[int]) -> Predicate:
    return f"{name} in {numbers}", lambda known: known[name] in numbers


def _both(one: Predicate, other: Predicate) -> Predicate:
    return f"({one[0]} && {other[0]})", lambda known: one[1](known) and other[1](known)


def _either(one: Predicate, other: Predicate) -> Predicate:
    return f"({one[0]} || {other[0]})", lambda known: one[1](known) or other[1](known)


def _not(one: Predicate) -> Predicate:
    return f"!({one[0]})", lambda known: not one[1](known)


_leaves = st.builds(
    _comparison, _numbers, st.sampled_from(sorted(_compare)), st.integers(-10, 30_000) | st.integers(0, 25), st.sampled_from([0, 0, 3, -700])
) | st.builds(_membership, _numbers, st.lists(st.integers(0, 31), max_size=5))  # fmt: skip
predicates = st.recursive(
    _leaves,
    lambda inner: (
        st.builds(_both, inner, inner) | st.builds(_either, inner, inner) | st.builds(_not, inner)
    ),
    max_leaves=5,
)
bought = st.lists(
    st.tuples(st.sampled_from(["a", "b", "c"]), st.integers(1, 4), st.integers(1, 20_000)), min_size=1, max_size=5
)  # fmt: skip


@settings(deadline=None)
@given(predicates, bought, st.integers(0, 23), st.integers(1, 30), st.integers(0, 10_000))
def test_a_condition_says_what_the_same_predicate_says_in_python(
    predicate: Predicate, lines: list[tuple[str, int, int]], hour: int, day: int, points: int
) -> None:
    text, expected = predicate
    sale = make.facts(
        *[make.line(sku, amount, str(count)) for sku, count, amount in lines], at=at(hour, day=day)
    )
    known = {
        "basket.total": sum(amount for _, _, amount in lines),
        "basket.lines": len({sku for sku, _, _ in lines}),
        "basket.units": sum(count for _, count, _ in lines),
        "time.hour": hour,
        "time.day": day,
        "member.points": points,
    }
    assert fires(text, sale, points=points) == expected(known)


# --- What is refused ---


def refused(text: str, **parts: Any) -> str:
    with pytest.raises(InvalidRequest) as refusal:
        validate(when(text, **parts), make.known())
    [fault] = refusal.value.members["errors"]
    assert fault["path"] == "when"
    reason: str = fault["reason"]
    return reason


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("basket.totl > 5", 'column 1: there is no fact \'basket.totl\'; did you mean "basket.total"?'),
        ("basket.total > 5 &&\n membr.tier == 'x'", 'line 2, column 2: there is no fact \'membr.tier\'; did you mean "member.tier"?'),
        ("basket.units > 5 && basket", "column 21: there is no fact 'basket'; did you mean"),
        ("total > 5", "column 1: there is no fact 'total'; "),
        ("member.birthday == 5", "column 1: there is no fact 'member.birthday'; "),
        ("'Ж' == store.id && x", "column 20: there is no fact 'x'"),
        ("basket.total > '5'", "column 14: '>' does not take (int, string): compare whole numbers"),
        ("basket.total > 100.50", "column 14: '>' does not take (int, double)"),
        ("member.tier == 5", "column 13: '==' does not take (string, int)"),
        ("member.tier < 'gold'", "column 13: '<' does not take (string, string)"),
        ("'vip' in member.tier", "column 7: 'in' does not take (string, string)"),
        ("basket.total", "gives int, not true or false: compare it, as in basket.total >= 100000"),
        ("member.segments", "gives list<string>, not true or false"),
        ("true", "asks for no fact, so it always comes out the same: leave it out"),
        ("1 > 2 || [1, 2].exists(n, n > 3)", "asks for no fact, so it always comes out the same"),
        ("basket.total >", "column 15: cannot be read"),
        ("'\u2028' == store.id ||\r\n x > 1\n", "line 2, column 2: there is no fact 'x'"),
        ("basket.\n", "cannot be read (no viable alternative at input '.\\n'): write it as"),
        ("basket.total > 5;", "column 17: cannot be read"),
        ("member.tier = 'gold'", 'column 13: write "=="'),
        ("", None),
        (" ", "cannot be read"),
        ("basket.total > 99999999999999999999", "column 16: cannot be read (invalid int literal)"),
        ("store.id.matches('^nsk')", "column 17: there is no function 'matches'; use only in, size"),
        ("has(member.tier)", "there is no function 'has'"),
        ("dyn(5) == 'a'", "there is no function 'dyn'"),
        ("type(5) == int", "there is no function 'type'"),
        ("timestamp('2026-01-01T00:00:00Z') == timestamp('2026-01-01T00:00:00Z')", "column 10: there is no function 'timestamp'"),
        ("int(store.id) > 5", "column 4: there is no function 'int'"),
        ("store.id + 'x' == 'x'", "column 10: '+' does not take (string, string)"),
        ("member.segments.map(s, s) == []", "column 20: there is no function 'map'"),
        ("member.segments.filter(s, s != 'a').size() > 1", "there is no function 'filter'"),
        ("['a'] + ['b'] == ['a', 'b']", "column 7: '+' does not take (list(string), list(string))"),
        ("{'a': 1} == {'a': 1}", "maps and objects cannot be used"),
        ("google.protobuf.Timestamp{seconds: 1} == google.protobuf.Timestamp{seconds: 1}", "maps and objects cannot be used"),
        ("[[1]] == [[1]]", "a list cannot hold lists"),
        ("store.id == '\ud800'", None),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_refused_with_its_place_and_a_remedy(
    text: str, reason: str | None
) -> None:
    if text == "":
        assert validate(when(text), make.known()).when == ""
    elif reason is None:
        with pytest.raises(InvalidRequest):
            validate(when(text), make.known())
    else:
        assert reason in refused(text)


def test_a_text_that_looks_like_a_fault_is_none() -> None:
    assert validate(when("store.id == 'ERROR: <input>:9:9: boo'"), make.known())
    assert refused("x == '\\nERROR: <input>:9:9: boo'").startswith("column 1: ")


def test_lines_are_asked_about_where_each_counts() -> None:
    reason = refused("line.amount > 5", per="basket")
    assert 'ask for "basket." instead of "line.", or count per line' in reason
    assert refused("line.amount > 5", per="visit") == reason
    for per in ("unit", "line"):
        assert validate(when("line.amount > 5", per=per), make.known())


_TEN = "[0,1,2,3,4,5,6,7,8,9]"
_HOSTILE = {
    "long": "basket.total > 1" + " && basket.total > 1" * 60,
    "brackets": "(" * 300 + "true" + ")" * 300,
    "lists": "[" * 300 + "]" * 300 + " == []",
    "sums": "+".join(["1"] * 300) + " > 1",
    "choices": "true ? " * 100 + "true" + " : false" * 100,
    "selects": "basket.total" + ".a" * 200,
    "loops in loops": f"{_TEN}.all(a, {_TEN}.all(b, {_TEN}.all(c, {_TEN}.all(d, a + b + c + d >= 0))))",
    "segments twice": "member.segments.all(a, member.segments.all(b, a == b))",
    "lists compared in a loop": "member.segments.all(a, member.segments == member.segments)",
    "joined": f"({'+'.join(['member.segments'] * 20)}).all(a, {'+'.join(['member.segments'] * 20)} != [])",
    "filtered": f"member.segments.filter(a, true).all(b, {' && '.join(['b != store.id'] * 20)})",
    "grown": "['aaaa']" + ".map(x, x + x)" * 20 + ".size() > 0",
    "shared": "[[1]]" + ".map(a, [a, a])" * 20 + " == [[1]]",
    "pattern": "store.id.matches('" + "(a+)+" * 100 + "$')",
    "signs": "!" * 900 + "(basket.total > 5)",
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(_HOSTILE))
def test_what_could_run_away_is_refused_or_quick(name: str) -> None:
    began = time.perf_counter()
    try:
        validate(when(_HOSTILE[name]), make.known())
    except InvalidRequest:
        pass
    else:
        outcome(make.rulebook(when(_HOSTILE[name])), make.facts())
    assert time.perf_counter() - began < 0.5


def test_only_what_is_harmless_of_them_is_let_through() -> None:
    passed = set()
    for name, text in _HOSTILE.items():
        try:
            validate(when(text), make.known())
        except InvalidRequest:
            continue
        passed.add(name)
    assert passed == {"signs"}


@settings(max_examples=300, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            [*conditions.VARIABLES, *conditions.FUNCTIONS, "(", ")", "[", "]", "{", "}", ",", ".", "'a'", '"', "1", "0", "-", "+", "*", "/", "%", "==", "<", "&&", "||", "!", "?", ":", " ", "\n", "x", "true", "null", "b''", "1.5", "2u", "//"]
        ),
        max_size=14,
    )
)  # fmt: skip
def test_whatever_is_written_is_taken_or_refused_and_never_crashes(parts: list[str]) -> None:
    text = "".join(parts)
    try:
        document = validate(when(text, per="line"), make.known())
    except InvalidRequest:
        return
    assert document.when == text
    outcome(make.rulebook(when(text, per="line")), make.facts(*MIXED))


def test_conditions_may_be_asked_from_several_threads() -> None:
    book = make.rulebook(when("basket.total > 1000 && member.points >= 0"))
    rich, poor = make.facts(), make.facts(make.line(amount=1_000))

    def ask(number: int) -> bool:
        sale, expected = (rich, True) if number % 2 else (poor, False)
        return bool(earned(outcome(book, sale))) is expected

    with ThreadPoolExecutor(4) as threads:
        assert all(threads.map(ask, range(400)))


class Read(tuple[Line, ...]):
    """Lines that count how often they are gone through."""

    __slots__ = ()

    times = 0

    def __iter__(self) -> Iterator[Line]:
        Read.times += 1
        return super().__iter__()


def test_the_facts_are_worked_out_once_for_all_conditions_that_ask() -> None:
    context = Context(make.facts(lines=Read(BASKET)), NO_PAST)
    assert Read.times == 0
    assert context.kept(conditions.compiled("basket.total > 0"), (0,)) == ((0,), 0)
    once = Read.times
    for number in range(10):
        text = f"basket.total > {number} && time.hour == 18"
        assert context.kept(conditions.compiled(text), (0,)) == ((0,), 0)
    assert Read.times == once > 0


def test_a_products_facts_are_worked_out_once_for_all_conditions_that_ask_for_the_same() -> None:
    context = Context(make.facts(lines=Read(BASKET)), NO_PAST)
    positions = tuple(range(len(BASKET)))
    conditions_of_lines = [conditions.compiled(f"line.amount > -{n}") for n in range(1, 11)]
    first, *others = [context.kept(one, positions) for one in conditions_of_lines]
    assert all(other == first for other in others)
    assert len(context._of_product) == len({line.sku for line in BASKET})
