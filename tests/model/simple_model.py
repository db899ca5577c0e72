"""A simple model of the service, in plain Python: what each event is answered with, and what the books hold after it.

It knows nothing of the service but its documents: names that make an event known again, members' lots, what campaigns
give (`simple_sale`), what comes back (`simple_back`). One method an event; each returns the answer as a dictionary.
"""

from collections import Counter
from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from datetime import timedelta
from typing import Any

from simple_back import Ground, taken_back
from simple_books import EXPIRED, RETAILERS, issued
from simple_names import Answer, Kept, key_of
from simple_purse import Lot, month_later, part_of
from simple_said import (
    Adjust,
    Days,
    Event,
    Give,
    Hold,
    Publish,
    Release,
    Return,
    Sale,
    Transfer,
    Void,
)
from simple_sale import POINT, Refusal, Sold, own_gift
from simple_sales import Sales, SetAside


class Model(Sales):
    """The whole service."""

    def answer(self, event: Event, key: str | None = None) -> Answer:
        """What becomes of an event; `key` is the header of its request."""
        try:
            return _METHODS[type(event)](self, event, key)
        except Refusal as refusal:
            return refusal.said

    def rehearse(self, event: Sale | Void | Return) -> Answer:
        """What a till in training is told: as if it were new, and without any trace."""
        other = deepcopy(self)
        other.names = {name: kept for name, kept in other.names.items() if name[0] == "sale"}
        if isinstance(event, Sale):
            other.names.pop(("sale", event.name), None)
        elif isinstance(event, Void):
            known = other.names.get(("sale", event.sale))
            if known is not None and isinstance(known.said, Void):
                del other.names["sale", event.sale]
        answer = other.answer(event)
        if isinstance(event, Return) and answer.get("refused") == "unknown-original":
            return other.answer(replace(event, offline=True))
        return answer

    # --- what comes back ---

    def void(self, void: Void, key: str | None) -> Answer:
        names = [*key_of(void.sale[:2], key), ("void", void.sale)]

        def decide() -> Answer:
            kept = self.names.get(("sale", void.sale))
            if kept is None:
                self.names["sale", void.sale] = Kept(void, {})
                return self._reversed(None, set(), to_refund=0)
            assert kept.sold is not None
            return self._take_back(kept.sold, None, set())

        return self.decided(void, names, decide)

    def return_(self, goods: Return, key: str | None) -> Answer:
        names = [*key_of(goods.name[:2], key), ("return", goods.name)]

        def decide() -> Answer:
            flags = self.clock(goods.at, offline=goods.offline)
            kept = self.names.get(("sale", goods.original)) if goods.original else None
            if kept is not None and not isinstance(kept.said, Void) and not _at_home(goods):
                kept = None
            if kept is None:
                if goods.original and not goods.offline:
                    raise Refusal("unknown-original")
                flags |= {"unreferenced"} | ({"unknown-original"} if goods.original else set())
                return self._reversed(None, flags, to_refund=goods.total)
            if isinstance(kept.said, Void):
                raise Refusal("over-return", left=[])
            assert kept.sold is not None
            return self._take_back(kept.sold, goods, flags)

        return self.decided(goods, names, decide)

    def _take_back(self, sold: Sold, goods: Return | None, flags: set[str]) -> Answer:
        ground = Ground(self.books, self.today, self.size, self.owes)
        told = taken_back(sold, goods, ground)
        return self._reversed(sold.member, flags, **told)

    def _reversed(self, member: str | None, flags: set[str], **told: Any) -> Answer:
        nothing: Answer = dict.fromkeys(
            ("clawed", "owed", "shortfall", "repaid", "lapsed", "restored", "renewed"), 0
        )
        balance = self.balance(member, self.today)
        return {**nothing, "donations": [], **told, "balance": balance, "flags": sorted(flags)}

    # --- holds ---

    def hold(self, hold: Hold, key: str | None) -> Answer:
        def decide() -> Answer:
            member, status = self.holder(hold.card)
            if member is None or status != "active":
                raise Refusal("insufficient-points", redeemable=0)
            purse = self.books.purse(member)
            if hold.points > purse.usable(self.today):
                raise Refusal("insufficient-points", redeemable=purse.usable(self.today))
            lots = purse.pick(hold.points, self.today)
            for lot, points in lots:
                lot.move("available", "held", points)
            self.books.book(f"member/{member}/available", f"member/{member}/held", hold.points)
            until = self.now + timedelta(seconds=hold.ttl_s)
            self.holds[self.size] = SetAside(member, hold.store, lots, until)
            return {"until": until, "balance": self.balance(member, self.today)}

        return self.decided(hold, key_of((hold.store, hold.till), key), decide)

    def release(self, release: Release, _key: str | None) -> Answer:
        hold = self.holds.get(release.hold)
        if hold is None:
            raise Refusal("unknown-hold")
        if hold.ended_by is not None:
            if isinstance(hold.ended_by.said, Sale):
                raise Refusal("hold-captured")
            return {**hold.ended_by.answer, "again": True}
        over = self.now >= hold.until
        if release.expired and not over:
            raise Refusal("hold-not-expired")
        self.free(hold)
        answer = {
            "ended": "expired" if over else "released", "points": hold.points,
            "balance": self.balance(hold.member, self.today),
        }  # fmt: skip
        hold.ended_by = Kept(release, self.recorded(answer))
        return answer

    # --- the office, the kiosk, the days, the rules ---

    def adjust(self, adjust: Adjust, key: str | None) -> Answer:
        def decide() -> Answer:
            member, _ = self.holder(adjust.card)
            if member is None:
                raise Refusal("unknown-card")
            purse, free = self.books.purse(member), f"member/{member}/available"
            if adjust.points < 0:
                if -adjust.points > purse.usable(self.today):
                    raise Refusal("insufficient-points", redeemable=purse.usable(self.today))
                for lot, points in purse.pick(-adjust.points, self.today):
                    lot.move("available", None, points)
                self.books.book(free, issued("retail-nsk"), -adjust.points)
                return {"repaid": 0, "balance": self.balance(member, self.today)}
            repaid = min(purse.owed, adjust.points)
            purse.owed -= repaid
            rest = adjust.points - repaid
            self.books.book(issued("retail-nsk"), f"member/{member}/owed", repaid)
            self.books.book(issued("retail-nsk"), free, rest)
            if rest:
                purse.add(Lot(month_later(self.today), (self.size, 0)), rest)
            return {"repaid": repaid, "balance": self.balance(member, self.today)}

        return self.decided(adjust, key_of(("", "office"), key), decide)

    def transfer(self, transfer: Transfer, key: str | None) -> Answer:
        def decide() -> Answer:
            member, _ = self.holder(transfer.card)
            to, _ = self.holder(transfer.to)
            if member is None:
                raise Refusal("unknown-card")
            if to is None or to == member:
                raise Refusal("invalid-request")
            purse, target = self.books.purse(member), self.books.purse(to)
            if transfer.points > purse.usable(self.today):
                raise Refusal("insufficient-points", redeemable=purse.usable(self.today))
            repaid = min(target.owed, transfer.points)
            target.owed -= repaid
            taken = purse.pick(transfer.points, self.today)
            for lot, points in taken:
                lot.move("available", None, points)
            for lot, points in part_of(taken, repaid, transfer.points - repaid):
                target.take_over(lot, points)
            free = f"member/{member}/available"
            self.books.book(free, f"member/{to}/owed", repaid)
            self.books.book(free, f"member/{to}/available", transfer.points - repaid)
            return {"repaid": repaid, "balance": self.balance(member, self.today)}

        return self.decided(transfer, key_of(("", "office"), key), decide)

    def give(self, give: Give, key: str | None) -> Answer:
        def decide() -> Answer:
            member, status = self.holder(give.card)
            if member is None:
                raise Refusal("unknown-card")
            if status != "active":
                raise Refusal("card-not-active")
            purse = self.books.purse(member)
            if give.points > purse.usable(self.today):
                raise Refusal("insufficient-points", redeemable=purse.usable(self.today))
            for lot, points in purse.pick(give.points, self.today):
                lot.move("available", None, points)
            donation = own_gift(give.points, {}, give.points * POINT)
            self.books.donate(donation, member, 1, store=give.store, counts=True)
            return {"donations": [donation.told()], "balance": self.balance(member, self.today)}

        return self.decided(give, key_of((give.store, ""), key), decide)

    def days(self, days: Days, _key: str | None) -> Answer:
        member, _ = self.holder(days.card)
        assert member is not None
        on, purse = days.on.date(), self.books.purse(member)
        if on > (self.now + timedelta(hours=7)).date():
            raise Refusal("day-not-begun")
        waiting = [lot for lot in purse.in_order() if lot.points["pending"] and lot.first and lot.first <= on]  # fmt: skip
        told: Counter[str] = Counter()
        for lot in waiting:
            points = lot.points["pending"]
            paid = min(points, purse.owed)
            purse.owed -= paid
            lot.move("pending", None, paid)
            lot.move("pending", "available", points - paid)
            told += Counter(repay=paid, mature=points - paid)
        ended = [lot for lot in purse.lots if lot.points["available"] and lot.last < on]
        if not waiting and not ended:
            raise Refusal("nothing-due")
        for lot in ended:
            told["expire"] += lot.points["available"]
            lot.expired += lot.points["available"]
            lot.move("available", None, lot.points["available"])
        name = f"member/{member}"
        self.books.book(f"{name}/pending", f"{name}/owed", told["repay"])
        self.books.book(f"{name}/pending", f"{name}/available", told["mature"])
        self.books.book(f"{name}/available", EXPIRED, told["expire"])
        return self.recorded({what: points for what, points in told.items() if points})

    def publish(self, publish: Publish, _key: str | None) -> Answer:
        if publish.term == "rate":
            self.rates.append((self.now.replace(microsecond=0), publish.value))
        elif publish.term == "budget":
            self.budget = publish.value
        else:
            self.owes = bool(publish.value)
        return self.recorded({})


def _at_home(goods: Return) -> bool:
    """Whether goods come back to the retailer that sold them."""
    assert goods.original is not None
    return RETAILERS[goods.name[0]] == RETAILERS[goods.original[0]]


_METHODS: dict[type, Callable[[Model, Any, str | None], Answer]] = {
    Sale: Model.sale, Void: Model.void, Return: Model.return_, Hold: Model.hold, Release: Model.release,
    Adjust: Model.adjust, Give: Model.give, Transfer: Model.transfer, Days: Model.days, Publish: Model.publish,
}  # fmt: skip
