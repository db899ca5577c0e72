"""Campaign and programme documents: what loads as it stands, and what is refused where, with what advice."""

from typing import Any

import pytest
import yaml

import make_rules as make
from lepta.errors import InvalidRequest, NotSupported
from lepta.rules import kinds
from lepta.rules.document import validate
from lepta.rules.envelope import CampaignDocument, read
from lepta.rules.known import Known
from lepta.rules.programme import validate_programme
from remedies import names_a_remedy

FULL = """
campaign: hunter-forest
programme: club
title: {ru: "Пельмени «Охотничьи» — лесным животным", en: "Hunter dumplings for forest animals"}
kind: donation
active: {from: "2026-10-01", until: "2027-01-01"}
where: {retailers: [retail-nsk], regions: [], stores: []}
who: {card: required, tiers: [], segments: {any: [], none: []}, holdout_percent: 0}
what: {skus: ["4600000000015"], categories: [], brands: [], exclude: {categories: [alcohol, tobacco]}, min_quantity: "1", min_amount: 0}
effect:
  give: {points: 50, money_rate: "0.10"}
  per: unit
  to: {fund: forest-animals}
  from: funders
funding: [{party: hunter-foods, share: "0.6", budget: {money: 3000000}}, {party: retail-nsk, share: "0.4"}]
limits: {per_basket: 5, per_card_day: 10, per_card: 100, units: 100000, budget: {money: 5000000}}
exhausted: partial
rounding: down
stacking: {group: gifts, order: 10, mode: add}
returns: reverse
receipt:
  ru: "Вами передано в {{ fund | case: 'accusative' }} {{ points | plural: 'балл', 'балла', 'баллов' }}."
  en: "With it you gave {{ points | plural: 'point', 'points' }} to {{ fund }}."
"""
BASE = """
campaign: base
programme: club
title: {ru: "1 балл за каждые 20 рублей", en: "1 point for each 20 roubles"}
kind: bonus
active: {from: "2026-01-01"}
who: {card: required}
effect: {earn: {points: 1, per_amount: 2000}, per: basket}
stacking: {group: base}
"""


MATCH: dict[str, Any] = {"funding": [{"party": "dairy", "share": "1"}], "ratio": "1"}


@pytest.mark.parametrize("text", [FULL, BASE])
def test_the_full_documents_load_as_they_stand(text: str) -> None:
    document = yaml.safe_load(text)
    assert validate(document, make.known()).campaign == document["campaign"]


def test_a_date_without_quotes_is_a_date_too() -> None:
    quoted = validate(yaml.safe_load(BASE), make.known())
    bare = validate(yaml.safe_load(BASE.replace('"2026-01-01"', "2026-01-01")), make.known())
    assert bare == quoted


@pytest.mark.parametrize(
    "defaults",
    [
        {"when": "", "match": None},
        {"when": None, "match": None},
        {"who": {"tiers": [], "segments": {"any": [], "none": []}, "holdout_percent": 0}},
        {"schedule": [], "where": {}, "what": {}, "limits": {}, "active": {}, "receipt": {}},
        {"funding": [], "returns": None, "exhausted": "partial", "rounding": "down"},
        {"stacking": {"group": "bonus", "order": 100, "mode": "add"}},
        {"active": {"from": None, "until": None}, "limits": {"budget": None, "per_card": None}},
        {"effect": {"earn": {"points": 5}, "welcome": False, "birthday": None, "nth_visit": None}},
        {"effect": {"earn": {"points": 5, "by_tier": None}, "from": "funders", "base": "net"}},
    ],
)
def test_a_value_equal_to_its_default_is_never_refused(defaults: dict[str, Any]) -> None:
    plain = make.bonus("plain", {"points": 5})
    taken = validate({**plain, **defaults}, make.known())
    # Said or left out, it is the same campaign.
    assert taken.campaign == "plain"
    assert taken.limits == validate(plain, make.known()).limits


@pytest.mark.parametrize("kind", ["discount", "coupon", "message"])
def test_what_is_not_built_yet_is_refused_by_name(kind: str) -> None:
    with pytest.raises(NotSupported) as refusal:
        validate({**make.bonus("later", {"points": 5}), "kind": kind}, make.known())
    [error] = refusal.value.members["errors"]
    assert (error["path"], kind in error["reason"]) == ("kind", True)


