"""The writer: group commit. It takes whatever has queued up and makes it the next transaction.

No timer: while one batch is being flushed, the next one gathers. An answer leaves only after COMMIT has
returned; a COMMIT whose outcome is unknown is looked up, never guessed.
"""

import asyncio
from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import asyncpg
import structlog

from lepta.db import Database
from lepta.logs import described
from lepta.processing import batch as batches
from lepta.processing import load, metrics, sql
from lepta.processing.acts import Hold, LotsDue
from lepta.processing.ahead import Ahead
from lepta.processing.batch import Done, Sources, Turn
from lepta.processing.decide import Answered
from lepta.processing.directory import Directory
from lepta.processing.events import Checkout, Publish, TooBusy
from lepta.processing.office import Office
from lepta.processing.owners import Merge
from lepta.processing.rulebooks import Rulebooks
from lepta.processing.state import Event, Submission
from lepta.processing.waiting import Queue, Waiting, weight_of

log = structlog.get_logger("lepta.writer")

LOST = (
    OSError,
    TimeoutError,
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.CannotConnectNowError,
)
"""The connection, or the server behind it, is gone: nothing is wrong with the batch."""
SMALL_BATCH = 16
RECONNECT_S = (0.05, 0.1, 0.2, 0.5, 1.0)


def now() -> datetime:
    """The clock, to the millisecond: what a leaf can say exactly."""
    moment = datetime.now(UTC)
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


