"""How much of what a campaign would give its limits allow."""

from collections.abc import Mapping
from typing import NamedTuple

from lepta.rules.campaign import Campaign
from lepta.rules.explanation import Why
from lepta.rules.kinds import donated_points
from lepta.rules.limits import Counter, Gauge, Unit, most_for_funder, shares
from lepta.rules.matching import Candidate
from lepta.rules.programme import Programme

MAX_GIVEN = 10**14
"""All that campaigns give for one sale stays within it, in points and in minor units, and so do its gifts."""


class Wish(NamedTuple):
    """What the campaign would give without limits."""

    applications: int
    """Whole units where it gives per unit, else 1."""
    points: int
    money_minor: int


class Grant(NamedTuple):
    """What it gives: a wish that fits, or with `limit` what is left of it, perhaps nothing."""

    applications: int
    points: int
    money_minor: int
    limit: int
    """The `Why` of the limit that cut it, 0 if none did."""


class _Most(NamedTuple):
    """Upper bounds; None: none."""

    points: int | None
    money_minor: int | None


def grant(
    programme: Programme, candidate: Candidate, counts: Mapping[Counter, int], wish: Wish
) -> Grant:
    """As much of `wish` as all limits allow: whole units where it gives per unit, else in points and money.

    `per_basket` and `max_per_basket` only ever cut; a counter that runs out leaves nothing where the
    campaign says `exhausted: none`.
    """
    cut = _within_basket(programme, candidate, wish)
    gauges, campaign = candidate.gauges, candidate.campaign
    over = [g for g in gauges if amount_in(g, campaign, cut) > g.room(counts)] if gauges else None
    if not over:
        return cut
    if not campaign.giving.partial:
        return Grant(0, 0, 0, over[0].exhausted)
    if campaign.giving.per == "unit":
        return _whole_units(candidate, counts, cut)
    return _rest(programme, candidate, counts, cut)


def amount_in(gauge: Gauge, campaign: Campaign, given: Wish | Grant) -> int:
    """What `given` adds to the gauge's counter."""
    if gauge.unit is Unit.APPLICATIONS:
        return given.applications
    total = given.points if gauge.unit is Unit.POINTS else given.money_minor
    if gauge.funder is None:
        return total
    if gauge.funder not in campaign.parties:
        return 0
    return shares(total, campaign.weights)[campaign.parties.index(gauge.funder)]


def _within_basket(programme: Programme, candidate: Candidate, wish: Wish) -> Grant:
    """The limits of one basket, which nothing runs out of."""
    limits = candidate.track.newest.limits
    whole = Grant(*wish, 0)
    most = _Most(limits.max_points, limits.max_money_minor)
    if limits.per_basket is None and most == (None, None):
        return whole
    campaign = candidate.campaign
    if campaign.giving.per != "unit":
        return _cut_to(programme, campaign, whole, most, Why.BASKET_LIMIT)
    units = wish.applications if limits.per_basket is None else limits.per_basket
    for bound, each in zip(most, _each(whole), strict=True):
        if bound is not None and each:
            units = min(units, bound // each)
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
    campaign, left = candidate.campaign, wish
    for gauge in candidate.gauges:
        room = _total_room(campaign, gauge, gauge.room(counts))
        if room is None:
            continue
        if gauge.unit is Unit.APPLICATIONS:
            if room < left.applications:
                return Grant(0, 0, 0, gauge.exhausted)
            continue
        most = _Most(room, None) if gauge.unit is Unit.POINTS else _Most(None, room)
        left = _cut_to(programme, campaign, left, most, gauge.exhausted)
    return left
