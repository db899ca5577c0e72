"""Adjustments: the office gives a member points, or takes some. Pure."""

from datetime import datetime
from typing import Any, NamedTuple

from lepta.errors import InvalidRequest
from lepta.ledger import chart
from lepta.ledger.book import Issue
from lepta.ledger.chart import Account
from lepta.ledger.entries import Code, Entry
from lepta.ledger.lots import NEVER, Move, spend
from lepta.processing.acts import Adjustment
from lepta.processing.events import InsufficientPoints
from lepta.processing.motion import Motion
from lepta.processing.state import State

_AGAIN = "take at most as many, under a new Idempotency-Key."


class _Change(NamedTuple):
    """What an adjustment does to the ledger, and what of it is told."""

    entries: list[Entry]
    issues: list[Issue]
    moves: list[Move]
    told: dict[str, Any]


def decide_adjustment(act: Adjustment, state: State, received_at: datetime) -> Motion:
    """Points from the party that bears them, or back to it.

    Raises what made the request meaningless, and `InsufficientPoints` where more would be taken than may be spent.
    """
    if act.trouble is not None:
        raise act.trouble
    if not state.rulebook.has_programme(act.programme):
        raise InvalidRequest([{"path": "programme", "reason": "is not published yet: publish it"}])
    account = chart.available(act.member, chart.points_of(act.programme))
    change = (_given if act.points > 0 else _taken)(act, state, account, received_at)
    return Motion(
        kind=act.kind,
        key=None,
        occurred_at=received_at,
        about=(),
        member=account,
        request={"on": act.on, "points": act.points},
        facts={"member": act.member, "party": act.party, "programme": act.programme},
        outcome=change.told,
        entries=change.entries,
        issues=change.issues,
        moves=change.moves,
        balance_on=act.on,
        aside=act.reason,
    )


def _given(act: Adjustment, state: State, account: Account, received_at: datetime) -> _Change:
    """A new lot, of what a debt leaves."""
    issued, owed = (
        chart.issued(act.party, account.asset),
        chart.owed(act.member, account.asset),
    )
    repaid = min(state.book.debt(owed), act.points)
    rest = act.points - repaid
    entries = [Entry(issued, owed, repaid, Code.REPAY)] if repaid else []
    told: dict[str, Any] = {"repaid": repaid} if repaid else {}
    if not rest:
        return _Change(entries, [], [], told)
    expiry = state.rulebook.programme(act.programme, received_at).expire_after
    last = expiry.last_day(act.on) if expiry else NEVER
    if expiry:
        told["expires_on"] = last
    issues = [Issue(len(entries), last, None)]
    return _Change([*entries, Entry(issued, account, rest, Code.ADJUST)], issues, [], told)


def _taken(act: Adjustment, state: State, account: Account, _received_at: datetime) -> _Change:
    """Out of the lots that end first; what the party had issued falls by as much."""
    points, book = -act.points, state.book
    spendable = book.spendable(account, act.on)
    if points > spendable:
        raise InsufficientPoints(points, spendable, _AGAIN)
    taken = spend(book.lots_of(account), points, act.on)
    moves = [Move(account, lot, part) for lot, part in taken]
    entry = Entry(account, chart.issued(act.party, account.asset), points, Code.ADJUST)
    return _Change([entry], [], moves, {})
