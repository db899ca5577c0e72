"""What a sale gave, by line, by funder and by lot: it adds up, is read back as decided, and is checked as stored."""

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_rules_laws import gives, shares, whats

import make
import make_rules
from lepta.ledger.entries import EARN, Code
from lepta.processing.beside import Beside
from lepta.processing.decide import Accepted
from lepta.processing.given import amounts_of
from lepta.processing.leaf import Leaf, Recorded
from lepta.processing.outcome import Donation, Outcome
from lepta.verification.sums import unequal_sums

TWO = [{"party": "hunter-foods", "share": "0.6"}, {"party": "retail-nsk", "share": "0.4"}]
DONATION = make_rules.donation("given", {"money": 333}, per="unit", funding=TWO)
OFFERS: list[dict[str, Any]] = [
    {**make_rules.offer("gift", {"rate": "0.013"}), "match": {"funding": TWO, "ratio": "0.5"}},
    make_rules.offer("goods-gift", {"money": 70}, per="unit", what={"skus": ["1"]}),
    make_rules.offer("own", {"points": 3, "money_rate": "0.13"}, **{"from": "shopper-points"}),
    {
        **make_rules.offer(
            "doubled", {"points": 5, "money_rate": "0.1"}, **{"from": "shopper-points"}
        ),
        "match": {"funding": TWO, "ratio": "2", "budget": {"money": 70}},
    },
    make.ROUND_UP,
]
lines = st.builds(
    lambda sku, amount, quantity: {"sku": sku, "amount": amount, "quantity": quantity},
    st.sampled_from(["1", "2", "3"]),
    st.integers(-9_000, 60_000) | st.just(0),
    st.sampled_from(["0.345", "1", "2", "7.5"]),
)


