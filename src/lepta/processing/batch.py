"""One batch: its load, its decisions, its append, all in one transaction that the writer commits."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

import asyncpg

from lepta.errors import DomainError
from lepta.processing import claimants, load, mergers, store, subjects
from lepta.processing.acts import ACTS, Act, Gift, Release
from lepta.processing.decide import (
    Accepted,
    Answered,
    Decision,
    Published,
    decide_checkout,
    decide_publish,
)
from lepta.processing.events import Checkout, Publish
from lepta.processing.giving import counters_of_gift
from lepta.processing.heirs import Heirs, settled
from lepta.processing.leaf import parse_checkout_id
from lepta.processing.moving import Recalled, decide_act, recall
from lepta.processing.office import Basis, LaidOut, Office
from lepta.processing.owners import Merge
from lepta.processing.quotes import Named
from lepta.processing.recognition import Refused, Repeated, recognise
from lepta.processing.seen import StoreSeen
from lepta.processing.sight import Prepared
from lepta.processing.state import Claim, State, Subject, Submission

SALT_BYTES = 16


@dataclass(slots=True)
class Sources:
    """What a writer keeps from batch to batch."""

    shard: int
    office: Office
    chart: load.Chart = field(default_factory=load.Chart)

    def forget(self) -> None:
        """After a failure, trust nothing that a batch may have left half-known."""
        self.chart = load.Chart()


class Turn(NamedTuple):
    """An event whose turn has come, as far as it is laid out."""

    submission: Submission
    laid_out: LaidOut | None


@dataclass(frozen=True, slots=True)
class Done:
    """A batch that is written but not committed."""

    state: State
    decisions: list[Decision]
    answers: list[Answered]
    first_index: int
    last_hash: bytes | None

    @property
    def recorded(self) -> int:
        """How many events it adds to the log."""
        return self.state.size - self.first_index


async def write(
    connection: asyncpg.Connection,
    sources: Sources,
    head: load.Head,
    turns: Sequence[Turn],
    *,
    received_at: datetime,
    meanwhile: Callable[[int], None] = lambda _parts: None,
) -> Done:
    """Decide and append one batch inside the transaction of `connection` that has locked `head`.

    `meanwhile(n)` is called when the database is about to work and this process is not: there is time for one n-th
    of what else is to be done.
    """
    shard, office = sources.shard, sources.office
    await office.rulebooks.refresh(connection, head.rulebook)
    rulebook = office.rulebooks.newest
    assert rulebook.digest == head.rulebook, (rulebook.number, head.rulebook.hex())
    await load.open_partitions(connection, shard, head, len(turns))
    state, laid_out = await _load(
        connection, sources, head, turns, received_at=received_at, meanwhile=meanwhile
    )
    salts = os.urandom(SALT_BYTES * len(turns))
    decisions: list[Decision] = []
    for i, (turn, sale) in enumerate(zip(turns, laid_out, strict=True)):
        salt = salts[i * SALT_BYTES : (i + 1) * SALT_BYTES]
        decisions.append(_decide(turn.submission, sale, state, received_at, salt))
    meanwhile(1)
    last_hash = await store.append(connection, state, head, sources.chart, decisions)
    answers = list(map(_answered, decisions, laid_out))
    return Done(state, decisions, answers, head.size, last_hash)


def _answered(decision: Decision, laid_out: LaidOut | None) -> Answered:
    """With today's record of the sale's member, if it was read: a card may have changed hands since the sale."""
    shopper = laid_out.shopper if laid_out else None
    if shopper is None or not isinstance(decision, (Accepted, Repeated)):
        return Answered(decision, None)
    member = decision.recorded.seen.member
    return Answered(decision, shopper if member and member.ref == shopper.ref else None)


async def _lay_out(
    connection: asyncpg.Connection,
    office: Office,
    turns: Sequence[Turn],
    basis: Basis,
    received_at: datetime,
) -> list[LaidOut | None]:
    """All sales laid out on `basis`, the office's state by now; None for what is no sale."""
    stale = [
        event
        for (event, _), laid_out in turns
        if isinstance(event, Checkout) and (laid_out is None or laid_out.basis != basis)
    ]
    shoppers = await office.look_up(connection, stale) if stale else {}
    named = {
        place: await office.open_quote(connection, event, received_at)
        for place, ((event, _), _) in enumerate(turns)
        if isinstance(event, Checkout) and event.quote is not None
    }
    return [
        laid_out
        if laid_out is not None and laid_out.basis == basis
        else office.lay_out(event, shoppers, named.get(place))
        if isinstance(event, Checkout)
        else None
        for place, ((event, _), laid_out) in enumerate(turns)
    ]


