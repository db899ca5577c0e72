"""Watching for misuse of cards: what a programme's `watch` says, what is counted for it, what it makes of a sale.

Counters of a card are its member's, whichever of their cards is shown: `club|sales|2026-11-22|<ref>` counts the sales
of a business day, those that were voided since included · `club|seen|<ref>` is the second since 1970 of the latest
sale, `club|place|<ref>` and `club|region|<ref>` say where that was: these three are set, not added up. No void and no
return takes anything off them. Sales are looked at in the order in which they are recorded, by when they took place.
"""

import re
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from functools import lru_cache
from hashlib import sha256
from typing import Annotated, Literal, NamedTuple, Self

from pydantic import Field, model_validator

from lepta.rules.fields import Count, Strict
from lepta.values import value

MANY_SALES, TWO_PLACES, SPENT_AT_ONCE = "many-sales", "two-places", "spent-at-once"
KINDS: Mapping[str, int] = {MANY_SALES: 1, TWO_PLACES: 2, SPENT_AT_ONCE: 4}
"""Flags of a sale that the office is to look into; numbers of table `suspicion`, which are added up."""
CAPPED = "capped"
"""Flag of a sale that, being suspicious, does not get all that it would."""
COUNTED = frozenset({"sales", "seen", "place", "region"})
"""Second parts of the counters."""
FALLING = frozenset({"place", "region"})
"""Those that are set to less than they were, too."""
UNKNOWN = 1
"""Stands for a place or region that nobody knows: not 0, so that whatever was set once is not gone again."""

Counter = str
"""As in `limits`."""

Block = Literal["none", "redeem", "all"]
Minutes = Annotated[int, Field(ge=1, le=10_080)]
Location = tuple[int, int]
"""Latitude and longitude in hundred-thousandths of a degree, about a metre."""

_LATITUDES, _LONGITUDES = 90 * 10**5, 180 * 10**5
_DEGREE_KM = 111_195, 1_000
"""Kilometres in a degree of latitude on a sphere of 6,371 km."""


class SalesPerDay(Strict):
    """How many sales of one card on one business day are usual."""

    flag: Annotated[Count | None, Field(description="A sale beyond so many is flagged.")] = None
    cap: Annotated[
        Count | None, Field(description="A sale beyond so many earns and redeems nothing.")
    ] = None

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if self.flag is None and self.cap is None:
            raise ValueError('says nothing: write "flag", "cap" or both')
        if self.flag is not None and self.cap is not None and self.cap < self.flag:
            raise ValueError(
                "cap is below flag: raise it, since a sale beyond the cap is flagged anyway"
            )
        return self


class TwoPlaces(Strict):
    """How soon a card cannot be in another store."""

    minutes: Minutes
    kilometres: Annotated[int | None, Field(ge=1, le=20_000)] = None
    regions: Annotated[
        bool, Field(description="Stores of two regions are distant, too, if one has no location.")
    ] = False
    block: Annotated[
        Block, Field(description="What such a sale does not do: nothing, redeem, redeem and earn.")
    ] = "none"

    @model_validator(mode="after")
    def _says_what_is_distant(self) -> Self:
        if self.kilometres is None and not self.regions:
            raise ValueError('does not say what is distant: write "kilometres", or "regions": true')
        return self


class AfterActivation(Strict):
    """How long a card that has just become active should not spend points."""

    minutes: Minutes
    block: Annotated[
        Literal["none", "redeem"], Field(description="What such a sale does not do.")
    ] = "none"


class WatchDocument(Strict):
    """What a programme watches; what is left out is neither counted nor looked at."""

    sales_per_day: SalesPerDay | None = None
    two_places: TwoPlaces | None = None
    after_activation: AfterActivation | None = None

    @model_validator(mode="after")
    def _watches_something(self) -> Self:
        if not (self.sales_per_day or self.two_places or self.after_activation):
            raise ValueError(
                "watches nothing: write sales_per_day, two_places or after_activation, or leave it out"
            )
        return self


class Suspicion(NamedTuple):
    """What is suspicious about a sale, and what it does not get for that."""

    flags: tuple[str, ...] = ()
    blocks_earning: bool = False
    blocks_spending: str = ""
    """The flag for which it may spend no points."""
    is_fresh: bool = False
    """Whether points would be spent right after the card became active."""


UNSUSPECTED = Suspicion()


