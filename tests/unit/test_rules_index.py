"""The index: cost follows what the basket touches, and nothing that would fire is ever missed."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import make_rules as make
from lepta.rules import engine
from lepta.rules.explanation import Why
from lepta.rules.index import CROWDED, Draft, Index
from lepta.rules.rulebook import Rulebook
from make_rules import codes, earned, outcome

NOON = [{"rrule": "FREQ=MONTHLY;BYMONTHDAY=1", "at": "12:00", "for": "PT1M"}]
MILK = make.line("1", categories=["milk"], brand="dairy-farm")


def flat(name: str, **parts: Any) -> dict[str, Any]:
    return make.bonus(name, {"points": 1}, stacking={"group": name}, **parts)


OTHERS: dict[str, Any] = {
    "other products": lambda n: {"what": {"skus": [f"x{n}"]}},
    "other brands": lambda n: {"what": {"brands": [f"x{n}"]}},
    "other categories": lambda n: {"what": {"categories": [f"x{n}"]}},
    "other stores": lambda n: {"where": {"stores": [f"x{n}"]}},
    "other regions": lambda n: {"where": {"regions": [f"x{n}"]}},
    "other retailers": lambda n: {"where": {"retailers": [f"x{n}"]}},
    "shut": lambda _: {"schedule": NOON},
    "over": lambda _: {"active": {"until": "2026-11-22"}},
    "to come": lambda _: {"active": {"from": "2026-11-23"}},
    "this product in other stores": lambda n: {"what": {"skus": ["1"]}, "where": {"stores": [f"x{n}"]}},
    "this product in other regions": lambda n: {"what": {"skus": ["1"]}, "where": {"regions": [f"x{n}"]}},
    "this category at other retailers": lambda n: {"what": {"categories": ["milk"]}, "where": {"retailers": [f"x{n}"]}},
    "this product, shut": lambda _: {"what": {"skus": ["1"]}, "schedule": NOON},
    "this brand, over": lambda _: {"what": {"brands": ["dairy-farm"]}, "active": {"until": "2026-11-22"}},
    "this category, to come": lambda _: {"what": {"categories": ["milk"]}, "active": {"from": "2026-11-23"}},
}  # fmt: skip
TOUCHED = [
    flat("by-sku", what={"skus": ["1"]}),
    flat("by-brand", what={"brands": ["dairy-farm"]}),
    flat("by-category", what={"categories": ["milk"]}),
    flat("by-store", where={"stores": ["nsk-07"]}),
    flat("by-region", where={"regions": ["siberia"]}),
    flat("by-retailer", where={"retailers": ["retail-nsk"]}),
    flat("by-all", where={"retailers": ["retail-nsk"], "regions": ["siberia"], "stores": ["nsk-07"]}),
    flat("by-place-and-product", what={"skus": ["1"]}, where={"stores": ["nsk-07"]}),
    flat("open", schedule=[{"rrule": "FREQ=DAILY", "at": "18:00", "for": "PT1H"}]),
    flat("everywhere"),
]  # fmt: skip


@pytest.mark.parametrize("count", [0, 100, 1_000, 10_000])
@pytest.mark.edge_case(32)
def test_only_campaigns_that_the_basket_touches_are_visited(count: int) -> None:
    sorts = [*OTHERS.values()]
    others = [flat(f"o-{n}", **sorts[n % len(sorts)](n)) for n in range(count)]
    book = make.rulebook().extended(make.change(*TOUCHED, *others))
    sale = make.facts(MILK)
    assert set(earned(outcome(book, sale))) == {document["campaign"] for document in TOUCHED}
    # What few share with the basket's goods is looked at, so that the explanation can say why not.
    few = 6 * CROWDED if count <= 100 else 0
    assert len(TOUCHED) <= engine.match(book, sale).visited <= len(TOUCHED) + few


@pytest.mark.parametrize("sort", OTHERS)
def test_of_a_thousand_others_of_one_sort_none_is_visited(sort: str) -> None:
    book = make.rulebook().extended(make.change(*(flat(f"o-{n}", **OTHERS[sort](n)) for n in range(1_000))))  # fmt: skip
    for hours in (0, 1, 24):
        matched = engine.match(book, make.facts(MILK, at=make.AT + timedelta(hours=hours)))
        assert matched.visited == (1_000 if sort in {"to come", "this category, to come"} and hours == 24 else 0)  # fmt: skip


def test_of_few_campaigns_on_a_product_those_of_other_stores_say_so() -> None:
    book = make.rulebook(flat("theirs", what={"skus": ["1"]}, where={"stores": ["x"]}))
    assert codes(book, outcome(book, make.facts(MILK))) == {"theirs": Why.OTHER_STORE}


def test_a_thousand_stores_in_one_hour_share_what_is_worked_out_for_all() -> None:
    asked: list[int] = []

    class Counting(Index):
        def _shelf(self, name: Any, place: Any, tracks: Any, at: Any) -> Any:
            before = len(self._shelves)
            shelf = super()._shelf(name, place, tracks, at)
            asked.append(len(tracks) if len(self._shelves) > before else 0)
            return shelf

    many = [flat(f"t-{n}", schedule=NOON) for n in range(1_000)]
    book = make.rulebook().extended(make.change(*many))
    index = Counting(book.index("club")._files)
    for n in range(1_000):
        index.touched(make.facts(MILK, store=make.store(id=f"s{n}")), [0])
    assert sum(asked) == 1_000


def test_publishing_one_more_leaves_what_it_does_not_touch_alone() -> None:
    book = make.rulebook().extended(make.change(*(flat(f"c-{n}", what={"skus": [f"x{n}"]}) for n in range(1_000))))  # fmt: skip
    more = book.extended(make.change(flat("more", where={"stores": ["nsk-07"]})))
    before, after = book.index("club"), more.index("club")
    assert after.sku is before.sku
    assert after.brand is before.brand
    assert [more.campaign(f"c-{n}") is book.campaign(f"c-{n}") for n in range(1_000)] == [True] * 1_000  # fmt: skip
    assert Draft(after).index().sku is before.sku


places = st.fixed_dictionaries(
    {},
    optional={
        "stores": st.lists(st.sampled_from(["nsk-07", "msk-01", "x"]), min_size=1, max_size=2, unique=True),
        "regions": st.lists(st.sampled_from(["siberia", "moscow"]), min_size=1, max_size=2, unique=True),
        "retailers": st.lists(st.sampled_from(["retail-nsk", "dairy"]), min_size=1, max_size=2, unique=True),
    },
)  # fmt: skip
goods = st.sampled_from(
    [{}, {"skus": ["1"]}, {"skus": ["1", "2"]}, {"brands": ["dairy-farm"]}, {"categories": ["milk"]},
     {"categories": ["milk", "bread"], "brands": ["dairy-farm"]}, {"exclude": {"skus": ["1"]}}]
)  # fmt: skip
schedules = st.lists(
    st.fixed_dictionaries(
        {
            "rrule": st.sampled_from(["FREQ=DAILY", "FREQ=WEEKLY;BYDAY=SU", "FREQ=MONTHLY;BYMONTHDAY=23"]),
            "at": st.sampled_from(["00:00", "17:30", "23:00"]),
            "for": st.sampled_from(["PT30M", "PT2H", "P1D"]),
        }
    ),
    max_size=1,
)  # fmt: skip
dates = st.sampled_from([{}, {"until": "2026-11-22"}, {"until": "2026-11-23"}, {"from": "2026-11-22"}, {"from": "2026-11-23"}])  # fmt: skip
stores = st.sampled_from(
    [make.store(), make.store(id="msk-01", region="moscow"), make.store(id="x", region=None), make.store(id="y", retailer="dairy")]
)  # fmt: skip
moments = st.datetimes(datetime(2026, 11, 21), datetime(2026, 11, 24))  # noqa: DTZ001 - a wall clock
zones = st.sampled_from(["Asia/Novosibirsk", "America/St_Johns", "Pacific/Kiritimati"])
baskets = st.lists(
    st.sampled_from([MILK, make.line("2"), make.line("3", categories=["bread", "milk"])]), min_size=1, max_size=3
)  # fmt: skip


@st.composite
def lives(draw: st.DrawFn) -> list[tuple[dict[str, Any], datetime | None]]:
    """One campaign's versions, each with when it begins."""
    parts = {"what": goods, "where": places, "schedule": schedules, "active": dates}
    versions = [{name: draw(part) for name, part in parts.items()} for _ in range(draw(st.integers(1, 3)))]  # fmt: skip
    begins = st.datetimes(datetime(2026, 11, 21), datetime(2026, 11, 24), timezones=st.just(UTC))  # noqa: DTZ001
    return [(version, draw(begins) if n else None) for n, version in enumerate(versions)]


