"""When a day of lots has begun: in all stores of a programme, whatever their zones and their clocks do."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lepta.due.days import begun_in_all
from lepta.processing.lot_days import newest_day

FIRST, LAST = "Pacific/Kiritimati", "Pacific/Pago_Pago"
"""UTC+14 and UTC-11: where a date begins first, and where it does last of all zones that people live in."""
ZONES = (FIRST, "Pacific/Chatham", "Asia/Kolkata", "Europe/Moscow", "Europe/Berlin", "America/St_Johns", LAST)  # fmt: skip


@pytest.mark.parametrize(
    ("zones", "now", "begun"),
    [
        ([FIRST], "2026-12-31T09:59:59Z", "2026-12-31"),
        ([FIRST], "2026-12-31T10:00:00Z", "2027-01-01"),
        ([LAST], "2027-01-01T10:59:59Z", "2026-12-31"),
        ([FIRST, LAST], "2027-01-01T10:59:59Z", "2026-12-31"),
        ([FIRST, LAST], "2027-01-01T11:00:00Z", "2027-01-01"),
        ([], "2027-01-01T11:59:59Z", "2026-12-31"),
        ([], "2027-01-01T12:00:00Z", "2027-01-01"),
    ],
)
def test_a_day_has_begun_when_it_has_in_the_last_of_the_stores(
    zones: list[str], now: str, begun: str
) -> None:
    assert begun_in_all(zones, datetime.fromisoformat(now)) == date.fromisoformat(begun)


@pytest.mark.parametrize(
    ("zone", "before", "at"),
    [
        # Clocks in Beirut go forward at midnight: the day begins at one.
        ("Asia/Beirut", "2026-03-28T21:59:59Z", "2026-03-28T22:00:00Z"),
        # In Havana they go back from one to midnight: the day begins at the first of two midnights.
        ("America/Havana", "2026-11-01T03:59:59Z", "2026-11-01T04:00:00Z"),
    ],
)
def test_a_day_begins_once_where_clocks_change_at_midnight(zone: str, before: str, at: str) -> None:
    moment = datetime.fromisoformat(at)
    begun = begun_in_all([zone], moment)
    assert begun_in_all([zone], datetime.fromisoformat(before)) == begun - timedelta(1)
    later = [begun_in_all([zone], moment + timedelta(minutes=step)) for step in range(0, 180, 10)]
    assert set(later) == {begun}


moments = st.integers(0, 3 * 365 * 86_400).map(
    lambda seconds: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
)


@given(st.lists(st.sampled_from(ZONES), min_size=1), moments)
def test_what_has_begun_in_all_is_over_nowhere_ahead_and_told_nowhere_early(
    zones: list[str], now: datetime
) -> None:
    begun = begun_in_all(zones, now)
    local = [now.astimezone(ZoneInfo(zone)).date() for zone in zones]
    assert begun in local
    assert all(begun <= each for each in local)
    assert begun_in_all([], now) <= begun <= newest_day(now)
