"""The first phase: which campaigns a sale is about, and which counters have to be known to evaluate them."""

from collections.abc import Sequence
from dataclasses import replace
from operator import attrgetter

from lepta.rules import measure
from lepta.rules.campaign import Campaign, Goods, Key
from lepta.rules.counted import NOTHING, lowered
from lepta.rules.explanation import Reason, Why
from lepta.rules.facts import Facts
from lepta.rules.limits import (
    NO_CAP,
    Counter,
    Gauge,
    Unit,
    card_counter,
    card_day_counter,
    welcome_counter,
)
from lepta.rules.programme import Programme
from lepta.rules.rulebook import Rulebook, second
from lepta.rules.track import Track
from lepta.rules.visits import Visit, once, visit_of
from lepta.rules.watch import Watched, watched_of
from lepta.values import value

_YEARS = range(1900, 9000)
"""Outside of these a clock is broken beyond what calendars can do: nothing is in force."""

UNKNOWN_CHOICE = ("unknown-choice",)
_order = attrgetter("key")
"""Candidates are evaluated in the order of their campaigns' keys."""


@value
class Candidate:
    """A campaign in force with matching lines."""

    key: Key
    track: Track
    campaign: Campaign
    positions: Sequence[int]
    """Of the matching lines in `facts.lines`, rising."""
    obstacle: int
    """A `Why` if it cannot give anything here, else 0."""
    gauges: tuple[Gauge, ...]

    def about(self, positions: Sequence[int]) -> "Candidate":
        """The same about fewer lines."""
        return Candidate(self.key, self.track, self.campaign, positions, self.obstacle, self.gauges)


@value
class Matched:
    """What `match` found, in order of evaluation. `counters` are to be loaded for `evaluate`."""

    facts: Facts
    programme: Programme | None
    """The store's, in the version in force; None: it was never published."""
    candidates: tuple[Candidate, ...]
    closed: tuple[Reason, ...]
    """Campaigns of the place that are not in their schedule and were not looked at."""
    counters: tuple[Counter, ...]
    flags: tuple[str, ...]
    visited: int
    """How many campaigns were looked at."""
    visit: Visit | None = None
    """None: visits are not counted in the programme, or there is no card."""
    asks_past: bool = False
    """Whether a candidate asks for `Past`: the sale cannot be judged before its turn."""
    watch: Watched | None = None
    """None: the programme watches nothing, or there is no card."""

    @property
    def spends_points(self) -> bool:
        """Whether the shopper accepted to give points away."""
        if not self.asks_past:
            return False
        accepted = {gift.campaign for gift in self.facts.gifts if gift.accepted}
        return any(c.campaign.takes_points and c.campaign.id in accepted for c in self.candidates)


def match(rulebook: Rulebook, facts: Facts) -> Matched:
    """Campaigns of the store's programme in force at `facts.at` that the basket touches.

    Needs `facts.at` in the store's own zone (a `ZoneInfo`), so that windows know of changes of the clock.
    """
    flags = () if facts.choice is None else _choice_flags(rulebook, facts, *facts.choice)
    if not rulebook.has_programme(facts.store.programme):
        return Matched(facts, None, (), (), (), flags, 0)
    at_s, today = second(facts.at), facts.at.toordinal()
    programme = rulebook.programme_at(facts.store.programme, at_s)
    if facts.at.year not in _YEARS:
        return Matched(facts, programme, (), (), (), flags, 0)
    goods = [n for n, line in enumerate(facts.lines) if line.is_goods]
    hits, hour = rulebook.index(programme.id).touched(facts, goods)
    same_currency = programme.currency == facts.currency
    candidates, asks_past = [], False
    for track, found in hits.items():
        campaign = track.at(at_s)
        if campaign is None or campaign.programme != programme.id:
            continue
        if not campaign.first_day <= today < campaign.end_day:
            continue
        positions = _covered(campaign, facts, goods, found)
        if positions:
            obstacle = _obstacle(campaign, facts) if same_currency else Why.OTHER_CURRENCY
            uncounted = obstacle or _is_uncounted(track, campaign)
            if campaign.by_tier and not obstacle:
                campaign = _of_tier(campaign, facts)
            gauges = () if uncounted else _gauges(track, campaign, facts)
            if campaign.asks_past and not obstacle:
                asks_past = True
            candidates.append(Candidate(campaign.key, track, campaign, positions, obstacle, gauges))
    candidates.sort(key=_order)
    visit, watch, of_card = _of_card(rulebook, programme, facts, at_s)
    counters = _counters(candidates) + of_card
    closed = hour.closed and _in_force(rulebook, facts, hour.closed, at_s)
    ordered = tuple(candidates)
    return Matched(
        facts, programme, ordered, closed, counters, flags, len(hits), visit, asks_past, watch
    )  # fmt: skip


