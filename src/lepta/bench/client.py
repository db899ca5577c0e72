"""A small HTTP client for load, run as a process of its own: at a constant rate, or as fast as answers come.

    python -m lepta.bench.client '{"folder": …, "host": …, "port": …, "rate": …, …}'

At a rate, a latency counts from the moment at which the request was to be sent, whether a connection was free
or not: a service that stalls is charged for everyone who had to wait.
"""

import asyncio
import json
import sys
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, cast

from lepta.bench.sales import Mix, Sales

CREATED = b"HTTP/1.1 201 "
LENGTH = b"content-length: "
LAST_ANSWERS_S = 10.0


@dataclass(frozen=True, slots=True)
class Order:
    """What to send, where, and how fast. `rate` 0: as fast as answers come."""

    folder: str
    host: str
    port: int
    connections: int
    rate: float
    warm_up_s: float
    seconds: float
    mix: Mix

    def to_json(self) -> str:
        """As the client process reads it."""
        return json.dumps(asdict(self))

    @classmethod
    def parse(cls, text: str) -> "Order":
        """The order in `to_json`'s form."""
        said = json.loads(text)
        return cls(**{**said, "mix": Mix(**said["mix"])})


class Run:
    """One run: connections, whoever waits for one, and what was measured."""

    def __init__(self, order: Order, loop: asyncio.AbstractEventLoop) -> None:
        self.order = order
        self.loop = loop
        self.sales = Sales(Path(order.folder), order.host, order.mix)
        self.connections: list[Connection] = []
        self.free: deque[Connection] = deque()
        self.due: deque[float] = deque()
        self.latencies_ms: list[float] = []
        self.refused = 0
        self.broken = 0
        self.under_way = 0
        self.counting = False
        self.begun = 0.0
        self.ended = False
        self.idle = asyncio.Event()

    async def go(self) -> dict[str, Any]:
        """Send for as long as ordered, and sum up what came back after the warm-up."""
        order = self.order
        for _ in range(order.connections):
            made = self.loop.create_connection(lambda: Connection(self), order.host, order.port)
            self.connections.append((await made)[1])
        pace = self._at_rate() if order.rate else self._at_full_speed()
        seconds = await pace
        self.ended = True
        if self.under_way or self.due:
            with suppress(TimeoutError):
                await asyncio.wait_for(self.idle.wait(), LAST_ANSWERS_S)
        self.broken += self.under_way + len(self.due)
        for connection in self.connections:
            connection.close()
        return {
            "requests": len(self.latencies_ms), "seconds": seconds,
            "refused": self.refused, "broken": self.broken, **summary(self.latencies_ms),
        }  # fmt: skip

    async def _at_full_speed(self) -> float:
        now = self.loop.time()
        while self.free:
            self.free.popleft().send(now)
        await asyncio.sleep(self.order.warm_up_s)
        self.counting, begun = True, self.loop.time()
        await asyncio.sleep(self.order.seconds)
        self.counting = False
        return self.loop.time() - begun

    async def _at_rate(self) -> float:
        interval, begun = 1 / self.order.rate, self.loop.time()
        self.begun = begun
        # By number, not by the clock: whoever wakes up late at the end must not leave out what was due meanwhile.
        total = round(self.order.rate * (self.order.warm_up_s + self.order.seconds))
        sent = 0
        while sent < total:
            now = self.loop.time()
            while sent < total and begun + sent * interval <= now:
                self.due.append(begun + sent * interval)
                sent += 1
            self.serve_due()
            await asyncio.sleep(begun + sent * interval - self.loop.time())
        return self.order.seconds

    def serve_due(self) -> None:
        """Give free connections to whoever waits longest."""
        while self.due and self.free:
            self.free.popleft().send(self.due.popleft())

    def answered(self, connection: "Connection", intended: float, *, created: bool) -> None:
        """Count an answer and put its connection back to work."""
        self.under_way -= 1
        now = self.loop.time()
        self.refused += not created
        if self._counts(intended):
            self.latencies_ms.append((now - intended) * 1_000)
        if self.order.rate:
            self.free.append(connection)
            self.serve_due()
        elif not self.ended:
            connection.send(now)
        if self.ended and not (self.under_way or self.due):
            self.idle.set()

    def _counts(self, intended: float) -> bool:
        if not self.order.rate:
            return self.counting
        return intended >= self.begun + self.order.warm_up_s


class Connection(asyncio.Protocol):
    """One keep-alive connection with at most one request under way."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._intended = 0.0
        self._received = b""
        self._transport: asyncio.WriteTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ready for work."""
        # uvloop's transports have the methods, but not asyncio's classes.
        self._transport = cast(asyncio.WriteTransport, transport)
        self._run.free.append(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """The service hung up."""
        del exc
        self._run.broken += not self._run.ended

    def send(self, intended: float) -> None:
        """Send the next sale, which was to leave at `intended`."""
        assert self._transport is not None
        self._intended, self._received = intended, b""
        self._run.under_way += 1
        self._transport.write(self._run.sales.next())

    def close(self) -> None:
        """Hang up."""
        assert self._transport is not None
        self._transport.close()

    def data_received(self, data: bytes) -> None:
        """Collect an answer until its stated length is there."""
        self._received += data
        if is_whole(self._received):
            self._run.answered(self, self._intended, created=self._received.startswith(CREATED))


def is_whole(received: bytes) -> bool:
    """Whether an answer with a content length has arrived to its end."""
    head = received.find(b"\r\n\r\n")
    if head < 0:
        return False
    at = received[:head].lower().find(LENGTH)
    assert at >= 0, received[:head]
    length = int(received[at + len(LENGTH) : received.index(b"\r\n", at)])
    return len(received) >= head + 4 + length


def summary(latencies_ms: Sequence[float]) -> dict[str, float]:
    """The median, the 99th percentile and the worst; the percentile is the least that 99 % do not exceed."""
    if not latencies_ms:
        return {"p50_ms": 0.0, "p99_ms": 0.0, "max_ms": 0.0}
    ordered = sorted(latencies_ms)
    last = len(ordered) - 1
    return {
        "p50_ms": ordered[last // 2],
        "p99_ms": ordered[min(last, -(-99 * len(ordered) // 100) - 1)],
        "max_ms": ordered[-1],
    }


def main(order: str) -> None:
    """Run an order and print its result."""
    try:
        import uvloop
    except ImportError:  # Windows
        new_loop = asyncio.new_event_loop
    else:
        new_loop = uvloop.new_event_loop
    with asyncio.Runner(loop_factory=new_loop) as runner:
        loop = runner.get_loop()
        print(json.dumps(runner.run(Run(Order.parse(order), loop).go())))  # noqa: T201 - its output


if __name__ == "__main__":
    main(sys.argv[1])
