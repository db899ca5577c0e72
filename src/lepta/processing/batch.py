"""One batch: its load, its decisions, its append, all in one transaction that the writer commits."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import asyncpg

from lepta.errors import DomainError
from lepta.processing import load, store
from lepta.processing.decide import (
    Answered,
    Decision,
    Published,
    decide_checkout,
    decide_publish,
)
from lepta.processing.directory import Directory
from lepta.processing.events import Checkout, Publish
from lepta.processing.recognition import Refused, Repeated, recognise
from lepta.processing.rulebooks import Rulebooks
from lepta.processing.sight import Prepared, prepare, see
from lepta.processing.state import Claim, ShopperRecord, State, Submission

SALT_BYTES = 16


@dataclass(slots=True)
class Sources:
    """What a writer keeps from batch to batch."""

    shard: int
    directory: Directory
    rulebooks: Rulebooks
    chart: load.Chart = field(default_factory=load.Chart)

    def forget(self) -> None:
        """After a failure, trust nothing that a batch may have left half-known."""
        self.chart = load.Chart()


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
    submissions: Sequence[Submission],
    *,
    received_at: datetime,
    meanwhile: Callable[[int], None] = lambda _parts: None,
) -> Done:
    """Decide and append one batch inside the transaction of `connection` that has locked `head`.

    `meanwhile(n)` is called when the database is about to work and this process is not: there is time for one n-th
    of what else is to be done.
    """
    shard = sources.shard
    await sources.directory.refresh(connection, head.versions)
    await sources.rulebooks.refresh(connection, head.rulebook)
    rulebook = sources.rulebooks.newest
    assert rulebook.digest == head.rulebook, (rulebook.number, head.rulebook.hex())
    await sources.chart.refresh(connection, shard, head.next_account)
    await load.open_partitions(connection, shard, head, len(submissions))
    state, shoppers, laid_out = await _load(connection, sources, head, submissions, meanwhile)
    salts = os.urandom(SALT_BYTES * len(submissions))
    decisions: list[Decision] = []
    for i, (submission, sale) in enumerate(zip(submissions, laid_out, strict=True)):
        salt = salts[i * SALT_BYTES : (i + 1) * SALT_BYTES]
        decisions.append(_decide(submission, sale, state, received_at, salt))
    meanwhile(1)
    last_hash = await store.append(connection, state, head, sources.chart, decisions)
    answers = [Answered(decision, _shopper(decision, shoppers)) for decision in decisions]
    return Done(state, decisions, answers, head.size, last_hash)


def _shopper(decision: Decision, shoppers: dict[str, ShopperRecord]) -> ShopperRecord | None:
    """Today's record of the sale's member, if it was loaded: a card may have changed hands since the sale."""
    if isinstance(decision, (Published, Refused)):
        return None
    member, card = decision.recorded.seen.member, decision.recorded.event.card
    if member is None:
        return None
    found = shoppers.get(card) if card else None
    if found is not None and found.ref == member.ref:
        return found
    return next((one for one in shoppers.values() if one.ref == member.ref), None)


async def _load(
    connection: asyncpg.Connection,
    sources: Sources,
    head: load.Head,
    submissions: Sequence[Submission],
    meanwhile: Callable[[int], None],
) -> tuple[State, dict[str, ShopperRecord], list[Prepared | Refused | None]]:
    """Everything the batch is decided on; of each event its preparation, None for what is not a new sale."""
    shard, directory = sources.shard, sources.directory
    sales = [s.event for s in submissions if isinstance(s.event, Checkout)]
    named: list[Claim] = [claim for s in submissions for claim in s.claims]
    claims = await load.find_claims(connection, shard, named)
    indexes = {holder for holder in claims.values() if isinstance(holder, int)}
    recorded = await load.read_recorded(connection, shard, indexes)
    cards = {sale.card for sale in sales if sale.card}
    meanwhile(4)
    shoppers, book = await load.read_shoppers(connection, shard, sources.chart, head, cards)
    await directory.fetch(connection, sales)
    state = State(
        shard, head.size, sources.rulebooks.newest, directory, shoppers, claims, recorded, book
    )
    laid_out = [_lay_out(submission, state) for submission in submissions]
    prepared = [sale for sale in laid_out if isinstance(sale, Prepared)]
    meanwhile(4)
    state.counts = await load.read_lots_and_counts(connection, shard, book, prepared)
    return state, shoppers, laid_out


def _lay_out(submission: Submission, state: State) -> Prepared | Refused | None:
    event = submission.event
    if not isinstance(event, Checkout) or any(c in state.claims for c in submission.claims):
        return None
    shopper = state.shoppers.get(event.card) if event.card else None
    try:
        return prepare(event, see(event, state.records, shopper), state.rulebook)
    except DomainError as error:
        return Refused(error)


def _decide(
    submission: Submission,
    sale: Prepared | Refused | None,
    state: State,
    received_at: datetime,
    salt: bytes,
) -> Decision:
    event = submission.event
    if isinstance(event, Publish):
        return _decide_publish(event, state, received_at)
    # Again, now that the batch's own events stand before it.
    repeat = recognise(submission, state)
    if isinstance(repeat, Repeated) and repeat.claim:
        state.claims[repeat.claim] = repeat.recorded.log_index
    if repeat is not None:
        return repeat
    if isinstance(sale, Refused):
        return sale
    assert sale is not None, submission
    decision = decide_checkout(submission, sale, state, received_at=received_at, salt=salt)
    if isinstance(decision, Refused) and decision.claim and decision.stored:
        state.claims[decision.claim] = decision.stored
    return decision


def _decide_publish(event: Publish, state: State, received_at: datetime) -> Published | Refused:
    try:
        return decide_publish(event, state, received_at=received_at)
    except DomainError as error:
        return Refused(error)
