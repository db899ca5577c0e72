"""A sale from its request to its answer, whichever way it comes in: the express lane's, or the framework's."""

import asyncio
import re
from collections.abc import Awaitable, Coroutine, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, NamedTuple

from starlette.datastructures import QueryParams

from lepta.channels.till.answers import Answers, Form, read_form
from lepta.channels.till.schemas import CheckoutBody
from lepta.channels.till.training_desk import TrainingDesk
from lepta.errors import InvalidRequest
from lepta.http import bodies
from lepta.http.auth import Gate, Principal, Scope
from lepta.http.express import Answer, Call, Reply
from lepta.processing import reading
from lepta.processing.decide import Accepted, Answered
from lepta.processing.events import Checkout
from lepta.processing.recognition import Refused, Repeated
from lepta.processing.state import Submission
from lepta.runtime import Runtime

CREATED, RECOGNISED = 201, 200
HIT_HEADER = {"Idempotency-Hit": "true"}
_JSON_FIELD = b"content-type: application/json\r\n"
_FIELDS = {CREATED: _JSON_FIELD, RECOGNISED: _JSON_FIELD + b"idempotency-hit: true\r\n"}
_HEADER = re.compile(r"[\x21-\x7e]{1,255}\Z", re.ASCII)


class Told(NamedTuple):
    """The event that a body tells of; `training`: nothing of it may be recorded."""

    event: Checkout
    training: bool


class Sale(NamedTuple):
    """A sale as it was asked for."""

    submission: Submission
    form: Form
    till: Principal
    training: bool = False


def read_sale(
    till: Principal, headers: Mapping[str, str], query: Mapping[str, str], body: bytes
) -> Sale:
    """The sale in a request of `till`; raises what is wrong with it."""
    event, training = event_of(till, body)
    form = read_form(query, headers.get("accept-language"))
    return Sale(Submission.of(event, idempotency_key(headers)), form, till, training)


def event_of(till: Principal, body: bytes) -> Told:
    """The event that a body tells `till` of; raises what is wrong with it."""
    told = CheckoutBody.model_validate_json(body)
    event = told.to_event()
    till.require_till(event.key.store, event.key.till)
    return Told(event, told.training)


def idempotency_key(headers: Mapping[str, str]) -> str | None:
    """The request's own name, where it has one; raises `InvalidRequest`."""
    key = headers.get("idempotency-key")
    if key is not None and not _HEADER.match(key):
        reason = "write 1 to 255 visible ASCII characters, without spaces"
        raise InvalidRequest([{"path": "Idempotency-Key", "reason": reason}])
    return key


@dataclass(slots=True)
class TillDesk:
    """Gives sales to the writer and makes answers of what became of them."""

    runtime: Runtime
    gate: Gate
    answers: Answers
    training: TrainingDesk
    _aside: set[asyncio.Task[None]] = field(default_factory=set)
    """Answers of the express lane for which something has to be looked up."""

    def take(self, call: Call, answer: Answer) -> bool:
        """Take a call of the express lane; a key that has to be looked up goes the ordinary way."""
        headers = call.headers
        key = self.gate.recall(headers.get("authorization", ""))
        if key is None:
            return False
        till = self.gate.admit(key, Scope.TILL)
        self.runtime.writer.check_room()  # before the work of reading what cannot be taken
        bodies.check_type(headers.get("content-type", ""))
        query: Mapping[str, str] = QueryParams(call.query) if call.query else {}
        sale = read_sale(till, headers, query, bodies.check(call.body))
        if sale.training:
            self._later(self.rehearse(sale), answer)
            return True
        deciding = self.runtime.writer.enqueue(sale.submission)
        deciding.add_done_callback(partial(self._decided, sale.form, answer))
        return True

    def _decided(self, form: Form, answer: Answer, deciding: asyncio.Future[Answered]) -> None:
        try:
            answered = deciding.result()
            reply = None if _lacks_shopper(answered) else self.reply(answered, form)
        except Exception as error:  # noqa: BLE001 - the lane knows what to say to each
            answer(error)
            return
        if reply is not None:
            answer(reply)
            return
        self._later(self.settle(answered, form), answer)

    def _later(self, asked: Coroutine[Any, Any, Reply], answer: Answer) -> None:
        task = asyncio.create_task(_answer(asked, answer))
        self._aside.add(task)
        task.add_done_callback(self._aside.discard)

    async def record(self, sale: Sale) -> Reply:
        """What becomes of a sale; raises its refusal."""
        if sale.training:
            return await self.rehearse(sale)
        return await self.settle(await self.runtime.writer.submit(sale.submission), sale.form)

    async def rehearse(self, sale: Sale) -> Reply:
        """What would become of a sale of a till in training; raises its refusal."""
        event = sale.submission.event
        assert isinstance(event, Checkout), event
        return await self.training.sale(event, sale.form, sale.till)

    async def settle(self, answered: Answered, form: Form) -> Reply:
        """The answer to a decided sale, whatever has to be looked up for it; raises its refusal."""
        if _lacks_shopper(answered):
            answered = await self._with_shopper(answered)
        return self.reply(answered, form)

    def reply(self, answered: Answered, form: Form) -> Reply:
        """The answer to a decided sale; raises its refusal."""
        decision = answered.decision
        if isinstance(decision, Refused):
            raise decision.error
        assert isinstance(decision, (Accepted, Repeated)), decision
        recorded, status = decision.recorded, CREATED
        voided = recorded.void is not None
        if isinstance(decision, Repeated):
            status, voided = RECOGNISED, decision.voided
        again = status == RECOGNISED
        body = self.answers.checkout(
            recorded, answered.shopper, form, replayed=again, voided=voided
        )
        return Reply(status, _FIELDS[status], body)

    async def _with_shopper(self, answered: Answered) -> Answered:
        decision: Any = answered.decision
        async with self.runtime.database.read() as tx:
            return Answered(decision, await reading.shopper_of(tx, decision.recorded))


async def _answer(asked: Awaitable[Reply], answer: Answer) -> None:
    try:
        reply = await asked
    except Exception as error:  # noqa: BLE001 - the lane knows what to say to each
        answer(error)
    else:
        answer(reply)


def _lacks_shopper(answered: Answered) -> bool:
    """Whether the card has changed hands since a sale, or is gone: the receipt still is its member's."""
    decision = answered.decision
    if answered.shopper is not None or not isinstance(decision, Repeated):
        return False
    return decision.recorded.seen.member is not None
