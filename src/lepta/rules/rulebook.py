"""The rulebook: every programme and campaign ever published, as a chain of changes that name one another.

`digest_n = SHA-256(digest_(n-1) || bytes of change n)`, so a digest says the whole history it stands for.
Immutable: a change makes the next rulebook, and the old one goes on answering for quotes and replays.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import orjson

from lepta.rules import index
from lepta.rules.asks import NOTHING, Asks
from lepta.rules.campaign import Campaign, compile_campaign
from lepta.rules.counted import counted, refuse_uncounted
from lepta.rules.index import Index
from lepta.rules.limits import Counter
from lepta.rules.programme import Programme, compile_programme
from lepta.rules.track import ALWAYS, Track, Version

_Programmes = tuple[tuple[int, Programme], ...]
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DAY_S = 86_400


@dataclass(frozen=True, slots=True)
class PublishedProgramme:
    """A version of a programme. `from_at` None: its first, in force always."""

    programme: str
    version: int
    from_at: datetime | None
    document: Mapping[str, Any]

    def to_json(self) -> dict[str, Any]:
        """As it stands in the change."""
        return {
            "programme": self.programme,
            "version": self.version,
            "from": _text(self.from_at),
            "document": self.document,
        }


@dataclass(frozen=True, slots=True)
class PublishedCampaign:
    """A version of a campaign. `from_at` None: its first, in force whenever it is active."""

    campaign: str
    version: int
    from_at: datetime | None
    document: Mapping[str, Any]

    def to_json(self) -> dict[str, Any]:
        """As it stands in the change."""
        return {
            "campaign": self.campaign,
            "version": self.version,
            "from": _text(self.from_at),
            "document": self.document,
        }


@dataclass(frozen=True, slots=True)
class Paused:
    """From `from_at` on the campaign gives nothing, until its next version."""

    campaign: str
    from_at: datetime

    def to_json(self) -> dict[str, Any]:
        """As it stands in the change."""
        return {"pause": self.campaign, "from": _text(self.from_at)}


@dataclass(frozen=True, slots=True)
class Ended:
    """From `from_at` on the campaign gives nothing, for good: no version may follow."""

    campaign: str
    from_at: datetime

    def to_json(self) -> dict[str, Any]:
        """As it stands in the change."""
        return {"end": self.campaign, "from": _text(self.from_at)}


Item = PublishedProgramme | PublishedCampaign | Paused | Ended


@dataclass(frozen=True, slots=True)
class Change:
    """What one publication adds, in this order."""

    items: tuple[Item, ...]

    def canonical(self) -> bytes:
        """The bytes that are stored and hashed: JSON with sorted keys, times cut to the second."""
        items = [item.to_json() for item in self.items]
        return orjson.dumps({"items": items}, option=orjson.OPT_SORT_KEYS)


def _text(moment: datetime | None) -> str | None:
    if moment is None:
        return None
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _seconds(text: str | None) -> int:
    return ALWAYS if text is None else int(datetime.fromisoformat(text).timestamp())


@dataclass(frozen=True, slots=True, eq=False)
class Rulebook:
    """Everything in force at any time, as known after `number` changes."""

    number: int
    digest: bytes
    _programmes: Mapping[str, _Programmes]
    _tracks: Mapping[str, Track]
    _ids: tuple[str, ...]
    _indexes: Mapping[str, Index]
    _with_visits: frozenset[str]
    """Programmes of campaigns that ask for visits."""
    _asks: Mapping[str, Asks]

    def extended(self, change: bytes) -> "Rulebook":
        """The rulebook after `change`, bytes as `Change.canonical` made them and as they are stored.

        Raises what the documents' compilation raises, though a change is made of validated documents only, and
        what `refuse_uncounted` raises for a later version of a campaign.
        """
        draft = _Draft(
            self.number + 1,
            dict(self._programmes),
            dict(self._tracks),
            list(self._ids),
            self._indexes,
            self._with_visits,
            dict(self._asks),
        )
        for item in orjson.loads(change)["items"]:
            draft.add(item)
        return draft.rulebook(hashlib.sha256(self.digest + change).digest())

    @property
    def programmes(self) -> Mapping[str, Programme]:
        """The newest version of each."""
        return {name: versions[-1][1] for name, versions in self._programmes.items()}

    def programme(self, programme: str, at: datetime) -> Programme:
        """The version in force at `at`; raises `KeyError` for a programme that was never published."""
        versions = self._programmes[programme]
        return versions[0][1] if len(versions) == 1 else self.programme_at(programme, second(at))

    def programme_at(self, programme: str, at_s: int) -> Programme:
        """The same by the second since 1970."""
        versions = self._programmes[programme]
        for from_s, version in reversed(versions):
            if from_s <= at_s:
                return version
        return versions[0][1]

    def has_programme(self, programme: str) -> bool:
        """Whether it was ever published."""
        return programme in self._programmes

    def counts_visits(self, programme: str) -> bool:
        """Whether some version of its campaigns asked for visits: from then on they are counted for good."""
        return programme in self._with_visits

    def asks(self, programme: str) -> Asks:
        """What any version of its campaigns asked about members."""
        return self._asks.get(programme, NOTHING)

    @property
    def campaigns(self) -> tuple[str, ...]:
        """Every campaign's id, by number."""
        return self._ids

    def programmes_of_campaigns(self) -> Mapping[str, str]:
        """The programme of every published campaign's newest version."""
        return {name: track.newest.programme for name, track in self._tracks.items()}

    def campaign(self, campaign: str) -> Campaign | None:
        """The newest published version, whether in force or not; None: never published."""
        track = self._tracks.get(campaign)
        return None if track is None else track.newest

    def track(self, campaign: str) -> Track | None:
        """All that was published of a campaign; None: nothing ever."""
        return self._tracks.get(campaign)

    def track_of(self, number: int) -> Track:
        """The same by the campaign's number; raises `IndexError`."""
        return self._tracks[self._ids[number]]

    def versions(self, campaign: str) -> Sequence[Campaign]:
        """All that was published of a campaign, the newest last; empty: nothing ever."""
        track = self._tracks.get(campaign)
        return [] if track is None else track.published

    def last_word(self, campaign: str) -> datetime | None:
        """From when what was published last of a campaign counts; None: always, or never published."""
        track = self._tracks.get(campaign)
        from_s = ALWAYS if track is None else track.versions[-1][0]
        return None if from_s == ALWAYS else datetime.fromtimestamp(from_s, UTC)

    def campaign_at(self, campaign: str, at: datetime) -> Campaign | None:
        """The version in force at `at`, which may still be outside its active dates; None: none, or paused."""
        track = self._tracks.get(campaign)
        return None if track is None else track.at(second(at))

    def number_of(self, campaign: str) -> int:
        """A campaign's place in the order of first publication; raises `KeyError` for an unknown one."""
        return self._tracks[campaign].number

    def name_of(self, number: int) -> str:
        """The campaign with that number; raises `IndexError`."""
        return self._ids[number]

    def index(self, programme: str) -> Index:
        """The campaigns of a programme."""
        return self._indexes.get(programme, index.EMPTY)

    def caps(self) -> Mapping[Counter, int]:
        """Every hard cap: the newest published for each counter, `NO_CAP` where it was dropped."""
        return self.caps_since(EMPTY)

    def caps_since(self, before: "Rulebook") -> Mapping[Counter, int]:
        """Those of the campaigns that changed since `before`, a rulebook of the same chain."""
        return {
            gauge.counter: gauge.cap
            for name, track in self._tracks.items()
            if before.track(name) is not track
            for gauge in track.counted.gauges + track.counted.match
        }


