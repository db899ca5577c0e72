"""The days around a birthday: `{days_before: 3, days_after: 3}`, by the store's calendar.

Whoever was born on 29 February celebrates on 28 February in years that have no 29th.
"""

from collections.abc import Iterable
from datetime import date

Span = tuple[int, int]
"""(days before, days after) the birthday that count, too."""


def spans_around(birthday: date, today: date, spans: Iterable[Span]) -> tuple[Span, ...]:
    """Those of `spans`, rising, in which `today` lies, whatever the year of birth; a span may reach over New Year."""
    if not date.min.year < today.year < date.max.year:
        return ()
    last, following = _in_year(birthday, today.year), _in_year(birthday, today.year + 1)
    if last > today:
        last, following = _in_year(birthday, today.year - 1), last
    since, until = (today - last).days, (following - today).days
    return tuple(sorted([span for span in spans if until <= span[0] or since <= span[1]]))


def _in_year(birthday: date, year: int) -> date:
    try:
        return birthday.replace(year=year)
    except ValueError:
        return date(year, 2, 28)
