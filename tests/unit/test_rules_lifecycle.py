"""Draft, published, paused, ended; versions that wait for their day; old rulebooks that go on answering."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import make_rules as make
from lepta.rules.lifecycle import Life, Word, life_of
from lepta.rules.rulebook import (
    EMPTY,
    Change,
    Ended,
    Item,
    Paused,
    PublishedCampaign,
    PublishedProgramme,
    Rulebook,
)
from make_rules import earned, outcome

JUNE = datetime(2026, 6, 1, tzinfo=UTC)
NEVER = datetime(2999, 1, 1, tzinfo=UTC)


def flat(points: int = 5, **parts: Any) -> dict[str, Any]:
    return make.bonus("flat", {"points": points}, **parts)


def day(n: int) -> datetime:
    return JUNE + timedelta(days=n)


def version(number: int, since: datetime | None = None, **parts: Any) -> PublishedCampaign:
    return PublishedCampaign("flat", number, since, flat(number, **parts))


def told(*items: Item) -> Rulebook:
    book = make.rulebook()
    for item in items:
        book = book.extended(Change((item,)).canonical())
    return book


def gives(book: Rulebook, at: datetime) -> int:
    return earned(outcome(book, make.facts(at=at.astimezone(make.NOVOSIBIRSK)))).get("flat", 0)


@pytest.mark.parametrize(
    ("items", "state", "in_force"),
    [
        ([], "draft", None),
        ([version(1)], "published", 1),
        ([version(1, day(9))], "published", None),
        ([version(1, active={"from": "2027-01-01"})], "published", 1),
        ([version(1, active={"until": "2026-06-01"})], "ended", None),
        ([version(1, active={"until": "2026-06-02"})], "published", 1),
        ([version(1), Paused("flat", day(-1))], "paused", None),
        ([version(1), Paused("flat", day(-2)), version(2, day(-1))], "published", 2),
        ([version(1), Paused("flat", day(-2)), version(2, day(1))], "paused", None),
        ([version(1), version(2, day(1)), Paused("flat", day(-1))], "paused", None),
        ([version(1, active={"until": "2026-06-01"}), version(2, day(3))], "published", 1),
        ([version(1, active={"until": "2026-05-01"}), Paused("flat", day(-60))], "ended", None),
        ([version(1), version(2, day(1), active={"until": "2026-05-01"})], "published", 1),
        ([version(1), Ended("flat", day(-1))], "ended", None),
        ([version(1), version(2, NEVER), Ended("flat", day(-1))], "ended", None),
        ([version(1), Paused("flat", day(-2)), Ended("flat", day(-1))], "ended", None),
    ],
)
def test_where_a_campaign_stands(items: list[Item], state: str, in_force: int | None) -> None:
    now = JUNE + timedelta(hours=12, minutes=30)
    life = life_of(told(*items), "flat", now)
    assert (life.state, life.in_force) == (state, in_force)


def test_a_last_day_is_over_when_it_is_over_everywhere() -> None:
    book = told(version(1, active={"until": "2026-06-01"}))
    noon = JUNE + timedelta(hours=12)
    assert life_of(book, "flat", noon - timedelta(seconds=1)).state == "published"
    assert life_of(book, "flat", noon).state == "ended"


def test_every_word_is_told_in_the_order_of_publication() -> None:
    book = told(version(1), version(2, day(9)), Paused("flat", day(1)), Ended("flat", day(2)))
    assert life_of(book, "flat", day(3)) == Life(
        "ended",
        None,
        (
            Word("published", 1, None),
            Word("published", 2, day(9)),
            Word("paused", None, day(1)),
            Word("ended", None, day(2)),
        ),
    )


@pytest.mark.edge_case(59)
def test_what_has_ended_still_decides_what_was_sold_before() -> None:
    book = told(version(1), version(2, day(9)), Ended("flat", day(5)))
    assert [gives(book, day(n)) for n in (4, 5, 6, 9, 99)] == [1, 0, 0, 0, 0]


@pytest.mark.parametrize(
    "item", [version(2, day(9)), Paused("flat", day(9)), Ended("flat", day(9))]
)
def test_nothing_follows_an_end(item: Item) -> None:
    with pytest.raises(AssertionError, match="has ended"):
        told(version(1), Ended("flat", day(5)), item)


moments = st.integers(-40, 40)
words = st.lists(st.tuples(st.sampled_from(["publish", "publish", "pause"]), moments), max_size=6)


@given(words, st.none() | moments, moments)
def test_at_any_time_the_last_word_that_has_begun_counts(
    told_later: list[tuple[str, int]], end: int | None, asked: int
) -> None:
    items: list[Item] = [version(1)]
    items += [
        version(n, day(when)) if word == "publish" else Paused("flat", day(when))
        for n, (word, when) in enumerate(told_later, start=2)
    ]
    if end is not None:
        items.append(Ended("flat", day(end)))
    last = [item for item in items if item.from_at is None or item.from_at <= day(asked)][-1]
    expected = last.version if isinstance(last, PublishedCampaign) else 0
    book = told(*items)
    assert gives(book, day(asked)) == expected
    life = life_of(book, "flat", day(asked))
    assert life.in_force == (expected or None) or life.state == "ended"


@given(words, moments)
def test_every_rulebook_of_the_chain_can_be_made_again_and_decides_as_it_did(
    told_later: list[tuple[str, int]], asked: int
) -> None:
    """By its number: the first so many changes, in order."""
    items: list[Item] = [version(1)]
    items += [
        version(n, day(when)) if word == "publish" else Paused("flat", day(when))
        for n, (word, when) in enumerate(told_later, start=2)
    ]
    changes = [make_programme(), *(Change((item,)).canonical() for item in items)]
    then, decided = EMPTY, []
    for change in changes:
        then = then.extended(change)
        decided.append((then.number, then.digest, gives(then, day(asked))))
    for number, digest, points in decided:
        again = EMPTY
        for change in changes[:number]:
            again = again.extended(change)
        assert (again.number, again.digest, gives(again, day(asked))) == (number, digest, points)


def make_programme() -> bytes:
    return Change((PublishedProgramme("club", 1, None, make.PROGRAMME),)).canonical()