async def _load(
    connection: asyncpg.Connection,
    sources: Sources,
    head: load.Head,
    turns: Sequence[Turn],
    *,
    received_at: datetime,
    meanwhile: Callable[[int], None],
) -> tuple[State, list[LaidOut | None]]:
    """Everything the batch is decided on. If the office has changed something since the sales were laid out, they
    are laid out again, once: what it changes from then on is for the next batch, or it could keep this one for ever.
    """
    shard, office = sources.shard, sources.office
    named = [claim for turn in turns for claim in turn.submission.claims]
    basis = office.basis
    laid_out = await _lay_out(connection, office, turns, basis, received_at)
    meanwhile(2)
    acts = [turn.submission.event for turn in turns if isinstance(turn.submission.event, ACTS)]
    known = await _look_into(connection, office, head, acts, shard=shard, received_at=received_at)
    counters = known.counters
    ledger = await _read_ledger(connection, sources, head, named, laid_out, counters=counters)
    if ledger.versions != basis.versions:
        await office.directory.refresh(connection, ledger.versions)
        laid_out = await _lay_out(connection, office, turns, office.basis, received_at)
        ledger = await _read_ledger(connection, sources, head, named, laid_out, counters=counters)
    claims, book, counts, _ = ledger
    places = {holder for holder in claims.values() if isinstance(holder, int)}
    recorded = await load.read_recorded(connection, shard, places)
    voided = await subjects.read_voided(connection, shard, recorded)
    recorded |= await load.read_recorded(connection, shard, set(voided.values()) - recorded.keys())
    state = State(shard, head.size, office.rulebooks.newest, claims, recorded, book, counts)
    state.voided = voided
    state.taken_back = await subjects.read_taken_back(connection, shard, recorded)
    if acts:
        known.add_to(state)
        state.stores = _stores(acts, office)
        await _load_mergers(connection, state, acts)
    await _load_holds(connection, state, turns)
    await _load_holdings(connection, state, acts)
    return state, laid_out


async def _load_mergers(connection: asyncpg.Connection, state: State, acts: Sequence[Act]) -> None:
    """The mergers of those who are to be merged again."""
    again = {
        heirs[0].log_index
        for act in acts
        if isinstance(act, Merge) and (heirs := state.heirs.get(act.member))
    }
    unread = again - state.recorded.keys()
    state.recorded |= await load.read_recorded(connection, state.shard, unread)


async def _load_holds(connection: asyncpg.Connection, state: State, turns: Sequence[Turn]) -> None:
    """The holds that sales and releases name, and what ended them."""
    if holds := _named_holds(turns):
        state.holds = await subjects.read_holds(connection, state.shard, holds, state.size)
        ended = {held.resolved_by for held in state.holds.values() if held.resolved_by is not None}
        unread = ended - state.recorded.keys()
        state.recorded |= await load.read_recorded(connection, state.shard, unread)


async def _load_holdings(connection: asyncpg.Connection, state: State, acts: Sequence[Act]) -> None:
    """All lots of the members whose lots move otherwise than by being spent."""
    members = subjects.members_of(acts, state.subjects)
    members |= {held.member for held in state.holds.values()}
    members |= {claimant.member.ref for claimant in state.claimants.values()}
    members |= {heir.ref for heirs in state.heirs.values() for heir in heirs}
    await subjects.read_holdings(connection, state.shard, state.book, members)


def _named_holds(turns: Sequence[Turn]) -> set[int]:
    """Where in the log the holds would be that sales and releases name."""
    events = [turn.submission.event for turn in turns]
    places = {event.hold for event in events if isinstance(event, Release)}
    for event in events:
        place = (
            parse_checkout_id(event.hold) if isinstance(event, Checkout) and event.hold else None
        )
        if place is not None:
            places.add(place[1])
    return places


def _counters(acts: Sequence[Act], office: Office, received_at: datetime) -> set[str]:
    """Of limits that gifts at kiosks may touch."""
    gifts = [act for act in acts if isinstance(act, Gift)]
    rulebook = office.rulebooks.newest
    return {counter for act in gifts for counter in counters_of_gift(act, rulebook, received_at)}


