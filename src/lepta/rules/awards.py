"""One candidate on its own: what it gives for the sale as effect, consumption and reason, or why nothing."""

from collections.abc import Mapping, Sequence

from lepta.rules import measure
from lepta.rules.campaign import Campaign, Goods
from lepta.rules.effects import Donate, Earn, Effect, FunderShare
from lepta.rules.explanation import Why
from lepta.rules.facts import Facts, Past
from lepta.rules.granting import MAX_GIVEN, Grant, amount_in, grant
from lepta.rules.kind import Measure
from lepta.rules.kinds import ladder
from lepta.rules.limits import Asked, Counter, shares
from lepta.rules.matching import Candidate
from lepta.rules.programme import Programme
from lepta.values import value


@value
class Sale:
    """What candidates are evaluated on."""

    facts: Facts
    programme: Programme
    gross: Sequence[int]
    """Amounts of the lines before redemption, and after it."""
    net: Sequence[int]
    due_minor: int
    counts: Mapping[Counter, int]
    asked: list[Asked]
    """Of every gauge that was looked at: how much had to fit."""
    base: list[Effect]
    """What group `base` gave, as soon as it is through."""
    past: Past


@value
class Award:
    """A campaign that fires."""

    effect: Effect
    consumed: tuple[tuple[Counter, int], ...]
    code: int
    argument: int
    worth: int
    """To the shopper, comparable within a programme: points at `point_value`, money as it is. Only campaigns whose
    mode is `best` are compared; what others have here means nothing.
    """


@value
class Refusal:
    """A campaign that does not."""

    code: int
    argument: int = 0


Sized = tuple[Grant, Mapping[str, int], Sequence[int], int]
"""What a candidate would give, by which weights its SKUs and their lines share in it, and the reason's argument."""


def award(sale: Sale, candidate: Candidate) -> Award | Refusal:
    """What the candidate gives within its limits. Nothing else of the sale is changed by asking."""
    sized = wished(sale, candidate.campaign, candidate.positions)
    if isinstance(sized, Refusal):
        return sized
    campaign, giving = candidate.campaign, candidate.campaign.giving
    wish, by_sku, by_line, argument = sized
    if wish.points > MAX_GIVEN or wish.money_minor > MAX_GIVEN:
        return Refusal(Why.TOO_LARGE)
    given = wish
    if candidate.gauges or candidate.track.newest.limits.of_basket:
        given = grant(sale.programme, candidate, sale.counts, wish, sale.asked)
    if given.points == 0 and given.money_minor == 0:
        return Refusal(given.limit or Why.NOTHING_TO_GIVE)
    effect: Effect | Refusal
    if campaign.kind == "bonus":
        effect = _earned(sale, candidate, given, by_sku, by_line)
    else:
        effect = _donated(sale, candidate, given, by_sku)
    if isinstance(effect, Refusal):
        return effect
    code = giving.code + 1 if given.limit else giving.code
    uses = consumed(candidate, given) if candidate.gauges else ()
    worth = _worth(sale.programme, given) if campaign.mode == "best" else 0
    if giving.per == "unit":
        argument = given.applications * giving.set_of
    return Award(effect, uses, code, argument, worth)


def wished(sale: Sale, campaign: Campaign, positions: Sequence[int]) -> Sized | Refusal:
    """What the campaign would give for the lines at these positions if nothing limited it."""
    goods, giving = campaign.goods, campaign.giving
    minor = sale.gross if giving.gross else sale.net
    amount = measure.total(minor, positions)
    if goods.min_quantity_micro or goods.min_amount_minor:
        below = _below(sale, goods, positions, amount)
        if below:
            return below
    return _SIZED_BY[giving.code](sale, campaign, positions, minor, amount)


def _below(sale: Sale, goods: Goods, positions: Sequence[int], amount: int) -> Refusal | None:
    least_micro = goods.min_quantity_micro
    if least_micro and measure.quantity(sale.facts.lines, positions) < least_micro:
        return Refusal(Why.BELOW_MIN_QUANTITY)
    if amount < goods.min_amount_minor:
        return Refusal(Why.BELOW_MIN_AMOUNT, amount)
    return None


def _by_unit(
    sale: Sale, campaign: Campaign, positions: Sequence[int], _minor: Sequence[int], amount: int
) -> Sized | Refusal:
    giving = campaign.giving
    units = measure.units(sale.facts.lines, positions)
    if not units:
        return Refusal(Why.NO_WHOLE_UNIT)
    count = sum(units.values()) // giving.set_of
    if not count:
        return Refusal(Why.NO_WHOLE_SET)
    kind, params = giving.form
    points, money_minor = kind.gives(params, sale.programme, amount, giving.rounding)
    return Grant(count, points * count, money_minor * count), units, sale.gross, count


