"""Campaigns that are judged again on what is left of a sale, when some of its goods come back."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_rules_laws import CATEGORY, SKUS, campaigns

import make
import make_rules
from lepta.errors import InvalidRequest
from lepta.ledger.entries import Code
from lepta.processing.events import Checkout
from lepta.processing.reversed import Because, History
from lepta.processing.sight import prepare, see
from lepta.rules import engine
from lepta.rules.document import validate
from lepta.rules.envelope import read
from lepta.rules.return_faults import return_faults
from make_reversals import WALLET, Ledger, ledger, line

AGAIN = {"thresholds": "re-evaluate"}
FROM_500 = {
    **make_rules.bonus("from-500", {"points": 40}, what={"min_amount": 50_000}),
    **AGAIN,
}


def sold(*documents: Any, lines: list[tuple[str, int, str]], **sale: Any) -> Ledger:
    """A sale of these (sku, amount, quantity) under these campaigns."""
    made = ledger(make_rules.rulebook(*documents), points=sale.pop("points", 0))
    made.sell(
        lines=[
            {"line": n, "sku": sku, "amount": amount, "quantity": quantity}
            for n, (sku, amount, quantity) in enumerate(lines, start=1)
        ],
        **sale,
    )
    return made


def back(made: Ledger, *lines: Any) -> dict[str, int]:
    """What goes back with these lines: points, or money, by campaign."""
    outcome = made.back(list(lines)).outcome
    points = {each.campaign: each.points for each in outcome.earned}
    return points | {each.campaign: each.money for each in outcome.donations if not each.kept}


THREE = [("tea", 60_000, "3")]
PACK = line(1, 1, 20_000)


@pytest.mark.edge_case(17)
def test_below_its_threshold_a_campaign_loses_its_share_or_all_but_never_both() -> None:
    prorated = {**FROM_500, "thresholds": "prorate"}
    assert back(sold(prorated, lines=THREE), PACK) == {"from-500": 13}
    made = sold(FROM_500, lines=THREE)
    assert back(made, PACK) == {"from-500": 40}
    assert back(made, line(1, 2, 40_000)) == {}
    assert made.all() == made.before


def test_as_long_as_what_is_left_meets_the_threshold_everything_stays() -> None:
    made = sold(FROM_500, lines=[("tea", 60_000, "3"), ("cake", 30_000, "1")])
    assert back(made, PACK) == {}
    assert back(made, PACK) == {}
    assert back(made, line(2, 1, 30_000)) == {"from-500": 40}


@pytest.mark.parametrize(
    ("document", "first", "second"),
    [
        (make_rules.bonus("c", {"points": 1, "per_amount": 25_000}), 1, 1),
        (make_rules.bonus("c", {"rate": "0.0137"}), 3, 3),
        (make_rules.bonus("c", {"ladder": [{"from": 0, "points": 1}, {"from": 50_000, "points": 9}]}), 8, 0),
        (make_rules.bonus("c", {"points": 5}, per="unit", set_of=2), 0, 5),
        (make_rules.bonus("c", {"points": 5}, per="unit", limits={"per_basket": 2}), 0, 5),
        (make_rules.bonus("c", {"points": 5}, what={"min_quantity": "3"}), 5, 0),
        (make_rules.bonus("c", {"points": 5}, when="basket.total > 40000"), 5, 0),
        (make_rules.bonus("c", {"points": 5}, per="line", when="line.quantity >= 2"), 0, 5),
        (make_rules.bonus("c", {"by_tier": {"gold": {"points": 1, "per_amount": 30_000}, "silver": {"points": 9}}}), 1, 1),
        (make_rules.donation("c", {"points": 7, "money_rate": "0.13"}, what={"min_amount": 60_000}), 91, 0),
        (make_rules.donation("c", {"rate": "0.01"}), 200, 200),
    ],
)  # fmt: skip
def test_whatever_is_left_gets_what_it_would_get_by_itself(
    document: dict[str, Any], first: int, second: int
) -> None:
    made = ledger(make_rules.rulebook({**document, **AGAIN}))
    made.shop.shoppers = {make.CARD: make.shopper()._replace(tier="gold")}
    made.sell(lines=[{"line": 1, "sku": "tea", "amount": 60_000, "quantity": "3"}])
    assert sum(back(made, PACK).values()) == first
    assert sum(back(made, PACK).values()) == second
    back(made, PACK)
    assert made.all() == made.before


def test_goods_that_have_to_be_bought_beside_count_as_long_as_some_are_left() -> None:
    document = make_rules.bonus(
        "c", {"points": 7}, per="unit", what={"skus": ["tea"], "beside": {"skus": ["cake"]}}
    )
    made = sold({**document, **AGAIN}, lines=[("tea", 60_000, "3"), ("cake", 20_000, "2")])
    assert back(made, line(2, 1, 10_000)) == {}
    assert back(made, PACK) == {"c": 7}
    assert back(made, line(2, 1, 10_000)) == {"c": 14}


def test_a_return_never_gives_anew_what_went_back_before() -> None:
    document = {**make_rules.bonus("c", {"points": 8}, when="basket.units % 3 == 1"), **AGAIN}
    made = sold(document, lines=[("tea", 80_000, "4")])
    assert back(made, PACK) == {"c": 8}
    assert back(made, line(1, 2, 40_000)) == {}
    assert back(made, PACK) == {}
    assert made.all() == made.before


def test_what_others_give_does_not_count_though_they_won_or_would_win_now() -> None:
    best = {"group": "g", "mode": "best"}
    documents = [
        make_rules.bonus("big", {"points": 9}, stacking=best, what={"min_amount": 50_000}),
        make_rules.bonus("small", {"points": 4}, stacking=best),
    ]
    made = sold(*[{**each, **AGAIN} for each in documents], lines=THREE)
    assert back(made, PACK) == {"big": 9}
    assert made.book.balance(WALLET) == 0


def test_budgets_and_units_get_back_what_goes_back() -> None:
    document = {
        **make_rules.bonus("c", {"points": 5}, per="unit", set_of=2),
        "limits": {"units": 10, "budget": {"points": 100}},
        **AGAIN,
    }
    made = sold(document, lines=[("tea", 80_000, "4")])
    assert made.counts() == {"c|units": 2, "c|budget|points": 10}
    back(made, PACK)
    assert made.counts() == {"c|units": 1, "c|budget|points": 5}
    back(made, PACK)
    assert made.counts() == {"c|units": 1, "c|budget|points": 5}


def test_what_a_budget_had_left_is_not_added_to_by_what_is_left_of_the_goods() -> None:
    document = {
        **make_rules.bonus("c", {"points": 1, "per_amount": 1_000}),
        "limits": {"budget": {"points": 25}},
        **AGAIN,
    }
    made = sold(document, lines=THREE)
    assert made.sold.recorded.outcome.points.earned == 25
    assert back(made, PACK) == {}
    assert back(made, PACK) == {"c": 5}


def test_funders_of_a_donation_get_back_their_shares() -> None:
    document = {
        **make_rules.donation("c", {"money": 1_001}, per="unit", what={"min_quantity": "2"}),
        "funding": [{"party": "dairy", "share": "0.5"}, {"party": "retail-nsk", "share": "0.5"}],
        **AGAIN,
    }
    made = sold(document, lines=THREE)
    first = made.back([PACK]).outcome.donations
    assert [(each.money, each.because) for each in first] == [(1_001, Because.JUDGED_AGAIN)]
    [rest] = made.back([PACK]).outcome.donations
    assert (rest.money, sum(funder.money for funder in rest.funders)) == (2_002, 2_002)
    assert made.all()[0] == {}


def test_what_points_paid_of_the_rest_is_left_out_as_it_was_at_the_sale() -> None:
    document = {**make_rules.bonus("c", {"points": 1, "per_amount": 1_000}), **AGAIN}
    made = sold(document, lines=THREE, points=1_000, redeem={"points": 100})
    assert made.sold.recorded.outcome.points.earned == 59
    assert back(made, PACK) == {"c": 20}
    assert back(made, PACK) == {"c": 20}
    assert back(made, PACK) == {"c": 19}


def test_a_version_that_came_later_has_no_say() -> None:
    document = {**make_rules.bonus("c", {"points": 1, "per_amount": 2_000}), **AGAIN}
    made = sold(document, lines=THREE)
    newer = {**document, "effect": {"earn": {"points": 1}}, "thresholds": "prorate"}
    since = datetime(2026, 1, 1, tzinfo=UTC)
    made.shop.rulebook = made.shop.rulebook.extended(
        make_rules.change(newer, version=2, since=since)
    )
    made.rejudge()
    assert back(made, PACK) == {"c": 10}


def test_lines_that_the_sale_itself_took_back_are_left_with_what_they_left() -> None:
    document = {**make_rules.bonus("c", {"points": 3}, per="unit"), **AGAIN}
    made = sold(document, lines=[("tea", -20_000, "1"), ("tea", 80_000, "4"), ("cake", 500, "1")])
    assert made.sold.recorded.outcome.points.earned == 12
    assert back(made, line(2, 1, 20_000)) == {"c": 3}
    assert back(made, line(3, 1, 500)) == {"c": 3}
    assert back(made, line(2, 2, 40_000)) == {"c": 6}
    assert made.all() == made.before


def test_a_void_takes_everything_whatever_the_rest_would_get() -> None:
    made = sold(FROM_500, lines=[("tea", 90_000, "3")])
    back(made, line(1, 1, 30_000))
    made.void()
    assert made.all() == made.before


def test_points_that_are_judged_away_and_spent_are_owed() -> None:
    made = sold(FROM_500, lines=THREE)
    made.spend(30)
    reversal = made.back([PACK])
    assert (reversal.outcome.clawed_back, reversal.outcome.owed) == (40, 30)
    assert sum(e.amount for e in reversal.entries if e.code == Code.CLAW_BACK) == 40


@pytest.mark.parametrize(
    ("more", "because"),
    [
        ({"returns": "keep"}, "leave one of them out"),
        ({"effect": {"earn": {"multiply": "2"}}}, "goes back with the goods"),
        ({"when": "member.visits > 3 && member.points > 1"}, "member.points and member.visits"),
    ],
)
def test_what_cannot_be_judged_again_is_refused_with_the_remedy(
    more: dict[str, Any], because: str
) -> None:
    document = {**make_rules.bonus("c", {"points": 5}), **AGAIN, **more}
    with pytest.raises(InvalidRequest) as refused:
        validate(document, make_rules.known())
    [fault] = refused.value.members["errors"]
    assert fault["path"] == "thresholds"
    assert because in fault["reason"]


def test_what_a_shopper_gives_is_never_judged_again() -> None:
    with pytest.raises(InvalidRequest) as refused:
        validate(
            {**make_rules.offer("own", {"money": 300}), "returns": "reverse", **AGAIN},
            make_rules.known(),
        )
    assert [fault["path"] for fault in refused.value.members["errors"]] == ["thresholds"]


@st.composite
def judged(draw: st.DrawFn) -> tuple[Ledger, list[dict[str, Any]]]:
    """A sale of whole units, one line an SKU, under campaigns that are judged again as far as they may be."""
    documents = [draw(campaigns(f"c-{n}")) for n in range(draw(st.integers(1, 4)))]
    documents = [{**each, **AGAIN} for each in [make_rules.BASE, *documents]]
    documents = [each for each in documents if not list(return_faults(read(each)))]
    lines = [
        {"line": n, "sku": sku, "categories": CATEGORY[sku], "quantity": str(draw(st.integers(1, 4))),
         "amount": draw(st.integers(0, 60_000))}
        for n, sku in enumerate(SKUS) if draw(st.booleans()) or n == 0
    ]  # fmt: skip
    made = ledger(make_rules.rulebook(*documents))
    made.sell(lines=lines)
    return made, documents


def afresh(document: dict[str, Any], lines: list[dict[str, Any]]) -> tuple[int, int]:
    """Points and money that the campaign alone gives for these goods, by the engine, its budgets untouched."""
    limits = {
        name: cap
        for name, cap in document.get("limits", {}).items()
        if name in {"per_basket", "max_per_basket"}
    }
    funding = [{**funder, "budget": None} for funder in document.get("funding", ())]
    alone = {**document, "limits": limits, "funding": funding}
    at = make.state(make_rules.rulebook(alone))
    event: Checkout = make.checkout(lines=lines)
    prepared = prepare(event, see(event, at.records, make.shopper(), at.rulebook), at.rulebook)
    effects = engine.evaluate(prepared.matched, None, event.total, {}).effects
    money = sum(getattr(effect, "money_minor", 0) for effect in effects)
    return sum(effect.points for effect in effects), money


@given(judged(), st.data())
@settings(deadline=None)
def test_what_is_kept_is_what_the_rest_would_be_given_and_never_more_than_there_was(
    case: tuple[Ledger, list[dict[str, Any]]], data: st.DataObject
) -> None:
    made, documents = case
    outcome = made.sold.recorded.outcome
    given_ = {each.campaign: (each.points, 0) for each in outcome.earned}
    given_ |= {each.campaign: (each.points, each.money) for each in outcome.donations}
    had, kept = {one.line: one for one in made.goods().left()}, dict(given_)
    for _ in range(data.draw(st.integers(1, 4))):
        left = made.goods().left()
        if not left:
            break
        number, micro, _ = data.draw(st.sampled_from(left))
        units = data.draw(st.integers(1, micro // 10**6))
        made.back([line(number, units, 0)], 0)
        if made.goods().is_whole:
            kept = dict.fromkeys(given_, (0, 0))
            break
        rest = [
            {"line": number, "sku": SKUS[number], "categories": CATEGORY[SKUS[number]],
             "quantity": str(micro // 10**6),
             "amount": amount - amount * (had[number].quantity_micro - micro) // had[number].quantity_micro}
            for number, micro, amount in made.goods().left()
        ]  # fmt: skip
        for document in documents:
            if document["campaign"] in kept:
                name = document["campaign"]
                fresh = afresh(document, rest)
                kept[name] = (min(kept[name][0], fresh[0]), min(kept[name][1], fresh[1]))
    history = History(made.earlier)
    for earned in outcome.earned:
        gone = sum(each.points for each in history.earned(earned.campaign))
        assert earned.points - gone == kept[earned.campaign][0], earned.campaign
    for donation in outcome.donations:
        backs = history.donations(donation.campaign)
        points = donation.points - sum(each.points for each in backs)
        money = donation.money - sum(each.money for each in backs)
        assert (points, money) == kept[donation.campaign], donation.campaign
