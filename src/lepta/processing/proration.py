"""How much of a sale's goods came back, line by line, and what part of an amount goes with them.

A line comes back by its quantity. Where a line took some of its product back on the sale itself (voided at the till,
or a discount line of its own), all lines of that product are one piece, which comes to what is left of them together.
What has no quantity but costs something comes back by its amount. A part of a line is never rounded up, and the last
return takes the rest: so returns of any number and order come to the same.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from lepta.errors import DomainError
from lepta.money import MICRO, ONE, Ratio
from lepta.processing.events import BasketLine, Checkout

NOTHING = Ratio(0, 1)


class ReturnedLine(NamedTuple):
    """So much of the line with this number on the sale; millionths and minor units, not below 0."""

    line: int
    quantity_micro: int
    amount: int


class OverReturn(DomainError):
    """More would come back than was bought.

    The member `left` says of each line of the sale how much of it may still come back, `left_total` how much
    money for all of them; both are nothing after a void. Correct the return, or look for goods of another sale
    in it, and send it again under the same sequence and a new `Idempotency-Key` (or none).
    """

    code = "over-return"

    def __init__(self, why: str, left: Iterable[ReturnedLine], left_total: int) -> None:
        super().__init__(
            f"{why} Nothing was recorded: correct the return by `left`, which is what may still come back of "
            "each line, and send it again under a new Idempotency-Key (or none).",
            left=[
                {"line": number, "quantity": quantity_text(micro), "amount": amount}
                for number, micro, amount in left
            ],
            left_total=left_total,
        )


def quantity_text(micro: int) -> str:
    """Millionths as a decimal string: 345,000 is "0.345"."""
    whole, rest = divmod(micro, MICRO)
    return f"{whole}.{rest:06}".rstrip("0") if rest else str(whole)


@dataclass(frozen=True, slots=True)
class _Piece:
    """Lines of the sale that come back together, at these positions, and what they come to."""

    positions: tuple[int, ...]
    quantity_micro: int
    amount: int
    by_amount: bool

    @property
    def whole(self) -> int:
        """What has come back when all of it has; 0: there is nothing to bring back."""
        return self.amount if self.by_amount else self.quantity_micro


class Rest(NamedTuple):
    """Lines that come back together, of which something is back."""

    positions: tuple[int, ...]
    """The first one is bought, not taken back on the sale itself."""
    quantity_micro: int
    """What is left of them together."""
    back: Ratio
    """What part of them is back."""


@dataclass(slots=True)
class Goods:
    """The goods of a sale, and what of them has come back so far."""

    lines: Sequence[BasketLine]
    pieces: Sequence[_Piece]
    most: int
    """What may be asked for all of them together: the total, but for what the sale itself took back."""
    back: dict[int, tuple[int, int]] = field(default_factory=dict)
    """By position: millionths and amount."""
    total_back: int = 0
    voided: bool = False

    @classmethod
    def of(cls, event: Checkout) -> "Goods":
        """All of the sale's goods, none of which has come back."""
        pieces = _pieces(event.lines)
        # What the total is below the sum of the lines was in the shopper's favour.
        less = sum(line.amount for line in event.lines) - event.total
        return cls(event.lines, pieces, max(sum(piece.amount for piece in pieces) - less, 0))

    @property
    def is_whole(self) -> bool:
        """Whether nothing is left to bring back."""
        if self.voided:
            return True
        measured = [piece for piece in self.pieces if piece.whole]
        return bool(measured) and all(self._came(piece) == piece.whole for piece in measured)

    def parts(self) -> list[Ratio]:
        """By position: what part of the line is back."""
        if self.is_whole:
            return [ONE] * len(self.lines)
        parts = [NOTHING] * len(self.lines)
        for piece in self.pieces:
            for position in piece.positions:
                if piece.whole:
                    parts[position] = Ratio(self._came(piece), piece.whole)
        return parts

    def rests(self) -> list[Rest]:
        """Of the pieces that something is back of."""
        parts, found = self.parts(), []
        for piece in self.pieces:
            came_micro, came_amount = self._sum(piece, self.back)
            if came_micro or came_amount:
                bought_first = sorted(piece.positions, key=lambda n: _takes_back(self.lines[n]))
                left = piece.quantity_micro - came_micro
                found.append(Rest(tuple(bought_first), left, parts[piece.positions[0]]))
        return found

    def bring(self, lines: Iterable[ReturnedLine], total: int) -> None:
        """Take goods back, and `total` for them. Raises `OverReturn`, having taken nothing, where that is too much."""
        after, asked = dict(self.back), list(lines)
        position_of = {line.line: n for n, line in enumerate(self.lines)}
        for number, micro, amount in asked:
            assert min(micro, amount) >= 0, number
            if self.voided:
                raise self._refusal("The sale was voided: all of it is taken back.")
            if number not in position_of:
                raise self._refusal(f"The sale has no line {number}.")
            position = position_of[number]
            if _takes_back(self.lines[position]):
                raise self._refusal(
                    f"Line {number} took something back on the sale itself, which cannot be brought back."
                )
            had_micro, had_amount = after.get(position, (0, 0))
            after[position] = (had_micro + micro, had_amount + amount)
        numbers = {position_of[line.line] for line in asked}
        for piece in self.pieces:
            touched = numbers.intersection(piece.positions)
            if touched and self._is_over(piece, touched, after):
                number = self.lines[min(touched)].line
                raise self._refusal(f"More of line {number} would come back than is left of it.")
        if self.total_back + total > self.most:
            raise self._refusal(f"The return comes to {total}, more than is left of the sale.")
        self.back = after
        self.total_back += total

    def void(self) -> None:
        """Take back all that is left. Raises `OverReturn` where the sale was voided before."""
        if self.voided:
            raise self._refusal("The sale was voided before.")
        self.voided = True

    def left(self) -> list[ReturnedLine]:
        """What may still come back of each line; of lines that come back together each tells what is left of all."""
        left = []
        for piece in () if self.voided else self.pieces:
            if self._came(piece) == piece.whole:
                continue
            came_micro, came_amount = self._sum(piece, self.back)
            rest_micro, rest_amount = piece.quantity_micro - came_micro, piece.amount - came_amount
            for n in piece.positions:
                line = self.lines[n]
                if _takes_back(line):
                    continue
                micro, amount = self.back.get(n, (0, 0))
                own_micro, own_amount = abs(line.quantity_micro) - micro, line.amount - amount
                rest = min(own_micro, rest_micro), min(own_amount, rest_amount)
                if any(rest):
                    left.append(ReturnedLine(line.line, *rest))
        return left

    def _came(self, piece: _Piece) -> int:
        micro, amount = self._sum(piece, self.back)
        return amount if piece.by_amount else micro

    def _is_over(
        self, piece: _Piece, touched: Iterable[int], after: dict[int, tuple[int, int]]
    ) -> bool:
        micro, amount = self._sum(piece, after)
        if micro > piece.quantity_micro or amount > piece.amount:
            return True
        return any(
            after[n][0] > abs(self.lines[n].quantity_micro) or after[n][1] > self.lines[n].amount
            for n in touched
        )

    @staticmethod
    def _sum(piece: _Piece, back: dict[int, tuple[int, int]]) -> tuple[int, int]:
        came = [back.get(n, (0, 0)) for n in piece.positions]
        return sum([micro for micro, _ in came]), sum([amount for _, amount in came])

    def _refusal(self, why: str) -> OverReturn:
        rest = 0 if self.voided else self.most - self.total_back
        return OverReturn(why, self.left(), rest)


