"""Limits, stacking and gifts: what is left, who wins, what the shopper's own money does."""

from typing import Any

import pytest

import make_rules as make
from lepta.rules import engine
from lepta.rules.effects import Donate, Offer
from lepta.rules.explanation import Why
from lepta.rules.limits import is_hard
from make_rules import codes, donated, earned, outcome

FUNDED = [
    {"party": "hunter-foods", "share": "0.6", "budget": {"money": 900}},
    {"party": "retail-nsk", "share": "0.4"},
]


def hunter(**parts: Any) -> dict[str, Any]:
    return {**make.HUNTER, **parts}


@pytest.mark.parametrize(
    ("parts", "counts", "units", "code"),
    [
        ({"limits": {"per_basket": 5}}, {}, 5, Why.UNITS_CUT),
        ({"limits": {"per_basket": 7}}, {}, 7, Why.UNITS),
        ({"limits": {"per_card_day": 10}}, {"hunter-forest|day|2026-11-22|ref-1": 7}, 3, Why.UNITS_CUT),
        ({"limits": {"per_card_day": 10}}, {"hunter-forest|day|2026-11-22|ref-1": 10}, 0, Why.CARD_DAY_LIMIT),
        ({"limits": {"per_card": 100}}, {"hunter-forest|card|ref-1": 99}, 1, Why.UNITS_CUT),
        ({"limits": {"per_card": 100}}, {"hunter-forest|card|ref-1": 101}, 0, Why.CARD_LIMIT),
        ({"limits": {"per_card": 100}}, {"hunter-forest|card|ref-2": 100}, 7, Why.UNITS),
        ({"limits": {"units": 8}}, {"hunter-forest|units": 8}, 0, Why.UNITS_EXHAUSTED),
        ({"limits": {"budget": {"money": 5000}}}, {"hunter-forest|budget|money": 3501}, 2, Why.UNITS_CUT),
        ({"limits": {"budget": {"money": 5000}}}, {"hunter-forest|budget|money": 4501}, 0, Why.BUDGET_EXHAUSTED),
        ({"limits": {"budget": {"points": 350}}}, {}, 7, Why.UNITS),
        ({"limits": {"budget": {"points": 349}}}, {}, 6, Why.UNITS_CUT),
        ({"limits": {"max_per_basket": {"money": 1999}}}, {}, 3, Why.UNITS_CUT),
        ({"limits": {"max_per_basket": {"points": 49}}}, {}, 0, Why.BASKET_LIMIT),
        ({"funding": FUNDED}, {}, 3, Why.UNITS_CUT),
        ({"funding": FUNDED}, {"hunter-forest|funder|hunter-foods|money": 601}, 0, Why.FUNDER_EXHAUSTED),
        ({"funding": FUNDED, "exhausted": "none"}, {}, 0, Why.FUNDER_EXHAUSTED),
        ({"limits": {"units": 6}, "exhausted": "none"}, {}, 0, Why.UNITS_EXHAUSTED),
        ({"limits": {"units": 7}, "exhausted": "none"}, {}, 7, Why.UNITS),
        ({"limits": {"per_basket": 5}, "exhausted": "none"}, {}, 5, Why.UNITS_CUT),
    ],
)  # fmt: skip
@pytest.mark.edge_case(34)
def test_a_limit_leaves_whole_units(parts: Any, counts: dict[str, int], units: int, code: Why) -> None:  # fmt: skip
    book = make.rulebook(hunter(**parts))
    result = outcome(book, make.facts(make.line(quantity="7")), counts)
    assert donated(result) == ({"hunter-forest": 500 * units} if units else {})
    assert codes(book, result) == {"hunter-forest": code}


@pytest.mark.edge_case(34)
def test_what_one_funder_cannot_pay_is_not_charged_to_another() -> None:
    result = outcome(make.rulebook(hunter(funding=FUNDED)), make.facts(make.line(quantity="7")))
    [effect] = result.effects
    assert [f.money_minor for f in effect.funders] == [900, 600]


