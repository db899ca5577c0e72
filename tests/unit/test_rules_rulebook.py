"""The rulebook: its chain, which version is in force when, and how few campaigns a basket costs."""

import hashlib
from datetime import UTC, datetime, timedelta
from itertools import permutations
from typing import Any

import orjson
import pytest

import make_rules as make
from lepta.errors import InvalidRequest
from lepta.rules import engine
from lepta.rules.effects import Earn
from lepta.rules.explanation import Why
from lepta.rules.rulebook import (
    EMPTY,
    Change,
    Ended,
    Paused,
    PublishedCampaign,
    PublishedProgramme,
    Rulebook,
)
from make_rules import codes, donated, earned, outcome

JUNE = datetime(2026, 6, 1, tzinfo=UTC)


def flat(points: int, **parts: Any) -> dict[str, Any]:
    return make.bonus("flat", {"points": points}, **parts)


def published(book: Rulebook, document: dict[str, Any], version: int, since: datetime) -> Rulebook:
    return book.extended(make.change(document, version=version, since=since))


def gives(book: Rulebook, at: datetime) -> dict[str, int]:
    return earned(outcome(book, make.facts(at=at.astimezone(make.NOVOSIBIRSK))))


def test_nothing_published_has_a_digest_of_zeros() -> None:
    assert (EMPTY.number, EMPTY.digest, EMPTY.campaigns) == (0, bytes(32), ())
    assert engine.match(EMPTY, make.facts()).candidates == ()
    assert outcome(EMPTY, make.facts()).effects == ()


def test_each_digest_stands_for_the_whole_chain() -> None:
    changes = [
        Change((PublishedProgramme("club", 1, None, make.PROGRAMME),)).canonical(),
        make.change(make.BASE, make.HUNTER),
        Change((Paused("base", JUNE),)).canonical(),
    ]
    book, digest = EMPTY, bytes(32)
    for number, change in enumerate(changes, start=1):
        book, digest = book.extended(change), hashlib.sha256(digest + change).digest()
        assert (book.number, book.digest) == (number, digest)


def test_a_change_is_canonical() -> None:
    since = datetime(2026, 6, 1, 12, 0, 0, 999_999, tzinfo=make.NOVOSIBIRSK)
    one = Change((PublishedCampaign("base", 2, since, make.BASE),)).canonical()
    other = Change(
        (PublishedCampaign("base", 2, since, dict(reversed(make.BASE.items()))),)
    ).canonical()
    assert one == other
    assert orjson.loads(one)["items"][0]["from"] == "2026-06-01T05:00:00Z"


def test_campaigns_are_numbered_by_their_first_publication() -> None:
    book = make.rulebook(make.HUNTER, make.BASE)
    book = published(book, make.HUNTER, 2, JUNE)
    assert book.campaigns == ("hunter-forest", "base")
    assert [book.number_of(name) for name in book.campaigns] == [0, 1]
    assert book.name_of(1) == "base"
    newest = book.campaign("hunter-forest")
    assert newest
    assert newest.version == 2
    assert book.campaign("nobody") is None


@pytest.mark.parametrize(
    ("day", "points"),
    [("2026-09-30", {}), ("2026-10-01", {"flat": 5}), ("2026-10-02", {})],
)
def test_a_first_version_is_in_force_while_it_is_active(day: str, points: dict[str, int]) -> None:
    active = {"from": "2026-10-01", "until": "2026-10-02"}
    book = make.rulebook(flat(5, active=active))
    midnight = datetime.fromisoformat(day).replace(tzinfo=make.NOVOSIBIRSK)
    assert gives(book, midnight) == points
    assert gives(book, midnight + timedelta(hours=23, minutes=59)) == points


def test_a_later_version_counts_from_its_publication_to_the_second() -> None:
    since = JUNE + timedelta(microseconds=700_000)
    book = published(make.rulebook(flat(5)), flat(7), 2, since)
    assert gives(book, JUNE - timedelta(microseconds=1)) == {"flat": 5}
    assert gives(book, JUNE) == {"flat": 7}


def test_a_pause_ends_with_the_next_version() -> None:
    book = make.rulebook(flat(5)).extended(Change((Paused("flat", JUNE),)).canonical())
    again = published(book, flat(5), 2, JUNE + timedelta(days=2))
    for rulebook, after in ((book, {}), (again, {"flat": 5})):
        assert gives(rulebook, JUNE - timedelta(seconds=1)) == {"flat": 5}
        assert gives(rulebook, JUNE + timedelta(days=1)) == {}
        assert gives(rulebook, JUNE + timedelta(days=3)) == after
    assert book.campaign_at("flat", JUNE) is None
    assert book.campaign("flat") is not None


