"""What a campaign may still give: its counters, and how much of a wish fits under them.

A counter is a text that is also its key in the database: `hunter-forest|units`, `…|budget|money`,
`…|funder|hunter-foods|money` are hard caps that all sales share; `…|card|<ref>` and
`…|day|2026-11-22|<ref>` count what one card got, `…|once|<store>|2026-11-22|<ref>` whether it got it on a visit,
`…|welcome|<ref>` whether it was welcomed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import IntEnum
from typing import NamedTuple

from lepta.money import allocate
from lepta.rules.envelope import CampaignDocument, Cap
from lepta.rules.explanation import Why

Counter = str

NO_CAP = 2**62
"""Stands for a limit that was dropped: still counted, and no counter outgrows what the database holds."""


def card_counter(campaign: str, ref: str) -> Counter:
    """How often the campaign applied to a card."""
    return f"{campaign}|card|{ref}"


def card_day_counter(campaign: str, ref: str, business_day: date) -> Counter:
    """How often the campaign applied to a card on a business day."""
    return f"{campaign}|day|{business_day.isoformat()}|{ref}"


def welcome_counter(campaign: str, ref: str) -> Counter:
    """How often the campaign welcomed a member; 0 where all of that was taken back, and none where it never did."""
    return f"{campaign}|welcome|{ref}"


def is_hard(counter: Counter) -> bool:
    """Whether all sales share it and its cap must hold under any concurrency (`Rulebook.caps` has the cap)."""
    return counter.split("|", 2)[1] in {"units", "budget", "funder", "match"}


class Unit(IntEnum):
    """What a counter counts."""

    APPLICATIONS = 0
    POINTS = 1
    MONEY = 2


class Gauge(NamedTuple):
    """A counter and the most it may reach."""

    counter: Counter
    cap: int
    unit: Unit
    funder: str | None
    """Counts this party's share only."""
    exhausted: Why

    def room(self, counts: Mapping[Counter, int]) -> int:
        """What is left; never below 0, also where a newer cap is below what was given."""
        return max(self.cap - counts.get(self.counter, 0), 0)


Asked = tuple[Gauge, int]
"""So much had to fit under the gauge's cap."""


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits of one document."""

    per_basket: int | None
    per_card_day: int | None
    per_card: int | None
    max_points: int | None
    max_money_minor: int | None
    of_basket: bool
    """Whether a single basket has a limit: `per_basket` or one of the two above."""
    shared: tuple[Gauge, ...]
    """Units and budget."""
    funders: tuple[tuple[str, Gauge | None], ...]
    """Every funder with its budget; None: no cap."""


def compile_limits(document: CampaignDocument) -> Limits:
    """The limits that a document sets."""
    said, campaign = document.limits, document.campaign
    shared = []
    if said.units is not None:
        counter = f"{campaign}|units"
        shared.append(Gauge(counter, said.units, Unit.APPLICATIONS, None, Why.UNITS_EXHAUSTED))
    if said.budget is not None:
        shared.append(_budget(f"{campaign}|budget", said.budget, None))
    most = said.max_per_basket or Cap()
    funders = tuple(
        (f.party, _budget(f"{campaign}|funder|{f.party}", f.budget, f.party) if f.budget else None)
        for f in document.funding
    )
    return Limits(
        per_basket=said.per_basket,
        per_card_day=said.per_card_day,
        per_card=said.per_card,
        max_points=most.points,
        max_money_minor=most.money,
        of_basket=(said.per_basket, most.points, most.money) != (None, None, None),
        shared=tuple(shared),
        funders=funders,
    )


def _budget(counter: str, cap: Cap, funder: str | None) -> Gauge:
    why = Why.FUNDER_EXHAUSTED if funder else Why.BUDGET_EXHAUSTED
    if cap.points is not None:
        return Gauge(f"{counter}|points", cap.points, Unit.POINTS, funder, why)
    assert cap.money is not None, counter
    return Gauge(f"{counter}|money", cap.money, Unit.MONEY, funder, why)


def shares(amount: int, weights: Sequence[int]) -> Sequence[int]:
    """What each funder bears of `amount`, by largest remainder in document order."""
    return (amount,) if len(weights) == 1 else allocate(amount, weights)


def most_for_funder(room: int, index: int, weights: Sequence[int]) -> int:
    """An amount of which the funder's share fits into `room`, and so does that of every lesser amount.

    The largest remainder may round a share up, but never beyond the next whole unit; so what is compared is
    the exact share. At most one unit of the funder's money stays unused that way.
    """
    return room * sum(weights) // weights[index]
