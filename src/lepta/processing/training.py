"""What a till in training mode is told: its events decided as real ones, on a view of the ledger, and then forgotten.

Nothing is written, claimed, counted or locked, however often they are sent; the same names may be real events' later.
"""

import os
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from lepta.processing import load, subjects
from lepta.processing.acts import Act, Return, Void
from lepta.processing.batch import SALT_BYTES
from lepta.processing.decide import decide_checkout
from lepta.processing.events import Checkout, UnknownOriginal
from lepta.processing.leaf import Recorded
from lepta.processing.motion import Movement
from lepta.processing.moving import Moved, decide_act
from lepta.processing.quoting import NEVER_STORED, Quoting
from lepta.processing.reading import bare, see_head
from lepta.processing.recognition import Refused
from lepta.processing.state import Claim, ShopperRecord, State, Submission


class Rehearsed(NamedTuple):
    """A sale as it would be recorded now."""

    recorded: Recorded
    shopper: ShopperRecord | None


@dataclass(slots=True)
class Training:
    """Decides the events of tills in training, for one process."""

    quoting: Quoting
    _chart: load.Chart = field(default_factory=load.Chart)

    async def sale(self, event: Checkout) -> Rehearsed:
        """What would become of a sale. Raises what it would be refused with, but for names that are taken."""
        view = await self.quoting.view(event)
        decision = decide_checkout(
            Submission(event), view.prepared, view.state, None, view.named,
            received_at=view.at, salt=os.urandom(SALT_BYTES),
        )  # fmt: skip
        if isinstance(decision, Refused):
            raise decision.error
        return Rehearsed(decision.recorded, view.shopper)

    async def act(self, act: Act) -> Movement:
        """The same of anything else. A sale that nobody knows may have been training, too: its return is taken."""
        state = await self._state(act)
        decision = self._decided(act, state)
        if isinstance(act, Return) and _is_of_nothing_known(decision):
            decision = self._decided(replace(act, offline=True), state)
        if isinstance(decision, Refused):
            raise decision.error
        return decision.movement

    def _decided(self, act: Act, state: State) -> Moved | Refused:
        received_at, salt = self.quoting.clock(), os.urandom(SALT_BYTES)
        return decide_act(Submission(act), act, state, received_at=received_at, salt=salt)

    async def _state(self, act: Act) -> State:
        reader, shard = self.quoting.reader, self.quoting.shard
        async with self.quoting.database.read() as tx:
            head = await see_head(tx, shard)
            connection = await bare(tx)
            await reader.follow(connection, head)
            places = await subjects.find(connection, shard, [act.subject] if act.subject else ())
            sales = await subjects.read(connection, shard, set(places.values()), head.size)
            ledger = await load.read_ledger(
                connection, shard, self._chart, head.next_account, claims=(), sales=()
            )
            members = subjects.members_of([act], sales)
            await subjects.read_holdings(connection, shard, ledger.book, members)
        claims: dict[Claim, int | bytes] = {
            claim: place
            for claim, place in places.items()
            # Where a void came first there is nothing to be voided again.
            if place in sales or not isinstance(act, Void)
        }
        ledger.book.next_account = NEVER_STORED  # as in a quote's view
        state = State(
            shard, head.size, reader.rulebooks.newest, claims, {}, ledger.book, subjects=sales
        )
        here = reader.directory.store(act.till[0]) if act.till else None
        if act.till and here:
            state.stores[act.till[0]] = here.seen
        return state


def _is_of_nothing_known(decision: Moved | Refused) -> bool:
    return isinstance(decision, Refused) and isinstance(decision.error, UnknownOriginal)
