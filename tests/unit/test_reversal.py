"""Voids and returns, case by case: what goes back, to whom, into which lots, and what stays."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

import make
import make_rules
from lepta.ledger import chart
from lepta.ledger.chart import Account
from lepta.ledger.entries import Code, Entry
from lepta.ledger.lots import Spent
from lepta.processing.proration import OverReturn, quantity_text
from lepta.processing.reversal import Reversal
from lepta.processing.reversed import SENTENCES, Because, Renewed
from make_reversals import OWED, PTS, SPENT, WAITING, WALLET, Ledger, ledger, line

FOREST = chart.fund_points("forest-animals", PTS)
THREE_PACKS = [make.line(quantity="3", amount=77_700)]
MILK = {"line": 2, "sku": "milk", "quantity": "1", "amount": 10_000}
LAST = date(2027, 11, 30)


def club(*documents: Any, **programme: Any) -> Any:
    """A rulebook of these campaigns."""
    return make_rules.rulebook(*documents, club=programme)


def sold(*documents: Any, points: int = 0, debt: str = "allowed", **sale: Any) -> Ledger:
    """A sale under these campaigns, else under the founding ones; Пётр had so many points."""
    made = ledger(club(*documents) if documents else None, points=points, debt=debt)
    made.sell(**sale)
    return made


def told(reversal: Reversal) -> set[tuple[str, str, int, Code]]:
    """Its entries: debit, credit, amount, code."""
    return {(_name(e.debit), _name(e.credit), e.amount, e.code) for e in reversal.entries}


def _name(account: Account) -> str:
    return f"{account.ref}/{account.code}"


def left(made: Ledger) -> list[tuple[int, str, int]]:
    return [(number, quantity_text(micro), amount) for number, micro, amount in made.goods().left()]


def refusal(made: Ledger, *lines: Any, total: int = 0) -> OverReturn:
    with pytest.raises(OverReturn) as refused:
        made.back(lines, total)
    return refused.value


def test_a_void_takes_everything_back_from_the_accounts_it_went_to() -> None:
    made = sold()
    assert told(made.void()) == {
        ("m-pyotr/available", "retail-nsk/issued", 12, Code.CLAW_BACK),
        ("forest-animals/points", "hunter-foods/issued", 30, Code.UNGIVE_POINTS),
        ("forest-animals/points", "retail-nsk/issued", 20, Code.UNGIVE_POINTS),
        ("hunter-foods/payable", "forest-animals/receivable", 300, Code.UNGIVE_MONEY),
        ("retail-nsk/payable", "forest-animals/receivable", 200, Code.UNGIVE_MONEY),
    }
    assert made.all() == made.before
    outcome = made.earlier[0]
    assert (outcome.to_refund, outcome.clawed_back, outcome.owed) == (25_900, 12, 0)


def test_an_anonymous_sale_that_gave_nothing_is_taken_back_with_its_money_alone() -> None:
    made = sold(card=None)
    reversal = made.void()
    assert (reversal.entries, reversal.moves, reversal.used) == ([], [], [])
    assert reversal.outcome.to_refund == 25_900


def test_of_many_partial_returns_the_last_takes_exactly_the_rest() -> None:
    made = sold(make.BASE, lines=[make.line(quantity="3", amount=10_000)])
    taken = [made.back([line(1, 1, amount)]).outcome for amount in (3_333, 3_333, 3_334)]
    assert [outcome.clawed_back for outcome in taken] == [1, 2, 2]
    assert made.all() == made.before


def test_more_than_was_bought_is_refused_with_what_is_left() -> None:
    made = sold(lines=[*THREE_PACKS, MILK])
    made.back([line(1, 1, 25_900)])
    refused = refusal(made, line(1, 3, 25_900))
    assert refused.code == "over-return"
    assert refused.members == {
        "left": [
            {"line": 1, "quantity": "2", "amount": 51_800},
            {"line": 2, "quantity": "1", "amount": 10_000},
        ],
        "left_total": 61_800,
    }
    assert "More of line 1 would come back than is left of it" in str(refused)


@pytest.mark.edge_case(14)
def test_the_same_line_twice_counts_together() -> None:
    made = sold(lines=[make.line(quantity="2")])
    assert "More of line 1" in str(refusal(made, line(1, 1, 0), line(1, "1.000001", 0)))
    made.back([line(1, 1, 12_950), line(1, 1, 12_950)])
    assert left(made) == []


@pytest.mark.parametrize(
    ("lines", "total", "why"),
    [
        ([line(7)], 0, "The sale has no line 7."),
        ([line(1, 1, 25_901)], 0, "More of line 1 would come back than is left of it."),
        ([line(1)], 25_901, "The return comes to 25901, more than is left of the sale."),
    ],
)
def test_what_was_never_bought_cannot_come_back(lines: Any, total: int, why: str) -> None:
    made = sold()
    assert why in str(refusal(made, *lines, total=total))
    assert made.earlier == []


def test_of_a_voided_sale_nothing_is_left() -> None:
    made = sold()
    made.void()
    refused = refusal(made, line(1, 0, 0))
    assert refused.members == {"left": [], "left_total": 0}
    with pytest.raises(OverReturn):
        made.void()


def test_a_line_that_took_something_back_on_the_sale_cannot_come_back_and_the_others_only_less_it() -> None:  # fmt: skip
    voided = make.line(2, -25_900)
    made = sold(lines=[*THREE_PACKS, voided])
    assert "Line 2 took something back on the sale itself" in str(refusal(made, line(2, 1, 0)))
    assert left(made) == [(1, "2", 51_800)]
    assert "More of line 1" in str(refusal(made, line(1, 3, 51_800)))
    made.back([line(1, 1, 25_900)])
    assert made.earlier[0].donations[0].points == 50
    made.back([line(1, 1, 25_900)])
    assert made.all() == made.before


def test_of_lines_that_come_back_together_none_brings_back_more_than_itself() -> None:
    voided = make.line(3, -25_900)
    made = sold(lines=[make.line(1), make.line(2, 77_700, quantity="3"), voided])
    assert left(made) == [(1, "1", 25_900), (2, "3", 77_700)]
    assert "More of line 1" in str(refusal(made, line(1, 2, 0)))
    assert "More of line 1" in str(refusal(made, line(1, 1, 25_901)))
    made.back([line(1)])
    assert left(made) == [(2, "2", 51_800)]
    made.back([line(2, 2, 51_800)])
    assert made.all() == made.before


def test_a_discount_on_a_line_of_its_own_lowers_what_may_be_asked_back() -> None:
    discount = {"line": 2, "sku": make.HUNTER_SKU, "quantity": "0", "amount": -5_900}
    made = sold(lines=[make.line(), discount])
    assert left(made) == [(1, "1", 20_000)]
    assert made.back([line(1, 1, 20_000)]).outcome.to_refund == 20_000
    assert made.all() == made.before


def test_a_line_without_a_quantity_comes_back_by_its_amount() -> None:
    delivery = {"line": 1, "sku": "delivery", "quantity": "0", "amount": 10_000}
    made = sold(make.BASE, lines=[delivery])
    assert made.back([line(1, 0, 5_000)]).outcome.clawed_back == 2
    assert left(made) == [(1, "0", 5_000)]
    made.back([line(1, 0, 5_000)])
    assert made.all() == made.before


def test_weighed_goods_come_back_in_part() -> None:
    made = sold(make.BASE, lines=[make.line(quantity="0.345", amount=20_000)])
    assert made.back([line(1, "0.069", 4_000)]).outcome.clawed_back == 2
    assert left(made) == [(1, "0.276", 16_000)]


@pytest.mark.edge_case(17, 18)
def test_a_line_keeps_its_own_share_of_what_the_basket_earned_and_no_rule_is_run_again() -> None:
    """Without the milk the basket would have earned nothing."""
    document = make_rules.bonus("big", {"points": 100}, per="basket", what={"min_amount": 30_000})
    made = sold(document, lines=[make.line(amount=30_000), MILK])
    assert made.back([line(2, 1, 10_000)]).outcome.clawed_back == 25
    assert made.book.balance(WALLET) == 75


@pytest.mark.parametrize(("debt", "owed", "shortfall"), [("allowed", 7, 0), ("to-zero", 0, 7)])
def test_points_spent_in_between_are_owed_or_missed_as_the_programme_says(
    debt: str, owed: int, shortfall: int
) -> None:
    made = sold(make.BASE, debt=debt)
    made.spend(7)
    outcome = made.void().outcome
    assert (outcome.owed, outcome.shortfall, outcome.clawed_back) == (owed, shortfall, 5 + owed)
    assert made.book.balance(WALLET) == 0
    assert made.balances().get(OWED, 0) == -owed
    # The funder stays charged with what nobody owes it.
    issued = made.balances().get(chart.issued("retail-nsk", PTS), 0)
    assert issued == -shortfall


def test_points_that_wait_are_taken_first_then_others_of_the_member_in_the_order_of_spending() -> None:  # fmt: skip
    waits = make_rules.bonus("waits", {"points": 10}, per="basket", pending_days=14)
    made = ledger(club(make.BASE, waits))
    made.earn(6, LAST, index=-2)
    made.earn(6, date(2026, 12, 31), index=-1)
    made.sell()
    made.spend(18)
    made.earn(4, date(2028, 1, 1), index=-3)
    made.earn(9, LAST, index=-4)
    outcome = made.void().outcome
    assert (made.book.balance(WAITING), outcome.clawed_back, outcome.owed) == (0, 22, 0)
    # 10 that wait, 6 that the sale's own lot still holds, and 6 of the 9 that end first.
    assert made.lots() == {(WALLET, date(2028, 1, 1), -3, 0): 4, (WALLET, LAST, -4, 0): 3}


def test_points_that_expired_meanwhile_need_not_be_taken_again_and_count_once() -> None:
    made = sold(make.BASE)
    made.spend(5)
    (lot,) = made.book.lots_of(WALLET)
    expiry = Entry(WALLET, chart.expired("club", PTS), 7, Code.EXPIRE)
    made.book.post(500, [expiry], [], [Spent(lot, 7)])
    made.sold = replace(made.sold, expired={0: 7})
    half = made.back([line(1, "0.5", 12_950)]).outcome
    assert (half.lapsed, half.clawed_back, half.owed) == (((0, 6),), 0, 0)
    rest = made.void().outcome
    assert (rest.lapsed, rest.clawed_back, rest.owed) == (((0, 1),), 5, 5)


@pytest.mark.parametrize(("spent", "owed"), [(0, 0), (7, 7), (12, 12)])
def test_points_that_paid_a_debt_become_one_again_unless_the_member_has_others(
    spent: int, owed: int
) -> None:
    made = sold(make.BASE)
    made.spend(spent)
    issued = chart.issued("retail-nsk", PTS)
    made.book.post(500, [Entry(OWED, issued, 12, Code.CLAW_BACK)], [], ())
    made.book.post(501, [Entry(issued, OWED, 12, Code.REPAY)], [], ())
    made.sold = replace(made.sold, entries=[Entry(issued, OWED, 12, Code.REPAY)])
    outcome = made.void().outcome
    assert (outcome.clawed_back, outcome.owed, outcome.repaid) == (12, owed, 0)
    assert made.balances().get(OWED, 0) == -owed
    assert made.book.balance(WALLET) == 0


def test_points_that_come_back_to_who_owes_some_pay_that_first() -> None:
    made = ledger(club(make.BASE))
    made.earn(20, LAST, index=-1)
    made.sell(lines=[make.line(amount=1_000)], redeem={"points": 10})
    made.spend(10)
    issued = chart.issued("retail-nsk", PTS)
    made.book.post(500, [Entry(OWED, issued, 7, Code.CLAW_BACK)], [], ())
    reversal = made.void()
    assert told(reversal) == {
        ("club/redeemed", "m-pyotr/available", 10, Code.RESTORE),
        ("m-pyotr/available", "m-pyotr/owed", 7, Code.REPAY),
        ("elsewhere/payable", "retail-nsk/receivable", 100, Code.CLEAR),
    }
    assert (reversal.outcome.restored, reversal.outcome.repaid) == (10, 7)
    assert made.lots() == {(WALLET, LAST, -1, 0): 3}
    assert OWED not in made.balances()


def test_points_of_a_lot_that_has_ended_pay_for_nothing_though_its_end_was_not_told_yet() -> None:
    made = ledger(club(make.BASE))
    made.sell()
    made.spend(12)
    made.earn(5, date(2026, 12, 31), index=-1)
    made.on = date(2027, 1, 1)
    outcome = made.void().outcome
    assert (outcome.clawed_back, outcome.owed) == (12, 12)
    assert made.lots() == {(WALLET, date(2026, 12, 31), -1, 0): 5}


def test_of_a_gift_of_points_that_comes_back_in_part_the_money_is_rounded_down_too() -> None:
    give = {"points": 5, "money_rate": "0.015"}
    own = {
        **make_rules.offer("own", give, **{"from": "shopper-points"}),
        "funding": [{"party": "retail-nsk", "share": "1"}],
        "returns": "reverse",
    }
    made = ledger(club(own))
    made.earn(5, LAST, index=-1)
    gifts = [{"offer": "own", "accepted": True}]
    made.sell(lines=[make.line(quantity="2", amount=20_000)], gifts=gifts)
    parts = [made.back([line(1, 1, 10_000)]).outcome.donations[0] for _ in range(2)]
    # 5 points stand for 7 kopecks, so 2 of them for 2.8: these 2 take 2, and the last return the rest.
    assert [(part.points, part.money) for part in parts] == [(2, 2), (3, 5)]
    assert made.all() == made.before


def test_points_that_paid_go_back_into_the_lots_they_came_from_and_their_money_is_not_refunded() -> None:  # fmt: skip
    made = ledger(club(make.BASE))
    made.earn(30, date(2026, 12, 31), index=-1)
    made.earn(30, LAST, index=-2)
    made.sell(lines=[make.line(quantity="2", amount=20_000)], redeem={"points": 41})
    half = made.back([line(1, 1, 10_000)]).outcome
    assert (half.restored, half.restored_money, half.to_refund) == (20, 200, 9_800)
    assert made.lots()[WALLET, date(2026, 12, 31), -1, 0] == 20
    rest = made.back([line(1, 1, 10_000)]).outcome
    assert (rest.restored, rest.restored_money, rest.to_refund) == (21, 210, 9_790)
    assert made.all() == made.before


@pytest.mark.parametrize(("grace", "last"), [(0, date(2027, 1, 5)), (10, date(2027, 1, 15))])
def test_points_of_a_lot_that_has_ended_make_a_new_one_that_names_its_parent(
    grace: int, last: date
) -> None:
    made = ledger(club(), restore_grace_days=grace)
    made.earn(10, date(2026, 12, 31), index=3)
    made.earn(30, LAST, index=4)
    made.sell(redeem={"points": 15})
    made.on = date(2027, 1, 5)
    reversal = made.void()
    assert reversal.outcome.renewed == (Renewed(leg=1, parent=3, parent_leg=0, points=10),)
    assert [entry.amount for entry in reversal.entries] == [5, 10, 150]
    assert made.lots() == {(WALLET, last, 1_000, 1): 10, (WALLET, LAST, 4, 0): 30}


def test_on_its_last_day_a_lot_takes_its_points_back() -> None:
    made = ledger(club())
    made.earn(10, date(2026, 12, 31))
    made.sell(redeem={"points": 10})
    made.on = date(2026, 12, 31)
    assert made.void().outcome.renewed == ()
    assert made.all() == made.before


def test_what_would_need_a_new_lot_is_the_first_to_be_taken() -> None:
    made = ledger(club(make.BASE))
    made.earn(20, date(2026, 12, 31))
    made.sell(redeem={"points": 20})
    made.spend(made.book.balance(WALLET))
    made.on = date(2027, 1, 5)
    reversal = made.void()
    earned = made.sold.recorded.outcome.points.earned
    assert (reversal.outcome.restored, reversal.outcome.clawed_back) == (20, earned)
    assert [renewed.points for renewed in reversal.outcome.renewed] == [20 - earned]
    assert reversal.outcome.owed == 0
    assert made.book.balance(WALLET) == 20 - earned


@pytest.mark.edge_case(55)
def test_a_donation_goes_back_with_the_unit_and_the_shoppers_own_gift_stays() -> None:
    gifts = [{"offer": "round-up", "accepted": True}]
    made = sold(make.BASE, make_rules.HUNTER, make.ROUND_UP, gifts=gifts, lines=THREE_PACKS)
    assert made.sold.recorded.outcome.to_pay == 78_000
    half = made.back([line(1, 1, 25_900)]).outcome
    assert [(d.campaign, d.points, d.money, d.because) for d in half.donations] == [
        ("hunter-forest", 50, 500, Because.RETURNED),
        ("round-up", 0, 100, Because.SHOPPERS_GIFT),
    ]
    assert (half.to_refund, half.donations[1].kept) == (25_900, True)
    void = made.void()
    by_campaign = {given.campaign: given for given in void.given}
    assert by_campaign["round-up"] == ("round-up", "forest-animals", -1, 0, -300)
    assert by_campaign["hunter-forest"] == ("hunter-forest", "forest-animals", -1, -100, -1_000)
    assert void.outcome.to_refund == 78_000 - 25_900
    assert made.all() == made.before


def test_a_shoppers_gift_goes_back_where_the_campaign_says_so_and_is_refunded() -> None:
    document = {**make.ROUND_UP, "returns": "reverse"}
    made = sold(document, gifts=[{"offer": "round-up", "accepted": True}])
    assert made.back([line()]).outcome.to_refund == 26_000
    assert made.all() == made.before


def test_what_a_campaign_keeps_stays_on_a_return_and_goes_back_on_a_void() -> None:
    bonus = {**make.BASE, "returns": "keep"}
    made = sold(bonus, {**make_rules.HUNTER, "returns": "keep"})
    outcome = made.back([line()]).outcome
    assert (outcome.earned, outcome.clawed_back) == ((), 0)
    assert [d.because for d in outcome.donations] == [Because.CAMPAIGN_KEEPS]
    made.void()
    assert made.all() == made.before


def test_points_that_were_given_away_go_back_into_their_lots_and_the_money_behind_them_too() -> None:  # fmt: skip
    give = {"points": 40, "money_rate": "0.10"}
    own = {
        **make_rules.offer("own", give, **{"from": "shopper-points"}),
        "funding": [{"party": "retail-nsk", "share": "1"}],
        "returns": "reverse",
    }
    made = ledger(club(own))
    made.earn(30, date(2026, 12, 31), index=-1)
    made.earn(30, LAST, index=-2)
    made.sell(
        lines=[make.line(quantity="2", amount=20_000)],
        redeem={"points": 10},
        gifts=[{"offer": "own", "accepted": True}],
    )
    half = made.back([line(1, 1, 10_000)])
    assert told(half) == {
        ("club/redeemed", "m-pyotr/available", 5, Code.RESTORE),
        ("forest-animals/points", "m-pyotr/available", 20, Code.UNGIVE_OWN),
        ("retail-nsk/payable", "forest-animals/receivable", 200, Code.UNGIVE_MONEY),
        ("elsewhere/payable", "retail-nsk/receivable", 50, Code.CLEAR),
    }
    assert made.lots()[WALLET, date(2026, 12, 31), -1, 0] == 25
    made.back([line(1, 1, 10_000)])
    assert made.all() == made.before
    assert made.balances().get(FOREST, 0) == made.balances().get(SPENT, 0) == 0


def test_money_added_to_points_goes_back_with_them_and_its_budget_is_free_again() -> None:
    match = {"funding": [{"party": "dairy", "share": "1", "budget": {"money": 900}}], "budget": {"money": 800}}  # fmt: skip
    give = {"points": 40, "money_rate": "0.10"}
    own = {
        **make_rules.offer("own", give, **{"from": "shopper-points"}),
        "funding": [{"party": "dairy", "share": "0.5"}, {"party": "retail-nsk", "share": "0.5"}],
        "match": match,
        "returns": "reverse",
    }
    made = ledger(club(own))
    made.earn(40, LAST, index=-1)
    gifts = [{"offer": "own", "accepted": True}]
    made.sell(lines=[make.line(quantity="2", amount=20_000)], gifts=gifts)
    assert made.counts() == {"own|match|money": 400, "own|match|dairy|money": 400}
    half = made.back([line(1, 1, 10_000)])
    assert told(half) == {
        ("forest-animals/points", "m-pyotr/available", 20, Code.UNGIVE_OWN),
        ("dairy/payable", "forest-animals/receivable", 300, Code.UNGIVE_MONEY),
        ("retail-nsk/payable", "forest-animals/receivable", 100, Code.UNGIVE_MONEY),
    }
    assert made.counts() == {"own|match|money": 200, "own|match|dairy|money": 200}
    made.back([line(1, 1, 10_000)])
    assert made.all() == made.before
    assert made.counts() == {}


def test_of_two_gifts_of_points_each_goes_back_into_the_lots_it_came_from() -> None:
    give = {"points": 10, "money_rate": "0.10"}
    first = {
        **make_rules.offer("a", give, **{"from": "shopper-points"}),
        "funding": [{"party": "retail-nsk", "share": "1"}],
    }
    second = {**first, "campaign": "b", "returns": "reverse"}
    made = ledger(club(first, second))
    made.earn(10, date(2026, 12, 31), index=-1)
    made.earn(10, LAST, index=-2)
    made.sell(gifts=[{"offer": each, "accepted": True} for each in ("a", "b")])
    assert made.lots() == {}
    made.back([line()])
    assert made.lots() == {(WALLET, LAST, -2, 0): 10}
    made.void()
    assert made.all() == made.before


def test_of_an_odd_kopeck_no_funder_gets_back_more_than_it_gave() -> None:
    thirds = [
        {"party": p, "share": s}
        for p, s in (("hunter-foods", "0.334"), ("retail-nsk", "0.333"), ("dairy", "0.333"))
    ]
    document = {**make_rules.donation("odd", {"money": 10}, per="basket"), "funding": thirds}
    made = sold(document, lines=[make.line(quantity="10", amount=10_000)])
    (donation,) = made.sold.recorded.outcome.donations
    assert [funder.money for funder in donation.funders] == [4, 3, 3]
    for _ in range(10):
        made.back([line(1, 1, 1_000)])
    assert made.all() == made.before


@pytest.mark.edge_case(35)
def test_limits_are_free_again_for_what_goes_back_and_once() -> None:
    made = sold(lines=THREE_PACKS)
    used = {
        "hunter-forest|units": 3,
        "hunter-forest|budget|money": 1_500,
        "hunter-forest|funder|hunter-foods|money": 900,
        "hunter-forest|card|m-pyotr": 3,
        "hunter-forest|day|2026-11-22|m-pyotr": 3,
    }
    assert made.counts() == used
    made.back([line(1, 1, 25_900)])
    assert made.counts() == {counter: 2 * each // 3 for counter, each in used.items()}
    # Half a pack frees half the money, but no unit yet.
    made.back([line(1, "0.5", 12_950)])
    assert made.counts()["hunter-forest|budget|money"] == 750
    assert made.counts()["hunter-forest|units"] == 2
    made.void()
    assert made.counts() == {}


def test_what_a_match_added_is_free_again_for_those_who_added_it() -> None:
    match = {"funding": [{"party": "dairy", "share": "1", "budget": {"money": 500}}], "budget": {"money": 900}}  # fmt: skip
    document = {**make.ROUND_UP, "match": match, "limits": {"budget": {"money": 800}}, "returns": "reverse"}  # fmt: skip
    gifts = [{"offer": "round-up", "accepted": True}]
    made = sold(document, gifts=gifts, lines=[make.line(quantity="2")])
    each = {"round-up|budget|money": 100, "round-up|match|money": 100, "round-up|match|dairy|money": 100}  # fmt: skip
    assert made.counts() == each
    assert made.back([line(1, 1, 12_950)]).outcome.to_refund == 13_000
    assert made.counts() == dict.fromkeys(each, 50)
    made.back([line(1, 1, 12_950)])
    assert made.counts() == {}


def test_a_gifts_budget_is_free_for_the_shoppers_part_alone_also_where_that_is_nothing() -> None:
    match = {"funding": [{"party": "dairy", "share": "1"}], "ratio": "1.5", "budget": {"money": 900}}  # fmt: skip
    document = {**make.ROUND_UP, "match": match, "limits": {"budget": {"money": 800}}, "returns": "reverse"}  # fmt: skip
    gifts = [{"offer": "round-up", "accepted": True}]
    made = sold(document, gifts=gifts, lines=[make.line(quantity="100")])
    # Two of the 250 that it came to: of the first, which does not divide, the shopper has the benefit.
    for own in (1, 0):
        (back,) = made.back([line(1, "0.5", 129)]).outcome.donations
        assert (back.money, back.shopper_money) == (1, own)
    assert made.counts() == {"round-up|budget|money": 99, "round-up|match|money": 149}


def test_a_visit_ends_with_the_last_of_its_sale() -> None:
    visits = {**make_rules.bonus("third", {"points": 5}, per="basket"), "when": "member.visits >= 0"}  # fmt: skip
    made = sold(visits, lines=[make.line(quantity="2")])
    visit = {"club|visits|m-pyotr": 1, "club|visit|nsk-07|2026-11-22|m-pyotr": 1}
    assert made.counts() == visit
    assert not made.back([line(1, 1, 12_950)]).ended
    assert made.counts() == visit
    assert made.back([line(1, 1, 12_950)]).ended
    assert made.counts() == {}
    void = made.void()
    assert (void.used, void.ended) == ([], False)


def test_a_total_that_the_till_rounded_is_refunded_no_further() -> None:
    made = sold(total=25_850)
    assert "more than is left" in str(refusal(made, line(), total=25_900))
    assert made.back([line()], 25_850).outcome.to_refund == 25_850
    assert made.void().outcome.to_refund == 0


def test_what_was_sold_beside_a_return_on_the_same_receipt_is_refunded_though_the_total_was_below_0() -> None:  # fmt: skip
    exchanged = {"line": 2, "sku": "coat", "quantity": "1", "amount": -90_000}
    made = sold(lines=[make.line(), exchanged])
    assert made.sold.recorded.outcome.to_pay == -64_100
    assert made.back([line()]).outcome.to_refund == 25_900
    assert made.void().outcome.to_refund == 0


def test_every_reason_has_its_sentence() -> None:
    assert set(SENTENCES) == set(Because)
    assert len(set(SENTENCES.values())) == len(SENTENCES)
