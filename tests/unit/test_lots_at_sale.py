"""Lots past their last day: no sale spends them, however long it takes until somebody tells the day."""

from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import make
from lepta.ledger import chart
from lepta.ledger.lots import NEVER
from lepta.processing.decide import Accepted
from lepta.processing.events import InsufficientPoints
from lepta.processing.recognition import Refused

WALLET = chart.available("m-pyotr", "PTS/club")
FIRST = date(2027, 1, 1)
ENDS: dict[str, dict[str, Any] | None] = {
    "month": {"months": 0},
    "day": {"months": 1, "at": "day"},
    "ever": None,
}


def bonus(campaign: str, points: int, **more: Any) -> dict[str, Any]:
    return {
        "campaign": campaign, "programme": "club", "kind": "bonus",
        "what": {"skus": [campaign]}, "effect": {"earn": {"points": points}, **more},
    }  # fmt: skip


SHORT = bonus("short", 10, expire_after={"months": 0})
OWN = {
    "campaign": "own", "programme": "club", "kind": "donation",
    "effect": {
        "give": {"points": 10, "money_rate": "0.10"}, "to": {"fund": "forest-animals"}, "from": "shopper-points",
    },
    "funding": [{"party": "retail-nsk", "share": "1"}],
}  # fmt: skip
RICH = {
    "campaign": "rich", "programme": "club", "kind": "bonus", "when": "member.points >= 10",
    "effect": {"earn": {"points": 1}, "expire_after": None},
}  # fmt: skip


def sale(sequence: int, day: date, sku: str = "milk", **more: Any) -> Any:
    at = {"business_day": day.isoformat(), "occurred_at": f"{day}T12:00:00+07:00"}
    lines = [make.line(sku=sku, amount=100_000)]
    return make.checkout(sequence=sequence, lines=lines, **at, **more)


def after_a_lot_that_ends_with_january(*campaigns: dict[str, Any]) -> make.Shop:
    at = make.state(make.rulebook(SHORT, *campaigns))
    make.accepted(sale(1, date(2027, 1, 10), "short"), at)
    return at


def test_points_pay_on_their_last_day_and_not_on_the_next() -> None:
    at = after_a_lot_that_ends_with_january()
    late = make.decide(sale(2, date(2027, 2, 1), redeem={"points": 10}), at)
    assert isinstance(late, Refused)
    assert isinstance(late.error, InsufficientPoints)
    assert late.error.members == {"redeemable": 0}
    most = make.accepted(sale(3, date(2027, 2, 1), redeem={"max": True}), at)
    assert most.recorded.outcome.points.redeemed == 0
    assert most.recorded.outcome.balance == (0, 0, 0, ())
    in_time = make.accepted(sale(4, date(2027, 1, 31), redeem={"points": 10}), at)
    assert in_time.recorded.outcome.points.redeemed == 10


def test_an_offline_sale_spends_what_had_not_ended_on_its_own_day() -> None:
    at = after_a_lot_that_ends_with_january()
    asked: dict[str, Any] = {"redeem": {"points": 10}, "offline": True}
    over = make.accepted(sale(2, date(2027, 2, 1), **asked), at).recorded.outcome
    assert (over.points.redeemed, over.points.shortfall) == (0, 10)
    earlier = make.accepted(sale(3, date(2027, 1, 20), **asked), at).recorded.outcome
    assert (earlier.points.redeemed, earlier.points.shortfall) == (10, 0)


@pytest.mark.parametrize(
    ("day", "given", "why"), [(31, 10, ()), (32, 0, ("unknown-gift",))], ids=["last", "next"]
)
def test_a_gift_of_points_comes_out_of_lots_that_have_not_ended(
    day: int, given: int, why: tuple[str, ...]
) -> None:
    at = after_a_lot_that_ends_with_january(OWN)
    asked = sale(2, date(2026, 12, 31) + timedelta(day), gifts=[{"offer": "own", "accepted": True}])
    outcome = make.accepted(asked, at).recorded.outcome
    assert (outcome.points.given, outcome.flags) == (given, (*why, "clock"))


@pytest.mark.parametrize(("day", "earned"), [(31, 1), (32, 0)])
def test_a_condition_sees_the_points_that_can_be_spent(day: int, earned: int) -> None:
    at = after_a_lot_that_ends_with_january(RICH)
    bought = make.accepted(sale(2, date(2026, 12, 31) + timedelta(day)), at)
    assert bought.recorded.outcome.points.earned == earned


def test_what_ended_is_not_told_to_expire_soon() -> None:
    at = after_a_lot_that_ends_with_january()
    in_time = make.accepted(sale(2, date(2027, 1, 31)), at).recorded.outcome
    too_late = make.accepted(sale(3, date(2027, 2, 1)), at).recorded.outcome
    assert in_time.balance == (10, 0, 0, ((date(2027, 1, 31), 10),))
    assert too_late.balance == (0, 0, 0, ())


Step = tuple[str, int, int | None, bool]
steps = st.lists(
    st.tuples(
        st.sampled_from(list(ENDS)), st.integers(0, 100), st.none() | st.integers(0, 400),
        st.booleans(),
    ),
    min_size=1, max_size=12,
)  # fmt: skip


@given(steps)
def test_sales_of_any_days_in_any_order_spend_what_a_list_of_lots_would(steps: list[Step]) -> None:
    campaigns = [
        bonus(sku, 7 * n, expire_after=ends) for n, (sku, ends) in enumerate(ENDS.items(), 1)
    ]
    at = make.state(make.rulebook(*campaigns))
    model: list[list[Any]] = []
    for number, (sku, days, redeem, offline) in enumerate(steps):
        day = FIRST + timedelta(days)
        asked = {} if redeem is None else {"redeem": {"points": redeem}}
        decision = make.decide(sale(number, day, sku, offline=offline, **asked), at)
        usable = sum(points for last, points in model if last >= day)
        if redeem and redeem > usable and not offline:
            assert isinstance(decision, Refused)
            assert decision.error.members == {"redeemable": usable}
            continue
        assert isinstance(decision, Accepted)
        spent = min(redeem or 0, usable)
        _spend(model, spent, day)
        (issue,) = decision.booked.issues
        model.append([issue.expires_on, decision.recorded.outcome.points.earned])
        assert decision.recorded.outcome.points.redeemed == spent
        assert all(taken.lot.expires_on >= day for taken in decision.booked.spent)
        assert decision.recorded.outcome.balance is not None
        left = sum(points for last, points in model if last >= day)
        assert decision.recorded.outcome.balance.available == left
    kept = sorted((lot.expires_on, lot.remaining) for lot in at.book.lots_of(WALLET))
    assert kept == sorted((last, points) for last, points in model if points)


def _spend(model: list[list[Any]], points: int, day: date) -> None:
    """The lot that ends first is taken first, of equals the oldest: sorting keeps their order."""
    for lot in sorted(model, key=lambda lot: lot[0]):
        part = min(lot[1], points) if lot[0] >= day else 0
        lot[1] -= part
        points -= part
    assert points == 0


def test_a_lot_that_never_ends_outlives_any_business_day() -> None:
    at = make.state(make.rulebook(bonus("ever", 10, expire_after=None)))
    (issue,) = make.accepted(sale(1, FIRST, "ever"), at).booked.issues
    assert issue.expires_on == NEVER
    late = make.accepted(sale(2, date(2199, 12, 30), redeem={"points": 10}), at)
    assert late.recorded.outcome.points.redeemed == 10
