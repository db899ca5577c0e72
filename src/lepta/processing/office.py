"""Laying sales out: who shows the card, what the catalogue says, which campaigns the basket touches.

Nothing of it needs the ledger, so nothing of it needs the head's lock.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

import asyncpg

from lepta.errors import DomainError
from lepta.processing import load, sql
from lepta.processing.directory import Directory, Versions
from lepta.processing.events import Checkout, QuoteStale
from lepta.processing.quotes import Answers, Named, Quote, read_quote
from lepta.processing.recognition import Refused
from lepta.processing.rulebooks import Rulebooks
from lepta.processing.sight import ByQuote, Prepared, prepare, see, with_chosen, with_closed
from lepta.processing.state import ShopperRecord
from lepta.processing.verdict import Verdict
from lepta.rules.rulebook import Rulebook
from lepta.values import value


class Basis(NamedTuple):
    """The office's state that a sale was laid out on; on a later one it has to be laid out again."""

    rulebook: int
    versions: Versions


@value
class LaidOut:
    """A sale laid out, or why it is refused."""

    basis: Basis
    shopper: ShopperRecord | None
    """The member who shows the card."""
    sale: Prepared | Refused
    foreseen: Verdict | None = None
    """See `verdict.foresee`."""
    named: Named | QuoteStale | None = None
    """The quote that it names, or why that does not hold; None: it names none."""


class Opened(NamedTuple):
    """A quote that holds as far as it is known without the ledger, and its rulebook."""

    quote: Quote
    rulebook: Rulebook


@dataclass(slots=True)
class Office:
    """What a process knows of the office's records, rules included."""

    directory: Directory
    rulebooks: Rulebooks
    clock: Callable[[], datetime]
    _secret: bytes | None = None

    @property
    def basis(self) -> Basis:
        """As of now."""
        return Basis(self.rulebooks.newest.number, self.directory.versions)

    async def look_up(
        self, connection: asyncpg.Connection, sales: Sequence[Checkout]
    ) -> Mapping[str, ShopperRecord]:
        """Who shows these sales' cards. From then on their products are in the directory, too."""
        cards = {sale.card for sale in sales if sale.card}
        shoppers = await load.read_shoppers(connection, cards)
        if late := _late(sales, shoppers):
            former = await load.read_former(connection, late)
            shoppers |= {
                card: shoppers[card]._replace(former=then) for card, then in former.items()
            }
        await self.directory.fetch(connection, sales)
        return shoppers

    async def secret(self, connection: asyncpg.Connection) -> bytes:
        """What quotes are signed with: made with the database, never changed, and never told."""
        if self._secret is None:
            self._secret = await connection.fetchval(sql.READ_QUOTE_SECRET)
        assert self._secret, "no secret for quotes"
        return self._secret

    async def open_quote(
        self, connection: asyncpg.Connection, sale: Checkout, received_at: datetime
    ) -> Opened | QuoteStale:
        """The quote that a sale names, or why it does not hold."""
        quote = read_quote(sale, await self.secret(connection), received_at)
        if isinstance(quote, QuoteStale):
            return quote
        if quote.rulebook > self.rulebooks.newest.number:
            return QuoteStale("unknown", "The quote is of rules that this service does not have.")
        return Opened(quote, await self.rulebooks.load(connection, quote.rulebook))

    def lay_out(
        self,
        sale: Checkout,
        shoppers: Mapping[str, ShopperRecord],
        named: Opened | QuoteStale | None = None,
    ) -> LaidOut:
        """Lay out a sale for the rules as they are now, or as they are in the quote that it names.

        Raises `KeyError` for a product not looked up, or gone since.
        """
        shopper = shoppers.get(sale.card) if sale.card else None
        try:
            if named is None or isinstance(named, QuoteStale):
                prepared = self._prepared(sale, shopper, self.rulebooks.newest)
                return LaidOut(self.basis, shopper, prepared, None, named)
            return self._quoted(sale, shopper, named)
        except DomainError as error:
            return LaidOut(self.basis, shopper, Refused(error))

    def _quoted(self, sale: Checkout, shopper: ShopperRecord | None, opened: Opened) -> LaidOut:
        quote, rulebook = opened
        quoted = ByQuote(quote.until_s, self.rulebooks.newest)
        prepared = self._prepared(sale, shopper, rulebook, quoted)
        as_quoted = prepared
        if Answers.of(sale) != quote.answers:
            as_quoted = self._prepared(quote.answers.given_in(sale), shopper, rulebook, quoted)
        return LaidOut(self.basis, shopper, prepared, None, Named(quote, rulebook, as_quoted))

    def _prepared(
        self,
        sale: Checkout,
        shopper: ShopperRecord | None,
        rulebook: Rulebook,
        quoted: ByQuote | None = None,
    ) -> Prepared:
        prepared = prepare(sale, see(sale, self.directory, shopper, rulebook), rulebook, quoted)
        if shopper is not None and shopper.choices:
            prepared = with_chosen(prepared, shopper.choices, rulebook, quoted)
        if self.directory.closing:
            now = self.clock()
            prepared = with_closed(prepared, self.directory.closing, now, rulebook, quoted)
        return prepared


def _late(sales: Sequence[Checkout], shoppers: Mapping[str, ShopperRecord]) -> dict[str, datetime]:
    """Of cards whose member has got another tier or other segments since a sale took place: when the first did."""
    late: dict[str, datetime] = {}
    for sale in sales:
        shopper = shoppers.get(sale.card) if sale.card else None
        if shopper is None or shopper.since is None or shopper.since <= sale.occurred_at:
            continue
        late[shopper.card] = min(sale.occurred_at, late.get(shopper.card, sale.occurred_at))
    return late
