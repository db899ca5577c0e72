"""Deciding: event + state + rulebook -> decision. No I/O, no clock, no SQL.

The same function decides at the till, in `lepta verify --replay` and years later, and gives the same bytes.
"""

from datetime import datetime, timedelta
from typing import NamedTuple

from lepta.errors import DomainError
from lepta.ledger import chart
from lepta.ledger.book import Book
from lepta.ledger.chart import Account
from lepta.ledger.lots import expiring
from lepta.processing.events import Checkout, Publish
from lepta.processing.leaf import (
    Booked,
    Digests,
    Recorded,
    Written,
    checkout_leaf,
    digests,
    rulebook_leaf,
)
from lepta.processing.outcome import Balance, Borne, Donation, Earned, Outcome, Points, Reason
from lepta.processing.recognition import Refused, Repeated, refusal_bytes
from lepta.processing.sight import Prepared
from lepta.processing.state import Claim, ShopperRecord, State, Submission
from lepta.processing.verdict import EXPIRING_WITHIN, Verdict, judge
from lepta.rules.effects import Donate, Earn
from lepta.rules.rulebook import Rulebook

CLOCK_TOLERANCE = timedelta(minutes=5)


class Accepted(NamedTuple):
    """A sale recorded just now, and the bytes of it that the tables keep."""

    recorded: Recorded
    claims: tuple[Claim, ...]
    leaf: Written
    facts: bytes
    booked: Booked
    member_account: Account | None


class Published(NamedTuple):
    """A new rulebook, recorded."""

    log_index: int
    rulebook: Rulebook
    leaf: Written
    change: bytes


Decision = Accepted | Published | Repeated | Refused


class Answered(NamedTuple):
    """A decision, and today's record of the shopper it is for."""

    decision: Decision
    shopper: ShopperRecord | None


def decide_checkout(
    submission: Submission, prepared: Prepared, state: State, *, received_at: datetime, salt: bytes
) -> Accepted | Refused:
    """Decide a sale that is not a repeat, and book it on the working copy."""
    event = prepared.event
    try:
        verdict = judge(prepared, state.book, state.counts)
    except DomainError as error:
        header = submission.header
        stored = None if header is None else refusal_bytes(error, event, salt)
        return Refused(error, header, stored)
    facts = prepared.seen.to_bytes()
    return _record(
        prepared, verdict, submission.claims, state, received_at=received_at, salt=salt, facts=facts
    )


def _record(
    prepared: Prepared,
    verdict: Verdict,
    claims: tuple[Claim, ...],
    state: State,
    *,
    received_at: datetime,
    salt: bytes,
    facts: bytes,
) -> Accepted:
    event, seen = prepared.event, prepared.seen
    log_index = state.size
    hashes = digests(salt, event.identity, facts, event.basket)
    booked = post(log_index, prepared, verdict, state)
    outcome = conclude(prepared, verdict, state.book, received_at)
    leaf = written(
        prepared, outcome, booked, hashes,
        shard=state.shard, log_index=log_index, received_at=received_at, rulebook=state.rulebook.digest,
    )  # fmt: skip
    recorded = Recorded(
        state.shard, log_index, state.rulebook.digest, hashes.request, salt, event, seen, outcome
    )
    state.size += 1
    state.recorded[log_index] = recorded
    state.claims.update(dict.fromkeys(claims, log_index))
    return Accepted(recorded, claims, leaf, facts, booked, prepared.member_account)


def post(log_index: int, prepared: Prepared, verdict: Verdict, state: State) -> Booked:
    """Book a verdict on the working copy, limits included. A member's first sale opens an account anyway:
    its number is what their history goes by.
    """
    account = prepared.member_account
    opened = state.book.open(log_index, account) if account else []
    postings, further = state.book.post(log_index, verdict.entries, verdict.issues, verdict.spent)
    used = verdict.result.consumed
    for counter, amount in used:
        state.counts[counter] = state.counts.get(counter, 0) + amount
        state.used[counter] = state.used.get(counter, 0) + amount
    return Booked(opened + further, postings, verdict.issues, verdict.spent, used)


