"""The shopper's own money: what is offered for which basket, what is booked, and what leaves no trace."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import make_rules as make
from lepta.money import allocate
from lepta.rules.effects import Donate, FunderShare, Offer
from lepta.rules.explanation import Why
from make_rules import codes, donated, outcome

BANDS = {"bands": [{"from": 50_000, "money": 1_000}, {"from": 100_000, "money": 3_000}]}
DAIRY = {"skus": ["milk"]}


def basket(*gifts: Any, **more: Any) -> Any:
    """Dumplings for 259.00 and four litres of milk for 300.00, on two lines."""
    lines = (
        make.line(),
        make.line("milk", 22_500, "3"),
        make.line("milk", 7_500, "1"),
    )
    return make.facts(*lines, gifts=gifts, **more)


def offers(*documents: Any, sale: Any = None, net: Any = None) -> dict[str, int]:
    sale = basket() if sale is None else sale
    result = outcome(make.rulebook(*documents), sale, net=net)
    return {offer.campaign: offer.amount_minor for offer in result.offers}


@pytest.mark.parametrize(
    ("give", "parts", "amount"),
    [
        ({"money": 1_000}, {}, 1_000),
        ({"money": 1_000}, {"what": DAIRY}, 1_000),
        ({"money": 100}, {"what": DAIRY, "per": "unit"}, 400),
        ({"money": 100}, {"per": "line"}, 200),
        ({"rate": "0.01"}, {}, 559),
        ({"rate": "0.01"}, {"what": DAIRY}, 300),
        ({"rate": "0.01"}, {"what": {"exclude": DAIRY}}, 259),
        ({"rate": "0.01"}, {"what": {"min_amount": 55_900}}, 559),
        ({"rate": "0.00005"}, {}, 2),
        ({"rate": "0.00005"}, {"rounding": "half-up"}, 3),
        (BANDS, {}, 1_000),
        (BANDS, {"what": DAIRY}, 0),
        ({"bands": [{"from": 0, "money": 5}, {"from": 30_000, "money": 7}]}, {"what": DAIRY}, 7),
        ({"bands": [{"from": 0, "money": 5}, {"from": 30_001, "money": 7}]}, {"what": DAIRY}, 5),
        ({"rate": "0.01"}, {"limits": {"max_per_basket": {"money": 300}}}, 300),
        ({"money": 100}, {"what": DAIRY, "per": "unit", "limits": {"per_basket": 3}}, 300),
    ],
)
def test_what_is_offered(give: Any, parts: Any, amount: int) -> None:
    assert offers(make.offer("gift", give, **parts)) == {"gift": amount}


@pytest.mark.parametrize(
    ("give", "parts"),
    [
        ({"money": 100}, {"what": {"skus": ["bread"]}}),
        ({"money": 100}, {"what": {"min_amount": 55_901}}),
        ({"money": 100}, {"what": {**DAIRY, "min_quantity": "5"}}),
        ({"round_up_to": 1000}, {"limits": {"max_per_basket": {"money": 99}}}),
        ({"money": 100}, {"limits": {"budget": {"money": 99}}}),
        ({"money": 100}, {"who": {"card": "required"}}),
    ],
)
def test_what_is_not_offered(give: Any, parts: Any) -> None:
    sale = basket(make.gift("gift"), card=False)
    result = outcome(make.rulebook(make.offer("gift", give, **parts)), sale)
    assert (result.offers, result.effects, result.flags) == ((), (), ("unknown-gift",))


def test_a_part_is_of_what_is_left_to_pay_or_of_all_where_the_campaign_says_so() -> None:
    net = [12_950, 11_250, 3_750]
    documents = [
        make.offer("bill", {"rate": "0.1"}),
        make.offer("milk", {"rate": "0.1"}, what=DAIRY),
        make.offer("milk-gross", {"rate": "0.1"}, what=DAIRY, base="gross"),
        make.offer("whole", {"rate": "0.1"}, base="gross"),
    ]
    assert offers(*documents, net=net) == {
        "bill": 2_795,
        "milk": 1_500,
        "milk-gross": 3_000,
        "whole": 5_590,
    }


def test_several_gifts_on_one_sale_and_the_bill_is_rounded_up_after_the_others() -> None:
    """A part of the bill is of the bill: what else is given is not in it."""
    documents = [
        make.offer("a-part", {"rate": "0.01"}),
        make.offer("b-sum", {"money": 500}),
        make.offer("c-bill", {"rate": "0.01"}),
        {**make.ROUND_UP, "campaign": "d-round"},
    ]
    gifts = [make.gift(name) for name in ("a-part", "b-sum", "d-round")]
    result = outcome(make.rulebook(*documents), basket(*gifts))
    assert donated(result) == {"a-part": 559, "b-sum": 500, "d-round": 41}
    assert (55_900 + 559 + 500 + 41) % 1_000 == 0
    assert [offer.amount_minor for offer in result.offers] == [559, 500, 559, 41]


def test_an_accepted_gift_names_the_goods_it_is_for() -> None:
    book = make.rulebook(make.offer("gift", {"money": 100}, what=DAIRY, per="unit"))
    result = outcome(book, basket(make.gift("gift", 400)))
    assert result.effects == (
        Donate("gift", "forest-animals", 0, 400, (), 0, 400, ((1, 300), (2, 100)), 4, True),
    )  # fmt: skip


@pytest.mark.parametrize("give", [{"money": 1_000}, {"rate": "0.01"}, BANDS, {"round_up_to": 1000}])
def test_a_declined_gift_leaves_no_trace(give: Any) -> None:
    limits = {"budget": {"money": 10**6}, "per_card": 1}
    book = make.rulebook(make.offer("gift", give, limits=limits))
    declined = outcome(book, basket(make.gift("gift", accepted=False)))
    assert declined == outcome(book, basket())
    assert (declined.effects, declined.consumed, declined.flags) == ((), (), ())


@pytest.mark.parametrize("give", [{"money": 1_000}, {"rate": "0.01"}, BANDS])
def test_what_the_till_took_is_booked_offline_only(give: Any) -> None:
    book = make.rulebook(make.offer("gift", give))
    online = outcome(book, basket(make.gift("gift", 777)))
    assert (donated(online), len(online.gift_differs), online.flags) == ({}, 1, ())
    offline = outcome(book, basket(make.gift("gift", 777), offline=True))
    assert (donated(offline), offline.flags) == ({"gift": 777}, ("gift-differs",))


def test_an_offer_of_nothing_is_known_but_gives_nothing() -> None:
    book = make.rulebook(make.offer("gift", {"bands": [{"from": 10**6, "money": 1}]}))
    result = outcome(book, basket(make.gift("gift")))
    assert result.offers == (Offer("gift", "forest-animals", 0),)
    assert (result.effects, result.flags) == ((), ())
    assert codes(book, result) == {"gift": Why.NOTHING_TO_GIVE}


def test_bands_serve_funders_too() -> None:
    book = make.rulebook(make.donation("d", BANDS), make.donation("e", BANDS, per="line"))
    assert donated(outcome(book, basket())) == {"d": 1_000}
    assert donated(outcome(book, make.facts(make.line(amount=100_000)))) == {"d": 3_000, "e": 3_000}


@given(
    st.lists(st.integers(0, 120_000), min_size=1, max_size=5, unique=True),
    st.integers(0, 150_000),
)
def test_the_highest_band_reached_counts(starts: list[int], amount: int) -> None:
    bands = [{"from": start, "money": n} for n, start in enumerate(sorted(starts), start=1)]
    result = offers(
        make.offer("gift", {"bands": bands}), sale=make.facts(make.line(amount=amount + 1))
    )
    assert result == {"gift": sum(start <= amount + 1 for start in starts)}


OWN = make.offer("own", {"points": 50, "money_rate": "0.10"}, **{"from": "shopper-points"})


def own(document: Any, *gifts: Any, points: int = 1_000, **more: Any) -> Any:
    return outcome(make.rulebook(document), basket(*gifts, **more), points=points)


def test_points_are_given_by_the_shopper_and_their_money_is_owed_by_the_stores_retailer() -> None:
    result = own(OWN, make.gift("own", 50))
    debt = (FunderShare("retail-nsk", 0, 500),)
    by_line = tuple(enumerate(allocate(50, [line.amount_minor for line in basket().lines])))
    assert result.effects == (
        Donate("own", "forest-animals", 50, 500, debt, 50, 0, by_line, 1, True, True),
    )
    assert result.offers == (Offer("own", "forest-animals", 0, 50),)
    assert result.given_points == 50


@pytest.mark.parametrize(
    ("points", "code"), [(49, Why.NOT_ENOUGH_POINTS), (50, Why.POINTS_GIFT), (0, Why.NOT_ENOUGH_POINTS)]
)  # fmt: skip
def test_never_more_points_than_there_are(points: int, code: Why) -> None:
    book = make.rulebook(OWN)
    result = outcome(book, basket(make.gift("own")), points=points)
    assert codes(book, result) == {"own": code}
    assert result.flags == (() if code == Why.POINTS_GIFT else ("unknown-gift",))


def test_two_gifts_of_points_share_the_balance_in_order() -> None:
    book = make.rulebook(OWN, {**OWN, "campaign": "second"})
    both = [make.gift("own"), make.gift("second")]
    result = outcome(book, basket(*both), points=99)
    assert (result.given_points, result.flags) == (50, ("unknown-gift",))
    assert outcome(book, basket(*both), points=100).given_points == 100
    one = outcome(book, basket(make.gift("second")), points=50)
    assert (one.given_points, len(one.offers)) == (50, 2)


def test_points_taken_otherwise_are_booked_offline_as_far_as_they_are_there() -> None:
    online = own(OWN, make.gift("own", 60))
    assert (online.given_points, online.gift_differs) == (0, (("own", 50),))
    offline = own(OWN, make.gift("own", 60), offline=True)
    [gift] = offline.effects
    assert (gift.points, gift.money_minor, offline.flags) == (60, 600, ("gift-differs",))
    too_many = own(OWN, make.gift("own", 1_001), offline=True)
    assert (too_many.given_points, too_many.flags) == (0, ("unknown-gift",))


def test_budgets_of_a_gift_of_points_are_counted_in_points_or_money() -> None:
    funding: list[dict[str, Any]] = [{"party": "dairy", "share": "0.5", "budget": {"money": 250}}, {"party": "retail-nsk", "share": "0.5"}]  # fmt: skip
    document = {**OWN, "funding": funding, "limits": {"budget": {"points": 50}}}
    assert dict(own(document, make.gift("own")).consumed) == {
        "own|budget|points": 50,
        "own|funder|dairy|money": 250,
    }
    funding[0]["budget"] = {"money": 249}
    assert own(document, make.gift("own")).effects == ()


def test_points_for_each_unit_are_offered_together() -> None:
    document = make.offer(
        "own", {"points": 3, "money_rate": "0.005"}, per="unit", what=DAIRY, **{"from": "shopper-points"}
    )  # fmt: skip
    [gift] = own(document, make.gift("own", 12)).effects
    assert (gift.points, gift.money_minor, gift.applications) == (12, 6, 4)
    assert gift.by_line == ((1, 9), (2, 3))


@pytest.mark.parametrize(
    ("taken", "given"), [(3, [3]), (399, [399]), (400, [400]), (401, []), (403, [])]
)
def test_what_an_offline_till_took_for_units_need_not_divide_by_them(
    taken: int, given: list[int]
) -> None:
    parts = {"what": DAIRY, "per": "unit", "limits": {"max_per_basket": {"money": 400}}}
    document = make.offer("gift", {"money": 50}, **parts)
    sale = basket(make.gift("gift", taken), offline=True)
    result = outcome(make.rulebook(document), sale)
    assert list(donated(result).values()) == given
    assert result.flags == (("gift-differs",) if given else ("unknown-gift",))
