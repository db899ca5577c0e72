"""Watching for misuse: when a sale is suspicious, what it then does not get, and what a programme may ask for."""

import math
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import make_rules as make
from lepta.errors import InvalidRequest
from lepta.processing.release import released
from lepta.rules import engine, watch
from lepta.rules.explanation import Why
from lepta.rules.facts import Facts
from lepta.rules.programme import compile_programme
from lepta.rules.rulebook import Rulebook

NOVOSIBIRSK, BARNAUL = (55_03020, 82_92040), (53_34740, 83_77840)  # 195 km apart
PER_DAY: dict[str, Any] = {"sales_per_day": {"flag": 2, "cap": 3}}
APART: dict[str, Any] = {"two_places": {"minutes": 30, "kilometres": 100}}
BASE = make.bonus("base", {"points": 5})
FOREST = make.donation("forest", {"money": 100})


def club(said: dict[str, Any], *more: dict[str, Any]) -> Rulebook:
    return make.rulebook(BASE, FOREST, *more, club={"watch": said})


def sold(book: Rulebook, counts: dict[str, int], **sale: Any) -> engine.Outcome:
    """One sale, counted."""
    outcome = make.outcome(book, make.facts(**sale), counts)
    for counter, amount in outcome.consumed:
        counts[counter] = counts.get(counter, 0) + amount
    return outcome


def at(minutes: float, location: Any = None, region: str | None = "siberia") -> dict[str, Any]:
    """When, and where."""
    moment = make.AT + timedelta(minutes=minutes)
    return {"at": moment, "store": make.store(location=location, region=region)}


def test_a_programme_without_a_watch_counts_nothing() -> None:
    book = make.rulebook(BASE)
    assert engine.match(book, make.facts()).watch is None
    assert engine.match(book, make.facts()).counters == ()


def test_a_sale_without_a_card_is_not_watched() -> None:
    matched = engine.match(club(PER_DAY | APART), make.facts(card=False))
    assert (matched.watch, matched.counters) == (None, ())


def test_the_third_sale_of_a_day_is_flagged_and_the_fourth_earns_nothing() -> None:
    book, counts = club(PER_DAY), dict[str, int]()
    day = [sold(book, counts) for _ in range(5)]
    assert [o.flags for o in day] == [
        (), (), ("many-sales",), ("many-sales", "capped"), ("many-sales", "capped"),
    ]  # fmt: skip
    assert [make.earned(o) for o in day] == [{"base": 5}] * 3 + [{}] * 2
    assert [make.donated(o) for o in day] == [{"forest": 100}] * 5, "no fund pays for a cashier"
    assert make.codes(book, day[-1])["base"] == Why.CARD_CAPPED
    tomorrow = sold(book, counts, business_day=date(2026, 11, 23))
    assert (tomorrow.flags, make.earned(tomorrow)) == ((), {"base": 5})


@pytest.mark.parametrize(
    ("said", "flagged", "earning"),
    [({"flag": 1}, 2, 9), ({"cap": 1}, 2, 1), ({"flag": 1, "cap": 1}, 2, 1)],
)
def test_flag_and_cap_may_stand_alone(said: dict[str, int], flagged: int, earning: int) -> None:
    book, counts = club({"sales_per_day": said}), dict[str, int]()
    day = [sold(book, counts) for _ in range(9)]
    assert next(n for n, o in enumerate(day, 1) if "many-sales" in o.flags) == flagged
    assert sum(bool(make.earned(o)) for o in day) == earning


def test_what_is_not_earned_is_not_counted_as_given_and_its_visit_is() -> None:
    second = make.bonus("second", {"points": 1}, nth_visit=2, limits={"per_card": 9})
    book, counts = club({"sales_per_day": {"cap": 1}}, second), dict[str, int]()
    sold(book, counts)
    before = dict(counts)
    sold(book, counts, store=make.store(id="nsk-08"))
    changed = {
        counter.split("|")[1] for counter in counts if counts[counter] != before.get(counter)
    }
    assert changed == {"sales", "visits", "visit"}


