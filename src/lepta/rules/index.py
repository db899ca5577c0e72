"""From a basket to the campaigns it touches: look-ups by SKU, brand, category, place, hour and segment.

A campaign about certain goods is filed under each of its SKUs (else brands, else categories), any other under
each of its stores (else regions, else retailers, else everywhere). Those of the second sort are looked up
by the hour, so that one whose window is far away costs nothing; so are those of the first sort where very many
stand under one name, each store's by itself. A campaign for certain segments is filed so in the index of each of
them, which is looked into for their shoppers alone. Everything here only finds candidates; whether they match is
asked of the campaign itself.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from itertools import islice
from typing import Any, NamedTuple

from lepta.rules.campaign import Campaign, Where
from lepta.rules.explanation import Reason, Why
from lepta.rules.facts import Facts, Line, Store
from lepta.rules.shelf import MAX_CLOSED, Day, Shelf, of_day, on_shelf
from lepta.rules.track import Track

_MAX_HOURS = 16_384
_MAX_HOURS_OF_SEGMENT = 256
CROWDED = 16
"""So many campaigns about one SKU, brand or category are looked at one by one and say why not; of more, only those
that run in the store about that hour are.
"""


class Hour(NamedTuple):
    """What a place has within one hour of its wall clock."""

    open: tuple[Track, ...]
    closed: tuple[Reason, ...]
    """Of campaigns that run there, but in no window of this hour."""


Place = tuple[str, str]
"""File and name: `("store", "nsk-07")`, `("everywhere", "")`."""


class Index:
    """The campaigns of one programme. Never changed; a `Draft` makes the next one."""

    __slots__ = (
        "_crowds", "_days", "_files", "_has_places", "_hours", "_kept", "_shelves",
        "brand", "category", "segments", "sku",
    )  # fmt: skip

    def __init__(
        self,
        files: Mapping[str, Mapping[str, tuple[Track, ...]]],
        segments: Mapping[str, "Index"] | None = None,
        kept: int = _MAX_HOURS,
    ) -> None:
        self._files = files
        self._has_places = any(files[name] for name in PLACES)
        self._kept = kept
        """So many hours are remembered."""
        self.segments = segments or {}
        """What only shoppers of a segment are to see; these have no segments of their own."""
        self.sku = files["sku"]
        self.brand = files["brand"]
        self.category = files["category"]
        self._crowds: dict[Place, Mapping[Place, tuple[Track, ...]]] = {}
        self._days: dict[tuple[Place, Place, int], Day] = {}
        self._shelves: dict[tuple[Place, Place, int], Shelf] = {}
        self._hours: dict[tuple[str, str | None, str, int], Hour] = {}

    def touched(self, facts: Facts, goods: Sequence[int]) -> tuple[dict[Track, list[int]], Hour]:
        """Campaigns found, each with positions of lines by which it was found (none: by its place)."""
        hits = self._on_lines(facts, goods)
        hour = self._hour(facts.store, facts.at) if self._has_places else _NOTHING
        for track in hour.open:
            hits.setdefault(track, [])
        if self.segments and facts.shopper is not None:
            hour = self._touched_by_segment(facts, goods, facts.shopper.segments, hits, hour)
        return hits, hour

    def _on_lines(self, facts: Facts, goods: Sequence[int]) -> dict[Track, list[int]]:
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
            if len(found) > CROWDED:
                found = self._thinned(line, facts.store, facts.at)
            for track in found:
                positions = hits.get(track)
                if positions is None:
                    hits[track] = [position]
                elif positions[-1] != position:
                    positions.append(position)
        return hits

    def _touched_by_segment(
        self,
        facts: Facts,
        goods: Sequence[int],
        segments: Iterable[str],
        hits: dict[Track, list[int]],
        hour: Hour,
    ) -> Hour:
        """Adds to `hits`; a campaign may be found more than once, through other segments and other versions."""
        closed = set(hour.closed)
        for segment in segments:
            its = self.segments.get(segment)
            if its is None:
                continue
            found, its_hour = its.touched(facts, goods)
            closed.update(its_hour.closed)
            for track, positions in found.items():
                before = hits.get(track)
                hits[track] = sorted({*before, *positions}) if before else positions
        return Hour(hour.open, tuple(sorted(closed)))

    def _thinned(self, line: Line, store: Store, at: datetime) -> tuple[Track, ...]:
        """What stands under the line's names; where that is a crowd, what of it runs here about this hour."""
        names = [("sku", line.sku), *(("category", category) for category in line.categories)]
        if line.brand is not None:
            names.append(("brand", line.brand))
        found: tuple[Track, ...] = ()
        for name in names:
            bucket = self._files[name[0]].get(name[1], ())
            found += bucket if len(bucket) <= CROWDED else self._of_crowd(name, bucket, store, at)
        return found

    def _of_crowd(
        self, name: Place, bucket: Sequence[Track], store: Store, at: datetime
    ) -> tuple[Track, ...]:
        crowd = self._crowds.get(name)
        if crowd is None:
            crowd = self._crowds[name] = _by_place(bucket)
        found: tuple[Track, ...] = ()
        for place in _places_of(store):
            found += self._shelf(name, place, crowd.get(place, ()), at).open
        return found

    def _hour(self, store: Store, at: datetime) -> Hour:
        key = (store.id, store.region, store.retailer, at.toordinal() * 24 + at.hour)
        known = self._hours.get(key)
        if known is None:
            _forget_half(self._hours, self._kept)
            known = self._hours[key] = self._looked_up(store, at)
        return known

    def _looked_up(self, store: Store, at: datetime) -> Hour:
        opened: dict[Track, None] = {}
        closed: dict[Track, Reason] = {}
        for place in _places_of(store):
            shelf = self._shelf(("", ""), place, self._files[place[0]].get(place[1], ()), at)
            opened |= dict.fromkeys(shelf.open)
            for track, active in shelf.closed:
                if any(c.where.holds(store) for c in active):
                    closed[track] = Reason(track.number, Why.NOT_IN_SCHEDULE, 0)
        said = sorted(closed.values()) if len(closed) <= MAX_CLOSED else ()
        return Hour(tuple(opened), tuple(said))

    def _shelf(self, name: Place, place: Place, tracks: Sequence[Track], at: datetime) -> Shelf:
        """What of `tracks` runs about this hour: worked out once for all stores of the place."""
        key = (name, place, at.toordinal() * 24 + at.hour)
        known = self._shelves.get(key)
        if known is None:
            _forget_half(self._shelves, self._kept)
            hour = at.replace(minute=0, second=0, microsecond=0, tzinfo=None)
            midnight = hour.replace(hour=0)
            day = (name, place, at.toordinal())
            running = self._days.get(day)
            if running is None:
                _forget_half(self._days, self._kept)
                running = self._days[day] = of_day(tracks, midnight, all_goods=not name[0])
            known = self._shelves[key] = on_shelf(running, hour, all_goods=not name[0])
        return known


