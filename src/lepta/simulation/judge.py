"""One receipt decided again: its facts and basket as they are stored, under the rulebook with the drafts in it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from lepta.ledger import chart
from lepta.processing.verdict import paid
from lepta.rules import engine
from lepta.rules.engine import Matched, Outcome
from lepta.rules.facts import NO_PAST, Past
from lepta.rules.visits import past_of
from lepta.simulation.plan import Plan
from lepta.simulation.receipt import Receipt
from lepta.values import value
from lepta.verification.replay import Rulebooks

Counts = Mapping[str, int]
Booked = tuple[str, int, int]
"""(campaign, points in smallest units, money in minor units)."""


@value
class Case:
    """A receipt laid out for the rules: it may be decided more than once."""

    day: str
    member: int | None
    """Number of the member's account."""
    matched: Matched
    names: Sequence[str]
    """Campaigns by number."""
    net_minor: Sequence[int] | None
    due_minor: int
    past: Past
    """But for its visits, which counters say."""
    booked: Sequence[Booked]
    """What rivals, and drafts of the same name, gave as it was booked."""
    is_unknown: bool
    """Whether it does not say all that drafts ask about members."""

    @property
    def waits(self) -> bool:
        """Whether it depends on the visits before: it can only be decided in its turn."""
        return self.matched.asks_past and self.matched.visit is not None


@value
class Judge:
    """Decides receipts under a plan, in log order. Keeps one rulebook after the other."""

    plan: Plan
    rulebooks: Rulebooks

    @classmethod
    def of(cls, plan: Plan) -> "Judge":
        """Before the first receipt."""
        return cls(plan, Rulebooks(plan.changes))

    def lay_out(self, receipt: Receipt) -> Case:
        """Find what a sale touches. Points pay as much of it as they did."""
        document, plan = receipt.document, self.plan
        number = document["rulebook"]
        rulebook = self.rulebooks.after(number)
        # What looks like misuse is no campaign's business, nor is what a programme blocks for it.
        matched = replace(engine.match(rulebook, receipt.facts), watch=None)
        outcome, net, money = receipt.outcome, None, 0
        if "redeem" in document["basket"]:
            redeemed = (*outcome.get("points", ()), 0, 0, 0)[2]
            money, _, net = paid(matched.programme, receipt.facts.lines, redeemed)
        member = document.get("member")
        return Case(
            receipt.day,
            member,
            matched,
            rulebook.campaigns,
            net,
            receipt.facts.total_minor - money,
            _past(receipt) if matched.asks_past else NO_PAST,
            tuple(self._booked(outcome)) if plan.rivals or plan.replaced else (),
            number < plan.known_from and member is not None,
        )

    def _booked(self, outcome: Mapping[str, Any]) -> Iterator[Booked]:
        rivals, replaced = self.plan.rivals, self.plan.replaced
        for campaign, points, *_ in outcome.get("earned", ()):
            if campaign in rivals or campaign in replaced:
                yield campaign, points, 0
        for campaign, _, points, money, *_ in outcome.get("donations", ()):
            if campaign in rivals or campaign in replaced:
                yield campaign, points, money

    def used(self, document: Mapping[str, Any]) -> list[tuple[str, int]]:
        """What a sale that is not decided again used of the rivals' limits, and the visit that it began."""
        found = []
        for counter, amount in document.get("used", ()):
            name, what, _ = counter.split("|", 2) if counter.count("|") > 1 else (counter, "", "")
            is_visit = what in {"visit", "visits"} and name in self.plan.visits
            if is_visit or counter.partition("|")[0] in self.plan.rivals:
                found.append((counter, amount))
        return found


def decide(case: Case, counts: Counts) -> Outcome:
    """What comes of a sale on what was used of limits so far."""
    matched, past = case.matched, case.past
    if case.waits:
        past = past_of(
            matched.visit, counts,
            points=past.points, is_first=past.is_first, spendable=past.spendable,
        )  # fmt: skip
    return engine.evaluate(matched, case.net_minor, case.due_minor, counts, past)


def _past(receipt: Receipt) -> Past:
    """What the ledger knew of the shopper: their points as they were, without any that a draft gives."""
    document, shopper = receipt.document, receipt.facts.shopper
    if shopper is None:
        return NO_PAST
    outcome = receipt.outcome
    points: list[int] = outcome.get("points", [])
    earned, pending, redeemed, given, *_ = [*points, 0, 0, 0, 0]
    available = outcome["balance"][0] - (earned - pending) + redeemed + given
    may_spend = document["facts"]["card"] == "active"
    asset = chart.points_of(receipt.facts.store.programme)
    own = chart.available(shopper.ref, asset), chart.bought(shopper.ref, asset)
    return past_of(
        None,
        {},
        points=available,
        spendable=available - redeemed if may_spend else 0,
        is_first=any(tuple(account) in own for _, *account in document.get("opens", ())),
    )
