"""What the rules and the programme make of a sale: redemption, then earning and donations, then gifts."""

from collections.abc import Mapping, Sequence

from lepta.ledger import chart
from lepta.ledger.book import Book, Issue
from lepta.ledger.entries import Entry
from lepta.ledger.lots import Spent
from lepta.processing.accounting import Journal
from lepta.processing.clearing import by_issuer, owed
from lepta.processing.events import MAX, Checkout, InsufficientPoints, QuoteStale
from lepta.processing.given import Legs
from lepta.processing.held import NO_HOLD, Capture
from lepta.processing.sight import Prepared
from lepta.rules import engine, redemption
from lepta.rules.facts import NO_PAST, Line, Past
from lepta.rules.programme import Programme
from lepta.rules.visits import past_of
from lepta.rules.watch import CAPPED, SPENT_AT_ONCE, UNSUSPECTED, Suspicion
from lepta.values import value

_NOTHING_BOOKED = Book()
"""Judging only reads a book, and of a sale that spends nothing not even that."""


@value
class Verdict:
    """What the rules and the programme make of a sale, before it is booked."""

    redeemed: int
    redeemed_money: int
    shortfall: int
    redeemed_by_line: tuple[int, ...]
    spent: list[Spent]
    result: engine.Outcome
    entries: list[Entry]
    issues: list[Issue]
    legs: list[Legs]
    """Of every `Earn` in the result, in their order."""
    capture: Capture = NO_HOLD
    flags: tuple[str, ...] = ()
    """What is suspicious about its spending."""


def foresee(prepared: Prepared) -> Verdict | None:
    """The verdict on a sale that spends no points, asks for no past and is not watched, as far as limits do not matter: see
    `Verdict.result.holds`.

    None where it has to wait for its turn.
    """
    matched = prepared.matched
    if prepared.event.redeem or prepared.event.hold or matched.asks_past or matched.watch:
        return None
    try:
        return judge(prepared, _NOTHING_BOOKED, {})
    except QuoteStale:
        return None  # it may be a repeat: those are never refused


def owes(prepared: Prepared, book: Book) -> bool:
    """Whether the member has a debt in points, which what they earn pays first."""
    account = prepared.member_account
    return account is not None and book.debt(chart.owed(account.ref, account.asset)) > 0


def verdict_on_void(prepared: Prepared) -> Verdict:
    """Of a sale that never was: nothing is given, and nothing is asked for."""
    nothing = (0,) * len(prepared.event.lines)
    return Verdict(0, 0, 0, nothing, [], engine.NOTHING, [], [], [])


def judge(
    prepared: Prepared, book: Book, counts: dict[str, int], capture: Capture = NO_HOLD
) -> Verdict:
    """Redemption, then earning and donations, then gifts. Changes nothing. `capture`: of the hold that it names.

    Raises `InsufficientPoints` and `QuoteStale` where the till is still waiting; offline, the sale is over:
    what can be redeemed is, gifts are booked as taken, and the difference is flagged.
    """
    event = prepared.event
    suspicion = suspicion_of(prepared, counts)
    points, shortfall = _redeemed(prepared, book, capture, suspicion)
    money, by_line, net = paid(prepared.programme, prepared.facts.lines, points)
    past = NO_PAST
    if prepared.matched.asks_past:
        past = _past(
            prepared, book, counts, points, capture, may_spend=not suspicion.blocks_spending
        )
    result = engine.evaluate(prepared.matched, net, event.total - money, counts, past)
    if result.gift_differs and not event.offline:
        raise _other_gift(event, result)
    journal, spent = _journal(prepared, book), list[Spent]()
    if capture.held is not None and capture.is_open:
        journal.release(capture.held.points)
    if points:
        journal.redeem(points)
    if result.given_points:
        journal.give_own(result.effects)
    if points or result.given_points:
        assert journal.member is not None
        spent = capture.spend(
            book.lots_of(journal.member), points + result.given_points, event.key.business_day
        )
    journal.book(result.effects)
    if money:
        journal.clear(owed(by_issuer(spent, points, money), book, journal.retailer, journal.asset))
    flags = () if suspicion is UNSUSPECTED else _flags(event, suspicion, spends=bool(spent))
    return Verdict(
        points, money, shortfall, by_line, spent, result, *journal.close(), capture, flags
    )


