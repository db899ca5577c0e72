"""Recurring windows: their dates against python-dateutil, their hours across changes of the clock."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from dateutil.rrule import rrulestr
from hypothesis import given
from hypothesis import strategies as st

from lepta.rules import recurrence, schedule
from lepta.rules.programme import Expiry

BERLIN = ZoneInfo("Europe/Berlin")
FIRST = date(2026, 1, 14)

RULES = [
    "FREQ=DAILY",
    "FREQ=DAILY;INTERVAL=3",
    "FREQ=DAILY;BYDAY=MO,FR;BYMONTH=2,3",
    "FREQ=DAILY;BYMONTHDAY=1,-1",
    "FREQ=WEEKLY",
    "FREQ=WEEKLY;BYDAY=TU",
    "FREQ=WEEKLY;INTERVAL=2;BYDAY=SU,MO",
    "FREQ=WEEKLY;INTERVAL=2;BYDAY=SU,MO;WKST=SU",
    "FREQ=MONTHLY",
    "FREQ=MONTHLY;BYMONTHDAY=1",
    "FREQ=MONTHLY;BYMONTHDAY=31",
    "FREQ=MONTHLY;INTERVAL=5;BYMONTHDAY=-2",
    "FREQ=MONTHLY;BYDAY=1MO,-1FR",
    "FREQ=MONTHLY;BYDAY=FR;BYMONTHDAY=13",
    "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1",
    "FREQ=MONTHLY;BYDAY=SA,SU;BYSETPOS=1,3",
    "FREQ=YEARLY",
    "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29",
    "FREQ=YEARLY;BYMONTH=11;BYDAY=4TH",
    "FREQ=YEARLY;INTERVAL=2;BYMONTH=5",
]


@pytest.mark.parametrize("text", RULES)
def test_dates_are_those_that_dateutil_finds(text: str) -> None:
    begin = datetime.combine(FIRST, datetime.min.time())
    expected = {
        moment.date()
        for moment in rrulestr(text, dtstart=begin).between(
            begin, begin + timedelta(days=3000), inc=True
        )
    }
    rule = recurrence.parse(text, FIRST)
    days = (FIRST + timedelta(days=n) for n in range(3001))
    assert {day for day in days if rule.falls_on(day)} == expected


@pytest.mark.parametrize(
    ("text", "advice"),
    [
        ("", "use FREQ"),
        ("FREQ=HOURLY", "DAILY, WEEKLY"),
        ("INTERVAL=2", "start with FREQ"),
        ("FREQ=DAILY;FREQ=DAILY", "once"),
        ("FREQ=DAILY;BYMONTH=", "with a value"),
        ("FREQ=DAILY;UNTIL=20270101", "active.until"),
        ("FREQ=DAILY;BYHOUR=12", '"at"'),
        ("FREQ=DAILY;INTERVAL=0", "without 0"),
        ("FREQ=DAILY;INTERVAL=x", "numbers"),
        ("FREQ=DAILY;BYMONTH=13", "from 1 to 12"),
        ("FREQ=DAILY;BYDAY=1MO", "FREQ=MONTHLY"),
        ("FREQ=DAILY;BYDAY=XX", "1MO"),
        ("FREQ=MONTHLY;BYDAY=6MO", "1MO"),
        ("FREQ=YEARLY;BYDAY=1MO", "BYMONTH"),
        ("FREQ=WEEKLY;BYMONTHDAY=1", "FREQ=MONTHLY"),
        ("FREQ=DAILY;BYDAY=MO;BYSETPOS=1", "FREQ=MONTHLY"),
        ("FREQ=MONTHLY;BYSETPOS=1", "add BYDAY"),
        ("FREQ=DAILY;WKST=XX", "WKST"),
        ("FREQ=DAILY;INTERVAL=2", "active.from"),
        ("FREQ=MONTHLY", "active.from"),
    ],
)
def test_a_rule_that_says_nothing_clear_is_refused(text: str, advice: str) -> None:
    with pytest.raises(ValueError, match=advice):
        recurrence.parse(text, None)


def window(rule: str, at: str, duration: str) -> schedule.Window:
    return schedule.window(recurrence.parse(rule, FIRST), at, duration)


def open_minutes(opens: schedule.Window, begin: datetime, hours: int) -> list[datetime]:
    """UTC minutes at which the window is open, by asking in the store's time."""
    minutes = (begin.astimezone(UTC) + timedelta(minutes=n) for n in range(60 * hours))
    return [minute for minute in minutes if opens.holds(minute.astimezone(BERLIN))]


