"""Limits over the versions of a campaign: what any of them ever limited counts from the first one on."""

from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import make_rules as make
from lepta.errors import DomainError, InvalidRequest, NotSupported
from lepta.rules.effects import Donate, Earn
from lepta.rules.limits import NO_CAP
from lepta.rules.rulebook import Change, PublishedProgramme, Rulebook
from make_rules import donated, outcome

SINCE = datetime(2026, 6, 1, tzinfo=UTC)
A, B = {"party": "hunter-foods", "share": "0.6"}, {"party": "retail-nsk", "share": "0.4"}
ALL_LIMITS: list[tuple[str, dict[str, Any], str]] = [
    ("limits.units", {"limits": {"units": 12}}, "hunter-forest|units"),
    ("limits.budget", {"limits": {"budget": {"money": 6000}}}, "hunter-forest|budget|money"),
    ("limits.budget", {"limits": {"budget": {"points": 600}}}, "hunter-forest|budget|points"),
    ("limits.per_card", {"limits": {"per_card": 12}}, "hunter-forest|card|ref-1"),
    ("limits.per_card_day", {"limits": {"per_card_day": 12}}, "hunter-forest|day|2026-11-22|ref-1"),
    ("funding.0.budget", {"funding": [{**A, "budget": {"money": 3600}}, B]}, "hunter-forest|funder|hunter-foods|money"),
    ("funding.1.budget", {"funding": [A, {**B, "budget": {"money": 2400}}]}, "hunter-forest|funder|retail-nsk|money"),
]  # fmt: skip


def hunter(**parts: Any) -> dict[str, Any]:
    return {**make.HUNTER, **parts}


def history(*versions: dict[str, Any]) -> Rulebook:
    book = make.rulebook(versions[0])
    for n, document in enumerate(versions[1:], start=2):
        since = SINCE + timedelta(days=n)
        book = book.extended(make.change(document, version=n, since=since))
    return book


def sold(book: Rulebook, counts: dict[str, int], units: int) -> int:
    """Units given for; counts go up by what was consumed."""
    result = outcome(book, make.facts(make.line(quantity=str(units))), counts)
    for counter, amount in result.consumed:
        counts[counter] = counts.get(counter, 0) + amount
    return sum(effect.applications for effect in result.effects)


@pytest.mark.parametrize(("path", "limit", "_counter"), ALL_LIMITS)
def test_a_limit_that_no_version_had_is_refused_and_says_what_to_do(
    path: str, limit: Any, _counter: str
) -> None:
    with pytest.raises(NotSupported, match="under another id") as refusal:
        history(hunter(), hunter(**limit))
    assert refusal.value.members["errors"][0]["path"] == path


@pytest.mark.parametrize(("_path", "limit", "counter"), ALL_LIMITS)
def test_a_limit_counts_while_it_is_dropped(_path: str, limit: Any, counter: str) -> None:
    counts: dict[str, int] = {}
    assert sold(history(hunter(**limit)), counts, 5) == 5
    without = history(hunter(**limit), hunter())
    assert sold(without, counts, 4) == 4
    again = history(hunter(**limit), hunter(), hunter(**limit))
    assert sold(again, counts, 9) == 3
    assert list(counts) == [counter]
    assert sold(without, counts, 50) == 50
    assert sold(again, counts, 1) == 0


def test_a_dropped_hard_cap_is_granted_without_bound() -> None:
    limits = {"limits": {"units": 12, "budget": {"money": 500}}}
    book = history(hunter(**limits), hunter(limits={"units": 7}))
    assert dict(book.caps()) == {"hunter-forest|units": 7, "hunter-forest|budget|money": NO_CAP}
    assert dict(history(hunter()).caps()) == {}


@pytest.mark.parametrize("limits", [{"per_basket": 2}, {"max_per_basket": {"money": 1000}}])
def test_a_limit_of_one_basket_may_come_any_time(limits: Any) -> None:
    assert sold(history(hunter(), hunter(limits=limits)), {}, 9) == 2


def test_a_funder_that_is_new_may_bring_a_budget() -> None:
    alone = hunter(funding=[{**B, "share": "1"}])
    joined = hunter(funding=[{**A, "budget": {"money": 600}}, B])
    counts: dict[str, int] = {}
    assert sold(history(alone), counts, 5) == 5
    assert sold(history(alone, joined), counts, 5) == 2
    with pytest.raises(NotSupported):
        history(alone, hunter(funding=[A, B]), joined)


