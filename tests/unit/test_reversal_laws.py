"""Laws of voids and returns, over sales that the rules made of baskets and campaigns of every sort."""

from datetime import date
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_rules_laws import CATEGORY, SKUS, campaigns

import make_reversals as make
import make_rules
from lepta.ledger import chart
from lepta.ledger.entries import Code
from lepta.processing.proration import OverReturn, ReturnedLine
from lepta.processing.purse import part_of
from lepta.processing.reversal import Reversal
from lepta.processing.reversed import History
from lepta.rules.envelope import read
from lepta.rules.return_faults import return_faults
from make import state
from make_reversals import OWED, WAITING, WALLET, Ledger

NEXT_YEAR = date(2027, 11, 30)
OWN_POINTS = {
    **make_rules.offer("own-points", {"points": 7, "money_rate": "0.13"}, **{"from": "shopper-points"}),
    "funding": [{"party": "retail-nsk", "share": "0.55"}, {"party": "dairy", "share": "0.45"}],
}  # fmt: skip
OWN_GOODS = make_rules.offer("own-goods", {"money": 333}, per="unit", what={"skus": ["1", "3"]})
MATCH = {
    "funding": [{"party": "dairy", "share": "0.7", "budget": {"money": 500}}, {"party": "retail-nsk", "share": "0.3"}],
    "ratio": "1.5",
    "budget": {"money": 900},
}  # fmt: skip
OFFERS = {
    "round-up": {**make_rules.ROUND_UP, "match": MATCH, "limits": {"budget": {"money": 5000}}},
    "own-points": {
        **OWN_POINTS,
        "match": MATCH,
        "limits": {"budget": {"points": 50}, "per_card": 3},
    },
    "own-goods": {**OWN_GOODS, "limits": {"units": 20}},
}
kept = st.sampled_from([None, None, "reverse", "keep"])