def test_a_minute_of_revenue_is_one_minute() -> None:
    minute = window("FREQ=MONTHLY;BYMONTHDAY=1", "12:00", "PT1M")
    noon = datetime(2026, 5, 1, 12, tzinfo=BERLIN)
    assert minute.holds(noon)
    assert minute.holds(noon + timedelta(seconds=59, microseconds=999_999))
    assert not minute.holds(noon + timedelta(minutes=1))
    assert not minute.holds(noon - timedelta(microseconds=1))
    assert not minute.holds(noon + timedelta(days=1))


@pytest.mark.parametrize(
    ("night", "at", "duration", "opens", "minutes"),
    [
        # 25 October 2026, 03:00 becomes 02:00: the hour from 02:00 comes twice, in UTC from 00:00 and 01:00.
        (date(2026, 10, 25), "02:30", "PT1H", (0, 30), 60),
        (date(2026, 10, 25), "02:30", "PT10M", (0, 30), 10),
        (date(2026, 10, 25), "01:00", "PT2H", (-1, 0), 120),
        # 29 March 2026, 02:00 becomes 03:00: what begins at 02:30 begins at 03:30, in UTC 01:30.
        (date(2026, 3, 29), "02:30", "PT1H", (1, 30), 60),
        (date(2026, 3, 29), "01:30", "PT1H", (0, 30), 60),
    ],
)
def test_the_clock_changes_under_a_window(
    night: date, at: str, duration: str, opens: tuple[int, int], minutes: int
) -> None:
    daily = window("FREQ=DAILY", at, duration)
    midnight = datetime(night.year, night.month, night.day, tzinfo=BERLIN)
    found = open_minutes(daily, midnight, 8)
    begin = datetime(night.year, night.month, night.day, tzinfo=UTC)
    assert found[0] == begin + timedelta(hours=opens[0], minutes=opens[1])
    assert len(found) == minutes
    assert all(later - earlier == timedelta(minutes=1) for earlier, later in pairwise(found))


@pytest.mark.parametrize(("day", "hours"), [((10, 25), 25), ((3, 29), 23), ((5, 1), 24)])
def test_a_day_lasts_until_the_next_whatever_the_clock_does(
    day: tuple[int, int], hours: int
) -> None:
    begin = datetime(2026, *day, tzinfo=BERLIN)
    rule = f"FREQ=YEARLY;BYMONTH={day[0]};BYMONTHDAY={day[1]}"
    assert len(open_minutes(window(rule, "00:00", "P1D"), begin, 30)) == hours * 60


@given(
    st.sampled_from(["FREQ=DAILY", "FREQ=WEEKLY;BYDAY=SU", "FREQ=MONTHLY;BYMONTHDAY=-1"]),
    st.sampled_from(["00:00", "02:30", "12:00", "23:59"]),
    st.sampled_from(["PT1M", "PT1H", "PT30H", "P1D", "P2DT1H", "P1W"]),
    st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1)),  # noqa: DTZ001 - wall clock
    st.integers(0, 1),
)
def test_an_open_window_is_in_the_hours_that_may_have_it(
    rule: str, at: str, duration: str, naive: datetime, fold: int
) -> None:
    opens = window(rule, at, duration)
    moment = naive.replace(tzinfo=BERLIN, fold=fold)
    if opens.holds(moment):
        assert opens.may_hold(naive.replace(minute=0, second=0, microsecond=0))


