"""What each effect form gives: worked examples, then what never changes it."""

from typing import Any

import pytest

import make_rules as make
from lepta.rules.effects import Donate, Earn, FunderShare
from lepta.rules.explanation import Why, because
from lepta.rules.programme import Expiry
from make_rules import codes, donated, earned, outcome


def test_the_founding_example_is_fifty_points_owed_by_two() -> None:
    book = make.rulebook(make.BASE, make.HUNTER)
    result = outcome(book, make.facts(), net=[25400])
    base, hunter = result.effects
    assert isinstance(base, Earn)
    assert (base.points, base.by_line) == (12, ((0, 12),))
    assert base.funders == (FunderShare("retail-nsk", 12, 0),)
    assert isinstance(hunter, Donate)
    assert (hunter.points, hunter.money_minor, hunter.applications) == (50, 500, 1)
    assert [(f.party, f.money_minor) for f in hunter.funders] == [
        ("hunter-foods", 300),
        ("retail-nsk", 200),
    ]
    assert (hunter.fund, hunter.by_line) == ("forest-animals", ((0, 50),))
    [_, why] = result.reasons
    said = because(why.code, why.argument, [make.DUMPLINGS], "RUB", book.name_of)
    assert said == "1 unit of sku 4600000000015"


@pytest.mark.parametrize(
    ("earn", "amount", "points"),
    [
        ({"rate": "0.01"}, 25900, 2),
        ({"rate": "0.01"}, 99, 0),
        ({"rate": "1"}, 25999, 259),
        ({"points": 7}, 25900, 7),
        ({"points": 1, "per_amount": 2000}, 25900, 12),
        ({"points": 1, "per_amount": 2000}, 1999, 0),
        ({"points": 3, "per_amount": 1000}, 10500, 30),
        # A real programme, found from its receipts: per full 20 below 555, per full 10 from there on.
        *(
            (
                {
                    "ladder": [
                        {"from": 0, "points": 1, "per_amount": 2000},
                        {"from": 55500, "points": 1, "per_amount": 1000},
                    ]
                },
                amount,
                points,
            )
            for amount, points in [(55467, 27), (55000, 27), (55500, 55), (55900, 55), (30800, 15)]
        ),
        ({"ladder": [{"from": 10000, "rate": "0.1"}, {"from": 20000, "points": 50}]}, 9999, 0),
        ({"ladder": [{"from": 10000, "rate": "0.1"}, {"from": 20000, "points": 50}]}, 19999, 19),
        ({"ladder": [{"from": 10000, "rate": "0.1"}, {"from": 20000, "points": 50}]}, 20000, 50),
    ],
)
def test_a_basket_earns(earn: dict[str, Any], amount: int, points: int) -> None:
    result = outcome(make.rulebook(make.bonus("b", earn)), make.facts(make.line(amount=amount)))
    assert earned(result) == ({"b": points} if points else {})


@pytest.mark.parametrize(
    ("rounding", "points"), [("down", 2), ("half-up", 3), ("half-even", 2), ("up", 3)]
)
def test_a_rate_rounds_once_as_the_campaign_says(rounding: str, points: int) -> None:
    book = make.rulebook(make.bonus("b", {"rate": "0.01"}, rounding=rounding))
    lines = [make.line(str(n), 5000) for n in range(5)]
    assert earned(outcome(book, make.facts(*lines))) == {"b": points}


def test_points_have_as_many_decimals_as_the_programme_shows() -> None:
    book = make.rulebook(
        make.bonus("b", {"rate": "0.1"}),
        make.donation("d", {"points": 250, "money_rate": "0.5"}),
        club={"points_scale": 2},
    )
    result = outcome(book, make.facts(make.line(amount=12345)))
    assert earned(result) == {"b": 1234}  # 12.34 points of 123.45
    assert donated(result) == {"d": 125}  # 2.50 points at 0.50