@pytest.mark.parametrize(
    ("minutes", "there", "flagged"),
    [
        (30, BARNAUL, True), (30.02, BARNAUL, False), (-30, BARNAUL, True), (-31, BARNAUL, False),
        (0, BARNAUL, True), (5, NOVOSIBIRSK, False), (5, None, False),
    ],
)  # fmt: skip
def test_a_card_is_not_in_two_distant_stores_within_minutes(
    minutes: float, there: Any, flagged: bool
) -> None:
    book, counts = club(APART), dict[str, int]()
    assert sold(book, counts, **at(0, NOVOSIBIRSK)).flags == ()
    assert sold(book, counts, **at(minutes, there)).flags == (("two-places",) if flagged else ())


def test_it_is_the_latest_sale_by_its_own_time_that_a_sale_is_compared_with() -> None:
    book, counts = club(APART), dict[str, int]()
    sold(book, counts, **at(60, NOVOSIBIRSK))
    assert sold(book, counts, **at(0, BARNAUL)).flags == (), "a late one, an hour before"
    assert sold(book, counts, **at(20, BARNAUL)).flags == (), "the late one is not the latest"
    assert sold(book, counts, **at(70, NOVOSIBIRSK)).flags == ()
    assert sold(book, counts, **at(80, BARNAUL)).flags == ("two-places",)
    assert sold(book, counts, **at(90, BARNAUL)).flags == ()


@pytest.mark.parametrize(
    ("one", "other", "flagged"),
    [
        ((None, "siberia"), (None, "altai"), True),
        ((NOVOSIBIRSK, "siberia"), (None, "altai"), True),
        ((NOVOSIBIRSK, "siberia"), (NOVOSIBIRSK, "altai"), False),
        ((None, "siberia"), (None, "siberia"), False),
        ((None, None), (None, "altai"), False),
        ((None, "siberia"), (None, None), False),
    ],
)
def test_regions_tell_where_a_location_does_not_if_the_programme_says_so(
    one: Any, other: Any, flagged: bool
) -> None:
    said = {"minutes": 30, "kilometres": 100}
    for regions in (True, False):
        book, counts = club({"two_places": {**said, "regions": regions}}), dict[str, int]()
        sold(book, counts, **at(0, *one))
        flags = sold(book, counts, **at(1, *other)).flags
        assert flags == (("two-places",) if flagged and regions else ())


@pytest.mark.parametrize("block", ["none", "redeem", "all"])
def test_what_is_blocked_is_the_programmes_to_say(block: str) -> None:
    said = {"two_places": {**APART["two_places"], "block": block}}
    book, counts = club(said), dict[str, int]()
    sold(book, counts, **at(0, NOVOSIBIRSK))
    matched = engine.match(book, make.facts(**at(1, BARNAUL)))
    assert matched.watch is not None
    suspicion = matched.watch.look(counts)
    assert suspicion.blocks_spending == ("two-places" if block != "none" else "")
    assert make.earned(sold(book, counts, **at(1, BARNAUL))) == ({} if block == "all" else {"base": 5})  # fmt: skip


@pytest.mark.parametrize(("minutes", "fresh"), [(0, True), (60, True), (61, False), (None, False)])
def test_a_card_is_fresh_for_so_many_minutes(minutes: int | None, fresh: bool) -> None:
    book = club({"after_activation": {"minutes": 60, "block": "redeem"}})
    sale = make.facts()
    assert sale.shopper is not None
    sale = replace(sale, shopper=replace(sale.shopper, active_minutes=minutes))
    matched = engine.match(book, sale)
    assert matched.watch is not None
    suspicion = matched.watch.look({})
    assert (suspicion.is_fresh, suspicion.blocks_spending) == (fresh, "spent-at-once" if fresh else "")  # fmt: skip
    assert matched.counters == ()


def test_no_void_and_no_return_takes_a_sale_out_of_what_is_watched() -> None:
    book, counts = club(PER_DAY | APART), dict[str, int]()
    outcome = sold(book, counts, **at(0, NOVOSIBIRSK))
    used = [(c, n) for c, n in outcome.consumed if c.split("|")[1] in watch.COUNTED]
    assert len(used) == 4
    assert released(used, {}, ended=True) == []


moments = st.integers(0, 200)
places = st.sampled_from([None, NOVOSIBIRSK, BARNAUL])


@given(st.lists(st.tuples(moments, places), min_size=1, max_size=30))
def test_counters_never_fall_below_one_and_say_where_the_latest_sale_was(
    sales: list[tuple[int, Any]],
) -> None:
    book, counts = club(APART | PER_DAY), dict[str, int]()
    for minutes, place in sales:
        sold(book, counts, **at(minutes, place))
        assert all(count >= 1 for count in counts.values())
    latest = max(minutes for minutes, _ in sales)
    (seen,) = [n for counter, n in counts.items() if counter.split("|")[1] == "seen"]
    assert seen == int((make.AT + timedelta(minutes=latest)).timestamp())


