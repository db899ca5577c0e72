"""How much of what a campaign would give its limits allow."""

from collections.abc import Mapping
from typing import NamedTuple

from lepta.rules.campaign import Campaign
from lepta.rules.explanation import Why
from lepta.rules.kinds import donated_points
from lepta.rules.limits import Asked, Counter, Gauge, Limits, Unit, most_for_funder, shares
from lepta.rules.matching import Candidate
from lepta.rules.programme import Programme
from lepta.values import value

MAX_GIVEN = 10**14
"""All that campaigns give for one sale stays within it, in points and in minor units, and so do its gifts."""


@value
class Grant:
    """What a campaign gives: all that it would, or with `limit` what is left of it, perhaps nothing."""

    applications: int
    """Whole units, or sets of them, where it gives per unit, else 1."""
    points: int
    money_minor: int
    limit: int = 0
    """The `Why` of the limit that cut it, 0 if none did."""

    def of(self, unit: Unit) -> int:
        """The figure that a counter of this unit counts."""
        return (self.applications, self.points, self.money_minor)[unit]


class _Most(NamedTuple):
    """Upper bounds; None: none."""

    points: int | None
    money_minor: int | None


def grant(
    programme: Programme,
    candidate: Candidate,
    counts: Mapping[Counter, int],
    wish: Grant,
    asked: list[Asked],
) -> Grant:
    """As much of `wish` as all limits allow: whole units where it gives per unit, else in points and money.

    `per_basket` and `max_per_basket` only ever cut; a counter that runs out leaves nothing where the
    campaign says `exhausted: none`. Adds to `asked` what had to fit under its gauges.
    """
    gauges, campaign = candidate.gauges, candidate.campaign
    limits = candidate.track.newest.limits
    cut = within_basket(programme, campaign, limits, wish)
    if not gauges:
        return cut
    asks = [(gauge, amount_in(gauge, campaign, cut)) for gauge in gauges]
    asked += asks
    over = [gauge for gauge, amount in asks if amount > gauge.room(counts)]
    if not over:
        return cut
    if not campaign.giving.partial:
        return Grant(0, 0, 0, over[0].exhausted)
    if campaign.giving.per == "unit":
        return _whole_units(candidate, counts, cut)
    return _rest(programme, candidate, counts, cut)


def whole(
    candidate: Candidate,
    counts: Mapping[Counter, int],
    wish: Grant,
    asked: list[Asked],
) -> Grant:
    """All of `wish`, or nothing and the limit in its way: an offer is made as it is, not by halves.

    Adds to `asked` what had to fit under its gauges.
    """
    campaign = candidate.campaign
    limits = candidate.track.newest.limits
    if limits.of_basket and not _fits_basket(campaign, limits, wish):
        return Grant(0, 0, 0, Why.BASKET_LIMIT)
    asks = [(gauge, amount_in(gauge, campaign, wish)) for gauge in candidate.gauges]
    asked += asks
    for gauge, amount in asks:
        if amount > gauge.room(counts):
            return Grant(0, 0, 0, gauge.exhausted)
    return wish


def within_basket(programme: Programme, campaign: Campaign, limits: Limits, wish: Grant) -> Grant:
    """As much of `wish` as the limits of one basket allow."""
    return _within_basket(programme, campaign, limits, wish) if limits.of_basket else wish


def amount_in(gauge: Gauge, campaign: Campaign, given: Grant) -> int:
    """What `given` adds to the gauge's counter."""
    total = given.of(gauge.unit)
    if gauge.funder is None:
        return total
    if gauge.funder not in campaign.parties:
        return 0
    return shares(total, campaign.weights)[campaign.parties.index(gauge.funder)]


