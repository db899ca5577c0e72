"""Who waits for an answer."""

import asyncio
from collections import deque
from dataclasses import dataclass

from lepta.processing.acts import Return
from lepta.processing.decide import Accepted, Answered
from lepta.processing.events import Checkout
from lepta.processing.moving import Moved, Recalled
from lepta.processing.office import LaidOut
from lepta.processing.recognition import Repeated
from lepta.processing.state import Event, Submission

FRESH_S = 1.0
"""So old may be what is known of a card under which points are earned; whoever spends points is asked for in turn."""

LINES = 16
"""A receipt of so many lines takes the place of two ordinary ones, and so on."""


@dataclass(slots=True, eq=False)
class Waiting:
    """A submission in the queue and all who wait for its answer: whoever sent it first, then its repeats."""

    submission: Submission
    key: bytes | None
    until_s: float
    """When, by the loop's clock, those who wait are told that it takes too long."""
    answers: list[asyncio.Future[Answered]]
    weight: int = 1
    """How many ordinary events it takes the place of, in queue and batch."""
    laid_out: LaidOut | None = None
    laid_out_s: float = 0.0
    """When, by the loop's clock."""
    in_batch: bool = False
    """Too late to lay it out ahead: its turn has come."""

    def ready(self, now_s: float) -> LaidOut | None:
        """What was laid out ahead, unless it took long since: a card may have been blocked."""
        return self.laid_out if now_s - self.laid_out_s < FRESH_S else None

    def settle(self, answered: Answered) -> None:
        """Answer everybody who has not hung up."""
        for number, answer in enumerate(self.answers):
            if not answer.done():
                answer.set_result(_repeated(answered) if number else answered)

    def fail(self, error: Exception) -> None:
        """Nobody gets an answer."""
        for answer in self.answers:
            if not answer.done():
                answer.set_exception(error)


class Queue(deque[Waiting]):
    """Events in the order in which they came, and what they weigh together."""

    weight = 0

    def push(self, waiting: Waiting) -> None:
        """Put one at the end."""
        self.append(waiting)
        self.weight += waiting.weight

    def take(self) -> Waiting:
        """Take the first out: its turn has come."""
        waiting = self.popleft()
        self.weight -= waiting.weight
        waiting.in_batch = True
        return waiting


def weight_of(event: Event) -> int:
    """By its lines: memory and time that an event takes grow with them."""
    return 1 + len(event.lines) // LINES if isinstance(event, (Checkout, Return)) else 1


def _repeated(answered: Answered) -> Answered:
    """The answer for those who sent the same while it was under way."""
    decision = answered.decision
    if isinstance(decision, Accepted):
        return Answered(
            Repeated(decision.recorded, None, decision.recorded.void is not None), answered.shopper
        )
    if isinstance(decision, Moved):
        return Answered(Recalled(decision.movement, None), answered.shopper)
    return answered