@pytest.mark.parametrize(
    ("quantities", "units"),
    [(["1"], 1), (["3"], 3), (["0.345"], 0), (["0.6", "0.6"], 1), (["2", "1"], 3), (["-2"], 2)],
)
def test_whole_units_of_a_sku_count(quantities: list[str], units: int) -> None:
    lines = [make.line(quantity=quantity) for quantity in quantities]
    result = outcome(make.rulebook(make.HUNTER), make.facts(*lines))
    assert [e.applications for e in result.effects] == ([units] if units else [])
    assert donated(result) == ({"hunter-forest": 500 * units} if units else {})


def test_units_of_two_skus_do_not_make_up_one() -> None:
    book = make.rulebook(make.bonus("b", {"points": 1}, per="unit"))
    lines = [make.line("1", quantity="0.6"), make.line("2", quantity="0.6")]
    result = outcome(book, make.facts(*lines))
    assert codes(book, result) == {"b": Why.NO_WHOLE_UNIT}


@pytest.mark.parametrize(
    ("parts", "units"),
    [
        ([(300, "3"), (-100, "1")], 2),
        ([(300, "3"), (-100, "-1")], 2),
        ([(300, "3"), (-300, "3")], 0),
        ([(300, "3"), (-300, "1")], 0),
        ([(300, "3"), (-100, "5")], 0),
        ([(1000, "1"), (0, "1")], 2),
        ([(0, "1"), (1000, "1")], 2),
        ([(0, "5")], 0),
        ([(-100, "4")], 0),
        ([(1200, "2"), (-200, "0")], 2),
        ([(1200, "2"), (-200, "1")], 1),
        ([(1000, "1"), (-100, "1"), (0, "-1"), (500, "3")], 2),
        ([(0, "-3"), (100, "2")], 0),
    ],
)
@pytest.mark.edge_case(27)
def test_units_of_a_sku_are_its_sums(parts: list[tuple[int, str]], units: int) -> None:
    book = make.rulebook(make.bonus("b", {"points": 1}, per="unit"))
    lines = [make.line("1", amount, quantity) for amount, quantity in parts]
    assert earned(outcome(book, make.facts(*lines))) == ({"b": units} if units else {})


def test_what_one_sku_takes_back_lessens_no_other() -> None:
    book = make.rulebook(make.bonus("b", {"points": 1}, per="unit", what={"min_quantity": "3"}))
    lines = [make.line("1", 300, "3"), make.line("2", -100, "4"), make.line("3", 0, "9")]
    assert earned(outcome(book, make.facts(*lines))) == {"b": 3}
    less = outcome(book, make.facts(*lines, make.line("1", -100, "1")))
    assert codes(book, less) == {"b": Why.BELOW_MIN_QUANTITY}


def test_per_line_means_once_for_each_product_paid_for() -> None:
    book = make.rulebook(make.bonus("b", {"points": 5}, per="line"))
    lines = [make.line("1"), make.line("1"), make.line("2"), make.line("3", -5), make.line("4", 0)]
    [effect] = outcome(book, make.facts(*lines)).effects
    assert isinstance(effect, Earn)
    assert (effect.points, effect.applications) == (10, 1)
    assert effect.by_line == ((0, 3), (1, 2), (2, 5), (3, 0), (4, 0))


def test_a_rate_per_line_rounds_for_each_product() -> None:
    lines = [make.line("1", 150), make.line("2", 150)]
    per_line = make.rulebook(make.bonus("b", {"rate": "1"}, per="line"))
    per_basket = make.rulebook(make.bonus("b", {"rate": "1"}, per="basket"))
    assert earned(outcome(per_line, make.facts(*lines))) == {"b": 2}
    assert earned(outcome(per_basket, make.facts(*lines))) == {"b": 3}


def test_a_ladder_may_hold_points_for_each_unit() -> None:
    steps = [{"from": 0, "points": 1}, {"from": 10000, "points": 5}]
    book = make.rulebook(make.bonus("b", {"ladder": steps}, per="unit"))
    small, big = make.line(amount=9999, quantity="3"), make.line(amount=10000, quantity="3")
    assert earned(outcome(book, make.facts(small))) == {"b": 3}
    assert earned(outcome(book, make.facts(big))) == {"b": 15}


