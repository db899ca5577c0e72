"""The shopper's own money: what is offered, and what becomes of the till's answers."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from lepta.rules.awards import Award, Refusal, Sale, consumed
from lepta.rules.effects import Donate, Offer
from lepta.rules.explanation import Why
from lepta.rules.facts import Facts, Gift
from lepta.rules.granting import MAX_GIVEN, Grant, grant
from lepta.rules.matching import Candidate


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
    """Accepted so far."""
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

    The first in order is on the amount due; an accepted one raises what is due for those after it, so a bill
    that is rounded up is not rounded up again. Of a gift that the till took in another amount, an offline
    sale books what was taken; online nothing is booked, and the caller refuses.
    """
    campaign = candidate.campaign
    kind, params = campaign.giving.form
    due_minor = sale.due_minor + gifts.given_minor
    _, ours = kind.gives(params, sale.programme, due_minor, campaign.giving.rounding)
    fund = campaign.target.of(campaign.id, sale.facts.choice)
    if fund is None:
        return Refusal(Why.NO_CHOICE)
    refusal = _closed(sale, gifts, candidate, ours)
    if refusal:
        return refusal
    gifts.known.add(campaign.id)
    gifts.offers.append(Offer(campaign.id, fund, ours))
    gift = gifts.answers.get(campaign.id)
    if gift is None:
        return Refusal(Why.OFFERED, ours) if ours else Refusal(Why.ALREADY_ROUND)
    taken = ours if gift.amount_minor is None else gift.amount_minor
    refusal = _differs(sale, gifts, candidate, ours, taken) if taken != ours else None
    if refusal:
        return refusal
    if taken <= 0:
        return Refusal(Why.ALREADY_ROUND)
    gifts.given_minor += taken
    return _given(candidate, fund, taken)


def _differs(
    sale: Sale, gifts: Gifts, candidate: Candidate, ours: int, taken: int
) -> Refusal | None:
    """The till took another amount than we offered: only an offline sale is booked as it was."""
    campaign = candidate.campaign.id
    gifts.differs.append((campaign, ours))
    if not sale.facts.offline:
        return Refusal(Why.OTHER_AMOUNT_TAKEN, ours)
    refusal = _closed(sale, gifts, candidate, taken)
    if refusal:
        gifts.known.discard(campaign)
        return refusal
    gifts.taken_anyway = True
    return None


def _closed(sale: Sale, gifts: Gifts, candidate: Candidate, amount_minor: int) -> Refusal | None:
    """Why so much may not be given; a gift of nothing is never in the way of a limit."""
    if amount_minor <= 0:
        return None
    if gifts.given_minor + amount_minor > MAX_GIVEN:
        return Refusal(Why.TOO_LARGE)
    wish = Grant(1, 0, amount_minor)
    given = grant(sale.programme, candidate, sale.counts, wish, sale.asked)
    return None if given.money_minor == amount_minor else Refusal(given.limit)


def _given(candidate: Candidate, fund: str, amount_minor: int) -> Award:
    effect = Donate(
        candidate.campaign.id, fund, 0, amount_minor, (), 0, amount_minor, (), applications=1
    )
    uses = consumed(candidate, Grant(1, 0, amount_minor))
    return Award(effect, uses, Why.GIFT, amount_minor, amount_minor)