def test_the_newest_publication_counts_from_its_beginning_on() -> None:
    book = published(make.rulebook(flat(5)), flat(7), 2, JUNE + timedelta(days=9))
    book = published(book, flat(6), 3, JUNE)
    assert gives(book, JUNE - timedelta(days=1)) == {"flat": 5}
    assert gives(book, JUNE + timedelta(days=1)) == {"flat": 6}
    assert gives(book, JUNE + timedelta(days=30)) == {"flat": 6}


def test_an_old_rulebook_goes_on_answering() -> None:
    old = make.rulebook(flat(5))
    published(old, flat(7), 2, JUNE)
    assert gives(old, JUNE + timedelta(days=1)) == {"flat": 5}


def test_a_version_is_found_by_what_it_is_about() -> None:
    first = flat(5, what={"skus": ["1"]})
    book = published(make.rulebook(first), flat(7, what={"categories": ["red"]}), 2, JUNE)
    book = published(book, flat(9), 3, JUNE + timedelta(days=9))
    lines = [make.line("1"), make.line("2", categories=["red"]), make.line("3")]
    for day, points, covered in ((-1, 5, [0]), (1, 7, [1]), (10, 9, [0, 1, 2])):
        at = (JUNE + timedelta(days=day)).astimezone(make.NOVOSIBIRSK)
        [effect] = outcome(book, make.facts(*lines, at=at)).effects
        assert effect.points == points
        assert isinstance(effect, Earn)
        assert [n for n, _ in effect.by_line] == covered


def test_a_superseded_version_costs_nothing_any_more() -> None:
    book = published(make.rulebook(flat(5)), flat(7, what={"skus": ["1"]}), 2, JUNE)
    for sku, visited in (("1", 1), ("2", 0)):
        assert engine.match(book, make.facts(make.line(sku))).visited == visited


def test_the_newest_limit_counts_for_late_events_too() -> None:
    old = {**make.HUNTER, "limits": {"units": 9, "per_card": 9}}
    budget = [{**make.HUNTER["funding"][0], "budget": {"money": 600}}, make.HUNTER["funding"][1]]
    book = make.rulebook({**old, "funding": budget})
    book = published(book, {**old, "limits": {"units": 1}}, 2, JUNE)
    late = make.facts(
        make.line(quantity="3"), at=(JUNE - timedelta(days=1)).astimezone(make.NOVOSIBIRSK)
    )
    assert donated(outcome(book, late)) == {"hunter-forest": 500}
    assert engine.match(book, late).counters == (
        "hunter-forest|card|ref-1",
        "hunter-forest|units",
        "hunter-forest|funder|hunter-foods|money",
    )


def test_a_funder_keeps_its_budget_when_a_new_version_leaves_it_out() -> None:
    budget = [{**make.HUNTER["funding"][0], "budget": {"money": 600}}, make.HUNTER["funding"][1]]
    alone = [{"party": "retail-nsk", "share": "1"}]
    book = published(
        make.rulebook({**make.HUNTER, "funding": budget}), {**make.HUNTER, "funding": alone}, 2, JUNE
    )  # fmt: skip
    assert dict(book.caps()) == {"hunter-forest|funder|hunter-foods|money": 600}
    before, after = JUNE - timedelta(days=1), JUNE + timedelta(days=1)
    for at, money in ((before, 1000), (after, 1500)):
        sale = make.facts(make.line(quantity="3"), at=at.astimezone(make.NOVOSIBIRSK))
        assert donated(outcome(book, sale)) == {"hunter-forest": money}


def test_a_programme_changes_from_its_publication() -> None:
    book = make.rulebook()
    later = {**make.PROGRAMME, "point_value": "0.20"}
    book = book.extended(Change((PublishedProgramme("club", 2, JUNE, later),)).canonical())
    assert book.programme("club", JUNE - timedelta(days=9999)).version == 1
    assert book.programme("club", JUNE).version == 2
    assert book.programmes["club"].version == 2
    with pytest.raises(KeyError):
        book.programme("other", JUNE)


def test_a_programmes_campaigns_do_not_fire_in_another_programmes_store() -> None:
    other = Change((PublishedProgramme("other", 1, None, make.PROGRAMME),)).canonical()
    book = make.rulebook(flat(5)).extended(other)
    book = book.extended(make.change(make.bonus("theirs", {"points": 9}, programme="other")))
    assert earned(outcome(book, make.facts())) == {"flat": 5}
    theirs = make.facts(store=make.store(programme="other"), choice=("flat", "school-1"))
    assert earned(outcome(book, theirs)) == {"theirs": 9}
    assert outcome(book, theirs).flags == ("unknown-campaign",)


def test_a_version_that_names_no_programme_stays_in_the_campaigns_own() -> None:
    other = Change((PublishedProgramme("other", 1, None, make.PROGRAMME),)).canonical()
    book = published(make.rulebook(flat(5)).extended(other), flat(7), 2, JUNE)
    assert dict(book.programmes_of_campaigns()) == {"flat": "club"}
    assert gives(book, JUNE) == {"flat": 7}


