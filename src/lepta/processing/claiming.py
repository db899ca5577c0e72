"""Claims: what a sale without a card would have earned with this one goes to its owner, once. Pure."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from lepta.errors import DomainError, Kind
from lepta.processing.events import Checkout
from lepta.processing.given import Earned, earned_of
from lepta.processing.motion import Motion
from lepta.processing.owners import Claimant, ClaimSale
from lepta.processing.proration import Goods
from lepta.processing.reversed import Reversed
from lepta.processing.seen import EARNING
from lepta.processing.sight import ByQuote, Prepared, prepare
from lepta.processing.state import State, Subject, natural_claim
from lepta.processing.verdict import Verdict, judge
from lepta.rules.effects import Earn
from lepta.rules.rulebook import Rulebook


class AlreadyClaimed(DomainError):
    """The sale was claimed with another card.

    A sale is claimed once. Who claimed it with the very same card gets the same answer again.
    """

    code = "already-claimed"
    kind = Kind.CONFLICT

    def __init__(self) -> None:
        super().__init__(
            "This sale was claimed before, with another card. A sale is claimed once; nothing was recorded."
        )


class NotClaimable(DomainError):
    """The sale cannot be claimed with this card.

    The member `because` says why: `card`, a member's card was shown with it; `voided` or `returned`, nothing is left of
    it; `too-late`, the programme's `claim_days` are over, or it lets nobody claim; `card-blocked`, the card that
    claims it earns nothing; `card-unknown`, nobody has that card by now.
    """

    code = "not-claimable"
    kind = Kind.CONFLICT

    def __init__(self, because: str, why: str) -> None:
        super().__init__(f"{why} Nothing was recorded.", because=because)


class ClaimedPoints(NamedTuple):
    """What a claim earned, as it is stored; `pending` is the part that waits."""

    earned: int
    pending: int
    by_campaign: tuple[Earned, ...]

    def to_document(self) -> dict[str, Any]:
        """As it lies beside the leaf."""
        document: dict[str, Any] = {"points": [self.earned, self.pending]}
        if self.by_campaign:
            document["earned"] = list(map(tuple, self.by_campaign))
        return document

    @classmethod
    def of(cls, document: dict[str, Any]) -> "ClaimedPoints":
        """What `to_document` made."""
        earned, pending = document["points"]
        return cls(earned, pending, tuple([_earned(*each) for each in document.get("earned", ())]))


def _earned(  # noqa: PLR0917 - the order is the stored one
    campaign: str,
    points: int,
    units: int,
    lines: list[int],
    by_line: list[int],
    legs: list[list[int]],
    keep: int,
    _again: int = 0,
) -> Earned:
    carried = tuple([(leg, part) for leg, part in legs])
    return Earned(campaign, points, units, tuple(lines), tuple(by_line), carried, bool(keep))


def decide_claim(act: ClaimSale, state: State, received_at: datetime) -> Motion:
    """By the rules and the records of the sale's time, within the limits of now; of goods that came back nothing is
    earned. What was given to funds stays as it is.

    Raises what made the request meaningless, and `NotClaimable`.
    """
    if act.trouble is not None:
        raise act.trouble
    place = state.claims.get(natural_claim("checkout", act.sale))
    if not isinstance(place, int) or place not in state.subjects:
        raise NotClaimable("voided", "The sale was voided before it was recorded.")
    subject, claimant = state.subjects[place], act.claimant
    goods = goods_left(subject, state.size)
    today = received_at.astimezone(ZoneInfo(subject.recorded.seen.store.time_zone)).date()
    _refuse(subject, goods, state, today)
    if claimant is None:
        raise NotClaimable("card-unknown", "Nobody has this card any more.")
    if claimant.card_status not in EARNING:
        raise NotClaimable("card-blocked", "The card is blocked, so it earns nothing.")
    rulebook = state.former.get(subject.recorded.rulebook, state.rulebook)
    prepared = as_claimed(subject, goods, claimant, rulebook, state.rulebook)
    verdict = judge(prepared, state.book, state.counts)
    return Motion(
        kind=act.kind,
        key=None,
        occurred_at=received_at,
        about=(place,),
        member=prepared.member_account,
        request=act.request,
        facts={**claimant.to_facts(), "programme": prepared.seen.store.programme},
        outcome=_points(verdict).to_document(),
        entries=verdict.entries,
        issues=verdict.issues,
        used=verdict.result.consumed,
        balance_on=today,
        has_bought=True,
    )


def _refuse(subject: Subject, goods: Goods, state: State, today: date) -> None:
    """Raises `NotClaimable` for what is wrong with the sale."""
    sale = subject.recorded
    if sale.seen.member is not None:
        raise NotClaimable("card", "A member's card was shown with this sale.")
    if sale.void is not None or goods.voided:
        raise NotClaimable("voided", "The sale was voided.")
    if goods.is_whole:
        raise NotClaimable("returned", "All goods of the sale came back.")
    programme = sale.seen.store.programme
    if not state.rulebook.has_programme(programme):
        raise NotClaimable(
            "too-late", "The programme is not published, so nobody may claim a sale."
        )
    days = state.rulebook.programme(programme, sale.event.occurred_at).claim_days
    if (today - sale.event.key.business_day).days > days or not days:
        raise NotClaimable(
            "too-late",
            f"A sale may be claimed for {days} days after its business day by the programme.",
        )


def goods_left(subject: Subject, before: int) -> Goods:
    """The sale's goods, and what of them had come back before a place of the log."""
    goods = Goods.of(subject.recorded.event)
    for movement in subject.undone:
        if movement.log_index < before:
            back = Reversed.of(movement.outcome)
            goods.void() if back.void else goods.bring(back.lines, back.total)
    return goods