def _of_card(
    rulebook: Rulebook, programme: Programme, facts: Facts, at_s: int
) -> tuple[Visit | None, Watched | None, tuple[Counter, ...]]:
    """The sale's visit, and how it is watched, with the counters of both."""
    visit = visit_of(facts) if rulebook.counts_visits(programme.id) else None
    watch = None if programme.watch is None else _watched(programme, facts, at_s)
    counters = () if visit is None else (visit.total, visit.begun.counter)
    return visit, watch, counters if watch is None else counters + watch.counters


def _watched(programme: Programme, facts: Facts, at_s: int) -> Watched | None:
    store, shopper = facts.store, facts.shopper
    if programme.watch is None or shopper is None:
        return None
    return watched_of(
        programme.watch, programme.id, shopper.ref, facts.business_day, at_s,
        store.location, store.region, shopper.active_minutes,
    )  # fmt: skip


def capped(matched: Matched, newest: Rulebook) -> Matched:
    """The same, found in an earlier rulebook, under limits that `newest` has lowered since: what it gives still fits
    under every cap that is in force now, and is never more than it was then.
    """
    return Matched(
        matched.facts, matched.programme,
        tuple([_capped(candidate, newest, matched.facts) for candidate in matched.candidates]),
        matched.closed, matched.counters, matched.flags, matched.visited, matched.visit, matched.asks_past,
        matched.watch,
    )  # fmt: skip


def _capped(candidate: Candidate, newest: Rulebook, facts: Facts) -> Candidate:
    track, newer = candidate.track, newest.track(candidate.track.id)
    if newer is None or newer.counted is track.counted:
        return candidate
    track = replace(track, counted=lowered(track.counted, newer.counted))
    gauges = candidate.gauges and _gauges(track, candidate.campaign, facts)
    return Candidate(
        candidate.key, track, candidate.campaign, candidate.positions, candidate.obstacle, gauges
    )


def flagged(matched: Matched) -> Matched:
    """The same; where a beneficiary chosen at a kiosk is none any more, the till is to say so: the default gets it."""
    chosen = dict(matched.facts.chosen)
    gone = any(
        chosen[c.campaign.id] not in c.campaign.target.choice
        for c in matched.candidates
        if c.campaign.id in chosen
    )
    if matched.flags or not gone:
        return matched
    return replace(matched, flags=UNKNOWN_CHOICE)


def alone(rulebook: Rulebook, campaign_id: str, facts: Facts) -> Matched:
    """A campaign by itself, where nothing is bought. No candidate: it is not in force, or needs a purchase.

    The programme of `facts` must have been published, and they have no lines.
    """
    at_s, today = second(facts.at), facts.at.toordinal()
    programme, track = (
        rulebook.programme_at(facts.store.programme, at_s),
        rulebook.track(campaign_id),
    )
    campaign = None if track is None else track.at(at_s)
    if (
        track is None
        or campaign is None
        or campaign.programme != programme.id
        or not campaign.first_day <= today < campaign.end_day
        or campaign.needs_purchase
    ):
        return Matched(facts, programme, (), (), (), (), 0)
    other_currency = Why.OTHER_CURRENCY if programme.currency != facts.currency else 0
    obstacle = other_currency or _obstacle(campaign, facts)
    gauges = () if obstacle else _gauges(track, campaign, facts)
    candidate = Candidate(campaign.key, track, campaign, (), obstacle, gauges)
    return Matched(facts, programme, (candidate,), (), _counters([candidate]), (), 1)


def _in_force(
    rulebook: Rulebook, facts: Facts, closed: Sequence[Reason], at_s: int
) -> tuple[Reason, ...]:
    """Without those that are paused or were replaced: what a place has is looked up by the hour, whatever the zone."""
    today, programme, kept = facts.at.toordinal(), facts.store.programme, []
    for reason in closed:
        campaign = rulebook.track_of(reason.campaign).at(at_s)
        if (
            campaign is not None
            and campaign.programme == programme
            and campaign.first_day <= today < campaign.end_day
            and campaign.where.holds(facts.store)
        ):
            kept.append(reason)
    return tuple(kept)