def _other_gift(event: Checkout, result: engine.Outcome) -> QuoteStale:
    campaign, ours = result.gift_differs[0]
    taken = next(g.amount_minor for g in event.gifts if g.campaign == campaign and g.accepted)
    return QuoteStale.of_gift(campaign, taken or 0, ours)


def suspicion_of(prepared: Prepared, counts: Mapping[str, int]) -> Suspicion:
    """What is suspicious about a sale of a programme that watches."""
    watch = prepared.matched.watch
    return UNSUSPECTED if watch is None else watch.look(counts)


def _flags(event: Checkout, suspicion: Suspicion, *, spends: bool) -> tuple[str, ...]:
    """Of points that are spent, or were to be, and are not."""
    stopped = bool(suspicion.blocks_spending and event.redeem)
    flags = [SPENT_AT_ONCE] if suspicion.is_fresh and (spends or stopped) else []
    if stopped and not suspicion.blocks_earning:
        flags.append(CAPPED)
    return tuple(flags)


def _journal(prepared: Prepared, book: Book) -> Journal:
    """For the entries of a sale."""
    store, member = prepared.seen.store, prepared.member_account
    return Journal(
        chart.points_of(store.programme), prepared.event.currency, store.retailer, store.programme,
        prepared.event.key.business_day, member,
        book.debt(chart.owed(member.ref, member.asset)) if book.debts and member else 0,
    )  # fmt: skip


def _past(
    prepared: Prepared,
    book: Book,
    counts: dict[str, int],
    redeemed: int,
    capture: Capture,
    *,
    may_spend: bool,
) -> Past:
    """What the ledger knows of a shopper. A member's first sale in a programme opens their account there."""
    account = prepared.member_account
    if account is None or prepared.facts.shopper is None:
        return NO_PAST
    day = prepared.event.key.business_day
    points = book.spendable(account, day) + capture.more(day)
    may_spend = may_spend and prepared.seen.card_status == "active"
    return past_of(
        prepared.matched.visit,
        counts,
        points=points,
        is_first=book.is_before_sales(account),
        spendable=points - redeemed if may_spend else 0,
    )


def redeemable(
    prepared: Prepared,
    book: Book,
    capture: Capture = NO_HOLD,
    suspicion: Suspicion = UNSUSPECTED,
) -> int:
    """The most points that may be spent on the sale."""
    if suspicion.blocks_spending:
        return 0
    event, programme, account = prepared.event, prepared.programme, prepared.member_account
    active = prepared.seen.card_status == "active"
    if not active or programme is None or account is None or programme.currency != event.currency:
        return 0
    day = event.key.business_day
    available = book.spendable(account, day) + capture.more(day)
    return redemption.ceiling(programme, prepared.facts.lines, event.total, available)


def _redeemed(
    prepared: Prepared, book: Book, capture: Capture, suspicion: Suspicion
) -> tuple[int, int]:
    """(points to redeem, shortfall). A card that is not active has nothing to spend."""
    event, programme = prepared.event, prepared.programme
    asked = event.redeem
    if not asked:
        return 0, 0
    ceiling = redeemable(prepared, book, capture, suspicion)
    if asked == MAX:
        # Points that would pay nothing more stay with the shopper.
        return (redemption.most_useful(programme, ceiling) if programme and ceiling else 0), 0
    if suspicion.blocks_spending and not event.offline:
        raise InsufficientPoints.blocked(asked, suspicion.blocks_spending)
    if asked > ceiling and not event.offline:
        raise InsufficientPoints(asked, ceiling)
    points = min(asked, ceiling)
    return points, asked - points


def paid(
    programme: Programme | None, lines: Sequence[Line], points: int
) -> tuple[int, tuple[int, ...], list[int] | None]:
    """(money that the points are worth, points by line, what is left to pay by line; None: all of it)."""
    if not points:
        return 0, (0,) * len(lines), None
    assert programme is not None
    money = redemption.money_of(programme, points)
    by_line = redemption.over_lines(programme, lines, points)
    parts = redemption.over_lines(programme, lines, money)
    net = [line.amount_minor - part for line, part in zip(lines, parts, strict=True)]
    return money, tuple(by_line), net
