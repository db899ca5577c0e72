"""Before the campaigns: the total spread over the lines, and what part of it points may pay."""

from collections.abc import Collection, Sequence

from lepta.money import Rounding, allocate, divide
from lepta.rules.facts import Line
from lepta.rules.programme import Programme


def spread(total_minor: int, amounts: Sequence[int], donated: Collection[int] = ()) -> list[int]:
    """`amounts` brought down to sum to `total_minor`: the difference falls on amounts > 0 in proportion to them.

    Nothing lowers what the shopper gives, at the positions `donated`, as long as the goods have anything left. The
    total is at most the sum of the amounts. Where no amount is above 0 there is nothing to bring down, and the
    amounts stay as they are.
    """
    less = sum(amounts) - total_minor
    assert less >= 0, total_minor
    if less == 0:
        return list(amounts)
    weights = [max(amount, 0) for amount in amounts]
    if not any(weights):
        return list(amounts)
    if not donated:
        return _lowered(amounts, less, weights)
    goods = [0 if n in donated else weight for n, weight in enumerate(weights)]
    gifts = [weight if n in donated else 0 for n, weight in enumerate(weights)]
    of_goods = min(less, sum(goods)) if any(gifts) else less
    lowered = _lowered(amounts, of_goods, goods)
    return _lowered(lowered, less - of_goods, gifts)


def _lowered(amounts: Sequence[int], less: int, weights: Sequence[int]) -> list[int]:
    if less == 0:
        return list(amounts)
    parts = allocate(less, weights)
    return [amount - part for amount, part in zip(amounts, parts, strict=True)]


def eligible(programme: Programme, lines: Sequence[Line]) -> list[int]:
    """What of each line may be paid with points: goods above 0 outside the excluded categories."""
    excluded = programme.excluded_categories
    return [
        line.amount_minor
        if line.is_goods and line.amount_minor > 0 and excluded.isdisjoint(line.categories)
        else 0
        for line in lines
    ]


def ceiling(
    programme: Programme, lines: Sequence[Line], total_minor: int, available_points: int
) -> int:
    """The most points that may be redeemed: the least of those available, `max_share` of what is eligible,
    and what leaves `min_cash` to pay; in points rounded down, once, never below 0.
    """
    share, value = programme.max_share, programme.point_value
    of_goods = (
        sum(eligible(programme, lines)) * share.numerator * value.denominator
        // (share.denominator * value.numerator)
    )  # fmt: skip
    of_total = (total_minor - programme.min_cash_minor) * value.denominator // value.numerator
    return max(min(available_points, of_goods, of_total), 0)


def money_of(programme: Programme, points: int) -> int:
    """What so many points pay, in minor units, rounded down."""
    value = programme.point_value
    return divide(points * value.numerator, value.denominator)


def most_useful(programme: Programme, points: int) -> int:
    """The fewest points that pay as much as `points` do: those beyond it would be spent for nothing."""
    value = programme.point_value
    return divide(money_of(programme, points) * value.denominator, value.numerator, Rounding.UP)


def over_lines(programme: Programme, lines: Sequence[Line], amount: int) -> list[int]:
    """Redeemed points or money by line, in proportion to what is eligible, by largest remainder."""
    if amount == 0:
        return [0] * len(lines)
    return allocate(amount, eligible(programme, lines))
