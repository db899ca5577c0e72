"""Deciding a sale, without a database: what it earns and gives, what is refused, what is recognised again."""

from datetime import date

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

import make
from lepta.errors import DomainError
from lepta.ledger import chart
from lepta.processing.decide import Accepted
from lepta.processing.events import InsufficientPoints, KeyReused, QuoteStale
from lepta.processing.leaf import Leaf
from lepta.processing.outcome import Borne
from lepta.processing.recognition import Refused, Repeated
from lepta.processing.sight import UnknownStore

WALLET = chart.available("m-pyotr", "PTS/club")


def with_points(points: int, **more: object) -> make.Shop:
    """A ledger in which Пётр has so many points, earned by a sale of 20.00 for each."""
    at = make.state(make.rulebook(make.BASE, make.HUNTER, make.ROUND_UP))
    if points:
        line = make.line(sku="milk", amount=2000 * points)
        make.accepted(make.checkout(sequence=1, lines=[line]), at)
    return at


def refusal(decision: object) -> DomainError:
    assert isinstance(decision, Refused), decision
    return decision.error


def test_the_founding_example_gives_50_points_and_5_roubles_of_which_the_supplier_owes_3() -> None:
    sale = make.accepted(make.checkout(), make.state()).recorded.outcome
    assert sale.points.earned == 12
    (donation,) = sale.donations
    assert (donation.fund, donation.points, donation.money) == ("forest-animals", 50, 500)
    assert donation.funders == (Borne("hunter-foods", 300, 30), Borne("retail-nsk", 200, 20))


@pytest.mark.edge_case(63)
def test_its_leaf_names_the_accounts_it_opens_and_balances_by_asset() -> None:
    leaf = Leaf(make.accepted(make.checkout(), make.state()).leaf.leaf)
    names = {opened.id: opened.account for opened in leaf.opened}
    for entry in leaf.postings:
        assert names[entry.debit].asset == names[entry.credit].asset
    owed = {
        names[e.credit].ref: e.amount for e in leaf.postings if names[e.credit].code == "payable"
    }
    assert owed == {"hunter-foods": 300, "retail-nsk": 200}


def test_the_same_sale_again_is_recognised_and_changes_nothing() -> None:
    at = make.state()
    first = make.accepted(make.checkout(), at)
    again = make.decide(make.checkout(), at)
    assert isinstance(again, Repeated)
    assert again.recorded is first.recorded
    assert (at.size, at.book.balance(WALLET)) == (2, 12)


@pytest.mark.edge_case(2)
def test_offline_or_not_it_is_the_same_sale() -> None:
    at = make.state()
    make.accepted(make.checkout(), at)
    assert isinstance(make.decide(make.checkout(offline=True), at), Repeated)


def test_the_same_moment_told_with_another_offset_is_the_same_sale() -> None:
    at = make.state()
    make.accepted(make.checkout(), at)
    again = make.decide(make.checkout(occurred_at="2026-11-22T11:15:03Z"), at)
    assert isinstance(again, Repeated)


@pytest.mark.parametrize(
    "other",
    [
        {"total": 25_000},
        {"card": None},
        {"card": "2900000000025"},
        {"occurred_at": "2026-11-22T18:15:04+07:00"},
        {"lines": [make.line(quantity="2")]},
        {"lines": [make.line(sku="milk")]},
        {"redeem": {"points": 1}},
        {"choice": {"campaign": "c", "beneficiary": "b"}},
    ],
)
@pytest.mark.edge_case(2)
def test_another_sale_under_the_same_natural_key_is_refused(other: dict[str, object]) -> None:
    at = make.state()
    make.accepted(make.checkout(), at)
    assert isinstance(refusal(make.decide(make.checkout(**other), at)), KeyReused)
    assert at.size == 2


@pytest.mark.edge_case(2)
def test_a_default_written_out_makes_no_other_sale() -> None:
    at = make.state()
    make.accepted(make.checkout(), at)
    spelled = make.checkout(lines=[make.line(kind="goods", quantity="1.0")], gifts=[], hold=None)
    assert isinstance(make.decide(spelled, at), Repeated)


@pytest.mark.edge_case(3)
def test_the_same_fiscal_document_under_another_key_is_the_same_sale() -> None:
    at = make.state()
    fiscal = {"fn": "9999078900004312", "i": 1234, "fp": "2926563744"}
    first = make.accepted(make.checkout(fiscal=fiscal), at)
    again = make.decide(make.checkout(sequence=1188, fiscal=fiscal), at)
    assert isinstance(again, Repeated)
    assert again.recorded is first.recorded
    other = make.checkout(sequence=1188, fiscal=fiscal, card=None)
    assert isinstance(refusal(make.decide(other, at)), KeyReused)


