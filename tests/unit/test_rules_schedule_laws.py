"""Windows of every sort in zones of every sort, against python-dateutil's dates and moments."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from dateutil import tz
from dateutil.rrule import rrulestr
from hypothesis import given, settings
from hypothesis import strategies as st

import make_rules as make
from lepta.rules import recurrence, schedule
from lepta.rules.recurrence import WEEKDAYS
from make_rules import earned, outcome

ZONES = (
    "Europe/Berlin", "America/New_York", "America/St_Johns", "Australia/Lord_Howe", "Asia/Kathmandu",
    "Africa/Cairo", "Asia/Beirut", "America/Havana", "America/Santiago", "Atlantic/Azores",
    "Antarctica/Troll", "Africa/Casablanca", "Asia/Novosibirsk", "Pacific/Kiritimati", "Pacific/Chatham",
)  # fmt: skip
"""By an hour, half an hour or two; at night, at midnight or never; at full, half and quarter hours from UTC."""


def changes(zone: str) -> list[datetime]:
    """The hours of 2026 in UTC after which the zone's clock was moved, and the turn of the year."""
    begin, zoned = datetime(2026, 1, 1, tzinfo=UTC), ZoneInfo(zone)
    hours = [begin + timedelta(hours=n) for n in range(365 * 24)]
    hour = timedelta(hours=1)
    moved = [h for h in hours if h.astimezone(zoned).utcoffset() != (h + hour).astimezone(zoned).utcoffset()]  # fmt: skip
    return [*moved, datetime(2026, 12, 31, 12, tzinfo=UTC)]


CHANGES = {zone: changes(zone) for zone in ZONES}
firsts = st.dates(date(2024, 1, 1), date(2026, 12, 31))
weekdays = st.lists(st.sampled_from(WEEKDAYS), min_size=1, max_size=3, unique=True)
nths = st.lists(
    st.builds("{}{}".format, st.sampled_from([1, 2, 3, 4, 5, -1, -2, -5]), st.sampled_from(WEEKDAYS)),
    min_size=1,
    max_size=3,
    unique=True,
)  # fmt: skip
month_days = st.lists(st.integers(-31, 31).filter(bool), min_size=1, max_size=4, unique=True)
months = st.lists(st.integers(1, 12), min_size=1, max_size=4, unique=True)


@st.composite
def rules(draw: st.DrawFn) -> str:
    """Any rule that the language takes."""
    frequency = draw(st.sampled_from(["DAILY", "WEEKLY", "MONTHLY", "YEARLY"]))
    parts: dict[str, Any] = {"FREQ": frequency, "INTERVAL": draw(st.integers(1, 14))}
    if draw(st.booleans()):
        parts["BYMONTH"] = draw(months)
    if draw(st.booleans()):
        ordinal = frequency == "MONTHLY" or (frequency == "YEARLY" and "BYMONTH" in parts)
        parts["BYDAY"] = draw(weekdays | nths if ordinal else weekdays)
    if frequency != "WEEKLY" and draw(st.booleans()):
        parts["BYMONTHDAY"] = draw(month_days)
    if frequency == "MONTHLY" and ("BYDAY" in parts or "BYMONTHDAY" in parts) and draw(st.booleans()):  # fmt: skip
        parts["BYSETPOS"] = draw(month_days)
    if draw(st.booleans()):
        parts["WKST"] = draw(st.sampled_from(WEEKDAYS))
    return ";".join(f"{name}={_list(value)}" for name, value in parts.items())


def _list(value: Any) -> str:
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)


def dates(rule: str, first: date, until: date) -> set[date]:
    begin, end = (datetime.combine(day, time()) for day in (first, until))
    return {moment.date() for moment in rrulestr(rule, dtstart=begin).between(begin, end, inc=True)}


@given(rules(), firsts)
@settings(deadline=None, max_examples=300)
def test_dates_are_those_that_dateutil_finds(rule: str, first: date) -> None:
    until = first + timedelta(days=1500)
    parsed = recurrence.parse(rule, first)
    days = (first + timedelta(days=n) for n in range(1501))
    assert {day for day in days if parsed.falls_on(day)} == dates(rule, first, until)


