"""What a basket earns, against the same figures in exact fractions; and what must not change them."""

from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from math import ceil, floor
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

import make_rules as make
from lepta.money import EXPONENT
from lepta.rules import measure
from lepta.rules.facts import Line
from make_rules import donated, earned, outcome

roundings = st.sampled_from(["down", "up", "half-up", "half-even"])
rates = st.integers(1, 3_000).map(lambda n: str(Decimal(n) / 1000))
currencies = st.sampled_from(sorted({EXPONENT[c]: c for c in sorted(EXPONENT)}.values()))
amounts = st.integers(1, 10**7)


def rounded(exact: Fraction, mode: str) -> int:
    if mode == "down":
        return floor(exact)
    if mode == "up":
        return ceil(exact)
    whole, rest = floor(exact), exact - floor(exact)
    if rest == Fraction(1, 2):
        return whole + (1 if mode == "half-up" else whole % 2)
    return whole + (rest > Fraction(1, 2))


@given(amounts, rates, roundings, st.integers(0, 4), currencies)
def test_a_rate_gives_its_exact_points_rounded_once(
    amount: int, rate: str, mode: str, scale: int, currency: str
) -> None:
    campaign = make.bonus("b", {"rate": rate}, rounding=mode)
    book = make.rulebook(campaign, club={"points_scale": scale, "currency": currency})
    lines = [make.line("1", amount // 3), make.line("2", amount - amount // 3)]
    exact = Fraction(rate) * amount * 10**scale / 10 ** EXPONENT[currency]
    points = rounded(exact, mode)
    got = earned(outcome(book, make.facts(*lines, currency=currency)))
    assert got == ({"b": points} if points else {})


@given(amounts, st.integers(1, 1000), roundings)
def test_a_part_of_the_revenue_is_exact_money_rounded_once(amount: int, n: int, mode: str) -> None:
    rate = str(Decimal(n) / 1000)
    book = make.rulebook(make.donation("d", {"rate": rate}, rounding=mode))
    money = rounded(Fraction(rate) * amount, mode)
    got = donated(outcome(book, make.facts(make.line(amount=amount))))
    assert got == ({"d": money} if money else {})


@given(st.lists(amounts, min_size=1, max_size=6), rates, roundings)
def test_per_line_each_product_is_rounded_for_itself(
    parts: list[int], rate: str, mode: str
) -> None:
    book = make.rulebook(make.bonus("b", {"rate": rate}, per="line", rounding=mode))
    lines = [make.line(str(n), part) for n, part in enumerate(parts)]
    points = sum(rounded(Fraction(rate) * part / 100, mode) for part in parts)
    got = earned(outcome(book, make.facts(*lines)))
    assert got == ({"b": points} if points else {})


@given(
    st.lists(st.integers(0, 60_000), min_size=1, max_size=5, unique=True).map(sorted),
    st.integers(1, 70_000),
    st.sampled_from([-1, 0, 1]),
    st.booleans(),
)
def test_the_highest_step_reached_holds_for_all_of_the_amount(
    steps: list[int], amount: int, near: int, at_a_step: Any
) -> None:
    forms: list[dict[str, Any]] = [
        {"points": n + 1} if n % 2 else {"points": n + 1, "per_amount": 1000}
        for n in range(len(steps))
    ]
    ladder = [{"from": least, **form} for least, form in zip(steps, forms, strict=True)]
    amount = max(1, steps[-1] + near) if at_a_step else amount
    reached = [form for least, form in zip(steps, forms, strict=True) if amount >= least]
    points = 0
    if reached:
        form = reached[-1]
        points = form["points"] * (amount // form["per_amount"] if "per_amount" in form else 1)
    sale = make.facts(make.line(amount=amount))
    got = earned(outcome(make.rulebook(make.bonus("b", {"ladder": ladder})), sale))
    assert got == ({"b": points} if points else {})


@given(
    st.lists(st.tuples(amounts, st.booleans()), min_size=1, max_size=6),
    st.integers(1_001, 5_000),
    roundings,
)
def test_a_multiplier_adds_its_multiple_of_the_base_points_on_its_lines(
    parts: list[tuple[int, bool]], factor: int, mode: str
) -> None:
    double = make.bonus("m", {"multiply": str(Decimal(factor) / 1000)}, rounding=mode)
    book = make.rulebook(make.BASE, {**double, "what": {"categories": ["tea"]}})
    lines = [
        make.line(str(n), amount, categories=["tea"] if is_tea else [])
        for n, (amount, is_tea) in enumerate(parts)
    ]
    result = outcome(book, make.facts(*lines))
    by_line = {n: points for e in result.effects if e.campaign == "base" for n, points in e.by_line}
    on_tea = sum(points for n, points in by_line.items() if parts[n][1])
    extra = rounded(Fraction(factor - 1000, 1000) * on_tea, mode)
    assert earned(result).get("m", 0) == extra


forms = st.sampled_from(
    [
        ({"points": 5}, "unit"),
        ({"points": 5}, "line"),
        ({"points": 5}, "visit"),
        ({"rate": "0.137"}, "line"),
        ({"rate": "0.137"}, "amount"),
        ({"points": 1, "per_amount": 700}, "basket"),
        ({"multiply": "2"}, "basket"),
        ({"ladder": [{"from": 100, "points": 1}, {"from": 30_000, "rate": "1"}]}, "basket"),
    ]
)


@given(
    forms,
    st.lists(amounts, min_size=1, max_size=4),
    st.lists(st.tuples(st.integers(-50_000, 50_000), st.integers(0, 4)), max_size=4),
)
def test_excluded_goods_and_what_is_no_goods_change_nothing(
    form: tuple[dict[str, Any], str], parts: list[int], others: list[tuple[int, int]]
) -> None:
    earn, per = form
    what = {"exclude": {"categories": ["tobacco"], "skus": ["gin"], "brands": ["Smoke"]}}
    base = {**make.BASE, "what": what}
    book = make.rulebook(base, {**make.bonus("b", earn, per=per), "what": what})
    lines = [make.line(str(n), part) for n, part in enumerate(parts)]
    more = [_out(place, amount) for amount, place in others]
    plain = earned(outcome(book, make.facts(*lines)))
    assert earned(outcome(book, make.facts(*more[:1], *lines, *more[1:]))) == plain


def _out(sort: int, amount: int) -> Line:
    if sort == 0:
        return make.line("gin", amount)
    if sort == 1:
        return make.line("other", amount, brand="Smoke")
    if sort == 2:
        return make.line("1", amount, goods=False)
    return make.line("0", amount, categories=["food", "tobacco"])


@given(forms, st.lists(st.tuples(amounts, st.integers(0, 100)), min_size=1, max_size=5))
def test_what_points_paid_changes_gross_never_and_net_only_downwards(
    form: tuple[dict[str, Any], str], parts: list[tuple[int, int]]
) -> None:
    earn, per = form
    lines = [make.line(str(n), amount) for n, (amount, _) in enumerate(parts)]
    net = [amount - amount * share // 100 for amount, share in parts]
    earning: dict[str, list[int]] = {"gross": [], "net": []}
    for base, found in earning.items():
        of_base = make.bonus("base", {"points": 1, "per_amount": 700}, base=base)
        of_base["stacking"] = {"group": "base"}
        book = make.rulebook(of_base, make.bonus("b", earn, per=per, base=base))
        found += [
            earned(outcome(book, make.facts(*lines), net=left)).get("b", 0)
            for left in ([line.amount_minor for line in lines], net, [0] * len(net))
        ]
    assert len(set(earning["gross"])) == 1
    assert earning["net"][0] == earning["gross"][0]
    assert all(one >= other for one, other in pairwise(earning["net"]))


def test_a_point_of_every_scale_and_currency_is_a_point() -> None:
    """100 major units at 1 % are one displayed point, whatever the units are."""
    for currency, exponent in EXPONENT.items():
        for scale in range(7):
            book = make.rulebook(
                make.bonus("b", {"rate": "0.01"}),
                club={"points_scale": scale, "currency": currency},
            )
            sale = make.facts(make.line(amount=100 * 10**exponent), currency=currency)
            assert earned(outcome(book, sale)) == {"b": 10**scale}


class Counting(list[Line]):
    """Lines that count how often they are looked at."""

    looked = 0

    def __getitem__(self, place: Any) -> Any:
        self.looked += 1
        return super().__getitem__(place)


def test_the_longest_basket_with_one_product_on_two_lines_is_shared_out_in_few_steps() -> None:
    lines = Counting(make.line(f"sku-{max(n, 1)}", 100) for n in range(1_000))
    by_sku = dict.fromkeys([line.sku for line in lines], 100)
    shared = measure.over_lines(999, by_sku, lines, range(1_000), [100] * 1_000)
    assert sum(points for _, points in shared) == 999
    assert lines.looked <= 2 * len(lines)