@st.composite
def baskets(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Lines as tills send them: weighed, free, voided, without a quantity; one SKU may stand on several."""
    line = st.tuples(
        st.sampled_from(SKUS),
        st.integers(1, 60_000) | st.integers(-20_000, 60_000) | st.just(0),
        st.sampled_from(["1", "2", "3", "7.5", "0.345", "0"]),
    )
    lines = draw(st.lists(line, min_size=1, max_size=5))
    return [
        {"line": 10 * n, "sku": sku, "categories": CATEGORY[sku], "amount": amount, "quantity": quantity}
        for n, (sku, amount, quantity) in enumerate(lines)
    ]  # fmt: skip


@st.composite
def judged(draw: st.DrawFn, document: dict[str, Any]) -> dict[str, Any]:
    """A campaign, perhaps judged again on what is left, where that may be."""
    other = {**document, "thresholds": "re-evaluate"}
    return other if draw(st.booleans()) and not list(return_faults(read(other))) else document


@st.composite
def sales(draw: st.DrawFn, *, debt: str = "allowed", again: bool = True) -> Ledger:
    """A sale by a member who had points before, just booked; `again`: some campaigns may be judged again."""
    documents = [make_rules.BASE, *OFFERS.values()]
    documents += [draw(campaigns(f"c-{n}")) for n in range(draw(st.integers(1, 3)))]
    documents = [{**document, "returns": draw(kept)} for document in documents]
    if again:
        documents = [draw(judged(document)) for document in documents]
    waits = {"pending_days": draw(st.sampled_from([0, 0, 14]))}
    ledger = Ledger(state(make_rules.rulebook(*documents, club=waits)), club=make.programme(debt=debt))  # fmt: skip
    for n, last in enumerate([date(2026, 12, 31), NEXT_YEAR, date.max]):
        party = draw(st.sampled_from(["retail-nsk", "dairy", "elsewhere"]))
        ledger.earn(draw(st.integers(0, 200)), last, index=-1 - n, party=party)
    lines = draw(baskets())
    gifts = [
        {"offer": name, "accepted": True, "amount": draw(st.integers(1, 700))}
        for name in OFFERS
        if draw(st.booleans())
    ]
    total = sum(line["amount"] for line in lines)
    redeem = {"points": draw(st.integers(0, 90))}
    ledger.sell(
        lines=lines, total=total - draw(st.integers(0, 500)), offline=True, gifts=gifts, redeem=redeem
    )  # fmt: skip
    return ledger


@st.composite
def some(draw: st.DrawFn, ledger: Ledger) -> tuple[list[ReturnedLine], int]:
    """Some of what is left, perhaps all; and what is asked for it."""
    goods, lines = ledger.goods(), []
    for _ in range(draw(st.integers(1, 4))):
        left = goods.left()
        if not left:
            break
        number, micro, amount = draw(st.sampled_from(left))
        if draw(st.booleans()):
            micro, amount = draw(st.integers(0, micro)), draw(st.integers(0, amount))
        lines.append(ReturnedLine(number, micro, amount))
        goods.bring(lines[-1:], 0)
    asked = sum(line.amount for line in lines)
    return lines, min(asked, goods.most - goods.total_back)


def return_the_rest(ledger: Ledger) -> None:
    """Line by line."""
    while left := ledger.goods().left():
        goods = ledger.goods()
        ledger.back(left[:1], min(left[0].amount, goods.most - goods.total_back))


def by_code(reversal: Reversal, *codes: Code) -> int:
    return sum(entry.amount for entry in reversal.entries if entry.code in codes)


def agree(ledger: Ledger, reversal: Reversal) -> None:
    """The entries come to what the outcome says, lots to balances, and nothing went back that was not given."""
    said = reversal.outcome
    taken = [donation for donation in said.donations if not donation.kept]
    assert by_code(reversal, Code.RESTORE) == said.restored
    assert by_code(reversal, Code.CLAW_BACK) == said.clawed_back
    earned = sum(back.points for back in said.earned)
    assert earned == said.clawed_back + said.shortfall + sum(points for _, points in said.lapsed)
    own = sum(donation.shopper_points for donation in taken)
    assert by_code(reversal, Code.UNGIVE_OWN) == own
    points = by_code(reversal, Code.UNGIVE_POINTS) + own
    assert points == sum(donation.points for donation in taken)
    money = by_code(reversal, Code.UNGIVE_MONEY, Code.UNCOLLECT)
    assert money == sum(donation.money for donation in taken)
    assert (points, money) == (-sum(g.points for g in reversal.given), -sum(g.money_minor for g in reversal.given))  # fmt: skip
    for account in (WALLET, WAITING):
        lots = ledger.book.lots_of(account)
        assert sum(lot.remaining for lot in lots) == ledger.book.balance(account)
        assert all(lot.remaining > 0 for lot in lots)
    within(ledger)
    budgets(ledger)
    clearing(ledger)


def clearing(ledger: Ledger) -> None:
    """Others owe the retailer what their lots paid and has not come back, to within an odd unit a lot."""
    sold, history = ledger.sold.recorded.outcome, History(ledger.earlier)
    owed = -ledger.balances().get(chart.due_to("retail-nsk", "RUB"), 0)
    own = ledger.book.accounts.get(chart.issued("retail-nsk", make.PTS))
    out = part_of(
        ledger.sold.spent, history.restored, sold.points.redeemed - history.restored
    )  # fmt: skip
    foreign = [each.points for each in out if each.lot.issuer != own]
    exact = sold.redeemed_money * sum(foreign)
    assert abs(owed * sold.points.redeemed - exact) <= sold.points.redeemed * len(foreign)


def budgets(ledger: Ledger) -> None:
    """Of every budget just so much is used as its payers have not got back."""
    history, outcome = History(ledger.earlier), ledger.sold.recorded.outcome
    for donation in outcome.donations:
        if donation.shopper_points and donation.matched:
            # A funder's money is there the match's and the points' together; each goes back in proportion.
            continue
        gone = history.donations(donation.campaign)
        money = donation.money - sum(one.money for one in gone)
        own = donation.shopper_money - sum(one.shopper_money for one in gone)
        points = donation.points - sum(one.points for one in gone)
        name = donation.campaign
        expected = {
            f"{name}|budget|money": own if donation.shopper_money else money,
            f"{name}|budget|points": points,
            f"{name}|match|money": money - own,
        }
        for n, funder in enumerate(donation.funders):
            rest = funder.money - sum(one.funders[n].money for one in gone)
            expected |= {
                f"{name}|{what}|{funder.party}|money": rest for what in ("funder", "match")
            }
        for counter, _ in ledger.sold.used:
            if counter in expected:
                assert ledger.shop.counts[counter] == expected[counter], counter


def within(ledger: Ledger) -> None:
    history, outcome = History(ledger.earlier), ledger.sold.recorded.outcome
    assert 0 <= history.restored <= outcome.points.redeemed
    assert 0 <= history.restored_money <= outcome.redeemed_money
    for earned in outcome.earned:
        legs = dict(earned.legs)
        for back in history.earned(earned.campaign):
            for leg, points in back.legs:
                legs[leg] -= points
                assert points > 0
        assert min(legs.values()) >= 0
    for donation in outcome.donations:
        gone = history.donations(donation.campaign)
        for n, funder in enumerate(donation.funders):
            assert sum(back.funders[n].money for back in gone) <= funder.money
            assert sum(back.funders[n].points for back in gone) <= funder.points
        assert sum(back.shopper_points for back in gone) <= donation.shopper_points
        assert sum(back.shopper_money for back in gone) <= donation.shopper_money
        for one in gone:
            assert min(one.points, one.money, one.shopper_points, one.shopper_money) >= 0
            assert sum(f.money for f in one.funders) + one.shopper_money == one.money
            assert sum(f.points for f in one.funders) + one.shopper_points == one.points


def refunded(ledger: Ledger) -> int:
    return History(ledger.earlier).refunded


@given(sales(), st.data())
@settings(deadline=None)
def test_a_sale_that_is_voided_after_any_returns_was_never_there(
    ledger: Ledger, data: st.DataObject
) -> None:
    for _ in range(data.draw(st.integers(0, 3))):
        lines, total = data.draw(some(ledger))
        if lines:
            agree(ledger, ledger.back(lines, total))
    agree(ledger, ledger.void())
    assert ledger.all() == ledger.before
    assert refunded(ledger) >= ledger.sold.recorded.outcome.to_pay
    assert (
        ledger.earlier[-1].to_refund == 0 or refunded(ledger) == ledger.sold.recorded.outcome.to_pay
    )
    with pytest.raises(OverReturn):
        ledger.void()
    with pytest.raises(OverReturn):
        ledger.back([ReturnedLine(0, 0, 0)])


@given(sales())
@settings(deadline=None)
def test_a_sale_returned_line_by_line_is_taken_back_whole_but_for_what_is_kept(
    ledger: Ledger,
) -> None:
    return_the_rest(ledger)
    history, outcome = History(ledger.earlier), ledger.sold.recorded.outcome
    if not ledger.goods().is_whole:
        # It took back on the sale itself whatever it had sold.
        assert ledger.earlier == []
        return
    assert (history.restored, history.restored_money) == (
        outcome.points.redeemed,
        outcome.redeemed_money,
    )
    for earned in outcome.earned:
        points = sum(back.points for back in history.earned(earned.campaign))
        assert points == (0 if earned.keep else earned.points)
    for donation in outcome.donations:
        backs = history.donations(donation.campaign, kept=donation.keep)
        assert sum(back.points for back in backs) == donation.points
        assert sum(back.money for back in backs) == donation.money
        assert not history.donations(donation.campaign, kept=not donation.keep)
    if not any([*(e.keep for e in outcome.earned), *(d.keep for d in outcome.donations)]):
        assert ledger.all() == ledger.before
    agree(ledger, ledger.void())
    assert ledger.all() == ledger.before


@given(sales(again=False), st.data())
@settings(deadline=None)
@pytest.mark.edge_case(13)
def test_after_every_return_so_much_is_back_as_if_it_had_been_one(
    ledger: Ledger, data: st.DataObject
) -> None:
    """Of a campaign, of the sale and of the shopper; of which funder an odd unit is may differ, and what was refunded
    stays refunded.
    """
    lines, total = data.draw(some(ledger))
    if not lines:
        return
    at_once = ledger.copy()
    at_once.back(lines, total)
    for n, line in enumerate(data.draw(st.permutations(lines))):
        agree(ledger, ledger.back([line], 0 if n else total))
    assert sums(ledger) == sums(at_once)
    assert refunded(ledger) >= refunded(at_once)
    for counter, used in at_once.counts().items():
        if counter.split("|")[1] not in {"budget", "funder", "match"}:
            assert ledger.counts()[counter] == used


def sums(ledger: Ledger) -> list[Any]:
    history, outcome = History(ledger.earlier), ledger.sold.recorded.outcome
    said: list[Any] = [history.restored, history.restored_money]
    said += [sum(b.points for b in history.earned(earned.campaign)) for earned in outcome.earned]
    for donation in outcome.donations:
        for kept in (True, False):
            backs = history.donations(donation.campaign, kept=kept)
            said.append((sum(b.points for b in backs), sum(b.money for b in backs)))
            said.append((sum(b.shopper_points for b in backs), sum(b.shopper_money for b in backs)))
    return said


@given(st.sampled_from(["allowed", "to-zero"]).flatmap(lambda debt: sales(debt=debt)), st.data())
@settings(deadline=None)
@pytest.mark.edge_case(15)
def test_of_points_that_are_spent_exactly_what_the_member_no_longer_has_is_owed_or_missed(
    ledger: Ledger, data: st.DataObject
) -> None:
    ledger.spend(data.draw(st.integers(0, ledger.book.balance(WALLET))))
    for step in range(data.draw(st.integers(1, 3))):
        lines, total = data.draw(some(ledger))
        if not lines:
            break
        one = ledger.copy()
        had, waiting = one.book.balance(WALLET), one.book.balance(WAITING)
        reversal = one.void() if step == 2 else one.back(lines, total)
        agree(one, reversal)
        said = reversal.outcome
        back = said.restored + by_code(reversal, Code.UNGIVE_OWN)
        own = min(sum(earned.points for earned in said.earned), waiting)
        missing = max(sum(earned.points for earned in said.earned) - own - had - back, 0)
        allowed = ledger.club.debt == "allowed"
        assert (said.owed, said.shortfall) == ((missing, 0) if allowed else (0, missing))
        assert one.book.balance(WAITING) == waiting - own
        ledger = one
    owed = sum(one.owed for one in ledger.earlier)
    assert -ledger.balances().get(OWED, 0) == owed


@given(sales(), st.data())
@settings(deadline=None)
def test_more_than_is_left_is_refused_and_told(ledger: Ledger, data: st.DataObject) -> None:
    lines, total = data.draw(some(ledger))
    if lines:
        ledger.back(lines, total)
    goods = ledger.goods()
    if not goods.left():
        return
    number, micro, amount = data.draw(st.sampled_from(goods.left()))
    before = ledger.all()
    for more in ((1, 0), (0, 1)):
        with pytest.raises(OverReturn) as refused:
            ledger.back([ReturnedLine(number, micro + more[0], amount + more[1])], 0)
        told = refused.value.members["left"]
        assert {"line": number, "amount": amount}.items() <= told[
            [each["line"] for each in told].index(number)
        ].items()
    with pytest.raises(OverReturn):
        ledger.back([ReturnedLine(number, 0, 0)], goods.most - goods.total_back + 1)
    assert ledger.all() == before