BONUS, GIFT = make.bonus("b", {"points": 5}), make.donation("d", {"money": 500})
EFFECT = GIFT["effect"]
OWN = make.offer("own", {"points": 50, "money_rate": "0.10"}, **{"from": "shopper-points"})


def earning(earn: dict[str, Any], **parts: Any) -> dict[str, Any]:
    return make.bonus("b", earn, **parts)


@pytest.mark.parametrize(
    ("path", "advice", "document"),
    [
        ("campaign", "add it", {"kind": "bonus", "effect": {"earn": {"points": 5}}}),
        ("campaign", "a-z, 0-9 and -", {**BONUS, "campaign": "No Spaces"}),
        ("effect", "add it", {"campaign": "b", "kind": "bonus"}),
        ("kind", "'bonus' or 'donation'", {**BONUS, "kind": "gift"}),
        ("stakcing", 'did you mean "stacking"', {**BONUS, "stakcing": {}}),
        ("pending_days", 'belongs to "effect"', {**BONUS, "pending_days": 3}),
        ("who.crad", 'did you mean "card"', {**BONUS, "who": {"crad": "required"}}),
        ("who.tiers.1", "stands twice", {**BONUS, "who": {"tiers": ["gold", "gold"]}}),
        ("who.tiers.0", "correct the text", {**BONUS, "who": {"tiers": [""]}}),
        ("who.segments.any.1", "stands twice", {**BONUS, "who": {"segments": {"any": ["a", "a"]}}}),
        ("who.segments.none.2", "stands twice", {**BONUS, "who": {"segments": {"none": ["a", "b", "a"]}}}),
        ("who.segments.none.1", 'is in "any", too', {**BONUS, "who": {"segments": {"any": ["a"], "none": ["b", "a"]}}}),
        ("who.segments.any", "shorten it", {**BONUS, "who": {"segments": {"any": [str(n) for n in range(101)]}}}),
        ("who.segments.any", "100,000", {**BONUS, "who": {"segments": {"any": [str(n) for n in range(11)]}}, "what": {"skus": [str(n) for n in range(10_000)]}}),
        ("who.segments.all", "use only any, none", {**BONUS, "who": {"segments": {"all": ["a"]}}}),
        ("effect.earn.by_tier", "name the tiers", earning({"by_tier": {}})),
        ("effect.earn.by_tier", "name the tiers", earning({"by_tier": ["gold"]})),
        ("effect.earn.by_tier", "up to 50", earning({"by_tier": {str(n): {"points": 1} for n in range(51)}})),
        ("effect.earn", "move points into", earning({"points": 5, "by_tier": {"gold": {"points": 5}}})),
        ("effect.earn", "{by_tier}", earning({})),
        ("effect.earn.by_tier.gold", "exactly one of", earning({"by_tier": {"gold": {}}})),
        ("effect.earn.by_tier.gold", "such as {points: 5}", earning({"by_tier": {"gold": 5}})),
        ("effect.earn.by_tier.gold.pionts", 'did you mean "points"', earning({"by_tier": {"gold": {"pionts": 5}}})),
        ("effect.earn.by_tier.gold.by_tier", "unknown field", earning({"by_tier": {"gold": {"by_tier": {"gold": {"points": 5}}}}})),
        ("effect.earn.by_tier.gold.ladder.1.from", "rise", earning({"by_tier": {"gold": {"ladder": [{"from": 5, "points": 1}, {"from": 5, "points": 2}]}}})),
        ("effect.earn.by_tier." + "x" * 65, "64 characters", earning({"by_tier": {"x" * 65: {"points": 5}}})),
        ("effect.earn.by_tier.silver", "leaves this tier out", {**earning({"by_tier": {"gold": {"points": 5}, "silver": {"points": 1}}}), "who": {"tiers": ["gold"]}}),
        ("effect.earn.ladder.1.by_tier", "unknown field", earning({"ladder": [{"from": 0, "points": 1}, {"from": 5, "by_tier": {"gold": {"points": 5}}}]})),
        ("effect.give.by_tier", "unknown field", make.donation("d", {"by_tier": {"gold": {"money": 5}}})),
        ("effect.per", "use one of basket, line, unit", earning({"by_tier": {"gold": {"rate": "0.1"}, "silver": {"points": 5}}}, per="amount")),
        ("stacking.group", "another group", {**earning({"by_tier": {"gold": {"points": 1}, "silver": {"multiply": "2"}}}), "stacking": {"group": "base"}}),
        ("effect.birthday", "shorten it", {**BONUS, "effect": {"earn": {"points": 5}, "birthday": {"days_before": 183, "days_after": 183}}}),
        ("effect.birthday.days_before", "raise it", {**BONUS, "effect": {"earn": {"points": 5}, "birthday": {"days_before": -1}}}),
        ("effect.birthday.days_after", "lower it", {**BONUS, "effect": {"earn": {"points": 5, "birthday": {"days_after": 366}}}}),
        ("effect.birthday.days", "days_before", {**BONUS, "effect": {"earn": {"points": 5}, "birthday": {"days": 3}}}),
        ("effect.birthday", "an object", {**BONUS, "effect": {"earn": {"points": 5}, "birthday": True}}),
        ("who.holdout_percent", "lower it", {**BONUS, "who": {"holdout_percent": 100}}),
        ("who.holdout_percent", "raise it", {**BONUS, "who": {"holdout_percent": -1}}),
        ("who.holdout_percent", "whole number", {**BONUS, "who": {"holdout_percent": 0.5}}),
        ("what.exclude.sku", 'did you mean "skus"', {**BONUS, "what": {"exclude": {"sku": []}}}),
        ("funding.0.shares", 'did you mean "share"', {**GIFT, "funding": [{"shares": "1"}]}),
        ("effect.earn.pionts", 'did you mean "points"', earning({"pionts": 5})),
        ("effect.earn", "exactly one of {points} or", earning({"points": 5, "rate": "1"})),
        ("effect.earn", "exactly one of", earning({})),
        ("effect.earn", "exactly one of", earning({"per_amount": 5})),
        ("effect.give", "exactly one of", make.donation("d", {"points": 5})),
        ("effect.earn.points", "without quotes", earning({"points": "5"})),
        ("effect.earn.points", "without quotes", earning({"points": True})),
        ("effect.earn.points", "raise it", earning({"points": 0})),
        ("effect.earn.points", "raise it", earning({"points": -5})),
        ("effect.earn.points", "lower it", earning({"points": 10**12 + 1})),
        ("effect.earn.rate", "in quotes", earning({"rate": 0.01})),
        ("effect.earn.rate", 'such as "1"', earning({"rate": 1})),
        ("effect.earn.rate", "write a decimal", earning({"rate": "1%"})),
        ("effect.earn.rate", "above 0", earning({"rate": "0.00"})),
        ("effect.earn.rate", "write a decimal", earning({"rate": "-1"})),
        ("effect.earn.multiply", 'above "1"', earning({"multiply": "1"})),
        ("effect.earn.multiply", 'up to "1000"', earning({"multiply": "1001"})),
        ("effect.earn.ladder.1.from", "rise", earning({"ladder": [{"from": 5, "points": 1}, {"from": 5, "points": 2}]})),
        ("effect.earn.ladder.0.from", "minor units", earning({"ladder": [{"points": 1}]})),
        ("effect.earn.ladder.0", "exactly one of", earning({"ladder": [{"from": 0}]})),
        ("effect.earn.ladder.0.multiply", "unknown", earning({"ladder": [{"from": 0, "multiply": "2"}]})),
        ("effect.earn.ladder", "fill it in", earning({"ladder": []})),
        ("effect.give.bands", "fill it in", make.donation("d", {"bands": []})),
        ("effect.give.bands", "begin above 500", make.donation("d", {"bands": [{"from": 500, "money": 1}, {"from": 500, "money": 2}]})),
        ("effect.give.bands.0.money", "add it", make.donation("d", {"bands": [{"from": 500}]})),
        ("effect.give.bands.0.points", "use only from, money", make.donation("d", {"bands": [{"from": 500, "points": 3}]})),
        ("effect.per", "use one of basket, amount, line, visit", make.donation("d", {"bands": [{"from": 5, "money": 1}]}, per="unit")),
        ("effect.give.rate", 'at most "1"', make.donation("d", {"rate": "1.1"})),
        ("effect.give.round_up_to", "raise it", {**make.ROUND_UP, "effect": {**make.ROUND_UP["effect"], "give": {"round_up_to": 1}}}),
        ("effect.earn", 'has "earn"', {**BONUS, "effect": {"give": {"money": 1}}}),
        ("effect.earn", 'no "give"', {**BONUS, "effect": {"earn": {"points": 1}, "give": {"money": 1}}}),
        ("effect.base", "keep one", earning({"points": 1, "base": "net"}, base="gross")),
        ("effect.per", "use one of basket, line, unit, visit", earning({"points": 5}, per="amount")),
        ("effect.per", "use one of amount, basket, line, visit", earning({"rate": "1"}, per="unit")),
        ("effect.per", "steps that count amounts", earning({"ladder": [{"from": 0, "rate": "1"}]}, per="unit")),
        ("effect.per", "use one of basket, amount", {**make.ROUND_UP, "effect": {**make.ROUND_UP["effect"], "per": "visit"}}),
        ("effect.nth_visit", "keep one of the two", earning({"points": 5}, welcome=True, nth_visit=10)),
        ("effect.nth_visit", "raise it", earning({"points": 5}, nth_visit=1)),
        ("effect.nth_visit", "without quotes", earning({"points": 5}, nth_visit=True)),
        ("effect.welcome", "true or false", earning({"points": 5, "welcome": "yes"})),
        ("effect.to", "leave it out", earning({"points": 5}, to={"fund": "children"})),
        ("effect.from", "leave it out", {**BONUS, "effect": {"earn": {"points": 5}, "from": "shopper-money"}}),
        ("programme", "create it first", {**BONUS, "programme": "klub"}),
        ("active.until", "ends before it begins", {**BONUS, "active": {"from": "2026-02-01", "until": "2026-02-01"}}),
        ("active.from", "such as", {**BONUS, "active": {"from": "1 May"}}),
        ("active.from", "such as", {**BONUS, "active": {"from": 20260501}}),
        ("schedule.0.rrule", "never opens", {**BONUS, "schedule": [{"rrule": "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", "for": "PT1M"}]}),
        ("schedule.0.rrule", "from 2026-03-01 until 2026-03-08", {**BONUS, "active": {"from": "2026-03-01", "until": "2026-03-08"}, "schedule": [{"rrule": "FREQ=MONTHLY;BYMONTHDAY=10", "for": "PT1M"}]}),
        ("schedule.0.rrule", "use FREQ", {**BONUS, "schedule": [{"rrule": "DAILY", "for": "PT1M"}]}),
        ("schedule.0.rrule", "active.until", {**BONUS, "schedule": [{"rrule": "FREQ=DAILY;COUNT=3", "for": "PT1M"}]}),
        ("schedule.0.rrule", '"active.from"', {**BONUS, "schedule": [{"rrule": "FREQ=WEEKLY", "for": "PT1M"}]}),
        ("schedule.0.at", "in quotes", {**BONUS, "schedule": [{"rrule": "FREQ=DAILY", "at": 720, "for": "PT1M"}]}),
        ("schedule.0.at", "time of day", {**BONUS, "schedule": [{"rrule": "FREQ=DAILY", "at": "25:00", "for": "PT1M"}]}),
        ("schedule.0.for", "PT1M", {**BONUS, "schedule": [{"rrule": "FREQ=DAILY", "for": "1 minute"}]}),
        ("schedule.0.for", "more than", {**BONUS, "schedule": [{"rrule": "FREQ=DAILY", "for": "PT0S"}]}),
        ("where.retailers.0", "create it first", {**BONUS, "where": {"retailers": ["retail-ns"]}}),
        ("where.retailers.0", "is a supplier", {**BONUS, "where": {"retailers": ["hunter-foods"]}}),
        ("where.stores.0", 'did you mean "nsk-07"', {**BONUS, "where": {"stores": ["nsk-7"]}}),
        ("where.regions.0", 'did you mean "siberia"', {**BONUS, "where": {"regions": ["sibir"]}}),
        ("where.regions.1", "create the store first", {**BONUS, "where": {"regions": ["siberia", "Тайга"]}}),
        ("what.exclude.skus", "nothing is left", {**BONUS, "what": {"skus": ["1"], "exclude": {"skus": ["1", "2"]}}}),
        ("what.min_quantity", "in quotes", {**BONUS, "what": {"min_quantity": 1}}),
        ("what.min_amount", "raise it", {**BONUS, "what": {"min_amount": -1}}),
        ("effect.to", "say who gets it", {**GIFT, "effect": {"give": {"money": 5}}}),
        ("effect.to", "say who gets it", make.donation("d", {"money": 5}, to={})),
        ("effect.to", "say who gets it", make.donation("d", {"money": 5}, to={"fund": "children", "choice": ["school-1"]})),
        ("effect.to.fund", "create it first", make.donation("d", {"money": 5}, to={"fund": "childern"})),
        ("effect.to.fund", "is a supplier", make.donation("d", {"money": 5}, to={"fund": "dairy"})),
        ("effect.to.choice.1", "create it first", make.donation("d", {"money": 5}, to={"choice": ["school-1", "school-2"]})),
        ("effect.to.choice.1", "stands twice", make.donation("d", {"money": 5}, to={"choice": ["school-1", "school-1"]})),
        ("active.until", "2000-01-01", {**BONUS, "active": {"until": "2000-01-01"}}),
        ("active.until", "2000-01-01", {**BONUS, "active": {"from": "1998-01-01", "until": "1999-01-01"}}),
        ("effect.to.fallback", "create it first", make.donation("d", {"money": 5}, to={"fund": "children", "fallback": "nobody"})),
        ("effect.to.fallback", "is a supplier", make.donation("d", {"money": 5}, to={"fund": "children", "fallback": "dairy"})),
        ("effect.to.fallback", "name another", make.donation("d", {"money": 5}, to={"fund": "children", "fallback": "children"})),
        ("effect.to.default", "not in the choice", make.donation("d", {"money": 5}, to={"choice": ["school-1"], "default": "school-17"})),
        ("effect.pending_days", "leave it out", make.donation("d", {"money": 5}, pending_days=3)),
        ("effect.expire_after", "leave it out", make.donation("d", {"money": 5}, expire_after={"months": 3})),
        ("effect.from", "shopper-money", {**GIFT, "effect": {**EFFECT, "give": {"round_up_to": 100}}}),
        ("effect.give", "round_up_to", {**GIFT, "funding": [], "effect": {**EFFECT, "give": {"points": 1, "money_rate": "1"}, "from": "shopper-money"}}),
        ("funding", "the shopper pays", {**make.ROUND_UP, "funding": GIFT["funding"]}),
        ("funding", "nobody pays", {**GIFT, "funding": []}),
        ("funding", '"0.9"', {**GIFT, "funding": [{"party": "dairy", "share": "0.5"}, {"party": "retail-nsk", "share": "0.4"}]}),
        ("funding", '"1.000001"', {**GIFT, "funding": [{"party": "dairy", "share": "0.5"}, {"party": "retail-nsk", "share": "0.500001"}]}),
        ("funding.0.share", "in quotes", {**GIFT, "funding": [{"party": "dairy", "share": 1}]}),
        ("funding.1.share", "above 0", {**GIFT, "funding": [{"party": "dairy", "share": "1"}, {"party": "retail-nsk", "share": "0"}]}),
        ("funding.1.party", "stands twice", {**GIFT, "funding": [{"party": "dairy", "share": "0.5"}, {"party": "dairy", "share": "0.5"}]}),
        ("funding.0.party", "is a charity", {**GIFT, "funding": [{"party": "children", "share": "1"}]}),
        ("funding.0.party", "create it first", {**BONUS, "funding": [{"party": "nobody", "share": "1"}]}),
        ("funding.0.budget.points", "{money: …}", {**GIFT, "funding": [{"party": "dairy", "share": "1", "budget": {"points": 5}}]}),
        ("limits.budget.money", "{points: …}", {**BONUS, "limits": {"budget": {"money": 5}}}),
        ("limits.max_per_basket.points", "{money: …}", {**GIFT, "limits": {"max_per_basket": {"points": 5}}}),
        ("limits.budget", "exactly one", {**GIFT, "limits": {"budget": {}}}),
        ("limits.budget", "exactly one", {**make.HUNTER, "limits": {"budget": {"points": 1, "money": 1}}}),
        ("limits.per_card", "raise it", {**BONUS, "limits": {"per_card": 0}}),
        ("effect.give", "{points, money_rate}", make.offer("d", {"money": 5}, **{"from": "shopper-points"})),
        ("funding.0.budget.points", "gives money", {**OWN, "funding": [{"party": "dairy", "share": "1", "budget": {"points": 5000}}]}),
        ("stacking.mode", "use add", {**OWN, "stacking": {"mode": "best"}}),
        ("match", "leave it out", {**GIFT, "match": MATCH}),
        ("match", "leave it out", {**BONUS, "match": MATCH}),
        ("match.funding", "add it", {**make.ROUND_UP, "match": {"ratio": "1"}}),
        ("match.funding", "fill it in", {**make.ROUND_UP, "match": {"funding": []}}),
        ("match.funding", '"0.4"', {**make.ROUND_UP, "match": {"funding": [{"party": "dairy", "share": "0.4"}]}}),
        ("match.funding.0.party", "is a charity", {**make.ROUND_UP, "match": {"funding": [{"party": "children", "share": "1"}]}}),
        ("match.ratio", "above 0", {**make.ROUND_UP, "match": {**MATCH, "ratio": "0"}}),
        ("match.ratio", "at most", {**make.ROUND_UP, "match": {**MATCH, "ratio": "100.1"}}),
        ("match.ratio", "in quotes", {**make.ROUND_UP, "match": {**MATCH, "ratio": 1}}),
        ("match.budget.points", "{money: …}", {**make.ROUND_UP, "match": {**MATCH, "budget": {"points": 5}}}),
        ("match.funding.0.budget", "exactly one", {**make.ROUND_UP, "match": {"funding": [{**MATCH["funding"][0], "budget": {}}]}}),
        ("stacking.group", "another group", {**earning({"multiply": "2"}), "stacking": {"group": "base"}}),
        ("stacking.mode", "use add", {**make.offer("top-up", {"money": 500}), "stacking": {"mode": "best"}}),
        ("stacking.mode", "use add", {**make.ROUND_UP, "stacking": {"mode": "best"}}),
        ("stacking.mode", "'add', 'best' or 'stop'", {**BONUS, "stacking": {"mode": "max"}}),
        ("rounding", "'down'", {**BONUS, "rounding": "nearest"}),
        ("receipt.de", "ru, en", {**BONUS, "receipt": {"de": "Danke"}}),
        ("title", "empty", {**BONUS, "title": ""}),
        ("", "quote", {1: "one"}),
        ("", "quote", {**BONUS, "limits": {"per_card": 2**80}}),
    ],
)  # fmt: skip
def test_nonsense_is_refused_with_its_place_and_advice(path: str, advice: str, document: dict[str, Any]) -> None:  # fmt: skip
    with pytest.raises(InvalidRequest) as refusal:
        validate(document, make.known())
    [first, *_] = [e for e in refusal.value.members["errors"] if e["path"] == path] or [None]
    assert first, refusal.value.members["errors"]
    assert advice in first["reason"]
    assert names_a_remedy(first["reason"])


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        (earning({"ladder": []}), "is empty: fill it in, or leave it out"),
        ({**BONUS, "who": {"tiers": [""]}}, "is empty: correct the text, or leave it out"),
        ({**BONUS, "who": {"tiers": ["x" * 65]}}, "has more than 64 characters: shorten it"),
        ({**BONUS, "who": {"tiers": ["x"] * 101}}, "has more than 100 entries: shorten it"),
    ],
)
def test_lengths_are_refused_in_words_of_the_document(
    document: dict[str, Any], reason: str
) -> None:
    with pytest.raises(InvalidRequest) as refused:
        validate(document, make.known())
    assert refused.value.members["errors"][0]["reason"] == reason


