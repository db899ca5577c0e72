"""When a day has begun. Pure."""

from collections.abc import Collection
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

_LAST_ZONE = timedelta(hours=12)
"""At UTC-12 a date begins last of all."""


def begun_in_all(zones: Collection[str], now: datetime) -> date:
    """The newest date that has begun in each of these time zones; where none is named, everywhere on earth."""
    if not zones:
        return (now.astimezone(UTC) - _LAST_ZONE).date()
    return min(now.astimezone(ZoneInfo(zone)).date() for zone in zones)
