"""Before their turn: while other batches have the head, this process gets the sales of its next one ready.

On a connection of its own it looks up who shows the cards, lays the sales out and judges them. What is known of a
card then is a moment old when the turn comes (`waiting.FRESH_S` at most), as if the sale had been decided when it came
in. Sales that spend points wait for their turn: a card that was just blocked spends nothing. So do those that name a
quote: whether it is valid still shows then.
"""

import asyncio
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field

import asyncpg
import structlog

from lepta.db import Database
from lepta.logs import described
from lepta.processing.events import Checkout
from lepta.processing.office import LaidOut, Office
from lepta.processing.sight import Prepared
from lepta.processing.state import ShopperRecord
from lepta.processing.verdict import foresee
from lepta.processing.waiting import Waiting

log = structlog.get_logger("lepta.ahead")

MOST = 1_024
"""Of more than that the oldest are left to the writer, which lays out whatever comes to it unready."""
AT_ONCE = 8
"""Sales laid out before the loop may see to something else: the turn may have come."""
ROUND_S = 2.0
PAUSE_S = 0.5
"""After a failure: the writer does without."""


@dataclass(eq=False)
class Ahead:
    """Lays out what queues up. It may fail or lag at any time: it only ever saves time."""

    database: Database
    office: Office
    _fresh: deque[Waiting] = field(default_factory=lambda: deque(maxlen=MOST))
    _arrived: asyncio.Event = field(default_factory=asyncio.Event)
    _connection: asyncpg.Connection | None = None
    _task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to lay out what is added."""
        self._task = asyncio.create_task(self._run(), name="ahead")

    def stop(self) -> None:
        """Lay out nothing more."""
        if self._task is not None:
            self._task.cancel()
        self._disconnect()

    def add(self, waiting: Waiting) -> None:
        """Lay out a sale that has been queued up."""
        self._fresh.append(waiting)
        self._arrived.set()

    async def _run(self) -> None:
        while True:
            await self._arrived.wait()
            self._arrived.clear()
            try:
                await self._lay_out()
            except Exception as error:  # noqa: BLE001 - whatever it is, the writer meets it, too, and says more
                log.warning("nothing-laid-out", **described(error))
                self._disconnect()
                await asyncio.sleep(PAUSE_S)

    async def _lay_out(self) -> None:
        """One round: all that have come in since the last one."""
        fresh = [(w, sale) for w in self._fresh if (sale := _early(w)) is not None]
        self._fresh.clear()
        if not fresh:
            return
        async with asyncio.timeout(ROUND_S):
            if self._connection is None or self._connection.is_closed():
                self._connection = await self.database.writer_connection()
            # As of before anybody was looked up: whoever is merged meanwhile is looked up again under the lock.
            read_s, basis = asyncio.get_running_loop().time(), self.office.basis
            shoppers = await self.office.look_up(self._connection, [sale for _, sale in fresh])
        for number, (waiting, sale) in enumerate(fresh, start=1):
            if not waiting.in_batch:
                ready = self._ready(sale, shoppers)
                if ready is not None and ready.basis == basis:
                    waiting.laid_out, waiting.laid_out_s = ready, read_s
            if number % AT_ONCE == 0:
                await asyncio.sleep(0)

    def _ready(self, sale: Checkout, shoppers: Mapping[str, ShopperRecord]) -> LaidOut | None:
        """None for a sale that cannot be laid out: nobody else's is to suffer from it."""
        try:
            laid_out = self.office.lay_out(sale, shoppers)
            if isinstance(laid_out.sale, Prepared):
                if laid_out.sale.matched.spends_points:
                    return None
                foreseen = foresee(laid_out.sale)
                return LaidOut(laid_out.basis, laid_out.shopper, laid_out.sale, foreseen)
        except Exception:  # noqa: BLE001 - as above
            return None
        return laid_out

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.terminate()


def _early(waiting: Waiting) -> Checkout | None:
    """The sale, if it may be laid out before its turn."""
    event = waiting.submission.event
    if waiting.in_batch or not isinstance(event, Checkout):
        return None
    if event.redeem or event.quote or event.hold:
        return None
    return event
