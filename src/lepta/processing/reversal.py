"""A void or a return: what of a recorded sale is taken back, by the rates of the sale itself. No rule is run again, but
those of campaigns that ask for it, on the goods that are left: see `rejudging`.

Whatever goods come back, and in how many returns: of each campaign, funder, line and lot never more goes back than was
given, and with the last of the goods exactly the rest. A part that does not divide stays with the shopper until then.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction

from lepta.ledger import chart
from lepta.ledger.book import Book, Issue
from lepta.ledger.entries import Code, Entry
from lepta.ledger.lots import Move, Spent
from lepta.money import Ratio
from lepta.processing.clearing import by_issuer, cleared, owed
from lepta.processing.counter_entries import MemberPoints, by_leg, ungiven
from lepta.processing.leaf import Recorded
from lepta.processing.motion import Given
from lepta.processing.outcome import Donation, Earned, Outcome
from lepta.processing.proration import Goods, ReturnedLine, prorated
from lepta.processing.purse import part_of
from lepta.processing.rejudging import Bench
from lepta.processing.release import Course, released
from lepta.processing.reversed import (
    KEPT,
    Because,
    DonationBack,
    EarnedBack,
    History,
    Reversed,
)
from lepta.processing.taken import (
    Back,
    figures_of_donation,
    figures_of_earned,
    of_donation,
    of_earned,
)
from lepta.rules.programme import Programme
from lepta.values import value


@value
class Claimed:
    """What a sale without a card earned when somebody claimed it."""

    log_index: int
    """What made its lots, by `Sold.entries`."""
    earned: Sequence[Earned]
    before: Sequence[Ratio]
    """What part of each line was back by then: nothing was earned on it."""


@value
class Sold:
    """A sale as the log holds it."""

    recorded: Recorded
    entries: Sequence[Entry]
    """By their numbers."""
    spent: Sequence[Spent] = ()
    """Lots that its redemption took points from, then its gifts of points, in their order."""
    used: Sequence[tuple[str, int]] = ()
    """Counters and what it added to them."""
    expired: Mapping[int, int] = field(default_factory=dict)
    """By entry: points of the lot that it made which have expired since."""
    bench: Bench | None = None
    """Where campaigns of it are judged again; None: all goes back in proportion."""
    owner: str | None = None
    """Who its member became, if they were merged; or who claimed it."""
    claimed: Claimed | None = None

    @property
    def earned(self) -> Sequence[Earned]:
        """By campaign the points that it gave to its member, with it or with its claim."""
        return self.recorded.outcome.earned if self.claimed is None else self.claimed.earned

    @property
    def origin(self) -> int:
        """The place of what made its lots."""
        return self.recorded.log_index if self.claimed is None else self.claimed.log_index

    def of_earned(self, parts: Sequence[Ratio]) -> Sequence[Ratio]:
        """`parts` of its lines are back; of that on which it earned, these."""
        if self.claimed is None:
            return parts
        return [
            _since(part, before) for part, before in zip(parts, self.claimed.before, strict=True)
        ]

    @property
    def member(self) -> str:
        """Whose points they are; there is somebody."""
        seen = self.recorded.seen.member
        ref = self.owner or (seen.ref if seen else None)
        assert ref is not None, self.recorded.log_index
        return ref


@value
class Reversal:
    """What a void or a return comes to, before it is booked."""

    entries: Sequence[Entry]
    issues: Sequence[Issue]
    moves: Sequence[Move]
    used: Sequence[tuple[str, int]]
    given: Sequence[Given]
    outcome: Reversed
    ended: bool
    """Whether it took the last of the sale."""


def reverse(
    sold: Sold,
    earlier: Sequence[Reversed],
    lines: Sequence[ReturnedLine] | None,
    *,
    total: int,
    programme: Programme | None,
    book: Book,
    on: date,
) -> Reversal:
    """What goes back with these `lines` after the `earlier` reversals of the sale. None: the sale is void, and with it
    what a return would leave with the funds and the shopper.

    `total`: what the till asks back for the lines, before points and gifts (a void: 0). `programme` says by its
    version of now what becomes of debts and of lots that have ended; None where the sale's is not known, which then
    gave nothing. `on`: the day of the reversal. Of the member all lots in `available` and `pending` have to be in
    the book. The outcome lacks the balance, which is there when this is booked. Raises `OverReturn`.
    """
    goods = Goods.of(sold.recorded.event)
    for one in earlier:
        _bring(goods, None if one.void else one.lines, one.total)
    was_whole = goods.is_whole
    _bring(goods, lines, total)
    undoing = _Undoing(sold, History(earlier), goods, void=lines is None)
    back = undoing.back()
    points = undoing.points_of(back, programme, book, on)
    entries, issues, moves = points.close() if points else ([], [], [])
    given = undoing.given(back)
    ended = goods.is_whole and not was_whole
    return Reversal(
        [*entries, *undoing.ungiven(back), *undoing.cleared(back, book)],
        issues,
        moves,
        released(sold.used, undoing.figures(back), ended=ended),
        given,
        undoing.conclude(back, points, tuple(lines or ()), total),
        ended,
    )


def _since(part: Ratio, before: Ratio) -> Ratio:
    """What part of the rest that there was before is back by now; of no rest all is."""
    rest = Fraction(1) - Fraction(*before)
    since = (Fraction(*part) - Fraction(*before)) / rest if rest else Fraction(1)
    return Ratio(since.numerator, since.denominator)


def _bring(goods: Goods, lines: Iterable[ReturnedLine] | None, total: int) -> None:
    if lines is None:
        goods.void()
    else:
        goods.bring(lines, total)


@value
class _Back:
    """What goes back now: redeemed points, earned points, donations; and donations that stay though their goods go
    back.
    """

    restored: int
    earned: Sequence[EarnedBack]
    donations: Sequence[DonationBack]
    kept: Sequence[DonationBack]


@dataclass(frozen=True, slots=True)
class _Undoing:
    """One reversal of a sale, after its `history`; of the `goods` these are back by now."""

    sold: Sold
    history: History
    goods: Goods
    void: bool

    @property
    def _outcome(self) -> Outcome:
        return self.sold.recorded.outcome

    def back(self) -> _Back:
        """What goes back: by each line that part of it that is back by now, less what went before."""
        outcome, by = self._outcome, self._by_goods()
        by_line, restored = outcome.redeemed_by_line, outcome.points.redeemed
        if not by.whole:
            restored = prorated(range(len(by_line)), by_line, by.parts)
        of_points = by
        if self.sold.claimed is not None:
            of_points = Back(self.sold.of_earned(by.parts), by.whole, {})
        earned = [
            of_earned(each, self.history.earned(each.campaign), of_points)
            for each in self.sold.earned
            if self.void or not each.keep
        ]
        donations = []
        for donation in outcome.donations:
            because = self._because(donation, by)
            prior = self.history.donations(donation.campaign, kept=because in KEPT)
            donations.append(of_donation(donation, prior, because, by))
        gone = [each for each in donations if each]
        return _Back(
            restored - self.history.restored,
            [each for each in earned if each],
            [each for each in gone if not each.kept],
            [each for each in gone if each.kept],
        )

    def _by_goods(self) -> Back:
        goods, bench = self.goods, self.sold.bench
        whole = goods.is_whole
        left = {} if bench is None or whole else bench.left(goods)
        return Back(goods.parts(), whole, left)

    def _because(self, donation: Donation, by: Back) -> Because:
        if self.void:
            return Because.VOIDED
        if not donation.keep:
            judged_again = donation.again and not by.whole
            return Because.JUDGED_AGAIN if judged_again else Because.RETURNED
        own = donation.shopper_points or donation.shopper_money
        return Because.SHOPPERS_GIFT if own else Because.CAMPAIGN_KEEPS

    def points_of(
        self, back: _Back, programme: Programme | None, book: Book, on: date
    ) -> MemberPoints | None:
        """All that happens to the member's points; None: nothing does."""
        own = [each for each in back.donations if each.shopper_points]
        if not (back.restored or back.earned or own):
            return None
        # Whoever has points is a member of a programme.
        sold, seen = self.sold, self.sold.recorded.seen
        assert programme is not None, seen.store.programme
        asset = chart.points_of(seen.store.programme)
        points = MemberPoints.of(book, sold.member, asset, on, programme)
        if back.restored:
            source = chart.redeemed(seen.store.programme, asset)
            spent = part_of(sold.spent, self.history.restored, back.restored)
            points.restore(source, Code.RESTORE, spent)
        for each in own:
            fund = chart.fund_points(each.fund, asset)
            points.restore(fund, Code.UNGIVE_OWN, self._given_away(each))
        lapsed = self.history.lapsed
        expired = {leg: its - lapsed.get(leg, 0) for leg, its in sold.expired.items()}
        points.claw_back(by_leg(back.earned), sold.entries, sold.origin, expired)
        points.repay()
        return points

    def _given_away(self, back: DonationBack) -> list[Spent]:
        """From which lots the shopper gave the points that go back: gifts were taken after what was redeemed."""
        skip = self._outcome.points.redeemed
        for donation in self._outcome.donations:
            if donation.campaign == back.campaign:
                break
            skip += donation.shopper_points
        skip += sum([one.shopper_points for one in self.history.donations(back.campaign)])
        return part_of(self.sold.spent, skip, back.shopper_points)

    def ungiven(self, back: _Back) -> list[Entry]:
        """The entries that take donations back, but for the shopper's own points."""
        event, store = self.sold.recorded.event, self.sold.recorded.seen.store
        asset = chart.points_of(store.programme)
        return ungiven(back.donations, asset, event.currency, store.retailer)

    def cleared(self, back: _Back, book: Book) -> list[Entry]:
        """What other parties owed for the points that go back, and owe no more."""
        outcome, event = self._outcome, self.sold.recorded.event
        if not back.restored or not outcome.redeemed_money:
            return []
        before, store = self.history.restored, self.sold.recorded.seen.store
        shares = by_issuer(
            self.sold.spent,
            outcome.points.redeemed,
            outcome.redeemed_money,
            before,
            before + back.restored,
        )
        debts = owed(shares, book, store.retailer, chart.points_of(store.programme))
        return cleared(debts, store.retailer, event.currency)

    def figures(self, back: _Back) -> dict[str, Course]:
        """By campaign what its counters go by."""
        entries, found = self.sold.entries, {}
        for earned in self.sold.earned:
            had = self.history.earned(earned.campaign)
            has = [*had, *[each for each in back.earned if each.campaign == earned.campaign]]
            found[earned.campaign] = Course(
                figures_of_earned([earned], entries),
                figures_of_earned(had, entries),
                figures_of_earned(has, entries),
            )
        for donation in self._outcome.donations:
            before = self.history.donations(donation.campaign)
            now = [each for each in back.donations if each.campaign == donation.campaign]
            found[donation.campaign] = Course(
                figures_of_donation(donation, [donation]),
                figures_of_donation(donation, before),
                figures_of_donation(donation, [*before, *now]),
            )
        return found

    def given(self, back: _Back) -> list[Given]:
        """What is taken from the standings."""
        whole = {each.campaign: (each.points, each.money) for each in self._outcome.donations}
        given = []
        for each in back.donations:
            all_of_it = [each, *self.history.donations(each.campaign)]
            sums = sum([one.points for one in all_of_it]), sum([one.money for one in all_of_it])
            gone = -1 if sums == whole[each.campaign] else 0
            given.append(Given(each.campaign, each.fund, gone, -each.points, -each.money))
        return given

    def conclude(
        self,
        back: _Back,
        points: MemberPoints | None,
        lines: tuple[ReturnedLine, ...],
        total: int,
    ) -> Reversed:
        """Sum it up. What is to be refunded: of a void what was paid and not refunded before; of a return so much
        that with those before it the sums come out right.
        """
        outcome, history = self._outcome, self.history
        money = 0
        if back.restored:
            by_now = outcome.redeemed_money * (history.restored + back.restored)
            money = by_now // outcome.points.redeemed - history.restored_money
        gifts = sum([each.shopper_money for each in back.donations])
        due = outcome.to_pay if self.void else history.due + total - money + gifts
        return Reversed(
            void=self.void,
            lines=lines,
            total=total,
            to_refund=max(due - history.refunded, 0),
            restored=back.restored,
            restored_money=money,
            clawed_back=points.clawed_back if points else 0,
            owed=points.owed if points else 0,
            shortfall=points.shortfall if points else 0,
            earned=tuple(back.earned),
            lapsed=tuple(points.lapsed.items()) if points else (),
            donations=(*back.donations, *back.kept),
            renewed=tuple(points.renewed) if points else (),
            repaid=points.repaid if points else 0,
        )
