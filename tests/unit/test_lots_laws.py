"""Over any order of sales and days: a lot matures once, ends once, never early and never after it was spent."""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import make
from lepta.ledger import chart
from lepta.processing.acts import LotsDue
from lepta.processing.decide import Accepted
from lepta.processing.lot_days import NothingDue
from lepta.processing.moving import Moved, decide_act
from lepta.processing.recognition import Refused
from lepta.processing.state import Submission

FIRST = date(2027, 1, 1)
ASSET = chart.points_of("club")
KINDS: dict[str, dict[str, Any]] = {
    "month": {"expire_after": {"months": 0}},
    "waits": {"pending_days": 20, "expire_after": {"months": 0}},
    "day": {"pending_days": 3, "expire_after": {"months": 1, "at": "day"}},
    "ever": {"pending_days": 5, "expire_after": None},
}
CAMPAIGNS = [
    {
        "campaign": sku, "programme": "club", "kind": "bonus", "what": {"skus": [sku]},
        "effect": {"earn": {"points": 10 + n}, **days},
    }
    for n, (sku, days) in enumerate(KINDS.items())
]  # fmt: skip


@dataclass
class Lot:
    """As a customer would keep it in a notebook."""

    first: date
    last: date
    left: int
    here: bool
    """Whether it is among those that can be spent."""
    expired: int = 0


@dataclass
class Notebook:
    """All lots that ever were, in the order in which they came."""

    lots: list[Lot] = field(default_factory=list)
    spent: int = 0
    earned: int = 0

    def spendable(self, day: date) -> int:
        return sum(lot.left for lot in self.lots if lot.here and lot.last >= day)

    def spend(self, points: int, day: date) -> None:
        self.spent += points
        for lot in sorted(self.lots, key=lambda lot: lot.last):
            part = min(points, lot.left) if lot.here and lot.last >= day else 0
            lot.left -= part
            points -= part
        assert points == 0

    def tell(self, on: date) -> dict[str, int]:
        due = {"mature": 0, "expire": 0}
        for lot in self.lots:
            if not lot.here and lot.first <= on:
                lot.here = True
                due["mature"] += lot.left
            if lot.here and lot.last < on and lot.left:
                assert lot.expired == 0, "a lot ends once"
                due["expire"] += lot.left
                lot.expired, lot.left = lot.left, 0
        return {what: points for what, points in due.items() if points}


days = st.integers(0, 120).map(lambda n: FIRST + timedelta(n))
sales = st.tuples(days, st.sampled_from(list(KINDS)), st.integers(0, 60))
steps = st.lists(sales | days, min_size=1, max_size=14)


@given(steps)
@pytest.mark.edge_case(43)
def test_lots_are_what_a_notebook_says_whatever_happens_in_whatever_order(steps: list[Any]) -> None:
    at, book = make.state(make.rulebook(*CAMPAIGNS)), Notebook()
    for number, step in enumerate(steps):
        if isinstance(step, date):
            _tell(at, book, step)
        else:
            _sell(at, book, number, *step)
        _compare(at, book)


def _sell(at: make.Shop, book: Notebook, number: int, day: date, sku: str, redeem: int) -> None:
    event = make.checkout(
        sequence=number, business_day=day.isoformat(), occurred_at=f"{day}T12:00:00+07:00",
        lines=[make.line(sku=sku, amount=100_000)], redeem={"points": redeem}, offline=True,
    )  # fmt: skip
    decision = make.decide(event, at)
    assert isinstance(decision, Accepted)
    outcome, usable = decision.recorded.outcome, book.spendable(day)
    assert outcome.points.redeemed == min(redeem, usable)
    book.spend(outcome.points.redeemed, day)
    (issue,) = decision.booked.issues
    waits = issue.available_on is not None
    book.lots.append(
        Lot(issue.available_on or day, issue.expires_on, outcome.points.earned, not waits)
    )
    book.earned += outcome.points.earned
    assert outcome.balance is not None
    assert outcome.balance.available == book.spendable(day)


def _tell(at: make.Shop, book: Notebook, on: date) -> None:
    act = LotsDue("m-pyotr", "club", on)
    received_at = datetime.combine(on, time(12), UTC)
    decision = decide_act(Submission.of(act), act, at, received_at=received_at, salt=make.SALT)
    due = book.tell(on)
    if due:
        assert isinstance(decision, Moved)
        assert decision.movement.outcome == due
    else:
        assert isinstance(decision, Refused)
        assert isinstance(decision.error, NothingDue)


def _compare(at: make.Shop, book: Notebook) -> None:
    for code, here in ((chart.available, True), (chart.pending, False)):
        account = code("m-pyotr", ASSET)
        held = sorted((lot.expires_on, lot.remaining) for lot in at.book.lots_of(account))
        kept = sorted((lot.last, lot.left) for lot in book.lots if lot.here is here and lot.left)
        assert held == kept
        assert at.book.balance(account) == sum(points for _, points in kept)
    gone = book.spent + sum(lot.expired for lot in book.lots)
    assert book.earned == gone + sum(lot.left for lot in book.lots)
