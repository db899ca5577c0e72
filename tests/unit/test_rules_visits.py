"""What the ledger knows of a shopper: the first sale, visits, and what is given once on a visit."""

from collections.abc import Mapping
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import make_rules as make
from lepta.rules import engine
from lepta.rules.explanation import Why, because
from lepta.rules.facts import Facts, Shopper
from lepta.rules.rulebook import Rulebook
from make_rules import codes, donated, earned, outcome

WELCOME = make.bonus("welcome", {"points": 500}, welcome=True)
TENTH = make.bonus("tenth", {"points": 100}, nth_visit=10)
THIRD = make.bonus("third", {"points": 30}, nth_visit=3)
ONCE = make.bonus("once", {"points": 5}, per="visit")

VISITS, TODAY = "club|visits|ref-1", "club|visit|nsk-07|2026-11-22|ref-1"


class Card:
    """One card's sales, one after another, as a ledger would count them."""

    def __init__(self, book: Rulebook) -> None:
        self.book = book
        self.counts: dict[str, int] = {}
        self.sales = 0

    def buys(self, day: int = 22, store: str = "nsk-07", **changes: Any) -> engine.Outcome:
        sale = make.facts(
            business_day=date(2026, 11, day), store=make.store(id=store), **changes
        )  # fmt: skip
        return self.take(sale)

    def take(self, sale: Facts) -> engine.Outcome:
        result = outcome(self.book, sale, self.counts, is_first=not self.sales)
        self.sales += sale.shopper is not None
        for counter, amount in result.consumed:
            self.counts[counter] = self.counts.get(counter, 0) + amount
        return result


def said(book: Rulebook, result: engine.Outcome) -> list[str]:
    return [because(r.code, r.argument, [], "RUB", book.name_of) for r in result.reasons]


def test_a_welcome_bonus_is_for_the_first_sale_only() -> None:
    card = Card(make.rulebook(WELCOME))
    assert earned(card.buys()) == {"welcome": 500}
    second = card.buys()
    assert earned(second) == {}
    assert said(card.book, second) == ["not the member's first sale"]


def test_a_first_sale_that_is_not_about_its_goods_was_the_first_all_the_same() -> None:
    tea = {**WELCOME, "what": {"skus": ["tea"]}}
    card = Card(make.rulebook(tea))
    assert earned(card.buys()) == {}
    assert earned(card.take(make.facts(make.line("tea")))) == {}


def test_the_nth_visit_is_the_first_sale_of_each_tenth_day() -> None:
    card = Card(make.rulebook(TENTH))
    visits = [bool(earned(card.buys(day))) for day in range(1, 31)]
    assert [n for n, gave in enumerate(visits, start=1) if gave] == [10, 20, 30]


def test_on_another_visit_the_reason_says_which() -> None:
    card = Card(make.rulebook(TENTH))
    assert said(card.book, card.buys(1)) == ["not on visit 1"]
    assert said(card.book, card.buys(1)) == ["not the first sale of the visit"]
    assert said(card.book, card.buys(2)) == ["not on visit 2"]


def test_a_visit_is_a_store_and_a_business_day() -> None:
    card = Card(make.rulebook(THIRD))
    assert earned(card.buys(1)) == {}
    assert earned(card.buys(1)) == {}
    assert earned(card.buys(1, "nsk-08")) == {}
    # Back in the first store on the same day: the visit there goes on.
    assert earned(card.buys(1)) == {}
    assert card.counts[VISITS] == 2
    assert earned(card.buys(2)) == {"third": 30}
    assert earned(card.buys(2)) == {}


def test_a_visit_counts_whatever_was_bought() -> None:
    card = Card(make.rulebook({**THIRD, "what": {"skus": ["tea"]}}))
    card.buys(1)
    card.take(make.facts(make.line(amount=0), business_day=date(2026, 11, 2)))
    assert earned(card.take(make.facts(make.line("tea"), business_day=date(2026, 11, 3)))) == {"third": 30}  # fmt: skip


