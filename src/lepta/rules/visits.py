"""Visits: all that one card buys in one store on one business day.

Two counters of a programme know them: how many visits a card has made, and whether one of them is to this store
on this day. They are kept from the publication of the programme's first campaign that asks for visits, in the order
in which sales are recorded: a late one is counted when it comes in.
"""

from collections.abc import Mapping

from lepta.rules.explanation import Why
from lepta.rules.facts import Facts, Past
from lepta.rules.limits import Asked, Counter, Gauge, Unit
from lepta.values import value


@value
class Visit:
    """The visit that a sale belongs to, as its card's counters know it."""

    total: Counter
    """Visits of the card, this one included once it has begun."""
    begun: Gauge
    """Whether this one has."""

    def is_new(self, counts: Mapping[Counter, int]) -> bool:
        """Whether the sale is the first of the visit."""
        return self.begun.room(counts) > 0

    def count(
        self, counts: Mapping[Counter, int], asked: list[Asked]
    ) -> tuple[tuple[Counter, int], ...]:
        """What the sale adds to the counters. Adds to `asked` what had to be new."""
        asked.append((self.begun, 1))
        return ((self.total, 1), (self.begun.counter, 1)) if self.is_new(counts) else ()


def visit_of(facts: Facts) -> Visit | None:
    """None: without a card there is none."""
    if facts.shopper is None:
        return None
    programme, ref = facts.store.programme, facts.shopper.ref
    return Visit(f"{programme}|visits|{ref}", _gauge(f"{programme}|visit", facts, ref))


def once(campaign: str, facts: Facts) -> Gauge:
    """Lets a campaign give once on a visit. There has to be a shopper."""
    assert facts.shopper is not None, campaign
    return _gauge(f"{campaign}|once", facts, facts.shopper.ref)


def _gauge(what: str, facts: Facts, ref: str) -> Gauge:
    counter = f"{what}|{facts.store.id}|{facts.business_day.isoformat()}|{ref}"
    return Gauge(counter, 1, Unit.APPLICATIONS, None, Why.VISIT_LIMIT)


def past_of(
    visit: Visit | None,
    counts: Mapping[Counter, int],
    *,
    points: int,
    is_first: bool,
    spendable: int = 0,
) -> Past:
    """`visit` None: visits are not counted, so none is known."""
    if visit is None:
        return Past(points, 0, is_new_visit=True, is_first=is_first, spendable=spendable)
    is_new, known = visit.is_new(counts), counts.get(visit.total, 0)
    return Past(points, known if is_new else known - 1, is_new, is_first, spendable)
