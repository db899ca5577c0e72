"""Fields that several channels share: moments, days and ids as the outside may write them."""

from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lepta.http.fields import day, opaque, rfc3339

OFFSETS = st.integers(-23 * 60 - 59, 23 * 60 + 59).map(lambda m: timezone(timedelta(minutes=m)))


@given(st.datetimes(timezones=OFFSETS))
def test_every_moment_is_read_back_from_what_iso_8601_writes(moment: datetime) -> None:
    assert rfc3339(moment.isoformat()) == moment
    assert rfc3339(moment.isoformat()).utcoffset() == moment.utcoffset()


@given(st.dates())
def test_every_day_is_read_back_from_what_iso_8601_writes(when: date) -> None:
    assert day(when.isoformat()) == when


def test_utc_may_be_a_z_of_either_case_and_fractions_end_at_microseconds() -> None:
    moment = datetime(2026, 11, 22, 18, 15, 3, 123456, tzinfo=UTC)
    assert rfc3339("2026-11-22T18:15:03.123456Z") == moment
    assert rfc3339("2026-11-22t18:15:03.123456789z") == moment


@pytest.mark.parametrize(
    "told",
    [
        "1700000000", "1700000000.5", 1700000000, None, "", "2026-11-22", "2026-11-22T18:15+07:00",
        "2026-11-22 18:15:00+07:00", "2026-11-22T18:15:00+0700", "2026-11-22T18:15:00+07",
        "2026-11-22T18:15:00", "2026-11-22T18:15:00Z\n", " 2026-11-22T18:15:00Z",
        "2026-02-30T18:15:00Z", "2026-11-22T24:00:00Z", "2026-11-22T18:15:61Z",
        "2026-11-22T18:15:00+24:00", "0000-01-01T00:00:00Z", "٢٠٢٦-11-22T18:15:00Z",
    ],
)  # fmt: skip
def test_what_is_not_rfc_3339_is_no_moment(told: object) -> None:
    with pytest.raises(ValueError, match=r"must|is not a time"):
        rfc3339(told)


@pytest.mark.parametrize(
    "told",
    ["1700006400", 20000, None, "2026-11-22T00:00:00Z", "20261122", "2026-02-30", "2026-W47-7"],
)
def test_what_is_not_year_month_day_is_no_day(told: object) -> None:
    with pytest.raises(ValueError, match=r"must|calendar"):
        day(told)


@pytest.mark.parametrize(
    "text", ["4600000000015", "Пельмени «Охотник» №1", "日本", "a b", "é" * 64]
)
def test_an_id_may_be_anything_that_is_seen(text: str) -> None:
    assert opaque(text) == text


@pytest.mark.parametrize(
    "hidden", [*"\0\t\n\x7f\x85\u00ad\u034f\u200b\u200e\u202e\u2066\u2028\u3164\ufeff"]
)
def test_an_id_hides_nothing(hidden: str) -> None:
    for text in (f"a{hidden}b", f"Я{hidden}", hidden):
        with pytest.raises(ValueError, match=f"{ord(hidden):04X}"):
            opaque(text)