def test_the_published_description_has_every_form() -> None:
    """Whoever writes documents by it need not guess what `earn` and `give` take."""
    fields = CampaignDocument.model_json_schema()["$defs"]["Effect"]["properties"]
    for key in ("earn", "give"):
        said = [frozenset(form["required"]) for form in fields[key]["anyOf"] if "required" in form]
        ours = [kind.fields for kind in kinds.ALL if kind.key == key]
        assert said == [*ours, *([{"by_tier"}] if key == "earn" else [])]


def test_every_fault_is_reported_at_once() -> None:
    document = {**GIFT, "programme": "x", "funding": [], "receipt": {"de": "Danke"}}
    with pytest.raises(InvalidRequest) as refusal:
        validate(document, make.known())
    paths = {error["path"] for error in refusal.value.members["errors"]}
    assert paths == {"programme", "funding", "receipt.de"}


@pytest.mark.parametrize("programmes", [{}, {"club": make.programme(), "other": make.programme()}])
def test_a_programme_may_be_left_out_only_if_it_is_the_only_one(programmes: Any) -> None:
    with pytest.raises(InvalidRequest, match="name"):
        validate(BONUS, make.known(programmes=programmes))
    validate(BONUS, make.known())


def test_a_programme_with_tiers_that_count_in_the_sale_itself_is_refused_by_name() -> None:
    with pytest.raises(NotSupported) as refusal:
        validate_programme({**make.PROGRAMME, "tier_from": "this"})
    [error] = refusal.value.members["errors"]
    assert error["path"] == "tier_from"
    assert 'write "next"' in error["reason"]
    assert validate_programme({**make.PROGRAMME, "tier_from": "next"}).tier_from == "next"


