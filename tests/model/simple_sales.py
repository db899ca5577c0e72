"""Sales and quotes in the simple model: recorded once, judged, booked, told."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any

from simple_books import REDEEMED, RETAILERS, Books, issued
from simple_names import Answer, Kept, Key, Names, key_of, same
from simple_purse import Lot, Taken, month_later, part_of
from simple_said import Name, Sale, Void
from simple_sale import TEA_WAITS_DAYS, Refusal, Seen, Sold, Verdict, judged, most_redeemable

CARDS = {
    "pyotr-1": ("m-pyotr", "active"), "pyotr-2": ("m-pyotr", "active"), "anna": ("m-anna", "active"),
    "new": ("m-new", "not-activated"), "lost": ("m-lost", "blocked"),
}  # fmt: skip
"""By card: whose it is, and what it may do. Others are unknown."""
TILL_CLOCK = timedelta(minutes=5)


@dataclass
class SetAside:
    """A hold."""

    member: str
    store: str
    lots: Taken
    until: datetime
    ended_by: Kept | None = None

    @property
    def points(self) -> int:
        return sum(points for _, points in self.lots)


@dataclass
class Quoted:
    """What a quote binds."""

    sale: Sale
    rate_at: Callable[[datetime], int]
    until: datetime
    promised: tuple[Any, ...]
    redeemable: int


@dataclass
class Sales(Names):
    """`now`: the clock in the stores, whose zone is one; a test moves it."""

    now: datetime = datetime(2026, 11, 22, 12)  # noqa: DTZ001 - all stores are in one zone, and have no other clock
    books: Books = field(default_factory=Books)
    holds: dict[int, SetAside] = field(default_factory=dict)
    quotes: list[Quoted] = field(default_factory=list)
    rates: list[tuple[datetime | None, int]] = field(default_factory=lambda: [(None, 1)])
    """Points of the base for each full 20.00, and from when on; None: always."""
    budget: int = 6_000
    owes: bool = True

    @property
    def today(self) -> date:
        return self.now.date()

    def sale(self, sale: Sale, key: str | None) -> Answer:
        own = key_of(sale.name[:2], key)
        names: list[Key] = [*own, ("sale", sale.name)]
        if sale.fiscal is not None:
            names.append(("fiscal", sale.fiscal))
        kept = self._sale_before(sale, names)
        if kept is not None:
            answer = self.again(kept, own)
            return {**answer, "voided": kept.sold.voided} if kept.sold else answer
        void = self.names.get(("sale", sale.name))
        try:
            answer, sold = self._void_sale(sale) if void else self._sold(sale)
        except Refusal as refusal:
            if own:
                self.names[own[0]] = Kept(sale, refusal.said, recorded=False)
            raise
        kept = Kept(sale, self.recorded(answer), sold)
        for name in names:
            if void is None or name != ("sale", sale.name):
                self.names[name] = kept
        if void is not None:
            void.sold = sold
            self.names["late", sale.name] = kept
        if sold.voided is False and sale.hold is not None and sale.hold in self.holds:
            self._end_hold(sale, kept)
        return answer

    def _sale_before(self, sale: Sale, names: list[Key]) -> Kept | None:
        """As `_recalled`. A void that came first stands for its sale once that is recorded; and the same fiscal
        document under another name is the same sale if it says so.
        """
        found: list[tuple[Key, Kept]] = []
        for name in names:
            kept = self.names.get(name)
            if kept is not None and name == ("sale", sale.name) and isinstance(kept.said, Void):
                kept = self.names.get(("late", sale.name))
            if kept is not None:
                found.append((name, kept))
        by_fiscal = [kept for name, kept in found if name == ("fiscal", sale.fiscal)]
        for name, kept in found:
            equal = same(kept.said) == same(sale)
            if not equal and name != ("sale", sale.name) and kept in by_fiscal:
                equal = isinstance(kept.said, Sale) and _goods(kept.said) == _goods(sale)
            if not equal:
                raise Refusal("idempotency-key-reused")
            if not kept.recorded:
                return kept
        return found[0][1] if found else None

    def _void_sale(self, sale: Sale) -> tuple[Answer, Sold]:
        """A sale whose void came first gives and takes nothing."""
        member, _ = self.holder(sale.card)
        nothing = Verdict(by_line=[0] * len(sale.lines))
        sold = Sold(sale, self.size, member, nothing, voided=True)
        return self._told(sold), sold

    def _sold(self, sale: Sale) -> tuple[Answer, Sold]:
        member, _ = self.holder(sale.card)
        hold, flags = self._hold_of(sale, member)
        verdict = self._judged(sale, hold, flags)
        sold = Sold(sale, self.size, member, verdict)
        if member is not None:
            self._spend(sold, hold)
            self._earn(sold)
        for donation in verdict.donations:
            self.books.donate(donation, member, 1, store=sale.name[0], counts=True)
        self.books.used.update(verdict.used)
        verdict.flags |= flags
        return self._told(sold), sold

    def holder(self, card: str | None) -> tuple[str | None, str]:
        if card is None:
            return None, "none"
        return CARDS.get(card, (None, "unknown"))

    def _hold_of(self, sale: Sale, member: str | None) -> tuple[SetAside | None, set[str]]:
        """The open hold that a sale captures, and what is to be said of the one it names."""
        if sale.hold is None:
            return None, set()
        hold = self.holds.get(sale.hold)
        if hold is None or (hold.member, hold.store) != (member, sale.name[0]):
            if sale.offline:
                return None, {"unknown-hold"}
            raise Refusal("hold-mismatch")
        if hold.ended_by is not None:
            return None, {"hold-ended"}
        return hold, set() if self.now < hold.until else {"hold-ended"}

    def _seen(self, sale: Sale, hold: SetAside | None, rate: int) -> Seen:
        member, status = self.holder(sale.card)
        spendable, day = 0, _day(sale.name)
        if member is not None:
            spendable = self.books.purse(member).usable(day)
        if hold is not None:
            in_time = self.now < hold.until
            spendable += sum(points for lot, points in hold.lots if in_time or lot.last >= day)
        return Seen(status, spendable, member, rate, self.budget, self.books.used)

    def _rate_at(self, moment: datetime) -> int:
        return rate_of(self.rates, moment)

    def _judged(self, sale: Sale, hold: SetAside | None, flags: set[str]) -> Verdict:
        if sale.quote is None:
            return judged(sale, self._seen(sale, hold, self._rate_at(sale.at)))
        quote = self.quotes[sale.quote]
        moment = sale.at if sale.offline else self.now
        stale, rate = None, self._rate_at(sale.at)
        if _basket(sale) != _basket(quote.sale):
            stale = Refusal("quote-stale", because="basket")
        elif moment.replace(microsecond=0) > quote.until:
            stale = Refusal("quote-stale", because="expired")
        else:
            rate = quote.rate_at(sale.at)
            stale = self._broken(sale, quote, hold, rate)
        if stale is not None and not sale.offline:
            raise stale
        if stale is not None:
            flags.add("quote-stale")
        try:
            return judged(sale, self._seen(sale, hold, rate))
        except Refusal as refusal:
            if "redeemable" in refusal.said and sale.redeem <= quote.redeemable:
                raise _stale_points(refusal) from None
            raise

    def _broken(
        self, sale: Sale, quote: Quoted, hold: SetAside | None, rate: int
    ) -> Refusal | None:
        """Why the quote's own answers would not come to what it said any more."""
        as_quoted = replace(sale, redeem=quote.sale.redeem, gifts=quote.sale.gifts)
        try:
            verdict = judged(as_quoted, self._seen(sale, hold, rate))
        except Refusal as refusal:
            if "redeemable" in refusal.said:
                return _stale_points(refusal)
            return Refusal("quote-stale", because="outcome")
        if verdict.promised() != quote.promised:
            return Refusal("quote-stale", because="outcome")
        return None

    def _spend(self, sold: Sold, hold: SetAside | None) -> None:
        """Free what was set aside, then spend: first what was, then what ends first."""
        assert sold.member is not None
        purse, verdict = self.books.purse(sold.member), sold.verdict
        points, first = verdict.redeemed + verdict.given, []
        if hold is not None:
            self.free(hold)
            first = hold.lots if self.now < hold.until else []
        for lot, part in first:
            here = min(part, points)
            if here:
                lot.move("available", None, here)
                sold.spent.append((lot, here))
                points -= here
        for lot, here in purse.pick(points, _day(sold.sale.name)):
            lot.move("available", None, here)
            known = [n for n, (one, _) in enumerate(sold.spent) if one is lot]
            if known:
                sold.spent[known[0]] = (lot, sold.spent[known[0]][1] + here)
            else:
                sold.spent.append((lot, here))
        free = f"member/{sold.member}/available"
        self.books.book(free, REDEEMED, verdict.redeemed)
        paid = part_of(sold.spent, 0, verdict.redeemed)
        self.books.clear(paid, RETAILERS[sold.sale.name[0]], 1)

    def free(self, hold: SetAside) -> None:
        for lot, points in hold.lots:
            lot.move("held", "available", points)
        name = f"member/{hold.member}"
        self.books.book(f"{name}/held", f"{name}/available", hold.points)

    def _end_hold(self, sale: Sale, kept: Kept) -> None:
        """By the sale that captured it, once."""
        assert sale.hold is not None
        hold = self.holds[sale.hold]
        member, _ = self.holder(sale.card)
        if hold.ended_by is None and (hold.member, hold.store) == (member, sale.name[0]):
            hold.ended_by = kept

    def _earn(self, sold: Sold) -> None:
        """What is earned pays a debt first; the rest makes lots."""
        assert sold.member is not None
        purse, day = self.books.purse(sold.member), _day(sold.sale.name)
        retailer, repaid = RETAILERS[sold.sale.name[0]], False
        for n, earned in enumerate(sold.verdict.earned):
            paid = min(purse.owed, earned.points)
            if paid:
                purse.owed -= paid
                self.books.book(issued(retailer), f"member/{sold.member}/owed", paid)
                earned.pieces.append((None, paid))
                repaid = True
            rest = earned.points - paid
            if rest:
                place, first = "available", None
                if earned.campaign == "tea":
                    place, first = "pending", day + timedelta(days=TEA_WAITS_DAYS)
                lot = Lot(month_later(day), (sold.place, n), first, retailer)
                purse.add(lot, rest, place)
                self.books.book(issued(retailer), f"member/{sold.member}/{place}", rest)
                earned.pieces.append((lot, rest))
            earned.back = [0] * len(earned.pieces)
        if repaid:
            sold.verdict.flags.add("repaid")

    def _told(self, sold: Sold) -> Answer:
        verdict, sale = sold.verdict, sold.sale
        waits = sum(
            points for one in verdict.earned for lot, points in one.pieces if lot and lot.first
        )
        flags = verdict.flags | self.clock(sale.at, offline=sale.offline)
        return {
            "card": self.holder(sale.card)[1],
            "flags": sorted(flags),
            "to_pay": sold.to_pay,
            "points": (
                sum(one.points for one in verdict.earned), waits, verdict.redeemed, verdict.given, verdict.shortfall,
            ),
            "earned": [(one.campaign, one.points, one.by_line) for one in verdict.earned],
            "redeemed_by_line": verdict.by_line,
            "donations": [donation.told() for donation in verdict.donations],
            "balance": self.balance(sold.member, _day(sale.name)),
            "voided": sold.voided,
        }  # fmt: skip

    def balance(self, member: str | None, day: date) -> object:
        return None if member is None else self.books.purse(member).told(day)

    def clock(self, at: datetime, *, offline: bool) -> set[str]:
        if self.now - at > TILL_CLOCK:
            return {"late" if offline else "clock"}
        return {"clock"} if at - self.now > TILL_CLOCK else set()

    def quote(self, sale: Sale, ttl_s: int) -> Answer:
        """What a sale would come to; it changes nothing but the list of quotes."""
        member, _ = self.holder(sale.card)
        rates = list(self.rates)

        def rate_at(moment: datetime) -> int:
            return rate_of(rates, moment)

        try:
            seen = self._seen(sale, None, rate_at(sale.at))
            verdict = judged(sale, seen)
        except Refusal as refusal:
            return refusal.said
        most = most_redeemable(sale, seen)
        until = self.now.replace(microsecond=0) + timedelta(seconds=ttl_s)
        self.quotes.append(Quoted(sale, rate_at, until, verdict.promised(), most))
        return {"redeemable": most, "to_pay": Sold(sale, 0, member, verdict).to_pay}


def rate_of(rates: list[tuple[datetime | None, int]], moment: datetime) -> int:
    """What was in force then."""
    return [rate for since, rate in rates if since is None or since <= moment][-1]


def _day(name: Name) -> date:
    return date.fromisoformat(name[2])


def _goods(sale: Sale) -> tuple[Any, ...]:
    return sale.lines, sale.total, sale.card


def _basket(sale: Sale) -> tuple[Any, ...]:
    return (*sale.name[:3], *_goods(sale))


def _stale_points(refusal: Refusal) -> Refusal:
    return Refusal("quote-stale", because="points", redeemable=refusal.said["redeemable"])
