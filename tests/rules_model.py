"""What the rule language says, told as plainly as possible: fractions, every subset tried, no index, nothing fast.

Written from the words of the rule language, not from the engine, for small sets of campaigns on goods that cost
something. `decide` gives what each campaign that fires gives; tests compare the engine with it.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations
from math import ceil, floor
from typing import Any

POINT_VALUE_MINOR = 10
"""0.10 of a currency of 100 minor units, no decimals of points."""
Document = Mapping[str, Any]


@dataclass(frozen=True)
class Given:
    """What a campaign gives, and what each counter of it counts."""

    points: int
    money: int
    applications: int
    funders: tuple[tuple[str, int, int], ...]
    used: tuple[tuple[str, int], ...]


@dataclass(frozen=True)
class Basket:
    """Goods: (sku, amount in minor units > 0, quantity); and what was given before."""

    lines: Sequence[tuple[str, int, Fraction]]
    counts: Mapping[str, int]
    card: str
    day: str


def _sku(basket: Basket, sku: str) -> tuple[int, int]:
    """Whole units of a product, and what they cost."""
    lines = [line for line in basket.lines if line[0] == sku]
    return floor(sum(line[2] for line in lines)), sum(line[1] for line in lines)


OF_BASKET: Mapping[str, Callable[[Basket, str], bool]] = {
    "basket.total >= 40000": lambda basket, _: sum(line[1] for line in basket.lines) >= 40_000,
    "basket.lines != 2": lambda basket, _: len({line[0] for line in basket.lines}) != 2,
    "basket.units % 2 == 1 || member.points > 0": lambda basket, _: (
        sum(_sku(basket, sku)[0] for sku in {line[0] for line in basket.lines}) % 2 == 1
    ),
}
OF_LINES: Mapping[str, Callable[[Basket, str], bool]] = {
    "line.amount > 20000": lambda basket, sku: _sku(basket, sku)[1] > 20_000,
    'line.quantity >= 2 || line.sku == "1"': lambda basket, sku: (
        sku == "1" or _sku(basket, sku)[0] >= 2
    ),
    # Where a product has no whole unit, nobody can tell.
    "line.amount / line.quantity < 9000": lambda basket, sku: (
        _sku(basket, sku)[0] > 0 and _sku(basket, sku)[1] // _sku(basket, sku)[0] < 9_000
    ),
}
"""Conditions, and the same in Python; of a product, if they ask for lines."""


def decide(documents: Iterable[Document], basket: Basket) -> dict[str, Given]:
    """Group `base` first, then by name; inside a group by order, then id."""
    ranked = sorted(documents, key=_rank)
    given: dict[str, Given] = {}
    for group in sorted({_rank(d)[:2] for d in ranked}):
        members = [document for document in ranked if _rank(document)[:2] == group]
        # A donation's points are the fund's.
        base = [d["campaign"] for d in ranked if not _rank(d)[0] and d["kind"] == "bonus"]
        base_points = sum(given[name].points for name in base if name in given)
        alone = {d["campaign"]: _alone(d, basket, base_points) for d in members}
        able = [d for d in members if alone[d["campaign"]] is not None]
        right = [subset for subset in _subsets(able) if _is_right(subset, able, alone)]
        assert len(right) == 1, right
        given |= {d["campaign"]: found for d in right[0] if (found := alone[d["campaign"]])}
    return given


def _rank(document: Document) -> tuple[bool, str, int, str]:
    stacking = document["stacking"]
    return (stacking["group"] != "base", stacking["group"], stacking["order"], document["campaign"])


def _subsets(able: Sequence[Document]) -> Iterable[Sequence[Document]]:
    for size in range(len(able) + 1):
        yield from combinations(able, size)


def _is_right(
    subset: Sequence[Document], able: Sequence[Document], alone: Mapping[str, Given | None]
) -> bool:
    """`add` always counts, a `stop` that fires skips what follows, of all `best` left the one of most worth."""
    stops = [_rank(d) for d in subset if d["stacking"]["mode"] == "stop"]
    reached = [d for d in able if not any(_rank(d) > stop for stop in stops)]
    if any(d not in reached for d in subset):
        return False
    if any(d not in subset for d in reached if d["stacking"]["mode"] != "best"):
        return False
    rivals = [d for d in reached if d["stacking"]["mode"] == "best"]
    winners = [d for d in subset if d["stacking"]["mode"] == "best"]
    if not rivals:
        return not winners
    first = min(rivals, key=lambda d: (-_worth(alone[d["campaign"]]), _rank(d)))
    return winners == [first]


def _worth(given: Given | None) -> int:
    assert given
    return given.points * POINT_VALUE_MINOR if given.points else given.money


def _alone(document: Document, basket: Basket, base_points: int) -> Given | None:
    """What it gives if nothing else were there; None: nothing."""
    what, effect = document["what"], document["effect"]
    lines = [line for line in basket.lines if not what or line[0] in what["skus"]]
    if document["when"]:
        holds = {**OF_BASKET, **OF_LINES}[document["when"]]
        lines = [line for line in lines if holds(basket, line[0])]
    if not lines:
        return None
    amount = sum(line[1] for line in lines)
    by_sku: dict[str, int] = {}
    units: dict[str, Fraction] = {}
    for sku, minor, quantity in lines:
        by_sku[sku] = by_sku.get(sku, 0) + minor
        units[sku] = units.get(sku, Fraction()) + quantity
    form, rounding = _form(effect), document["rounding"]
    match effect["per"]:
        case "unit":
            times = sum(map(floor, units.values()))
            points, money = _once(form, amount, rounding, base_points)
            wish = (points * times, money * times, times)
        case "line":
            each = [_once(form, part, rounding, base_points) for part in by_sku.values()]
            wish = (sum(one[0] for one in each), sum(one[1] for one in each), 1)
        case _:
            wish = (*_once(form, amount, rounding, base_points), 1)
    return _within(document, basket, wish)


def _form(effect: Document) -> Document:
    """A rate gives points to the shopper, money to a fund."""
    if "earn" in effect:
        return dict(effect["earn"])
    return {"money_of" if name == "rate" else name: value for name, value in effect["give"].items()}


def _once(form: Document, amount: int, rounding: str, base_points: int) -> tuple[int, int]:
    """Points and money of one application, on so much."""
    if "ladder" in form:
        reached = [step for step in form["ladder"] if step["from"] <= amount]
        return _once(reached[-1], amount, rounding, 0) if reached else (0, 0)
    points, money = 0, form.get("money", 0)
    if "money_rate" in form:
        points = form["points"]
        money = _rounded(points * Fraction(form["money_rate"]) * 100, rounding)
    elif "points" in form:
        points = form["points"] * (amount // form["per_amount"] if "per_amount" in form else 1)
    elif "rate" in form:
        points = _rounded(Fraction(form["rate"]) * amount / 100, rounding)
    elif "money_of" in form:
        money = _rounded(Fraction(form["money_of"]) * amount, rounding)
    elif "multiply" in form:
        points = _rounded((Fraction(form["multiply"]) - 1) * base_points, rounding)
    return points, money


def _rounded(exact: Fraction, how: str) -> int:
    whole, rest = divmod(exact, 1)
    half = Fraction(1, 2)
    up = {
        "down": False,
        "up": rest > 0,
        "half-up": rest >= half,
        "half-even": rest > half or (rest == half and whole % 2 == 1),
    }
    return int(whole) + up[how]


Wish = tuple[int, int, int]
"""Points, money, applications."""
Bounds = tuple[int | None, int | None, int | None]
"""The most of each."""


def _within(document: Document, basket: Basket, wish: Wish) -> Given | None:
    limits = document["limits"]
    most = limits["max_per_basket"] or {}
    by_unit = document["effect"]["per"] == "unit"
    times = limits["per_basket"] if by_unit else None
    cut = _left(document, wish, (most.get("points"), most.get("money"), times))
    uses = list(_uses(document, basket, cut))
    if any(used > _room(document, basket, counter) for counter, used in uses):
        if document["exhausted"] == "none":
            return None
        cut = _left(document, cut, _totals(document, basket))
    if not (cut[0] or cut[1]):
        return None
    used = tuple((counter, size) for counter, size in _uses(document, basket, cut) if size)
    return Given(*cut, _funders(document, cut), used)


def _totals(document: Document, basket: Basket) -> Bounds:
    """The most that everybody can pay. A funder's exact share has to fit, so that no odd unit is one too many."""
    bounds: list[int | None] = [None, None, None]
    for counter, _ in _uses(document, basket, (0, 0, 0)):
        room = Fraction(_room(document, basket, counter))
        kind = 2 if counter.split("|")[1] in {"units", "card", "day"} else counter.endswith("money")
        for funder in document["funding"]:
            if f"|funder|{funder['party']}|" in counter:
                room /= Fraction(funder["share"])
        bound = bounds[kind]
        bounds[kind] = floor(room) if bound is None else min(bound, floor(room))
    return bounds[0], bounds[1], bounds[2]


