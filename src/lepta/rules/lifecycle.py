"""Where a campaign stands in its life: draft, published, paused, ended; told from the rulebook and a moment."""

from datetime import UTC, datetime, timedelta
from typing import Literal, NamedTuple

from lepta.rules.campaign import Campaign
from lepta.rules.rulebook import Rulebook, second
from lepta.rules.track import ALWAYS, Track

State = Literal["draft", "published", "paused", "ended"]

_LAST_ZONE = timedelta(hours=12)
"""A date is over everywhere once it is over at UTC-12."""


class Word(NamedTuple):
    """One thing that was published of a campaign."""

    word: Literal["published", "paused", "ended"]
    version: int | None
    """Of a publication."""
    from_at: datetime | None
    """From when it counts; None: always."""


class Life(NamedTuple):
    """A campaign's state and how it came to it."""

    state: State
    in_force: int | None
    """The version that sales of this moment are decided by, on the dates on which it is active; None: none."""
    words: tuple[Word, ...]
    """In the order of publication. At any time the last that has begun counts."""


def life_of(rulebook: Rulebook, campaign: str, now: datetime) -> Life:
    """Ended is a campaign that was ended, or whose dates are over everywhere on earth with nothing to follow.

    A version that has not begun is published already; so is one whose first day is still to come.
    """
    track = rulebook.track(campaign)
    if track is None:
        return Life("draft", None, ())
    now_s = second(now)
    current = track.at(now_s)
    words = _words(track)
    if track.ended or _is_over(track, current, now):
        return Life("ended", None, words)
    begun = any(from_s <= now_s for from_s, _ in track.versions)
    state: State = "paused" if current is None and begun else "published"
    return Life(state, None if current is None else current.version, words)


def _is_over(track: Track, current: Campaign | None, now: datetime) -> bool:
    coming = [track.at(from_s) for from_s, _ in track.versions if from_s > second(now)]
    left = [campaign for campaign in (current, *coming) if campaign is not None]
    today = (now.astimezone(UTC) - _LAST_ZONE).toordinal()
    return all(campaign.end_day <= today for campaign in left or [track.newest])


def _words(track: Track) -> tuple[Word, ...]:
    words = []
    for from_s, campaign in track.versions:
        from_at = None if from_s == ALWAYS else datetime.fromtimestamp(from_s, UTC)
        if campaign is None:
            words.append(Word("paused", None, from_at))
        else:
            words.append(Word("published", campaign.version, from_at))
    if track.ended:
        words[-1] = words[-1]._replace(word="ended")
    return tuple(words)