def _stores(acts: Sequence[Act], office: Office) -> dict[str, StoreSeen]:
    """Where acts take place, as the office has it now."""
    places = {act.till[0] for act in acts if act.till is not None}
    found = {place: office.directory.store(place) for place in places}
    return {place: record.seen for place, record in found.items() if record is not None}


class Known(NamedTuple):
    """What acts of a batch are about, as far as it is not in the ledger's state."""

    places: dict[Claim, int]
    """Of sales, by their natural keys."""
    sales: dict[int, Subject]
    merging: mergers.Merging
    claiming: claimants.Claiming
    counters: frozenset[str]
    """That may be touched."""
    heirs: dict[str, Heirs]
    """Who members became that acts name."""

    def add_to(self, state: State) -> None:
        """Have the acts decided on it."""
        state.subjects, state.heirs = self.sales, self.heirs
        for claim, index in self.places.items():
            state.claims.setdefault(claim, index)
        self.merging.add_to(state)
        self.claiming.add_to(state)


async def _look_into(
    connection: asyncpg.Connection,
    office: Office,
    head: load.Head,
    acts: Sequence[Act],
    *,
    shard: int,
    received_at: datetime,
) -> Known:
    if not acts:
        return Known({}, {}, mergers.Merging(), claimants.Claiming(), frozenset(), {})
    keys = {act.subject for act in acts if act.subject is not None}
    places = await subjects.find(connection, shard, keys)
    sales = await subjects.read(connection, shard, set(places.values()), head.size)
    merging = await mergers.read(connection, shard, acts, office.rulebooks.newest)
    claiming = await claimants.read(connection, office, acts, places, sales)
    heirs = await subjects.read_heirs(connection, shard, {r for act in acts for r in act.members})
    now = [settled(act, heirs, head.size) for act in acts]
    counters = subjects.counters_of(sales) | _counters(now, office, received_at)
    counters |= merging.counters | claiming.counters
    return Known(places, sales, merging, claiming, frozenset(counters), heirs)


async def _read_ledger(
    connection: asyncpg.Connection,
    sources: Sources,
    head: load.Head,
    named: Sequence[Claim],
    laid_out: Sequence[LaidOut | None],
    *,
    counters: frozenset[str],
) -> load.Ledger:
    sales = [laid.sale for laid in laid_out if laid and isinstance(laid.sale, Prepared)]
    # A quote's own answers may spend points that the sale does not.
    sales += [laid.named.as_quoted for laid in laid_out if laid and isinstance(laid.named, Named)]
    return await load.read_ledger(
        connection, sources.shard, sources.chart, head.next_account,
        claims=named, sales=sales, counters=counters,
    )  # fmt: skip


def _decide(
    submission: Submission,
    laid_out: LaidOut | None,
    state: State,
    received_at: datetime,
    salt: bytes,
) -> Decision:
    event = submission.event
    if isinstance(event, Publish):
        return _decide_publish(event, state, received_at)
    if isinstance(event, ACTS):
        return _decide_act(submission, event, state, received_at, salt)
    # Again, now that the batch's own events stand before it.
    repeat = recognise(submission, state)
    if isinstance(repeat, Repeated) and repeat.claim:
        state.claims[repeat.claim] = repeat.recorded.log_index
    if repeat is not None:
        return repeat
    assert laid_out is not None, submission
    sale = laid_out.sale
    if isinstance(sale, Refused):
        return sale
    decision = decide_checkout(
        submission,
        sale,
        state,
        laid_out.foreseen,
        laid_out.named,
        received_at=received_at,
        salt=salt,
    )
    if isinstance(decision, Refused) and decision.claim and decision.stored:
        state.claims[decision.claim] = decision.stored
    return decision


def _decide_act(
    submission: Submission, act: Act, state: State, received_at: datetime, salt: bytes
) -> Decision:
    known = recall(submission, act, state)
    if isinstance(known, Recalled) and known.claim:
        state.claims[known.claim] = known.movement.log_index
    if known is not None:
        return known
    decision = decide_act(submission, act, state, received_at=received_at, salt=salt)
    if isinstance(decision, Refused) and decision.claim and decision.stored:
        state.claims[decision.claim] = decision.stored
    return decision


def _decide_publish(event: Publish, state: State, received_at: datetime) -> Published | Refused:
    try:
        return decide_publish(event, state, received_at=received_at)
    except DomainError as error:
        return Refused(error)
