"""The day's traffic: several tills post at once, each household's baskets in their order."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import httpx
import orjson

from lepta.demo import tills
from lepta.demo.office import DemoRefused
from lepta.demo.tills import Till, Visit
from lepta.demo.totals import Answer
from lepta.replay import Sent, send

LANES = 8
"""How many tills are busy at one moment."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """A checkout and its answer."""

    body: dict[str, Any]
    answer: Answer
    status: int
    latency_ms: float

    @property
    def card(self) -> str | None:
        """The shopper's card, as the till read it."""
        return self.body.get("card")


@dataclass(frozen=True, slots=True)
class Counter:
    """The tills' way to the service: one client, a key for every till."""

    client: httpx.AsyncClient
    keys: Mapping[Till, str]

    async def post(self, body: dict[str, Any]) -> httpx.Response:
        """Send a checkout once, patiently, and return whatever is answered."""
        return (await self._send(body)).response

    async def sell(self, body: dict[str, Any]) -> Receipt:
        """Send a checkout that has to be accepted; raises `DemoRefused` if it is not."""
        sent = await self._send(body)
        if sent.response.status_code not in {200, 201}:
            raise DemoRefused("POST /v1/checkouts", sent.response)
        return Receipt(body, sent.response.json(), sent.response.status_code, sent.latency_ms)

    async def _send(self, body: dict[str, Any]) -> Sent:
        key = self.keys[Till(body["store"], body["till"])]
        return await send(
            self.client, "/v1/checkouts", orjson.dumps(body), {"Authorization": f"Bearer {key}"}
        )


async def post_day(
    counter: Counter, households: Sequence[Sequence[Visit]], done: Callable[[int], None]
) -> list[Receipt]:
    """Post every visit; the receipts in the order of (store, till, day, sequence)."""
    waiting = iter(households)
    receipts: list[Receipt] = []

    async def lane() -> None:
        for visits in waiting:
            available = 0
            for visit in visits:
                receipt = await counter.sell(tills.checkout(visit, available))
                available = receipt.answer["points"]["balance"]["available"]
                receipts.append(receipt)
                done(1)

    async with asyncio.TaskGroup() as group:
        for _ in range(LANES):
            group.create_task(lane())
    return sorted(receipts, key=_place)


def _place(receipt: Receipt) -> tuple[str, str, str, int]:
    body = receipt.body
    return body["store"], body["till"], body["business_day"], body["sequence"]