def _by_product(
    sale: Sale, campaign: Campaign, positions: Sequence[int], minor: Sequence[int], amount: int
) -> Sized | Refusal:
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
    points, money_minor = map(sum, zip(*values, strict=True))
    # What each SKU was given is its own already: lines share in that, not in the sum by their amounts.
    given = {sku: each + money for sku, (each, money) in zip(by_sku, values, strict=True)}
    return Grant(1, points, money_minor), given, sale.gross, len(by_sku)


def _by_amount(
    sale: Sale, campaign: Campaign, positions: Sequence[int], minor: Sequence[int], amount: int
) -> Sized | Refusal:
    if amount == 0:
        return Refusal(Why.NOTHING_TO_GIVE)
    return _once(sale, campaign, positions, minor, amount)


def _by_base_points(
    sale: Sale, campaign: Campaign, positions: Sequence[int], _minor: Sequence[int], _amount: int
) -> Sized | Refusal:
    base_points = [0] * len(sale.gross)
    for effect in sale.base:
        if isinstance(effect, Earn):
            for position, points in effect.by_line:
                base_points[position] += points
    amount = sum([base_points[n] for n in positions])
    if amount == 0:
        return Refusal(Why.NO_BASE_POINTS)
    return _once(sale, campaign, positions, base_points, amount)


def _once(
    sale: Sale, campaign: Campaign, positions: Sequence[int], measured: Sequence[int], amount: int
) -> Sized:
    """One gift for all matching lines; those of a bonus share in it by what was `measured`."""
    kind, params = campaign.giving.form
    points, money_minor = kind.gives(params, sale.programme, amount, campaign.giving.rounding)
    has_parts = campaign.kind == "bonus" and len(positions) > 1
    by_sku = measure.amounts(sale.facts.lines, positions, measured) if has_parts else {}
    return Grant(1, points, money_minor), by_sku, measured, amount


_SIZED_BY = {
    int(Why.UNITS): _by_unit,
    int(Why.PRODUCTS): _by_product,
    int(Why.AMOUNT): _by_amount,
    int(Why.BASE_POINTS): _by_base_points,
}


def _earned(
    sale: Sale,
    candidate: Candidate,
    given: Grant,
    by_sku: Mapping[str, int],
    by_line: Sequence[int],
) -> Earn:
    campaign, positions, facts = candidate.campaign, candidate.positions, sale.facts
    pending_days, expire_after = campaign.giving.lot(sale.programme)
    return Earn(
        campaign.id,
        given.points,
        funders_of(campaign, facts.store.retailer, given.points, 0),
        measure.over_lines(given.points, by_sku, facts.lines, positions, by_line),
        given.applications,
        pending_days,
        expire_after,
        campaign.returns == "keep",
        campaign.judged_again,
    )


def _donated(
    sale: Sale, candidate: Candidate, given: Grant, by_sku: Mapping[str, int]
) -> Donate | Refusal:
    campaign, facts = candidate.campaign, sale.facts
    fund = fund_of(campaign, facts)
    if isinstance(fund, Refusal):
        return fund
    return Donate(
        campaign.id,
        fund,
        given.points,
        given.money_minor,
        funders_of(campaign, facts.store.retailer, given.points, given.money_minor),
        0,
        0,
        measure.over_counted(
            given.points or given.money_minor, by_sku, facts.lines, candidate.positions, sale.gross
        ),
        given.applications,
        campaign.returns == "keep",
        again=campaign.judged_again,
    )


def fund_of(campaign: Campaign, facts: Facts) -> str | Refusal:
    """Who gets a donation: the fallback where the one it is for is closed; nobody where nobody was chosen."""
    target = campaign.target
    fund = target.of(campaign.id, facts)
    if fund is None:
        return Refusal(Why.NO_CHOICE)
    if fund not in facts.closed:
        return fund
    if target.fallback is None or target.fallback in facts.closed:
        return Refusal(Why.FUND_CLOSED)
    return target.fallback


def _worth(programme: Programme, given: Grant) -> int:
    value = programme.point_value
    return given.points * value.numerator if given.points else given.money_minor * value.denominator


def consumed(candidate: Candidate, given: Grant) -> tuple[tuple[Counter, int], ...]:
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
    return funders_by(parties, campaign.weights, points, money_minor)


def funders_by(
    parties: Sequence[str], weights: Sequence[int], points: int, money_minor: int
) -> tuple[FunderShare, ...]:
    """What each of the parties bears, by their weights."""
    nothing = (0,) * len(parties)
    by_points = shares(points, weights) if points else nothing
    by_money = shares(money_minor, weights) if money_minor else nothing
    return tuple(map(FunderShare, parties, by_points, by_money))
