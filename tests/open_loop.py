"""A sender that does not wait for answers: requests come at a rate, whatever becomes of the earlier ones."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from wires import Answer, Wire, request


@dataclass(frozen=True)
class Outcome:
    """One answer, how long it took, and how much work the database had done meanwhile."""

    answer: Answer
    seconds: float
    commits: int

    @property
    def status(self) -> int:
        return self.answer.status

    @property
    def body(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.answer.body)
        return found


@dataclass
class OpenLoop:
    """Sends on as many connections as are needed; each is used again when its answer has come."""

    address: tuple[str, int]
    key: str
    work: Callable[[], int] = lambda: 0
    """Counts what the database has done."""
    _idle: list[Wire] = field(default_factory=list)
    connections: int = 0

    async def ask(self, sent: bytes) -> Outcome:
        wire = await self._wire()
        loop = asyncio.get_running_loop()
        began_s, before = loop.time(), self.work()
        answer = await wire.ask(sent)
        outcome = Outcome(answer, loop.time() - began_s, self.work() - before)
        self._idle.append(wire)
        return outcome

    async def send(self, requests: Iterable[bytes], per_s: float) -> list[Outcome]:
        """All of them, so many a second; late ones are made up for."""
        loop = asyncio.get_running_loop()
        began_s, asked = loop.time(), list[asyncio.Task[Outcome]]()
        for number, sent in enumerate(requests):
            await asyncio.sleep(max(0.0, began_s + number / per_s - loop.time()))
            asked.append(asyncio.create_task(self.ask(sent)))
        return await asyncio.gather(*asked)

    async def leave(self) -> None:
        for wire in self._idle:
            await wire.leave()

    def post(self, path: str, body: dict[str, Any]) -> bytes:
        raw = json.dumps(body).encode()
        return request(
            raw, to=path, content_type="application/json", authorization=f"Bearer {self.key}"
        )

    def get(self, path: str) -> bytes:
        return request(b"", to=path, method="GET")

    async def _wire(self) -> Wire:
        if self._idle:
            return self._idle.pop()
        self.connections += 1
        return await Wire.to(self.address)


async def again_and_again(ask: Callable[[], Awaitable[None]], pause_s: float = 0.2) -> None:
    """Until cancelled."""
    while True:
        await ask()
        await asyncio.sleep(pause_s)
