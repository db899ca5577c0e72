"""Days of lots: points that waited until a day, and points whose last day is over. Pure."""

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, timedelta

from lepta.errors import DomainError, Kind
from lepta.ledger import chart
from lepta.ledger.chart import Account
from lepta.ledger.entries import Code, Entry
from lepta.ledger.lots import Lot, Move
from lepta.processing.acts import LotsDue
from lepta.processing.motion import Motion
from lepta.processing.state import State

_Way = tuple[Account, Account, Code, int]
"""Debit, credit, what for, points."""
_FIRST_ZONE = timedelta(hours=14)


class NothingDue(DomainError):
    """No lot of the member waits for this day or has ended before it."""

    code = "nothing-due"
    kind = Kind.CONFLICT

    def __init__(self) -> None:
        super().__init__("No points of this member wait for the day or have ended before it.")


class NotBegun(DomainError):
    """The day has not begun anywhere."""

    code = "day-not-begun"
    kind = Kind.CONFLICT

    def __init__(self, on: date) -> None:
        super().__init__(
            f"{on} has not begun anywhere on earth: no points end or become available before their day. "
            "Tell it once it has begun.",
            on=on.isoformat(),
        )


def newest_day(moment: datetime) -> date:
    """The latest date that has begun somewhere: nowhere is a clock ahead of UTC+14."""
    return (moment.astimezone(UTC) + _FIRST_ZONE).date()


def decide_lots(act: LotsDue, state: State, received_at: datetime) -> Motion:
    """Points whose first day has come pay what the member owes, and the rest may be spent; what is left of a lot is gone
    on the day after its last. Of a member who has left nothing is left.

    Raises `NothingDue`, so that a lot matures and ends once, however often the day is told, and `NotBegun`. Who
    tells the day knows the programme's stores and waits until it has begun in all of them.
    """
    if act.on > newest_day(received_at):
        raise NotBegun(act.on)
    asset, book = chart.points_of(act.programme), state.book
    pending, available = chart.pending(act.member, asset), chart.available(act.member, asset)
    matured = _matured(book.lots_of(pending), date.max if act.left else act.on)
    owed = chart.owed(act.member, asset)
    paid, left = _pay(matured, book.debt(owed))
    spendable = (*sorted(book.lots_of(available)), *left)
    ended = [lot for lot in spendable if act.left or lot.expires_on < act.on]
    if not matured and not ended:
        raise NothingDue
    to = chart.expired(act.programme, asset)
    ways = (
        (pending, owed, Code.REPAY, paid),
        (pending, available, Code.MATURE, _points(left)),
        (available, to, Code.EXPIRE, _points(ended)),
    )
    return _motion(act, received_at, ways, [
        *[Move(pending, lot, lot.remaining) for lot in matured],
        *[Move(available, lot, -lot.remaining) for lot in left],
        *[Move(available, lot, lot.remaining) for lot in ended],
    ])  # fmt: skip


def _motion(
    act: LotsDue, received_at: datetime, ways: Iterable[_Way], moves: Sequence[Move]
) -> Motion:
    entries = [Entry(debit, credit, points, code) for debit, credit, code, points in ways if points]
    return Motion(
        kind=act.kind,
        key=None,
        occurred_at=received_at,
        about=(),
        member=chart.available(act.member, chart.points_of(act.programme)),
        request=act.request,
        facts={"member": act.member, "programme": act.programme},
        outcome={entry.code.name.lower(): entry.amount for entry in entries},
        entries=entries,
        moves=moves,
    )


def _matured(pending: Iterable[Lot], on: date) -> list[Lot]:
    return [
        lot._replace(available_on=None)
        for lot in sorted(pending)
        if lot.available_on is not None and lot.available_on <= on
    ]


def _pay(matured: Iterable[Lot], debt: int) -> tuple[int, list[Lot]]:
    """What of these lots pays a debt, those that end first before others; and what is left of them."""
    paid, left = 0, []
    for lot in matured:
        part = min(lot.remaining, debt - paid)
        paid += part
        if part < lot.remaining:
            left.append(lot._replace(remaining=lot.remaining - part))
    return paid, left


def _points(lots: Iterable[Lot]) -> int:
    return sum(lot.remaining for lot in lots)
