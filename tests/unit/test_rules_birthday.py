"""Days around a birthday: which they are, who gets to know of them, and that the birthday itself is told to nobody."""

from datetime import date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import make
import make_rules
from lepta.processing.sight import see
from lepta.processing.state import ShopperRecord
from lepta.rules.asks import NOTHING
from lepta.rules.birthday import spans_around
from lepta.rules.explanation import Why
from lepta.rules.facts import Shopper
from make_rules import codes, earned, outcome

SPAN = (3, 3)


def treat(campaign: str = "treat", points: int = 50, **birthday: int) -> dict[str, Any]:
    return {
        "campaign": campaign,
        "programme": "club",
        "kind": "bonus",
        "effect": {"earn": {"points": points}, "birthday": birthday},
    }


THREE = treat(days_before=3, days_after=3)


@pytest.mark.parametrize(
    ("birthday", "today", "holds"),
    [
        ("1990-05-04", "2026-05-01", True),
        ("1990-05-04", "2026-04-30", False),
        ("1990-05-04", "2026-05-07", True),
        ("1990-05-04", "2026-05-08", False),
        ("1990-01-02", "2025-12-30", True),
        ("1990-01-02", "2025-12-29", False),
        ("1990-12-30", "2026-01-02", True),
        ("1990-12-30", "2026-01-03", False),
        # Born on 29 February: in 2026 it is the 28th, in 2028 the 29th.
        ("1992-02-29", "2026-02-25", True),
        ("1992-02-29", "2026-02-24", False),
        ("1992-02-29", "2026-03-03", True),
        ("1992-02-29", "2026-03-04", False),
        ("1992-02-29", "2028-02-25", False),
        ("1992-02-29", "2028-03-03", True),
        # The year of birth says nothing: offices write one that has not come yet, too.
        ("2030-05-04", "2026-05-04", True),
    ],
)
def test_days_count_by_the_calendar_over_new_year_and_leap_days(
    birthday: str, today: str, *, holds: bool
) -> None:
    found = spans_around(date.fromisoformat(birthday), date.fromisoformat(today), [SPAN])
    assert found == ((SPAN,) if holds else ())


def test_the_ends_of_the_calendar_are_nobodys_birthday() -> None:
    for day in (date.min, date.max):
        assert spans_around(day, day, [SPAN]) == ()


def _celebrates(birthday: date, day: date) -> bool:
    if (birthday.month, birthday.day) == (2, 29) and day.year % 4:
        return (day.month, day.day) == (2, 28)
    return (day.month, day.day) == (birthday.month, birthday.day)


spans = st.tuples(st.integers(0, 365), st.integers(0, 365)).filter(lambda s: sum(s) <= 365)


@given(
    st.dates(date(1930, 1, 1), date(2020, 1, 1)) | st.just(date(1992, 2, 29)),
    st.dates(date(2020, 1, 1), date(2032, 1, 1)),
    st.sets(spans, max_size=4),
)
def test_a_span_holds_where_a_birthday_lies_within_it(
    birthday: date, today: date, asked: set[tuple[int, int]]
) -> None:
    expected = [
        (before, after)
        for before, after in sorted(asked)
        if any(_celebrates(birthday, today + timedelta(n)) for n in range(-after, before + 1))
    ]
    assert spans_around(birthday, today, asked) == tuple(expected)


def test_a_birthday_bonus_is_earned_around_the_birthday_only() -> None:
    book = make_rules.rulebook(THREE, treat("day", 9))
    for held, points, why in (
        ((), {}, (Why.NOT_BIRTHDAY, Why.NOT_BIRTHDAY)),
        ((SPAN,), {"treat": 50}, (Why.AMOUNT, Why.NOT_BIRTHDAY)),
        (((0, 0), SPAN), {"treat": 50, "day": 9}, (Why.AMOUNT, Why.AMOUNT)),
    ):
        result = outcome(book, make_rules.facts(shopper=Shopper("r", birthdays=held)))
        assert earned(result) == points
        assert codes(book, result) == dict(zip(("treat", "day"), why, strict=True))
    anonymous = outcome(book, make_rules.facts(card=False))
    assert set(codes(book, anonymous).values()) == {Why.NEEDS_CARD}