def as_claimed(
    subject: Subject, goods: Goods, claimant: Claimant, rulebook: Rulebook, newest: Rulebook
) -> Prepared:
    """The sale as its rulebook sees it with the claimant's card: campaigns that give points to shoppers alone, under
    limits that are not wider than the newest.
    """
    event = _rest(subject.recorded.event, goods)
    seen = subject.recorded.seen._replace(
        card_status=claimant.card_status, member=claimant.member, quote_stale=False
    )
    quoted = None if rulebook is newest else ByQuote(0, newest)
    found = prepare(event, seen, rulebook, quoted)
    candidates = [each for each in found.matched.candidates if each.campaign.kind == "bonus"]
    # No till has seen the card: what a programme watches for has not happened.
    matched = replace(found.matched, candidates=tuple(candidates), watch=None)
    return replace(found, matched=matched)


def _rest(event: Checkout, goods: Goods) -> Checkout:
    """The sale without what came back of it; what nobody has any more is no goods. It keeps its lines' places."""
    parts = goods.parts()
    lines = []
    for n, line in enumerate(event.lines):
        micro, amount = goods.back.get(n, (0, 0))
        if parts[n].numerator == parts[n].denominator:
            rest = line._replace(quantity_micro=0, amount=0, kind="deposit")
        else:
            rest = line._replace(
                quantity_micro=line.quantity_micro - micro if line.quantity_micro > 0 else line.quantity_micro + micro,
                amount=line.amount - amount,
            )  # fmt: skip
        lines.append(rest)
    total = min(event.total - goods.total_back, sum(line.amount for line in lines))
    return event._replace(
        lines=tuple(lines), total=total, redeem=0, gifts=(), choice=None, hold=None, quote=None
    )


def _points(verdict: Verdict) -> ClaimedPoints:
    earned = [effect for effect in verdict.result.effects if isinstance(effect, Earn)]
    waits = [verdict.entries[issue.leg].amount for issue in verdict.issues if issue.available_on]
    by_campaign = [
        earned_of(each, legs)._replace(again=0)
        for each, legs in zip(earned, verdict.legs, strict=True)
    ]
    return ClaimedPoints(sum(e.points for e in earned), sum(waits), tuple(by_campaign))


def counters_of_claim(
    subject: Subject, claimant: Claimant, rulebook: Rulebook, newest: Rulebook, before: int
) -> Sequence[str]:
    """What has to be known of limits to decide it."""
    goods = goods_left(subject, before)
    return as_claimed(subject, goods, claimant, rulebook, newest).matched.counters
