"""The facts of a sale as conditions ask for them: each worked out when it is first asked for, and kept.

Goods only, before redemption; lines of one SKU are one product, so splitting a line changes nothing. A fact that is not
there (a member's where no card is shown) stays unknown, and so does a condition that cannot do without it.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from lepta.rules import conditions, measure
from lepta.rules.conditions import Bound, Condition
from lepta.rules.explanation import Why
from lepta.rules.facts import Facts, Past, Shopper


class Context:
    """Of one sale."""

    __slots__ = ("_bound", "_facts", "_known", "_of_product", "_past")

    def __init__(self, facts: Facts, past: Past) -> None:
        self._facts = facts
        self._past = past
        self._known: dict[str, Any] = {}
        self._bound: dict[tuple[str, ...], Bound] = {}
        self._of_product: dict[tuple[tuple[str, ...], tuple[int, ...]], Bound] = {}
        """By the facts asked for and the positions of a product's lines: many campaigns ask the same of a long basket."""

    def kept(self, condition: Condition, positions: Sequence[int]) -> tuple[Sequence[int], int]:
        """(those of `positions` that the condition leaves, a `Why` if it leaves none).

        Asked of each product by itself where it is about lines, else of the sale.
        """
        if condition.of_lines:
            return self._of_products(condition, positions)
        bound = self._bound.get(condition.variables)
        if bound is None:
            bound = self._bound[condition.variables] = conditions.bind(self._told(condition, {}))
        holds = condition.holds(bound)
        return (positions, 0) if holds else ((), _why(unknown=holds is None))

    def _of_products(
        self, condition: Condition, positions: Sequence[int]
    ) -> tuple[Sequence[int], int]:
        by_sku: dict[str, list[int]] = {}
        for n in positions:
            by_sku.setdefault(self._facts.lines[n].sku, []).append(n)
        kept, unknown = set(), False
        for own in by_sku.values():
            holds = condition.holds(self._bound_to(condition, tuple(own)))
            unknown = unknown or holds is None
            if holds:
                kept.update(own)
        left = [n for n in positions if n in kept]
        return left, 0 if left else _why(unknown=unknown)

    def _bound_to(self, condition: Condition, own: tuple[int, ...]) -> Bound:
        key = (condition.variables, own)
        bound = self._of_product.get(key)
        if bound is None:
            told = self._told(condition, _of_product(self._facts, own))
            bound = self._of_product[key] = conditions.bind(told)
        return bound

    def _told(self, condition: Condition, of_product: Mapping[str, Any]) -> dict[str, Any]:
        """The facts that it asks for, without those that are not known."""
        told = {}
        for name in condition.variables:
            fact = of_product[name] if name in of_product else self._fact(name)
            if fact is not None:
                told[name] = fact
        return told

    def _fact(self, name: str) -> Any:
        if name not in self._known:
            self._known[name] = self._looked_up(name)
        return self._known[name]

    def _looked_up(self, name: str) -> Any:
        of_sale = _OF_SALE.get(name)
        if of_sale is not None:
            return of_sale(self._facts)
        shopper = self._facts.shopper
        return None if shopper is None else _OF_MEMBER[name](shopper, self._past)


def _why(*, unknown: bool) -> int:
    return Why.CONDITION_UNKNOWN if unknown else Why.CONDITION_FALSE


def _of_product(facts: Facts, positions: Sequence[int]) -> dict[str, Any]:
    """A product on the lines at `positions`: its categories are those of all of them, its brand the first named."""
    lines = [facts.lines[n] for n in positions]
    sku = lines[0].sku
    return {
        "line.sku": sku,
        "line.brand": next((line.brand for line in lines if line.brand is not None), ""),
        "line.categories": list(dict.fromkeys(c for line in lines for c in line.categories)),
        "line.quantity": measure.units(facts.lines, positions).get(sku, 0),
        "line.amount": sum(line.amount_minor for line in lines),
    }


def _goods(facts: Facts) -> list[int]:
    return [n for n, line in enumerate(facts.lines) if line.is_goods]


def _amounts(facts: Facts) -> list[int]:
    return [line.amount_minor for line in facts.lines]


_OF_SALE: Mapping[str, Callable[[Facts], Any]] = {
    "basket.total": lambda facts: measure.total(_amounts(facts), _goods(facts)),
    "basket.lines": lambda facts: len(measure.amounts(facts.lines, _goods(facts), _amounts(facts))),
    "basket.units": lambda facts: sum(measure.units(facts.lines, _goods(facts)).values()),
    "store.id": lambda facts: facts.store.id,
    "store.region": lambda facts: facts.store.region or "",
    "store.retailer": lambda facts: facts.store.retailer,
    "time.hour": lambda facts: facts.at.hour,
    "time.weekday": lambda facts: facts.at.isoweekday(),
    "time.day": lambda facts: facts.at.day,
    "time.month": lambda facts: facts.at.month,
}
_OF_MEMBER: Mapping[str, Callable[[Shopper, Past], Any]] = {
    "member.tier": lambda shopper, _: shopper.tier or "",
    "member.segments": lambda shopper, _: list(shopper.segments),
    "member.visits": lambda _, past: past.visits,
    "member.points": lambda _, past: past.points,
    "member.days_since_joining": lambda shopper, _: shopper.joined_days,
}
"""Of the member behind the card; None: unknown."""
