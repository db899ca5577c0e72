"""Adjustments: whose points they are about and who bears them, and how they are read again. Reads only."""

from datetime import date, datetime
from typing import NamedTuple, Self
from zoneinfo import ZoneInfo

from sqlalchemy import text

from lepta.db import Tx
from lepta.errors import DomainError, InvalidRequest, Kind
from lepta.processing import reading
from lepta.processing.acts import Adjustment
from lepta.processing.canonical import canonical
from lepta.processing.leaf import parse_checkout_id
from lepta.processing.motion import Movement
from lepta.statements.cards import UnknownCard, Wanted, programme_for

_REF = text("SELECT m.ref FROM card c JOIN member m ON m.id = c.member WHERE c.card = :card")
_BEARS = text("""
    SELECT EXISTS (SELECT FROM party WHERE id = :party AND kind IN ('retailer', 'supplier', 'agency'))
""")
_RETAILERS = text("SELECT DISTINCT retailer FROM store WHERE programme = :programme LIMIT 2")
_ZONES = text("SELECT DISTINCT time_zone FROM store WHERE programme = :programme")
_REASON = text("""
    SELECT reason FROM adjustment_reason WHERE shard = :shard AND log_index = :log_index
""")
_NOBODY = "no retailer, supplier or agency has this id: correct it"


class UnknownAdjustment(DomainError):
    """No such adjustment is recorded.

    Adjustments are known by the id of their answer. One whose answer did not arrive is sent again under its key.
    """

    code = "unknown-adjustment"
    kind = Kind.NOT_FOUND

    def __init__(self) -> None:
        super().__init__(
            "No such adjustment is recorded. Correct the id; if it was just sent, send it again under its key."
        )


class Wish(NamedTuple):
    """An adjustment as it is asked for."""

    card: str
    points: int
    reason: str
    party: str | None
    programme: str | None

    @property
    def said(self) -> bytes:
        """What makes two of them equal."""
        return canonical(self)


class Kept(NamedTuple):
    """A recorded adjustment; `reason` None: it went with the member."""

    movement: Movement
    reason: str | None

    @classmethod
    async def of(cls, tx: Tx, movement: Movement) -> Self:
        """With its reason."""
        where = {"shard": movement.shard, "log_index": movement.log_index}
        return cls(movement, await tx.scalar(_REASON, where))


async def placed(tx: Tx, wish: Wish, now: datetime) -> Adjustment:
    """The act, by today's records. What makes it impossible comes with it: it may be a repeat of one that was not."""
    try:
        ref = await tx.scalar(_REF, {"card": wish.card})
        if ref is None:
            raise UnknownCard
        programme = await programme_for(tx, Wanted(wish.programme, None))
        party = await _bearer(tx, wish.party, programme)
    except DomainError as error:
        return Adjustment("", "", "", wish.points, now.date(), wish.said, wish.reason, error)
    on = await latest_day(tx, programme, now)
    return Adjustment(ref, programme, party, wish.points, on, wish.said, wish.reason)


async def _bearer(tx: Tx, party: str | None, programme: str) -> str:
    """Who issues the points: the party named, else the only retailer of the programme's stores."""
    if party is not None:
        if not await tx.scalar(_BEARS, {"party": party}):
            raise InvalidRequest([{"path": "party", "reason": _NOBODY}])
        return party
    retailers = list((await tx.execute(_RETAILERS, {"programme": programme})).scalars())
    if len(retailers) != 1:
        why = "several retailers have stores" if retailers else "no store belongs to"
        reason = f"is required, to say who bears the points: {why} in programme {programme!r}"
        raise InvalidRequest([{"path": "party", "reason": reason}])
    return str(retailers[0])


async def latest_day(tx: Tx, programme: str, now: datetime) -> date:
    """The day that it is by now in the programme's stores; in those where it begins first."""
    zones = (await tx.execute(_ZONES, {"programme": programme})).scalars()
    return max((now.astimezone(ZoneInfo(zone)).date() for zone in zones), default=now.date())


async def stored(tx: Tx, adjustment: str) -> Kept:
    """A recorded one by its public name; raises `UnknownAdjustment`."""
    place = parse_checkout_id(adjustment)
    found = await reading.movement_by_index(tx, *place, "adjustment") if place else None
    if found is None or found.id != adjustment:
        raise UnknownAdjustment
    return await Kept.of(tx, found)
