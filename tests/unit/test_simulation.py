"""Back-tests equal booking: receipts tried with a draft give what they would have given had it been published."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import make
from lepta.errors import DomainError, InvalidRequest, NotSupported
from lepta.processing.beside import pack
from lepta.processing.canonical import canonical
from lepta.processing.decide import Accepted
from lepta.processing.events import Checkout
from lepta.processing.outcome import Outcome
from lepta.rules.campaign import Campaign, compile_campaign
from lepta.rules.rulebook import (
    EMPTY,
    Change,
    Ended,
    Item,
    Paused,
    PublishedCampaign,
    PublishedProgramme,
    Rulebook,
)
from lepta.simulation.plan import NotRecorded, Plan, Span, plan
from lepta.simulation.reach import Reach, place
from lepta.simulation.report import report
from lepta.simulation.sift import Settled, Trial
from lepta.simulation.tally import Tally
from make import line

Document = Mapping[str, Any]
SPAN = Span(date(2026, 11, 22), date(2026, 11, 24))
CARDS = ("card-1", "card-2", "card-3")
NEW = "card-of-somebody-new"
SEED: Document = {
    "campaign": "seed", "programme": "club", "kind": "bonus", "active": {"until": "2026-11-22"},
    "effect": {"earn": {"points": 9_000}, "per": "basket"},
}  # fmt: skip
"""Points to spend, from the day before."""

COUNTING: Document = {
    "campaign": "counting", "programme": "club", "kind": "bonus", "what": {"skus": ["none"]},
    "effect": {"earn": {"points": 1}, "per": "basket", "nth_visit": 2},
}  # fmt: skip
"""Asks for visits, so that they are counted."""


def bonus(campaign: str, earn: Document, **more: Any) -> dict[str, Any]:
    effect = {"earn": earn, "per": more.pop("per", "basket")}
    return {"campaign": campaign, "programme": "club", "kind": "bonus", "effect": effect, **more}


def donation(campaign: str, give: Document, **more: Any) -> dict[str, Any]:
    effect = {"give": give, "per": more.pop("per", "basket"), "to": {"fund": "forest-animals"}}
    funding = more.pop("funding", [{"party": "retail-nsk", "share": "1"}])
    return {
        "campaign": campaign, "programme": "club", "kind": "donation", "effect": effect,
        "funding": funding, **more,
    }  # fmt: skip


BEST = {"stacking": {"group": "one", "mode": "best"}, "what": {"skus": [make.HUNTER_SKU]}}


class Log:
    """Sales booked one after the other, on a ledger whose cards have points to spend."""

    def __init__(self, *published: Document) -> None:
        self.changes = {1: make.change(SEED, *published)}
        tiers = ("silver", "gold", None, "gold")
        shoppers = [
            make.shopper(card, ref=f"m-{card}")._replace(tier=tier)
            for card, tier in zip((*CARDS, NEW), tiers, strict=True)
        ]
        self.shop = make.state(EMPTY.extended(self.changes[1]), shoppers)
        self.rows: list[tuple[bytes, bytes]] = []
        self.outcomes: list[Outcome] = []
        for n, card in enumerate(CARDS):
            self.book(sale(9_000 + n, card=card, day="2026-11-21", lines=[line(sku="seed")]))

    def book(self, event: Checkout) -> Accepted:
        made = make.accepted(event, self.shop)
        self.rows.append((made.leaf.leaf, made.leaf.beside))
        self.outcomes.append(made.recorded.outcome)
        return made

    def publish(self, *documents: Document) -> None:
        self.change(*(PublishedCampaign(d["campaign"], 1, None, d) for d in documents))

    def change(self, *items: Item) -> None:
        change = Change(items).canonical()
        self.changes[len(self.changes) + 1] = change
        self.shop.rulebook = self.shop.rulebook.extended(change)

    @property
    def rulebook(self) -> Rulebook:
        return self.shop.rulebook


def sale(sequence: int, *, day: str = "2026-11-22", **more: Any) -> Checkout:
    at = f"{day}T18:15:03+07:00"
    return make.checkout(sequence=sequence, business_day=day, occurred_at=at, **more)


def tried(log: Log, *drafts: Document, span: Span = SPAN) -> Trial:
    return tried_by(plan(span, drafts, log.rulebook, log.changes), log.rows)


def tried_by(made: Plan, rows: Iterable[tuple[bytes, bytes]]) -> Trial:
    trial = Trial.of(made)
    for row in rows:
        trial.settle(trial.sift([row]))
    return trial


def by_two(made: Plan, rows: Sequence[tuple[bytes, bytes]]) -> Settled:
    """Ranges of three events by two in turn, each sifting one ahead of what it settles."""
    hands, total = (Trial.of(made), Trial.of(made)), Settled(Tally.of(made))
    ranges = [rows[n : n + 3] for n in range(0, len(rows), 3)]
    behind: list[tuple[int, Any]] = []

    def settle(number: int, steps: Any) -> None:
        hand, other = hands[number % 2], hands[1 - number % 2]
        used = hand.settle(steps)
        other.learn(used)
        total.take(used, hand.settled.full, made.limits)

    for number, part in enumerate(ranges):
        behind.append((number, hands[number % 2].sift(part)))
        if len(behind) > 3:
            settle(*behind.pop(0))
    for each in behind:
        settle(*each)
    for hand in hands:
        total.tally.merge(hand.settled.tally)
    return total


def sums(outcomes: Iterable[Outcome]) -> dict[str, tuple[int, int, int]]:
    """Receipts, points and money by campaign."""
    receipts, points, money = Counter[str](), Counter[str](), Counter[str]()
    for outcome in outcomes:
        for earned in outcome.earned:
            receipts[earned.campaign] += 1
            points[earned.campaign] += earned.points
        for donated in outcome.donations:
            receipts[donated.campaign] += 1
            points[donated.campaign] += donated.points
            money[donated.campaign] += donated.money
    return {name: (receipts[name], points[name], money[name]) for name in receipts}


CONDITIONS = (
    "basket.total >= 5000", "basket.units >= 3", "member.visits >= 1", "time.day == 22", "member.visits < 2",
    "member.points >= 9000", "member.points < 8990", "member.points > 0 || line.amount > 4000",
)  # fmt: skip


def offer(campaign: str, matched: int | None) -> Document:
    """A round-up, doubled by a company up to so much."""
    more: dict[str, Any] = {}
    if matched is not None:
        funding = [{"party": "retail-nsk", "share": "1"}]
        more["match"] = {"funding": funding, "ratio": "1", "budget": {"money": matched}}
    return {
        "campaign": campaign, "programme": "club", "kind": "donation", **more,
        "effect": {
            "give": {"round_up_to": 1000}, "to": {"fund": "forest-animals"}, "from": "shopper-money",
        },
    }  # fmt: skip


limits = st.fixed_dictionaries(
    {},
    optional={
        "units": st.integers(1, 12),
        "per_card": st.integers(1, 4),
        "per_card_day": st.integers(1, 3),
        "per_basket": st.integers(1, 3),
    },
)
budgets = st.none() | st.integers(1, 400)
stacking = st.fixed_dictionaries(
    {"group": st.sampled_from(["base", "one"])},
    optional={"mode": st.sampled_from(["add", "best", "stop"]), "order": st.integers(1, 3)},
)
what = st.fixed_dictionaries(
    {},
    optional={
        "skus": st.lists(st.sampled_from("abc"), min_size=1, unique=True),
        "categories": st.just(["dairy"]),
    },
)


def waiting(document: Document) -> Document:
    """What is earned can be spent when the span is over: shoppers have what they have, whatever is given to them."""
    if document["kind"] == "donation":
        return document
    return {**document, "effect": {**document["effect"], "pending_days": 30}}


@st.composite
def documents(draw: st.DrawFn, campaign: str) -> Document:
    """A campaign of any of these sorts, with any limits."""
    about = {**draw(what), "exclude": {"skus": ["seed"]}}
    stacked: dict[str, Any] = draw(stacking)
    common = {
        "what": about,
        "stacking": stacked,
        "exhausted": draw(st.sampled_from(["partial", "none"])),
    }
    limit: dict[str, Any] = dict(draw(limits))
    sort = draw(
        st.sampled_from(
            ["points", "rate", "multiply", "units", "money", "share", "welcome", "visits", "tiers"]
        )
    )
    per_unit = sort in {"units", "money"}
    if not per_unit:
        limit.pop("per_basket", None)
    if budget := draw(budgets):
        limit["budget"] = {"money" if sort in {"money", "share"} else "points": budget}
    common["limits"] = limit
    if stores := draw(st.sampled_from([[], [], ["nsk-07"], ["nsk-08"]])):
        common["where"] = {"stores": stores}
    if condition := draw(st.none() | st.sampled_from(CONDITIONS)):
        common["when"] = condition
    if sort in {"welcome", "visits"}:
        per, earn = draw(st.sampled_from(["basket", "visit"])), {"points": draw(st.integers(1, 50))}
        document = bonus(campaign, earn, per=per, **common)
        document["effect"] |= {"welcome": True} if sort == "welcome" else {"nth_visit": 2}
        return document
    if sort in {"points", "units"}:
        per = "unit" if per_unit else "basket"
        return bonus(campaign, {"points": draw(st.integers(1, 50))}, per=per, **common)
    if sort == "rate":
        return bonus(campaign, {"rate": "0.05"}, per="amount", **common)
    if sort in {"multiply", "tiers"}:
        stacked["group"] = "one"
        by_tier: Document = {"silver": {"points": 3, "per_amount": 1000}, "gold": {"multiply": "2"}}
        form: Document = {"multiply": "3"} if sort == "multiply" else {"by_tier": by_tier}
        return bonus(campaign, form, **common)
    shares = [
        {"party": "hunter-foods", "share": "0.7", "budget": {"money": draw(st.integers(1, 300))}},
        {"party": "retail-nsk", "share": "0.3"},
    ]
    if sort == "money":
        return donation(campaign, {"money": 40}, per="unit", funding=shares, **common)
    return donation(campaign, {"rate": "0.03"}, per="amount", funding=shares, **common)


def campaigns(campaign: str) -> st.SearchStrategy[Document]:
    matched = st.none() | st.integers(1, 3_000)
    return documents(campaign).map(waiting) | st.builds(offer, st.just(campaign), matched)


lines = st.lists(
    st.builds(
        lambda sku, amount, quantity: {
            "sku": sku, "amount": amount, "quantity": str(quantity),
            "categories": ["dairy"] if sku in "ab" else [],
        },
        st.sampled_from("abcd"), st.integers(0, 9_000), st.integers(1, 4),
    ),
    min_size=1, max_size=4,
)  # fmt: skip
sales = st.lists(
    st.tuples(
        st.sampled_from([*CARDS, NEW, None]),
        st.sampled_from(["2026-11-22", "2026-11-23", "2026-11-24"]),
        lines,
        st.sampled_from([0, 0, 7, 30]),
        st.lists(st.sampled_from(["draft", "c0", "c1"]), unique=True, max_size=2),
    ),
    min_size=1, max_size=14,
)  # fmt: skip


def events(
    drawn: Sequence[tuple[str | None, str, list[dict[str, Any]], int, list[str]]],
) -> list[Checkout]:
    found = []
    for n, (card, day, basket, redeem, gifts) in enumerate(drawn, start=1):
        numbered = [{"line": k, **each} for k, each in enumerate(basket, start=1)]
        more: dict[str, Any] = {}
        points = min(redeem, sum(each["amount"] for each in basket) // 2 // 10)
        if card in CARDS and points:
            more["redeem"] = {"points": points}
        if gifts:
            more["gifts"] = [{"offer": campaign, "accepted": True} for campaign in gifts]
        found.append(sale(n, card=card, day=day, lines=numbered, **more))
    return found


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.integers(0, 2), unique=True, max_size=3).flatmap(
        lambda ns: st.tuples(*(campaigns(f"c{n}") for n in ns))
    ),
    st.lists(
        st.sampled_from(["c0", "draft", "other"]), unique=True, min_size=1, max_size=2
    ).flatmap(lambda ids: st.tuples(*map(campaigns, ids))),
    sales,
    st.tuples(st.sampled_from(["c0", "c1"]), st.sampled_from([Paused, Ended]), st.integers(0, 9)),
)
def test_a_simulation_gives_what_booking_would_have_given(
    published: tuple[Document, ...], drafts: tuple[Document, ...], drawn: Any, stop: Any
) -> None:
    """Receipt by receipt for the drafts, in total for every other campaign; what could not be published is refused."""
    if refusal := refused(Log(*published), drafts):
        # A draft's place among others stands before its path; what is wrong with it is told in the same words.
        words = str(refusal)
        if isinstance(refusal, InvalidRequest):
            words = refusal.members["errors"][0]["reason"]
        with pytest.raises(type(refusal), match=re.escape(words)):
            tried(Log(*published), *drafts)
        return
    ids = {draft["campaign"] for draft in drafts}
    if any("visit" in repr(document) for document in published):
        # What replaces the only campaign that asks for visits does not make them forgotten.
        published = (*published, COUNTING)
    as_it_was, with_drafts = book_both(published, drafts, events(drawn), stop)
    trial = Trial.of(plan(SPAN, drafts, as_it_was.rulebook, as_it_was.changes))
    for n, row in enumerate(as_it_was.rows, start=1):
        trial.settle(trial.sift([row]))
        booked = sums(with_drafts.outcomes[:n])
        for draft in ids:
            total = trial.settled.tally.drafts[draft].total
            assert (total.receipts, total.points, total.money) == booked.get(draft, (0, 0, 0))
    document = report(trial.plan, trial.settled, events=0, seconds=0).document
    assert (
        report(trial.plan, by_two(trial.plan, as_it_was.rows), events=0, seconds=0).document
        == document
    )
    before, after = sums(as_it_was.outcomes), sums(with_drafts.outcomes)
    changed = {o["campaign"]: (o["receipts"], o["points"], o["money"]) for o in document["others"]}
    for name in (before.keys() | after.keys()) - ids:
        was, now = before.get(name, (0, 0, 0)), after.get(name, (0, 0, 0))
        assert changed.pop(name, (0, 0, 0)) == tuple(b - a for a, b in zip(was, now, strict=True))
    assert changed == {}
    for told in document["campaigns"]:
        if "replaces" in told:
            assert tuple(told["replaces"].values()) == before.get(told["campaign"], (0, 0, 0))
        check_sums(told)


def book_both(
    published: Sequence[Document], drafts: Sequence[Document], sold: Sequence[Checkout], stop: Any
) -> tuple[Log, Log]:
    """The same sales without and with the drafts; on the way a published campaign is paused or ended."""
    ids = {draft["campaign"] for draft in drafts}
    as_it_was = Log(*published)
    with_drafts = Log(*(d for d in published if d["campaign"] not in ids))
    with_drafts.publish(*drafts)
    stopped, word, at = stop
    for n, event in enumerate(sold):
        if n == at and as_it_was.rulebook.campaign(stopped) is not None:
            as_it_was.change(word(stopped, make.NOON))
            if stopped not in ids:
                with_drafts.change(word(stopped, make.NOON))
        as_it_was.book(event)
        with_drafts.book(event)
    return as_it_was, with_drafts


def refused(log: Log, drafts: Iterable[Document]) -> DomainError | None:
    """Why the first of them could not be published that cannot be."""
    for draft in drafts:
        try:
            log.rulebook.extended(
                Change((PublishedCampaign(draft["campaign"], 2, make.NOON, draft),)).canonical()
            )
        except DomainError as refusal:
            return refusal
    return None


def told_of(trial: Trial) -> dict[str, Any]:
    """What is reported of the only draft."""
    (told,) = report(trial.plan, trial.settled, events=0, seconds=0).document["campaigns"]
    check_sums(told)
    return dict(told)


def test_points_for_a_fund_cost_the_money_behind_them_and_those_for_shoppers_their_value() -> None:
    """As the ledger has it: a funder owes the fund money, and shoppers what their points are worth."""
    funding = [{"party": "hunter-foods", "share": "0.6"}, {"party": "retail-nsk", "share": "0.4"}]
    log = Log()
    log.book(sale(1, card="card-1"))
    gift = donation("draft", {"points": 50, "money_rate": "0.20"}, funding=funding)
    told = told_of(tried(log, gift))
    assert (told["points"], told["money"], told["cost"]) == (50, 1000, 1000)
    assert [(f["party"], f["cost"]) for f in told["funders"]] == [
        ("hunter-foods", 600),
        ("retail-nsk", 400),
    ]
    assert told_of(tried(log, bonus("draft", {"points": 50})))["cost"] == 500


def test_the_report_says_what_is_left_of_budgets_that_match_gifts() -> None:
    matched = offer("draft", 150)
    matched["match"]["funding"] = [
        {"party": "hunter-foods", "share": "0.5", "budget": {"money": 110}},
        {"party": "retail-nsk", "share": "0.5"},
    ]
    log = Log(matched)
    for n in (1, 2):
        log.book(sale(n, card=None, gifts=[{"offer": "draft", "accepted": True}]))
    limits = told_of(tried(log, matched))["limits"]
    assert [(o["limit"], o["party"], o["cap"], o["used"], o["exhausted_on"]) for o in limits] == [
        ("match", None, 150, 150, "2026-11-22"),
        ("match", "hunter-foods", 110, 75, None),
    ]


def check_sums(told: Mapping[str, Any]) -> None:
    """Parts of a draft's figures add up to the whole."""
    for name in ("points", "money"):
        assert sum(row[name] for row in told["days"]) == told[name]
        own = told["from_shopper"][name]
        assert sum(row[name] for row in told["funders"]) == told[name] - own
        if not own:
            assert sum(row[name] for row in told["products"]) == told[name]
    assert sum(row["receipts"] for row in told["days"]) == told["receipts"]
    assert sum(why["receipts"] for why in told["why"] if why["fired"]) == told["receipts"]