def test_a_far_hour_does_not_have_it() -> None:
    minute = window("FREQ=MONTHLY;BYMONTHDAY=1", "12:00", "PT1M")
    hours = (datetime(2026, 5, 1) + timedelta(hours=n) for n in range(24 * 31))  # noqa: DTZ001
    assert [hour.hour for hour in hours if minute.may_hold(hour)] == [11, 12, 13, 14, 15]


@pytest.mark.parametrize(
    ("earned_on", "expiry", "last"),
    [
        ((2026, 1, 15), Expiry(12, at="month-end"), (2027, 1, 31)),
        ((2026, 1, 31), Expiry(1, at="month-end"), (2026, 2, 28)),
        ((2026, 1, 15), Expiry(12, at="day"), (2027, 1, 15)),
        ((2026, 1, 31), Expiry(1, at="day"), (2026, 3, 1)),
        ((2027, 12, 31), Expiry(2, at="day"), (2028, 3, 1)),
        ((2024, 2, 29), Expiry(12, at="day"), (2025, 3, 1)),
        ((2026, 12, 1), Expiry(1, at="month-end"), (2027, 1, 31)),
        ((2026, 2, 3), Expiry(0, at="month-end"), (2026, 2, 28)),
        ((2026, 2, 28), Expiry(0, at="month-end"), (2026, 2, 28)),
        ((2026, 6, 1), Expiry(0, at="year-end"), (2026, 12, 31)),
        ((2026, 12, 31), Expiry(0, at="year-end"), (2026, 12, 31)),
        ((2026, 6, 1), Expiry(6, at="year-end"), (2026, 12, 31)),
        ((2026, 6, 1), Expiry(7, at="year-end"), (2027, 12, 31)),
        ((9998, 12, 1), Expiry(24, at="year-end"), (9999, 12, 31)),
        ((9998, 1, 1), Expiry(1200, at="month-end"), (9999, 12, 31)),
        ((9998, 12, 1), Expiry(12, at="month-end"), (9999, 12, 31)),
        ((2028, 1, 31), Expiry(1, at="month-end"), (2028, 2, 29)),
        ((2028, 1, 31), Expiry(1, at="day"), (2028, 3, 1)),
        ((2028, 1, 30), Expiry(1, at="day"), (2028, 3, 1)),
        ((2028, 1, 29), Expiry(1, at="day"), (2028, 2, 29)),
        ((2027, 2, 28), Expiry(12, at="month-end"), (2028, 2, 29)),
        ((2027, 2, 28), Expiry(12, at="day"), (2028, 2, 28)),
        ((2024, 2, 29), Expiry(48, at="day"), (2028, 2, 29)),
        ((2096, 2, 29), Expiry(48, at="day"), (2100, 3, 1)),
        ((2026, 3, 31), Expiry(1, at="day"), (2026, 5, 1)),
    ],
)  # fmt: skip
@pytest.mark.edge_case(42)
def test_points_last_to_the_day_promised(
    earned_on: tuple[int, int, int], expiry: Expiry, last: tuple[int, int, int]
) -> None:
    assert expiry.last_day(date(*earned_on)) == date(*last)


ends = st.builds(Expiry, st.integers(1, 60), st.sampled_from(["day", "month-end", "year-end"]))
same_period = st.builds(Expiry, st.just(0), st.sampled_from(["month-end", "year-end"]))
days = st.dates(date(1990, 1, 1), date(2090, 1, 1))


@given(days, st.integers(0, 40), ends | same_period)
def test_what_is_earned_later_never_expires_earlier(day: date, later: int, expiry: Expiry) -> None:
    assert day <= expiry.last_day(day) <= expiry.last_day(day + timedelta(days=later))
    assert not expiry.months or day < expiry.last_day(day)


@given(days, st.integers(0, 400), ends | same_period)
def test_points_never_end_before_they_can_be_used(day: date, waits: int, expiry: Expiry) -> None:
    usable = day + timedelta(days=waits)
    last = expiry.last_day(day, usable)
    assert last >= usable
    assert last in {expiry.last_day(day), expiry.last_day(usable)}
