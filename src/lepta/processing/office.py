"""Laying sales out: who shows the card, what the catalogue says, which campaigns the basket touches.

Nothing of it needs the ledger, so nothing of it needs the head's lock.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

import asyncpg

from lepta.errors import DomainError
from lepta.processing import load
from lepta.processing.directory import Directory, Versions
from lepta.processing.events import Checkout
from lepta.processing.recognition import Refused
from lepta.processing.rulebooks import Rulebooks
from lepta.processing.sight import Prepared, prepare, see, with_closed
from lepta.processing.state import ShopperRecord
from lepta.processing.verdict import Verdict
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


@dataclass(slots=True)
class Office:
    """What a process knows of the office's records, rules included."""

    directory: Directory
    rulebooks: Rulebooks
    clock: Callable[[], datetime]

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

    def lay_out(self, sale: Checkout, shoppers: Mapping[str, ShopperRecord]) -> LaidOut:
        """Lay out a sale for the rules as they are now. Raises `KeyError` for a product not looked up, or gone since."""
        shopper = shoppers.get(sale.card) if sale.card else None
        prepared: Prepared | Refused
        try:
            rulebook = self.rulebooks.newest
            prepared = prepare(sale, see(sale, self.directory, shopper, rulebook), rulebook)
            if self.directory.closing:
                now = self.clock()
                prepared = with_closed(prepared, self.directory.closing, now, rulebook)
        except DomainError as error:
            prepared = Refused(error)
        return LaidOut(self.basis, shopper, prepared)


def _late(sales: Sequence[Checkout], shoppers: Mapping[str, ShopperRecord]) -> dict[str, datetime]:
    """Of cards whose member has got another tier or other segments since a sale took place: when the first did."""
    late: dict[str, datetime] = {}
    for sale in sales:
        shopper = shoppers.get(sale.card) if sale.card else None
        if shopper is None or shopper.since is None or shopper.since <= sale.occurred_at:
            continue
        late[shopper.card] = min(sale.occurred_at, late.get(shopper.card, sale.occurred_at))
    return late
