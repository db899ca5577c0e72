"""Transfers: whose points become whose, and how they are read again. Reads only."""

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import text

from lepta.db import Tx
from lepta.errors import DomainError, InvalidRequest, Kind
from lepta.processing import reading
from lepta.processing.canonical import canonical
from lepta.processing.leaf import parse_checkout_id
from lepta.processing.owners import Transfer
from lepta.statements.adjustments import Kept, latest_day
from lepta.statements.cards import UnknownCard, Wanted, programme_for

_REF = text("SELECT m.ref FROM card c JOIN member m ON m.id = c.member WHERE c.card = :card")
_NOBODYS = "nobody has a card of this number: check it, or have the office give it to a member"


class UnknownTransfer(DomainError):
    """No such transfer is recorded.

    Transfers are known by the id of their answer. One whose answer did not arrive is sent again under its key.
    """

    code = "unknown-transfer"
    kind = Kind.NOT_FOUND

    def __init__(self) -> None:
        super().__init__(
            "No such transfer is recorded. Correct the id; if it was just sent, send it again under its key."
        )


class Wish(NamedTuple):
    """A transfer as it is asked for."""

    card: str
    to: str
    points: int
    reason: str
    programme: str | None

    @property
    def said(self) -> bytes:
        """What makes two of them equal."""
        return canonical(self)


async def placed(tx: Tx, wish: Wish, now: datetime) -> Transfer:
    """The act, by today's records. What makes it impossible comes with it: it may be a repeat of one that was not."""
    try:
        member = await tx.scalar(_REF, {"card": wish.card})
        if member is None:
            raise UnknownCard
        to = await tx.scalar(_REF, {"card": wish.to})
        if to is None:
            raise InvalidRequest([{"path": "to", "reason": _NOBODYS}])
        programme = await programme_for(tx, Wanted(wish.programme, None))
    except DomainError as error:
        return Transfer("", "", "", wish.points, now.date(), wish.said, wish.reason, error)
    on = await latest_day(tx, programme, now)
    return Transfer(member, to, programme, wish.points, on, wish.said, wish.reason)


async def stored(tx: Tx, transfer: str) -> Kept:
    """A recorded one by its public name; raises `UnknownTransfer`."""
    place = parse_checkout_id(transfer)
    found = await reading.movement_by_index(tx, *place, "transfer") if place else None
    if found is None or found.id != transfer:
        raise UnknownTransfer
    return await Kept.of(tx, found)
