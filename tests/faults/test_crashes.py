"""Two thousand sales under way while the service, then its database, are killed: none is lost, none counts twice."""

import asyncio
import json
import os
import re
import signal
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import make
import pytest
from processes import alive, descendants, eventually, lepta, start

SALES = 2_000
TILLS = 64
CARDS = 40
NAMES = {"retail-nsk": "retailer", "hunter-foods": "supplier", "forest-animals": "charity"}


@dataclass
class Service:
    """A `lepta serve` that can be killed and started again on the same data and port."""

    place: Path
    process: "subprocess.Popen[str]"
    url: str
    port: int

    @classmethod
    def started(cls, place: Path, port: int = 0) -> "Service":
        data = str(place / "data")
        process = start(place, "serve", "--port", str(port), "--data-dir", data)
        assert process.stdout is not None
        for line in process.stdout:
            if found := re.search(r"Lepta:\s+(http://\S+:(\d+))", line):
                break
        else:
            raise AssertionError(process.communicate())
        # Its log goes to nobody: a full pipe must not be what stops it.
        for stream in (process.stdout, process.stderr):
            threading.Thread(target=stream.read, daemon=True).start()  # type: ignore[union-attr]
        service = cls(place, process, found[1], int(found[2]))
        assert eventually(service.is_ready, 60)
        return service

    def is_ready(self) -> bool:
        try:
            return httpx.get(f"{self.url}/readyz").status_code == 200
        except httpx.TransportError:
            return False

    def kill(self) -> "Service":
        """kill -9, wait until its database has noticed, and start again."""
        children = descendants(self.process.pid)
        self.process.kill()
        self.process.wait()
        assert eventually(lambda: not alive(children), 30), "orphans"
        return Service.started(self.place, self.port)

    def kill_database(self) -> None:
        """kill -9 of PostgreSQL's first process; the service lives on and brings it back."""
        pid_file = self.place / "data" / "postgres" / "postmaster.pid"
        os.kill(int(pid_file.read_text().split()[0]), signal.SIGKILL)

    def stop(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(timeout=60)


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
    card = f"29000000{number % CARDS:05d}"
    sale = make.checkout_body(lines=lines, sequence=number, card=card, offline=True, **redeem)
    return json.dumps(sale).encode()


def open_shop(url: str, key: str) -> None:
    """Parties, programme, store, members and the founding campaigns, through the office's API."""
    with httpx.Client(base_url=url, headers={"Authorization": f"Bearer {key}"}) as office:

        def put(path: str, document: dict[str, Any]) -> None:
            answer = office.put(path, json=document)
            assert answer.status_code == 201, answer.text

        for party, kind in NAMES.items():
            put(f"/v1/parties/{party}", {"kind": kind, "name": party})
        put("/v1/programmes/club", make.PROGRAMME)
        store = {"retailer": "retail-nsk", "time_zone": "Asia/Novosibirsk", "region": "siberia"}
        put("/v1/stores/nsk-07", store)
        for number in range(CARDS):
            cards = [f"29000000{number:05d}"]
            put(f"/v1/members/m{number}", {"first_name": "Пётр", "gender": "male", "cards": cards})
        for campaign in (make.BASE, make.HUNTER):
            put(f"/v1/campaigns/{campaign['campaign']}", campaign)
            assert office.post(f"/v1/campaigns/{campaign['campaign']}/publish").status_code == 200


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    first = Service.started(tmp_path)
    yield first
    subprocess.run(["pkill", "-9", "-f", str(tmp_path / "data")], check=False)


async def after(shoppers: Shoppers, answered: int) -> None:
    while len(shoppers.answers) < answered:
        await asyncio.sleep(0.01)


async def test_nothing_answered_is_lost_and_nothing_counts_twice(service: Service) -> None:
    made = lepta(
        service.place,
        "keys",
        "create",
        "--role",
        "admin",
        "--data-dir",
        str(service.place / "data"),
    )
    key = made.stdout.strip()
    open_shop(service.url, key)
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
    expected = dict.fromkeys(range(CARDS), 0)
    for number, answer in shoppers.answers.items():
        points = answer["points"]
        expected[number % CARDS] += points["earned"] - points["redeemed"]
    async with httpx.AsyncClient(headers={"Authorization": f"Bearer {key}"}) as client:
        for number, points in expected.items():
            card = await client.get(f"{url}/v1/cards/29000000{number:05d}?programme=club")
            assert card.json()["points"]["available"] == points