@pytest.mark.parametrize(
    ("give", "parts", "points", "money"),
    [
        ({"money": 500}, {"limits": {"budget": {"money": 300}}}, 0, 300),
        ({"rate": "1"}, {"limits": {"max_per_basket": {"money": 1000}}}, 0, 1000),
        ({"points": 50, "money_rate": "0.10"}, {"limits": {"budget": {"money": 305}}}, 30, 300),
        ({"points": 50, "money_rate": "0.10"}, {"limits": {"budget": {"points": 7}}}, 7, 70),
        ({"money": 1000}, {"funding": FUNDED}, 0, 1000),
        ({"money": 2000}, {"funding": FUNDED}, 0, 1500),
    ],
)
def test_per_basket_a_limit_leaves_a_part(give: Any, parts: Any, points: int, money: int) -> None:
    book = make.rulebook({**make.donation("hunter-forest", give), **parts})
    [effect] = outcome(book, make.facts()).effects
    assert (effect.points, donated(outcome(book, make.facts()))) == (
        points,
        {"hunter-forest": money},
    )
    [reason] = outcome(book, make.facts()).reasons
    assert (reason.code == Why.AMOUNT) is (give == {"money": 1000})


def test_what_was_given_is_counted_and_nothing_else() -> None:
    limits = {"per_card": 9, "per_card_day": 9, "units": 9, "budget": {"money": 4500}}
    book = make.rulebook(hunter(limits=limits, funding=FUNDED))
    sale = make.facts(make.line(quantity="2"))
    counters = engine.match(book, sale).counters
    result = outcome(book, sale)
    assert dict(result.consumed) == {
        "hunter-forest|card|ref-1": 2,
        "hunter-forest|day|2026-11-22|ref-1": 2,
        "hunter-forest|units": 2,
        "hunter-forest|budget|money": 1000,
        "hunter-forest|funder|hunter-foods|money": 600,
    }
    assert set(counters) == {counter for counter, _ in result.consumed}
    assert [is_hard(counter) for counter in counters] == [False, False, True, True, True]
    assert dict(book.caps()) == {
        "hunter-forest|units": 9,
        "hunter-forest|budget|money": 4500,
        "hunter-forest|funder|hunter-foods|money": 900,
    }


@pytest.mark.edge_case(36)
def test_a_campaign_that_gives_nothing_consumes_nothing() -> None:
    book = make.rulebook({**make.bonus("b", {"rate": "0.01"}), "limits": {"per_card": 1}})
    result = outcome(book, make.facts(make.line(amount=99)))
    assert result.consumed == ()
    assert codes(book, result) == {"b": Why.NOTHING_TO_GIVE}


def test_an_anonymous_sale_is_not_counted_by_card() -> None:
    book = make.rulebook({**make.donation("d", {"money": 5}), "limits": {"per_card": 1}})
    sale = make.facts(card=False)
    assert engine.match(book, sale).counters == ()
    assert donated(outcome(book, sale)) == {"d": 5}


def stacked(campaign: str, points: int, mode: str, order: int = 100, **more: Any) -> Any:
    stacking = {"group": "offers", "order": order, "mode": mode}
    return {**make.bonus(campaign, {"points": points}), "stacking": stacking, **more}