def book_of(lives: list[list[tuple[dict[str, Any], datetime | None]]]) -> Rulebook:
    book = make.rulebook()
    for n, versions in enumerate(lives):
        for number, (parts, since) in enumerate(versions, start=1):
            change = make.change(flat(f"c-{n}", **parts), version=number, since=since)
            book = book.extended(change)
    return book


@given(st.lists(lives(), min_size=1, max_size=8), stores, moments, zones, baskets)
@settings(deadline=None, max_examples=60)
def test_a_crowd_misses_none_that_would_fire_alone(
    several: list[Any], store: Any, moment: datetime, zone: str, basket: Any
) -> None:
    """Each campaign so often that its goods, its place and its hour are crowded."""
    at = moment.replace(tzinfo=ZoneInfo(zone))
    sale = make.facts(*basket, store=store, at=at)
    alone = [bool(earned(outcome(book_of([life]), sale))) for life in several]
    crowd = book_of([life for life in several for _ in range(CROWDED + 1)])
    found = earned(outcome(crowd, sale))
    assert [f"c-{n}" in found for n in range(len(several) * (CROWDED + 1))] == [
        fires for fires in alone for _ in range(CROWDED + 1)
    ]


@given(lives(), stores, moments, zones, baskets)
@settings(deadline=None)
def test_a_campaign_fires_where_each_list_that_is_not_empty_has_the_store(
    life: Any, store: Any, moment: datetime, zone: str, basket: Any
) -> None:
    """Told from the words of the language: the version, its dates and its lists; hours are another test's."""
    at = moment.replace(tzinfo=ZoneInfo(zone), microsecond=0)
    begun = [{**parts, "schedule": []} for parts, since in life if since is None or since.replace(microsecond=0) <= at]  # fmt: skip
    life = [({**parts, "schedule": []}, since) for parts, since in life]
    said = begun[-1]
    where, what, active = said["where"], said["what"], said["active"]
    here = {"stores": store.id, "regions": store.region, "retailers": store.retailer}
    runs = all(here[name] in names for name, names in where.items())
    day = at.date().isoformat()
    runs &= active.get("from", "0") <= day < active.get("until", "9")

    def covers(line: Any) -> bool:
        if line.sku in what.get("exclude", {}).get("skus", ()):
            return False
        return (
            ("skus" not in what or line.sku in what["skus"])
            and ("brands" not in what or line.brand in what["brands"])
            and ("categories" not in what or bool({*line.categories} & {*what["categories"]}))
        )

    fires = runs and any(map(covers, basket))
    assert bool(earned(outcome(book_of([life]), make.facts(*basket, store=store, at=at)))) is fires
