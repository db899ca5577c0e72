"""Documents that are well formed and mean nothing: each is refused with its place, the reason and a remedy."""

from datetime import date
from typing import Any

import pytest

import make_rules as make
from lepta.campaigns.compile import check_campaign
from lepta.errors import InvalidRequest
from lepta.rules.known import Known, Place
from lepta.rules.programme import compile_programme
from remedies import names_a_remedy

BONUS, GIFT, POINTS = (
    make.bonus("b", {"points": 5}),
    make.donation("d", {"money": 500}),
    make.HUNTER,
)
BY_UNIT = make.donation("d", {"money": 500}, per="unit")
SHARED = [{"party": "dairy", "share": "0.6"}, {"party": "retail-nsk", "share": "0.4"}]
DAILY = {"rrule": "FREQ=DAILY", "for": "PT1M"}


def limited(document: dict[str, Any], **limits: Any) -> dict[str, Any]:
    return {**document, "limits": limits}


def carded(document: dict[str, Any]) -> dict[str, Any]:
    return {**document, "who": {"card": "required"}}


def funded(document: dict[str, Any], **budget: int) -> dict[str, Any]:
    """The first of two funders has a budget."""
    return {**document, "funding": [{**SHARED[0], "budget": budget}, SHARED[1]]}


def refused(document: dict[str, Any], known: Known | None = None) -> dict[str, str]:
    """Reasons by path."""
    with pytest.raises(InvalidRequest) as refusal:
        check_campaign(document["campaign"], document, known or make.known())
    faults = refusal.value.members["errors"]
    assert all(names_a_remedy(fault["reason"]) for fault in faults), faults
    return {fault["path"]: fault["reason"] for fault in faults}


@pytest.mark.parametrize(
    ("path", "reason", "document"),
    [
        # Limits that never bind.
        ("limits.per_basket", "gives once: leave it out", limited(BONUS, per_basket=2)),
        ("limits.per_basket", "per line it gives once", limited(make.bonus("b", {"points": 5}, per="line"), per_basket=2)),
        ("limits.per_card_day", '"limits.per_card" is 5: lower it', limited(BONUS, per_card_day=6, per_card=5)),
        ("limits.per_card_day", '"limits.units" is 5', limited(BONUS, per_card_day=6, units=5)),
        ("limits.per_card", '"limits.units" is 5', limited(BONUS, per_card=6, units=5)),
        ("limits.per_basket", '"limits.units" is 5', limited(BY_UNIT, per_basket=6, units=5)),
        ("limits.per_basket", '"limits.per_card" is 5', limited(carded(BY_UNIT), per_basket=6, per_card=5)),
        ("limits.per_basket", '"limits.per_card_day" is 5', limited(carded(BY_UNIT), per_basket=6, per_card_day=5)),
        ("limits.max_per_basket.money", '"limits.budget.money" is 9999', limited(GIFT, max_per_basket={"money": 10_000}, budget={"money": 9_999})),
        ("limits.max_per_basket.points", '"limits.budget.points" is 6', limited(BONUS, max_per_basket={"points": 7}, budget={"points": 6})),
        # Limits below a single gift.
        ("limits.budget.money", "of which it bears 500: raise it", limited(BY_UNIT, budget={"money": 499})),
        ("limits.max_per_basket.money", "of which it bears 500", limited(BY_UNIT, max_per_basket={"money": 499})),
        ("limits.budget.points", "of which it bears 50", limited(POINTS, budget={"points": 49})),
        ("limits.budget.money", "of which it bears 500", limited(POINTS, budget={"money": 499})),
        ("limits.budget.money", "of which it bears 500", {**limited(GIFT, budget={"money": 499}), "exhausted": "none"}),
        ("limits.budget.points", "of which it bears 5", {**limited(BONUS, budget={"points": 4}), "exhausted": "none"}),
        ("funding.0.budget.money", "of which it bears 300", funded(BY_UNIT, money=299)),
        ("funding.0.budget.points", "of which it bears 30", funded(POINTS, points=29)),
        ("funding.0.budget.money", "of which it bears 300", {**funded(GIFT, money=299), "exhausted": "none"}),
        ("limits.budget.money", "of which it bears 1000", limited(make.donation("d", {"money": 1000}, funding=[], **{"from": "shopper-money"}), budget={"money": 999})),
        # Worth nothing.
        ("effect.give.money_rate", "less than the smallest coin", make.donation("d", {"points": 9, "money_rate": "0.001"})),
        # Names that no sale carries.
        ("what.skus.1", "U+200B", {**BONUS, "what": {"skus": ["46", "4\u200b6"]}}),
        ("what.categories.0", "U+202E", {**BONUS, "what": {"categories": ["\u202etea"]}}),
        ("what.brands.0", "U+000A", {**BONUS, "what": {"brands": ["own\nlabel"]}}),
        ("what.exclude.skus.0", "U+001B", {**BONUS, "what": {"exclude": {"skus": ["\x1b@"]}}}),
        ("where.regions.0", 'did you mean "siberia"', {**BONUS, "where": {"regions": ["\ufeffsiberia"]}}),
        ("who.tiers.0", "U+00AD", {**BONUS, "who": {"tiers": ["go\u00adld"]}}),
        ("who.segments.any.0", "U+200B", {**BONUS, "who": {"segments": {"any": ["students\u200b"]}}}),
        ("effect.earn.by_tier", "U+00AD", make.bonus("b", {"by_tier": {"go\u00adld": {"points": 5}}})),
        ("effect.earn.by_tier", "name it", make.bonus("b", {"by_tier": {"": {"points": 5}}})),
        # Numbers that some take for dates.
        ("active.from", 'write a date such as "2026-10-01"', {**BONUS, "active": {"from": "0"}}),
        ("active.until", "write a date", {**BONUS, "active": {"until": "4102444800"}}),
        ("active.from", "write a date", {**BONUS, "active": {"from": 0}}),
        ("active.from", "write a date", {**BONUS, "active": {"from": "2026-10-01T00:00:00"}}),
        ("active.from", "no day of the calendar: correct it", {**BONUS, "active": {"from": "2026-02-29"}}),
        # The rest.
        ("schedule.1", "twice: keep it once", {**BONUS, "schedule": [DAILY, DAILY]}),
        ("effect.base", "left to pay: leave it out", {**make.ROUND_UP, "effect": {**make.ROUND_UP["effect"], "base": "gross"}}),
        ("receipt.en", "leave it out", {**BONUS, "receipt": {"en": "\x1b@"}}),
        ("receipt.en", "write", {**BONUS, "receipt": {"en": ""}}),
        ("receipt.en", "shorten it", {**BONUS, "receipt": {"en": "x" * 501}}),
        ("receipt.en", "use fewer", {**BONUS, "receipt": {"en": "{{ points }}" * 17}}),
        ("receipt.en", "close it", {**BONUS, "receipt": {"en": "{{ points"}}),
        ("receipt.en", "use {{ … }} only", {**BONUS, "receipt": {"en": "{% if x %}"}}),
        ("receipt.en", "use name, points", {**BONUS, "receipt": {"en": "{{ fund }}"}}),
        ("receipt.de", "write one of ru, en", {**BONUS, "receipt": {"de": "Danke"}}),
        ("title", "write", {**BONUS, "title": " "}),
        ("title", "leave it out", {**BONUS, "title": "\u202eclub"}),
        ("title", "shorten it", {**BONUS, "title": "x" * 201}),
    ],
)  # fmt: skip
def test_nonsense_is_refused_with_its_place_reason_and_remedy(
    path: str, reason: str, document: dict[str, Any]
) -> None:
    reasons = refused(document)
    assert reason in reasons.get(path, ""), reasons