def _signed(line: BasketLine) -> int:
    """Millionths that a line adds to its product, below 0 where it takes some back: as the rules count them (see
    `rules.measure.signed_quantity`).
    """
    if line.amount > 0:
        return abs(line.quantity_micro)
    return -abs(line.quantity_micro) if line.amount < 0 else line.quantity_micro


def _takes_back(line: BasketLine) -> bool:
    return line.amount < 0 or _signed(line) < 0


def _pieces(lines: Sequence[BasketLine]) -> list[_Piece]:
    """In the order of their first lines."""
    together = {line.sku for line in lines if _takes_back(line)}
    places: dict[tuple[str, int], list[int]] = {}
    for n, line in enumerate(lines):
        places.setdefault((line.sku, -1 if line.sku in together else n), []).append(n)
    return [_piece(lines, positions) for positions in places.values()]


def _piece(lines: Sequence[BasketLine], positions: Sequence[int]) -> _Piece:
    micro = [_signed(lines[n]) for n in positions]
    amount = sum([lines[n].amount for n in positions])
    at = tuple(positions)
    if sum(micro) > 0:
        return _Piece(at, sum(micro), max(amount, 0), by_amount=False)
    if amount > 0:
        return _Piece(at, sum([each for each in micro if each > 0]), amount, by_amount=True)
    return _Piece(at, 0, 0, by_amount=False)


def prorated(lines: Sequence[int], by_line: Sequence[int], parts: Sequence[Ratio]) -> int:
    """What of the lines' shares goes with the parts of them that are back: each rounded down, so never too much."""
    back = 0
    for position, share in zip(lines, by_line, strict=True):
        numerator, denominator = parts[position]
        back += share * numerator // denominator
    return back
