"""Gifts at kiosks: who gives, and where, by today's records. Reads only."""

from datetime import datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy import text

from lepta.db import Tx
from lepta.errors import DomainError, InvalidRequest
from lepta.processing.acts import Donor, Gift
from lepta.processing.canonical import canonical
from lepta.processing.seen import MemberSeen, StoreSeen
from lepta.statements.cards import UnknownCard

_HOLDER = text("""
    SELECT c.status, m.ref, m.tier, m.segments, m.choices FROM card c JOIN member m ON m.id = c.member WHERE c.card = :card
""")
_STORE = text("""
    SELECT retailer, region, time_zone, programme, currency FROM store WHERE id = :store
""")
_CLOSED = text("SELECT id FROM party WHERE closed_on <= :today ORDER BY id")
_NO_STORE = "no store has this id: correct it, or have the office register it"


class Wish(NamedTuple):
    """A gift as it is asked for."""

    card: str
    points: int
    campaign: str | None
    fund: str | None
    store: str

    @property
    def said(self) -> bytes:
        """What makes two of them equal."""
        return canonical(self)


async def placed(tx: Tx, wish: Wish, now: datetime) -> Gift:
    """The act, by today's records. What makes it impossible comes with it: it may be a repeat of one that was not."""
    donor: Donor | None = None
    trouble: DomainError | None = None
    try:
        donor = await _donor(tx, wish, now)
    except DomainError as error:
        trouble = error
    return Gift(wish.store, wish.campaign, wish.fund, wish.points, donor, wish.said, trouble)


async def _donor(tx: Tx, wish: Wish, now: datetime) -> Donor:
    holder = (await tx.execute(_HOLDER, {"card": wish.card})).one_or_none()
    if holder is None:
        raise UnknownCard
    store = (await tx.execute(_STORE, {"store": wish.store})).one_or_none()
    if store is None:
        raise InvalidRequest([{"path": "store", "reason": _NO_STORE}])
    *seen, currency = store
    today = now.astimezone(ZoneInfo(store.time_zone)).date()
    closed = tuple((await tx.execute(_CLOSED, {"today": today})).scalars())
    member = MemberSeen(holder.ref, holder.tier, tuple(holder.segments))
    chosen = tuple(sorted((holder.choices or {}).items()))
    return Donor(holder.status, member, wish.store, StoreSeen(*seen), currency, closed, chosen)
