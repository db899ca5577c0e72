"""What tills in training send, from its reading to its answer: nothing of it gets to the writer."""

from dataclasses import dataclass

from starlette.responses import Response

from lepta.channels.till.answers import Answers, Form
from lepta.channels.till.reversal_answers import ReversalAnswers, Undone
from lepta.http.auth import Principal
from lepta.http.bodies import JSON
from lepta.http.express import Reply
from lepta.http.limits import CardLookups
from lepta.processing import reading
from lepta.processing.acts import Return, Void
from lepta.processing.events import Checkout
from lepta.processing.training import Training

ANSWERED = 200
_FIELDS = b"content-type: application/json\r\n"


@dataclass(frozen=True, slots=True)
class TrainingDesk:
    """Answers as if the till's events were real. Raises what they would be refused with."""

    training: Training
    answers: Answers
    reversals: ReversalAnswers
    cards: CardLookups

    async def sale(self, event: Checkout, form: Form, till: Principal) -> Reply:
        """The answer to a sale. Since it leaves no trace, it is a way to try card numbers, and slowed down like others."""
        if event.card is None:
            rehearsed = await self.training.sale(event)
        else:
            with self.cards.one(till) as lookup:
                rehearsed = await self.training.sale(event)
                lookup.is_unknown = rehearsed.recorded.seen.card_status == "unknown"
        return Reply(ANSWERED, _FIELDS, self.answers.training(*rehearsed, form))

    async def act(self, act: Void | Return, form: Form) -> Response:
        """The answer to a void or a return."""
        movement = await self.training.act(act)
        sale = shopper = None
        if movement.about:
            async with self.training.quoting.database.read() as tx:
                sale = await reading.by_index(tx, movement.shard, movement.about[0])
                assert sale is not None, movement.about
                shopper = await reading.shopper_of(tx, sale)
        undone = Undone(movement, sale, shopper, act.key.store)
        body = self.reversals.answer(undone, form, replayed=False, training=True)
        return Response(body, ANSWERED, media_type=JSON)
