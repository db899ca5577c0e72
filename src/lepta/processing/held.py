"""Holds as the log has them, and what becomes of the one that a sale names. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import NamedTuple

from lepta.ledger import chart
from lepta.ledger.chart import Account
from lepta.ledger.lots import Lot, Move, Spent, spend
from lepta.processing.beside import Beside
from lepta.processing.events import Checkout, HoldMismatch
from lepta.processing.leaf import Leaf, last_day, moment_of, parse_checkout_id
from lepta.processing.motion import Movement
from lepta.values import value

UNKNOWN_HOLD, HOLD_ENDED = "unknown-hold", "hold-ended"
"""Flags of a sale: its hold is none of its card in its store; it was over before the sale came."""


@value
class Held:
    """A hold, with the lots that its points lie in, in the order of spending."""

    movement: Movement
    lots: Sequence[Spent]
    resolved_by: int | None
    """The place of the event that ended it: a sale that spent from it, or a release."""
    owner: str | None = None
    """Who its member became, if they were merged."""

    @classmethod
    def of(cls, leaf: Leaf, lying: Beside, resolved_by: int | None) -> "Held":
        """As its leaf tells of it."""
        lots = [
            Spent(Lot(last_day(last), index, leg, 0, issuer), -points)
            for _, index, leg, points, last, _, issuer in leaf.document["moves"]
            if points < 0
        ]
        return cls(Movement.of(leaf, lying), sorted(lots), resolved_by)

    @property
    def member(self) -> str:
        """Whose points they are."""
        return self.owner or str(self.movement.facts["member"])

    @property
    def available(self) -> Account:
        """Where its points come from and go back to."""
        asset = chart.points_of(self.movement.facts["programme"])
        return chart.available(self.member, asset)

    @property
    def account(self) -> Account:
        """Where they lie meanwhile."""
        return chart.held(self.member, self.available.asset)

    @property
    def store(self) -> str:
        """Where it was made."""
        return str(self.movement.request["till"][0])

    @property
    def points(self) -> int:
        """How many are set aside."""
        return int(self.movement.request["points"])

    @property
    def expires_at(self) -> datetime:
        """From then on nothing is set aside any more, whether somebody has said so or not."""
        return moment_of(self.movement.outcome["expires_at"])

    @property
    def released(self) -> list[Move]:
        """Its points go back into the lots that they came from."""
        return [
            move
            for lot, points in self.lots
            for move in (Move(self.account, lot, points), Move(self.available, lot, -points))
        ]


class Capture(NamedTuple):
    """What becomes of the hold that a sale names."""

    held: Held | None = None
    """None: it names none, or none of its card in its store."""
    is_open: bool = False
    """All its points come back, to be spent or to be free again. If not, they came back before."""
    in_time: bool = False
    """The sale spends from its lots first, also from those whose last day is over."""
    flag: str | None = None

    @property
    def moves(self) -> Sequence[Move]:
        """What of lots it gives back."""
        return self.held.released if self.held is not None and self.is_open else ()

    def more(self, day: date) -> int:
        """Points that the sale may spend besides those that are free."""
        if self.held is None or not self.is_open:
            return 0
        kept = [s.points for s in self.held.lots if self.in_time or s.lot.expires_on >= day]
        return sum(kept)

    def spend(self, free: Iterable[Lot], points: int, day: date) -> list[Spent]:
        """Take points from lots as they are once those of the hold are back: from what was held first, then from what
        else is to be spent on that business day, in spending order.
        """
        if self.held is None or not self.is_open:
            return spend(free, points, day)
        lots = {lot[:3]: lot for lot in free}
        first: dict[tuple[date, int, int], int] = {}
        for lot, part in self.held.lots:
            before = lots.get(lot[:3], lot)
            lots[lot[:3]] = before._replace(remaining=before.remaining + part)
            if self.in_time:
                first[lot[:3]] = min(part, points)
                points -= first[lot[:3]]
        rest = [
            lot._replace(remaining=lot.remaining - held)
            for place, lot in lots.items()
            for held in [first.get(place, 0)]
            if lot.remaining > held
        ]
        for lot, part in spend(rest, points, day) if points else ():
            first[lot[:3]] = first.get(lot[:3], 0) + part
        return [Spent(lots[place], part) for place, part in first.items() if part]


NO_HOLD = Capture()


def capture(
    event: Checkout,
    available: Account | None,
    holds: Mapping[int, Held],
    received_at: datetime,
) -> Capture:
    """What becomes of the hold that a sale names, by where its shopper's points lie.

    Raises `HoldMismatch` where the till is still waiting; offline, the sale is over, and has to do with free points.
    """
    if event.hold is None:
        return NO_HOLD
    held = named(event.hold, holds)
    if held is None or held.available != available or held.store != event.key.store:
        if event.offline:
            return Capture(flag=UNKNOWN_HOLD)
        raise HoldMismatch(event.hold)
    if held.resolved_by is not None:
        return Capture(held, flag=HOLD_ENDED)
    in_time = received_at < held.expires_at
    return Capture(held, is_open=True, in_time=in_time, flag=None if in_time else HOLD_ENDED)


def named(hold: str, holds: Mapping[int, Held]) -> Held | None:
    """The hold of this id, if it is one of these."""
    place = parse_checkout_id(hold)
    held = holds.get(place[1]) if place else None
    return held if held is not None and held.movement.id == hold else None


def reopened(held: Held) -> Held:
    """The hold as it was before it ended."""
    return replace(held, resolved_by=None)
