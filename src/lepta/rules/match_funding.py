"""A company adds to what the shopper gives: `match: {funding: […], ratio: "1", budget: {money: 1000000}}`.

The match is money, `ratio` times the shopper's or what their points are worth to the fund, up to budgets that stop it exactly. Its counters are
`round-up|match|money` and, for a funder with a budget of its own, `round-up|match|<party>|money`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from lepta.money import Ratio, Rounding, common_weights, divide
from lepta.rules.envelope import CampaignDocument, Cap
from lepta.rules.explanation import Why
from lepta.rules.limits import NO_CAP, Asked, Counter, Gauge, Unit, most_for_funder, shares


@dataclass(frozen=True, slots=True)
class MatchFunding:
    """Who matches the shopper's gift, and how far."""

    ratio: Ratio
    parties: tuple[str, ...]
    weights: tuple[int, ...]
    gauges: tuple[Gauge, ...]
    """Budgets of the match and of its funders, as this version sets them."""

    def part(self, gauge: Gauge, match_minor: int) -> int:
        """What so much of a match adds to the gauge's counter."""
        if gauge.funder is None:
            return match_minor
        if gauge.funder not in self.parties:
            return 0
        return shares(match_minor, self.weights)[self.parties.index(gauge.funder)]

    def wish(self, gift_minor: int, rounding: Rounding) -> int:
        """What is added to a gift if no budget is in the way, in minor units."""
        return divide(gift_minor * self.ratio.numerator, self.ratio.denominator, rounding)

    def added(
        self,
        wish_minor: int,
        gauges: Iterable[Gauge],
        counts: Mapping[Counter, int],
        asked: list[Asked],
    ) -> int:
        """As much of the wish as all budgets have left; what one funder lacks is never charged to another."""
        left = wish_minor
        for gauge in gauges:
            part, room = self.part(gauge, wish_minor), gauge.room(counts)
            asked.append((gauge, part))
            if part > room:
                left = min(left, self._total(gauge, room))
        return left

    def _total(self, gauge: Gauge, room: int) -> int:
        if gauge.funder is None:
            return room
        return most_for_funder(room, self.parties.index(gauge.funder), self.weights)


def compile_match(document: CampaignDocument) -> MatchFunding | None:
    """None: nobody matches."""
    said, campaign = document.match, document.campaign
    if said is None:
        return None
    gauges = [_gauge(f"{campaign}|match|money", said.budget, None)] if said.budget else []
    gauges += [
        _gauge(f"{campaign}|match|{f.party}|money", f.budget, f.party)
        for f in said.funding
        if f.budget
    ]
    return MatchFunding(
        said.ratio,
        tuple(funder.party for funder in said.funding),
        tuple(common_weights([funder.share for funder in said.funding])),
        tuple(gauges),
    )


def _gauge(counter: Counter, cap: Cap, funder: str | None) -> Gauge:
    assert cap.money is not None, counter
    why = Why.FUNDER_EXHAUSTED if funder else Why.BUDGET_EXHAUSTED
    return Gauge(counter, cap.money, Unit.MONEY, funder, why)


def counted_gauges(matches: Iterable[MatchFunding]) -> tuple[Gauge, ...]:
    """Budgets over all versions that matched, in the order of publication: the newest cap of each, `NO_CAP` for
    what was dropped; a funder that a later version leaves out keeps its budget.
    """
    gauges: dict[Counter, Gauge] = {}
    for match in matches:
        for counter, gauge in gauges.items():
            if gauge.funder is None or gauge.funder in match.parties:
                gauges[counter] = gauge._replace(cap=NO_CAP)
        gauges |= {gauge.counter: gauge for gauge in match.gauges}
    return tuple(gauges.values())


def first_uncounted(before: list[MatchFunding], new: MatchFunding) -> str | None:
    """The place in the document of a budget under which `before`, all published earlier, matched without
    counting; None: there is none.
    """
    known = {gauge.counter for gauge in counted_gauges(before)}
    for gauge in new.gauges:
        if gauge.counter in known:
            continue
        if gauge.funder is None and before:
            return "match.budget"
        if any(gauge.funder in match.parties for match in before):
            return f"match.funding.{new.parties.index(gauge.funder or '')}.budget"
    return None
