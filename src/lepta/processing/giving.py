"""Gifts at kiosks: the shopper's own points to a fund, by a campaign that takes them, without a purchase. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from lepta.errors import DomainError, InvalidRequest, Kind
from lepta.ledger import chart
from lepta.ledger.entries import Entry
from lepta.ledger.lots import Move, spend
from lepta.processing.accounting import Journal
from lepta.processing.acts import Donor, Gift
from lepta.processing.events import InsufficientPoints
from lepta.processing.given import Donation, donation_array, donation_of
from lepta.processing.motion import Given, Motion
from lepta.processing.state import State
from lepta.rules import explanation
from lepta.rules import facts as rule_facts
from lepta.rules.awards import Award, Refusal, Sale
from lepta.rules.effects import Donate
from lepta.rules.gifts import given_alone
from lepta.rules.limits import Counter
from lepta.rules.matching import Candidate, Matched, alone
from lepta.rules.rulebook import Rulebook

_AGAIN = "give fewer, under a new Idempotency-Key."


class CardNotActive(DomainError):
    """The card may not do this.

    It is blocked, or not activated yet. The office sets that, in the member's list of cards.
    """

    code = "card-not-active"
    kind = Kind.CONFLICT

    def __init__(self, status: str, what: str = "its points may not be given away") -> None:
        super().__init__(
            f"This card is {status}, so {what}. Nothing was recorded: have the office change that.",
            card_status=status,
        )


class GiftNotOpen(DomainError):
    """No such gift is open now.

    `because` says why. Gifts without a purchase are taken by campaigns of the shopper's points that ask for no
    goods, amounts or visits, while they are in force and their limits last.
    """

    code = "gift-not-open"
    kind = Kind.CONFLICT

    def __init__(self, what: str, because: str) -> None:
        super().__init__(
            f"A gift to {what} is not open now: {because}. Nothing was recorded: choose another one.",
            because=because,
        )


def decide_gift(act: Gift, state: State, received_at: datetime) -> Motion:
    """The points leave the member's lots for the fund, and with them, at the campaign's rate, the money behind them.

    Raises what made the request meaningless, `CardNotActive`, `InsufficientPoints` and `GiftNotOpen`.
    """
    if act.trouble is not None:
        raise act.trouble
    assert act.donor is not None, act
    if act.donor.card_status != "active":
        raise CardNotActive(act.donor.card_status)
    matched = _matched(act, act.donor, state.rulebook, received_at)
    member, asset = act.donor.member.ref, chart.points_of(act.donor.store.programme)
    account = chart.available(member, asset)
    today = matched.facts.business_day
    spendable = state.book.spendable(account, today)
    if act.points > spendable:
        raise InsufficientPoints(act.points, spendable, _AGAIN)
    award = _awarded(act, matched, state, spendable)
    donation = _booked(award)
    taken = spend(state.book.lots_of(account), act.points, today)
    return Motion(
        kind=act.kind,
        key=None,
        occurred_at=received_at,
        about=(),
        member=account,
        request=_request(act, donation.campaign),
        facts=_facts(act.donor, matched),
        outcome={"donation": donation_array(donation, ())},
        entries=_entries(award, act.donor, account, matched.facts),
        moves=[Move(account, lot, points) for lot, points in taken],
        used=award.consumed,
        given=[Given(donation.campaign, donation.fund, 1, donation.points, donation.money)],
        balance_on=today,
    )


def counters_of_gift(act: Gift, rulebook: Rulebook, received_at: datetime) -> Sequence[Counter]:
    """What has to be known of limits to decide it; nothing of one that will be refused."""
    if act.donor is None:
        return ()
    try:
        return _matched(act, act.donor, rulebook, received_at).counters
    except DomainError:
        return ()


def _matched(act: Gift, donor: Donor, rulebook: Rulebook, received_at: datetime) -> Matched:
    """The one campaign that takes the gift."""
    facts = _rule_facts(donor, received_at)
    if not rulebook.has_programme(donor.store.programme):
        raise GiftNotOpen(_what(act), "the programme is not published")
    if act.campaign is not None:
        return _of_campaign(act, act.campaign, rulebook, facts, donor.closed)
    found = []
    for campaign in rulebook.campaigns:
        try:
            matched = _of_campaign(act, campaign, rulebook, facts, donor.closed)
        except GiftNotOpen:
            continue
        if not matched.candidates[0].obstacle:
            found.append(matched)
    if len(found) > 1:
        names = ", ".join(each.candidates[0].campaign.id for each in found)
        reason = f"is required: several take points for this fund: {names}"
        raise InvalidRequest([{"path": "campaign", "reason": reason}])
    if not found:
        raise GiftNotOpen(_what(act), "no campaign takes points for it")
    return found[0]


def _of_campaign(
    act: Gift, campaign_id: str, rulebook: Rulebook, facts: rule_facts.Facts, closed: Sequence[str]
) -> Matched:
    choice = (campaign_id, act.fund) if act.fund else None
    stored = () if act.fund else facts.chosen
    chosen = tuple([one for one in stored if one[0] == campaign_id])
    matched = alone(rulebook, campaign_id, replace(facts, choice=choice, chosen=chosen))
    if not matched.candidates:
        raise GiftNotOpen(_what(act), "it is not in force, or only taken with a purchase")
    campaign = matched.candidates[0].campaign
    fund = campaign.target.of(campaign_id, matched.facts)
    if not campaign.takes_points:
        raise GiftNotOpen(_what(act), "the campaign does not take points")
    if act.fund is not None and fund != act.fund:
        raise GiftNotOpen(_what(act), "the campaign does not give to it")
    gone = tuple([one for one in (fund, campaign.target.fallback) if one and one in closed])
    return replace(matched, facts=replace(matched.facts, closed=gone)) if gone else matched


def _what(act: Gift) -> str:
    return " by ".join(name for name in (act.fund, act.campaign) if name)


def _rule_facts(donor: Donor, received_at: datetime) -> rule_facts.Facts:
    """Of a sale of nothing, now."""
    store, member = donor.store, donor.member
    at = received_at.astimezone(ZoneInfo(store.time_zone))
    return rule_facts.Facts(
        rule_facts.Store(donor.place, store.retailer, store.region, store.programme, donor.currency),
        at, at.date(), donor.currency, (), 0,
        rule_facts.Shopper(member.ref, member.tier, member.segments), None, (), offline=False,
        chosen=donor.chosen,
    )  # fmt: skip


def _awarded(act: Gift, matched: Matched, state: State, spendable: int) -> Award:
    """What the campaign makes of the points, within its limits; raises `GiftNotOpen`."""
    candidate: Candidate = matched.candidates[0]
    assert matched.programme is not None, act
    past = replace(rule_facts.NO_PAST, points=spendable, is_first=False, spendable=spendable)
    sale = Sale(matched.facts, matched.programme, (), (), 0, state.counts, [], [], past)
    award = given_alone(sale, candidate, act.points)
    if isinstance(award, Refusal):
        because = explanation.because(
            award.code, award.argument, (), matched.facts.currency, state.rulebook.name_of
        )
        raise GiftNotOpen(_what(act), because)
    return award


def _booked(award: Award) -> Donation:
    assert isinstance(award.effect, Donate), award
    return donation_of(award.effect)


def _entries(
    award: Award, donor: Donor, account: chart.Account, facts: rule_facts.Facts
) -> Sequence[Entry]:
    """As at a till."""
    store = donor.store
    journal = Journal(
        account.asset, donor.currency, store.retailer, store.programme, facts.business_day, account
    )
    journal.give_own([award.effect])
    journal.book([award.effect])
    entries, _, _ = journal.close()
    return entries


def _request(act: Gift, campaign: str) -> Mapping[str, Any]:
    request: dict[str, Any] = {"campaign": campaign, "points": act.points}
    if act.fund is not None:
        request["fund"] = act.fund
    return request


def _facts(donor: Donor, matched: Matched) -> Mapping[str, Any]:
    """What is at its default is left out."""
    store, member = donor.store, donor.member
    facts: dict[str, Any] = {
        "card": donor.card_status,
        "currency": donor.currency,
        "member": member.ref,
        "programme": store.programme,
        "store": [donor.place, store.retailer, store.region, store.time_zone],
    }
    more = {
        "tier": member.tier,
        "segments": member.segments,
        "closed": matched.facts.closed,
        "chosen": matched.facts.chosen,
    }
    return facts | {name: told for name, told in more.items() if told}