@st.composite
def sales(draw: st.DrawFn) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Campaigns of every sort, and the body of a sale that accepts what they offer."""
    keeps = st.sampled_from([None, "keep", "reverse"])
    form, per = draw(gives)
    parties = [
        {"party": party, "share": share}
        for party, share in zip(("dairy", "retail-nsk", "hunter-foods"), draw(shares), strict=False)
    ]
    documents = [
        make.BASE,
        make_rules.bonus("by-us", {"points": 5}, per="unit", what=draw(whats)),
        make_rules.bonus("by-two", {"rate": "0.137"}, per="amount", funding=TWO, what=draw(whats)),
        make_rules.bonus("waits", {"points": 7}, per="line", pending_days=14),
        make_rules.donation("given", form, per=per, what=draw(whats), funding=parties),
        *OFFERS,
    ]
    chosen = [{**d, "returns": draw(keeps)} for d in documents if draw(st.booleans())]
    sold = [{"line": n, **each} for n, each in enumerate(draw(st.lists(lines, min_size=1, max_size=7)))]  # fmt: skip
    total = sum(each["amount"] for each in sold)
    gifts = [{"offer": d["campaign"], "accepted": True} for d in OFFERS]
    body = {
        "lines": sold, "total": draw(st.just(total) | st.integers(min(total, 0), total)), "gifts": gifts,
        "redeem": {"points": draw(st.integers(0, 50))}, "offline": True,
    }  # fmt: skip
    return chosen, body


def decided(documents: list[dict[str, Any]], body: dict[str, Any], points: int = 100) -> Accepted:
    """Of a shopper who has so many points before."""
    opening = {**make.BASE, "campaign": "opening", "what": {"skus": ["opening"]}}
    at = make.state(make.rulebook(opening, *documents))
    if points:
        first = make.line(sku="opening", amount=points * 2000)
        make.accepted(make.checkout(sequence=1, lines=[first]), at)
    return make.accepted(make.checkout(**body), at)


def stored(sale: Accepted) -> dict[str, Any]:
    """The parsed leaf and what lies beside it."""
    document: dict[str, Any] = Leaf(sale.leaf.leaf, Beside(sale.leaf.beside).content).document
    return document


def fault(document: dict[str, Any]) -> str:
    """What verification finds wrong with the sums of an outcome."""
    sums = [0] * (max(Code) + 1)
    for _, _, amount, code in document.get("entries", ()):
        sums[code] += amount
    amounts = [line[3] for line in document["basket"]["lines"]]
    return unequal_sums(document["outcome"], sums, document.get("entries", ()), amounts)


@given(sales())
def test_shares_add_up_and_are_read_back_as_they_were_decided(
    sale: tuple[list[dict[str, Any]], dict[str, Any]],
) -> None:
    documents, body = sale
    done = decided(documents, body)
    outcome = done.recorded.outcome
    assert Recorded.parse(done.leaf.leaf, done.leaf.beside).outcome == outcome
    carried: Counter[int] = Counter()
    for earned in outcome.earned:
        assert sum(earned.by_line) == sum(points for _, points in earned.legs) == earned.points
        carried.update(dict(earned.legs))
    document = stored(done)
    entries = document.get("entries", ())
    assert carried == {n: entry[2] for n, entry in enumerate(entries) if entry[3] == EARN}
    for gift in outcome.donations:
        assert sum(funder.points for funder in gift.funders) + gift.shopper_points == gift.points
        assert 0 <= gift.matched <= sum(funder.money for funder in gift.funders)
        assert len({funder.party for funder in gift.funders}) == len(gift.funders)
        assert len(gift.lines) == len(gift.by_line)
        assert min(gift.by_line, default=0) >= 0
        paid = any(amount > 0 for amount in amounts_of(done.recorded.event))
        assert sum(gift.by_line) == (gift.points or gift.money) or (gift.whole_sale and not paid)
        assert gift.whole_sale or gift.lines, "lines that are left out mean the whole sale"
    assert fault(document) == ""


BASKET = [
    make.line(1, 10_000, sku="1", quantity="3"),
    make.line(2, 30_000, sku="2"),
    make.line(3, 20_000, sku="1"),
]


def given_with(document: dict[str, Any], **more: Any) -> Donation:
    """The only donation of a sale of four of one product on two lines, and one of another."""
    gifts = [{"offer": document["campaign"], "accepted": True}]
    body = {"lines": BASKET, "gifts": gifts, **more}
    [gift] = decided([document], body).recorded.outcome.donations
    return gift


@pytest.mark.parametrize(("document", "lines", "by_line"), [
    (DONATION, (0, 1, 2), (444, 333, 888)),
    ({**DONATION, "limits": {"per_basket": 2}}, (0, 1, 2), (178, 133, 355)),
    (make_rules.donation("line", {"rate": "0.01"}, per="line"), (0, 1, 2), (100, 300, 200)),
    (make_rules.donation("sum", {"money": 600}, per="basket", what={"skus": ["1"]}), (0, 2), (200, 400)),
    (make_rules.donation("points", {"points": 9, "money_rate": "0.1"}, per="basket"), (0, 1, 2), (2, 4, 3)),
    (make_rules.offer("gift", {"money": 60}, per="unit", what={"skus": ["1"]}), (0, 2), (80, 160)),
])  # fmt: skip
def test_lines_carry_what_was_given_for_them(
    document: dict[str, Any], lines: tuple[int, ...], by_line: tuple[int, ...]
) -> None:
    gift = given_with(document)
    assert (gift.lines, gift.by_line, gift.whole_sale) == (lines, by_line, False)


def test_a_gift_for_the_whole_sale_is_carried_by_what_lines_cost_with_all_that_was_added() -> None:
    match = {"funding": TWO, "ratio": "1"}
    gift = given_with({**make_rules.offer("gift", {"money": 300}), "match": match})
    assert (gift.money, gift.shopper_money, gift.whole_sale) == (600, 300, True)
    assert (gift.lines, gift.by_line, gift.given_for) == ((0, 1, 2), (100, 300, 200), ())


def test_a_gift_with_a_sale_that_costs_nothing_is_no_lines() -> None:
    gift = given_with(make_rules.offer("gift", {"money": 300}), lines=[make.line(amount=0)])
    assert (gift.money, gift.lines, gift.by_line) == (300, (), ())


@pytest.mark.parametrize(("said", "keep"), [(None, False), ("keep", True), ("reverse", False)])
def test_what_stays_given_says_so(said: str | None, keep: bool) -> None:
    assert given_with({**DONATION, "returns": said}).keep is keep
    sale = decided([{**make.BASE, "returns": said}], {})
    assert [earned.keep for earned in sale.recorded.outcome.earned] == [keep]


def test_a_shoppers_gift_stays_given_unless_its_campaign_says_otherwise() -> None:
    assert given_with(make.ROUND_UP, lines=[make.line(amount=25_500)]).keep
    reversed_too = {**make.ROUND_UP, "returns": "reverse"}
    assert not given_with(reversed_too, lines=[make.line(amount=25_500)]).keep


def test_campaigns_that_share_an_entry_each_know_their_part_of_it() -> None:
    both = make_rules.bonus("both", {"points": 10}, per="basket", funding=TWO)
    outcome = decided([make.BASE, both], {}, points=0).recorded.outcome
    assert {e.campaign: e.legs for e in outcome.earned} == {
        "base": ((0, 12),), "both": ((1, 6), (0, 4)),
    }  # fmt: skip


def test_legs_of_points_that_follow_a_redemption_are_numbered_after_it() -> None:
    outcome = decided([make.BASE], {"redeem": {"points": 50}}).recorded.outcome
    assert [e.legs for e in outcome.earned] == [((1, outcome.points.earned),)]


def test_a_sale_of_one_line_says_nothing_that_follows() -> None:
    outcome: dict[str, Any] = stored(decided([make.BASE, DONATION], {}, points=0))["outcome"]
    assert outcome["earned"] == [["base", 12, 1, [0]]]
    funders = [["hunter-foods", 200], ["retail-nsk", 133]]
    assert outcome["donations"] == [["given", "forest-animals", 0, 333, 1, funders, 0, 0, [0]]]


def test_a_gift_for_the_whole_sale_names_no_lines() -> None:
    gifts = [{"offer": "round-up", "accepted": True}]
    body = {"lines": BASKET[:2], "total": 39_100, "gifts": gifts}
    sale = decided([make.ROUND_UP], body, points=0)
    array = ["round-up", "forest-animals", 0, 900, 1, [], 0, 900]
    assert stored(sale)["outcome"]["donations"] == [array]
    [gift] = sale.recorded.outcome.donations
    assert gift.by_line == (225, 675), "the total was less than its lines"
    assert Recorded.parse(sale.leaf.leaf, sale.leaf.beside).outcome == sale.recorded.outcome


@pytest.mark.parametrize(("document", "matched", "money"), [
    (OFFERS[0], 390, 1_170), (OFFERS[1], 0, 280), (OFFERS[2], 0, 39), (OFFERS[3], 70, 120), (DONATION, 0, 1_665),
    ({**OFFERS[3], "match": {"funding": TWO}}, 50, 100), ({**OFFERS[3], "exhausted": "none"}, 0, 50),
])  # fmt: skip
def test_what_companies_added_to_a_gift_is_told_from_the_rest(
    document: dict[str, Any], matched: int, money: int
) -> None:
    gift = given_with(document)
    assert (gift.matched, gift.money) == (matched, money)


def add_less_than_nothing(outcome: Any) -> None:
    outcome["donations"][0][11] = -1


def add_more_than_is_borne(outcome: Any) -> None:
    outcome["donations"][0][11] = 121


@pytest.mark.parametrize("tamper", [add_less_than_nothing, add_more_than_is_borne])
def test_a_match_that_does_not_add_up_is_found(tamper: Callable[[Any], None]) -> None:
    gifts = [{"offer": "doubled", "accepted": True}]
    document = stored(decided([OFFERS[3]], {"gifts": gifts}))
    [array] = document["outcome"]["donations"]
    funders = [["retail-nsk", 78], ["hunter-foods", 42]]
    assert array == ["doubled", "forest-animals", 5, 120, 1, funders, 5, 0, [], [], 0, 70]
    assert fault(document) == ""
    tamper(document["outcome"])
    assert fault(document) == "more was added to a gift of points than its funders bear"


def share_otherwise(outcome: Any) -> None:
    outcome["earned"][0].append([5, 15, 11])


def share_below_nothing(outcome: Any) -> None:
    outcome["earned"][0].append([-1, 31, 0])


def name_a_line_that_is_not_there(outcome: Any) -> None:
    outcome["earned"][0][3][-1] = 3


def name_a_line_twice(outcome: Any) -> None:
    outcome["earned"][0][3][1] = 0


def leave_a_share_out(outcome: Any) -> None:
    outcome["earned"][0].append([15, 15])


def carry_otherwise(outcome: Any) -> None:
    outcome["earned"][1][5][0][1] += 1


def carry_elsewhere(outcome: Any) -> None:
    outcome["earned"][0] += [[], [1]]


def carry_by_an_entry_that_earns_nothing(outcome: Any) -> None:
    outcome["earned"][0] += [[], [2]]


def give_a_line_more(outcome: Any) -> None:
    outcome["donations"][0][9][0] += 1


def bear_more_points(outcome: Any) -> None:
    outcome["donations"][0][5][0][2] += 1


def share_without_lines(outcome: Any) -> None:
    outcome["donations"][0][8] = []


@pytest.mark.parametrize(("tamper", "found"), [
    (share_otherwise, "points earned by line are not those earned"),
    (share_below_nothing, "points earned by line are not those earned"),
    (name_a_line_that_is_not_there, "points earned by line are not those earned"),
    (name_a_line_twice, "points earned by line are not those earned"),
    (leave_a_share_out, "points earned by line are not those earned"),
    (carry_otherwise, "points of a campaign are not those of its entries"),
    (carry_elsewhere, "points of a campaign are not those of its entries"),
    (carry_by_an_entry_that_earns_nothing, "points of a campaign are not those of its entries"),
    (give_a_line_more, "a donation by line is not what was given"),
    (share_without_lines, "a donation by line is not what was given"),
    (bear_more_points, "a donation is not the sum of its shares"),
])  # fmt: skip
def test_shares_that_do_not_add_up_are_found(tamper: Callable[[Any], None], found: str) -> None:
    points = make_rules.donation(
        "points", {"points": 50, "money_rate": "0.1"}, per="unit", funding=TWO
    )
    both = make_rules.bonus("both", {"points": 10}, per="basket", funding=TWO)
    document = stored(decided([make.BASE, both, points], {"lines": BASKET}, points=0))
    assert fault(document) == ""
    tamper(document["outcome"])
    assert fault(document) == found


def test_an_outcome_that_is_nothing_is_read_back_with_no_entries() -> None:
    sale = decided([], {}, points=0)
    document = stored(sale)
    event, seen = sale.recorded.event, sale.recorded.seen
    assert Outcome.of(document["outcome"], event, seen, ()) == sale.recorded.outcome
    assert fault(document) == ""
