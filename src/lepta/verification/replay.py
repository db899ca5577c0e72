"""Deciding again: every sale of a range, from its facts, its basket and the ledger before it."""

from collections import OrderedDict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import starmap
from typing import Any

import asyncpg

from lepta.errors import DomainError
from lepta.ledger.book import Book
from lepta.ledger.chart import Account
from lepta.ledger.lots import NEVER, Lot
from lepta.processing import subjects
from lepta.processing.acts import BY_KIND, Release
from lepta.processing.beside import Beside
from lepta.processing.decide import conclude, post, written
from lepta.processing.events import Checkout, basket_bytes
from lepta.processing.held import Held, capture, reopened
from lepta.processing.leaf import KINDS, Leaf, rulebook_leaf
from lepta.processing.motion import Movement
from lepta.processing.moving import ABOUT_SALES, DECIDERS, REVERSING, book
from lepta.processing.owners import ClaimSale
from lepta.processing.seen import StoreSeen
from lepta.processing.sight import ByQuote, prepare
from lepta.processing.state import State, Subject, natural_claim
from lepta.processing.verdict import judge, verdict_on_void
from lepta.rules.limits import is_hard
from lepta.rules.rulebook import EMPTY, Rulebook
from lepta.verification.fold import Fold
from lepta.verification.invariants import Check
from lepta.verification.part import NO_END, Part
from lepta.verification.report import Faults
from lepta.verification.source import SHARD

READ_EVENTS = """
    SELECT log_index, leaf, beside, kind FROM event
    WHERE shard = $1 AND log_index >= $2 AND log_index < $3 ORDER BY log_index
"""
_FORMER = 64
"""Rulebooks before the current one that are kept."""
_EPOCH_DAY = date(2000, 1, 1).toordinal()


@dataclass(frozen=True, slots=True)
class Before:
    """The ledger before a range, as far as its events can see it."""

    start: int
    stop: int
    published: int
    """How many changes of the rulebook the log holds before the range."""
    next_account: int
    accounts: list[tuple[int, Account, int]]
    """(number, name, balance) of all parties' accounts and those of the range's members."""
    lots: dict[int, list[tuple[int, int, int, int, int, int | None]]]
    """By account: last day, log index, entry, issuer, points left, first day."""
    counts: dict[str, int]
    gave: list[tuple[int, str, str, int, int]]
    """What those gave who are merged in the range: account, campaign, fund, points, money."""


@dataclass(slots=True)
class Slicer:
    """Cuts out of a fold what a range needs. Keeps an index of members, which folding has no use for."""

    parties: list[int] = field(default_factory=list)
    members: dict[str, list[int]] = field(default_factory=dict)
    hard: set[str] = field(default_factory=set)
    own: dict[str, set[str]] = field(default_factory=dict)
    """Counters of one card, by the ref in them."""

    def learn(self, part: Part) -> None:
        """Take in what a range opened and used, once it has been folded."""
        for _, number, account in part.opened:
            if account.kind == "member":
                self.members.setdefault(account.ref, []).append(number)
            else:
                self.parties.append(number)
        for used in part.used:
            for counter in used:
                if is_hard(counter):
                    self.hard.add(counter)
                else:
                    self.own.setdefault(counter.rsplit("|", 1)[1], set()).add(counter)

    def cut(self, fold: Fold, part: Part) -> Before:
        """The state before `part`, which has not been folded yet."""
        refs = {ref for _, ref, _ in part.members.values()} | {ref for _, ref, _ in part.seconds}
        refs |= part.was
        numbers = [*self.parties]
        counters = set(self.hard)
        for ref in refs:
            numbers += self.members.get(ref, ())
            counters |= self.own.get(ref, set())
        return Before(
            part.start,
            part.stop,
            fold.chain.published,
            len(fold.accounts) + 1,
            [(n, fold.accounts[n].account, fold.sums[n][1] - fold.sums[n][0]) for n in numbers],
            {
                n: [
                    (*place, remaining, fold.waiting.get((n, place)))
                    for place, remaining in fold.lots[n].items()
                ]
                for n in numbers
                if n in fold.lots
            },
            {counter: fold.counts[counter] for counter in counters if counter in fold.counts},
            _gave(fold, {merger.account for merger in part.mergers}),
        )


def _gave(fold: Fold, accounts: Collection[int | None]) -> list[tuple[int, str, str, int, int]]:
    """Looked for only where somebody is merged."""
    if not accounts:
        return []
    return [
        (member, campaign, fund, points, money)
        for (member, campaign, fund), (_, points, money) in fold.given.items()
        if member is not None and member in accounts
    ]


