"""Deciding: event + state + rulebook -> decision. No I/O, no clock, no SQL.

The same function decides at the till, in `lepta verify --replay` and years later, and gives the same bytes.
"""

from collections.abc import Mapping
from datetime import datetime
from functools import partial
from typing import NamedTuple

from lepta.errors import DomainError
from lepta.ledger.book import Book
from lepta.ledger.entries import REPAY
from lepta.processing.beside import pack, request_digest
from lepta.processing.clocks import clock_flags
from lepta.processing.events import Publish, QuoteStale
from lepta.processing.given import donation_of, earned_of
from lepta.processing.held import capture
from lepta.processing.leaf import Booked, Packer, Recorded, Written, checkout_leaf, rulebook_leaf
from lepta.processing.moving import Moved, Recalled
from lepta.processing.outcome import (
    Balance,
    Donation,
    Earned,
    Outcome,
    Points,
)
from lepta.processing.quotes import Named, judge_named
from lepta.processing.recognition import Refused, Repeated, refusal_bytes
from lepta.processing.sight import Prepared
from lepta.processing.state import NATURAL, Claim, ShopperRecord, State, Submission
from lepta.processing.verdict import Verdict, judge, owes, verdict_on_void
from lepta.rules.effects import Earn
from lepta.rules.rulebook import Rulebook


class Accepted(NamedTuple):
    """A sale recorded just now, and the bytes of it that the tables keep."""

    recorded: Recorded
    claims: tuple[Claim, ...]
    leaf: Written
    booked: Booked

    @property
    def kind(self) -> str:
        """What sort of event it is."""
        return "checkout"

    @property
    def reversals(self) -> tuple[tuple[int, int], ...]:
        """(sale, what took some of it back): its own void, if that came first."""
        void = self.recorded.void
        return () if void is None else ((self.log_index, void),)

    @property
    def log_index(self) -> int:
        """Its place in the log."""
        return self.recorded.log_index

    @property
    def parts(self) -> "tuple[Accepted]":
        """As of an act: a sale is one event."""
        return (self,)

    @property
    def givers(self) -> list[tuple[int | None, tuple[str, str, int, int, int]]]:
        """As of an act."""
        return [(self.booked.member, given) for given in self.given]

    @property
    def held(self) -> tuple[()]:
        """As of an act: a sale makes no hold."""
        return ()

    @property
    def resolutions(self) -> list[tuple[int, int]]:
        """(hold, what ended it)."""
        return [(hold, self.log_index) for hold in self.booked.resolutions]

    @property
    def given(self) -> list[tuple[str, str, int, int, int]]:
        """As `motion.Given`."""
        return [(d.campaign, d.fund, 1, d.points, d.money) for d in self.recorded.outcome.donations]


class Published(NamedTuple):
    """A new rulebook, recorded."""

    log_index: int
    rulebook: Rulebook
    leaf: Written
    change: bytes
    caps: Mapping[str, int]
    """Hard caps of the campaigns that it changed."""


Decision = Accepted | Published | Moved | Repeated | Recalled | Refused


class Answered(NamedTuple):
    """A decision, and today's record of the shopper it is for."""

    decision: Decision
    shopper: ShopperRecord | None


def decide_checkout(
    submission: Submission,
    prepared: Prepared,
    state: State,
    foreseen: Verdict | None = None,
    named: Named | QuoteStale | None = None,
    *,
    received_at: datetime,
    salt: bytes,
) -> Accepted | Refused:
    """Decide a sale that is not a repeat, and book it on the working copy.

    What was `foreseen` saves judging it, unless a limit has come into its way, or a debt that its points pay; `named` is
    the quote that it names.
    """
    event = prepared.event
    void = voided_by(submission, state)
    if void is not None:
        return _record_void(
            prepared, void, submission.claims, state, received_at=received_at, salt=salt
        )
    try:
        held = capture(event, prepared.member_account, state.holds, received_at)
        if named is not None:
            prepared, verdict = judge_named(prepared, named, state.book, state.counts, held)
        elif (
            foreseen is not None
            and foreseen.result.holds(state.counts)
            and not (state.book.debts and owes(prepared, state.book))
        ):
            verdict = foreseen
        else:
            verdict = judge(prepared, state.book, state.counts, held)
    except DomainError as error:
        header = submission.header
        stored = None if header is None else refusal_bytes(error, event.identity, salt)
        return Refused(error, header, stored)
    return _record(prepared, verdict, submission.claims, state, received_at=received_at, salt=salt)


def voided_by(submission: Submission, state: State) -> int | None:
    """The place of the void of a sale that comes in only now."""
    for claim in submission.claims:
        if claim.scope == NATURAL:
            holder = state.claims.get(claim)
            return holder if isinstance(holder, int) and holder not in state.voided else None
    return None


def _record_void(
    prepared: Prepared,
    void: int,
    claims: tuple[Claim, ...],
    state: State,
    *,
    received_at: datetime,
    salt: bytes,
) -> Accepted:
    """Record a sale whose void came first: nothing is given, and its natural key stays with the void."""
    own = tuple([claim for claim in claims if claim.scope != NATURAL])
    accepted = _record(
        prepared,
        verdict_on_void(prepared),
        own,
        state,
        received_at=received_at,
        salt=salt,
        void=void,
    )
    state.voided[void] = accepted.log_index
    return accepted