def test_visits_are_counted_for_cards_from_the_first_campaign_that_asks() -> None:
    before = make.rulebook(make.BASE, WELCOME, ONCE)
    sale = make.facts()
    assert engine.match(before, sale).visit is None
    assert [name for name, _ in outcome(before, sale).consumed if name.startswith("club|")] == []
    after = before.extended(make.change(TENTH))
    matched = engine.match(after, sale)
    assert {VISITS, TODAY} <= set(matched.counters)
    assert {(VISITS, 1), (TODAY, 1)} <= set(outcome(after, sale).consumed)
    assert engine.match(after, make.facts(card=False)).visit is None
    assert outcome(after, make.facts(card=False)).consumed == ()


def test_they_go_on_being_counted_when_nobody_asks_any_more() -> None:
    book = make.rulebook(TENTH).extended(make.change(make.bonus("tenth", {"points": 1}), version=2))
    assert engine.match(book, make.facts()).visit is not None


def test_visits_of_another_programme_are_its_own() -> None:
    book = make.rulebook(TENTH)
    sale = make.facts(store=make.store(programme="other"))
    assert engine.match(book, sale).visit is None


def test_once_a_visit_means_the_first_sale_that_would_give() -> None:
    card = Card(make.rulebook({**ONCE, "what": {"min_amount": 30000}}))
    assert earned(card.buys()) == {}
    dear = [make.line(amount=31000)]
    assert earned(card.take(make.facts(*dear))) == {"once": 5}
    again = card.take(make.facts(*dear))
    assert earned(again) == {}
    assert said(card.book, again) == ["given on this visit already"]
    assert earned(card.take(make.facts(*dear, store=make.store(id="nsk-08")))) == {"once": 5}
    assert earned(card.take(make.facts(*dear, business_day=date(2026, 11, 23)))) == {"once": 5}
    assert earned(card.take(make.facts(*dear, shopper=Shopper("ref-2")))) == {"once": 5}


FORMS: list[tuple[dict[str, Any], int]] = [
    ({"points": 5}, 5),
    ({"points": 1, "per_amount": 2000}, 12),
    ({"rate": "0.1"}, 25),
    ({"ladder": [{"from": 0, "points": 1}, {"from": 25900, "points": 2, "per_amount": 2000}]}, 24),
    ({"multiply": "3"}, 24),
]


@pytest.mark.parametrize("earn, points", FORMS)
def test_every_form_of_a_basket_may_be_given_once_a_visit(earn: Any, points: int) -> None:
    card = Card(make.rulebook(make.BASE, make.bonus("b", earn, per="visit")))
    assert earned(card.buys()) == {"base": 12, "b": points}
    assert earned(card.buys()) == {"base": 12}


@pytest.mark.parametrize(
    "give, money",
    [({"money": 500}, 500), ({"rate": "0.01"}, 259), ({"points": 50, "money_rate": "0.10"}, 500)],
)
def test_a_donation_once_a_visit_needs_a_card(give: Any, money: int) -> None:
    card = Card(make.rulebook(make.donation("gift", give, per="visit")))
    nobody = card.buys(card=False)
    assert codes(card.book, nobody) == {"gift": Why.NEEDS_CARD}
    assert donated(card.buys()) == {"gift": money}
    assert donated(card.buys()) == {}
    assert donated(card.buys(23)) == {"gift": money}


def test_a_donation_may_welcome_and_needs_a_card_then() -> None:
    card = Card(make.rulebook(make.donation("gift", {"money": 500}, welcome=True)))
    assert codes(card.book, card.buys(card=False)) == {"gift": Why.NEEDS_CARD}
    assert donated(card.buys()) == {"gift": 500}
    assert donated(card.buys()) == {}


def test_an_offer_once_a_visit_stands_until_it_is_accepted() -> None:
    top_up = {**make.donation("top-up", {"money": 1000}, per="visit"), "funding": []}
    top_up["effect"]["from"] = "shopper-money"
    card = Card(make.rulebook(top_up))
    for taken in (None, None, make.gift("top-up", 1000)):
        result = card.buys(gifts=(taken,) if taken else ())
        assert [offer.amount_minor for offer in result.offers] == [1000]
    assert donated(result) == {"top-up": 1000}
    after = card.buys(gifts=(make.gift("top-up", 1000),))
    assert (after.offers, after.effects, after.flags) == ((), (), ("unknown-gift",))
    assert [offer.amount_minor for offer in card.buys(23).offers] == [1000]
    assert codes(card.book, card.buys(23, card=False)) == {"top-up": Why.NEEDS_CARD}


