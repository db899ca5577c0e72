"""Voids and returns as events: what they come to, with what a sale has and what was taken back of it before. Pure."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from lepta.ledger import chart
from lepta.ledger.book import Book
from lepta.ledger.entries import Code, Entry
from lepta.ledger.lots import Lot, Spent
from lepta.processing import reversal
from lepta.processing.acts import Return, Void
from lepta.processing.claiming import ClaimedPoints, goods_left
from lepta.processing.clocks import clock_flags
from lepta.processing.events import UnknownOriginal
from lepta.processing.heirs import of_heir
from lepta.processing.leaf import Leaf, last_day
from lepta.processing.motion import Motion
from lepta.processing.proration import OverReturn
from lepta.processing.rejudging import bench_of
from lepta.processing.reversal import Sold, reverse
from lepta.processing.reversed import Reversed
from lepta.processing.seen import StoreSeen
from lepta.processing.sight import UnknownStore
from lepta.processing.state import Claimed, State, Subject, natural_claim
from lepta.rules.programme import Programme
from lepta.rules.rulebook import Rulebook

UNREFERENCED = "unreferenced"
UNKNOWN_ORIGINAL = "unknown-original"
"""Flags of a return that takes nothing back, as nobody knows of what."""


def decide_void(act: Void, state: State, received_at: datetime) -> Motion:
    """Take back what is left of a sale. Of one that is not recorded yet the void takes the name instead, so that the
    sale is recorded as void when it comes in.
    """
    place = state.claims.get(natural_claim("checkout", act.sale))
    if not isinstance(place, int):
        return _tombstone(act, received_at)
    subject = state.subjects[place]
    on = _day(received_at, subject.recorded.seen.store)
    return _back(act, state, place, None, received_at=received_at, on=on)


def decide_return(act: Return, state: State, received_at: datetime) -> Motion:
    """Take back what goes with these goods, by the rates of the sale that they were bought in.

    Raises `OverReturn` for more than is left of it, and `UnknownOriginal` for a sale that is not recorded, or is
    another retailer's. Of a return that was made offline the shopper has the money already: it is recorded as one
    that names no sale, and nothing is taken back until somebody has looked into it.
    """
    store = state.stores.get(act.key.store)
    if store is None:
        raise UnknownStore(act.key.store)
    try:
        place = _original(act, state, store)
    except UnknownOriginal:
        if not act.offline:
            raise
        return _unreferenced(act, store, received_at, UNREFERENCED, UNKNOWN_ORIGINAL)
    if place is None:
        return _unreferenced(act, store, received_at, UNREFERENCED)
    return _back(act, state, place, store, received_at=received_at, on=_day(received_at, store))


def _original(act: Return, state: State, store: StoreSeen) -> int | None:
    """Where in the log the sale is; None: the return names none."""
    if act.original is None:
        return None
    place = state.claims.get(natural_claim("checkout", act.original))
    if not isinstance(place, int):
        raise UnknownOriginal
    if place not in state.subjects:
        raise OverReturn("The sale was voided before it was recorded.", (), 0)
    sold_in = state.subjects[place].recorded.seen.store
    here, there = (store.retailer, store.programme), (sold_in.retailer, sold_in.programme)
    if act.original.store != act.key.store and here != there:
        raise UnknownOriginal("The sale is another retailer's, or another programme's.")
    return place


def _back(
    act: Void | Return,
    state: State,
    place: int,
    store: StoreSeen | None,
    *,
    received_at: datetime,
    on: date,
) -> Motion:
    subject, goods = state.subjects[place], act if isinstance(act, Return) else None
    seen = subject.recorded.seen
    back = reverse(
        sold_of(subject, state.book, state.size, state.rulebook),
        [Reversed.of(before.outcome) for before in subject.undone],
        goods.lines if goods else None,
        total=goods.total if goods else 0,
        programme=_programme(state, seen.store.programme, received_at),
        book=state.book,
        on=on,
    )
    owner, account = subject.owner(state.size), None
    if owner is not None:
        account = chart.available(owner, chart.points_of(seen.store.programme))
    return Motion(
        kind=act.kind,
        key=act.key,
        occurred_at=goods.occurred_at if goods else received_at,
        about=(place,),
        member=account,
        request=act.request,
        facts=_facts(subject, owner) | _seen(store),
        outcome=_flagged(act, back.outcome, received_at),
        entries=back.entries,
        issues=back.issues,
        moves=back.moves,
        used=back.used,
        given=back.given,
        balance_on=None if account is None else on,
    )


def _facts(subject: Subject, owner: str | None) -> dict[str, Any]:
    """Of the sale: what its accounts are kept in, whose points they are, and whose they were if that is another one."""
    seen, currency = subject.recorded.seen, subject.recorded.event.currency
    facts = {"programme": seen.store.programme, "currency": currency}
    if owner is None:
        return facts
    was = {} if subject.refs[0] == owner else {"was": subject.refs[0]}
    # What an anonymous sale gave nobody has given, whoever claimed its points: so nobody is to get it back.
    claimed = {"claimed": True} if seen.member is None else {}
    return {**facts, "member": owner, **was, **claimed}


def _tombstone(act: Void, received_at: datetime) -> Motion:
    return Motion(
        kind=act.kind,
        key=act.key,
        occurred_at=received_at,
        about=(),
        member=None,
        request=act.request,
        facts={},
        outcome=_nothing(void=True).to_document(),
        instead_of=act.sale,
    )


def _unreferenced(act: Return, store: StoreSeen, received_at: datetime, *flags: str) -> Motion:
    outcome = _nothing(void=False)._replace(lines=act.lines, total=act.total, to_refund=act.total)
    return Motion(
        kind=act.kind,
        key=act.key,
        occurred_at=act.occurred_at,
        about=(),
        member=None,
        request=act.request,
        facts=_seen(store),
        outcome=_flagged(act, outcome, received_at, *flags),
    )


def _nothing(*, void: bool) -> Reversed:
    return Reversed(
        void=void, lines=(), total=0, to_refund=0, restored=0, restored_money=0, clawed_back=0,
        owed=0, shortfall=0, earned=(), lapsed=(), donations=(), renewed=(),
    )  # fmt: skip


def _flagged(
    act: Void | Return, outcome: Reversed, received_at: datetime, *flags: str
) -> Mapping[str, Any]:
    document = outcome.to_document()
    if isinstance(act, Return):
        flags += clock_flags(act.occurred_at, received_at, offline=act.offline)
    return {**document, "flags": flags} if flags else document


def _seen(store: StoreSeen | None) -> dict[str, Any]:
    """The store where goods come back, as a fact; a void has none but the sale's."""
    return {} if store is None else {"store": tuple(store)}


