"""Setting points of a card aside for a sale under way, and letting go of them. Pure.

Whoever ends a hold does so once: a sale that names it, its till, or, when its time is over, the service. What a hold
ends with is all of its points back in the lots that they came from, in one event with what the sale spends of them.
"""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from lepta.errors import DomainError, Kind
from lepta.ledger import chart
from lepta.ledger.entries import Code, Entry
from lepta.ledger.lots import Move, spend
from lepta.processing.acts import Hold, Release
from lepta.processing.events import InsufficientPoints
from lepta.processing.leaf import Recorded, milliseconds
from lepta.processing.motion import Motion, Movement
from lepta.processing.sight import UnknownStore
from lepta.processing.state import State

EXPIRED, RELEASED = "expired", "released"
"""How a hold may end without a sale."""
_MAY_NOT_SPEND = {
    "unknown": ": nobody has this card",
    "not-activated": ": the card is not activated",
    "blocked": ": the card is blocked",
}


class UnknownHold(DomainError):
    """No such hold was made.

    The address names none of this service's holds. If the answer to it did not arrive, ask for it again with the same
    Idempotency-Key; points that are set aside are free again when its time is over.
    """

    code = "unknown-hold"
    kind = Kind.NOT_FOUND

    def __init__(self) -> None:
        super().__init__(
            "No such hold was made. Correct its id; what is set aside is free again in time."
        )


class HoldCaptured(DomainError):
    """The hold was captured by a sale.

    The member `checkout` names the sale that came with the hold: it took what it redeemed, and the rest of the points
    is free again. There is nothing left to release; void or return the sale to give back what it spent.
    """

    code = "hold-captured"
    kind = Kind.CONFLICT

    def __init__(self, checkout: str) -> None:
        super().__init__(
            f"Sale {checkout} has captured this hold: what it did not redeem is free again. Void or return the sale "
            "to give back what it did.",
            checkout=checkout,
        )


class NotExpired(DomainError):
    """The hold's time is not over.

    Nothing was released: only its till or the office ends a hold before its time.
    """

    code = "hold-not-expired"
    kind = Kind.CONFLICT

    def __init__(self) -> None:
        super().__init__("The hold's time is not over. Release it by its till, or wait.")


def decide_hold(act: Hold, state: State, received_at: datetime) -> Motion:
    """Set points aside, those that end first first: nobody else can spend them until the hold ends.

    Raises `UnknownStore`, and `InsufficientPoints` for more than may be spent just now.
    """
    store = state.stores.get(act.till[0])
    if store is None:
        raise UnknownStore(act.till[0])
    if act.member is None or act.status != "active":
        raise InsufficientPoints.to_hold(act.points, 0, _MAY_NOT_SPEND[act.status])
    asset, on = chart.points_of(store.programme), _day(received_at, store.time_zone)
    available, held = chart.available(act.member, asset), chart.held(act.member, asset)
    spendable = state.book.spendable(available, on)
    if act.points > spendable:
        raise InsufficientPoints.to_hold(act.points, spendable)
    taken = spend(state.book.lots_of(available), act.points, on)
    expires_at = received_at + timedelta(seconds=act.ttl_s)
    return Motion(
        kind=act.kind,
        key=None,
        occurred_at=received_at,
        about=(),
        member=available,
        request=act.request,
        facts={"member": act.member, "programme": store.programme, "store": tuple(store)},
        outcome={"expires_at": milliseconds(expires_at)},
        entries=[Entry(available, held, act.points, Code.HOLD)],
        moves=[
            move
            for lot, part in taken
            for move in (Move(available, lot, part), Move(held, lot, -part))
        ],
        balance_on=on,
    )


def decide_release(act: Release, state: State, received_at: datetime) -> Motion:
    """Let go of all points that are set aside; those of lots that have ended meanwhile expire with the next day of
    lots.

    Raises `UnknownHold`, `HoldCaptured`, and `NotExpired`. One that is released already is not decided again: see
    `released_before`.
    """
    held = state.holds.get(act.hold)
    if held is None:
        raise UnknownHold
    if held.resolved_by is not None:
        ended_by = state.recorded[held.resolved_by]
        assert isinstance(ended_by, Recorded), act
        raise HoldCaptured(ended_by.id)
    over = received_at >= held.expires_at
    if act.expired and not over:
        raise NotExpired
    facts = {**held.movement.facts, "member": held.member}
    return Motion(
        kind=act.kind,
        key=None,
        occurred_at=received_at,
        about=(act.hold,),
        member=held.available,
        request=act.request,
        facts=facts,
        outcome={"ended": EXPIRED if over else RELEASED, "points": held.points},
        entries=[Entry(held.account, held.available, held.points, Code.RELEASE)],
        moves=held.released,
        balance_on=_day(received_at, facts["store"][2]),
    )


def released_before(act: Release, state: State) -> Movement | None:
    """The release of a hold that was released before."""
    held = state.holds.get(act.hold)
    if held is None or held.resolved_by is None:
        return None
    ended_by = state.recorded[held.resolved_by]
    return ended_by if isinstance(ended_by, Movement) else None


def _day(received_at: datetime, time_zone: str) -> date:
    """The day in the store, by the clock of the service."""
    return received_at.astimezone(ZoneInfo(time_zone)).date()
