"""Deciding and booking acts: what becomes of an event that is neither a sale nor a publication. Pure."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from hashlib import sha256
from typing import Any, NamedTuple

from lepta.errors import DomainError
from lepta.ledger.book import Book
from lepta.processing.acts import (
    Act,
    Adjustment,
    Gift,
    Hold,
    LotsDue,
    Release,
    Return,
    Void,
)
from lepta.processing.adjusting import decide_adjustment
from lepta.processing.beside import pack, request_digest
from lepta.processing.claiming import AlreadyClaimed, decide_claim
from lepta.processing.events import KeyReused
from lepta.processing.giving import decide_gift
from lepta.processing.heirs import settled
from lepta.processing.holding import decide_hold, decide_release, released_before
from lepta.processing.leaf import Booked, Packer, Written
from lepta.processing.lot_days import decide_lots
from lepta.processing.merging import decide_merge, in_parts
from lepta.processing.motion import Given, Motion, Movement, motion_leaf
from lepta.processing.outcome import Balance
from lepta.processing.owners import ClaimSale, Merge, Transfer
from lepta.processing.recognition import (
    REFUSALS,
    Refused,
    refusal_bytes,
    said,
    stored_refusal,
)
from lepta.processing.state import Claim, State, Submission, natural_claim
from lepta.processing.transferring import decide_transfer
from lepta.processing.undoing import decide_return, decide_void


class Moved(NamedTuple):
    """An act recorded just now, and the bytes of it that the tables keep."""

    movement: Movement
    claims: tuple[Claim, ...]
    leaf: Written
    booked: Booked
    given: Sequence[Given]
    aside: str = ""
    """See `Motion.aside`."""
    second: int | None = None
    """Number of `Motion.second`."""
    merger: Merge | None = None
    further: "Sequence[Moved]" = ()
    """Events that follow it in the log as parts of the same act."""

    @property
    def parts(self) -> "Sequence[Moved]":
        """All events of the act."""
        return (self, *self.further)

    @property
    def givers(self) -> Sequence[tuple[int | None, Given]]:
        """Who gave: (number of the member's account, what). Of a merger both: what it was of the one is the other's. Of a
        sale that was anonymous nobody, though its points have a claimant.
        """
        giver = None if "claimed" in self.movement.facts else self.booked.member
        own = [(giver, given) for given in self.given]
        if self.merger is None or not own:
            return own
        was: int = self.movement.facts["account"]
        return [*own, *[(was, given.taken_back) for given in self.given]]

    @property
    def kind(self) -> str:
        """What sort of event it is."""
        return self.movement.kind

    @property
    def log_index(self) -> int:
        """Its place in the log."""
        return self.movement.log_index

    @property
    def reversals(self) -> tuple[tuple[int, int], ...]:
        """(sale, what takes some of it back)."""
        sales = self.movement.about if self.kind in REVERSING else ()
        return tuple([(sale, self.log_index) for sale in sales])

    @property
    def held(self) -> tuple[tuple[int, int | None, int, int], ...]:
        """A hold that it makes: its place, account and points, and when it ends, in milliseconds since 1970."""
        if self.kind != Hold.kind:
            return ()
        movement, booked = self.movement, self.booked
        expires_at = movement.outcome["expires_at"]
        return ((self.log_index, booked.member, movement.request["points"], expires_at),)

    @property
    def resolutions(self) -> tuple[tuple[int, int], ...]:
        """(hold, what ended it)."""
        if self.kind != Release.kind:
            return ()
        return ((self.movement.about[0], self.log_index),)


class Recalled(NamedTuple):
    """An act that was recorded before. `claim`: a further header naming it now."""

    movement: Movement
    claim: Claim | None


REVERSING = frozenset({"void", "return"})
"""Kinds that take back what a sale did."""
ABOUT_SALES = REVERSING | {ClaimSale.kind}

Decide = Callable[[Any, State, datetime], Motion]
DECIDERS: Mapping[type, Decide] = {
    LotsDue: decide_lots, Void: decide_void, Return: decide_return,
    Adjustment: decide_adjustment, Hold: decide_hold, Release: decide_release,
    Gift: decide_gift, Transfer: decide_transfer, Merge: decide_merge,
    ClaimSale: decide_claim,
}  # fmt: skip
"""Of each sort of act what it comes to; raises what it is refused for."""


def recall(submission: Submission, act: Act, state: State) -> Recalled | Refused | None:
    """The stored outcome of an act that was decided before, if it was.

    Another one under a name that is taken is refused and changes nothing.
    """
    if isinstance(act, Release):
        before = released_before(act, state)
        return None if before is None else Recalled(before, None)
    known: Movement | None = None
    for claim in submission.claims:
        holder = state.claims.get(claim)
        if isinstance(holder, bytes):
            return stored_refusal(claim, holder, act.identity)
        if holder is None:
            continue
        found = state.recorded[holder]
        if not isinstance(found, Movement) or not found.equals(act.identity):
            return Refused(KeyReused(said(claim)))
        known = found
    if known is None and isinstance(act, Merge):
        known = _merged_before(act, state)
    if known is None and isinstance(act, ClaimSale):
        known = _claimed_before(act, state)
        if known is not None and not known.equals(act.identity):
            return Refused(AlreadyClaimed())
    if known is None:
        return None
    header = submission.header
    return Recalled(known, None if header in state.claims else header)


def _merged_before(act: Merge, state: State) -> Movement | None:
    """The merger of the member into the same one, which is done once, whoever asks for it how often."""
    first = next(iter(state.heirs.get(act.member, ())), None)
    if first is None or first.ref != act.into:
        return None
    merged = state.recorded[first.log_index]
    assert isinstance(merged, Movement), act
    return merged


def _claimed_before(act: ClaimSale, state: State) -> Movement | None:
    """The claim of the sale, whoever made it."""
    place = state.claims.get(natural_claim("checkout", act.sale))
    subject = state.subjects.get(place) if isinstance(place, int) else None
    claim = None if subject is None else subject.claimed
    return None if claim is None else claim.movement


def decide_act(
    submission: Submission, act: Act, state: State, *, received_at: datetime, salt: bytes
) -> Moved | Refused:
    """Decide an act that is not a repeat, and book it on the working copy: all events that it comes to, or none."""
    try:
        act = settled(act, state.heirs, state.size)
        if isinstance(act, ClaimSale):
            act = replace(act, claimant=state.claimants.get((act.sale, act.card)))
        first, *rest = in_parts(act, state) if isinstance(act, Merge) else [act]
        moved = _record(first, state, submission.claims, received_at, salt)
    except DomainError as error:
        header = submission.header
        remembered = header is not None and type(error) in REFUSALS
        stored = refusal_bytes(error, act.identity, salt) if remembered else None
        return Refused(error, header if stored else None, stored)
    further = [
        _record(part, state, (), received_at, sha256(salt + bytes([n % 256])).digest()[: len(salt)])
        for n, part in enumerate(rest)
    ]
    return moved._replace(further=further) if further else moved


def _record(
    act: Act, state: State, claims: tuple[Claim, ...], received_at: datetime, salt: bytes
) -> Moved:
    motion = DECIDERS[type(act)](act, state, received_at)
    request = request_digest(salt, act.identity)
    packed = partial(pack, salt, request)
    log_index = state.size
    motion, booked, leaf = book(motion, state, packed, received_at)
    movement = Movement(
        state.shard, log_index, motion.kind, state.rulebook.number, leaf.digest, salt, request, motion.about,
        dict(motion.request), dict(motion.facts), dict(motion.outcome),
    )  # fmt: skip
    state.recorded[log_index] = movement
    if motion.kind in REVERSING:
        for sale in motion.about:
            state.subjects[sale].undone.append(movement)
            if motion.kind == "void":
                state.taken_back.add(sale)
    if motion.instead_of is not None:
        claims = (*claims, natural_claim("checkout", motion.instead_of))
    for claim in claims:
        state.claims[claim] = log_index
    second = state.book.accounts[motion.second] if motion.second else None
    return Moved(movement, claims, leaf, booked, motion.given, motion.aside, second, motion.merger)


def book(
    motion: Motion, state: State, packed: Packer, received_at: datetime
) -> tuple[Motion, Booked, Written]:
    """Book a motion on the working copy, counters included, and write its leaf: with the balance that it leads to,
    where it tells that. Moves the log on by one event.
    """
    log_index, ledger, member = state.size, state.book, motion.member
    open_for = ledger.open_by_sale if motion.has_bought else ledger.open_early
    opened = [
        account
        for one in (member, motion.second)
        if one is not None
        for account in open_for(log_index, one)
    ]
    postings, further = ledger.post(log_index, motion.entries, motion.issues, (), motion.moves)
    for counter, amount in motion.used:
        state.counts[counter] = state.counts.get(counter, 0) + amount
        state.used[counter] = state.used.get(counter, 0) + amount
    moves = [(ledger.accounts[account], lot, points) for account, lot, points in motion.moves]
    number = ledger.accounts[member] if member else None
    booked = Booked(opened + further, postings, motion.issues, (), motion.used, number, moves)
    motion = _concluded(motion, ledger)
    leaf = motion_leaf(
        motion, booked, packed,
        shard=state.shard, log_index=log_index, received_at=received_at, rulebook=state.rulebook.number,
    )  # fmt: skip
    state.size += 1
    if motion.kind == Release.kind:
        state.resolve(motion.about[0], log_index)
    if motion.merger is not None:
        state.hand_over(motion.merger)
    return motion, booked, leaf


def _concluded(motion: Motion, ledger: Book) -> Motion:
    if motion.member is None or motion.balance_on is None:
        return motion
    balance = Balance.of(ledger, motion.member, motion.balance_on)
    return replace(motion, outcome={**motion.outcome, "balance": balance.to_array()})