def test_a_condition_and_an_occasion_ask_for_the_same_visits() -> None:
    few = {**make.bonus("few", {"points": 1}), "when": "member.visits < 2"}
    card = Card(make.rulebook(few, THIRD))
    got = [earned(card.buys(day)) for day in (1, 1, 2, 2, 3, 3)]
    assert got == [{"few": 1}] * 4 + [{"third": 30}, {}]


def test_a_visit_on_which_a_limit_left_nothing_is_not_used_up() -> None:
    card = Card(make.rulebook({**ONCE, "limits": {"per_card_day": 1, "budget": {"points": 5}}}))
    card.counts["once|budget|points"] = 5
    spent = card.buys()
    assert codes(card.book, spent) == {"once": Why.BUDGET_EXHAUSTED}
    assert spent.consumed == ()


def test_the_loser_of_a_group_does_not_use_its_visit_up() -> None:
    better = {**make.bonus("better", {"points": 9}), "stacking": {"mode": "best"}}
    book = make.rulebook({**ONCE, "stacking": {"mode": "best"}}, better)
    assert outcome(book, make.facts()).consumed == ()


def test_an_occasion_that_is_missed_leaves_the_group_to_others() -> None:
    first = {**WELCOME, "stacking": {"order": 1, "mode": "stop"}}
    card = Card(make.rulebook(first, make.bonus("usual", {"points": 5})))
    assert earned(card.buys()) == {"welcome": 500}
    assert earned(card.buys()) == {"usual": 5}


def test_only_a_candidate_that_can_give_asks_for_the_past() -> None:
    book = make.rulebook({**WELCOME, "what": {"skus": ["tea"]}}, ONCE, make.BASE)
    assert not engine.match(book, make.facts()).asks_past
    assert engine.match(book, make.facts(make.line("tea"))).asks_past
    assert not engine.match(book, make.facts(make.line("tea"), card=False)).asks_past


days = st.lists(
    st.tuples(st.integers(1, 5), st.sampled_from(["a", "b"]), st.booleans()), max_size=25
)


@given(days, st.integers(2, 4))
def test_visits_are_distinct_stores_and_days_in_the_order_of_the_log(
    sales: list[tuple[int, str, bool]], nth: int
) -> None:
    card = Card(make.rulebook(make.bonus("nth", {"points": 1}, nth_visit=nth), ONCE, WELCOME))
    seen: set[tuple[int, str]] = set()
    carded = 0
    for day, store, has_card in sales:
        got = earned(card.buys(day, store, card=has_card))
        is_new = has_card and (day, store) not in seen
        if is_new:
            seen.add((day, store))
        assert ("once" in got) is is_new
        assert ("nth" in got) is (is_new and len(seen) % nth == 0)
        assert ("welcome" in got) is (has_card and carded == 0)
        carded += has_card
    assert card.counts.get(VISITS, 0) == len(seen)
    assert all(count == 1 for name, count in card.counts.items() if name != VISITS)


@given(days)
def test_what_was_foreseen_as_a_new_visit_comes_out_if_it_is_one(
    sales: list[tuple[int, str, bool]],
) -> None:
    book = make.rulebook(ONCE, {**TENTH, "what": {"skus": ["tea"]}}, make.BASE)
    card = Card(book)
    for day, store, has_card in sales:
        sale = make.facts(
            business_day=date(2026, 11, day), store=make.store(id=store), card=has_card
        )
        before: Mapping[str, int] = dict(card.counts)
        foreseen, judged = outcome(book, sale, {}), card.take(sale)
        if foreseen.holds(before):
            assert foreseen == judged
        else:
            assert foreseen != judged
