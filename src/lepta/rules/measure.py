"""How much of a basket a campaign is about. Lines of one SKU are summed first, so splitting a line changes nothing."""

from collections.abc import Iterable, Mapping, Sequence

from lepta.money import MICRO, allocate
from lepta.rules.facts import Line


def total(minor: Sequence[int], positions: Sequence[int]) -> int:
    """What the lines at `positions` come to, never below 0."""
    if len(positions) == 1:
        amount = minor[positions[0]]
    elif len(positions) == len(minor):
        amount = sum(minor)
    else:
        amount = sum([minor[n] for n in positions])
    return amount if amount > 0 else 0  # noqa: FURB136 - max() takes several times as long


def signed_quantity(line: Line) -> int:
    """Millionths that a line adds to its SKU: the size of its quantity with the sign of its amount.

    Where the amount is 0, the sign that the till sent. So a voided or returned line takes back as many as
    it carries; one that only lowers the price carries quantity 0, or takes units away like a void.
    """
    if line.amount_minor > 0:
        return abs(line.quantity_micro)
    return -abs(line.quantity_micro) if line.amount_minor < 0 else line.quantity_micro


def quantities(lines: Sequence[Line], positions: Sequence[int]) -> dict[str, int]:
    """Millionths by SKU, in the order of their first lines; only those above 0.

    Of an SKU whose lines cost nothing together, nothing counts: it is free or was taken back. One that
    costs anything counts whole, lines without a price too, or a line split in two would lose units.
    """
    sums: dict[str, tuple[int, int]] = {}
    for n in positions:
        line = lines[n]
        amount, micro = sums.get(line.sku, (0, 0))
        sums[line.sku] = (amount + line.amount_minor, micro + signed_quantity(line))
    return {sku: micro for sku, (amount, micro) in sums.items() if amount > 0 and micro > 0}


def quantity(lines: Sequence[Line], positions: Sequence[int]) -> int:
    """Millionths of all the lines together, summed by SKU first."""
    return sum(quantities(lines, positions).values())


def units(lines: Sequence[Line], positions: Sequence[int]) -> dict[str, int]:
    """Whole units by SKU, in the order of their first lines; only those with any."""
    if len(positions) == 1:
        line = lines[positions[0]]
        count = abs(line.quantity_micro) // MICRO if line.amount_minor > 0 else 0
        return {line.sku: count} if count else {}
    micro = quantities(lines, positions)
    return {sku: size // MICRO for sku, size in micro.items() if size >= MICRO}


def amounts(
    lines: Sequence[Line], positions: Sequence[int], minor: Sequence[int]
) -> dict[str, int]:
    """Amounts by SKU, in the order of their first lines (there is one at least); only those above 0."""
    sums = {lines[n].sku: minor[n] for n in positions}
    if len(sums) < len(positions):
        # Some SKU stands on several lines.
        sums = dict.fromkeys(sums, 0)
        for n in positions:
            sums[lines[n].sku] += minor[n]
    if min(sums.values()) > 0:
        return sums
    return {sku: amount for sku, amount in sums.items() if amount > 0}


def over_lines(
    total: int,
    by_sku: Mapping[str, int],
    lines: Sequence[Line],
    positions: Sequence[int],
    minor: Sequence[int],
) -> tuple[tuple[int, int], ...]:
    """(position, part of `total`) of each line: by SKU in proportion to `by_sku`, then by line to its amount.

    By largest remainder both times; what a SKU gets does not depend on how its lines are split.
    """
    if len(positions) == 1:
        return ((positions[0], total),)
    parts = allocate(total, list(by_sku.values()))
    if len(parts) == len(positions):
        # A line for each SKU, and both in the order of the lines.
        return tuple(zip(positions, parts, strict=True))
    given = dict.fromkeys(positions, 0)
    lines_of: dict[str, list[int]] = {sku: [] for sku in by_sku}
    for n in positions:
        if (sku := lines[n].sku) in lines_of:
            lines_of[sku].append(n)
    for own, part in zip(lines_of.values(), parts, strict=True):
        weights = [max(minor[n], 0) for n in own]
        split = allocate(part, weights if any(weights) else [1] * len(own))
        given.update(zip(own, split, strict=True))
    return tuple(given.items())


def over_counted(
    total: int,
    by_sku: Mapping[str, int],
    lines: Sequence[Line],
    positions: Sequence[int],
    minor: Sequence[int],
) -> tuple[tuple[int, int], ...]:
    """As `over_lines`, of the lines whose SKUs count; where none is counted by itself, as `over_amounts`."""
    if len(positions) == 1:
        return ((positions[0], total),)
    if not by_sku:
        return over_amounts(total, minor, positions)
    counted = [n for n in positions if lines[n].sku in by_sku]
    return over_lines(total, by_sku, lines, counted, minor)


def over_amounts(
    total: int, minor: Sequence[int], positions: Iterable[int]
) -> tuple[tuple[int, int], ...]:
    """(position, part of `total`) of each line whose amount is above 0, in proportion to it, by largest remainder."""
    own = [n for n in positions if minor[n] > 0]
    return tuple(zip(own, allocate(total, [minor[n] for n in own]), strict=True)) if own else ()
