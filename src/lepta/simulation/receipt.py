"""A stored sale as the rules see it, read straight from its bytes: what only answers and repeats need is left out.

It gives the facts that `processing.sight.prepare` gives of the same sale, in a third of the time.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

import orjson

from lepta.money import MICRO
from lepta.processing.seen import EARNING
from lepta.rules.facts import Facts, Gift, Line, Shopper, Store
from lepta.rules.redemption import spread
from lepta.values import value

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


@value
class Receipt:
    """One sale, with all that its leaf and what lies beside it say."""

    document: Mapping[str, Any]
    facts: Facts
    day: str
    """The business day."""

    @property
    def outcome(self) -> Mapping[str, Any]:
        """What was booked, as it is stored."""
        found: Mapping[str, Any] = self.document["outcome"]
        return found


def read(leaf: bytes, content: bytes, closing: Mapping[str, date]) -> Receipt:
    """Read a sale. `content` is what lies beside its leaf; `closing`: see `closed_at`."""
    document: dict[str, Any] = orjson.loads(leaf)
    document.update(orjson.loads(content))
    basket, seen = document["basket"], document["facts"]
    store, _, day, _ = document["till"]
    retailer, region, time_zone, programme = seen["store"]
    zone, currency = ZoneInfo(time_zone), basket["currency"]
    _, seconds, _, *micros = document["at"]
    at = _EPOCH + timedelta(seconds=seconds, microseconds=micros[0] if micros else 0)
    choice, gifts = basket.get("choice"), basket.get("gifts", ())
    closed = tuple(seen.get("closed", ()))
    if closing:
        closed = closed_at(document["at"][0], zone, closing, closed)
    facts = Facts(
        _store(store, retailer, region, programme, currency),
        at.astimezone(zone),
        date.fromisoformat(day),
        currency,
        _lines(basket, seen.get("products")),
        basket["total"],
        _shopper(seen),
        (choice[0], choice[1]) if choice else None,
        tuple([Gift(*gift) for gift in gifts]) if gifts else (),
        seen.get("offline", False),
        closed,
        tuple([(campaign, to) for campaign, to in seen.get("chosen", ())]),
    )
    return Receipt(document, facts, day)


def closed_at(
    received_ms: int, zone: ZoneInfo, closing: Mapping[str, date], recorded: Sequence[str]
) -> tuple[str, ...]:
    """Funds that took nothing when a sale was booked: those that it says, and those that were closed in its store.

    A sale says so only of funds that published campaigns would have given to. `closing`: the first days on which
    the drafts' funds take nothing any more.
    """
    booked_on = (_EPOCH + received_ms * _MILLISECOND).astimezone(zone).date()
    gone = {fund for fund, day in closing.items() if day <= booked_on}
    return tuple(sorted(gone.union(recorded)))


@lru_cache(4_096)
def _store(store: str, retailer: str, region: str | None, programme: str, currency: str) -> Store:
    return Store(store, retailer, region, programme, currency)


def _shopper(seen: Mapping[str, Any]) -> Shopper | None:
    member = seen.get("member")
    if member is None or seen["card"] not in EARNING:
        return None
    ref, tier, *segments = member
    birthdays = tuple([(before, after) for before, after in seen.get("birthdays", ())])
    return Shopper(ref, tier, tuple(segments), seen.get("joined"), birthdays)


def _lines(basket: Mapping[str, Any], products: Sequence[Any] | None) -> tuple[Line, ...]:
    """Resolved: what the till left out is what the catalogue said then."""
    arrays = basket["lines"]
    amounts = [array[3] for array in arrays]
    if sum(amounts) != basket["total"]:
        donated = {n for n, array in enumerate(arrays) if "donation" in array[_PLAIN : _PLAIN + 1]}
        amounts = spread(basket["total"], amounts, donated)
    lines = []
    for array, product, amount in zip(arrays, products or [0] * len(arrays), amounts, strict=True):
        number, sku, quantity = array[:3]
        micro = quantity * MICRO if isinstance(quantity, int) else int(quantity)
        brand, *categories = product or _UNKNOWN
        if len(array) <= _PLAIN:
            lines.append(Line(number, sku, tuple(categories), brand, True, micro, amount))  # noqa: FBT003
            continue
        kind, _, its_categories, its_brand = [*array[_PLAIN:], None, None, None][:4]
        lines.append(
            Line(
                number,
                sku,
                tuple(categories if its_categories is None else its_categories),
                brand if its_brand is None else its_brand,
                not kind,
                micro,
                amount,
            )
        )
    return tuple(lines)


_PLAIN = 5
"""Fields of a stored line up to its unit price; see `BasketLine` for those that may follow."""
_UNKNOWN = (None,)
"""A product that neither the till nor the catalogue describes."""
