"""On which dates a recurring window opens: the date part of RFC 5545's RRULE.

Own code instead of python-dateutil, which walks from the first occurrence each time (and to the year 9999
where there is none); here a date is asked about directly. Tests compare the two.
"""

import calendar
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Literal

WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")

_DAY = re.compile(r"([+-]?\d)?(MO|TU|WE|TH|FR|SA|SU)\Z")
_PARTS = ("FREQ", "INTERVAL", "BYMONTH", "BYMONTHDAY", "BYDAY", "BYSETPOS", "WKST")

Frequency = Literal["DAILY", "WEEKLY", "MONTHLY", "YEARLY"]
_FREQUENCIES: Mapping[str, Frequency] = {
    "DAILY": "DAILY",
    "WEEKLY": "WEEKLY",
    "MONTHLY": "MONTHLY",
    "YEARLY": "YEARLY",
}


@dataclass(frozen=True, slots=True)
class Recurrence:
    """A rule with its gaps filled from the first day, which also anchors intervals above 1."""

    frequency: Frequency
    interval: int
    months: frozenset[int]
    month_days: frozenset[int]
    weekdays: frozenset[tuple[int, int]]
    """(n-th in the month or 0 for each, weekday from Monday 0)."""
    positions: frozenset[int]
    week_start: int
    anchor: date

    def falls_on(self, day: date) -> bool:
        """Whether the rule names this date."""
        if self.months and day.month not in self.months:
            return False
        if self.interval > 1 and (day < self.anchor or self._periods(day) % self.interval):
            return False
        if not self.positions:
            return self._fits(day)
        days = calendar.monthrange(day.year, day.month)[1]
        fitting = [n for n in range(1, days + 1) if self._fits(day.replace(day=n))]
        if day.day not in fitting:
            return False
        place = fitting.index(day.day)
        return place + 1 in self.positions or place - len(fitting) in self.positions

    def _fits(self, day: date) -> bool:
        days = calendar.monthrange(day.year, day.month)[1]
        if self.month_days and not self.month_days & {day.day, day.day - days - 1}:
            return False
        if not self.weekdays:
            return True
        weekday = day.weekday()
        nth, nth_last = (day.day + 6) // 7, -((days - day.day) // 7 + 1)
        return bool(self.weekdays & {(0, weekday), (nth, weekday), (nth_last, weekday)})

    def _periods(self, day: date) -> int:
        """Days, weeks, months or years between the anchor's period and that of `day`."""
        first = self.anchor
        match self.frequency:
            case "DAILY":
                return (day - first).days
            case "WEEKLY":
                return (self._week(day) - self._week(first)) // 7
            case "MONTHLY":
                return (day.year - first.year) * 12 + day.month - first.month
            case "YEARLY":
                return day.year - first.year

    def _week(self, day: date) -> int:
        return day.toordinal() - (day.weekday() - self.week_start) % 7


def parse(text: str, first_day: date | None) -> Recurrence:
    """The rule that `text` says, such as "FREQ=MONTHLY;BYMONTHDAY=1".

    `first_day` is needed where the rule leaves its day to it (FREQ=WEEKLY alone) or has an interval.
    Raises `ValueError` that says what to write instead.
    """
    parts = _parts(text)
    frequency = _FREQUENCIES.get(parts.get("FREQ", ""))
    if frequency is None:
        raise ValueError(f"start with FREQ= and one of {', '.join(_FREQUENCIES)}")
    rule = Recurrence(
        frequency=frequency,
        interval=_interval(parts.get("INTERVAL", "1")),
        months=frozenset(_numbers(parts, "BYMONTH", 1, 12)),
        month_days=frozenset(_numbers(parts, "BYMONTHDAY", -31, 31)),
        weekdays=frozenset(_weekday(text) for text in _items(parts, "BYDAY")),
        positions=frozenset(_numbers(parts, "BYSETPOS", -31, 31)),
        week_start=_week_start(parts.get("WKST", "MO")),
        anchor=first_day or date.min,
    )
    _check(rule)
    return _filled(rule, first_day)


