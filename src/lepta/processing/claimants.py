"""What claims are decided on besides the batch's ledger: who shows the cards, and the rules of the sales."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import asyncpg

from lepta.processing import load
from lepta.processing.acts import Act
from lepta.processing.claiming import counters_of_claim
from lepta.processing.events import NaturalKey
from lepta.processing.office import Office
from lepta.processing.owners import Claimant, ClaimSale
from lepta.processing.seen import EARNING
from lepta.processing.sight import member_seen
from lepta.processing.state import Claim, ShopperRecord, State, Subject, natural_claim
from lepta.rules.asks import NOTHING
from lepta.rules.rulebook import Rulebook


@dataclass(slots=True)
class Claiming:
    """Of the claims of a batch."""

    found: dict[tuple[NaturalKey, str], Claimant] = field(default_factory=dict)
    """As the member was at the time of the sale: by sale and card, which may claim several."""
    former: dict[int, Rulebook] = field(default_factory=dict)
    counters: set[str] = field(default_factory=set)

    def add_to(self, state: State) -> None:
        """Have them decided on."""
        state.claimants, state.former = self.found, self.former


async def read(
    connection: asyncpg.Connection,
    office: Office,
    acts: Sequence[Act],
    places: Mapping[Claim, int],
    sales: Mapping[int, Subject],
) -> Claiming:
    """Nothing where the batch has no claim, or none of a sale that may be claimed."""
    claiming = Claiming()
    for act in acts:
        if isinstance(act, ClaimSale) and act.trouble is None:
            place = places.get(natural_claim("checkout", act.sale), -1)
            subject = sales.get(place)
            if subject is not None and not subject.refs:
                await _read(connection, office, act, subject, claiming)
    return claiming


async def _read(
    connection: asyncpg.Connection,
    office: Office,
    act: ClaimSale,
    subject: Subject,
    claiming: Claiming,
) -> None:
    sale, newest = subject.recorded, office.rulebooks.newest
    rulebook = await office.rulebooks.load(connection, sale.rulebook)
    claiming.former[sale.rulebook] = rulebook
    shopper = await _shopper(connection, act.card, subject)
    if shopper is None:
        return
    store = sale.seen.store
    asks = rulebook.asks(store.programme) if shopper.status in EARNING else NOTHING
    member = member_seen(sale.event, store, shopper, asks)
    claimant = claiming.found[act.sale, act.card] = Claimant(shopper.status, member)
    before = 2**62
    claiming.counters |= {*counters_of_claim(subject, claimant, rulebook, newest, before)}


async def _shopper(
    connection: asyncpg.Connection, card: str, subject: Subject
) -> ShopperRecord | None:
    """With the tier and segments of the sale's time."""
    shopper = (await load.read_shoppers(connection, [card])).get(card)
    if shopper is None:
        return None
    at = subject.recorded.event.occurred_at
    former = await load.read_former(connection, {card: at})
    return shopper._replace(former=former.get(card, ()))
