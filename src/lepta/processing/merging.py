"""Merging members: everything of one becomes another's, points, debts and what limits counted. Pure."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import NamedTuple

from lepta.ledger import chart
from lepta.ledger.chart import Account
from lepta.ledger.entries import Code, Entry
from lepta.ledger.lots import Lot, Move, ended, spend
from lepta.processing.events import TooBusy
from lepta.processing.heirs import of_heir, own_counter
from lepta.processing.lot_days import newest_day
from lepta.processing.motion import Given, Motion
from lepta.processing.owners import AlreadyMerged, Merge
from lepta.processing.state import State
from lepta.rules.watch import COUNTED

_POINTS = "PTS/"


class MembersChanging(TooBusy):
    """Somebody is changing one of the two."""

    def __init__(self) -> None:
        super(TooBusy, self).__init__(
            "One of the two members is just being changed. Nothing was recorded: send it again, unchanged, after 1 s.",
            retry_after_s=1,
        )
        self.retry_after_s = 1


def in_parts(act: Merge, state: State) -> Sequence[Merge]:
    """One for each programme in which the member has points, or had any.

    Raises what made the request meaningless, `MembersChanging`, and `AlreadyMerged`.
    """
    if act.trouble is not None:
        raise act.trouble
    member, into = act.names
    now = {row.id: row for row in state.rows}
    if now.keys() != {member, into} or [now[one].ref for one in act.names] != [*act.members]:
        raise MembersChanging
    for one in act.names:
        merged_into = now[one].merged_into
        if merged_into is not None:
            raise AlreadyMerged(one, merged_into)
    accounts = [each for each in state.book.accounts if each.kind == "member"]
    assets = {account.asset for account in accounts if account.ref == act.member}
    programmes: list[str | None] = [*sorted(asset.removeprefix(_POINTS) for asset in assets)]
    if not programmes:
        programmes = [None]
    return [
        replace(act, programme=each, parts=len(programmes), is_first=n == 0)
        for n, each in enumerate(programmes)
    ]


def decide_merge(act: Merge, state: State, received_at: datetime) -> Motion:
    """Of one programme, and with the first of them all that limits counted: each keeps its count, so that nobody gets
    anything twice. Lots stay what they are; what one of both owes, points of the other pay.
    """
    used = _counted(act, state)
    if act.programme is None:
        return Motion(
            kind=act.kind, key=None, occurred_at=received_at, about=(), member=None, request=act.request,
            facts={"member": act.into, "was": act.member}, outcome={}, used=used, merger=act,
        )  # fmt: skip
    asset, book = chart.points_of(act.programme), state.book
    source, target = chart.available(act.member, asset), chart.available(act.into, asset)
    on = dict(act.days).get(act.programme, newest_day(received_at))
    over = _points(act, state, asset)
    debt = book.debt(chart.owed(act.into, asset)) + over.told.get("owed", 0)
    lots = _together(book.lots_of(source), book.lots_of(target))
    paid = min(debt, sum(lot.remaining for lot in lots) - ended(lots, on))
    spent = spend(lots, paid, on)
    repaid = [Entry(target, chart.owed(act.into, asset), paid, Code.REPAY)] if paid else []
    number = book.accounts[source]
    return Motion(
        kind=act.kind,
        key=None,
        occurred_at=received_at,
        about=(),
        member=target,
        request=act.request,
        facts={"account": number, "member": act.into, "programme": act.programme, "was": act.member},
        outcome={**over.told, "repaid": paid} if paid else over.told,
        entries=[*over.entries, *repaid],
        moves=[*over.moves, *[Move(target, lot, part) for lot, part in spent]],
        used=used,
        given=[Given(*key, 0, *sums) for key, sums in sorted(state.gave.get(number, {}).items()) if any(sums)],
        balance_on=on,
        has_bought=not book.is_before_sales(source),
        merger=act,
    )  # fmt: skip


class _Over(NamedTuple):
    """What goes over, and what of it is told."""

    entries: list[Entry]
    moves: list[Move]
    told: dict[str, int]


def _points(act: Merge, state: State, asset: str) -> _Over:
    book, over = state.book, _Over([], [], {})
    for code in chart.MEMBER_CODES:
        source = Account("member", act.member, code, asset)
        target = source._replace(ref=act.into)
        points = book.balance(source)
        if points:
            over.told[code] = points
            over.entries.append(Entry(source, target, points, Code.MERGE))
            for lot in sorted(book.lots_of(source)):
                moved = Move(source, lot, lot.remaining), Move(target, lot, -lot.remaining)
                over.moves.extend(moved)
    owed = chart.owed(act.member, asset)
    debt = book.debt(owed)
    if debt:
        over.told["owed"] = debt
        over.entries.append(Entry(chart.owed(act.into, asset), owed, debt, Code.MERGE))
    return over


def _together(source: Sequence[Lot], target: Sequence[Lot]) -> list[Lot]:
    """Lots of both; one may lie in part with either, where points were transferred."""
    found: dict[tuple[object, ...], Lot] = {}
    for lot in (*source, *target):
        known = found.get(lot[:3])
        rest = known.remaining if known else 0
        found[lot[:3]] = lot._replace(remaining=lot.remaining + rest)
    return list(found.values())


def _counted(act: Merge, state: State) -> list[tuple[str, int]]:
    """Counters of who is merged end at 0, those of who stays go on with the sums; of where either was last, with that of
    whoever was seen later.
    """
    counts, changes = state.counts, []
    for counter, count in sorted(counts.items()):
        if not count or not own_counter(counter, act.member):
            continue
        changes.append((counter, -count))
        heirs = of_heir(counter, act.member, act.into)
        over = count - counts.get(heirs, 0) if _is_last(counter) else count
        if over and not (_is_last(counter) and _was_seen_before(counter, act, state)):
            changes.append((heirs, over))
    return changes


def _is_last(counter: str) -> bool:
    """Whether it says when and where a card was seen last, not how often."""
    return counter.split("|")[1] in COUNTED - {"sales"}


def _was_seen_before(counter: str, act: Merge, state: State) -> bool:
    """Whether who is merged was not seen after who stays."""
    programme = counter.split("|", maxsplit=1)[0]
    his, hers = (state.counts.get(f"{programme}|seen|{ref}", 0) for ref in act.members)
    return his <= hers