@pytest.mark.edge_case(2)
def test_a_refusal_is_remembered_under_its_header_and_not_under_the_sequence() -> None:
    at = with_points(7)
    greedy, modest = make.checkout(redeem={"points": 8}), make.checkout(redeem={"points": 7})
    first = refusal(make.decide(greedy, at, "k1"))
    assert isinstance(first, InsufficientPoints)
    assert first.members == {"redeemable": 7}
    again = refusal(make.decide(greedy, at, "k1"))
    assert (type(again), str(again), again.members) == (type(first), str(first), first.members)
    assert isinstance(refusal(make.decide(modest, at, "k1")), KeyReused)
    assert make.accepted(modest, at, "k2").recorded.outcome.points.redeemed == 7


def test_a_refusal_without_header_leaves_no_trace() -> None:
    at = with_points(0)
    decision = make.decide(make.checkout(redeem={"points": 8}), at)
    assert isinstance(decision, Refused)
    assert (decision.claim, decision.stored, at.claims) == (None, None, {})


@pytest.mark.edge_case(24)
def test_points_pay_at_most_half_of_a_sale_and_earn_nothing_on_what_they_pay() -> None:
    at = with_points(10_000)
    outcome = make.accepted(make.checkout(redeem={"max": True}), at).recorded.outcome
    assert (outcome.points.redeemed, outcome.to_pay) == (1295, 25_900 - 12_950)
    assert outcome.points.earned == 12_950 // 2000


def test_offline_what_can_be_redeemed_is_and_the_rest_is_flagged() -> None:
    at = with_points(5)
    event = make.checkout(redeem={"points": 50}, offline=True)
    outcome = make.accepted(event, at).recorded.outcome
    assert (outcome.points.redeemed, outcome.points.shortfall) == (5, 45)
    assert "shortfall" in outcome.flags


@pytest.mark.parametrize(
    ("status", "earned", "redeemed"),
    [("active", 12, 5), ("not-activated", 12, 0), ("blocked", 0, 0)],
)
@pytest.mark.edge_case(47)
def test_what_a_card_may_do(status: str, earned: int, redeemed: int) -> None:
    at = with_points(5)
    at.shoppers = {make.CARD: make.shopper(status=status)}
    event = make.checkout(redeem={"points": 5}, offline=True)
    outcome = make.accepted(event, at).recorded.outcome
    assert outcome.card_status == status
    assert (outcome.points.earned, outcome.points.redeemed) == (earned, redeemed)


@pytest.mark.parametrize(("card", "status"), [(None, "none"), ("123", "unknown")])
def test_a_sale_without_a_known_card_is_recorded_and_gives_no_points(
    card: str | None, status: str
) -> None:
    outcome = make.accepted(make.checkout(card=card), make.state()).recorded.outcome
    assert (outcome.card_status, outcome.balance, outcome.points.earned) == (status, None, 0)


def test_an_unknown_store_is_refused() -> None:
    with pytest.raises(UnknownStore):
        make.decide(make.checkout(store="moon"), make.state())


def test_a_gift_is_booked_as_offered_and_added_to_what_is_to_pay() -> None:
    at = with_points(0)
    gifts = [{"offer": "round-up", "accepted": True, "amount": 100}]
    outcome = make.accepted(make.checkout(gifts=gifts), at).recorded.outcome
    assert outcome.to_pay == 26_000
    gift = next(d for d in outcome.donations if d.campaign == "round-up")
    assert (gift.money, gift.shopper_money, gift.funders) == (100, 100, ())


def test_a_gift_of_another_amount_is_refused_online_and_booked_as_taken_offline() -> None:
    gifts = [{"offer": "round-up", "accepted": True, "amount": 600}]
    stale = refusal(make.decide(make.checkout(gifts=gifts), with_points(0)))
    assert isinstance(stale, QuoteStale)
    outcome = make.accepted(
        make.checkout(gifts=gifts, offline=True), with_points(0)
    ).recorded.outcome
    assert (outcome.to_pay, "gift-differs" in outcome.flags) == (26_500, True)


def test_a_refusal_tells_what_the_till_took_not_what_the_shopper_had_declined_before() -> None:
    declined = {"offer": "round-up", "accepted": False}
    taken = {"offer": "round-up", "accepted": True, "amount": 7}
    decision = make.decide(make.checkout(gifts=[declined, taken]), with_points(0))
    assert "took 7 for round-up, the offer is 100" in str(refusal(decision))


def test_an_unknown_gift_choice_or_campaign_never_stops_a_sale() -> None:
    gifts = [{"offer": "no-such", "accepted": True, "amount": 600}]
    event = make.checkout(gifts=gifts, choice={"campaign": "no-such", "beneficiary": "x"})
    outcome = make.accepted(event, with_points(0)).recorded.outcome
    assert set(outcome.flags) == {"unknown-gift", "unknown-campaign"}
    assert outcome.to_pay == 25_900


@pytest.mark.parametrize(
    ("occurred_at", "offline", "flags"),
    [
        ("2026-11-22T18:10:04+07:00", False, ()),
        ("2026-11-22T18:10:03+07:00", False, ("clock",)),
        ("2026-11-22T18:20:04+07:00", False, ()),
        ("2026-11-22T18:20:05+07:00", True, ("clock",)),
        ("2026-11-20T18:15:03+07:00", True, ("late",)),
    ],
)
@pytest.mark.edge_case(40)
def test_five_minutes_of_the_tills_clock_are_tolerated(
    occurred_at: str, offline: bool, flags: tuple[str, ...]
) -> None:
    event = make.checkout(occurred_at=occurred_at, offline=offline)
    assert make.accepted(event, make.state()).recorded.outcome.flags == flags