def test_a_sale_and_its_place_are_told_from_its_bytes() -> None:
    """A sale's place is read from its leaf's bytes, whatever stands in a till's name."""
    till = ['s"1', 't\\"2,"kind":"checkout"', "2026-11-22", 7]
    assert place(canonical({"kind": "checkout", "till": till})) == (b'"s\\"1"', "2026-11-22")
    assert place(canonical({"kind": "void", "till": till})) is None
    assert place(b'{"kind":"rulebook"}') is None


def test_what_a_void_gave_back_of_a_published_limit_is_there_again() -> None:
    """It is no receipt itself."""
    rival = bonus("rival", {"points": 10}, limits={"budget": {"points": 10}}, **BEST)
    log = Log(rival)
    log.book(sale(1, card="card-1"))
    void = {
        "kind": "void",
        "till": ["nsk-07", "3", "2026-11-22", 9],
        "used": [["rival|budget|points", -10]],
    }
    log.rows.append((canonical(void), pack(make.SALT, make.SALT, b"{}")))
    log.book(sale(2, card="card-1"))
    settled = tried(log, bonus("draft", {"points": 5}, **BEST)).settled
    assert settled.counts["rival|budget|points"] == 10
    assert settled.tally.now["rival"].receipts == 2
    assert settled.tally.looked_at == {"2026-11-22": 2}