def test_a_bonus_that_leaves_its_payer_open_and_a_budget_do_not_mix() -> None:
    def paid(*funding: Any) -> dict[str, Any]:
        return make.bonus("b", {"points": 5}, funding=list(funding))

    limited = {"party": "retail-nsk", "share": "1", "budget": {"points": 9}}
    with pytest.raises(NotSupported):
        history(paid(), paid(limited))
    with pytest.raises(InvalidRequest, match="name who pays"):
        history(paid(limited), paid())
    history(paid(limited), paid({**limited, "budget": None}), paid(limited))


def test_a_campaign_with_limits_stays_in_its_programme() -> None:
    other = Change((PublishedProgramme("other", 1, None, make.PROGRAMME),)).canonical()
    for limits, refused in (({}, False), ({"units": 12}, True)):
        book = make.rulebook(hunter(limits=limits)).extended(other)
        moved = make.change(hunter(limits=limits, programme="other"), version=2, since=SINCE)
        if refused:
            with pytest.raises(InvalidRequest, match="stay there"):
                book.extended(moved)
        else:
            book.extended(moved)


def test_a_refused_version_leaves_the_rulebook_as_it_was() -> None:
    book = history(hunter())
    with pytest.raises(NotSupported):
        book.extended(make.change(make.BASE, hunter(limits={"units": 1}), version=2, since=SINCE))
    assert book.campaigns == ("hunter-forest",)
    assert donated(outcome(book, make.facts())) == {"hunter-forest": 500}


LIMITED = ("units", "per_card", "per_card_day", "budget", "funding")
caps = st.none() | st.integers(1, 30)


@st.composite
def versions(draw: st.DrawFn, limited: Collection[str], bound: str) -> dict[str, Any]:
    """A version that limits no more than `limited`, its budget in `bound`."""

    def cap_of(name: str) -> int | None:
        return draw(caps) if name in limited else None

    amount = cap_of("budget")
    funding = draw(st.sampled_from([[A, B], [A, B], [{**B, "share": "1"}], [{**A, "share": "1"}]]))
    return hunter(
        limits={
            **{name: cap_of(name) for name in LIMITED[:3]},
            "budget": None if amount is None else {bound: amount * 50},
        },
        funding=[
            {**funder, "budget": None if (cap := cap_of("funding")) is None else {"money": cap * 100}}
            for funder in funding
        ],
        effect={**make.HUNTER["effect"], "per": draw(st.sampled_from(["unit", "basket"]))},
        exhausted=draw(st.sampled_from(["partial", "none"])),
    )  # fmt: skip


@st.composite
def lives(draw: st.DrawFn) -> list[tuple[dict[str, Any], list[int]]]:
    """Versions of one campaign, each with the baskets sold under it. The first mostly limits what later ones do."""
    limited = draw(st.sets(st.sampled_from(LIMITED), min_size=1))
    bound = draw(st.sampled_from(["money", "points"]))
    sales = st.lists(st.integers(1, 9), max_size=4)
    return draw(st.lists(st.tuples(versions(limited, bound), sales), min_size=2, max_size=5))


@given(lives())
@settings(deadline=None)
def test_the_newest_limit_holds_for_all_that_was_ever_given(
    days: list[tuple[dict[str, Any], list[int]]],
) -> None:
    """Told from the effects alone, whatever the counters are; a version that cannot do so is not published."""
    book, newest = make.rulebook(), None
    counts: dict[str, int] = {}
    given = dict.fromkeys(("units", "money", "points", "hunter-foods", "retail-nsk"), 0)
    for n, (document, sales) in enumerate(days, start=1):
        try:
            since = SINCE + timedelta(days=n) if newest else None
            book = book.extended(make.change(document, version=n, since=since))
        except DomainError:
            if newest is None:
                raise
        else:
            newest = document
        assert newest is not None
        for units in sales:
            before = dict(given)
            result = outcome(book, make.facts(make.line(quantity=str(units))), counts)
            for counter, amount in result.consumed:
                counts[counter] = counts.get(counter, 0) + amount
            for effect in result.effects:
                assert not isinstance(effect, Earn)
                _tally(given, effect)
            for name, cap in _caps(newest).items():
                assert given[name] <= max(cap, before[name]), name


def _tally(given: dict[str, int], effect: Donate) -> None:
    given["units"] += effect.applications
    given["money"] += effect.money_minor
    given["points"] += effect.points
    for share in effect.funders:
        given[share.party] += share.money_minor


def _caps(document: dict[str, Any]) -> dict[str, int]:
    limits = document["limits"]
    caps = {
        funder["party"]: funder["budget"]["money"]
        for funder in document["funding"]
        if funder["budget"]
    }
    caps |= limits["budget"] or {}
    counted = [limits[name] for name in ("units", "per_card", "per_card_day") if limits[name]]
    return caps | ({"units": min(counted)} if counted else {})
