"""For whom campaigns are: tiers, segments and the control group; and how few of them a shopper costs."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import make_rules as make
from lepta.rules import engine
from lepta.rules.audience import percentile
from lepta.rules.explanation import Why, because
from lepta.rules.facts import Facts, Shopper
from make_rules import codes, donated, earned, outcome

JUNE = datetime(2026, 6, 1, tzinfo=UTC)


def flat(campaign: str = "flat", points: int = 5, **parts: Any) -> dict[str, Any]:
    return make.bonus(campaign, {"points": points}, **parts)


def sale(tier: str | None = None, *segments: str, ref: str = "ref-1", **changes: Any) -> Facts:
    return make.facts(shopper=Shopper(ref, tier, segments), **changes)


@pytest.mark.parametrize(
    ("who", "tier", "segments", "why"),
    [
        ({"tiers": ["gold"]}, "gold", (), None),
        ({"tiers": ["gold", "silver"]}, "silver", (), None),
        ({"tiers": ["gold"]}, "silver", (), Why.OTHER_TIER),
        ({"tiers": ["gold"]}, None, (), Why.OTHER_TIER),
        ({"segments": {"any": ["students", "pupils"]}}, None, ("staff", "pupils"), None),
        ({"segments": {"none": ["staff"]}}, None, (), None),
        ({"segments": {"none": ["staff"]}}, None, ("pupils",), None),
        ({"segments": {"none": ["staff"]}}, None, ("pupils", "staff"), Why.IN_EXCLUDED_SEGMENT),
        ({"segments": {"any": ["a"], "none": ["b"]}}, None, ("a", "b"), Why.IN_EXCLUDED_SEGMENT),
        ({"tiers": ["gold"], "segments": {"any": ["a"]}}, "gold", ("a",), None),
        ({"tiers": ["gold"], "segments": {"any": ["a"]}}, None, ("a",), Why.OTHER_TIER),
    ],
)
def test_a_campaign_is_for_whom_it_says(
    who: dict[str, Any], tier: str | None, segments: tuple[str, ...], why: Why | None
) -> None:
    book = make.rulebook(flat(who=who))
    result = outcome(book, sale(tier, *segments))
    assert earned(result) == ({"flat": 5} if why is None else {})
    assert codes(book, result) == {"flat": why or Why.AMOUNT}


@pytest.mark.parametrize(
    "who", [{"tiers": ["gold"]}, {"segments": {"none": ["staff"]}}, {"holdout_percent": 1}]
)
def test_who_asks_about_members_needs_a_card(who: dict[str, Any]) -> None:
    """Nobody knows of an anonymous shopper that they are not staff; and nobody anonymous is held out."""
    book = make.rulebook(make.donation("gift", {"money": 500}, who=who))
    result = outcome(book, make.facts(card=False))
    assert donated(result) == {}
    assert codes(book, result) == {"gift": Why.NEEDS_CARD}


def test_a_donation_for_everybody_takes_place_without_a_card() -> None:
    who = {"card": "optional", "tiers": [], "segments": {"any": [], "none": []}}
    book = make.rulebook(make.donation("gift", {"money": 500}, who=who))
    assert donated(outcome(book, make.facts(card=False))) == {"gift": 500}


def test_a_campaign_that_is_not_for_the_shopper_stops_nobody() -> None:
    first = flat("a", 9, who={"tiers": ["gold"]}, stacking={"mode": "stop", "order": 1})
    book = make.rulebook(first, flat("b", 5))
    assert earned(outcome(book, sale("silver"))) == {"b": 5}
    assert earned(outcome(book, sale("gold"))) == {"a": 9}


def test_an_offer_is_made_only_to_whom_it_is_for() -> None:
    book = make.rulebook({**make.ROUND_UP, "who": {"tiers": ["gold"]}})
    for tier, offers in (("gold", {"round-up": 100}), ("silver", {}), (None, {})):
        result = outcome(book, sale(tier))
        assert {offer.campaign: offer.amount_minor for offer in result.offers} == offers
    # A gift for what was not offered is flagged, never booked.
    taken = outcome(book, sale("silver", gifts=(make.gift(amount=100),)))
    assert (taken.effects, codes(book, taken)) == ((), {"round-up": Why.OTHER_TIER})
    assert taken.flags


def test_only_the_shoppers_own_segments_are_visited() -> None:
    """Of a thousand campaigns for one segment each, by goods, by place and by the hour."""
    night = [{"rrule": "FREQ=DAILY", "at": "03:00", "for": "PT1H"}]
    kinds: list[dict[str, Any]] = [
        {"what": {"skus": [make.DUMPLINGS]}},
        {"what": {"categories": ["frozen"]}},
        {"where": {"stores": ["nsk-07"]}},
        {"schedule": night},
        {},
    ]
    book = make.rulebook(
        make.BASE,
        *(
            flat(f"c-{n}", who={"segments": {"any": [f"s-{n // 5}"]}}, **kinds[n % 5])
            for n in range(1000)
        ),
    )
    basket = [make.line(categories=["frozen"]), make.line("2", categories=["frozen"])]
    for segments, visited in (((), 1), (("s-7",), 5), (("s-7", "s-8", "new"), 9)):
        matched = engine.match(book, make.facts(*basket, shopper=Shopper("r", None, segments)))
        assert matched.visited == visited
        assert len(matched.closed) == (visited - 1) // 4
    anonymous = engine.match(book, make.facts(*basket, card=False))
    assert anonymous.visited == 1


def test_whoever_is_in_two_of_its_segments_gets_it_once() -> None:
    who = {"segments": {"any": ["a", "b"]}}
    lines = [make.line("1"), make.line("2"), make.line("1")]
    book = make.rulebook(
        flat("by-sku", per="unit", what={"skus": ["1"]}, who=who), flat("by-place", who=who)
    )
    for segments in (("a",), ("b", "a"), ("a", "a")):
        result = outcome(book, make.facts(*lines, shopper=Shopper("r", None, segments)))
        assert earned(result) == {"by-sku": 10, "by-place": 5}


def test_versions_for_other_segments_and_goods_are_found_by_all_of_them() -> None:
    first = flat(points=5, who={"segments": {"any": ["a"]}}, what={"skus": ["1"]}, per="unit")
    second = flat(points=7, who={"segments": {"any": ["b"]}}, what={"skus": ["2"]}, per="unit")
    third = flat(points=9, what={"categories": ["red"]}, per="unit")
    book = make.rulebook(first)
    book = book.extended(make.change(second, version=2, since=JUNE))
    book = book.extended(make.change(third, version=3, since=JUNE + timedelta(days=9)))
    lines = [make.line("1"), make.line("2", categories=["red"]), make.line("1", categories=["red"])]
    for day, segments, points in (
        (-1, ("a",), 10), (-1, ("b",), 0), (-1, ("b", "a"), 10), (-1, (), 0),
        (1, ("a",), 0), (1, ("a", "b"), 7), (1, ("b",), 7),
        (10, (), 18), (10, ("a", "b"), 18),
    ):  # fmt: skip
        at = (JUNE + timedelta(days=day)).astimezone(make.NOVOSIBIRSK)
        facts = make.facts(*lines, at=at, shopper=Shopper("r", None, segments))
        assert sum(earned(outcome(book, facts)).values()) == points, (day, segments)


def test_an_old_rulebook_does_not_learn_of_new_segments() -> None:
    old = make.rulebook(make.BASE)
    new = old.extended(make.change(flat(who={"segments": {"any": ["a"]}})))
    newer = new.extended(make.change(flat("other", who={"segments": {"any": ["a"]}})))
    for book, visited in ((old, 1), (new, 2), (newer, 3)):
        assert engine.match(book, sale(None, "a")).visited == visited


@pytest.mark.parametrize("percent", [1, 10, 50, 99])
def test_a_control_group_is_near_its_share_and_stable(percent: int) -> None:
    book = make.rulebook(flat(who={"holdout_percent": percent}))
    refs = [f"m{n:05}" for n in range(3000)]
    held_out = {
        r for r in refs if codes(book, outcome(book, sale(ref=r))) == {"flat": Why.HELD_OUT}
    }
    # Five standard deviations.
    spread = 5 * (3000 * percent * (100 - percent)) ** 0.5 / 100
    assert abs(len(held_out) - 30 * percent) < spread
    greater = make.rulebook(flat(who={"holdout_percent": min(percent + 20, 99)}), make.BASE)
    for ref in held_out:
        assert "flat" not in earned(outcome(greater, sale(ref=ref)))


def test_each_campaign_has_a_control_group_of_its_own() -> None:
    """Else the same members would go without everything: of 1,000 a tenth of a tenth goes without both."""
    both = [n for n in range(1000) if max(percentile(f"m{n}", c) for c in ("one", "two")) < 10]
    assert 1 <= len(both) <= 30


def test_where_a_member_stands_never_changes() -> None:
    """Stored facts are decided again for ever: SHA-256 of "ref|campaign", its first 8 bytes modulo 100."""
    assert [percentile("ref-1", name) for name in ("flat", "base", "")] == [37, 21, 48]


def test_only_whom_a_campaign_is_for_is_held_out_of_it() -> None:
    book = make.rulebook(flat(who={"tiers": ["gold"], "holdout_percent": 99}))
    assert codes(book, outcome(book, sale("gold"))) == {"flat": Why.HELD_OUT}
    assert codes(book, outcome(book, sale("silver"))) == {"flat": Why.OTHER_TIER}
    assert because(Why.HELD_OUT, 0, [], "RUB", str) == "held out: in its control group"


names = st.sampled_from(["a", "b", "c", "d"])
sets = st.lists(names, unique=True, max_size=3)
kinds = st.sampled_from(
    [{}, {"what": {"skus": [make.DUMPLINGS]}}, {"what": {"categories": ["x"]}}, {"where": {"retailers": ["retail-nsk"]}}]
)  # fmt: skip


@given(
    st.lists(st.tuples(sets, sets, sets, kinds), min_size=1, max_size=6),
    st.none() | names,
    st.lists(names, max_size=4),
    st.randoms(use_true_random=False),
)
def test_the_index_finds_what_the_definition_says_in_whatever_order(
    whos: list[tuple[list[str], list[str], list[str], dict[str, Any]]],
    tier: str | None,
    segments: list[str],
    random: Any,
) -> None:
    documents = [
        flat(f"c-{n}", who={"tiers": tiers, "segments": {"any": wanted, "none": unwanted}}, **where)
        for n, (tiers, wanted, unwanted, where) in enumerate(whos)
    ]
    expected = {
        f"c-{n}": 5
        for n, (tiers, wanted, unwanted, _) in enumerate(whos)
        if (not tiers or tier in tiers)
        and (not wanted or {*wanted} & {*segments})
        and not {*unwanted} & {*segments}
    }
    facts = make.facts(make.line(categories=["x"]), shopper=Shopper("r", tier, tuple(segments)))
    book = make.rulebook(*random.sample(documents, len(documents)))
    result = outcome(book, facts)
    assert earned(result) == expected
    considered = {f"c-{n}" for n, who in enumerate(whos) if not who[1] or {*who[1]} & {*segments}}
    assert set(codes(book, result)) == considered
    assert engine.match(book, facts).visited == len(considered)