@st.composite
def moments(draw: st.DrawFn) -> datetime:
    """About a change of the clock, in the zone's own time."""
    zone = draw(st.sampled_from(ZONES))
    near = timedelta(seconds=draw(st.integers(-30 * 3600, 30 * 3600) | st.sampled_from([-1, 0, 1, 3599, 3600, 5400, 7200])))  # fmt: skip
    return (draw(st.sampled_from(CHANGES[zone])) + near).astimezone(ZoneInfo(zone))


begins = st.builds(
    time,
    st.sampled_from([0, 1, 2, 3, 12, 22, 23]),
    st.sampled_from([0, 15, 30, 59]),
    st.sampled_from([0, 30]),
)
lengths = st.tuples(st.integers(0, 3), st.timedeltas(timedelta(0), timedelta(hours=30))).filter(any)


def is_open(rule: str, first: date, at: time, length: tuple[int, timedelta], moment: datetime) -> bool:  # fmt: skip
    """From the moment that dateutil makes of each date and time to the one of its end."""
    today = moment.date()
    for day in dates(rule, first, today + timedelta(days=1)):
        if day < today - timedelta(days=8):
            continue
        begin, end = (
            tz.resolve_imaginary(datetime.combine(each, at, moment.tzinfo)).astimezone(UTC)
            for each in (day, day + timedelta(days=length[0]))
        )
        if begin <= moment.astimezone(UTC) < end + length[1]:
            return True
    return False


daily = st.sampled_from(["FREQ=DAILY", "FREQ=WEEKLY;BYDAY=SA,SU", "FREQ=MONTHLY;BYMONTHDAY=1,-1", "FREQ=DAILY;INTERVAL=2", "FREQ=MONTHLY;BYDAY=-1SU,1SU"])  # fmt: skip