@value
class Watched:
    """A sale with a card as its programme watches it."""

    watch: WatchDocument
    day_counter: Counter
    seen: Counter
    at_s: int
    """When it took place, seconds since 1970."""
    here: Mapping[Counter, int]
    """Where it took place, by counter: `UNKNOWN` where nobody knows."""
    active_minutes: int | None
    """See `facts.Shopper`."""

    @property
    def counters(self) -> tuple[Counter, ...]:
        """What has to be known to look at it."""
        of_day = (self.day_counter,) if self.watch.sales_per_day else ()
        return (*of_day, self.seen, *self.here) if self.watch.two_places else of_day

    def look(self, counts: Mapping[Counter, int]) -> Suspicion:
        """What is suspicious about it."""
        flags: list[str] = []
        blocks: dict[str, Block] = {}
        number = counts.get(self.day_counter, 0) + 1
        per_day, places, after = (
            self.watch.sales_per_day, self.watch.two_places, self.watch.after_activation,
        )  # fmt: skip
        if per_day is not None and number > min(per_day.flag or number, per_day.cap or number):
            flags.append(MANY_SALES)
            if per_day.cap is not None and number > per_day.cap:
                blocks[MANY_SALES] = "all"
        if places is not None and self._was_elsewhere(places, counts):
            flags.append(TWO_PLACES)
            blocks[TWO_PLACES] = places.block
        fresh = self.active_minutes
        is_fresh = after is not None and fresh is not None and fresh <= after.minutes
        if after is not None and is_fresh:
            blocks[SPENT_AT_ONCE] = after.block
        no_earning = "all" in blocks.values()
        no_spending = next((flag for flag, block in blocks.items() if block != "none"), "")
        told = (*flags, CAPPED) if no_earning else tuple(flags)
        return Suspicion(told, no_earning, no_spending, is_fresh)

    def count(self, counts: Mapping[Counter, int]) -> tuple[tuple[Counter, int], ...]:
        """What the sale adds to the counters. One that took place before another is not the latest."""
        found = [(self.day_counter, 1)] if self.watch.sales_per_day else []
        if self.watch.two_places and self.at_s >= counts.get(self.seen, 0):
            for counter, now in ((self.seen, self.at_s), *self.here.items()):
                if now != counts.get(counter, 0):
                    found.append((counter, now - counts.get(counter, 0)))
        return tuple(found)

    def _was_elsewhere(self, places: TwoPlaces, counts: Mapping[Counter, int]) -> bool:
        then_s = counts.get(self.seen, 0)
        if not then_s or abs(self.at_s - then_s) > 60 * places.minutes:
            return False
        (here, region), (there, other) = (
            tuple(self.here.values()), tuple(counts.get(counter, 0) for counter in self.here),
        )  # fmt: skip
        if places.kilometres is not None and min(here, there) > UNKNOWN:
            return is_beyond(_location(here), _location(there), places.kilometres)
        return places.regions and min(region, other) > UNKNOWN and region != other


def watched_of(  # noqa: PLR0917 - where, when and who
    watch: WatchDocument,
    programme: str,
    ref: str,
    business_day: date,
    at_s: int,
    location: Location | None,
    region: str | None,
    active_minutes: int | None,
) -> Watched:
    """A sale of that member in a programme that watches."""
    here = {
        f"{programme}|place|{ref}": UNKNOWN if location is None else _code(location),
        f"{programme}|region|{ref}": UNKNOWN if region is None else _number(region),
    }
    of_day = f"{programme}|sales|{business_day.isoformat()}|{ref}"
    return Watched(watch, of_day, f"{programme}|seen|{ref}", at_s, here, active_minutes)


def is_beyond(one: Location, other: Location, kilometres: int) -> bool:
    """Whether two places are that far apart or farther. Whole numbers alone, so that every machine says the same.

    On a flat map at their middle latitude, with Bhaskara's cosine: up to 500 km and 70 degrees north or south within
    1 % of the great circle.
    """
    south_north, west_east = abs(one[0] - other[0]), abs(one[1] - other[1])
    west_east = min(west_east, 2 * _LONGITUDES - west_east)
    middle = (one[0] + other[0]) ** 2
    whole = 180**2 * (2 * 10**5) ** 2
    cosine, divisor = whole - 4 * middle, whole + middle
    squared = (south_north * divisor) ** 2 + (west_east * cosine) ** 2
    metres, scale = _DEGREE_KM
    return squared * metres**2 >= (kilometres * 10**5 * scale * divisor) ** 2


def degrees(text: str) -> int:
    """A decimal such as "82.9204" in hundred-thousandths; what is finer is rounded, halves to even.

    Raises `ValueError` for anything else.
    """
    if not _DEGREES.fullmatch(text):
        raise ValueError('write degrees as a decimal in quotes, such as "82.9204"')
    return int((Decimal(text) * 10**5).to_integral_value())


_DEGREES = re.compile(r"-?\d{1,3}(\.\d{1,15})?", re.ASCII)


def _code(location: Location) -> int:
    """Above `UNKNOWN`, and another one for each place."""
    north, east = location[0] + _LATITUDES, location[1] + _LONGITUDES
    return 1 + UNKNOWN + north * (2 * _LONGITUDES + 1) + east


def _location(code: int) -> Location:
    north, east = divmod(code - 1 - UNKNOWN, 2 * _LONGITUDES + 1)
    return north - _LATITUDES, east - _LONGITUDES


@lru_cache(1_024)
def _number(region: str) -> int:
    """Above `UNKNOWN`; 56 bits of a SHA-256."""
    return 1 + UNKNOWN + int.from_bytes(sha256(region.encode()).digest()[:7])