def written(
    prepared: Prepared,
    outcome: Outcome,
    booked: Booked,
    hashes: Digests,
    *,
    shard: int,
    log_index: int,
    received_at: datetime,
    rulebook: bytes,
) -> Written:
    """The bytes of a sale's leaf."""
    member = prepared.seen.member
    return checkout_leaf(
        shard=shard,
        log_index=log_index,
        event=prepared.event,
        received_at=received_at,
        rulebook=rulebook,
        hashes=hashes,
        member=member.ref if member else None,
        outcome=outcome,
        booked=booked,
    )


def conclude(prepared: Prepared, verdict: Verdict, book: Book, received_at: datetime) -> Outcome:
    """Sum a booked sale up for its leaf and its answers."""
    event, result = prepared.event, verdict.result
    earns = [effect for effect in result.effects if isinstance(effect, Earn)]
    gives = [effect for effect in result.effects if isinstance(effect, Donate)]
    earned = sum(e.points for e in earns)
    gifts = sum(d.shopper_money_minor for d in gives)
    by_line = [0] * len(event.lines)
    for effect in earns:
        for position, points in effect.by_line:
            by_line[position] += points
    return Outcome(
        card_status=prepared.seen.card_status,
        flags=_flags(event, verdict, received_at),
        total=event.total,
        to_pay=event.total - verdict.redeemed_money + gifts,
        points=Points(
            earned=earned,
            pending=sum(e.points for e in earns if e.pending_days),
            redeemed=verdict.redeemed,
            given=sum(d.shopper_points for d in gives),
            shortfall=verdict.shortfall,
        ),
        redeemed_money=verdict.redeemed_money,
        balance=_balance(prepared, book),
        earned=tuple(
            Earned(e.campaign, e.points, e.applications, tuple(at for at, _ in e.by_line))
            for e in earns
        ),
        donations=tuple(map(_donation, gives)),
        earned_by_line=tuple(by_line),
        redeemed_by_line=verdict.redeemed_by_line,
        reasons=tuple(Reason(*reason) for reason in result.reasons),
    )


def _donation(give: Donate) -> Donation:
    return Donation(
        campaign=give.campaign,
        fund=give.fund,
        points=give.points,
        money=give.money_minor,
        units=give.applications,
        funders=tuple(Borne(share.party, share.money_minor) for share in give.funders),
        shopper_points=give.shopper_points,
        shopper_money=give.shopper_money_minor,
        lines=give.lines,
    )


def _flags(event: Checkout, verdict: Verdict, received_at: datetime) -> tuple[str, ...]:
    flags = list(verdict.result.flags)
    if verdict.shortfall:
        flags.append("shortfall")
    behind = received_at - event.occurred_at
    if behind < -CLOCK_TOLERANCE or (behind > CLOCK_TOLERANCE and not event.offline):
        flags.append("clock")
    elif behind > CLOCK_TOLERANCE:
        flags.append("late")
    return tuple(flags)


def _balance(prepared: Prepared, book: Book) -> Balance | None:
    account, member = prepared.member_account, prepared.seen.member
    if account is None or member is None:
        return None
    until = prepared.event.key.business_day + EXPIRING_WITHIN
    return Balance(
        available=book.balance(account),
        held=book.balance(chart.held(member.ref, account.asset)),
        pending=book.balance(chart.pending(member.ref, account.asset)),
        expiring=expiring(book.lots_of(account), until),
    )


def decide_publish(event: Publish, state: State, *, received_at: datetime) -> Published:
    """Take a change into the rulebook; raises what the rulebook raises for a change it cannot hold."""
    rulebook = state.rulebook.extended(event.change)
    log_index = state.size
    leaf = rulebook_leaf(
        shard=state.shard, log_index=log_index, received_at=received_at,
        rulebook=rulebook.digest, change=event.change,
    )  # fmt: skip
    state.size += 1
    state.rulebook = rulebook
    return Published(log_index, rulebook, leaf, event.change)