@pytest.mark.edge_case(28)
def test_negative_lines_lessen_the_basket_but_never_below_nothing() -> None:
    book = make.rulebook(make.BASE)
    assert earned(outcome(book, make.facts(make.line("1", 6000), make.line("2", -1000)))) == {
        "base": 2
    }
    result = outcome(book, make.facts(make.line("1", 1000), make.line("2", -6000)))
    assert codes(book, result) == {"base": Why.NOTHING_TO_GIVE}


@pytest.mark.edge_case(24)
def test_only_goods_earn() -> None:
    lines = [make.line("card", 100000, goods=False), make.line("1", 4000)]
    assert earned(outcome(make.rulebook(make.BASE), make.facts(*lines))) == {"base": 2}
    nothing = outcome(make.rulebook(make.BASE), make.facts(lines[0]))
    assert (nothing.effects, nothing.reasons) == ((), ())


@pytest.mark.parametrize(("base", "points"), [("net", 5), ("gross", 10)])
@pytest.mark.edge_case(24)
def test_what_points_paid_earns_only_if_the_rule_says_so(base: str, points: int) -> None:
    book = make.rulebook(make.bonus("b", {"points": 1, "per_amount": 2000}, base=base))
    sale = make.facts(make.line(amount=20000))
    assert earned(outcome(book, sale, net=[10000])) == {"b": points}


def test_a_multiplier_adds_to_the_base_points_of_its_lines() -> None:
    double = make.bonus("double", {"multiply": "2"}, what={"categories": ["red"]})
    half = make.bonus("half", {"multiply": "1.5"})
    book = make.rulebook(half, double, make.BASE)
    lines = [make.line("1", 12000, categories=["red"]), make.line("2", 8000)]
    result = outcome(book, make.facts(*lines))
    assert earned(result) == {"base": 10, "double": 6, "half": 5}
    [doubled] = [e for e in result.effects if isinstance(e, Earn) and e.campaign == "double"]
    assert doubled.by_line == ((0, 6),)


def test_a_multiplier_leaves_other_groups_points_alone() -> None:
    first = {**make.bonus("first", {"points": 100}), "stacking": {"group": "a"}}
    book = make.rulebook(first, make.BASE, make.bonus("double", {"multiply": "2"}))
    assert earned(outcome(book, make.facts())) == {"base": 12, "first": 100, "double": 12}


def test_a_line_found_by_two_of_its_categories_counts_once() -> None:
    what = {"categories": ["fresh", "milk"]}
    book = make.rulebook(make.bonus("b", {"points": 5}, per="unit", what=what))
    sale = make.facts(make.line(categories=["milk", "fresh"]))
    assert earned(outcome(book, sale)) == {"b": 5}


def test_points_for_units_fall_on_lines_as_priced_whatever_was_redeemed() -> None:
    book = make.rulebook(make.bonus("b", {"points": 10}, per="unit"))
    sale = make.facts(make.line(amount=100, quantity="0.5"), make.line(amount=100, quantity="0.5"))
    [effect] = outcome(book, sale, net=[0, 100]).effects
    assert isinstance(effect, Earn)
    assert effect.by_line == ((0, 5), (1, 5))


def test_a_multiplier_of_nothing_gives_nothing() -> None:
    book = make.rulebook(make.bonus("double", {"multiply": "2"}))
    assert codes(book, outcome(book, make.facts())) == {"double": Why.NO_BASE_POINTS}


@pytest.mark.parametrize(
    ("give", "per", "money"),
    [
        ({"money": 500}, "unit", 1500),
        ({"money": 500}, "line", 500),
        ({"money": 500}, "basket", 500),
        ({"rate": "1"}, "amount", 77700),
        ({"rate": "0.005"}, "amount", 388),
        ({"points": 1, "money_rate": "0.105"}, "unit", 30),  # 10.5 rounds at the unit: 10
        ({"points": 50, "money_rate": "0.10"}, "basket", 500),
    ],
)
def test_a_donation_gives(give: dict[str, Any], per: str, money: int) -> None:
    book = make.rulebook(make.donation("d", give, per=per))
    assert donated(outcome(book, make.facts(make.line(amount=77700, quantity="3")))) == {"d": money}