def test_what_came_before_the_span_and_in_between_counts_for_others_and_not_for_the_draft() -> None:
    """A rival's budget is partly gone by then, and a late receipt of another day takes of it, too."""
    rival = bonus("rival", {"points": 10}, limits={"budget": {"points": 35}}, **BEST)
    draft = bonus("draft", {"points": 5}, limits={"units": 1}, **BEST)
    log = Log(rival)
    for n, day in enumerate(("2026-11-21", "2026-11-22", "2026-11-21", "2026-11-22", "2026-11-23")):
        log.book(sale(n, day=day, card="card-1"))
    settled = tried(log, draft, span=Span(date(2026, 11, 22), date(2026, 11, 23))).settled
    assert [o.points.earned for o in log.outcomes[-5:]] == [9_010, 10, 9_010, 5, 0]
    total = settled.tally.drafts["draft"].total
    assert (total.receipts, total.points) == (1, 5)
    assert settled.counts == {"rival|budget|points": 35, "draft|units": 1}


def test_a_receipt_before_anybody_asked_for_birthdays_is_counted_as_unknown() -> None:
    """Later ones say it, so the draft can be tried; where none ever does, it cannot."""
    birthday = {**bonus("draft", {"points": 5})}
    birthday["effect"] = {**birthday["effect"], "birthday": {"days_before": 3, "days_after": 3}}
    log = Log()
    log.book(sale(1, card="card-1"))
    with pytest.raises(NotRecorded, match="draft"):
        tried(log, birthday)
    log.publish({**birthday, "campaign": "asks"})
    log.book(sale(2, card="card-1"))
    log.book(sale(3, card=None))
    assert tried(log, birthday).settled.tally.unknown == 1
    elsewhere = {**birthday, "what": {"categories": ["tea"]}, "when": "member.visits > 0"}
    assert tried(log, elsewhere).settled.tally.unknown == 0