def test_a_published_campaign_keeps_its_programme_when_there_is_another_later() -> None:
    two = make.known(
        programmes={"club": make.programme(), "other": make.programme()}, campaigns={"b": "club"}
    )
    validate(BONUS, two)
    with pytest.raises(InvalidRequest, match="name one of club, other"):
        validate({**BONUS, "campaign": "new"}, two)


def test_nothing_known_is_said_as_such() -> None:
    with pytest.raises(InvalidRequest, match="there is none yet"):
        validate(GIFT, Known(programmes={"club": make.programme()}))


def test_repeated_skus_are_harmless() -> None:
    taken = validate({**BONUS, "what": {"skus": ["1", "1"]}}, make.known())
    assert set(taken.what.skus) == {"1"}


def test_what_modifies_a_bonus_stands_in_it_or_beside_it() -> None:
    inside = make.bonus("b", {"points": 5, "base": "gross", "pending_days": 3})
    beside = make.bonus("b", {"points": 5}, base="gross", pending_days=3)
    assert read(inside) == read(beside)


def test_every_form_is_listed() -> None:
    import pkgutil

    on_disk = {module.name for module in pkgutil.iter_modules(kinds.__path__)}
    assert on_disk == {kind.gives.__module__.rsplit(".", 1)[1] for kind in kinds.ALL}