def _kilometres(one: Any, other: Any) -> float:
    """The great circle, by the haversine formula."""
    (a, b), (c, d) = [[math.radians(part / 10**5) for part in place] for place in (one, other)]
    h = math.sin((c - a) / 2) ** 2 + math.cos(a) * math.cos(c) * math.sin((d - b) / 2) ** 2
    return 2 * 6_371 * math.asin(math.sqrt(h))


latitudes = st.integers(-70 * 10**5, 70 * 10**5)
longitudes = st.integers(-180 * 10**5, 180 * 10**5)
steps = st.integers(-4 * 10**5, 4 * 10**5)


@given(latitudes, longitudes, steps, steps)
def test_distances_are_those_of_the_globe_within_a_percent(
    latitude: int, longitude: int, north: int, east: int
) -> None:
    turned = (longitude + east + 180 * 10**5) % (360 * 10**5) - 180 * 10**5
    one, other = (latitude, longitude), (latitude + north, turned)
    exact = _kilometres(one, other)
    if not 2 <= exact <= 500:
        return
    assert watch.is_beyond(one, other, math.floor(exact * 0.985))
    assert not watch.is_beyond(one, other, math.ceil(exact * 1.015) + 1)
    assert watch.is_beyond(one, other, 10) == watch.is_beyond(other, one, 10)


@given(st.integers(-90 * 10**5, 90 * 10**5), longitudes)
def test_a_place_is_read_as_it_was_written(latitude: int, longitude: int) -> None:
    code = watch._code((latitude, longitude))
    assert watch._location(code) == (latitude, longitude)
    assert watch.UNKNOWN < code < 2**62


@pytest.mark.parametrize(
    ("text", "told"),
    [("0", 0), ("-0.00001", -1), ("82.9204", 8_292_040), ("55.030204999", 5_503_020)],
)
def test_degrees_are_read_exactly(text: str, told: int) -> None:
    assert watch.degrees(text) == told


@pytest.mark.parametrize("text", ["", "1,5", "1e2", "+1", "1.", ".5", "١", "1234", "nan"])
def test_what_is_no_decimal_is_no_degree(text: str) -> None:
    with pytest.raises(ValueError, match="write degrees"):
        watch.degrees(text)


@pytest.mark.parametrize(
    ("said", "path", "because"),
    [
        ({}, "watch", "watches nothing"),
        ({"sales_per_day": {}}, "watch.sales_per_day", "says nothing"),
        ({"sales_per_day": {"flag": 5, "cap": 4}}, "watch.sales_per_day", "cap is below flag"),
        ({"sales_per_day": {"flag": 0}}, "watch.sales_per_day.flag", "raise it"),
        ({"two_places": {"minutes": 30}}, "watch.two_places", "what is distant"),
        ({"two_places": {"kilometres": 5}}, "watch.two_places.minutes", "is missing"),
        ({"two_places": {"minutes": 1, "kilometres": 0}}, "watch.two_places.kilometres", "raise it"),
        ({"two_places": {"minutes": 1, "regions": True, "block": "earn"}}, "watch.two_places.block", "write one of"),
        ({"after_activation": {"minutes": 60, "block": "all"}}, "watch.after_activation.block", "write one of"),
        ({"after_activation": {"minutes": 20_000}}, "watch.after_activation.minutes", "lower it"),
        ({"distance": {"minutes": 3}}, "watch.distance", "unknown field"),
    ],
)  # fmt: skip
def test_a_watch_that_cannot_work_is_refused_with_its_place_and_a_remedy(
    said: dict[str, Any], path: str, because: str
) -> None:
    with pytest.raises(InvalidRequest) as refused:
        compile_programme("club", {"name": "Club", "currency": "RUB", "watch": said})
    (fault,) = refused.value.members["errors"]
    assert (fault["path"], because in fault["reason"]) == (path, True), fault


def test_facts_of_a_sale_have_no_personal_data_for_it() -> None:
    sale: Facts = make.facts(**at(0, NOVOSIBIRSK))
    assert sale.store.location == NOVOSIBIRSK
    assert isinstance(sale.at, datetime)
