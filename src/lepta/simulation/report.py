"""What a back-test found: a document for machines, and the values that tables for people are made of."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from lepta.money import Ratio
from lepta.rules.campaign import Campaign
from lepta.rules.explanation import Why, fired
from lepta.rules.limits import NO_CAP, Gauge, Unit
from lepta.rules.track import Track
from lepta.simulation.plan import Plan, Span, final
from lepta.simulation.sift import Settled
from lepta.simulation.tally import Draft, Figures, Tally

Json = dict[str, Any]
MOST_PRODUCTS = 1_000
"""Products that a report names, those with the most receipts first."""
_NO_VALUE = Ratio(0, 1)
"""Nobody redeems points of a fund: those who give them pay the money behind them, which is counted as such."""


@dataclass(frozen=True, slots=True)
class Report:
    """`document` is the published one; the rest is about the run."""

    document: Json
    events: int
    seconds: float


def report(plan: Plan, settled: Settled, *, events: int, seconds: float) -> Report:
    """The report on settled receipts."""
    rulebook, tally = final(plan), settled.tally
    campaigns = []
    for name in plan.drafts:
        track = rulebook.track(name)
        assert track is not None, name
        programme = rulebook.programmes[track.newest.programme]
        earns = track.newest.kind == "bonus"
        told = _draft(tally.drafts[name], programme.point_value if earns else _NO_VALUE)
        told["limits"] = [
            _limit(plan.span, track, gauge, settled)
            for gauge in track.counted.gauges + track.counted.match
            if gauge.cap < NO_CAP
        ]
        if name in plan.replaced:
            told["replaces"] = _figures(tally.booked.get(name, Figures()))
        campaigns.append(
            {"campaign": name, "kind": track.newest.kind, "currency": programme.currency, **told}
        )
    document = {
        "from": plan.span.first.isoformat(),
        "to": plan.span.last.isoformat(),
        "receipts": {
            "looked_at": tally.looked_at.total(), "touched": tally.touched, "unknown": tally.unknown,
        },
        "members": len(tally.members),
        "campaigns": campaigns,
        "days": list(_days(tally)),
        "others": list(_others(plan, tally)),
    }  # fmt: skip
    return Report(document, events, seconds)


def _draft(draft: Draft, value: Ratio) -> Json:
    """`value` is what a point costs whoever issues it, in minor units."""
    own = draft.from_shopper
    by_receipts = sorted(draft.products.items(), key=lambda row: (-row[1].receipts, row[0]))
    return {
        **_figures(draft.total),
        "members": len(draft.members),
        "applications": draft.applications,
        "from_shopper": {"points": own.points, "money": own.money},
        "cost": _cost(draft.total, value) - _cost(own, value),
        "funders": [
            {"party": party, "points": f.points, "money": f.money, "cost": _cost(f, value)}
            for party, f in sorted(draft.funders.items())
        ],
        "funds": [
            {"fund": fund, **_figures(f)} for fund, f in sorted(draft.funds.items())
        ],
        "offers": {"receipts": draft.offered.receipts, "money": draft.offered.money},
        "why": [
            {"code": Why(code).name.lower().replace("_", "-"), "fired": fired(code), "receipts": n}
            for code, n in sorted(draft.reasons.items())
        ],
        "products": [{"sku": sku, **_figures(f)} for sku, f in by_receipts[:MOST_PRODUCTS]],
        "days": [{"day": day, **_figures(f)} for day, f in sorted(draft.days.items())],
    }  # fmt: skip


def _figures(figures: Figures) -> Json:
    return {"receipts": figures.receipts, "points": figures.points, "money": figures.money}


def _cost(figures: Figures, point_value: Ratio) -> int:
    """Minor units: money, and points at what they cost, rounded down once."""
    return figures.money + figures.points * point_value.numerator // point_value.denominator


def _limit(span: Span, track: Track, gauge: Gauge, settled: Settled) -> Json:
    """What is used of a hard limit, and for how many days the rest lasts if days go on like these."""
    used = settled.counts.get(gauge.counter, 0)
    left = max(gauge.cap - used, 0)
    days = _active_days(span, track.newest)
    return {
        "limit": gauge.counter.split("|")[1],
        "party": gauge.funder,
        "of": Unit(gauge.unit).name.lower(),
        "cap": gauge.cap,
        "used": used,
        "left": left,
        "days_left": left * days // used if used else None,
        "exhausted_on": settled.full.get(gauge.counter),
    }


def _active_days(span: Span, campaign: Campaign) -> int:
    """Days of the span on which the campaign is active."""
    first = max(span.first.toordinal(), campaign.first_day)
    return max(min(span.last.toordinal() + 1, campaign.end_day) - first, 0)


def _days(tally: Tally) -> Iterator[Json]:
    """Receipts of each day that has any, whether a draft touched them or not."""
    for day, receipts in sorted(tally.looked_at.items()):
        yield {"day": day, "receipts": receipts}


def _others(plan: Plan, tally: Tally) -> Iterator[Json]:
    """How much more (less: below 0) published campaigns give, where that changes."""
    for name in sorted(plan.rivals):
        now, booked = tally.now.get(name, Figures()), tally.booked.get(name, Figures())
        points, money = now.points - booked.points, now.money - booked.money
        if points or money or now.receipts != booked.receipts:
            receipts = now.receipts - booked.receipts
            yield {"campaign": name, "receipts": receipts, "points": points, "money": money}
