"""Two thousand sales under way while the service, then its database, are killed: none is lost, none counts twice."""

import asyncio
import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

import make
from processes import lepta
from services import Service, open_shop

SALES = 2_000
TILLS = 64
CARDS = [f"29000000{number:05d}" for number in range(40)]


@dataclass
class Shoppers:
    """Tills that send every sale until it is answered, and remember each answer."""

    url: str
    key: str
    answers: dict[int, dict[str, Any]] = field(default_factory=dict)
    given_up: bool = False

    async def send(self, client: httpx.AsyncClient, number: int) -> None:
        while not self.given_up:
            try:
                answer = await client.post(f"{self.url}/v1/checkouts", content=body(number))
            except httpx.TransportError:
                await asyncio.sleep(0.05)
                continue
            if answer.status_code in {200, 201}:
                self.remember(number, answer.json())
                return
            assert answer.status_code == 503, answer.text
            assert int(answer.headers["retry-after"]) >= 1
            await asyncio.sleep(0.1)

    def remember(self, number: int, answer: dict[str, Any]) -> None:
        for changing in ("replayed", "receipt"):
            answer.pop(changing)
        assert self.answers.setdefault(number, answer) == answer

    async def send_all(self, numbers: range) -> None:
        waiting = iter(numbers)
        headers = {"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"}
        limits = httpx.Limits(max_connections=TILLS)
        async with httpx.AsyncClient(headers=headers, limits=limits, timeout=40) as client:

            async def till() -> None:
                for number in waiting:
                    await self.send(client, number)

            await asyncio.gather(*(till() for _ in range(TILLS)))


def body(number: int) -> bytes:
    """A sale of one to three packs; some spend what earlier ones earned."""
    lines = [make.line(n, amount=25_900 + number) for n in range(1 + number % 3)]
    redeem = {"redeem": {"max": True}} if number % 7 == 0 else {}
    card = CARDS[number % len(CARDS)]
    sale = make.checkout_body(lines=lines, sequence=number, card=card, offline=True, **redeem)
    return json.dumps(sale).encode()


@pytest.fixture(params=[1, 2], ids=["one process", "two processes"])
def service(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Service]:
    first = Service.started(tmp_path, workers=request.param)
    yield first
    subprocess.run(["pkill", "-9", "-f", str(tmp_path / "data")], check=False)


async def after(shoppers: Shoppers, answered: int) -> None:
    while len(shoppers.answers) < answered:  # noqa: ASYNC110 - looked at from outside, told by nobody
        await asyncio.sleep(0.01)


@pytest.mark.edge_case(10, 11)
async def test_nothing_answered_is_lost_and_nothing_counts_twice(service: Service) -> None:
    key = service.key()
    open_shop(service.url, key, CARDS)
    shoppers = Shoppers(service.url, key)
    selling = asyncio.create_task(shoppers.send_all(range(SALES)))
    try:
        await after(shoppers, SALES // 4)
        service = await asyncio.to_thread(service.kill)
        await after(shoppers, SALES // 2)
        await asyncio.to_thread(service.kill_database)
        await asyncio.wait_for(selling, 120)
        # Once more, all of them: `remember` compares each answer with the first.
        await shoppers.send_all(range(SALES))
    finally:
        shoppers.given_up = True
        selling.cancel()
    places = {answer["log_index"] for answer in shoppers.answers.values()}
    assert len(places) == SALES
    await balances_agree(service.url, key, shoppers)
    verified = lepta(service.place, "verify", "--replay", "--data-dir", str(service.place / "data"))
    assert verified.returncode == 0, verified.stdout + verified.stderr
    service.stop()


async def balances_agree(url: str, key: str, shoppers: Shoppers) -> None:
    """Every card holds what its answers say it earned and spent."""
    expected = dict.fromkeys(CARDS, 0)
    for number, answer in shoppers.answers.items():
        points = answer["points"]
        expected[CARDS[number % len(CARDS)]] += points["earned"] - points["redeemed"]
    async with httpx.AsyncClient(headers={"Authorization": f"Bearer {key}"}) as client:
        for card, points in expected.items():
            shown = await client.get(f"{url}/v1/cards/{card}")
            assert shown.json()["points"]["available"] == points
