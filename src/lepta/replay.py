"""Posting what tills send as tills do: many at once, patient with a busy service, in each shopper's own order.

Sending again is safe by the contract, so whatever leaves the outcome unknown (a time-out, a lost
connection, 503) is answered by sending the same bytes once more.
"""

import asyncio
import time
import zlib
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import httpx
import orjson

from lepta.errors import DomainError, Kind

TIMEOUT_S = 35.0
"""Longer than the service lets an event wait, so that its answer is the one that counts."""
PATIENCE_S = 120.0
"""How long one event is sent again and again before the service is given up."""
ASK_AGAIN = frozenset({429, 503})
_QUEUED_PER_WORKER = 64


class Unreachable(DomainError):
    """The service does not answer."""

    code = "unreachable"
    kind = Kind.BUSY

    def __init__(self, url: str, why: str) -> None:
        super().__init__(
            f"{url} does not answer ({why}). Is `lepta serve` running there? See --url."
        )


@asynccontextmanager
async def connect(url: str, key: str, connections: int) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the service at `url` that keeps up to `connections` connections open."""
    limits = httpx.Limits(max_connections=connections, max_keepalive_connections=connections)
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    async with httpx.AsyncClient(
        base_url=url, headers=headers, limits=limits, timeout=TIMEOUT_S, trust_env=False
    ) as client:
        yield client


class Sent(NamedTuple):
    """One event's answer, how long the last try took and how many tries it needed."""

    response: httpx.Response
    latency_ms: float
    tries: int


async def send(
    client: httpx.AsyncClient, path: str, body: bytes, headers: dict[str, str] | None = None
) -> Sent:
    """POST until there is an answer that is final; raises `Unreachable` when patience ends."""
    until = time.monotonic() + PATIENCE_S
    tries = 0
    while True:
        tries += 1
        started = time.perf_counter()
        try:
            response = await client.post(path, content=body, headers=headers)
        except httpx.TransportError as error:
            why, pause_s = type(error).__name__, 0.5
        else:
            if response.status_code not in ASK_AGAIN:
                return Sent(response, (time.perf_counter() - started) * 1000, tries)
            why, pause_s = f"status {response.status_code}", _retry_after_s(response)
        if time.monotonic() + pause_s > until:
            raise Unreachable(str(client.base_url), why)
        await asyncio.sleep(pause_s)


def _retry_after_s(response: httpx.Response) -> float:
    """What the service asks for in whole seconds; a date instead of a number counts as one."""
    asked = response.headers.get("Retry-After", "1")
    return min(float(asked), 30.0) if asked.isdecimal() else 1.0