@pytest.mark.parametrize(
    ("documents", "wins"),
    [
        ([stacked("a", 5, "best"), stacked("b", 9, "best")], {"b": 9}),
        ([stacked("b", 9, "best"), stacked("a", 9, "best")], {"a": 9}),
        ([stacked("b", 9, "best", 1), stacked("a", 9, "best", 2)], {"b": 9}),
        ([stacked("a", 5, "best"), stacked("b", 9, "add"), stacked("c", 7, "best")], {"b": 9, "c": 7}),
        ([stacked("a", 5, "stop"), stacked("b", 9, "add"), stacked("c", 7, "best")], {"a": 5}),
        ([stacked("a", 5, "best"), stacked("b", 1, "stop"), stacked("c", 7, "best")], {"a": 5, "b": 1}),
        ([stacked("a", 5, "stop", where={"stores": ["x"]}), stacked("b", 9, "add")], {"b": 9}),
        ([stacked("a", 5, "best"), stacked("b", 9, "best", limits={"max_per_basket": {"points": 3}})], {"a": 5}),
    ],
)  # fmt: skip
@pytest.mark.edge_case(30)
def test_in_a_group(documents: Any, wins: dict[str, int]) -> None:
    assert earned(outcome(make.rulebook(*documents), make.facts())) == wins


@pytest.mark.edge_case(36)
def test_only_the_winner_consumes_and_the_others_say_who_won() -> None:
    limits: Any = {"limits": {"budget": {"points": 100}}}
    documents = [stacked("a", 5, "best", **limits), stacked("b", 9, "best", **limits)]
    book = make.rulebook(*documents, stacked("c", 1, "stop"), stacked("d", 3, "add"))
    result = outcome(book, make.facts())
    assert dict(result.consumed) == {"b|budget|points": 9}
    said = [(book.name_of(r.campaign), r.code, r.argument) for r in result.reasons]
    assert said == [
        ("a", Why.OUTDONE, book.number_of("b")),
        ("b", Why.AMOUNT, 25900),
        ("c", Why.AMOUNT, 25900),
        ("d", Why.STOPPED, book.number_of("c")),
    ]


def test_base_comes_first_then_groups_by_name_then_order_then_id() -> None:
    def at(campaign: str, group: str, order: int) -> Any:
        return {**make.bonus(campaign, {"points": 1}), "stacking": {"group": group, "order": order}}

    documents = [
        at("z", "a-group", 1),
        at("y", "base", 9),
        at("x", "a-group", 1),
        at("w", "z-group", 0),
    ]
    result = outcome(make.rulebook(*documents), make.facts())
    assert [effect.campaign for effect in result.effects] == ["y", "x", "z", "w"]


def test_points_and_money_compete_by_their_worth() -> None:
    money = {
        **make.donation("money", {"money": 95}),
        "stacking": {"group": "offers", "mode": "best"},
    }
    assert earned(outcome(make.rulebook(money, stacked("a", 10, "best")), make.facts())) == {
        "a": 10
    }
    assert donated(outcome(make.rulebook(money, stacked("a", 9, "best")), make.facts())) == {
        "money": 95
    }


@pytest.mark.parametrize(("due", "gap"), [(25400, 600), (25000, 0), (0, 0), (-5, 0), (1, 999)])
def test_a_round_up_offers_the_gap(due: int, gap: int) -> None:
    book = make.rulebook(make.ROUND_UP)
    sale = make.facts(make.line(amount=100), total_minor=due)
    result = outcome(book, sale)
    assert result.offers == (Offer("round-up", "children", gap),)
    assert (result.effects, result.flags) == ((), ())
    assert codes(book, result) == {"round-up": Why.OFFERED if gap else Why.ALREADY_ROUND}


@pytest.mark.parametrize("amount", [None, 600])
def test_an_accepted_gift_is_the_shoppers_money(amount: int | None) -> None:
    sale = make.facts(make.line(amount=25400), gifts=(make.gift(amount=amount),))
    result = outcome(make.rulebook(make.ROUND_UP), sale)
    assert result.effects == (
        Donate("round-up", "children", 0, 600, (), 0, 600, ((0, 600),), 1, True, True),
    )
    assert (result.flags, result.gift_differs) == ((), ())


