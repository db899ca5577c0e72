"""Limits that cannot mean what they say: those that never bind, and those that leave no room for a single gift."""

from collections.abc import Iterator, Sequence

from lepta.money import common_weights
from lepta.rules.envelope import CampaignDocument, Cap, Reading
from lepta.rules.kind import Measure
from lepta.rules.kinds import donated_points
from lepta.rules.limits import most_for_funder, shares
from lepta.rules.programme import Programme
from lepta.rules.refusals import Fault, fault


def limit_faults(reading: Reading, programme: Programme | None) -> Iterator[Fault]:
    """What is wrong with the limits taken together; `programme` None: it is not known, so sums cannot be told."""
    yield from _never_bind(reading)
    if programme is None or reading.form.kind.measure is not Measure.COUNT:
        return
    document, (kind, params) = reading.document, reading.form
    points, money_minor = kind.gives(params, programme, 0, document.rounding)
    if kind is donated_points.KIND and money_minor == 0:
        reason = (
            f"{points} points at this rate are less than the smallest coin: raise one of the two"
        )
        yield fault("effect.give.money_rate", reason)
    yield from _leave_nothing(reading, points, money_minor)


def _never_bind(reading: Reading) -> Iterator[Fault]:
    document, limits = reading.document, reading.document.limits
    if (limits.per_basket or 0) > 1 and reading.per != "unit":
        reason = (
            f'counts units, and per {reading.per} it gives once: leave it out, or use "per: unit"'
        )
        yield fault("limits.per_basket", reason)
    for narrow, wide in _inside(document):
        most, less = getattr(limits, narrow), getattr(limits, wide)
        if most is not None and less is not None and most > less:
            yield _idle(f"limits.{narrow}", f"limits.{wide}", less)
    most, less = limits.max_per_basket, limits.budget
    for unit in ("points", "money"):
        in_basket, in_all = getattr(most, unit, None), getattr(less, unit, None)
        if in_basket and in_all and in_basket > in_all:
            yield _idle(f"limits.max_per_basket.{unit}", f"limits.budget.{unit}", in_all)


def _inside(document: CampaignDocument) -> Sequence[tuple[str, str]]:
    """Pairs of limits of which the first is spent inside the second; a sale without a card is in none of a card's."""
    pairs = [("per_card_day", "per_card"), ("per_card_day", "units"), ("per_card", "units"), ("per_basket", "units")]  # fmt: skip
    if document.kind == "bonus" or document.who.card == "required":
        pairs += [("per_basket", "per_card_day"), ("per_basket", "per_card")]
    return pairs


def _idle(path: str, other: str, most: int) -> Fault:
    return fault(path, f'never binds, since "{other}" is {most}: lower it, or leave it out')


def _leave_nothing(reading: Reading, points: int, money_minor: int) -> Iterator[Fault]:
    """Caps below the least that is given at once: a whole unit, or where nothing may be cut, all of it."""
    document, by_unit = reading.document, reading.per == "unit"
    is_whole = document.exhausted == "none" or document.effect.source != "funders"
    if not by_unit and not is_whole:
        return
    limits, least = document.limits, {"points": points, "money": money_minor}
    caps = [("limits.budget", limits.budget)]
    caps += [("limits.max_per_basket", limits.max_per_basket)] if by_unit else []
    for path, cap in caps:
        for unit, most in _said(cap):
            if most < least[unit]:
                yield _too_low(f"{path}.{unit}", least[unit])
    weights = common_weights([f.share for f in document.funding]) if document.funding else []
    for n, funder in enumerate(document.funding):
        for unit, most in _said(funder.budget):
            # As `lepta.rules.granting` counts: units by the exact share, one gift by the share that is paid.
            room = most_for_funder(most, n, weights)
            least_of_it = shares(least[unit], weights)[n] if least[unit] else 0
            if room < least[unit] if by_unit else most < least_of_it:
                yield _too_low(f"funding.{n}.budget.{unit}", least_of_it)


def _said(cap: Cap | None) -> list[tuple[str, int]]:
    """Its unit and figure, if there is one."""
    figures = {"points": cap.points, "money": cap.money} if cap else {}
    return [(unit, most) for unit, most in figures.items() if most]


def _too_low(path: str, least: int) -> Fault:
    return fault(path, f"leaves no room for a single gift, of which it bears {least}: raise it")
