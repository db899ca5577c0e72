"""Voids and returns from their request to their answer, fresh or read again."""

from dataclasses import dataclass
from typing import NamedTuple

from starlette.responses import Response

from lepta.channels.till.answers import Form
from lepta.channels.till.desk import CREATED, HIT_HEADER, RECOGNISED
from lepta.channels.till.reversal_answers import ReversalAnswers, Undone
from lepta.channels.till.reversal_schemas import ReturnBody, VoidBody
from lepta.channels.till.training_desk import TrainingDesk
from lepta.db import Tx
from lepta.http.auth import Principal
from lepta.http.bodies import JSON
from lepta.processing import reading
from lepta.processing.acts import Return, Void
from lepta.processing.decide import Answered
from lepta.processing.events import UnknownOriginal
from lepta.processing.leaf import Recorded, parse_checkout_id
from lepta.processing.moving import Moved, Recalled
from lepta.processing.reading import FoundAct
from lepta.processing.recognition import Refused
from lepta.processing.state import Submission
from lepta.runtime import Runtime


class Undoing(NamedTuple):
    """The act that a body tells of; `training`: nothing of it may be recorded."""

    act: Void | Return
    training: bool


def void_of(till: Principal, raw: bytes) -> Undoing:
    """The void that a body tells `till` of; raises what is wrong with it."""
    body = VoidBody.model_validate_json(raw)
    till.require_till(body.store, body.till)
    return Undoing(body.to_act(), body.training)


@dataclass(frozen=True, slots=True)
class ReturnsDesk:
    """Gives voids and returns to the writer and makes answers of what became of them."""

    runtime: Runtime
    reader: reading.Reader
    answers: ReversalAnswers
    training: TrainingDesk

    async def record(self, told: Undoing, header: str | None, form: Form) -> Response:
        """What becomes of an act; raises its refusal."""
        act, training = told
        if training:
            return await self.training.act(act, form)
        answered = await self.runtime.writer.submit(Submission.of(act, header))
        return await self.settle(act, answered, form)

    async def settle(self, act: Void | Return, answered: Answered, form: Form) -> Response:
        """The answer to a decided act; raises its refusal."""
        decision = answered.decision
        if isinstance(decision, Refused):
            raise decision.error
        assert isinstance(decision, (Moved, Recalled)), decision
        again = isinstance(decision, Recalled)
        async with self.runtime.database.read() as tx:
            found = FoundAct(act.key, decision.movement)
            body = await self.answer(tx, found, form, replayed=again)
        if again:
            return Response(body, RECOGNISED, HIT_HEADER, JSON)
        return Response(body, CREATED, media_type=JSON)

    async def answer(self, tx: Tx, found: FoundAct, form: Form, *, replayed: bool) -> bytes:
        """The answer to a recorded void or return."""
        key, movement = found
        sale = shopper = None
        if movement.about:
            sale = await reading.by_index(tx, movement.shard, movement.about[0])
            assert sale is not None, movement.about
            shopper = await reading.shopper_of(tx, sale)
        await self.reader.catch_up(tx, movement.shard)
        undone = Undone(movement, sale, shopper, key.store)
        return self.answers.answer(undone, form, replayed=replayed)

    async def return_of(self, till: Principal, raw: bytes) -> Undoing:
        """The return that a body tells `till` of; raises what is wrong with it."""
        body = ReturnBody.model_validate_json(raw)
        till.require_till(body.store, body.till)
        body.check_size()
        original = body.original.key if body.original else None
        if body.original and body.original.checkout is not None:
            sale = await self.sale(body.original.checkout)
            if sale is None:
                raise UnknownOriginal
            original = sale.event.key
        return Undoing(body.to_act(original), body.training)

    async def sale(self, checkout: str) -> Recorded | None:
        """The sale that an answer called so."""
        place = parse_checkout_id(checkout)
        if place is None:
            return None
        async with self.runtime.database.read() as tx:
            found = await reading.by_index(tx, *place)
        return found if found is not None and found.id == checkout else None