def test_another_figure_than_ours_is_reported_and_offline_booked_as_taken() -> None:
    book = make.rulebook(make.ROUND_UP)
    gifts = (make.gift(amount=500),)
    online = outcome(book, make.facts(make.line(amount=25400), gifts=gifts))
    assert (online.effects, online.flags) == ((), ())
    assert online.gift_differs == (("round-up", 600),)
    offline = outcome(book, make.facts(make.line(amount=25400), gifts=gifts, offline=True))
    assert donated(offline) == {"round-up": 500}
    assert offline.flags == ("gift-differs",)


@pytest.mark.parametrize(
    ("document", "gifts", "flags", "booked"),
    [
        (make.ROUND_UP, (make.gift("nobody"),), ("unknown-gift",), {}),
        (make.ROUND_UP, (make.gift("nobody", accepted=False),), (), {}),
        (make.ROUND_UP, (make.gift(accepted=False),), (), {}),
        (make.ROUND_UP, (make.gift(), make.gift()), ("unknown-gift",), {"round-up": 600}),
        ({**make.ROUND_UP, "active": {"until": "2026-11-22"}}, (make.gift(),), ("unknown-gift",), {}),
        ({**make.ROUND_UP, "limits": {"budget": {"money": 599}}}, (make.gift(),), ("unknown-gift",), {}),
        ({**make.ROUND_UP, "limits": {"budget": {"money": 600}}}, (make.gift(),), (), {"round-up": 600}),
        ({**make.ROUND_UP, "limits": {"budget": {"money": 600}}}, (make.gift(amount=601),), ("unknown-gift",), {}),
    ],
)  # fmt: skip
def test_an_unknown_or_closed_offer_is_not_booked(document: Any, gifts: Any, flags: Any, booked: Any) -> None:  # fmt: skip
    sale = make.facts(make.line(amount=25400), gifts=gifts, offline=True)
    result = outcome(make.rulebook(document), sale)
    assert (result.flags, donated(result)) == (flags, booked)


def second(step: int) -> dict[str, Any]:
    return {**make.ROUND_UP, "campaign": "second", "effect": {**make.ROUND_UP["effect"], "give": {"round_up_to": step}}}  # fmt: skip


@pytest.mark.parametrize(
    ("step", "amounts", "offline", "booked", "differs", "flags"),
    [
        (1000, (600, None), False, {"round-up": 600}, (), ()),
        (1000, (600, 0), False, {"round-up": 600}, (), ()),
        (1000, (600, 600), False, {"round-up": 600}, (("second", 0),), ()),
        (1000, (600, 600), True, {"round-up": 600, "second": 600}, (("second", 0),), ("gift-differs",)),
        (10000, (600, 4000), False, {"round-up": 600, "second": 4000}, (), ()),
        (10000, (None, None), False, {"round-up": 600, "second": 4000}, (), ()),
    ],
)  # fmt: skip
def test_a_second_round_up_is_on_what_is_due_after_the_first(
    step: int, amounts: Any, offline: Any, booked: Any, differs: Any, flags: Any
) -> None:
    gifts = (make.gift(amount=amounts[0]), make.gift("second", amounts[1]))
    sale = make.facts(make.line(amount=25400), gifts=gifts, offline=offline)
    result = outcome(make.rulebook(make.ROUND_UP, second(step)), sale)
    assert (donated(result), result.gift_differs, result.flags) == (booked, differs, flags)


def test_of_two_offers_the_shopper_takes_either() -> None:
    sale = make.facts(make.line(amount=25400), gifts=(make.gift("second", 600),))
    result = outcome(make.rulebook(make.ROUND_UP, second(1000)), sale)
    assert donated(result) == {"second": 600}
    assert [offer.amount_minor for offer in result.offers] == [600, 600]


def test_a_gift_is_counted() -> None:
    limits = {"budget": {"money": 1000}, "per_card": 3}
    book = make.rulebook({**make.ROUND_UP, "limits": limits})
    sale = make.facts(make.line(amount=25400), gifts=(make.gift(),))
    assert dict(outcome(book, sale).consumed) == {
        "round-up|card|ref-1": 1,
        "round-up|budget|money": 600,
    }