@dataclass(slots=True)
class Summary:
    """What became of a file of events. Latencies are of the try that was answered."""

    recorded: int = 0
    repeated: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    """The first refusals, a line each, with the number of the line in the file."""
    resent: int = 0
    latencies_ms: list[float] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def total(self) -> int:
        """How many lines were answered or found unreadable."""
        return self.recorded + self.repeated + self.refused.total()

    def percentile_ms(self, percent: int) -> float:
        """The latency that `percent` of the answers did not exceed (nearest rank); 0 when there are none."""
        if not self.latencies_ms:
            return 0.0
        ordered = sorted(self.latencies_ms)
        return ordered[max(0, -(-percent * len(ordered) // 100) - 1)]

    def count(self, number: int, sent: Sent) -> None:
        """Take note of the answer to line `number`."""
        self.latencies_ms.append(sent.latency_ms)
        self.resent += sent.tries - 1
        match sent.response.status_code:
            case 201:
                self.recorded += 1
            case 200:
                self.repeated += 1
            case _:
                self.refuse(number, *_problem(sent.response))

    def refuse(self, number: int, code: str, detail: str) -> None:
        """Take note that line `number` was not accepted."""
        self.refused[code] += 1
        if len(self.faults) < 20:
            self.faults.append(f"line {number}: {code}: {detail}")


def _problem(response: httpx.Response) -> tuple[str, str]:
    """The slug and detail of a refusal, or what there is of an answer that is no problem document."""
    try:
        problem = response.json()
        return str(problem["type"]).rsplit("/", 1)[-1], str(problem["detail"])
    except (ValueError, KeyError, TypeError):
        return f"status {response.status_code}", response.text[:200]


ADDRESSES = {"checkout": "/v1/checkouts", "void": "/v1/voids", "return": "/v1/returns"}
"""Where a line goes: `{"void": {…}}`, as in a batch. A line without such a name is a checkout itself."""
_NAME = ("checkout", "store", "till", "business_day", "sequence")


class _Item(NamedTuple):
    number: int
    path: str
    body: bytes
    sale: str
    due_at: float


class _Line(NamedTuple):
    """A line of the file, as far as it matters whose turn it is."""

    path: str
    body: bytes
    sale: str
    """The sale's own name: that which it is about, of a void or a return."""
    owner: str
    """Whose order is kept: a card's, of sales without one their till's."""


@dataclass(slots=True)
class _Turns:
    """Which worker posts what. While anything about a sale is under way, all about it goes to the same worker: a
    return must not overtake the sale that it names.
    """

    workers: int
    _under_way: dict[str, tuple[int, int]] = field(default_factory=dict)
    """By sale: the worker, and how many lines it still has."""

    def take(self, line: _Line) -> int:
        """The worker of a line."""
        worker, lines = self._under_way.get(line.sale, (zlib.crc32(line.owner.encode()), 0))
        self._under_way[line.sale] = (worker, lines + 1)
        return worker % self.workers

    def done(self, sale: str) -> None:
        """One line about the sale was answered."""
        worker, lines = self._under_way.pop(sale)
        if lines > 1:
            self._under_way[sale] = (worker, lines - 1)


async def replay(
    client: httpx.AsyncClient,
    lines: Iterable[bytes],
    *,
    workers: int,
    rate: float | None = None,
    progress: Callable[[int], None] = lambda _: None,
) -> Summary:
    """Post every line (a checkout as JSON, or `{"void": …}`, `{"return": …}`) and sum up. `rate`: at most so many a
    second, else all it takes.

    The checkouts of one card go through one worker in the order of the file, and so does all that is about one sale.
    Blank lines are skipped.
    Raises `Unreachable` when the service stays silent.
    """
    summary = Summary()
    queues: list[asyncio.Queue[_Item | None]] = [
        asyncio.Queue(_QUEUED_PER_WORKER) for _ in range(workers)
    ]
    turns = _Turns(workers)
    started = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for queue in queues:
            group.create_task(_work(client, queue, turns, summary, progress))
        await _deal(lines, queues, turns, summary, rate)
    summary.seconds = time.perf_counter() - started
    return summary


async def _deal(
    lines: Iterable[bytes],
    queues: list[asyncio.Queue[_Item | None]],
    turns: _Turns,
    summary: Summary,
    rate: float | None,
) -> None:
    begin = time.monotonic()
    posted = 0
    for number, text in enumerate(lines, start=1):
        body = text.strip()
        if not body:
            continue
        line = _line(body)
        if line is None:
            summary.refuse(number, "unreadable", "this line is not a JSON object")
            continue
        due_at = begin + posted / rate if rate else 0.0
        posted += 1
        item = _Item(number, line.path, line.body, line.sale, due_at)
        await queues[turns.take(line)].put(item)
    for queue in queues:
        await queue.put(None)


def _line(body: bytes) -> _Line | None:
    """What a line says; None if it is no event at all. What is wrong with an event the service says."""
    try:
        told: Any = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    if not isinstance(told, dict):
        return None
    kind = next(iter(told)) if len(told) == 1 else ""
    if kind not in ADDRESSES:
        return _event("checkout", told, body)
    event = told[kind]
    return _event(kind, event, orjson.dumps(event)) if isinstance(event, dict) else None


def _event(kind: str, event: dict[str, Any], body: bytes) -> _Line:
    original = event.get("original")
    about = original if kind == "return" and isinstance(original, dict) else event
    owner = event.get("card") or f"{about.get('store')}/{about.get('till')}"
    sale = "/".join([str(about.get(part)) for part in _NAME])
    return _Line(ADDRESSES[kind], body, sale, str(owner))


async def _work(
    client: httpx.AsyncClient,
    queue: asyncio.Queue[_Item | None],
    turns: _Turns,
    summary: Summary,
    progress: Callable[[int], None],
) -> None:
    while item := await queue.get():
        if (ahead := item.due_at - time.monotonic()) > 0:
            await asyncio.sleep(ahead)
        summary.count(item.number, await send(client, item.path, item.body))
        turns.done(item.sale)
        progress(1)