@pytest.mark.edge_case(29)
def test_a_total_below_the_lines_is_what_is_earned_on() -> None:
    outcome = make.accepted(make.checkout(total=19_999), make.state()).recorded.outcome
    assert (outcome.points.earned, outcome.to_pay) == (9, 19_999)


@pytest.mark.edge_case(54)
def test_a_total_below_the_lines_lowers_goods_and_not_a_line_of_the_shoppers_donation() -> None:
    lines = [
        make.line(1, amount=4_000),
        {"line": 2, "sku": "d", "quantity": "1", "amount": 4_000, "kind": "donation"},
    ]
    lowered = make.accepted(make.checkout(lines=lines, total=7_900), make.state()).recorded
    assert lowered.outcome.points.earned == 1  # of 39.00 of goods
    whole = make.accepted(make.checkout(lines=lines), make.state()).recorded
    assert whole.outcome.points.earned == 2


def test_points_get_their_last_day_of_use_when_they_are_issued() -> None:
    accepted = make.accepted(make.checkout(), make.state())
    assert [issue.expires_on for issue in accepted.booked.issues] == [date(2027, 11, 30)]


def test_points_of_a_programme_that_waits_go_to_pending() -> None:
    at = make.state(make.rulebook(make.BASE, programme={"pending_days": 14}))
    outcome = make.accepted(make.checkout(), at).recorded.outcome
    assert (outcome.points.earned, outcome.points.pending) == (12, 12)
    assert outcome.balance is not None
    assert (outcome.balance.available, outcome.balance.pending) == (0, 12)


def test_points_that_wait_beyond_their_last_day_live_from_when_they_can_be_used() -> None:
    this_month = {"pending_days": 14, "expire_after": {"months": 0}}
    at = make.state(make.rulebook(make.BASE, programme=this_month))
    (issue,) = make.accepted(make.checkout(), at).booked.issues
    assert (issue.available_on, issue.expires_on) == (date(2026, 12, 6), date(2026, 12, 31))


def test_a_gift_of_points_too_large_beside_all_else_leaves_the_shoppers_lots_alone() -> None:
    earn = {"earn": {"rate": "1"}, "base": "gross"}
    rich = {"campaign": "rich", "programme": "club", "kind": "bonus", "effect": earn}
    give = {"points": 50_000_000, "money_rate": "0.10"}
    own = {
        "campaign": "own", "programme": "club", "kind": "donation",
        "effect": {"give": give, "to": {"fund": "forest-animals"}, "from": "shopper-points"},
        "funding": [{"party": "retail-nsk", "share": "1"}],
    }  # fmt: skip
    at = make.state(make.rulebook(rich, own, programme={"points_scale": 6}))
    make.accepted(make.checkout(sequence=1), at)
    most = make.checkout(
        lines=[make.line(amount=10**10)],
        redeem={"points": 7},
        gifts=[{"offer": "own", "accepted": True}],
    )
    outcome = make.accepted(most, at).recorded.outcome
    assert (outcome.points.given, outcome.donations, outcome.flags) == (0, (), ("unknown-gift",))
    assert sum(lot.remaining for lot in at.book.lots_of(WALLET)) == at.book.balance(WALLET)


@given(
    amounts=st.lists(st.integers(-500, 50_000), min_size=1, max_size=6),
    less=st.integers(0, 700),
    redeem=st.none() | st.integers(0, 300),
    offline=st.booleans(),
)
@pytest.mark.edge_case(23, 28)
def test_whatever_the_sale_its_sums_agree_and_a_replay_gives_the_same_bytes(
    amounts: list[int], less: int, redeem: int | None, offline: bool
) -> None:
    lines = [make.line(n, amount) for n, amount in enumerate(amounts)]
    body = {"lines": lines, "total": sum(amounts) - less, "offline": offline}
    event = make.checkout(**body, **({} if redeem is None else {"redeem": {"points": redeem}}))
    first, second = with_points(200), with_points(200)
    one, two = make.decide(event, first), make.decide(event, second)
    if isinstance(one, Refused):
        assert isinstance(refusal(two), InsufficientPoints)
        return
    assert isinstance(one, Accepted)
    assert isinstance(two, Accepted)
    assert one.leaf == two.leaf
    outcome = one.recorded.outcome
    assert sum(outcome.earned_by_line) == outcome.points.earned
    assert sum(outcome.redeemed_by_line) == outcome.points.redeemed
    assert outcome.to_pay == outcome.total - outcome.redeemed_money
    assert outcome.balance is not None
    assert outcome.balance.available == 200 + outcome.points.earned - outcome.points.redeemed
    for donation in outcome.donations:
        assert sum(money for _, money, _ in donation.funders) == donation.money
    assert orjson.loads(one.leaf.leaf)["index"] == one.recorded.log_index
