"""The handbook's examples as a marketer would type them: each is saved as it stands, and a sale comes out as it says."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pytest
import yaml

import make_rules as make
from lepta.campaigns.compile import check_campaign, check_programme
from lepta.rules.effects import Donate
from lepta.rules.facts import Facts, Shopper
from lepta.rules.limits import Counter
from lepta.rules.programme import compile_programme

WHOLE_PROGRAMME = """
name: Club
currency: RUB
points_scale: 0
point_value: "0.10"
redeem: {max_share: "0.5", min_cash: 0, exclude: {categories: []}}
expire_after: {months: 12, at: month-end}
pending_days: 0
debt: allowed
restore_grace_days: 0
tier_from: next
languages: [ru, en]
"""

TWO_LINES = (make.line("tea", 30_000, "2"), make.line("bread", 25_700))


def bonus(effect: str, rest: str = "") -> dict[str, Any]:
    said: dict[str, Any] = yaml.safe_load(f"{{campaign: it, kind: bonus, effect: {effect}}}")
    return {**said, **yaml.safe_load(f"{{{rest}}}")}


def donation(effect: str, rest: str = 'funding: [{party: retail-nsk, share: "1"}]') -> dict[str, Any]:  # fmt: skip
    said: dict[str, Any] = yaml.safe_load(f"{{campaign: it, kind: donation, effect: {effect}}}")
    return {**said, **yaml.safe_load(f"{{{rest}}}")}


def saved(*documents: dict[str, Any]) -> Any:
    """Their rulebook, once each was checked as it is when it is saved."""
    for document in documents:
        check_campaign(document["campaign"], document, make.known())
    return make.rulebook(*documents)


def earned(document: dict[str, Any], sale: Facts, counts: Any = None, **more: Any) -> int:
    return make.earned(make.outcome(saved(document), sale, counts, **more)).get("it", 0)


def given(document: dict[str, Any], sale: Facts, **more: Any) -> tuple[int, int]:
    """(points, money) of the fund."""
    effects = make.outcome(saved(document), sale, **more).effects
    gifts = [effect for effect in effects if isinstance(effect, Donate)]
    return sum(gift.points for gift in gifts), sum(gift.money_minor for gift in gifts)


def test_the_programme_is_the_one_that_is_had_by_default() -> None:
    whole = yaml.safe_load(WHOLE_PROGRAMME)
    check_programme(whole)
    least = {"name": "Club", "currency": "RUB"}
    assert compile_programme("club", whole) == compile_programme("club", least)


LADDER = "[{from: 0, points: 1, per_amount: 2000}, {from: 55500, points: 1, per_amount: 1000}]"


@pytest.mark.parametrize(
    ("effect", "points"),
    [
        ("{earn: {points: 5}, per: unit}", 15),
        ("{earn: {points: 5}, per: line}", 10),
        ("{earn: {points: 5}, per: basket}", 5),
        ("{earn: {points: 5}, per: visit}", 5),
        ('{earn: {rate: "0.01"}}', 5),
        ('{earn: {rate: "0.01"}, per: amount}', 5),
        ("{earn: {points: 1, per_amount: 2000}}", 27),
        # 557.00 is on the second step, which applies to all of it.
        (f"{{earn: {{ladder: {LADDER}}}}}", 55),
        ('{earn: {ladder: [{from: 0, points: 7}, {from: 55500, rate: "0.1"}]}}', 55),
        ("{earn: {ladder: [{from: 0, points: 7}, {from: 60000, points: 9}]}}", 7),
        ("{earn: {points: 5}, base: gross}", 5),
        ("{earn: {points: 5}, pending_days: 14, expire_after: {months: 1, at: month-end}}", 5),
        ("{earn: {points: 5}, expire_after: null}", 5),
        ("{earn: {by_tier: {silver: {points: 5}, gold: {points: 9}}}}", 9),
        ("{earn: {by_tier: {silver: {points: 5}}}}", 0),
    ],
)
def test_every_form_of_a_bonus(effect: str, points: int) -> None:
    sale = make.facts(*TWO_LINES, shopper=Shopper("ref-1", "gold"))
    assert earned(bonus(effect), sale) == points


@pytest.mark.parametrize("base", ["net", "gross"])
def test_an_amount_is_what_is_paid_after_redemption_unless_it_is_gross(base: str) -> None:
    document = bonus(f"{{earn: {{points: 1, per_amount: 2000}}, base: {base}}}")
    assert earned(document, make.facts(*TWO_LINES), net=[20_000, 25_700]) == (22 if base == "net" else 27)  # fmt: skip


def test_a_multiplier_adds_to_the_rounded_points_of_the_base() -> None:
    base = {**bonus("{earn: {points: 1, per_amount: 2000}, per: basket}"), "campaign": "base"}
    base["stacking"] = {"group": "base"}
    outcome = make.outcome(
        saved(bonus('{earn: {multiply: "2.5"}}'), base), make.facts(make.line(amount=25_900))
    )
    assert make.earned(outcome) == {"base": 12, "it": 18}


@pytest.mark.parametrize("is_first", [True, False])
def test_welcome_is_for_the_first_sale(is_first: bool) -> None:
    document = bonus("{earn: {points: 500}, welcome: true}")
    assert earned(document, make.facts(), is_first=is_first) == (500 if is_first else 0)


@pytest.mark.parametrize("birthdays", [((3, 3),), ()])
def test_a_birthday_is_the_days_around_it(birthdays: Any) -> None:
    document = bonus("{earn: {points: 200}, birthday: {days_before: 3, days_after: 3}}")
    shopper = Shopper("ref-1", birthdays=birthdays)
    assert earned(document, make.facts(shopper=shopper)) == (200 if birthdays else 0)


def test_every_tenth_visit_counts() -> None:
    book = saved(bonus("{earn: {points: 50}, nth_visit: 10}"))
    counts: dict[Counter, int] = {}
    visits = []
    for day in range(1, 22):
        outcome = make.outcome(book, make.facts(business_day=date(2026, 11, day)), counts)
        visits += [day] if outcome.effects else []
        for counter, used in outcome.consumed:
            counts[counter] = counts.get(counter, 0) + used
    assert visits == [10, 20]


NOON = datetime(2026, 12, 1, 12, 0, 30, tzinfo=make.NOVOSIBIRSK)
SCHOOLS = "{choice: [school-1, school-17], default: school-1}"


@pytest.mark.parametrize(
    ("document", "fund"),
    [
        # 50 points a pack, and all revenue of one minute on the 1st of each month.
        (donation('{give: {points: 50, money_rate: "0.10"}, per: unit, to: {fund: forest-animals}, from: funders}'), (150, 1_500)),
        (donation('{give: {rate: "1"}, per: amount, to: {fund: children}, from: funders}', 'funding: [{party: retail-nsk, share: "1"}], schedule: [{rrule: "FREQ=MONTHLY;BYMONTHDAY=1", at: "12:00", for: "PT1M"}]'), (0, 55_700)),
        # A fixed sum from each reusable bag.
        (donation("{give: {money: 500}, per: unit, to: {fund: children}, from: funders}", 'what: {skus: [tea]}, funding: [{party: retail-nsk, share: "1"}]'), (0, 1_000)),
        (donation(f"{{give: {{money: 500}}, to: {SCHOOLS}}}"), (0, 500)),
        # The shopper's own money.
        (donation("{give: {round_up_to: 1000}, to: {fund: children}, from: shopper-money}", ""), (0, 300)),
        (donation("{give: {money: 1000}, to: {fund: children}, from: shopper-money}", ""), (0, 1_000)),
        (donation('{give: {rate: "0.01"}, to: {fund: children}, from: shopper-money}', ""), (0, 557)),
        (donation("{give: {bands: [{from: 50000, money: 1000}]}, to: {fund: children}, from: shopper-money}", ""), (0, 1_000)),
        # The shopper's points.
        (donation('{give: {points: 50, money_rate: "0.10"}, to: {fund: children}, from: shopper-points}', ""), (50, 500)),
        # A company matches the gift.
        (donation("{give: {money: 1000}, to: {fund: children}, from: shopper-money}", 'match: {funding: [{party: retail-nsk, share: "1"}], ratio: "1", budget: {money: 1000000}}'), (0, 2_000)),
    ],
)  # fmt: skip
def test_every_example_of_a_donation(document: dict[str, Any], fund: tuple[int, int]) -> None:
    own = document["effect"].get("from", "funders") != "funders"
    sale = make.facts(*TWO_LINES, at=NOON, gifts=(make.gift("it"),) if own else ())
    assert given(document, sale, points=60) == fund


def test_the_choice_is_the_shoppers_and_counts_for_that_school() -> None:
    document = donation(f"{{give: {{money: 500}}, to: {SCHOOLS}}}")
    for choice, fund in ((("it", "school-17"), "school-17"), (None, "school-1")):
        [gift] = make.outcome(saved(document), make.facts(choice=choice)).effects
        assert isinstance(gift, Donate)
        assert gift.fund == fund


def test_the_condition_of_the_handbook_holds_after_three_visits() -> None:
    document = {
        **bonus("{earn: {points: 5}}"),
        "when": "basket.total >= 100000 && member.visits >= 3",
    }
    book, counts, fired = saved(document), dict[Counter, int](), []
    for day in range(1, 5):
        sale = make.facts(make.line(amount=100_000), business_day=date(2026, 11, day))
        outcome = make.outcome(book, sale, counts)
        fired.append(bool(outcome.effects))
        for counter, used in outcome.consumed:
            counts[counter] = counts.get(counter, 0) + used
    assert fired == [False, False, False, True]


@pytest.mark.parametrize(
    ("when", "per"),
    [
        ("basket.total == 55700", "basket"),
        ("basket.lines == 2", "basket"),
        ("basket.units == 3", "basket"),
        ('line.sku == "tea"', "unit"),
        ('line.sku == "tea"', "line"),
        ("line.amount == 30000 && line.quantity == 2", "line"),
        ('line.brand == "" && !("alcohol" in line.categories)', "line"),
        ('member.tier == "gold"', "basket"),
        ('"students" in member.segments', "basket"),
        ("member.visits == 0", "basket"),
        ("member.points == 60", "basket"),
        ("member.days_since_joining == 30", "basket"),
        ('store.id == "nsk-07" && store.region == "siberia"', "basket"),
        ('store.retailer == "retail-nsk"', "basket"),
        ("time.hour == 12 && time.weekday == 2 && time.day == 1 && time.month == 12", "basket"),
    ],
)
def test_every_fact_may_be_asked_for(when: str, per: str) -> None:
    shopper = Shopper("ref-1", "gold", ("students",), 30, ())
    sale = make.facts(*TWO_LINES, at=NOON, shopper=shopper)
    document = {**bonus(f"{{earn: {{points: 5}}, per: {per}}}"), "when": when}
    assert earned(document, sale, points=60) > 0
    opposite = {**document, "when": f"!({when}) && basket.total < 0"}
    assert earned(opposite, sale, points=60) == 0


def test_what_is_left_out_means_always_everywhere_everyone_and_every_line() -> None:
    said = """
    programme: club
    active: {from: null, until: null}
    where: {retailers: [], regions: [], stores: []}
    who: {card: optional, tiers: [], segments: {any: [], none: []}, holdout_percent: 0}
    what: {skus: [], categories: [], brands: [], exclude: {categories: []}, min_quantity: "0", min_amount: 0}
    limits: {}
    exhausted: partial
    rounding: down
    stacking: {group: donation, order: 100, mode: add}
    returns: reverse
    """
    short = donation('{give: {rate: "0.015"}, to: {fund: children}}')
    long = {**short, **yaml.safe_load(said)}
    for sale in (make.facts(*TWO_LINES), make.facts(make.line(amount=333), card=False)):
        first, second = (make.outcome(saved(document), sale) for document in (short, long))
        assert first == second
        assert first.effects
    own = donation("{give: {money: 5}, to: {fund: children}, from: shopper-money}", "")
    kept = [saved(document).campaign("it") for document in (own, short, long)]
    assert [campaign.returns for campaign in kept] == ["keep", "reverse", "reverse"]


def test_a_bonus_without_funding_is_the_stores_retailers() -> None:
    [earn] = make.outcome(saved(bonus("{earn: {points: 5}}")), make.facts()).effects
    assert [(funder.party, funder.points) for funder in earn.funders] == [("retail-nsk", 5)]


@pytest.mark.parametrize("limits", [
    "{per_basket: 2}", "{per_card_day: 2}", "{per_card: 2}", "{units: 2}", "{budget: {points: 10}}",
    "{max_per_basket: {points: 10}}",
])  # fmt: skip
@pytest.mark.parametrize("exhausted", ["partial", "none"])
def test_every_limit_leaves_whole_units_or_nothing(limits: str, exhausted: str) -> None:
    document = bonus("{earn: {points: 5}, per: unit}", f"limits: {limits}, exhausted: {exhausted}")
    of_basket = "basket" in limits
    assert earned(document, make.facts(*TWO_LINES)) == (10 if exhausted == "partial" or of_basket else 0)  # fmt: skip


@pytest.mark.parametrize(
    ("rounding", "points"), [("down", 8), ("half-up", 8), ("half-even", 8), ("up", 9)]
)
def test_every_rounding(rounding: str, points: int) -> None:
    document = bonus('{earn: {rate: "0.015"}}', f"rounding: {rounding}")
    assert Decimal("557.00") * Decimal("0.015") == Decimal("8.355")
    assert earned(document, make.facts(*TWO_LINES)) == points