@pytest.mark.edge_case(57)
def test_the_odd_kopeck_always_falls_on_the_same_funder() -> None:
    funding = [
        {"party": "dairy", "share": "0.333334"},
        {"party": "open-hands", "share": "0.333333"},
        {"party": "retail-nsk", "share": "0.333333"},
    ]
    book = make.rulebook({**make.donation("d", {"money": 10}, per="unit"), "funding": funding})
    [effect] = outcome(book, make.facts(make.line(quantity="10"))).effects
    assert [f.money_minor for f in effect.funders] == [34, 33, 33]


@pytest.mark.parametrize(
    ("choice", "fund", "flags"),
    [
        (None, "school-1", ()),
        (("d", "school-17"), "school-17", ()),
        (("d", "school-9"), "school-1", ("unknown-choice",)),
        (("nobody", "school-17"), "school-1", ("unknown-campaign",)),
        (("base", "school-17"), "school-1", ("unknown-choice",)),
    ],
)
def test_the_shopper_chooses_who_gets_it(choice: Any, fund: str, flags: tuple[str, ...]) -> None:
    to = {"choice": ["school-1", "school-17"], "default": "school-1"}
    book = make.rulebook(make.BASE, make.donation("d", {"money": 50}, to=to))
    result = outcome(book, make.facts(choice=choice))
    assert [e.fund for e in result.effects if isinstance(e, Donate)] == [fund]
    assert result.flags == flags


def test_without_a_choice_or_default_nobody_gets_it() -> None:
    book = make.rulebook(make.donation("d", {"money": 50}, to={"choice": ["school-1"]}))
    assert codes(book, outcome(book, make.facts())) == {"d": Why.NO_CHOICE}


def test_points_wait_and_expire_as_the_campaign_says_else_as_the_programme() -> None:
    own = make.bonus("own", {"points": 1}, pending_days=3, expire_after={"months": 1, "at": "day"})
    forever = make.bonus("forever", {"points": 1}, expire_after=None)
    book = make.rulebook(
        own, forever, make.bonus("plain", {"points": 1}), club={"pending_days": 14}
    )
    waits = {
        e.campaign: (e.pending_days, e.expire_after)
        for e in outcome(book, make.facts()).effects
        if isinstance(e, Earn)
    }
    assert waits == {
        "own": (3, Expiry(1, at="day")),
        "forever": (14, None),
        "plain": (14, Expiry(12, at="month-end")),
    }


@pytest.mark.parametrize(
    ("what", "matches"),
    [
        ({"skus": ["1"]}, [0]),
        ({"categories": ["milk"]}, [0, 1]),
        ({"brands": ["Dolina"]}, [1, 2]),
        ({"categories": ["milk"], "brands": ["Dolina"]}, [1]),
        ({"skus": ["1", "2"], "brands": ["Dolina"]}, [1]),
        ({"exclude": {"brands": ["Dolina"]}}, [0, 3]),
        ({"categories": ["milk", "cheese"], "exclude": {"skus": ["2"]}}, [0, 2]),
        ({"categories": ["bread"]}, []),
    ],
)
def test_a_line_matches_when_every_list_has_it(what: dict[str, Any], matches: list[int]) -> None:
    lines = [
        make.line("1", categories=["milk"]),
        make.line("2", categories=["fresh", "milk"], brand="Dolina"),
        make.line("3", categories=["cheese"], brand="Dolina"),
        make.line("4"),
    ]
    result = outcome(make.rulebook(make.bonus("b", {"points": 9}, what=what)), make.facts(*lines))
    assert [n for e in result.effects if isinstance(e, Earn) for n, _ in e.by_line] == matches


