"""What the simulated tills send: checkouts of `POST /v1/checkouts`, and in which order.

A household's baskets go through one worker in the order of their times, so that what it may redeem does not
depend on who was faster; between households any order gives the same totals.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from lepta.demo import people
from lepta.demo.day import Basket, Line, Product, products
from lepta.demo.naming import categories, line_kind
from lepta.demo.programme import store_ids

TILLS_PER_STORE = 2
# All the demo's stores keep this time; see programme/stores.yaml.
OFFSET = "+07:00"
ROUND_UP = "round-up-children"
ROUND_UP_TO_MINOR = 100
POINT_MINOR = 10
"""What a point is worth at the till; see programme/programme.yaml."""
NOT_FOR_POINTS = frozenset({"cigarettes", "fuel"})
"""What points do not pay for, as the programme says there."""


class Till(NamedTuple):
    """One cash register."""

    store: str
    till: str


@dataclass(frozen=True, slots=True)
class Visit:
    """A basket at its till: everything of the checkout that is known before the shopper comes."""

    basket: Basket
    till: Till
    sequence: int
    later: bool
    """Whether the household has bought before on this day."""


def visits(day: Sequence[Basket]) -> list[list[Visit]]:
    """The day's visits, a list a household, each in the order of time. Sequences count per till and day."""
    counters: Counter[tuple[Till, str]] = Counter()
    found: dict[int, list[Visit]] = {}
    for basket in day:
        till = Till(store_ids()[basket.store], str(1 + basket.number % TILLS_PER_STORE))
        counted = (till, basket.at.date().isoformat())
        counters[counted] += 1
        earlier = found.setdefault(basket.household, [])
        earlier.append(Visit(basket, till, counters[counted], bool(earlier)))
    return list(found.values())


def _line(number: int, line: Line) -> dict[str, Any]:
    kind = line_kind(products().get(line.product))
    body = {
        "line": number,
        "sku": line.product,
        "quantity": line.quantity,
        "amount": line.amount_minor,
    }
    return body if kind == "goods" else {**body, "kind": kind}


def checkout(visit: Visit, available_points: int) -> dict[str, Any]:
    """The body that the till posts, after the fact: the sales are of 2017, so all are `offline`.

    `available_points` is the balance that the household's last receipt showed.
    """
    basket = visit.basket
    body: dict[str, Any] = {
        "store": visit.till.store,
        "till": visit.till.till,
        "business_day": basket.at.date().isoformat(),
        "sequence": visit.sequence,
        "occurred_at": basket.at.isoformat() + OFFSET,
        "currency": "RUB",
        "card": people.household_card(basket.household),
        "lines": [_line(n, line) for n, line in enumerate(basket.lines, start=1)],
        "total": basket.total_minor,
        "offline": True,
    }
    return {**body, **_wishes(visit, available_points)}


def _wishes(visit: Visit, available_points: int) -> dict[str, Any]:
    """What the shopper says at the till: points to spend, a school to help, rounding up."""
    basket, habits = visit.basket, people.habits(visit.basket.household)
    wishes: dict[str, Any] = {}
    if habits.chooses:
        wishes["choice"] = {"campaign": "playground", "beneficiary": habits.chooses}
    if visit.later and habits.redeems == "max":
        wishes["redeem"] = {"max": True}
    elif visit.later and habits.redeems == "some":
        # The ceiling of the programme is half of what points may pay for, so a quarter of it is below.
        points = min(available_points, _payable_minor(basket) // 4 // POINT_MINOR)
        wishes |= {"redeem": {"points": points}} if points else {}
    elif (gap := -basket.total_minor % ROUND_UP_TO_MINOR) and people.rounds_up(basket.number):
        wishes["gifts"] = [{"offer": ROUND_UP, "accepted": True, "amount": gap}]
    return wishes


def _payable_minor(basket: Basket) -> int:
    """What of a basket may be paid with points: goods, but neither tobacco nor fuel."""
    return sum(
        line.amount_minor for line in basket.lines if _is_payable(products().get(line.product))
    )


def _is_payable(product: Product | None) -> bool:
    if product is None:
        return True
    return line_kind(product) == "goods" and not NOT_FOR_POINTS & set(categories(product))
