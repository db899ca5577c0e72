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
    """Sends on as many connections as are needed; each is used again when its answer has come, or when the time is over
    after which it is to come again.
    """

    address: tuple[str, int]
    key: str
    work: Callable[[], int] = lambda: 0
    """Counts what the database has done."""
    _idle: list[Wire] = field(default_factory=list)
    _wires: list[Wire] = field(default_factory=list)

    async def ask(self, sent: bytes) -> Outcome:
        wire = await self._wire()
        loop = asyncio.get_running_loop()
        began_s, before = loop.time(), self.work()
        answer = await wire.ask(sent)
        outcome = Outcome(answer, loop.time() - began_s, self.work() - before)
        again_s = float(answer["retry-after"]) if answer.status == 503 else 0.0
        loop.call_later(again_s, self._idle.append, wire)
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
        for wire in self._wires:
            await wire.leave()

    def post(self, path: str, body: dict[str, Any]) -> bytes:
        raw = json.dumps(body).encode()
        return request(
            raw, to=path, content_type="application/json", authorization=f"Bearer {self.key}"
        )

    def get(self, path: str) -> bytes:
        return request(b"", to=path, method="GET")

    async def _wire(self) -> Wire:
        while self._idle:
            wire = self._idle.pop()
            if not wire.is_closed:  # a service hangs up on who says nothing for long
                return wire
        self._wires.append(await Wire.to(self.address))
        return self._wires[-1]


async def again_and_again(ask: Callable[[], Awaitable[None]], pause_s: float = 0.2) -> None:
    """Until cancelled."""
    while True:
        await ask()
        await asyncio.sleep(pause_s)
