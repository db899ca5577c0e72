"""Recurring windows in store-local time: `{rrule: "FREQ=MONTHLY;BYMONTHDAY=1", at: "12:00", for: "PT1M"}`."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from lepta.rules.recurrence import Recurrence

_AT = re.compile(r"([01]\d|2[0-3]):([0-5]\d)(?::([0-5]\d))?\Z", re.ASCII)
_FOR = re.compile(
    r"P(?:(\d{1,2})W)?(?:(\d{1,3})D)?(?:T(?=\d)(?:(\d{1,4})H)?(?:(\d{1,5})M)?(?:(\d{1,6})S)?)?\Z",
    re.ASCII,
)
_MOST_DAYS = 31
FIRST_DAY = date(2000, 1, 1)
"""No sale is older; what is active always is looked at from here on."""
_SEARCHED_DAYS = 28 * 366
"""Every pattern of dates that has an occurrence at all has one in so long a time."""

# A clock set forward moves a window's beginning, a window over the change its end. None moves further.
_CLOCK_CHANGE = timedelta(hours=3)
# A clock set back while a window is open shows times before its beginning: in the hour of that, or, where it is set
# back by two (Antarctica/Troll), in the hour before.
_SET_BACK = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Window:
    """Opens at `at` on the dates of `rule`, for so many days by the calendar and then so much exact time.

    The wall clock of the store decides when it opens. A time that the clock skips is as much later as the
    clock was set forward; a time that comes twice opens the window the first time (RFC 5545, 3.3.5).
    """

    rule: Recurrence
    at: time
    days: int
    extra: timedelta
    reach: int
    """How many days after its first a window may still be open."""

    def holds(self, moment: datetime) -> bool:
        """Whether the window is open at `moment`, which carries the store's zone."""
        today = moment.date()
        return any(
            self.rule.falls_on(day) and self._begin(day, moment) <= _utc(moment) < self._end(day, moment)
            for day in self._candidates(today)
        )  # fmt: skip

    def may_hold(self, since: datetime, hours: int = 1) -> bool:
        """Whether the window may be open within so many hours from `since` on, all of one day of the wall clock."""
        after = since + timedelta(hours=hours)
        for day in self._candidates(since.date()):
            begin = datetime.combine(day, self.at)
            end = begin + timedelta(days=self.days) + self.extra + _CLOCK_CHANGE
            if begin - _SET_BACK < after and since < end and self.rule.falls_on(day):
                return True
        return False

    def ever_opens(self, active_from: date | None, active_until: date | None) -> bool:
        """Whether it opens at least once while the campaign is active."""
        first = active_from or FIRST_DAY
        days = _SEARCHED_DAYS * max(1, self.rule.interval // 12)
        if active_until is not None:
            days = min(days, (active_until - first).days)
        start = max(first.toordinal() - self.reach, 1)
        stop = min(first.toordinal() + days, date.max.toordinal())
        return any(self.rule.falls_on(date.fromordinal(n)) for n in range(start, stop))

    def _candidates(self, today: date) -> Iterable[date]:
        last = today.toordinal()
        return (date.fromordinal(n) for n in range(last, max(last - self.reach - 1, 0), -1))

    def _begin(self, day: date, moment: datetime) -> datetime:
        return _utc(datetime.combine(day, self.at, moment.tzinfo))

    def _end(self, day: date, moment: datetime) -> datetime:
        last = date.fromordinal(min(day.toordinal() + self.days, date.max.toordinal()))
        return _utc(datetime.combine(last, self.at, moment.tzinfo)) + self.extra


def window(rule: Recurrence, at: str, duration: str) -> Window:
    """Raises `ValueError` that says what to write; call `time_of` and `length_of` for which of them it is."""
    begins, (days, extra) = time_of(at), length_of(duration)
    into_day = timedelta(hours=begins.hour, minutes=begins.minute, seconds=begins.second)
    reach = (timedelta(days=days) + extra + into_day + _CLOCK_CHANGE).days
    return Window(rule, begins, days, extra, reach)


def time_of(text: str) -> time:
    """A time on a 24-hour clock: "12:00" or "12:00:30"."""
    match = _AT.match(text)
    if not match:
        raise ValueError('write a time of day in quotes, such as "12:00"')
    return time(int(match[1]), int(match[2]), int(match[3] or 0))


def length_of(text: str) -> tuple[int, timedelta]:
    """An ISO 8601 duration, "PT1M" a minute: days by the calendar and exact time."""
    match = _FOR.match(text)
    if not match:
        raise ValueError('write a duration such as "PT1M" (a minute), "PT2H" or "P1D"')
    weeks, days, hours, minutes, seconds = (int(part or 0) for part in match.groups())
    whole, extra = 7 * weeks + days, timedelta(hours=hours, minutes=minutes, seconds=seconds)
    if not timedelta() < timedelta(days=whole) + extra <= timedelta(days=_MOST_DAYS):
        raise ValueError(f'write more than "PT0S" and at most "P{_MOST_DAYS}D"')
    return whole, extra


def _utc(moment: datetime) -> datetime:
    """Naive UTC: aware times of one zone are compared by wall clock, which an hour told twice makes wrong."""
    offset = moment.utcoffset()
    assert offset is not None, moment
    return moment.replace(tzinfo=None) - offset