def test_a_faulty_document_never_gets_in() -> None:
    with pytest.raises(InvalidRequest):
        make.rulebook(make.bonus("b", {"points": "5"}))


@pytest.mark.edge_case(30)
def test_the_order_of_documents_never_matters() -> None:
    documents = [make.BASE, make.HUNTER, flat(5), make.bonus("x2", {"multiply": "2"})]
    sale = make.facts(make.line(), make.line("2", 7700))
    outcomes = []
    for order in permutations(documents):
        book = make.rulebook(*order)
        result = outcome(book, sale)
        outcomes.append((result.effects, result.consumed, list(codes(book, result).items())))
    assert all(one == outcomes[0] for one in outcomes)


@pytest.mark.parametrize("count", [0, 10, 1_000])
def test_only_campaigns_that_the_basket_touches_are_visited(count: int) -> None:
    others: list[dict[str, Any]] = [
        make.bonus(f"o-{n}", {"points": 1}, what=[{"skus": [f"x{n}"]}, {"brands": [f"x{n}"]}, {"categories": [f"x{n}"]}][n % 3])
        for n in range(count)
    ]  # fmt: skip
    others += [
        make.bonus(f"s-{n}", {"points": 1}, where={"stores": [f"s{n}"]}) for n in range(count)
    ]
    others += [
        make.bonus(f"t-{n}", {"points": 1}, schedule=[{"rrule": f"FREQ=MONTHLY;BYMONTHDAY={1 + n % 20}", "at": "12:00", "for": "PT1M"}])
        for n in range(count)
    ]  # fmt: skip
    others += [
        make.bonus(f"a-{n}", {"points": 1}, active={"until": "2026-11-22"}) for n in range(count)
    ]
    book = make.rulebook(make.BASE, make.HUNTER)
    if count:
        book = book.extended(make.change(*others))
    matched = engine.match(book, make.facts())
    assert matched.visited == 2
    assert len(matched.candidates) == 2


def test_a_shut_window_says_so_unless_there_are_very_many() -> None:
    tuesday = [{"rrule": "FREQ=WEEKLY;BYDAY=TU", "for": "P1D"}]
    book = make.rulebook(make.bonus("double-tuesday", {"points": 9}, schedule=tuesday))
    assert codes(book, outcome(book, make.facts())) == {"double-tuesday": Why.NOT_IN_SCHEDULE}
    on_tuesday = make.facts(at=make.AT + timedelta(days=2))
    assert earned(outcome(book, on_tuesday)) == {"double-tuesday": 9}
    many = [make.bonus(f"t-{n}", {"points": 9}, schedule=tuesday) for n in range(30)]
    assert outcome(book.extended(make.change(*many)), make.facts()).reasons == ()


def test_only_what_is_in_force_at_the_moment_says_that_its_window_is_shut() -> None:
    """Also within the hours in which it is paused, published anew or ended in some time zone."""
    tuesday = [{"rrule": "FREQ=WEEKLY;BYDAY=TU", "for": "P1D"}]
    first = flat(9, schedule=tuesday)
    elsewhere = flat(9, schedule=tuesday, where={"stores": ["nsk-08"]})
    noon, one, two = (make.AT + timedelta(hours=hours) for hours in (0, 1, 2))
    for item in (
        Paused("flat", one),
        Ended("flat", one),
        PublishedCampaign("flat", 2, one, elsewhere),
    ):
        book = make.rulebook(first).extended(Change((item,)).canonical())
        said = [codes(book, outcome(book, make.facts(at=at))) for at in (noon, one, two)]
        assert said == [{"flat": Why.NOT_IN_SCHEDULE}, {}, {}], item
    later = make.rulebook().extended(make.change(first, since=one))
    assert codes(later, outcome(later, make.facts(at=noon))) == {}
    assert codes(later, outcome(later, make.facts(at=one))) == {"flat": Why.NOT_IN_SCHEDULE}


def test_a_window_on_a_product_is_asked_when_the_product_is_bought() -> None:
    hour = [{"rrule": "FREQ=DAILY", "at": "18:00", "for": "PT1H"}]
    book = make.rulebook(flat(5, what={"skus": [make.DUMPLINGS]}, schedule=hour))
    assert gives(book, make.AT) == {"flat": 5}
    result = outcome(book, make.facts(at=make.AT + timedelta(hours=1)))
    assert codes(book, result) == {"flat": Why.NOT_IN_SCHEDULE}


def test_a_broken_clock_gives_nothing_instead_of_breaking() -> None:
    book = make.rulebook(flat(5, schedule=[{"rrule": "FREQ=DAILY", "for": "P31D"}]))
    for year in (1, 9999):
        at = datetime(year, 6, 1, tzinfo=make.NOVOSIBIRSK)
        assert outcome(book, make.facts(at=at)).effects == ()