def test_many_texts_are_found_as_few_are() -> None:
    """A receipt is touched by whatever it names, also what has to be escaped."""
    skus = ['with "quotes"', "с пробелом", *map(str, range(30))]
    few, many = (Reach.of([compiled(skus[:n])]) for n in (3, 32))
    for sku, touched in (
        ('with "quotes"', True),
        ("с пробелом", True),
        ("quotes", False),
        ("x", False),
    ):
        content = canonical({"basket": {"lines": [[1, sku, 1, 100]]}})
        assert few.holds(b'"nsk-07"', content) is many.holds(b'"nsk-07"', content) is touched


def compiled(skus: list[str]) -> Campaign:
    return compile_campaign(bonus("draft", {"points": 5}, what={"skus": skus}), "club", 1)


def test_points_that_shoppers_gave_away_are_given_again_by_what_replaces_the_campaign() -> None:
    """They had them then, and only what the sale left of them could be given."""
    own = donation("own", {"points": 6_000, "money_rate": "0.10"}, funding=[])
    own["effect"]["from"] = "shopper-points"
    log = Log(own)
    accepts: dict[str, Any] = {"gifts": [{"offer": "own", "accepted": True}]}
    log.book(sale(1, card="card-1", redeem={"points": 40}, **accepts))
    log.book(sale(2, card="card-1", **accepts))
    log.book(sale(3, card=NEW, **accepts))
    settled = tried(log, own).settled
    total, was = settled.tally.drafts["own"].total, settled.tally.booked["own"]
    assert (total.receipts, total.points, total.money) == (was.receipts, was.points, was.money)
    assert (total.receipts, total.points) == (1, 6_000)