def _left(document: Document, wish: Wish, bounds: Bounds) -> Wish:
    """The most within bounds: whole units, or part of the one gift. A part's money, to the last fraction, has to fit."""
    if all(bound is None or size <= bound for size, bound in zip(wish, bounds, strict=True)):
        return wish
    form, rounding = _form(document["effect"]), document["rounding"]
    points, money, times = wish
    if document["effect"]["per"] == "unit":
        parts = [(points // times * n, money // times * n, n) for n in range(times, 0, -1)]
        exact = {part: part[1] for part in parts}
    elif "money_rate" in form:
        each = Fraction(form["money_rate"]) * 100
        parts = [(n, min(money, _rounded(n * each, rounding)), 1) for n in range(points, 0, -1)]
        exact = {part: ceil(part[0] * each) for part in parts}
    else:
        parts = [(n, 0, 1) if points else (0, n, 1) for n in range(points or money, 0, -1)]
        exact = {part: part[1] for part in parts}
    for part in parts:
        sizes = (part[0], exact[part], part[2])
        if all(bound is None or size <= bound for size, bound in zip(sizes, bounds, strict=True)):
            return part
    return (0, 0, 0)


def _room(document: Document, basket: Basket, counter: str) -> int:
    name, limits = document["campaign"], document["limits"]
    caps = {
        f"{name}|card|{basket.card}": limits["per_card"],
        f"{name}|day|{basket.day}|{basket.card}": limits["per_card_day"],
        f"{name}|units": limits["units"],
        **{f"{name}|budget|{unit}": cap for unit, cap in (limits["budget"] or {}).items()},
        **{
            f"{name}|funder|{funder['party']}|{unit}": cap
            for funder in document["funding"]
            for unit, cap in (funder["budget"] or {}).items()
        },
    }
    return max(int(caps[counter]) - basket.counts.get(counter, 0), 0)


def _uses(document: Document, basket: Basket, part: Wish) -> Iterable[tuple[str, int]]:
    name, limits = document["campaign"], document["limits"]
    if limits["per_card"]:
        yield f"{name}|card|{basket.card}", part[2]
    if limits["per_card_day"]:
        yield f"{name}|day|{basket.day}|{basket.card}", part[2]
    if limits["units"]:
        yield f"{name}|units", part[2]
    for unit in limits["budget"] or {}:
        yield f"{name}|budget|{unit}", part[unit == "money"]
    for (party, points, money), funder in zip(_funders(document, part), document["funding"], strict=True):  # fmt: skip
        for unit in funder["budget"] or {}:
            yield f"{name}|funder|{party}|{unit}", money if unit == "money" else points


def _funders(document: Document, part: Wish) -> tuple[tuple[str, int, int], ...]:
    shares = [Fraction(funder["share"]) for funder in document["funding"]]
    points, money = (_largest_remainder(whole, shares) for whole in part[:2])
    parties = [funder["party"] for funder in document["funding"]]
    return tuple(zip(parties, points, money, strict=True))


def _largest_remainder(whole: int, shares: Sequence[Fraction]) -> list[int]:
    """Each its whole units; those left over to the largest remainders, of equals to the first in the document."""
    exact = [whole * share for share in shares]
    parts = [floor(one) for one in exact]
    by_rest = sorted(range(len(shares)), key=lambda n: (parts[n] - exact[n], n))
    for n in by_rest[: whole - sum(parts)]:
        parts[n] += 1
    return parts