def _forget_half(known: dict[Any, Any], kept: int) -> None:
    """Of a memory that is full, the older half."""
    if len(known) >= kept:
        for key in list(islice(known, kept // 2)):
            del known[key]


def _places_of(store: Store) -> Sequence[Place]:
    """Where campaigns stand that may run in the store."""
    own = (("store", store.id), ("retailer", store.retailer), ("everywhere", ""))
    return own if store.region is None else (*own, ("region", store.region))


def _by_place(bucket: Iterable[Track]) -> Mapping[Place, tuple[Track, ...]]:
    """A crowd sorted by where its campaigns run; one with several versions may stand in several places."""
    sorted_out: dict[Place, list[Track]] = {}
    for track in bucket:
        wheres = [place for _, c in track.versions if c is not None for place in _where(c.where)]
        for place in dict.fromkeys(wheres):
            sorted_out.setdefault(place, []).append(track)
    return {place: tuple(tracks) for place, tracks in sorted_out.items()}


PLACES = ("store", "region", "retailer", "everywhere")
FILES = ("sku", "brand", "category", *PLACES)
EMPTY = Index({name: {} for name in FILES})
_NOTHING = Hour((), ())
_ALL = ("",)
"""In place of segments: no segment has an empty name."""


def places_of(versions: Iterable[Campaign | None]) -> set[tuple[str, str, str]]:
    """Under which segment, file and name campaigns are found."""
    return {
        (segment, *place)
        for campaign in versions
        if campaign is not None
        for place in _places(campaign)
        for segment in (campaign.audience and campaign.audience.any_segments) or _ALL
    }


def _places(campaign: Campaign) -> Sequence[Place]:
    goods = campaign.goods
    sets = {"sku": goods.skus, "brand": goods.brands, "category": goods.categories}
    return _first_of(sets) or _where(campaign.where)


def _where(where: Where) -> Sequence[Place]:
    sets = {"store": where.stores, "region": where.regions, "retailer": where.retailers}
    return _first_of(sets) or [("everywhere", "")]


def _first_of(sets: Mapping[str, Iterable[str]]) -> Sequence[Place]:
    """Those of the first set that is not empty."""
    for name, members in sets.items():
        if members:
            return [(name, member) for member in members]
    return []


class Draft:
    """The next index of a programme while a change is read; files are copied when first touched."""

    def __init__(self, index: Index) -> None:
        self._files = dict(index._files)  # noqa: SLF001 - its own successor
        self._own: dict[str, dict[str, tuple[Track, ...]]] = {}
        self._segments = index.segments
        self._drafts: dict[str, Draft] = {}

    def put(self, old: Track | None, new: Track, programme: str) -> None:
        """File `new` in place of `old`, all of whose versions it has too."""
        before = places_of(c for _, c in old.versions if _of(c, programme)) if old else set()
        for place in places_of(c for _, c in new.versions if _of(c, programme)):
            segment, name, member = place
            files = self._of_segment(segment) if segment else self
            files.replace(old if place in before else None, new, name, member)

    def replace(self, old: Track | None, new: Track, name: str, member: str) -> None:
        """Put `new` where `old` stands in a file; None: behind all others."""
        bucket = self._file(name).get(member, ())
        at = len(bucket) if old is None else bucket.index(old)
        self._file(name)[member] = (*bucket[:at], new, *bucket[at + 1 :])

    def index(self, kept: int = _MAX_HOURS) -> Index:
        """The finished index."""
        own = {name: draft.index(_MAX_HOURS_OF_SEGMENT) for name, draft in self._drafts.items()}
        return Index(self._files, {**self._segments, **own}, kept)

    def _of_segment(self, segment: str) -> "Draft":
        if segment not in self._drafts:
            self._drafts[segment] = Draft(self._segments.get(segment, EMPTY))
        return self._drafts[segment]

    def _file(self, name: str) -> dict[str, tuple[Track, ...]]:
        if name not in self._own:
            self._own[name] = dict(self._files[name])
            self._files[name] = self._own[name]
        return self._own[name]


def _of(campaign: Campaign | None, programme: str) -> bool:
    return campaign is not None and campaign.programme == programme