@dataclass(eq=False)
class Writer:
    """The one writer of a shard in this process. Other processes may have theirs: the head's lock fences."""

    database: Database
    directory: Directory
    rulebooks: Rulebooks
    shard: int = 0
    queue_size: int = 4_096
    batch_size: int = 256
    answer_timeout_s: float = 30.0
    queue_wait_s: float = 5.0
    patience_s: float = 0.001
    """Who waits longer for the head's lock waits for another process."""
    clock: Callable[[], datetime] = now
    _queue: Queue = field(default_factory=Queue)
    _in_flight: dict[bytes, Waiting] = field(default_factory=dict)
    _owed: deque[tuple[Waiting, Answered]] = field(default_factory=deque)
    _batch: Sequence[Waiting] = ()
    """The one being written."""
    _overdue_check: asyncio.TimerHandle | None = None
    _arrived: asyncio.Event = field(default_factory=asyncio.Event)
    _stopping: bool = False
    _task: asyncio.Task[None] | None = None
    _connection: asyncpg.Connection | None = None

    def __post_init__(self) -> None:
        office = Office(self.directory, self.rulebooks, self.clock)
        self._sources = Sources(self.shard, office)
        self._ahead = Ahead(self.database, office)

    @property
    def alive(self) -> bool:
        """Whether events are being taken: false before start, after stop, or if the loop has died."""
        return self._task is not None and not self._task.done() and not self._stopping

    async def start(self) -> None:
        """Connect, learn the rulebook and the directory, and begin to take events."""
        self._connection = await self.database.writer_connection()
        async with self._connection.transaction():
            head = await load.lock_head(self._connection, self.shard)
            await batches.write(self._connection, self._sources, head, (), received_at=self.clock())
        self._task = asyncio.create_task(self._run(), name=f"writer-{self.shard}")
        self._ahead.start()

    async def stop(self) -> None:
        """Take nothing more, write what has queued up, then end."""
        self._stopping = True
        self._arrived.set()
        if self._task is not None:
            await self._task
        self._ahead.stop()
        if self._overdue_check is not None:
            self._overdue_check.cancel()
        if self._connection is not None:
            self._connection.terminate()

    async def submit(self, submission: Submission) -> Answered:
        """Queue an event and wait for its committed decision; raises as `enqueue`'s future does."""
        return await self.enqueue(submission)

    def enqueue(self, submission: Submission, *, share: bool = True) -> asyncio.Future[Answered]:
        """Queue an event; its committed decision is in the future.

        `share`: if it is under way already, its answer will do; else it is decided in its own turn, after whatever was
        queued in between.

        Raises `TooBusy` as `check_room` does. So does the future when the database does not answer in time: the same
        event sent again is safe either way.
        """
        key = _in_flight_key(submission) if share else None
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Answered] = loop.create_future()
        running = self._in_flight.get(key) if key else None
        if running is not None:
            if running.until_s <= loop.time():
                raise _overdue()  # nobody looks again at an event that is overdue until it is written
            running.answers.append(answer)
            return answer
        until_s = loop.time() + self.answer_timeout_s
        self._queue_up(Waiting(submission, key, until_s, [answer], weight_of(submission.event)))
        if self._overdue_check is None:
            self._overdue_check = loop.call_at(until_s, self._fail_overdue)
        return answer

    def check_room(self) -> None:
        """Raise `TooBusy` if no event is taken now: the queue is full; or, be it short, the database is so slow that
        whoever came now would wait too long. So waiting is bounded whatever the database can do.
        """
        if not self.alive:
            raise TooBusy("This service is stopping.")
        queue = self._queue
        if queue.weight < self.queue_size:
            if queue.weight < self.batch_size:
                return
            waited_s = asyncio.get_running_loop().time() - queue[0].until_s + self.answer_timeout_s
            if waited_s < self.queue_wait_s:
                return
        metrics.REFUSED.inc()
        raise TooBusy("Too many events are waiting.")

    def _queue_up(self, waiting: Waiting) -> None:
        self.check_room()
        if waiting.key:
            self._in_flight[waiting.key] = waiting
        self._queue.push(waiting)
        self._ahead.add(waiting)
        self._arrived.set()

    def _fail_overdue(self) -> None:
        """Tell those who have waited too long; what they sent may still be recorded."""
        loop = asyncio.get_running_loop()
        self._overdue_check = None
        for waiting in (*self._batch, *self._queue):  # the oldest first
            if waiting.until_s > loop.time():
                self._overdue_check = loop.call_at(waiting.until_s, self._fail_overdue)
                return
            waiting.fail(_overdue())

    async def _run(self) -> None:
        while True:
            while not self._queue:
                if self._stopping:
                    self._pay()
                    return
                self._arrived.clear()
                await self._arrived.wait()
            self._batch = []
            await self._settle(self._batch)

    def _next(self, *, half: bool) -> list[Waiting]:
        """What has queued up, to the most a batch may hold; a publication and a merger go alone.

        `half`: as much stays behind as is just being answered. So while the database works for one half of the
        tills, this process works for the other; else either would stand idle while the other works for all.
        """
        queue = self._queue
        most = self.batch_size
        if half:
            most = min(most, max(SMALL_BATCH, (len(queue) + len(self._owed) + 1) // 2))
        batch: list[Waiting] = []
        while queue and most > 0:
            event = queue[0].submission.event
            alone = isinstance(event, (Publish, Merge))
            if batch and (alone or _follows(event, batch)):
                break
            batch.append(queue.take())
            most -= batch[-1].weight
            if alone:
                break
        return batch

    async def _settle(self, batch: list[Waiting]) -> None:
        """Write a batch and answer it; an empty one is filled when its turn has come. An event that cannot be
        written never takes its neighbours along.
        """
        try:
            done = await self._write(batch)
        except Exception as error:  # noqa: BLE001 - whatever it is, only its own event pays
            if not batch:
                batch += self._next(half=False)
            if len(batch) == 1:
                log.error("event-failed", **described(error))  # noqa: TRY400 - its words may quote a card
                metrics.FAILED.inc()
                self._landed(batch[0]).fail(error)
                return
            log.error("batch-failed", events=len(batch), **described(error))  # noqa: TRY400
            for waiting in batch:
                await self._settle([waiting])
            return
        self._owe(batch, done)

    def _owe(self, batch: Sequence[Waiting], done: Done) -> None:
        """Answer a committed batch: at once if nothing waits, else while the database works on the next one.

        Making answers takes this process as long as the database takes to write a batch; so they overlap. The
        timer is for when the next batch has to wait for its turn, since another process has the head.
        """
        self._owed.extend((self._landed(w), a) for w, a in zip(batch, done.answers, strict=True))
        if self._queue:
            asyncio.get_running_loop().call_later(self.patience_s, self._pay_slowly)
        else:
            self._pay()

    def _pay(self, parts: int = 1) -> None:
        """Answer one of so many parts of those who wait for an answer."""
        for _ in range(-(-len(self._owed) // parts)):
            waiting, answered = self._owed.popleft()
            waiting.settle(answered)

    def _pay_slowly(self) -> None:
        """Answer all, with a look at the database after each few: the turn may have come."""
        if self._owed:
            self._pay(max(1, len(self._owed) // 4))
            asyncio.get_running_loop().call_soon(self._pay_slowly)

    def _landed(self, waiting: Waiting) -> Waiting:
        """From now on a repeat finds the event in the log, not in flight."""
        if waiting.key:
            self._in_flight.pop(waiting.key, None)
        return waiting

    async def _write(self, batch: list[Waiting]) -> Done:
        """One transaction, tried until the database takes or refuses it.

        What goes into it is taken last, when it is our turn: the longer others had the head, the more there is.
        """
        while True:
            connection = await self._connected()
            done: Done | None = None
            try:
                await connection.execute("BEGIN")
                asked_s = asyncio.get_running_loop().time()
                head = await load.lock_head(connection, self.shard)
                if not batch:
                    waited_s = asyncio.get_running_loop().time() - asked_s
                    batch += self._next(half=waited_s < self.patience_s)
                done = await batches.write(
                    connection, self._sources, head, _turns(batch),
                    received_at=self.clock(), meanwhile=self._pay,
                )  # fmt: skip
                await connection.execute("COMMIT")
            except Exception as error:
                self._sources.forget()
                for waiting in batch:
                    waiting.laid_out = None
                if not _is_lost(connection, error):
                    await self._roll_back(connection)
                    raise
                committing = done is not None
                log.warning("connection-lost", error=type(error).__name__, committing=committing)
                connection.terminate()
                if done is None or not await self._is_committed(done):
                    continue
            self._committed(done)
            return done

    def _committed(self, done: Done) -> None:
        """What was decided is now history: remember it for the next batch."""
        self._sources.chart.learn(done.state.book.changes, done.state.book.next_account)
        self.rulebooks.follow(done.state.rulebook)
        metrics.BATCH.observe(len(done.decisions))
        for kind, count in Counter(map(type, done.decisions)).items():
            metrics.EVENTS.labels(kind.__name__.lower()).inc(count)

    async def _is_committed(self, done: Done) -> bool:
        """Whether a COMMIT that got no answer took effect: the table decides, under the head's lock. Until that is
        free, the COMMIT may still be on its way.
        """
        while done.recorded:
            connection = await self._connected()
            last = done.state.size - 1
            try:
                await connection.execute("BEGIN")
                await connection.fetchval(sql.WAIT_FOR_HEAD, self.shard)
                found = await connection.fetchval(sql.READ_LEAF_HASH, self.shard, last)
                await connection.execute("ROLLBACK")
            except Exception as error:
                if not _is_lost(connection, error):
                    await self._roll_back(connection)
                    raise
                connection.terminate()
            else:
                return bool(found == done.last_hash)
        return False

    async def _roll_back(self, connection: asyncpg.Connection) -> None:
        try:
            await connection.execute("ROLLBACK")
        except (*LOST, asyncpg.InterfaceError):
            connection.terminate()

    async def _connected(self) -> asyncpg.Connection:
        """The connection, made anew for as long as it takes. Waiting events time out by themselves."""
        tries = 0
        while self._connection is None or self._connection.is_closed():
            try:
                self._connection = await self.database.writer_connection()
            except (*LOST, asyncpg.PostgresError) as error:
                pause_s = RECONNECT_S[min(tries, len(RECONNECT_S) - 1)]
                tries += 1
                log.warning("database-unreachable", error=type(error).__name__, tries=tries)
                self._give_up_on_stop()
                await asyncio.sleep(pause_s)
        return self._connection

    def _give_up_on_stop(self) -> None:
        if self._stopping:
            raise TooBusy("This service is stopping and cannot reach its database.")


def _follows(event: Event, batch: Sequence[Waiting]) -> bool:
    """Whether an act is about a sale that the batch itself may record or take back, or whose points it may end: it is
    decided on what is written.
    """
    if isinstance(event, (Checkout, Publish)) or event.subject is None:
        return False
    others = (waiting.submission.event for waiting in batch)
    return any(
        isinstance(other, LotsDue)
        or event.subject == (other.key if isinstance(other, Checkout) else other.subject)
        for other in others
        if not isinstance(other, Publish)
    )


def _turns(batch: Sequence[Waiting]) -> list[Turn]:
    now_s = asyncio.get_running_loop().time()
    return [Turn(waiting.submission, waiting.ready(now_s)) for waiting in batch]


def _overdue() -> TooBusy:
    return TooBusy("The database does not answer.", retry_after_s=2)


def _is_lost(connection: asyncpg.Connection, error: Exception) -> bool:
    """Whether it was the connection. asyncpg says `InterfaceError` both of a closed one and of wrong values."""
    return isinstance(error, LOST) or bool(connection.is_closed())


def _in_flight_key(submission: Submission) -> bytes | None:
    """Events may share an answer that is under way only if they are alike to the last byte, header included."""
    event = submission.event
    if isinstance(event, Publish) or (isinstance(event, Hold) and not submission.claims):
        return None  # two holds without a name of their own are two
    header = submission.header
    if not isinstance(event, Checkout):
        names = event.kind.encode(), header.key if header else b""
        return b"%b\n%b\n%d\n%b" % (*names, event.offline, event.identity)
    return b"%b\n%d\n%b" % (event.identity, event.offline, header.key if header else b"")