def _fits_basket(campaign: Campaign, limits: Limits, wish: Grant) -> bool:
    """By the sums: a gift that a till took may be any, so its units need not be worth the same."""
    units, most_units = wish.applications, limits.per_basket
    most = (limits.max_points, wish.points), (limits.max_money_minor, wish.money_minor)
    if campaign.giving.per == "unit" and most_units is not None and units > most_units:
        return False
    return all(cap is None or amount <= cap for cap, amount in most)


def _within_basket(programme: Programme, campaign: Campaign, limits: Limits, whole: Grant) -> Grant:
    """The limits of one basket, which nothing runs out of."""
    max_points, max_money_minor = limits.max_points, limits.max_money_minor
    if campaign.giving.per != "unit":
        most = _Most(max_points, max_money_minor)
        return _cut_to(programme, campaign, whole, most, Why.BASKET_LIMIT)
    units = whole.applications if limits.per_basket is None else limits.per_basket
    if max_points is not None and whole.points:
        units = min(units, max_points // (whole.points // whole.applications))
    if max_money_minor is not None and whole.money_minor:
        units = min(units, max_money_minor // (whole.money_minor // whole.applications))
    return _of_units(whole, units, Why.BASKET_LIMIT)


def _each(given: Grant) -> tuple[int, int]:
    """Points and money of one unit; every unit gives the same."""
    return given.points // given.applications, given.money_minor // given.applications


def _of_units(whole: Grant, units: int, why: int) -> Grant:
    if units >= whole.applications:
        return whole
    points, money = _each(whole)
    return Grant(units, points * units, money * units, why)


def _cut_to(programme: Programme, campaign: Campaign, whole: Grant, most: _Most, why: int) -> Grant:
    """No more than `most`; where money follows from points, as many points as their money allows."""
    points = whole.points if most.points is None else min(whole.points, most.points)
    money = whole.money_minor
    if most.money_minor is not None:
        money = min(money, most.money_minor)
    if (points, money) == (whole.points, whole.money_minor):
        return whole
    form = campaign.giving.form
    if form.kind is donated_points.KIND:
        if money < whole.money_minor:
            points = min(points, donated_points.points_for(form.params, programme, money))
        rounding = campaign.giving.rounding
        money = min(money, donated_points.money_of(form.params, programme, points, rounding))
    return Grant(whole.applications if points or money else 0, points, money, why)


def _total_room(campaign: Campaign, gauge: Gauge, room: int) -> int | None:
    """The total of which the gauge's part surely fits into `room`; None: any."""
    if gauge.funder is None:
        return room
    if gauge.funder not in campaign.parties:
        return None
    return most_for_funder(room, campaign.parties.index(gauge.funder), campaign.weights)


def _whole_units(candidate: Candidate, counts: Mapping[Counter, int], wish: Grant) -> Grant:
    each_of = (1, *_each(wish))
    units, why = wish.applications, wish.limit
    for gauge in candidate.gauges:
        each = each_of[gauge.unit]
        room = _total_room(candidate.campaign, gauge, gauge.room(counts))
        if room is not None and each and room // each < units:
            units, why = room // each, gauge.exhausted
    return _of_units(wish, units, why)


def _rest(
    programme: Programme, candidate: Candidate, counts: Mapping[Counter, int], wish: Grant
) -> Grant:
    """As much as the shortest gauge of each unit leaves, whatever order they come in."""
    campaign = candidate.campaign
    least: dict[Unit, tuple[int, int]] = {}
    for gauge in candidate.gauges:
        room = _total_room(campaign, gauge, gauge.room(counts))
        if room is not None and room < least.get(gauge.unit, (wish.of(gauge.unit), 0))[0]:
            least[gauge.unit] = (room, gauge.exhausted)
    if Unit.APPLICATIONS in least:
        return Grant(0, 0, 0, least[Unit.APPLICATIONS][1])
    points, money = least.get(Unit.POINTS), least.get(Unit.MONEY)
    short = money or points
    assert short, candidate.campaign.id
    most = _Most(points and points[0], money and money[0])
    return _cut_to(programme, campaign, wish, most, short[1])