@pytest.mark.parametrize(
    "document",
    [
        limited(BY_UNIT, per_basket=2, per_card_day=2, per_card=2, units=2),
        limited(BONUS, per_basket=1),
        # A sale without a card is in no card's limits, so the basket's bind it.
        limited(BY_UNIT, per_basket=6, per_card=5),
        limited(BY_UNIT, budget={"money": 500}, max_per_basket={"money": 500}),
        # What may be cut is given to the last kopeck.
        limited(GIFT, budget={"money": 1}),
        limited(BONUS, budget={"points": 1}),
        funded(GIFT, money=1),
        funded(BY_UNIT, money=300),
        make.donation("d", {"points": 10, "money_rate": "0.001"}),
        {**make.donation("d", {"points": 1, "money_rate": "0.001"}), "rounding": "up"},
        {**BONUS, "what": {"skus": ["46"], "categories": ["чай"], "brands": ["Ünal & Söhne"]}},
        {**BONUS, "schedule": [DAILY, {**DAILY, "at": "12:00"}]},
    ],
)  # fmt: skip
def test_what_only_looks_like_nonsense_passes(document: dict[str, Any]) -> None:
    check_campaign(document["campaign"], document, make.known())


STORES = {
    "nsk-07": Place("retail-nsk", "siberia", "club"),
    "msk-01": Place("retail-msk", None, "club"),
    "spb-01": Place("retail-nsk", "north", "other"),
}
TWO = make.known(
    stores=STORES,
    parties={**make.PARTIES, "retail-msk": "retailer"},
    programmes={"club": make.programme(), "other": compile_programme("other", make.PROGRAMME)},
)


@pytest.mark.parametrize(
    ("where", "reason"),
    [
        ({"stores": ["nsk-07"], "retailers": ["retail-msk"]}, "store of 'retail-nsk', which"),
        ({"stores": ["nsk-07"], "regions": ["ural"]}, "lies in 'siberia', which"),
        ({"stores": ["msk-01"], "regions": ["ural"]}, "has no region, which"),
        ({"stores": ["spb-01"]}, "is a store of programme 'other', not of 'club'"),
    ],
)
def test_a_store_that_the_rest_of_the_document_leaves_out_is_refused(
    where: dict[str, Any], reason: str
) -> None:
    document = {**BONUS, "programme": "club", "where": where}
    assert reason in refused(document, TWO)["where.stores.0"]


