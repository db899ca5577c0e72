"""A till's stored events from their request to their answers, as many at once as leave room for other tills."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import NamedTuple

from pydantic import ValidationError
from starlette.requests import Request

from lepta.channels.till.answers import Form
from lepta.channels.till.batch_items import MAX_ITEMS, NoItem, holds_more, unwrap
from lepta.channels.till.desk import TillDesk, Told, event_of
from lepta.channels.till.returns_desk import ReturnsDesk, Undoing, void_of
from lepta.http import bodies
from lepta.http.auth import Principal
from lepta.http.edge import BATCH_PATH, BODY_LIMIT
from lepta.http.journal import Asked, Journal
from lepta.http.problems import (
    HANDLERS,
    REQUEST_ID,
    InternalError,
    TooLarge,
    handled,
    render,
)
from lepta.http.spool import Spool
from lepta.processing.acts import Return, Void
from lepta.processing.decide import Answered
from lepta.processing.events import Checkout, TooBusy
from lepta.processing.state import Submission
from lepta.settings import Settings

MOST_FILES = 32
"""At once in one process: 2 GiB of disk at the most."""
MOST_BYTES = 4 << 20
"""Of items on their way at once; what they are read into takes about ten times as much."""
LONGEST_ITEM = BODY_LIMIT + 1_000
"""A document as long as it may be alone, and the name before it."""
SHARE = 4
"""One in so many events of a full batch is an item: that is what other tills wait for."""
PAUSE_S = 0.02

Outcome = tuple[int, bytes]
"""Status and body."""


class Caller(NamedTuple):
    """Who sent a file, and how the answers are wanted."""

    request: Request
    till: Principal
    form: Form


@dataclass(slots=True)
class Window:
    """Items on their way, whichever files they are from: so many, and `MOST_BYTES` of them."""

    most: int
    _items: int = 0
    _bytes: int = 0
    _left: asyncio.Event = field(default_factory=asyncio.Event)

    async def enter(self, size: int) -> None:
        """Wait until there is room for an item of `size` bytes; a large one goes alone."""
        while self._items >= self.most or (self._items and self._bytes + size > MOST_BYTES):
            self._left.clear()
            await self._left.wait()
        self._items += 1
        self._bytes += size

    def leave(self, size: int) -> None:
        """Make room."""
        self._items -= 1
        self._bytes -= size
        self._left.set()


@dataclass(slots=True)
class BatchDesk:
    """Gives items to the writer one after the other, in their order, and puts their answers in that order, too.

    The writer decides in the order in which it is given events, so that an item finds everything before it of its
    till decided, and nobody needs to wait for that: one commit takes many items.
    """

    sales: TillDesk
    reversals: ReturnsDesk
    journal: Journal
    window: Window = field(init=False)
    _files: int = 0
    _under_way: set[asyncio.Task[Outcome]] = field(default_factory=set)

    def __post_init__(self) -> None:
        """A share of a batch is for stored events; the rest is for tills whose shoppers wait."""
        self.window = Window(max(1, self._settings.batch_size // SHARE))

    @property
    def _settings(self) -> Settings:
        return self.sales.runtime.settings

    @contextmanager
    def taking(self) -> Iterator[Spool]:
        """Room for one more file; raises `TooBusy`. It is given back with the block's end."""
        if self._files >= MOST_FILES:
            raise TooBusy("Too many batches are being taken.")
        self._files += 1
        spool = Spool(MAX_ITEMS)
        try:
            yield spool
        finally:
            self._files -= 1
            spool.close()

    async def outcomes(self, spool: Spool, caller: Caller) -> AsyncIterator[Outcome]:
        """What becomes of each item, in order. Whoever stops listening leaves decided what was begun."""
        waiting: deque[asyncio.Task[Outcome]] = deque()
        patience = _Patience(self._settings.answer_timeout_s)
        for item in spool.items(LONGEST_ITEM):
            size = len(item or b"")
            await self.window.enter(size)
            waiting.append(await self._begin(item, size, caller, patience))
            while waiting and (waiting[0].done() or len(waiting) >= self.window.most):
                yield await waiting.popleft()
        while waiting:
            yield await waiting.popleft()

    async def _begin(
        self, item: bytes | None, size: int, caller: Caller, patience: "_Patience"
    ) -> asyncio.Task[Outcome]:
        """Give an item to the writer; the task waits for its answer, whether or not anybody else does."""
        outcome: Awaitable[Outcome]
        try:
            outcome = await self._submit(item, caller, patience)
        except Exception as error:  # noqa: BLE001 - whatever it is, the other items are not to pay for it
            outcome = self._refused(error, caller)
        except BaseException:
            self.window.leave(size)  # nobody listens any more
            raise
        task = asyncio.ensure_future(self._finish(outcome, size, caller))
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)
        await asyncio.sleep(0)  # other tills, too, want their sales read
        return task

    async def _finish(self, outcome: Awaitable[Outcome], size: int, caller: Caller) -> Outcome:
        try:
            return await outcome
        except Exception as error:  # noqa: BLE001 - as above
            return await self._refused(error, caller)
        finally:
            self.window.leave(size)

    async def _submit(
        self, item: bytes | None, caller: Caller, patience: "_Patience"
    ) -> Awaitable[Outcome]:
        """An item in the writer's queue; raises what is wrong with it."""
        if item is None:
            raise TooLarge(BODY_LIMIT)
        event, training = await self._read(item, caller)
        if training:
            return self._rehearsed(event, caller)
        submission = Submission.of(event)
        writer = self.sales.runtime.writer
        deciding = await patience.enqueue(lambda: writer.enqueue(submission, share=False))
        if isinstance(event, Checkout):
            return self._sale(deciding, caller.form)
        return self._reversal(event, deciding, caller.form)

    async def _read(self, item: bytes, caller: Caller) -> Told | Undoing:
        kind, document = unwrap(item)
        if len(document) > BODY_LIMIT:
            raise TooLarge(BODY_LIMIT)
        bodies.check(document)
        try:
            if kind == "checkout":
                return event_of(caller.till, document)
            if kind == "void":
                return void_of(caller.till, document)
            return await self.reversals.return_of(caller.till, document)
        except ValidationError as error:
            # A fault of JSON is alone; and if there is none, the document goes on after its end.
            if error.error_count() == 1 and holds_more(item) and _is_no_json(error):
                raise NoItem from error
            raise

    async def _rehearsed(self, event: Checkout | Void | Return, caller: Caller) -> Outcome:
        training = self.sales.training
        if isinstance(event, Checkout):
            reply = await training.sale(event, caller.form, caller.till)
            return reply.status, reply.body
        answer = await training.act(event, caller.form)
        return answer.status_code, bytes(answer.body)

    async def _sale(self, deciding: asyncio.Future[Answered], form: Form) -> Outcome:
        reply = await self.sales.settle(await deciding, form)
        return reply.status, reply.body

    async def _reversal(
        self, act: Void | Return, deciding: asyncio.Future[Answered], form: Form
    ) -> Outcome:
        answer = await self.reversals.settle(act, await deciding, form)
        return answer.status_code, bytes(answer.body)

    async def _refused(self, error: Exception, caller: Caller) -> Outcome:
        """The problem document that the item would have been answered with alone."""
        asked = caller.request.scope
        request_id = asked[REQUEST_ID]
        # A scope of its own: what the log says of the batch is not what one item was refused for.
        scope = {"type": "http", "app": asked["app"], REQUEST_ID: request_id}
        try:
            answer = await handled(HANDLERS, Request(scope), error)
        except Exception as crash:  # noqa: BLE001 - no handler is for it: a bug
            self.journal.crashed(Asked(request_id, "POST", BATCH_PATH), crash)
            answer = render(InternalError(), request_id)
        return answer.status_code, bytes(answer.body)


def _is_no_json(error: ValidationError) -> bool:
    return error.errors(include_url=False)[0]["type"] == "json_invalid"


@dataclass(slots=True)
class _Patience:
    """A file waits where a till would be told to come again; but not for ever."""

    rest_s: float
    """How long the rest of the file may wait, all in all, for room in the writer's queue."""

    async def enqueue(
        self, try_it: Callable[[], asyncio.Future[Answered]]
    ) -> asyncio.Future[Answered]:
        """Try until there is room, or until patience is at an end: that raises `TooBusy`, at once for the items after
        it, so that none of them is decided before one that stood before it.
        """
        while self.rest_s > 0:
            try:
                return try_it()
            except TooBusy:
                await asyncio.sleep(PAUSE_S)
                self.rest_s -= PAUSE_S
        raise TooBusy("There was no room in the queue, or none for an item before this one.")


async def written(outcomes: AsyncIterator[Outcome]) -> AsyncIterator[bytes]:
    """The answer's JSON, piece by piece."""
    yield b'{"results":['
    before = b""
    async for status, body in outcomes:
        yield b'%b{"status":%d,"body":%b}' % (before, status, body)
        before = b","
    yield b"]}"
