"""Days of lots: points that waited until a day, and points whose last day is over. Pure."""

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta

from lepta.errors import DomainError, Kind
from lepta.ledger import chart
from lepta.ledger.entries import Code, Entry
from lepta.ledger.lots import Lot, Move
from lepta.processing.acts import LotsDue
from lepta.processing.motion import Motion
from lepta.processing.state import State

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
    """Points whose first day has come may be spent; what is left of a lot is gone on the day after its last.

    Raises `NothingDue`, so that a lot matures and ends once, however often the day is told, and `NotBegun`. Who
    tells the day knows the programme's stores and waits until it has begun in all of them.
    """
    if act.on > newest_day(received_at):
        raise NotBegun(act.on)
    asset, book = chart.points_of(act.programme), state.book
    pending, available = chart.pending(act.member, asset), chart.available(act.member, asset)
    matured = [
        lot._replace(available_on=None)
        for lot in sorted(book.lots_of(pending))
        if lot.available_on is not None and lot.available_on <= act.on
    ]
    spendable = (*sorted(book.lots_of(available)), *matured)
    ended = [lot for lot in spendable if lot.expires_on < act.on]
    if not matured and not ended:
        raise NothingDue
    into = [(pending, available, Code.MATURE, matured)] if matured else []
    out = [(available, chart.expired(act.programme, asset), Code.EXPIRE, ended)] if ended else []
    ways = into + out
    moves = [Move(debit, lot, lot.remaining) for debit, _, _, lots in ways for lot in lots]
    moves[len(matured) : len(matured)] = [Move(available, lot, -lot.remaining) for lot in matured]
    return Motion(
        kind=act.kind,
        key=None,
        occurred_at=received_at,
        about=(),
        member=available,
        request={"on": act.on},
        facts={"member": act.member, "programme": act.programme},
        outcome={code.name.lower(): _points(lots) for _, _, code, lots in ways},
        entries=[Entry(debit, credit, _points(lots), code) for debit, credit, code, lots in ways],
        moves=moves,
    )


def _points(lots: Iterable[Lot]) -> int:
    return sum(lot.remaining for lot in lots)