@given(daily, begins, lengths, moments())
@settings(deadline=None, max_examples=600)
def test_a_window_is_open_from_its_moment_to_that_of_its_end(
    rule: str, at: time, length: tuple[int, timedelta], moment: datetime
) -> None:
    first = date(2025, 12, 1)
    days, extra = length[0], timedelta(seconds=length[1] // timedelta(seconds=1))
    duration = f"P{days}DT{extra // timedelta(seconds=1)}S" if extra else f"P{days}D"
    if not days and not extra:
        return
    window = schedule.window(recurrence.parse(rule, first), at.isoformat(), duration)
    assert window.holds(moment) is is_open(rule, first, at, (days, extra), moment)
    hour = moment.replace(minute=0, second=0, microsecond=0, tzinfo=None)
    assert window.may_hold(hour) or not window.holds(moment)


@given(daily, begins, st.sampled_from(["PT30M", "PT1H", "PT3H", "P1D"]), moments())
@settings(deadline=None, max_examples=100)
def test_a_campaign_gives_what_its_window_says(rule: str, at: time, duration: str, moment: datetime) -> None:  # fmt: skip
    """Through the index, which looks campaigns up by the hour of the store's clock."""
    schedule_ = [{"rrule": rule, "at": at.isoformat(), "for": duration}]
    active = {"from": "2025-12-01"}
    book = make.rulebook(make.bonus("happy", {"points": 1}, schedule=schedule_, active=active))
    window = schedule.window(recurrence.parse(rule, date(2025, 12, 1)), at.isoformat(), duration)
    assert bool(earned(outcome(book, make.facts(at=moment)))) is window.holds(moment)


BERLIN = "Europe/Berlin"


@pytest.mark.parametrize(
    ("zone", "rule", "at", "duration", "begin", "end"),
    [
        # An evening into the next day; into the night in which the clock goes forward, and back.
        (BERLIN, "FREQ=WEEKLY;BYDAY=FR", "22:00", "PT4H", "2026-05-01T20:00Z", "2026-05-02T00:00Z"),
        (BERLIN, "FREQ=WEEKLY;BYDAY=SA", "23:00", "PT4H", "2026-03-28T22:00Z", "2026-03-29T02:00Z"),
        (BERLIN, "FREQ=WEEKLY;BYDAY=SA", "23:00", "PT4H", "2026-10-24T21:00Z", "2026-10-25T01:00Z"),
        # From the skipped hour on; the second of two hours of one name has no window of its own.
        (BERLIN, "FREQ=DAILY", "02:30", "PT30M", "2026-03-29T01:30Z", "2026-03-29T02:00Z"),
        (BERLIN, "FREQ=DAILY", "02:30", "PT30M", "2026-10-25T00:30Z", "2026-10-25T01:00Z"),
        # Midnight itself is skipped in Cairo; the day lasts 23 hours.
        ("Africa/Cairo", "FREQ=DAILY;INTERVAL=2", "00:00", "P1D", "2026-04-23T22:00Z", "2026-04-24T21:00Z"),
        # Half an hour only; a quarter past the full hour; a zone half an hour off.
        ("Australia/Lord_Howe", "FREQ=DAILY", "01:45", "PT15M", "2026-04-04T14:45Z", "2026-04-04T15:00Z"),
        ("Asia/Kathmandu", "FREQ=DAILY", "12:00", "PT1M", "2026-05-01T06:15Z", "2026-05-01T06:16Z"),
        ("America/St_Johns", "FREQ=DAILY", "00:00", "PT1H", "2026-05-01T02:30Z", "2026-05-01T03:30Z"),
        # Over the end of the year, where it comes first and last.
        ("Pacific/Kiritimati", "FREQ=YEARLY;BYMONTH=12;BYMONTHDAY=31", "23:30", "PT1H", "2026-12-31T09:30Z", "2026-12-31T10:30Z"),
        ("Pacific/Pago_Pago", "FREQ=YEARLY;BYMONTH=12;BYMONTHDAY=-1", "23:30", "PT1H", "2027-01-01T10:30Z", "2027-01-01T11:30Z"),
        # The last Sunday of a month, the fifth Friday of those that have one, 29 February.
        (BERLIN, "FREQ=MONTHLY;BYDAY=-1SU", "00:00", "P1D", "2026-10-24T22:00Z", "2026-10-25T23:00Z"),
        (BERLIN, "FREQ=MONTHLY;BYDAY=5FR", "00:00", "P1D", "2026-05-28T22:00Z", "2026-05-29T22:00Z"),
        (BERLIN, "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29", "00:00", "P1D", "2028-02-28T23:00Z", "2028-02-29T23:00Z"),
    ],
)  # fmt: skip
def test_a_window_opens_and_shuts_to_the_second(
    zone: str, rule: str, at: str, duration: str, begin: str, end: str
) -> None:
    window = schedule.window(recurrence.parse(rule, date(2026, 1, 2)), at, duration)
    opens, shuts = (datetime.fromisoformat(moment) for moment in (begin, end))
    second = timedelta(seconds=1)

    def holds(moment: datetime) -> bool:
        return window.holds(moment.astimezone(ZoneInfo(zone)))

    assert [holds(m) for m in (opens - second, opens, shuts - second, shuts)] == [False, True, True, False]  # fmt: skip


@pytest.mark.edge_case(41)
def test_the_hour_that_comes_twice_is_open_twice_for_a_window_that_lasts_through_it() -> None:
    book = make.rulebook(
        make.bonus("night", {"points": 1}, schedule=[{"rrule": "FREQ=DAILY", "at": "01:00", "for": "PT4H"}])
    )  # fmt: skip
    for fold in (0, 1):
        at = datetime(2026, 10, 25, 2, 30, tzinfo=ZoneInfo(BERLIN), fold=fold)
        assert earned(outcome(book, make.facts(at=at))) == {"night": 1}


@pytest.mark.edge_case(41)
def test_the_hour_that_comes_twice_is_happy_once() -> None:
    book = make.rulebook(
        make.bonus("happy", {"points": 1}, schedule=[{"rrule": "FREQ=DAILY", "at": "02:00", "for": "PT1H"}])
    )  # fmt: skip
    happy = [
        earned(outcome(book, make.facts(at=datetime(2026, 10, 25, 2, 30, tzinfo=ZoneInfo(BERLIN), fold=fold))))
        for fold in (0, 1)
    ]  # fmt: skip
    assert happy == [{"happy": 1}, {}]


def test_a_window_that_a_clock_set_back_by_two_hours_shows_again_is_still_found() -> None:
    """On 25 October 2026 Troll's clock goes from 3:00 back to 1:00, an hour after the window has opened at 2:00."""
    moment = datetime(2026, 10, 25, 1, 30, tzinfo=UTC).astimezone(ZoneInfo("Antarctica/Troll"))
    schedule_ = [{"rrule": "FREQ=DAILY", "at": "02:00", "for": "PT2H"}]
    book = make.rulebook(make.bonus("happy", {"points": 1}, schedule=schedule_))
    assert (moment.hour, earned(outcome(book, make.facts(at=moment)))) == (1, {"happy": 1})