def second(moment: datetime) -> int:
    """The second since 1970 in which `moment` lies."""
    since = moment - _EPOCH
    return since.days * _DAY_S + since.seconds


EMPTY = Rulebook(0, bytes(32), {}, {}, (), {}, frozenset(), {})
"""Nothing published; its digest is zeros."""


@dataclass(slots=True)
class _Draft:
    """The next rulebook while a change is read."""

    _number: int
    _programmes: dict[str, _Programmes]
    _tracks: dict[str, Track]
    _ids: list[str]
    _before: Mapping[str, Index]
    _with_visits: frozenset[str]
    _asks: dict[str, Asks]
    _drafts: dict[str, index.Draft] = field(default_factory=dict)

    def add(self, item: Mapping[str, Any]) -> None:
        from_s = _seconds(item["from"])
        if "programme" in item:
            name = item["programme"]
            version = compile_programme(name, item["document"], item["version"])
            self._programmes[name] = (*self._programmes.get(name, ()), (from_s, version))
        elif "campaign" in item:
            programme = self._default(item["campaign"])
            campaign = compile_campaign(item["document"], programme, item["version"])
            assert campaign.id == item["campaign"], item["campaign"]
            refuse_uncounted(self._published(campaign.id), campaign)
            self._put(campaign.id, campaign, (from_s, campaign))
        else:
            name = item["end"] if "end" in item else item["pause"]
            self._put(name, self._tracks[name].newest, (from_s, None), ends="end" in item)

    def rulebook(self, digest: bytes) -> Rulebook:
        indexes = {name: draft.index() for name, draft in self._drafts.items()}
        return Rulebook(
            self._number, digest, self._programmes, self._tracks, tuple(self._ids),
            {**self._before, **indexes}, self._with_visits, self._asks,
        )  # fmt: skip

    def _published(self, campaign: str) -> list[Campaign]:
        """The versions before."""
        old = self._tracks.get(campaign)
        return [] if old is None else old.published

    def _default(self, campaign: str) -> str:
        """The programme where a version names none: that of the version before, else the only one."""
        old = self._tracks.get(campaign)
        if old is not None:
            return old.newest.programme
        return next(iter(self._programmes)) if len(self._programmes) == 1 else ""

    def _put(
        self, campaign: str, newest: Campaign, version: Version, *, ends: bool = False
    ) -> None:
        assert newest.programme in self._programmes, f"{campaign}: unknown programme"
        if newest.asks_visits:
            self._with_visits |= {newest.programme}
        if newest.asks != NOTHING:
            asked = self._asks.get(newest.programme, NOTHING)
            self._asks[newest.programme] = asked.and_of(newest.asks)
        old = self._tracks.get(campaign)
        assert old is None or not old.ended, f"{campaign}: has ended"
        if old is None:
            self._ids.append(campaign)
        number = len(self._ids) - 1 if old is None else old.number
        versions = (*(old.versions if old else ()), version)
        limits = counted([c for _, c in versions if c is not None])
        new = self._tracks[campaign] = Track(campaign, number, versions, newest, limits, ends)
        for programme in {c.programme for _, c in versions if c is not None}:
            self._index(programme).put(old, new, programme)

    def _index(self, programme: str) -> index.Draft:
        if programme not in self._drafts:
            before = self._before.get(programme, index.EMPTY)
            self._drafts[programme] = index.Draft(before)
        return self._drafts[programme]
