"""Transfers: points of one member become another's, and stay what they were. Pure."""

from datetime import datetime

from lepta.errors import InvalidRequest
from lepta.ledger import chart
from lepta.ledger.entries import Code, Entry
from lepta.ledger.lots import Move, spend
from lepta.processing.events import InsufficientPoints
from lepta.processing.motion import Motion
from lepta.processing.owners import Transfer
from lepta.processing.purse import part_of
from lepta.processing.state import State

_AGAIN = "transfer at most as many, under a new Idempotency-Key."
_SAME = "belongs to the same member: their cards share all points"


def decide_transfer(act: Transfer, state: State, received_at: datetime) -> Motion:
    """Points that end first go over first, each with its issuer and last day. They pay what the other one owes.

    Raises what made the request meaningless, and `InsufficientPoints` for more than may be spent.
    """
    if act.trouble is not None:
        raise act.trouble
    if act.member == act.to:
        raise InvalidRequest([{"path": "to", "reason": _SAME}])
    asset, book = chart.points_of(act.programme), state.book
    source, target = chart.available(act.member, asset), chart.available(act.to, asset)
    spendable = book.spendable(source, act.on)
    if act.points > spendable:
        raise InsufficientPoints(act.points, spendable, _AGAIN)
    owed = chart.owed(act.to, asset)
    repaid = min(book.debt(owed), act.points)
    rest = act.points - repaid
    taken = spend(book.lots_of(source), act.points, act.on)
    entries = [
        Entry(source, owed, repaid, Code.REPAY), Entry(source, target, rest, Code.TRANSFER),
    ]  # fmt: skip
    return Motion(
        kind=act.kind,
        key=None,
        occurred_at=received_at,
        about=(),
        member=source,
        request={"on": act.on, "points": act.points},
        facts={"member": act.member, "programme": act.programme, "to": act.to},
        outcome={"repaid": repaid} if repaid else {},
        entries=[entry for entry in entries if entry.amount],
        moves=[
            *[Move(source, lot, part) for lot, part in taken],
            *[Move(target, lot, -part) for lot, part in part_of(taken, repaid, rest)],
        ],
        balance_on=act.on,
        aside=act.reason,
        second=target,
    )