def _parts(text: str) -> dict[str, str]:
    parts: dict[str, str] = {}
    for part in text.removeprefix("RRULE:").split(";"):
        name, _, value = part.partition("=")
        if name in {"COUNT", "UNTIL"}:
            raise ValueError(f'{name} is not used here: end the campaign with "active.until"')
        if name in {"BYHOUR", "BYMINUTE", "BYSECOND"}:
            raise ValueError(f'{name} is not used here: write the time of day into "at"')
        if name not in _PARTS:
            raise ValueError(f"{name or 'an empty part'} is not known; use {', '.join(_PARTS)}")
        if name in parts or not value:
            raise ValueError(f"give {name} once, with a value")
        parts[name] = value
    return parts


def _items(parts: Mapping[str, str], name: str) -> list[str]:
    return parts[name].split(",") if name in parts else []


def _numbers(parts: Mapping[str, str], name: str, least: int, most: int) -> list[int]:
    return [_number(name, item, least, most) for item in _items(parts, name)]


def _number(name: str, text: str, least: int, most: int) -> int:
    if not re.fullmatch(r"[+-]?\d{1,3}", text, re.ASCII):
        raise ValueError(f"{name} takes numbers, not {text!r}")
    value = int(text)
    if not least <= value <= most or value == 0:
        raise ValueError(f"{name} takes numbers from {least} to {most} without 0, not {value}")
    return value


def _interval(text: str) -> int:
    return _number("INTERVAL", text, 1, 366)


def _weekday(text: str) -> tuple[int, int]:
    match = _DAY.match(text)
    if not match or (match[1] and not 1 <= abs(int(match[1])) <= 5):
        raise ValueError(f"BYDAY takes days such as MO, 1MO (first) or -1FR (last), not {text!r}")
    return int(match[1] or 0), WEEKDAYS.index(match[2])


def _week_start(text: str) -> int:
    if text not in WEEKDAYS:
        raise ValueError(f"WKST takes one of {', '.join(WEEKDAYS)}")
    return WEEKDAYS.index(text)


def _check(rule: Recurrence) -> None:
    ordinal = any(nth for nth, _ in rule.weekdays)
    if ordinal and rule.frequency in {"DAILY", "WEEKLY"}:
        raise ValueError("the n-th weekday is of a month: use FREQ=MONTHLY")
    if ordinal and rule.frequency == "YEARLY" and not rule.months:
        raise ValueError("the n-th weekday of which month? Add BYMONTH")
    if rule.month_days and rule.frequency == "WEEKLY":
        raise ValueError("BYMONTHDAY does not go with FREQ=WEEKLY: use FREQ=MONTHLY or DAILY")
    if rule.positions and rule.frequency != "MONTHLY":
        raise ValueError("BYSETPOS counts within a month: use FREQ=MONTHLY")
    if rule.positions and not (rule.weekdays or rule.month_days):
        raise ValueError("BYSETPOS picks from days: add BYDAY or BYMONTHDAY")


def _filled(rule: Recurrence, first_day: date | None) -> Recurrence:
    """What the rule leaves open comes from the first day, as RFC 5545 has it."""
    months, month_days, weekdays = rule.months, rule.month_days, rule.weekdays
    first = _first(first_day)
    if rule.interval > 1:
        first()
    if rule.frequency == "WEEKLY" and not weekdays:
        weekdays = frozenset({(0, first().weekday())})
    if rule.frequency in {"MONTHLY", "YEARLY"} and not month_days and not weekdays:
        month_days = frozenset({first().day})
        if rule.frequency == "YEARLY" and not months:
            months = frozenset({first().month})
    return Recurrence(
        rule.frequency, rule.interval, months, month_days, weekdays, rule.positions,
        rule.week_start, rule.anchor,
    )  # fmt: skip


def _first(first_day: date | None) -> Callable[[], date]:
    def first() -> date:
        if first_day is None:
            raise ValueError(
                'the day is counted from a first day: add BYDAY or BYMONTHDAY, or "active.from"'
            )
        return first_day

    return first