@pytest.mark.parametrize(
    ("code", "what", "sale"),
    [
        (Why.BELOW_MIN_QUANTITY, {"min_quantity": "2"}, {}),
        (Why.BELOW_MIN_AMOUNT, {"min_amount": 25901}, {}),
        (Why.NEEDS_CARD, {}, {"card": False}),
        (Why.OTHER_CURRENCY, {}, {"currency": "KZT"}),
        (Why.AMOUNT, {"min_quantity": "1", "min_amount": 25900}, {}),
    ],
)
def test_a_campaign_says_why_it_gave_nothing(code: Why, what: Any, sale: Any) -> None:
    book = make.rulebook(make.bonus("b", {"points": 5}, what=what))
    result = outcome(book, make.facts(**sale))
    assert codes(book, result) == {"b": code}
    assert bool(result.effects) == (code is Why.AMOUNT)


@pytest.mark.parametrize(
    ("where", "here"),
    [
        ({"stores": ["nsk-07"]}, True),
        ({"stores": ["nsk-08"]}, False),
        ({"regions": ["siberia"]}, True),
        ({"regions": ["ural"]}, False),
        ({"retailers": ["retail-nsk"], "regions": ["siberia"]}, True),
        ({"retailers": ["retail-nsk"], "regions": ["ural"]}, False),
        ({"retailers": ["retail-msk"]}, False),
    ],
)
@pytest.mark.parametrize("what", [{}, {"skus": [make.DUMPLINGS]}])
def test_a_campaign_runs_where_every_list_has_the_store(where: Any, here: Any, what: Any) -> None:
    book = make.rulebook(make.bonus("b", {"points": 5}, where=where, what=what))
    result = outcome(book, make.facts())
    assert bool(result.effects) is here
    # What is about goods says why it did not fire; what is only about other places is not even looked at.
    elsewhere = [Why.OTHER_STORE] if what else []
    assert [reason.code for reason in result.reasons] == ([Why.AMOUNT] if here else elsewhere)


def test_a_donation_needs_no_card_unless_it_says_so() -> None:
    book = make.rulebook(make.donation("open", {"money": 5}), make.HUNTER)
    result = outcome(book, make.facts(card=False))
    assert codes(book, result) == {"open": Why.AMOUNT, "hunter-forest": Why.NEEDS_CARD}


def test_absurd_figures_give_nothing_instead_of_breaking() -> None:
    book = make.rulebook(make.bonus("b", {"points": 10**12}, per="unit"))
    result = outcome(book, make.facts(make.line(quantity="999999999999")))
    assert codes(book, result) == {"b": Why.TOO_LARGE}


@pytest.mark.parametrize(
    ("count", "each", "given"),
    [(1, 10**12, 1), (100, 10**12, 100), (101, 10**12, 100), (9, 10**11, 9)],
)
def test_all_effects_of_a_sale_stay_within_what_a_ledger_holds(
    count: int, each: int, given: int
) -> None:
    names = [f"b-{n:03}" for n in range(count)]
    book = make.rulebook(*(make.bonus(name, {"points": each}) for name in names))
    result = outcome(book, make.facts())
    assert earned(result) == dict.fromkeys(names[:given], each)
    assert [r.code for r in result.reasons[given:]] == [Why.TOO_LARGE] * (count - given)
    assert result.consumed == ()


def test_money_has_its_own_bound_and_what_is_refused_is_not_counted() -> None:
    budget = {"limits": {"units": 10**12}}
    gives = [make.donation(f"d-{n:03}", {"money": 10**12}, **budget) for n in range(101)]
    book = make.rulebook(*gives, make.bonus("b", {"points": 5}))
    result = outcome(book, make.facts())
    assert sum(donated(result).values()) == 10**14
    assert earned(result) == {"b": 5}
    assert len(result.consumed) == 100
    assert codes(book, result)["d-100"] == Why.TOO_LARGE


def test_what_each_product_earned_is_not_spread_again_over_dearer_ones() -> None:
    tenth = make.bonus("b", {"rate": "0.1"}, per="line", rounding="half-up")
    book = make.rulebook(tenth, club={"points_scale": 2})
    lines = [make.line(sku, amount) for sku, amount in (("1", 5), ("2", 5), ("3", 5), ("4", 94))]
    (earn,) = outcome(book, make.facts(*lines)).effects
    assert isinstance(earn, Earn)
    assert earn.by_line == ((0, 1), (1, 1), (2, 1), (3, 9))