@dataclass(slots=True)
class Rulebooks:
    """Every rulebook in turn, made from the chain of changes; the last few are kept, for sales that were quoted."""

    changes: Mapping[int, bytes]
    current: Rulebook = EMPTY
    _former: OrderedDict[int, Rulebook] = field(default_factory=OrderedDict)

    def after(self, published: int) -> Rulebook:
        """The rulebook after so many changes. Raises whatever a change that cannot be read raises."""
        if self.current.number > published:
            found = self._former.get(published)
            if found is not None:
                return found
            self.current = EMPTY
        while self.current.number < published:
            self._keep(self.current)
            self.current = self.current.extended(self.changes[self.current.number + 1])
        return self.current

    def former(self, number: int, newest: Rulebook) -> Rulebook:
        """The rulebook of a quote, one of those up to `newest`. Raises `ValueError` for any other."""
        if not 0 <= number <= newest.number:
            raise ValueError(f"a quote of rulebook {number}, the newest is {newest.number}")
        found = newest if number == newest.number else self._former.get(number)
        if found is None:
            found = EMPTY
            for n in range(1, number + 1):
                found = found.extended(self.changes[n])
            self._keep(found)
        return found

    def _keep(self, rulebook: Rulebook) -> None:
        self._former[rulebook.number] = rulebook
        while len(self._former) > _FORMER:
            self._former.popitem(last=False)


async def redecide(
    connection: asyncpg.Connection, rulebooks: Rulebooks, before: Before
) -> tuple[int, Faults]:
    """Decide every event of a range again; how many were, and what came out otherwise.

    After the first difference the rest of the range is left: it would be decided on a wrong ledger.
    """
    faults = Faults()
    rows = await connection.fetch(READ_EVENTS, SHARD, before.start, before.stop)
    try:
        state = _state(before, rulebooks.after(before.published))
        state.subjects = await _subjects(connection, rows, before.start)
        state.holds = await _holds(connection, rows, before.start)
        for given in before.gave:
            state.give(*given)
    except Exception as error:  # noqa: BLE001 - documents that mean nothing break anything
        faults.event(Check.REPLAY, before.start, f"its rulebook cannot be made ({error})")
        return 0, faults
    for done, row in enumerate(rows):
        state.size = row[0]
        fault = _redecide(row, state, rulebooks)
        if fault:
            faults.event(
                Check.REPLAY, row[0], f"{fault}; not decided again: those up to {before.stop - 1}"
            )
            return done, faults
    return len(rows), faults


async def _subjects(
    connection: asyncpg.Connection, rows: Sequence[Any], start: int
) -> dict[int, Subject]:
    """The sales that these events take back, with what took parts of them back before the range."""
    reversing = {KINDS[kind] for kind in ABOUT_SALES}
    about = [Leaf(row[1]).document.get("about", ()) for row in rows if row[3] in reversing]
    return await subjects.read(
        connection, SHARD, {sale for sales in about for sale in sales}, start
    )


async def _holds(
    connection: asyncpg.Connection, rows: Sequence[Any], start: int
) -> dict[int, Held]:
    """The holds that these events name, as they were before the range."""
    release, named = KINDS[Release.kind], set()
    for row in rows:
        if row[3] == release:
            named.update(Leaf(row[1]).document["about"])
        elif b'"hold":' in row[1]:
            named.add(Leaf(row[1]).document.get("hold", -1))
    holds = await subjects.read_holds(connection, SHARD, named, start)
    return {
        place: held if held.resolved_by is None or held.resolved_by < start else reopened(held)
        for place, held in holds.items()
    }


def _state(before: Before, rulebook: Rulebook) -> State:
    book = Book(next_account=before.next_account)
    for number, account, balance in before.accounts:
        book.accounts[account] = number
        book.know(number, account, balance, starmap(_lot, before.lots.get(number, ())))
    return State(SHARD, before.start, rulebook, {}, {}, book, dict(before.counts))


def _lot(  # noqa: PLR0917 - the order is the fold's
    day: int, log_index: int, leg: int, issuer: int, remaining: int, first: int | None
) -> Lot:
    available_on = None if first is None else _date(first)
    return Lot(_date(day), log_index, leg, remaining, issuer, available_on)


def _date(day: int) -> date:
    return NEVER if day == NO_END else date.fromordinal(day + _EPOCH_DAY)


def _redecide(row: Iterable[Any], state: State, rulebooks: Rulebooks) -> str:
    """What differs, or nothing."""
    _, leaf, beside, _ = row
    try:
        lying = Beside(beside) if beside else None
        stored = Leaf(leaf, lying.content if lying else None)
        if lying is None:
            made = _republish(stored, state, rulebooks)
        elif stored.kind == "checkout":
            made = _resell(stored, lying, state, rulebooks)
        else:
            made = _act_again(stored, lying, state, rulebooks)
        if made == stored:
            return ""
        return f"deciding again gives another {_differing(stored, made)}"
    except DomainError as refusal:
        return f"deciding again refuses it: {refusal}"
    except Exception as error:  # noqa: BLE001 - what tampered bytes can break has no end
        return f"cannot be decided again ({type(error).__name__}: {error})"