def _covered(
    campaign: Campaign, facts: Facts, goods: Sequence[int], found: Sequence[int]
) -> Sequence[int]:
    """Positions of the matching lines; `found` holds them all unless the campaign is about all goods."""
    about = campaign.goods
    if not about.all_goods:
        goods = found
    elif not about.excludes:
        return goods
    lines = facts.lines
    if len(goods) == 1:
        return goods if about.covers(lines[goods[0]]) else ()
    return [n for n in goods if about.covers(lines[n])]


def _obstacle(campaign: Campaign, facts: Facts) -> int:
    if not campaign.where.everywhere and not campaign.where.holds(facts.store):
        return Why.OTHER_STORE
    if campaign.windows and not campaign.is_open(facts):
        return Why.NOT_IN_SCHEDULE
    shopper = facts.shopper
    if campaign.needs_card and shopper is None:
        return Why.NEEDS_CARD
    if campaign.goods.beside is not None and not _holds(facts, campaign.goods.beside):
        return Why.OTHER_GOODS_MISSING
    audience = campaign.audience
    return 0 if audience is None or shopper is None else audience.obstacle(campaign.id, shopper)


def _of_tier(campaign: Campaign, facts: Facts) -> Campaign:
    """As the shopper's tier has it: one that earns nothing is an obstacle."""
    assert facts.shopper is not None, campaign.id
    assert facts.shopper.tier is not None, campaign.id
    return campaign.by_tier[facts.shopper.tier]


def _holds(facts: Facts, goods: Goods) -> bool:
    """Whether some SKU of `goods` costs something: what was taken back is not in the basket."""
    lines = facts.lines
    positions = [n for n, line in enumerate(lines) if line.is_goods and goods.covers(line)]
    amounts = [line.amount_minor for line in lines]
    return bool(positions) and bool(measure.amounts(lines, positions, amounts))


def _is_uncounted(track: Track, campaign: Campaign) -> bool:
    of_visit = campaign.giving.per == "visit"
    return track.counted is NOTHING and not of_visit and campaign.occasion is None


def _gauges(track: Track, campaign: Campaign, facts: Facts) -> tuple[Gauge, ...]:
    """Its hard caps and, where there is a card, those of the card: limits per card don't bind anonymous sales."""
    (per_card_day, per_card, shared, _), shopper = track.counted, facts.shopper
    of_visit, occasion = campaign.giving.per == "visit", campaign.occasion
    if shopper is None or (
        per_card is None and per_card_day is None and not of_visit and occasion is None
    ):
        return shared
    own = [once(track.id, facts)] if of_visit else []
    if occasion is not None and occasion.is_welcome:
        counter = welcome_counter(track.id, shopper.ref)
        own.append(Gauge(counter, NO_CAP, Unit.APPLICATIONS, None, Why.CARD_LIMIT))
    if per_card_day is not None:
        counter = card_day_counter(track.id, shopper.ref, facts.business_day)
        own.append(Gauge(counter, per_card_day, Unit.APPLICATIONS, None, Why.CARD_DAY_LIMIT))
    if per_card is not None:
        counter = card_counter(track.id, shopper.ref)
        own.append(Gauge(counter, per_card, Unit.APPLICATIONS, None, Why.CARD_LIMIT))
    return (*own, *shared)


def _counters(candidates: Sequence[Candidate]) -> tuple[Counter, ...]:
    counters = [gauge.counter for c in candidates for gauge in c.gauges]
    for candidate in candidates:
        if candidate.campaign.match is not None and not candidate.obstacle:
            counters += [gauge.counter for gauge in candidate.track.counted.match]
    return tuple(counters)


def _choice_flags(
    rulebook: Rulebook, facts: Facts, campaign_id: str, beneficiary: str
) -> tuple[str, ...]:
    """What the shopper chose that there is not: a campaign, or one of its beneficiaries."""
    campaign = rulebook.campaign_at(campaign_id, facts.at) or rulebook.campaign(campaign_id)
    if campaign is None or campaign.programme != facts.store.programme:
        return ("unknown-campaign",)
    return () if beneficiary in campaign.target.choice else UNKNOWN_CHOICE