def test_a_limit_that_is_brought_in_late_is_refused_as_publishing_refuses_it() -> None:
    published = bonus("mine", {"points": 5}, limits={"units": 7})
    log = Log(published)
    log.book(sale(1, card="card-1"))
    for limit in ({"budget": {"points": 50}}, {"per_card": 2}):
        with pytest.raises(
            NotSupported, match=f"limits.{next(iter(limit))}: limiting what earlier"
        ):
            tried(log, bonus("mine", {"points": 5}, limits={"units": 7, **limit}))
    lower = bonus("mine", {"points": 5}, limits={"units": 1})
    assert tried(log, lower).settled.tally.drafts["mine"].total.receipts == 1
    moved = {**bonus("mine", {"points": 5}), "programme": "tea-club"}
    log.change(PublishedProgramme("tea-club", 1, None, make.PROGRAMME))
    with pytest.raises(InvalidRequest) as refusal:
        tried(log, bonus("new", {"points": 5}), moved)
    assert [e["path"] for e in refusal.value.members["errors"]] == ["campaigns.1.programme"]


@pytest.mark.parametrize(
    ("closed_on", "gets"), [("2026-11-22", "other"), ("2026-11-23", "forest-animals")]
)
def test_a_fund_takes_what_was_booked_before_it_closed(closed_on: str, gets: str) -> None:
    """By the day of booking in the store, the 22nd, whenever the sale was."""
    log = Log()
    for n, day in enumerate(("2026-11-22", "2026-11-24")):
        log.book(sale(n, day=day, card=None))
    draft = donation("draft", {"money": 40})
    draft["effect"]["to"]["fallback"] = "other"
    closing = {"forest-animals": date.fromisoformat(closed_on)}
    made = plan(SPAN, [draft], log.rulebook, log.changes, closing)
    told = told_of(tried_by(made, log.rows))
    assert told["funds"] == [{"fund": gets, "receipts": 2, "points": 0, "money": 80}]
