"""The shopper's own gifts: what is offered, and what becomes of the till's answers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum

from lepta.rules import measure
from lepta.rules.awards import (
    Award,
    Refusal,
    Sale,
    consumed,
    fund_of,
    funders_by,
    funders_of,
    wished,
)
from lepta.rules.effects import Donate, FunderShare, Offer
from lepta.rules.explanation import Why
from lepta.rules.facts import Facts, Gift
from lepta.rules.granting import MAX_GIVEN, Grant, whole, within_basket
from lepta.rules.kind import Measure
from lepta.rules.kinds import donated_points
from lepta.rules.limits import Counter
from lepta.rules.matching import Candidate
from lepta.values import value


@dataclass(slots=True)
class Gifts:
    """The gifts of one sale as its offers come up, one after the other."""

    answers: Mapping[str, Gift]
    """Accepted gifts by campaign."""
    repeated: bool
    """Whether an offer was accepted twice; only the first counts."""
    offers: list[Offer] = field(default_factory=list)
    differs: list[tuple[str, int]] = field(default_factory=list)
    taken_anyway: bool = False
    given_minor: int = 0
    given_points: int = 0
    """Accepted so far, of the shopper's own money and points."""
    known: set[str] = field(default_factory=set)
    """Campaigns whose offer is open."""

    def flags(self) -> tuple[str, ...]:
        """What the till is told about its gifts."""
        if not self.answers:
            return ()
        unknown = self.repeated or any(campaign not in self.known for campaign in self.answers)
        flags = ["unknown-gift"] if unknown else []
        if self.taken_anyway:
            flags.append("gift-differs")
        return tuple(flags)


@value
class _Offered:
    """A gift as it is offered: how much, and by which weights SKUs share in it (None: it is for the sale).

    Of the shopper's points `grant.money_minor` is what they are worth to the fund.
    """

    fund: str
    grant: Grant
    by_sku: Mapping[str, int] | None


def gifts_of(facts: Facts) -> Gifts:
    """Declined gifts say nothing; of the others the first of each campaign counts."""
    answers: dict[str, Gift] = {}
    if not facts.gifts:
        return Gifts(answers, repeated=False)
    accepted = [gift for gift in facts.gifts if gift.accepted]
    for gift in accepted:
        answers.setdefault(gift.campaign, gift)
    return Gifts(answers, repeated=len(answers) < len(accepted))


def offered(sale: Sale, gifts: Gifts, candidate: Candidate) -> Award | Refusal:
    """Offer the gift whole or, where a limit does not allow it whole, not at all; book what was accepted.

    Limits of one basket only make it smaller, but for a round-up, which would be none then. Of a gift that the
    till took in another amount, an offline sale books what was taken; online nothing is booked, and the
    caller refuses.
    """
    offer = _offer(sale, gifts, candidate)
    if isinstance(offer, Refusal):
        return offer
    refusal = _closed(sale, gifts, candidate, offer.grant)
    if refusal:
        return refusal
    campaign, in_points = candidate.campaign, candidate.campaign.takes_points
    ours = offer.grant.points if in_points else offer.grant.money_minor
    gifts.known.add(campaign.id)
    gifts.offers.append(Offer(campaign.id, offer.fund, *((0, ours) if in_points else (ours, 0))))
    gift = gifts.answers.get(campaign.id)
    if gift is None:
        why = Why.POINTS_OFFERED if in_points else Why.OFFERED
        return Refusal(why, ours) if ours else _nothing(candidate)
    taken = ours if gift.amount_minor is None else gift.amount_minor
    refusal = _differs(sale, gifts, candidate, offer, taken) if taken != ours else None
    if refusal:
        return refusal
    if taken <= 0:
        return _nothing(candidate)
    return _given(sale, gifts, candidate, offer, taken)


def given_alone(sale: Sale, candidate: Candidate, points: int) -> Award | Refusal:
    """So many of the shopper's points as a gift without a purchase, all of them or none; `sale` has no lines."""
    if candidate.obstacle:
        return Refusal(candidate.obstacle)
    fund = fund_of(candidate.campaign, sale.facts)
    if isinstance(fund, Refusal):
        return fund
    offer = _Offered(fund, Grant(1, 0, 0), None)
    wish = _as_taken(sale, candidate, offer, points)
    if wish.money_minor <= 0:
        return Refusal(Why.NOTHING_TO_GIVE)
    refusal = _closed(sale, Gifts({}, repeated=False), candidate, wish)
    return refusal or _points_given(sale, candidate, offer, points)


