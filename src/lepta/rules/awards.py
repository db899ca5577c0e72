"""One candidate on its own: what it gives for the sale as effect, consumption and reason, or why nothing."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from lepta.rules import measure
from lepta.rules.campaign import Campaign
from lepta.rules.effects import Donate, Earn, Effect, FunderShare
from lepta.rules.explanation import Why
from lepta.rules.facts import Facts
from lepta.rules.granting import MAX_GIVEN, Grant, Wish, amount_in, grant
from lepta.rules.kind import Measure
from lepta.rules.kinds import ladder
from lepta.rules.limits import Counter, shares
from lepta.rules.matching import Candidate
from lepta.rules.programme import Programme


class Sale(NamedTuple):
    """What candidates are evaluated on."""

    facts: Facts
    programme: Programme
    gross: Sequence[int]
    """Amounts of the lines before redemption, and after it."""
    net: Sequence[int]
    due_minor: int
    counts: Mapping[Counter, int]
    base_points: list[int]
    """By line: what group `base` gave. Filled when that group is through."""


class Award(NamedTuple):
    """A campaign that fires."""

    effect: Effect
    consumed: tuple[tuple[Counter, int], ...]
    code: int
    argument: int
    worth: int
    """To the shopper, comparable within a programme: points at `point_value`, money as it is."""


class Refusal(NamedTuple):
    """A campaign that does not."""

    code: int
    argument: int = 0


class _Sized(NamedTuple):
    """What a candidate would give, and by which weights its SKUs share in it."""

    wish: Wish
    by_sku: Mapping[str, int]
    code: int
    argument: int


def award(sale: Sale, candidate: Candidate) -> Award | Refusal:
    """What the candidate gives within its limits. Nothing else of the sale is changed by asking."""
    campaign, positions = candidate.campaign, candidate.positions
    minor = sale.gross if campaign.giving.gross else sale.net
    amount = max(sum([minor[n] for n in positions]), 0)
    sized = _below(sale, campaign, positions, amount) or _sized(
        sale, campaign, positions, minor, amount
    )
    if isinstance(sized, Refusal):
        return sized
    if sized.wish.points > MAX_GIVEN or sized.wish.money_minor > MAX_GIVEN:
        return Refusal(Why.TOO_LARGE)
    given = grant(sale.programme, candidate, sale.counts, sized.wish)
    if given.points == 0 and given.money_minor == 0:
        return Refusal(given.limit or Why.NOTHING_TO_GIVE)
    if campaign.kind == "bonus":
        return _earned(sale, candidate, sized, given, minor)
    return _donated(sale, candidate, sized, given)


def _below(sale: Sale, campaign: Campaign, positions: Sequence[int], amount: int) -> Refusal | None:
    least_micro = campaign.goods.min_quantity_micro
    if least_micro and measure.quantity(sale.facts.lines, positions) < least_micro:
        return Refusal(Why.BELOW_MIN_QUANTITY)
    if amount < campaign.goods.min_amount_minor:
        return Refusal(Why.BELOW_MIN_AMOUNT, amount)
    return None


def _sized(
    sale: Sale, campaign: Campaign, positions: Sequence[int], minor: Sequence[int], amount: int
) -> _Sized | Refusal:
    giving = campaign.giving
    kind, params = giving.form
    if giving.per == "unit":
        units = measure.units(sale.facts.lines, positions)
        count = sum(units.values())
        if count == 0:
            return Refusal(Why.NO_WHOLE_UNIT)
        each = kind.gives(params, sale.programme, amount, giving.rounding)
        wish = Wish(count, each.points * count, each.money_minor * count)
        return _Sized(wish, units, Why.UNITS, count)
    if giving.per == "line":
        return _by_product(sale, campaign, positions, minor, amount)
    if kind.measure is Measure.BASE_POINTS:
        minor, amount = sale.base_points, sum([sale.base_points[n] for n in positions])
    if amount == 0:
        return Refusal(
            Why.NO_BASE_POINTS if kind.measure is Measure.BASE_POINTS else Why.NOTHING_TO_GIVE
        )
    value = kind.gives(params, sale.programme, amount, giving.rounding)
    by_sku = measure.amounts(sale.facts.lines, positions, minor) if campaign.kind == "bonus" else {}
    code = Why.BASE_POINTS if kind.measure is Measure.BASE_POINTS else Why.AMOUNT
    return _Sized(Wish(1, value.points, value.money_minor), by_sku, code, amount)


def _by_product(
    sale: Sale, campaign: Campaign, positions: Sequence[int], minor: Sequence[int], amount: int
) -> _Sized | Refusal:
    """Once per SKU: a fixed gift counts those that cost something, a rate is rounded for each."""
    giving, lines = campaign.giving, sale.facts.lines
    kind, params = giving.form
    if kind.measure is Measure.COUNT or kind is ladder.KIND:
        by_sku = dict.fromkeys(measure.amounts(lines, positions, sale.gross), 1)
        each = kind.gives(params, sale.programme, amount, giving.rounding)
        values = [each] * len(by_sku)
    else:
        by_sku = measure.amounts(lines, positions, minor)
        values = [
            kind.gives(params, sale.programme, part, giving.rounding) for part in by_sku.values()
        ]
    if not by_sku:
        return Refusal(Why.NOTHING_TO_GIVE)
    wish = Wish(1, sum([v.points for v in values]), sum([v.money_minor for v in values]))
    return _Sized(wish, by_sku, Why.PRODUCTS, len(by_sku))


def _earned(
    sale: Sale, candidate: Candidate, sized: _Sized, given: Grant, minor: Sequence[int]
) -> Award:
    campaign, positions = candidate.campaign, candidate.positions
    if sized.code == Why.UNITS or sized.code == Why.PRODUCTS:  # noqa: PLR1714 - quicker than a set
        minor = sale.gross
    elif sized.code == Why.BASE_POINTS:
        minor = sale.base_points
    pending_days, expire_after = campaign.giving.lot(sale.programme)
    effect = Earn(
        campaign.id,
        given.points,
        funders_of(campaign, sale.facts.store.retailer, given.points, 0),
        measure.over_lines(given.points, sized.by_sku, sale.facts.lines, positions, minor),
        given.applications,
        pending_days,
        expire_after,
    )
    return _award(sale, candidate, sized, given, effect)


def _donated(sale: Sale, candidate: Candidate, sized: _Sized, given: Grant) -> Award | Refusal:
    campaign, facts = candidate.campaign, sale.facts
    fund = campaign.target.of(campaign.id, facts.choice)
    if fund is None:
        return Refusal(Why.NO_CHOICE)
    lines, by_sku = facts.lines, sized.by_sku
    effect = Donate(
        campaign.id,
        fund,
        given.points,
        given.money_minor,
        funders_of(campaign, facts.store.retailer, given.points, given.money_minor),
        0,
        0,
        tuple(
            [
                n
                for n in candidate.positions
                if (lines[n].sku in by_sku if by_sku else lines[n].amount_minor > 0)
            ]
        ),
        given.applications,
    )
    return _award(sale, candidate, sized, given, effect)


def _award(sale: Sale, candidate: Candidate, sized: _Sized, given: Grant, effect: Effect) -> Award:
    argument = given.applications if sized.code == Why.UNITS else sized.argument
    value = sale.programme.point_value
    worth = (
        given.points * value.numerator if given.points else given.money_minor * value.denominator
    )
    code = sized.code + 1 if given.limit else sized.code
    return Award(effect, consumed(candidate, given), code, argument, worth)


def consumed(candidate: Candidate, given: Wish | Grant) -> tuple[tuple[Counter, int], ...]:
    """What `given` adds to the candidate's counters."""
    used = [(g.counter, amount_in(g, candidate.campaign, given)) for g in candidate.gauges]
    return tuple([use for use in used if use[1]])


def funders_of(
    campaign: Campaign, retailer: str, points: int, money_minor: int
) -> tuple[FunderShare, ...]:
    """Who bears what; a campaign without funders is the store's retailer's."""
    parties = campaign.parties
    if len(parties) < 2:
        return (FunderShare(parties[0] if parties else retailer, points, money_minor),)
    by_points, by_money = shares(points, campaign.weights), shares(money_minor, campaign.weights)
    return tuple(map(FunderShare, parties, by_points, by_money))