def _republish(stored: Leaf, state: State, rulebooks: Rulebooks) -> Leaf:
    rulebook = state.rulebook = rulebooks.after(state.rulebook.number + 1)
    written = rulebook_leaf(
        shard=SHARD, log_index=state.size, received_at=stored.received_at,
        rulebook=rulebook.number, digest=rulebook.digest, change=rulebooks.changes[rulebook.number],
    )  # fmt: skip
    return Leaf(written.leaf)


def _resell(stored: Leaf, lying: Beside, state: State, rulebooks: Rulebooks) -> Leaf:
    event, seen = stored.event, stored.seen
    _refuse_other_forms(event)
    rulebook, until_s = state.rulebook, stored.quoted_until_s
    quoted = None if until_s is None else ByQuote(until_s, rulebook)
    if quoted is not None:
        rulebook = rulebooks.former(stored.rulebook, state.rulebook)
    prepared = prepare(event, seen, rulebook, quoted)
    void = stored.document.get("void")
    if void is None:
        held = capture(event, prepared.member_account, state.holds, stored.received_at)
        verdict = judge(prepared, state.book, state.counts, held)
    else:
        verdict = verdict_on_void(prepared)
    booked = post(state.size, prepared, verdict, state, void)
    outcome = conclude(prepared, verdict, state.book, stored.received_at)
    for given in outcome.donations:
        state.give(booked.member, given.campaign, given.fund, given.points, given.money)
    contents: list[bytes] = []

    def packed(content: bytes) -> bytes:
        # The card is nowhere stored, and a newer library may pack the same content otherwise.
        contents.append(content)
        return lying.data

    leaf = written(
        prepared, outcome, booked, packed, shard=SHARD, log_index=state.size,
        received_at=stored.received_at, void=void,
    ).leaf  # fmt: skip
    return Leaf(leaf, contents[-1])


def _act_again(stored: Leaf, lying: Beside, state: State, rulebooks: Rulebooks) -> Leaf:
    act = BY_KIND[stored.kind].of(stored)
    about = stored.document.get("about", ())
    if act.subject is not None and about:
        state.claims[natural_claim("checkout", act.subject)] = about[0]
    contents: list[bytes] = []

    def packed(content: bytes) -> bytes:
        contents.append(content)
        return lying.data

    if act.till is not None and "store" in stored.document["facts"]:
        state.stores[act.till[0]] = StoreSeen(*stored.document["facts"]["store"])
    if isinstance(act, ClaimSale):
        number = state.subjects[about[0]].recorded.rulebook
        state.former[number] = rulebooks.former(number, state.rulebook)
    motion = DECIDERS[type(act)](act, state, stored.received_at)
    _, booked, leaf = book(motion, state, packed, stored.received_at)
    giver = None if "claimed" in motion.facts else booked.member
    for given in motion.given:
        state.give(giver, given.campaign, given.fund, given.points, given.money_minor)
    if stored.kind in REVERSING:
        for sale in about:
            state.subjects[sale].undone.append(Movement.of(stored, lying))
    return Leaf(leaf.leaf, contents[-1])


def _refuse_other_forms(event: Checkout) -> None:
    """Raises `ValueError` for a basket with more or otherwise written fields than are ever stored."""
    canonical = basket_bytes(
        currency=event.currency, lines=event.lines, total=event.total, redeem=event.redeem,
        choice=event.choice, gifts=event.gifts, fiscal=event.fiscal, quote=event.quote, hold=event.hold,
    )  # fmt: skip
    if canonical != event.basket:
        raise ValueError("the basket is not in its canonical form")


def _differing(stored: Leaf, made: Leaf) -> str:
    """The fields of two leaves that differ, those inside the outcome by name."""
    one, two = stored.document, made.document
    names = []
    for name in sorted(one.keys() | two.keys()):
        if one.get(name) == two.get(name):
            continue
        if name == "outcome" and name in one:
            inner = sorted(one[name].keys() | two[name].keys())
            names += [f"outcome.{n}" for n in inner if one[name].get(n) != two[name].get(n)]
        else:
            names.append(name)
    return ", ".join(names) or "order of fields"


def changes_of(links: Iterable[Iterable[Any]]) -> dict[int, bytes]:
    """Changes by number, from rows of table `rulebook`."""
    return {number: change for number, _, change in links}