def _offer(sale: Sale, gifts: Gifts, candidate: Candidate) -> _Offered | Refusal:
    """What is offered, to whom, for which lines.

    A round-up is of all that is due by then: an accepted gift raises that for those after it, so a bill that is
    rounded up is not rounded up again. A part, a band or a sum that names no goods is of what is due for the
    sale itself, whatever else the shopper gives; one that names goods is of these.
    """
    campaign, facts = candidate.campaign, sale.facts
    sized = wished(sale, campaign, candidate.positions)
    if isinstance(sized, Refusal) and sized.code != Why.NOTHING_TO_GIVE:
        return sized
    giving = campaign.giving
    by_sku: Mapping[str, int] | None = None
    kind, params = giving.form
    rounds_up = kind.measure is Measure.DUE
    if rounds_up or (campaign.goods.whole_bill and giving.code == Why.AMOUNT):
        due_minor = facts.total_minor if giving.gross else sale.due_minor
        number = sale.due_minor + gifts.given_minor if rounds_up else max(due_minor, 0)
        grant = Grant(1, *kind.gives(params, sale.programme, number, giving.rounding))
    elif isinstance(sized, Refusal):
        return sized
    else:
        grant, by_sku, _, _ = sized
    fund = fund_of(campaign, facts)
    if isinstance(fund, Refusal):
        return fund
    limits = candidate.track.newest.limits
    cut = grant if rounds_up else within_basket(sale.programme, campaign, limits, grant)
    return _Offered(fund, cut, by_sku)


def _nothing(candidate: Candidate) -> Refusal:
    rounds_up = candidate.campaign.giving.form.kind.measure is Measure.DUE
    return Refusal(Why.ALREADY_ROUND if rounds_up else Why.NOTHING_TO_GIVE)


def _differs(
    sale: Sale, gifts: Gifts, candidate: Candidate, offer: _Offered, taken: int
) -> Refusal | None:
    """The till took another amount than we offered: only an offline sale is booked as it was."""
    campaign, grant = candidate.campaign, offer.grant
    ours = grant.points if campaign.takes_points else grant.money_minor
    gifts.differs.append((campaign.id, ours))
    if not sale.facts.offline:
        return Refusal(
            Why.OTHER_POINTS_TAKEN if campaign.takes_points else Why.OTHER_AMOUNT_TAKEN, ours
        )
    refusal = _closed(sale, gifts, candidate, _as_taken(sale, candidate, offer, taken))
    if refusal:
        gifts.known.discard(campaign.id)
        return refusal
    gifts.taken_anyway = True
    return None


def _closed(sale: Sale, gifts: Gifts, candidate: Candidate, wish: Grant) -> Refusal | None:
    """Why so much may not be given; a gift of nothing is never in the way of a limit."""
    if wish.points <= 0 and wish.money_minor <= 0:
        return None
    if gifts.given_minor + wish.money_minor > MAX_GIVEN or wish.points > MAX_GIVEN:
        return Refusal(Why.TOO_LARGE)
    if wish.points > sale.past.spendable - gifts.given_points:
        return Refusal(Why.NOT_ENOUGH_POINTS)
    given = whole(candidate, sale.counts, wish, sale.asked)
    return None if given.applications else Refusal(given.limit)


def _as_taken(sale: Sale, candidate: Candidate, offer: _Offered, taken: int) -> Grant:
    giving, applications = candidate.campaign.giving, offer.grant.applications
    if not candidate.campaign.takes_points:
        return Grant(applications, 0, taken)
    worth = donated_points.money_of(giving.form.params, sale.programme, taken, giving.rounding)
    return Grant(applications, taken, worth)


def _given(sale: Sale, gifts: Gifts, candidate: Candidate, offer: _Offered, taken: int) -> Award:
    if candidate.campaign.takes_points:
        gifts.given_points += taken
        return _points_given(sale, candidate, offer, taken)
    gifts.given_minor += taken
    return _money_given(sale, candidate, offer, taken)


