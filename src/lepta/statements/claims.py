"""Claims: which sale a member says was theirs, and how claims are read again. Reads only."""

from typing import NamedTuple, Self

from sqlalchemy import text

from lepta.db import Tx
from lepta.errors import DomainError, Kind
from lepta.processing import reading
from lepta.processing.canonical import canonical
from lepta.processing.events import NaturalKey
from lepta.processing.leaf import Recorded, parse_checkout_id
from lepta.processing.motion import Movement
from lepta.processing.owners import ClaimSale
from lepta.statements.cards import UnknownCard

_KNOWN = text("SELECT EXISTS (SELECT FROM card WHERE card = :card)")


class UnknownClaim(DomainError):
    """No such claim is recorded.

    Claims are known by the id of their answer. One whose answer did not arrive is sent again: it counts once.
    """

    code = "unknown-claim"
    kind = Kind.NOT_FOUND

    def __init__(self) -> None:
        super().__init__("No such claim is recorded. Correct the id, or send the claim again.")


class Wish(NamedTuple):
    """A claim as it is made."""

    checkout: str
    card: str

    @property
    def said(self) -> bytes:
        """What makes two of them equal."""
        return canonical(self)


class Kept(NamedTuple):
    """A recorded claim, and its sale."""

    movement: Movement
    sale: Recorded

    @classmethod
    async def of(cls, tx: Tx, movement: Movement) -> Self:
        """With its sale."""
        sale = await reading.by_index(tx, movement.shard, movement.about[0])
        assert sale is not None, movement.log_index
        return cls(movement, sale)


async def placed(tx: Tx, wish: Wish, sale: NaturalKey) -> ClaimSale:
    """The act. What makes it impossible comes with it: it may be a repeat of one that was not."""
    known = await tx.scalar(_KNOWN, {"card": wish.card})
    return ClaimSale(sale, wish.card, said=wish.said, trouble=None if known else UnknownCard())


async def sale_of(tx: Tx, checkout: str) -> Recorded | None:
    """The sale of this id."""
    place = parse_checkout_id(checkout)
    found = await reading.by_index(tx, *place) if place else None
    return found if found is not None and found.id == checkout else None


async def stored(tx: Tx, claim: str) -> Kept:
    """A recorded one by its public name; raises `UnknownClaim`."""
    place = parse_checkout_id(claim)
    found = await reading.movement_by_index(tx, *place, "claim") if place else None
    if found is None or found.id != claim:
        raise UnknownClaim
    return await Kept.of(tx, found)
