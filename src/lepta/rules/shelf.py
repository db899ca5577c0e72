"""What of very many campaigns runs about an hour of the wall clock, worked out by the day and then by the hour."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from lepta.rules.campaign import Campaign
from lepta.rules.track import ALWAYS, Track

MAX_CLOSED = 16
"""So many campaigns of a place say "not in schedule"; where there are more, none does."""
_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - a wall clock
_SECOND = timedelta(seconds=1)
_ZONES_S = 15 * 3600
"""No wall clock is further from UTC."""


class Shelf(NamedTuple):
    """What stands under one name has within one hour."""

    open: tuple[Track, ...]
    closed: tuple[tuple[Track, tuple[Campaign, ...]], ...]
    """Out of their schedule, with the versions that are; none where there are very many."""


class Day(NamedTuple):
    """What of a shelf matters on one day: of a long history, of many windows, most does not."""

    tracks: Sequence[Track]
    silent: bool
    """Very many are shut all day: nobody says so of any."""


def of_day(tracks: Sequence[Track], midnight: datetime, *, all_goods: bool) -> Day:
    """What to look at each hour of the day that begins at `midnight`."""
    opened, shut = [], []
    for track in tracks:
        active = _active(track, midnight, 24, all_goods=all_goods)
        if _may_open(active, midnight, 24):
            opened.append(track)
        elif active:
            shut.append(track)
    if len(shut) > MAX_CLOSED:
        return Day(opened, silent=True)
    return Day([*opened, *shut], silent=False)


def on_shelf(day: Day, hour: datetime, *, all_goods: bool) -> Shelf:
    """What runs within the hour that begins at `hour`."""
    opened, closed = [], []
    for track in day.tracks:
        active = _active(track, hour, 1, all_goods=all_goods)
        if _may_open(active, hour, 1):
            opened.append(track)
        elif active and _only_by_place(track):
            closed.append((track, active))
    if day.silent or len(closed) > MAX_CLOSED:
        closed = []
    return Shelf(tuple(opened), tuple(closed))


def _may_open(active: Sequence[Campaign], since: datetime, hours: int) -> bool:
    return any(not c.windows or any(w.may_hold(since, hours) for w in c.windows) for c in active)


def _active(track: Track, since: datetime, hours: int, *, all_goods: bool) -> tuple[Campaign, ...]:
    """The versions whose dates have the day and that are in force some time of these hours, whatever the zone."""
    day = since.toordinal()
    found = []
    until_s = -ALWAYS
    from_s, to_s = 0, 0
    for begins_s, campaign in reversed(track.versions):
        if (
            campaign is not None
            and campaign.first_day <= day < campaign.end_day
            and campaign.goods.all_goods is all_goods
        ):
            if not to_s:
                from_s = round((since - _EPOCH) / _SECOND) - _ZONES_S
                to_s = from_s + 2 * _ZONES_S + hours * 3600
            if begins_s < to_s and until_s > from_s:
                found.append(campaign)
        until_s = min(until_s, begins_s)
    return tuple(found)


def _only_by_place(track: Track) -> bool:
    """Whether no version can be found by a line, too."""
    return all(c is None or c.goods.all_goods for _, c in track.versions)