def _points_given(sale: Sale, candidate: Candidate, offer: _Offered, points: int) -> Award:
    """The shopper's points go to the fund; who had to honour them, owes it the money behind them.

    What is matched is that money.
    """
    campaign, grant = candidate.campaign, _as_taken(sale, candidate, offer, points)
    behind = funders_of(campaign, sale.facts.store.retailer, 0, grant.money_minor)
    added = _matched(sale, candidate, grant.money_minor)
    effect = Donate(
        campaign.id, offer.fund, points, grant.money_minor + added.money_minor,
        _together(behind, added.funders), points, 0, _by_line(sale, candidate, offer, points),
        grant.applications, campaign.returns == "keep", offer.by_sku is None, added.money_minor,
    )  # fmt: skip
    code = _POINTS_CODES[added.how]
    return Award(effect, consumed(candidate, grant) + added.used, code, points, points)


def _money_given(sale: Sale, candidate: Candidate, offer: _Offered, amount_minor: int) -> Award:
    campaign, grant = candidate.campaign, _as_taken(sale, candidate, offer, amount_minor)
    added = _matched(sale, candidate, amount_minor)
    given_minor = amount_minor + added.money_minor
    effect = Donate(
        campaign.id, offer.fund, 0, given_minor, added.funders, 0, amount_minor,
        _by_line(sale, candidate, offer, given_minor), grant.applications,
        campaign.returns == "keep", offer.by_sku is None, added.money_minor,
    )  # fmt: skip
    code = _MONEY_CODES[added.how]
    return Award(effect, consumed(candidate, grant) + added.used, code, amount_minor, amount_minor)


def _by_line(
    sale: Sale, candidate: Candidate, offer: _Offered, total: int
) -> tuple[tuple[int, int], ...]:
    """What of a gift each line carries, with all that was added to it."""
    lines = sale.facts.lines
    if offer.by_sku is None:
        return measure.over_amounts(total, sale.gross, range(len(lines)))
    return measure.over_counted(total, offer.by_sku, lines, candidate.positions, sale.gross)


class _How(Enum):
    """What became of a match."""

    NONE = 0
    """There was nothing to add."""
    WHOLE = 1
    CUT = 2
    UNMATCHED = 3
    """No budget was left for it."""


_MONEY_CODES = {
    _How.NONE: Why.GIFT,
    _How.WHOLE: Why.GIFT_MATCHED,
    _How.CUT: Why.GIFT_MATCH_CUT,
    _How.UNMATCHED: Why.GIFT_UNMATCHED,
}
_POINTS_CODES = {
    _How.NONE: Why.POINTS_GIFT,
    _How.WHOLE: Why.POINTS_GIFT_MATCHED,
    _How.CUT: Why.POINTS_GIFT_MATCH_CUT,
    _How.UNMATCHED: Why.POINTS_GIFT_UNMATCHED,
}


@value
class _Added:
    """What companies add to a gift: who pays it, and what it takes from their budgets."""

    how: _How
    money_minor: int = 0
    funders: tuple[FunderShare, ...] = ()
    used: tuple[tuple[Counter, int], ...] = ()


def _matched(sale: Sale, candidate: Candidate, gift_minor: int) -> _Added:
    campaign = candidate.campaign
    match, gauges = campaign.match, candidate.track.counted.match
    wish = 0 if match is None else match.wish(gift_minor, campaign.giving.rounding)
    if match is None or not wish:
        return _Added(_How.NONE)
    added = match.added(wish, gauges, sale.counts, sale.asked)
    if added < wish and not campaign.giving.partial:
        added = 0
    if not added:
        return _Added(_How.UNMATCHED)
    used = [(gauge.counter, match.part(gauge, added)) for gauge in gauges]
    funders = funders_by(match.parties, match.weights, 0, added)
    how = _How.CUT if added < wish else _How.WHOLE
    return _Added(how, added, funders, tuple([use for use in used if use[1]]))


def _together(
    behind: Sequence[FunderShare], added: Sequence[FunderShare]
) -> tuple[FunderShare, ...]:
    """Each party once, with all that it bears."""
    by_party: dict[str, FunderShare] = {}
    for share in (*behind, *added):
        known = by_party.get(share.party, FunderShare(share.party, 0, 0))
        points, money_minor = known.points + share.points, known.money_minor + share.money_minor
        by_party[share.party] = FunderShare(share.party, points, money_minor)
    return tuple(by_party.values())