def _record(
    prepared: Prepared,
    verdict: Verdict,
    claims: tuple[Claim, ...],
    state: State,
    *,
    received_at: datetime,
    salt: bytes,
    void: int | None = None,
) -> Accepted:
    event, log_index = prepared.event, state.size
    booked = post(log_index, prepared, verdict, state, void)
    outcome = conclude(prepared, verdict, state.book, received_at)
    request = request_digest(salt, event.identity)
    leaf = written(
        prepared, outcome, booked, partial(pack, salt, request), shard=state.shard, log_index=log_index,
        received_at=received_at, void=void,
    )  # fmt: skip
    recorded = Recorded(
        state.shard, log_index, prepared.rulebook, leaf.digest, salt, request,
        event, prepared.seen, outcome, void,
    )  # fmt: skip
    state.size += 1
    state.recorded[log_index] = recorded
    for claim in claims:
        state.claims[claim] = log_index
    return Accepted(recorded, claims, leaf, booked)


def post(
    log_index: int, prepared: Prepared, verdict: Verdict, state: State, void: int | None = None
) -> Booked:
    """Book a verdict on the working copy, limits included. A member's first sale opens an account anyway:
    its number is what their history goes by. One that is void is nobody's first.
    """
    account = prepared.member_account
    if void is not None:
        return Booked((), (), (), (), (), state.book.accounts.get(account) if account else None)
    opened = state.book.open_by_sale(log_index, account) if account else []
    held, moves = verdict.capture.held, verdict.capture.moves
    postings, further = state.book.post(
        log_index, verdict.entries, verdict.issues, verdict.spent, moves
    )
    used = verdict.result.consumed
    for counter, amount in used:
        state.counts[counter] = state.counts.get(counter, 0) + amount
        state.used[counter] = state.used.get(counter, 0) + amount
    member = state.book.accounts[account] if account else None
    released = [(state.book.accounts[at], lot, points) for at, lot, points in moves]
    hold = None if held is None else held.movement.log_index
    if hold is not None and released:
        state.resolve(hold, log_index)
    return Booked(
        opened + further, postings, verdict.issues, verdict.spent, used, member, None, hold, released
    )  # fmt: skip


def written(
    prepared: Prepared,
    outcome: Outcome,
    booked: Booked,
    packed: Packer,
    *,
    shard: int,
    log_index: int,
    received_at: datetime,
    void: int | None = None,
) -> Written:
    """The bytes of a sale's leaf, and what lies beside it."""
    return checkout_leaf(
        shard=shard,
        log_index=log_index,
        event=prepared.event,
        received_at=received_at,
        rulebook=prepared.rulebook,
        facts=prepared.seen.to_bytes(),
        outcome=outcome,
        booked=booked,
        packed=packed,
        void=void,
        quoted_until_s=prepared.quoted_until_s,
    )


def conclude(prepared: Prepared, verdict: Verdict, book: Book, received_at: datetime) -> Outcome:
    """Sum a booked sale up for its leaf and its answers."""
    event, result = prepared.event, verdict.result
    points, given, gifts = 0, 0, 0
    legs = iter(verdict.legs)
    earned: list[Earned] = []
    donations: list[Donation] = []
    for effect in result.effects:
        if isinstance(effect, Earn):
            earned.append(earned_of(effect, next(legs)))
            points += effect.points
        else:
            donations.append(donation_of(effect))
            given += effect.shopper_points
            gifts += effect.shopper_money_minor
    money = verdict.redeemed_money
    return Outcome(
        prepared.seen.card_status, _flags(prepared, verdict, received_at), event.total,
        event.total - money + gifts,
        Points(points, _pending(verdict), verdict.redeemed, given, verdict.shortfall), money,
        _balance(prepared, book), tuple(earned), tuple(donations), verdict.redeemed_by_line,
        result.reasons,
    )  # fmt: skip


def _pending(verdict: Verdict) -> int:
    """Points in lots that wait; what paid a debt is in none."""
    entries = verdict.entries
    return sum([entries[issue.leg].amount for issue in verdict.issues if issue.available_on])


def _flags(prepared: Prepared, verdict: Verdict, received_at: datetime) -> tuple[str, ...]:
    event, flags = prepared.event, [*verdict.result.flags, *verdict.flags]
    if prepared.seen.quote_stale:
        flags.append("quote-stale")
    if verdict.capture.flag is not None:
        flags.append(verdict.capture.flag)
    if verdict.shortfall:
        flags.append("shortfall")
    if any(entry.code is REPAY for entry in verdict.entries):
        flags.append("repaid")
    flags += clock_flags(event.occurred_at, received_at, offline=event.offline)
    return tuple(flags)


def _balance(prepared: Prepared, book: Book) -> Balance | None:
    account = prepared.member_account
    if account is None:
        return None
    return Balance.of(book, account, prepared.event.key.business_day)


def decide_publish(event: Publish, state: State, *, received_at: datetime) -> Published:
    """Take a change into the rulebook; raises what the rulebook raises for a change it cannot hold."""
    before = state.rulebook
    rulebook = before.extended(event.change)
    log_index = state.size
    leaf = rulebook_leaf(
        shard=state.shard, log_index=log_index, received_at=received_at,
        rulebook=rulebook.number, digest=rulebook.digest, change=event.change,
    )  # fmt: skip
    state.size += 1
    state.rulebook = rulebook
    return Published(log_index, rulebook, leaf, event.change, rulebook.caps_since(before))
