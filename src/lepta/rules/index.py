"""From a basket to the campaigns it touches: look-ups by SKU, brand, category, place and hour.

A campaign about certain goods is filed under each of its SKUs (else brands, else categories), any other under
each of its stores (else regions, else retailers, else everywhere). Those of the second sort are looked up
by the hour, so that one whose window is far away costs nothing. Everything here only finds candidates;
whether they match is asked of the campaign itself.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from lepta.rules.campaign import Campaign
from lepta.rules.counted import Counted
from lepta.rules.explanation import Reason, Why
from lepta.rules.facts import Facts, Store

ALWAYS = -(2**62)
_MAX_HOURS = 512
_MAX_CLOSED = 16
"""So many campaigns of a place say "not in schedule"; where there are more, none does."""
_ZONES_S = 15 * 3600
"""No wall clock is further from UTC."""

Version = tuple[int, Campaign | None]
"""(in force from this second since 1970, the campaign; None: paused)."""


@dataclass(frozen=True, slots=True, eq=False)
class Track:
    """All versions of one campaign."""

    id: str
    number: int
    """Its place in the order of first publication."""
    versions: tuple[Version, ...]
    """In the order of publication."""
    newest: Campaign
    counted: Counted
    """The newest published limits, for late events too."""

    def at(self, at_s: int) -> Campaign | None:
        """The version in force: the newest of those that had begun."""
        from_s, newest = self.versions[-1]
        if from_s <= at_s:
            return newest
        for from_s, campaign in reversed(self.versions[:-1]):
            if from_s <= at_s:
                return campaign
        return None


class Hour(NamedTuple):
    """What a place has within one hour of its wall clock."""

    open: tuple[Track, ...]
    closed: tuple[Reason, ...]
    """Of campaigns that run there, but in no window of this hour."""


class Index:
    """The campaigns of one programme. Never changed; `with_track` makes the next one."""

    __slots__ = ("_files", "_hours", "brand", "category", "sku")

    def __init__(self, files: Mapping[str, Mapping[str, tuple[Track, ...]]]) -> None:
        self._files = files
        self.sku = files["sku"]
        self.brand = files["brand"]
        self.category = files["category"]
        self._hours: dict[tuple[str, str | None, str, int], Hour] = {}

    def touched(self, facts: Facts, goods: Sequence[int]) -> tuple[dict[Track, list[int]], Hour]:
        """Campaigns found, each with positions of lines by which it was found (none: by its place)."""
        hits: dict[Track, list[int]] = {}
        by_sku, by_brand, by_category = self.sku, self.brand, self.category
        for position in goods:
            line = facts.lines[position]
            found = by_sku.get(line.sku, ())
            if by_brand and line.brand is not None:
                found += by_brand.get(line.brand, ())
            if by_category:
                for category in line.categories:
                    found += by_category.get(category, ())
            for track in found:
                positions = hits.get(track)
                if positions is None:
                    hits[track] = [position]
                elif positions[-1] != position:
                    positions.append(position)
        hour = self._hour(facts.store, facts.at)
        for track in hour.open:
            hits.setdefault(track, [])
        return hits, hour

    def _hour(self, store: Store, at: datetime) -> Hour:
        key = (store.id, store.region, store.retailer, at.toordinal() * 24 + at.hour)
        known = self._hours.get(key)
        if known is None:
            if len(self._hours) >= _MAX_HOURS:
                self._hours.clear()
            known = self._hours[key] = self._looked_up(store, at)
        return known

    def _looked_up(self, store: Store, at: datetime) -> Hour:
        hour = at.replace(minute=0, second=0, microsecond=0, tzinfo=None)
        files = self._files
        tracks = dict.fromkeys(
            files["store"].get(store.id, ())
            + (files["region"].get(store.region, ()) if store.region is not None else ())
            + files["retailer"].get(store.retailer, ())
            + files["everywhere"].get("", ())
        )
        opened, closed = [], []
        for track in tracks:
            active = [c for c in _around(track, hour) if c.first_day <= at.toordinal() < c.end_day]
            if any(not c.windows or any(w.may_hold(hour) for w in c.windows) for c in active):
                opened.append(track)
            elif any(c.where.holds(store) for c in active) and _only_by_place(track):
                closed.append(Reason(track.number, Why.NOT_IN_SCHEDULE, 0))
        return Hour(tuple(opened), tuple(sorted(closed)) if len(closed) <= _MAX_CLOSED else ())


def _around(track: Track, hour: datetime) -> list[Campaign]:
    """The versions about all goods that are in force some time about `hour`, whatever the zone."""
    middle = round((hour - datetime(1970, 1, 1)) / timedelta(seconds=1))  # noqa: DTZ001 - a wall clock
    found = []
    until_s = -ALWAYS
    for from_s, campaign in reversed(track.versions):
        timely = from_s < middle + _ZONES_S and until_s > middle - _ZONES_S
        if timely and campaign is not None and campaign.goods.all_goods:
            found.append(campaign)
        until_s = min(until_s, from_s)
    return found


def _only_by_place(track: Track) -> bool:
    """Whether no version can be found by a line, too."""
    return all(c is None or c.goods.all_goods for _, c in track.versions)


FILES = ("sku", "brand", "category", "store", "region", "retailer", "everywhere")
EMPTY = Index({name: {} for name in FILES})


def places_of(versions: Iterable[Campaign | None]) -> set[tuple[str, str]]:
    """Under which file and name campaigns are found."""
    return {place for campaign in versions if campaign is not None for place in _places(campaign)}


def _places(campaign: Campaign) -> list[tuple[str, str]]:
    goods, where = campaign.goods, campaign.where
    sets = {
        "sku": goods.skus,
        "brand": goods.brands,
        "category": goods.categories,
        "store": where.stores,
        "region": where.regions,
        "retailer": where.retailers,
    }
    for name, members in sets.items():
        if members:
            return [(name, member) for member in members]
    return [("everywhere", "")]


class Draft:
    """The next index of a programme while a change is read; files are copied when first touched."""

    def __init__(self, index: Index) -> None:
        self._files = dict(index._files)  # noqa: SLF001 - its own successor
        self._own: dict[str, dict[str, tuple[Track, ...]]] = {}

    def put(self, old: Track | None, new: Track, programme: str) -> None:
        """File `new` in place of `old`, all of whose versions it has too."""
        before = places_of(c for _, c in old.versions if _of(c, programme)) if old else set()
        for place in places_of(c for _, c in new.versions if _of(c, programme)):
            name, member = place
            bucket = self._file(name).get(member, ())
            at = bucket.index(old) if old is not None and place in before else len(bucket)
            self._file(name)[member] = (*bucket[:at], new, *bucket[at + 1 :])

    def index(self) -> Index:
        """The finished index."""
        return Index(self._files)

    def _file(self, name: str) -> dict[str, tuple[Track, ...]]:
        if name not in self._own:
            self._own[name] = dict(self._files[name])
            self._files[name] = self._own[name]
        return self._own[name]


def _of(campaign: Campaign | None, programme: str) -> bool:
    return campaign is not None and campaign.programme == programme
