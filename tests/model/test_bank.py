"""A bank's check: two processes take sales, voids, returns, holds and gifts from many tills at once, while somebody reads
all balances again and again. In every snapshot the books add up.
"""

import asyncio
import os
import random
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest
from tables import broken_laws

import make
from lepta.db import Address
from lepta.postgres.embedded import share
from lepta.verification.verify import verify
from services import Service, open_shop

CARDS = [f"29000001{number:05d}" for number in range(4)]
TILLS = 6
SENT_BY_A_TILL = int(os.environ.get("LEPTA_BANK_EVENTS", "25"))
GIFT = {
    "campaign": "own", "programme": "club", "kind": "donation",
    "effect": {
        "give": {"points": 5, "money_rate": "0.10"}, "to": {"fund": "forest-animals"}, "from": "shopper-points",
    },
    "funding": [{"party": "retail-nsk", "share": "1"}],
}  # fmt: skip


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    started = Service.started(tmp_path, workers=2)
    yield started
    started.stop()


class Till:
    """One that does whatever comes to its mind. The answers are counted by kind and status."""

    def __init__(self, number: int, client: httpx.AsyncClient, told: Counter[str]) -> None:
        self.client, self.told = client, told
        self.place = {"store": "nsk-07", "till": str(number)}
        self.random = random.Random(number)
        self.sequence = 0
        self.sold: list[dict[str, Any]] = []
        self.holds: list[str] = []

    async def work(self) -> None:
        for _ in range(SENT_BY_A_TILL):
            what = self.random.choice(
                (self.sell, self.sell, self.sell, self.void, self.bring_back, self.hold, self.end_hold, self.give, self.transfer)
            )  # fmt: skip
            await what()

    async def post(self, kind: str, path: str, body: Any = None, key: str | None = None) -> httpx.Response:  # fmt: skip
        headers = {} if key is None else {"Idempotency-Key": key}
        answer = await self.client.post(path, json=body, headers=headers)
        assert answer.status_code < 500, answer.text
        self.told[f"{kind} {answer.status_code}"] += 1
        return answer

    def name(self) -> dict[str, Any]:
        self.sequence += 1
        return {**self.place, "business_day": "2026-11-22", "sequence": self.sequence}

    async def sell(self, **more: Any) -> None:
        line = make.line(
            1, self.random.choice((1_900, 25_900)), quantity=str(self.random.randint(1, 3))
        )
        redeem = self.random.choice((None, {"max": True}, {"points": self.random.randint(1, 30)}))
        gifts = self.random.choice(([], [{"offer": "own", "accepted": True}]))
        body = make.checkout_body(
            **self.name(), card=self.random.choice(CARDS), lines=[line], redeem=redeem, gifts=gifts,
            offline=self.random.random() < 0.3, **more,
        )  # fmt: skip
        answer = await self.post("sale", "/v1/checkouts", body)
        if answer.status_code == 201:
            self.sold.append({**answer.json(), "line": line})
        if self.random.random() < 0.2:
            again = await self.post("sale again", "/v1/checkouts", body)
            assert (again.status_code == 200) is (answer.status_code == 201), again.text

    async def void(self) -> None:
        if self.sold:
            sale = self.random.choice(self.sold)
            await self.post("void", f"/v1/checkouts/{sale['checkout']}/void")

    async def bring_back(self) -> None:
        if self.sold:
            sale = self.random.choice(self.sold)
            back = {
                "line": 1,
                "quantity": "1",
                "amount": sale["line"]["amount"] // int(sale["line"]["quantity"]),
            }
            body = {
                **self.name(), "occurred_at": "2026-11-22T19:00:00+07:00", "original": {"checkout": sale["checkout"]},
                "lines": [back], "total": back["amount"],
            }  # fmt: skip
            await self.post("return", "/v1/returns", body)

    async def hold(self) -> None:
        body = {**self.place, "card": self.random.choice(CARDS), "points": self.random.randint(1, 20), "ttl_s": 1}  # fmt: skip
        answer = await self.post("hold", "/v1/holds", body)
        if answer.status_code == 201:
            self.holds.append(answer.json()["hold"])

    async def end_hold(self) -> None:
        if self.holds:
            hold = self.random.choice(self.holds)
            if self.random.random() < 0.5:
                await self.sell(hold=hold)
            else:
                await self.post("release", f"/v1/holds/{hold}/release")

    async def transfer(self) -> None:
        card, to = self.random.sample(CARDS, 2)
        body = {"card": card, "to": to, "points": self.random.randint(1, 15), "reason": "a present"}
        self.sequence += 1
        await self.post("transfer", "/v1/transfers", body, f"{self.place['till']}-{self.sequence}")

    async def give(self) -> None:
        body = {"card": self.random.choice(CARDS), "campaign": "own", "points": self.random.randint(1, 9), "store": "nsk-07"}  # fmt: skip
        self.sequence += 1
        await self.post("gift", "/v1/gifts", body, f"{self.place['till']}-{self.sequence}")


async def read_all(address: Address, done: Callable[[], bool]) -> tuple[int, set[int]]:
    """Look at the whole ledger again and again: how many snapshots there were, and of what sizes."""
    snapshots, sizes = 0, set()
    connection = await asyncpg.connect(**address.arguments())
    try:
        while not done() or not snapshots:
            async with connection.transaction(isolation="repeatable_read", readonly=True):
                sizes.add(await connection.fetchval("SELECT size FROM log_head"))
                assert await broken_laws(connection) == []
            snapshots += 1
            await asyncio.sleep(0.02)
    finally:
        await connection.close()
    return snapshots, sizes


@pytest.mark.edge_case(8, 63)
async def test_in_every_snapshot_under_load_the_books_add_up(
    service: Service, record_property: Callable[[str, str], None]
) -> None:
    key = service.key()
    open_shop(service.url, key, CARDS)
    told: Counter[str] = Counter()
    headers = {"Authorization": f"Bearer {key}"}
    # A connection for each request, so that both processes get some.
    limits = httpx.Limits(max_keepalive_connections=0)
    with share(service.place / "data") as server:
        address = Address.parse(server.dsn_for("postgres", "lepta"))
        async with httpx.AsyncClient(
            base_url=service.url, headers=headers, limits=limits, timeout=60
        ) as client:
            assert (await client.put("/v1/campaigns/own", json=GIFT)).status_code == 201
            assert (await client.post("/v1/campaigns/own/publish")).status_code == 200
            tills = asyncio.gather(*(Till(n, client, told).work() for n in range(TILLS)))
            snapshots, sizes = await read_all(address, tills.done)
            await tills
        report = await verify(address, replay=True, workers=1)
    assert list(report.lines()) == []
    assert len(sizes) > 3
    for kind in (
        "sale 201",
        "sale 409",
        "sale again 200",
        "void 201",
        "return 201",
        "hold 201",
        "gift 201",
        "transfer 201",
    ):
        assert told[kind] > 0, told
    record_property(
        "summary",
        f"bank: {snapshots} snapshots of {len(sizes)} sizes, {report.events} events, {dict(sorted(told.items()))}",
    )