def test_a_programme_needs_a_name_and_a_currency_only() -> None:
    said = validate_programme(make.PROGRAMME)
    assert (said.points_scale, said.debt, said.tier_from) == (0, "allowed", "next")
    assert said.expire_after is not None
    assert said.expire_after.months == 12
    for missing in make.PROGRAMME:
        with pytest.raises(InvalidRequest, match="add it"):
            validate_programme({k: v for k, v in make.PROGRAMME.items() if k != missing})


@pytest.mark.parametrize(
    ("path", "changes"),
    [
        ("currency", {"currency": "XXX"}),
        ("points_scale", {"points_scale": 7}),
        ("point_value", {"point_value": 0.1}),
        ("point_value", {"point_value": "0"}),
        ("redeem.max_share", {"redeem": {"max_share": "1.5"}}),
        ("redeem.min_cash", {"redeem": {"min_cash": -1}}),
        ("redeem.min_chas", {"redeem": {"min_chas": 1}}),
        ("expire_after.months", {"expire_after": {"months": -1}}),
        ("expire_after", {"expire_after": {"months": 0, "at": "day"}}),
        ("expire_after.at", {"expire_after": {"at": "week-end"}}),
        ("debt", {"debt": "never"}),
        ("languages", {"languages": []}),
    ],
)
def test_a_faulty_programme_is_refused_with_its_place(path: str, changes: dict[str, Any]) -> None:
    with pytest.raises(InvalidRequest) as refusal:
        validate_programme({**make.PROGRAMME, **changes})
    assert refusal.value.members["errors"][0]["path"] == path