def _day(received_at: datetime, store: StoreSeen) -> date:
    """The day of the reversal is that of booking, not the till's: no lot that has ended by then is opened again."""
    return received_at.astimezone(ZoneInfo(store.time_zone)).date()


def _programme(state: State, programme: str, at: datetime) -> Programme | None:
    rulebook = state.rulebook
    return rulebook.programme(programme, at) if rulebook.has_programme(programme) else None


def sold_of(subject: Subject, book: Book, before: int, rulebook: Rulebook) -> Sold:
    """A sale with the entries that its points came by, with the names of their accounts; `before`: the place of what
    takes it back, `rulebook` that of then.
    """
    claim, owner = subject.claim(before), subject.owner(before)
    leaf = subject.leaf if claim is None else claim.leaf
    entries = [
        Entry(book.name(debit), book.name(credit), amount, Code(code))
        for debit, credit, amount, code in leaf.postings
    ]
    expired: dict[int, int] = {}
    for index, leg, points in subject.expired:
        if index < before:
            expired[leg] = expired.get(leg, 0) + points
    leaves = [subject.leaf] if claim is None else [subject.leaf, claim.leaf]
    used = [
        (of_heir(counter, subject.refs[0], owner) if owner else counter, amount)
        for each in leaves
        for counter, amount in each.document.get("used", ())
    ]
    claimed = None if claim is None else _claimed(subject, claim)
    spent, bench = spent_of(subject.leaf), bench_of(subject.recorded, rulebook)
    return Sold(subject.recorded, entries, spent, used, expired, bench, owner, claimed)


def _claimed(subject: Subject, claim: Claimed) -> reversal.Claimed:
    place, outcome = claim.movement.log_index, ClaimedPoints.of(claim.movement.outcome)
    return reversal.Claimed(place, outcome.by_campaign, goods_left(subject, place).parts())


def spent_of(leaf: Leaf) -> Sequence[Spent]:
    """Lots that a sale took points from; how much they hold is not known of them."""
    return [
        Spent(Lot(last_day(day), index, leg, 0, issuer), points)
        for index, leg, points, day, issuer in leaf.document.get("spent", ())
    ]