@pytest.mark.parametrize(
    ("where", "reason"),
    [
        ({"regions": ["siberia"], "retailers": ["retail-msk"]}, "none of the campaign's stores lies in"),
        ({"regions": ["north"]}, "none of the campaign's stores lies in 'north': leave it out"),
        ({"regions": ["Siberia"]}, 'did you mean "siberia"'),
    ],
)  # fmt: skip
def test_a_region_without_a_store_where_the_campaign_fires_is_refused(
    where: dict[str, Any], reason: str
) -> None:
    document = {**BONUS, "programme": "club", "where": where}
    assert reason in refused(document, TWO)["where.regions.0"]


def test_what_is_wrong_with_a_retailer_is_not_said_of_the_regions_too() -> None:
    document = {**BONUS, "programme": "club", "where": {"regions": ["siberia"], "retailers": ["x"]}}
    assert set(refused(document, TWO)) == {"where.retailers.0"}


def test_where_no_store_has_a_region_that_is_said() -> None:
    nowhere = make.known(stores={"msk-01": STORES["msk-01"]})
    said = refused({**BONUS, "where": {"regions": ["siberia"]}}, nowhere)["where.regions.0"]
    assert "no store has any yet; create the store first" in said


OPEN, CLOSED, LATER = date(2026, 11, 23), date(2026, 11, 22), date(2026, 12, 31)


def closing(**days: date) -> Any:
    return make.known(
        closing={party.replace("_", "-"): day for party, day in days.items()}, today=CLOSED
    )


def to(**whom: Any) -> dict[str, Any]:
    return make.donation("d", {"money": 500}, to=whom)


SCHOOLS = {"choice": ["school-1", "school-17"]}


@pytest.mark.parametrize(
    ("document", "days", "paths"),
    [
        (to(fund="children"), {"children": CLOSED}, {"effect.to.fund"}),
        (to(fund="children"), {"children": date(2020, 1, 1)}, {"effect.to.fund"}),
        (to(fund="children", fallback="forest-animals"), {"children": CLOSED, "forest_animals": CLOSED}, {"effect.to.fund", "effect.to.fallback"}),
        (to(fund="children", fallback="forest-animals"), {"forest_animals": CLOSED}, {"effect.to.fallback"}),
        (to(**SCHOOLS), {"school_17": CLOSED}, {"effect.to.choice.1"}),
        (to(**SCHOOLS, default="school-1"), {"school_1": CLOSED, "school_17": CLOSED}, {"effect.to.choice.0", "effect.to.choice.1"}),
        (make.offer("o", {"money": 500}, to={"fund": "children"}), {"children": CLOSED}, {"effect.to.fund"}),
        # It closes before the campaign begins.
        ({**to(fund="children"), "active": {"from": "2026-12-31"}}, {"children": LATER}, {"effect.to.fund"}),
    ],
)  # fmt: skip
def test_a_donation_to_a_fund_that_takes_nothing_any_more_is_refused(
    document: dict[str, Any], days: dict[str, date], paths: set[str]
) -> None:
    reasons = refused(document, closing(**days))
    assert set(reasons) == paths
    for reason in reasons.values():
        assert "takes nothing from 20" in reason
        assert "name one that is open" in reason


@pytest.mark.parametrize(
    ("document", "days"),
    [
        (to(fund="children"), {"children": OPEN}),
        (to(fund="children"), {"forest_animals": CLOSED}),
        # What an open fallback gets may be changed as long as the campaign runs.
        (to(fund="children", fallback="forest-animals"), {"children": CLOSED}),
        (to(**SCHOOLS, fallback="children"), {"school_1": CLOSED, "school_17": CLOSED}),
        (to(fund="children", fallback="forest-animals"), {"forest_animals": OPEN}),
        ({**to(fund="children"), "active": {"from": "2026-12-30"}}, {"children": LATER}),
        ({**to(fund="children"), "active": {"until": "2027-12-31"}}, {"children": LATER}),
    ],
)  # fmt: skip
def test_a_donation_that_somebody_gets_passes(document: Any, days: dict[str, date]) -> None:
    check_campaign(document["campaign"], document, closing(**days))


def test_a_store_fits_where_retailer_and_region_are_its_own() -> None:
    where = {"stores": ["nsk-07"], "retailers": ["retail-nsk"], "regions": ["siberia"]}
    check_campaign("b", {**BONUS, "programme": "club", "where": where}, TWO)


def test_the_programme_kept_from_the_version_before_says_which_stores_are_its_own() -> None:
    kept = make.known(stores=STORES, programmes=TWO.programmes, campaigns={"b": "other"})
    check_campaign("b", {**BONUS, "where": {"stores": ["spb-01"]}}, kept)
    assert "not of 'other'" in refused({**BONUS, "where": {"stores": ["nsk-07"]}}, kept)["where.stores.0"]  # fmt: skip