def test_a_donation_may_celebrate_too_and_needs_a_card_then() -> None:
    gift = make_rules.donation("gift", {"money": 500})
    gift["effect"]["birthday"] = {"days_before": 3, "days_after": 3}
    book = make_rules.rulebook(gift)
    assert codes(book, outcome(book, make_rules.facts(card=False))) == {"gift": Why.NEEDS_CARD}
    celebrating = make_rules.facts(shopper=Shopper("r", birthdays=(SPAN,)))
    assert make_rules.donated(outcome(book, celebrating)) == {"gift": 500}


def pyotr(born: str | None = "1990-11-22", joined: str | None = "2026-11-01") -> ShopperRecord:
    days = [date.fromisoformat(day) if day else None for day in (born, joined)]
    return make.shopper()._replace(birthday=days[0], joined_on=days[1])


def test_facts_hold_what_campaigns_ask_about_and_nothing_else() -> None:
    records, sale = make.Office(), make.checkout()
    for book, held in (
        (make.rulebook(make.BASE), ()),
        (make.rulebook(make.BASE, THREE), (SPAN,)),
        (make.rulebook(THREE, treat("day", 9), treat("never", days_before=0)), ((0, 0), SPAN)),
    ):
        member = see(sale, records, pyotr(), book).member
        assert member
        assert (member.birthdays, member.joined_days) == (held, None)
        assert b"1990" not in see(sale, records, pyotr(), book).to_bytes()
    blocked = pyotr()._replace(status="blocked")
    seen = see(sale, records, blocked, make.rulebook(THREE)).member
    assert seen
    assert seen.birthdays == ()
    unknown = see(sale, records, pyotr(born=None), make.rulebook(THREE)).member
    assert unknown
    assert unknown.birthdays == ()


def test_the_day_is_that_of_the_store() -> None:
    """In Novosibirsk it is the 23rd already."""
    late = make.checkout(occurred_at="2026-11-22T17:00:00+00:00")
    day = make.rulebook(treat("day", 9))
    for born, held in (("1990-11-22", ()), ("1990-11-23", ((0, 0),))):
        member = see(late, make.Office(), pyotr(born), day).member
        assert member
        assert member.birthdays == held


def test_what_one_version_asked_is_asked_for_good_and_of_its_programme_alone() -> None:
    book = make_rules.rulebook(THREE)
    since = datetime(2026, 6, 1, tzinfo=make_rules.NOVOSIBIRSK)
    newer = book.extended(make_rules.change(treat(days_before=7), version=2, since=since))
    assert book.asks("club").birthdays == {SPAN}
    assert newer.asks("club").birthdays == {SPAN, (7, 0)}
    assert newer.asks("other") == NOTHING
    assert make_rules.rulebook(make_rules.BASE).asks("club") == NOTHING


def test_a_sale_around_the_birthday_earns_more_and_its_facts_say_so_for_good() -> None:
    at = make.state(make.rulebook(make.BASE, THREE), [pyotr()])
    decision = make.accepted(make.checkout(), at)
    assert {e.campaign: e.points for e in decision.recorded.outcome.earned} == {
        "base": 12,
        "treat": 50,
    }
    other = make.state(make.rulebook(make.BASE, THREE), [pyotr(born="1990-05-04")])
    assert [e.campaign for e in make.accepted(make.checkout(), other).recorded.outcome.earned] == ["base"]  # fmt: skip


@pytest.mark.parametrize(
    ("joined", "days", "why"),
    [
        ("2026-11-01", 21, Why.AMOUNT),
        ("2026-11-02", 20, Why.CONDITION_FALSE),
        ("2026-12-24", 0, Why.CONDITION_FALSE),
        (None, None, Why.CONDITION_UNKNOWN),
    ],
)
def test_a_condition_may_ask_for_the_days_since_joining(
    joined: str | None, days: int | None, why: Why
) -> None:
    loyal = {**make.BASE, "campaign": "loyal", "when": "member.days_since_joining >= 21"}
    at = make.state(make.rulebook(loyal), [pyotr(joined=joined)])
    recorded = make.accepted(make.checkout(), at).recorded
    assert recorded.seen.member
    assert recorded.seen.member.joined_days == days
    assert recorded.outcome.reasons[0].code == why
