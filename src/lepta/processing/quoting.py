"""Making quotes: a sale decided as if it were paid now, on a view of the ledger that nobody waits for.

Nothing is written, claimed or locked. The same code decides as in a batch.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import NamedTuple

from lepta.db import Database
from lepta.processing import load
from lepta.processing.decide import conclude, post
from lepta.processing.events import Checkout, QuoteStale
from lepta.processing.leaf import Recorded
from lepta.processing.office import Office
from lepta.processing.quotes import (
    SALT_BYTES,
    Answers,
    Named,
    Quote,
    basket_digest,
    outcome_digest,
    seal,
)
from lepta.processing.reading import Reader, bare, see_head
from lepta.processing.recognition import Refused
from lepta.processing.sight import Prepared
from lepta.processing.state import ShopperRecord, State
from lepta.processing.verdict import judge, redeemable, suspicion_of
from lepta.processing.writer import now
from lepta.rules.effects import Offer
from lepta.rules.rulebook import Rulebook

NEVER_STORED = 1 << 30
"""Numbers from which accounts are opened on the working copy of a quote, beyond all that there are."""


class Made(NamedTuple):
    """A quote, and the sale as it would be recorded now."""

    recorded: Recorded
    shopper: ShopperRecord | None
    token: str
    valid_until: datetime
    redeemable: int
    """The most points that may be spent on the basket."""
    offers: tuple[Offer, ...]
    """Gifts that the shopper has not answered yet, all above 0."""


@dataclass(slots=True)
class View:
    """What a sale is decided on, as the database has it at one moment."""

    prepared: Prepared
    shopper: ShopperRecord | None
    rulebook: Rulebook
    state: State
    secret: bytes
    at: datetime
    named: Named | QuoteStale | None = None
    """The quote that the sale names, or why that does not hold."""


@dataclass(slots=True)
class Quoting:
    """Makes the quotes of one process."""

    database: Database
    reader: Reader
    ttl_s: int
    shard: int = 0
    clock: Callable[[], datetime] = now
    _chart: load.Chart = field(default_factory=load.Chart)
    _office: Office = field(init=False)

    def __post_init__(self) -> None:
        self._office = Office(self.reader.directory, self.reader.rulebooks, self.clock)

    async def make(self, event: Checkout) -> Made:
        """The quote of a sale. Raises what the sale itself would be refused with, but for repeats."""
        return _made(await self.view(event), self.ttl_s)

    async def view(self, event: Checkout) -> View:
        """What a sale would be decided on now. Raises what makes it impossible to lay it out."""
        async with self.database.read() as tx:
            head = await see_head(tx, self.shard)
            connection = await bare(tx)
            await self.reader.follow(connection, head)
            shoppers = await self._office.look_up(connection, [event])
            at = self.clock()
            opened = await self._office.open_quote(connection, event, at) if event.quote else None
            # No pause from here on until all that may change is at hand.
            laid_out = self._office.lay_out(event, shoppers, opened)
            rulebook, prepared = self.reader.rulebooks.newest, laid_out.sale
            if isinstance(prepared, Refused):
                raise prepared.error
            sales, named = [prepared], laid_out.named
            if isinstance(named, Named):
                sales.append(named.as_quoted)
            ledger = await load.read_ledger(
                connection, self.shard, self._chart, head.next_account, claims=(), sales=sales
            )
            secret = await self._office.secret(connection)
        # Other views may have taught the chart later accounts meanwhile.
        ledger.book.next_account = NEVER_STORED
        state = State(self.shard, head.size, rulebook, {}, {}, ledger.book, ledger.counts)
        return View(prepared, laid_out.shopper, rulebook, state, secret, at, named)


def _made(view: View, ttl_s: int) -> Made:
    prepared, state, event = view.prepared, view.state, view.prepared.event
    suspicion = suspicion_of(prepared, state.counts)
    most = redeemable(prepared, state.book, suspicion=suspicion)
    verdict = judge(prepared, state.book, state.counts)
    until_s, salt = int(view.at.timestamp()) + ttl_s, os.urandom(SALT_BYTES)
    quote = Quote(
        view.rulebook.number, until_s, salt, basket_digest(salt, event),
        outcome_digest(salt, verdict, view.rulebook), most, Answers.of(event),
    )  # fmt: skip
    post(state.size, prepared, verdict, state)
    outcome = conclude(prepared, verdict, state.book, view.at)
    recorded = Recorded(
        state.shard, state.size, view.rulebook.number, "", b"", b"", event, prepared.seen, outcome
    )
    answered = {gift.campaign for gift in event.gifts}
    offers = [o for o in verdict.result.offers if o.campaign not in answered and any(o[2:])]
    return Made(
        recorded, view.shopper, seal(quote, view.secret), datetime.fromtimestamp(until_s, UTC), most,
        tuple(offers),
    )  # fmt: skip
