"""A company that adds to the shopper's gift: exactly as far as its budget goes, and never without the gift."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import make_rules as make
from lepta.errors import InvalidRequest, NotSupported
from lepta.rules import engine
from lepta.rules.effects import Donate, FunderShare
from lepta.rules.explanation import Why, because, fired
from lepta.rules.limits import NO_CAP
from make_rules import codes, outcome

TWO = [{"party": "dairy", "share": "0.6"}, {"party": "retail-nsk", "share": "0.4"}]


def matched(*, ratio: str = "1", budget: int | None = 1_000, funding: Any = TWO, **parts: Any) -> dict[str, Any]:  # fmt: skip
    match: dict[str, Any] = {"funding": funding, "ratio": ratio}
    if budget is not None:
        match["budget"] = {"money": budget}
    return {**make.offer("top-up", {"money": 500}, **parts), "match": match}


SALE = make.facts(make.line(amount=25_400), gifts=(make.gift("top-up", 500),))


def added(document: Any, used: int = 0, sale: Any = SALE) -> tuple[int, int]:
    """What a sale adds to the gift and its reason, after so much of the budget."""
    book = make.rulebook(document)
    result = outcome(book, sale, {"top-up|match|money": used})
    [gift] = result.effects
    assert isinstance(gift, Donate)
    assert gift.shopper_money_minor == 500
    assert sum(funder.money_minor for funder in gift.funders) == gift.money_minor - 500
    return gift.money_minor - 500, codes(book, result)["top-up"]


def test_an_accepted_gift_is_matched_by_all_funders_in_their_shares() -> None:
    result = outcome(make.rulebook(matched()), SALE)
    funders = (FunderShare("dairy", 0, 300), FunderShare("retail-nsk", 0, 200))
    by_line = ((0, 1_000),)
    assert result.effects == (
        Donate("top-up", "forest-animals", 0, 1_000, funders, 0, 500, by_line, 1, True, True, 500),
    )
    assert result.consumed == (("top-up|match|money", 500),)


@pytest.mark.parametrize("gifts", [(), (make.gift("top-up", accepted=False),)])
def test_what_is_not_given_is_not_matched(gifts: Any) -> None:
    result = outcome(make.rulebook(matched()), make.facts(gifts=gifts))
    assert (result.effects, result.consumed) == ((), ())


@pytest.mark.parametrize(
    ("used", "exhausted", "match", "why"),
    [
        (500, "partial", 500, Why.GIFT_MATCHED),
        (501, "partial", 499, Why.GIFT_MATCH_CUT),
        (999, "partial", 1, Why.GIFT_MATCH_CUT),
        (1_000, "partial", 0, Why.GIFT_UNMATCHED),
        (5_000, "partial", 0, Why.GIFT_UNMATCHED),
        (500, "none", 500, Why.GIFT_MATCHED),
        (501, "none", 0, Why.GIFT_UNMATCHED),
    ],
)
def test_the_match_stops_exactly_and_the_gift_goes_on(used: int, exhausted: str, match: int, why: Why) -> None:  # fmt: skip
    assert added({**matched(), "exhausted": exhausted}, used) == (match, why)
    assert fired(why)
    told = because(why, 500, [], "RUB", str)
    assert told.startswith(
        f"the shopper gave 5.00 RUB, {'matched' if match else 'not matched: the budget'}"
    )


@pytest.mark.parametrize(
    ("ratio", "rounding", "match"),
    [("0.5", "down", 250), ("2", "down", 1_000), ("0.3333", "down", 166), ("0.3333", "up", 167)],
)
def test_a_ratio_is_rounded_once(ratio: str, rounding: str, match: int) -> None:
    document = {**matched(ratio=ratio, budget=None), "rounding": rounding}
    assert added(document) == (match, Why.GIFT_MATCHED)


def test_a_match_of_less_than_a_minor_unit_is_none() -> None:
    assert added(matched(ratio="0.001")) == (0, Why.GIFT)


def test_a_funder_of_the_match_stops_at_its_own_budget_and_nobody_pays_for_it() -> None:
    funding = [{**TWO[0], "budget": {"money": 150}}, TWO[1]]
    result = outcome(make.rulebook(matched(funding=funding)), SALE)
    [gift] = result.effects
    assert gift.funders == (FunderShare("dairy", 0, 150), FunderShare("retail-nsk", 0, 100))
    assert dict(result.consumed) == {"top-up|match|money": 250, "top-up|match|dairy|money": 150}


def test_a_taken_amount_is_matched_as_it_was_taken() -> None:
    sale = make.facts(gifts=(make.gift("top-up", 700),), offline=True)
    [gift] = outcome(make.rulebook(matched()), sale).effects
    assert isinstance(gift, Donate)
    assert (gift.shopper_money_minor, gift.money_minor) == (700, 1_400)


def test_the_limits_of_the_gift_are_not_those_of_the_match() -> None:
    document = matched(limits={"budget": {"money": 500}, "per_card": 1})
    result = outcome(make.rulebook(document), SALE)
    assert dict(result.consumed) == {
        "top-up|card|ref-1": 1,
        "top-up|budget|money": 500,
        "top-up|match|money": 500,
    }


def test_a_later_version_may_change_the_budget_and_not_bring_one_in() -> None:
    book = make.rulebook(matched(budget=600))
    later = book.extended(make.change(matched(budget=400), version=2, since=make.AT))
    assert later.caps() == {"top-up|match|money": 400}
    dropped = later.extended(make.change(matched(budget=None), version=3, since=make.AT))
    assert dropped.caps() == {"top-up|match|money": NO_CAP}
    with pytest.raises(NotSupported) as refusal:
        make.rulebook(matched(budget=None)).extended(make.change(matched(), version=2))
    assert refusal.value.members["errors"][0]["path"] == "match.budget"
    own = matched(funding=[TWO[0], {**TWO[1], "budget": {"money": 5}}])
    with pytest.raises(NotSupported) as refusal:
        make.rulebook(matched()).extended(make.change(own, version=2))
    assert refusal.value.members["errors"][0]["path"] == "match.funding.1.budget"
    unmatched = make.offer("top-up", {"money": 500})
    began = make.rulebook(unmatched).extended(make.change(matched(), version=2))
    assert began.caps() == {"top-up|match|money": 1_000}
    moved = {**matched(), "programme": "other"}
    with pytest.raises(InvalidRequest):
        book.extended(make.change(moved, version=2))


OWN: dict[str, Any] = {
    **make.offer("own", {"points": 50, "money_rate": "0.10"}, **{"from": "shopper-points"}),
    "match": {"funding": TWO, "ratio": "1", "budget": {"money": 700}},
}
GIVEN = make.facts(gifts=(make.gift("own"),))


def own(**parts: Any) -> dict[str, Any]:
    return {**OWN, **parts}


def paid(effect: Any) -> dict[str, int]:
    return {funder.party: funder.money_minor for funder in effect.funders}


def test_a_gift_of_points_is_matched_by_what_the_points_are_worth() -> None:
    result = outcome(make.rulebook(own()), GIVEN, points=50)
    [gift] = result.effects
    assert isinstance(gift, Donate)
    assert (gift.points, gift.shopper_points, gift.shopper_money_minor) == (50, 50, 0)
    assert (gift.money_minor, gift.matched_minor) == (1_000, 500)
    # The retailer owes what the points are worth and its part of the match, and stands there once.
    assert paid(gift) == {"retail-nsk": 700, "dairy": 300}
    assert dict(result.consumed) == {"own|match|money": 500}
    assert result.given_points == 50


def test_who_stands_behind_the_points_bears_none_of_the_match() -> None:
    behind = [{"party": "hunter-foods", "share": "0.5"}, {"party": "open-hands", "share": "0.5"}]
    [gift] = outcome(make.rulebook(own(funding=behind)), GIVEN, points=50).effects
    assert paid(gift) == {"hunter-foods": 250, "open-hands": 250, "dairy": 300, "retail-nsk": 200}
    assert all(funder.points == 0 for funder in gift.funders)


@pytest.mark.parametrize(
    ("used", "exhausted", "match", "why", "told"),
    [
        (200, "partial", 500, Why.POINTS_GIFT_MATCHED, "the shopper gave points: 50, matched"),
        (201, "partial", 499, Why.POINTS_GIFT_MATCH_CUT, "the shopper gave points: 50, matched as far as the budget allows"),
        (201, "none", 0, Why.POINTS_GIFT_UNMATCHED, "the shopper gave points: 50, not matched: the budget does not allow it"),
        (700, "partial", 0, Why.POINTS_GIFT_UNMATCHED, "the shopper gave points: 50, not matched: the budget does not allow it"),
        (9_000, "partial", 0, Why.POINTS_GIFT_UNMATCHED, "the shopper gave points: 50, not matched: the budget does not allow it"),
    ],
)  # fmt: skip
def test_the_match_of_points_stops_exactly_and_the_points_are_given(
    used: int, exhausted: str, match: int, why: Why, told: str
) -> None:
    book = make.rulebook(own(exhausted=exhausted))
    result = outcome(book, GIVEN, {"own|match|money": used}, points=50)
    [gift] = result.effects
    assert isinstance(gift, Donate)
    assert (gift.points, gift.money_minor, gift.matched_minor) == (50, 500 + match, match)
    assert codes(book, result) == {"own": why}
    assert fired(why)
    assert because(why, 50, [], "RUB", str) == told
    assert result.consumed == ((("own|match|money", match),) if match else ())


@pytest.mark.parametrize(("points", "gifts"), [(49, GIVEN.gifts), (50, ())])
def test_points_that_are_not_given_are_not_matched(points: int, gifts: Any) -> None:
    result = outcome(make.rulebook(own()), make.facts(gifts=gifts), points=points)
    assert (result.effects, result.consumed) == ((), ())


def test_another_number_of_points_that_was_taken_offline_is_matched_as_it_was_taken() -> None:
    sale = make.facts(gifts=(make.gift("own", 70),), offline=True)
    [gift] = outcome(make.rulebook(own()), sale, points=70).effects
    assert isinstance(gift, Donate)
    assert (gift.points, gift.money_minor, gift.matched_minor) == (70, 1_400, 700)


def test_budgets_of_the_points_and_of_their_match_are_apart() -> None:
    behind = [{"party": "dairy", "share": "1", "budget": {"money": 500}}]
    book = make.rulebook(own(funding=behind))
    first = outcome(book, GIVEN, points=50)
    assert dict(first.consumed) == {"own|funder|dairy|money": 500, "own|match|money": 500}
    [gift] = first.effects
    assert paid(gift) == {"dairy": 800, "retail-nsk": 200}
    # What the points are worth is over: nothing is offered, and so nothing matched.
    assert outcome(book, GIVEN, dict(first.consumed), points=50).effects == ()


def test_a_match_of_points_that_comes_to_nothing_is_none() -> None:
    match = {"funding": TWO, "ratio": "0.001"}
    book = make.rulebook(own(match=match))
    result = outcome(book, GIVEN, points=50)
    assert codes(book, result) == {"own": Why.POINTS_GIFT}


shares = st.sampled_from([["1"], ["0.6", "0.4"], ["0.55", "0.25", "0.2"], ["0.999999", "0.000001"]])


@st.composite
def matches(draw: st.DrawFn) -> dict[str, Any]:
    caps = st.none() | st.integers(1, 3_000)
    funding = [
        {"party": party, "share": share, "budget": None if (cap := draw(caps)) is None else {"money": cap}}
        for party, share in zip(("dairy", "retail-nsk", "open-hands"), draw(shares), strict=False)
    ]  # fmt: skip
    document = matched(
        ratio=draw(st.sampled_from(["0.1", "0.3333", "1", "2.5"])),
        budget=draw(caps),
        funding=funding,
    )
    return {
        **document,
        "exhausted": draw(st.sampled_from(["partial", "none"])),
        "rounding": draw(st.sampled_from(["down", "half-up", "up"])),
    }


@given(matches(), st.lists(st.integers(1, 2_000), min_size=1, max_size=12))
@settings(deadline=None)
def test_no_budget_is_exceeded_and_nobody_pays_for_another(document: Any, gifts: list[int]) -> None:
    book, counts = make.rulebook(document), dict[str, int]()
    ratio, rounding = book.campaign("top-up"), document["rounding"]
    assert ratio is not None
    assert ratio.match is not None
    assert rounding
    paid = dict.fromkeys(ratio.match.parties, 0)
    for amount in gifts:
        sale = make.facts(gifts=(make.gift("top-up", amount),), offline=True)
        assert set(counts) <= set(engine.match(book, sale).counters)
        result = outcome(book, sale, counts)
        [gift] = result.effects
        assert isinstance(gift, Donate)
        wish = ratio.match.wish(amount, ratio.giving.rounding)
        match = gift.money_minor - gift.shopper_money_minor
        assert 0 <= match <= wish
        code = codes(book, result)["top-up"]
        assert (code == Why.GIFT_MATCH_CUT) == (0 < match < wish)
        assert (code == Why.GIFT_UNMATCHED) == (match == 0 < wish)
        if document["exhausted"] == "none":
            assert match in {0, wish}
        assert sum(funder.money_minor for funder in gift.funders) == match
        for funder in gift.funders:
            paid[funder.party] += funder.money_minor
        for counter, used in result.consumed:
            counts[counter] = counts.get(counter, 0) + used
    for counter, cap in book.caps().items():
        assert counts.get(counter, 0) <= cap
    for funder in document["match"]["funding"]:
        if funder["budget"]:
            own = f"top-up|match|{funder['party']}|money"
            assert paid[funder["party"]] == counts.get(own, 0) <= funder["budget"]["money"]


@given(matches(), st.integers(1, 2_000), st.data())
@settings(deadline=None)
def test_a_match_foreseen_before_budgets_were_known_comes_out_if_it_holds(
    document: Any, amount: int, data: st.DataObject
) -> None:
    book = make.rulebook(document)
    sale = make.facts(gifts=(make.gift("top-up", amount),), offline=True)
    foreseen = outcome(book, sale)
    used = st.sampled_from([0, 1, 500, 2_999])
    counts = {c: data.draw(used) for c in engine.match(book, sale).counters}
    if foreseen.holds(counts):
        assert outcome(book, sale, counts) == foreseen
