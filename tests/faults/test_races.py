"""Two processes of one service: tills race for what is left of limits, and sell while the office publishes."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

import make
from processes import lepta
from services import Service, open_shop

SALES = 200
CARDS = [f"29000000{number:05d}" for number in range(5)]
DAYS = ("2026-11-22", "2026-11-23")
EACH_MONEY, EACH_POINTS = 500, 50


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    started = Service.started(tmp_path, workers=2)
    yield started
    started.stop()


@asynccontextmanager
async def client_of(service: Service, key: str) -> AsyncIterator[httpx.AsyncClient]:
    """One that opens a connection for each request under way, so that both processes get some."""
    headers = {"Authorization": f"Bearer {key}"}
    limits = httpx.Limits(max_connections=SALES, max_keepalive_connections=0)
    async with httpx.AsyncClient(base_url=service.url, headers=headers, limits=limits, timeout=60) as client:  # fmt: skip
        yield client


def gift(campaign: str, **parts: Any) -> dict[str, Any]:
    """50 points and 5.00 for each pack, by supplier and retailer."""
    return {**make.HUNTER, "campaign": campaign, "who": {}, "limits": {}, "funding": funding(), **parts}  # fmt: skip


def funding(most: int | None = None) -> list[dict[str, Any]]:
    budget = {} if most is None else {"budget": {"money": most}}
    return [
        {"party": "hunter-foods", "share": "0.6", **budget},
        {"party": "retail-nsk", "share": "0.4"},
    ]


LIMITED = [
    gift("units", limits={"units": 7}),
    gift("money", limits={"budget": {"money": 7 * EACH_MONEY + 499}}),
    gift("points", limits={"budget": {"points": 7 * EACH_POINTS + 49}}),
    gift("funder", funding=funding(7 * 300 + 299)),
    gift("card", limits={"per_card": 3}),
    gift("card-day", limits={"per_card_day": 2}),
    gift("both", limits={"units": 9, "per_card": 2, "budget": {"money": 7 * EACH_MONEY}}),
    gift("whole", limits={"units": 7}, exhausted="none"),
    gift("free"),
]
GIVEN = {
    "units": 7, "money": 7, "points": 7, "funder": 7, "card": 3 * len(CARDS),
    "card-day": 2 * len(CARDS) * len(DAYS), "both": 7,
}  # fmt: skip


async def publish(office: httpx.AsyncClient, document: dict[str, Any]) -> str:
    """Save and publish a version; the digest of the rulebook after it."""
    path = f"/v1/campaigns/{document['campaign']}"
    saved = await office.get(path)
    condition = {"If-Match": saved.headers["ETag"]} if saved.status_code == 200 else {}
    assert (await office.put(path, json=document, headers=condition)).is_success
    done = await office.post(f"{path}/publish")
    assert done.status_code == 200, done.text
    return str(done.json()["rulebook"])


def sale(number: int, **more: Any) -> dict[str, Any]:
    lines = [make.line(quantity=str(1 + number % 2))]
    card, day = CARDS[number % len(CARDS)], DAYS[number // len(CARDS) % len(DAYS)]
    return make.checkout_body(lines=lines, sequence=number, card=card, business_day=day, offline=True, **more)  # fmt: skip


@pytest.mark.edge_case(33)
async def test_two_hundred_tills_of_two_processes_get_exactly_what_is_left(service: Service) -> None:  # fmt: skip
    key = service.key()
    open_shop(service.url, key, CARDS)
    async with client_of(service, key) as client:
        for document in LIMITED:
            await publish(client, document)
        answers = await asyncio.gather(
            *(client.post("/v1/checkouts", json=sale(n)) for n in range(SALES))
        )
    assert {answer.status_code for answer in answers} == {201}
    sold = [answer.json() for answer in answers]
    units: Counter[str] = Counter()
    money: Counter[str] = Counter()
    of_funder: Counter[str] = Counter()
    by_card: Counter[tuple[str, str]] = Counter()
    for number, answer in enumerate(sold):
        for donation in answer["donations"]:
            campaign = donation["campaign"]
            units[campaign] += donation["units"]
            money[campaign] += donation["money"]
            by_card[campaign, CARDS[number % len(CARDS)]] += donation["units"]
            of_funder[campaign] += donation["funders"][0]["money"]
    assert {name: units[name] for name in GIVEN} == GIVEN
    assert all(money[name] == EACH_MONEY * count for name, count in units.items())
    assert all(of_funder[name] == 300 * count for name, count in units.items())
    assert {by_card["card", card] for card in CARDS} == {3}
    assert max(by_card["both", card] for card in CARDS) <= 2
    assert units["free"] == SALES * 3 // 2
    assert units["whole"] in {6, 7}
    clean(service)


def clean(service: Service) -> None:
    verified = lepta(service.place, "verify", "--replay", "--data-dir", str(service.place / "data"))
    assert verified.returncode == 0, verified.stdout + verified.stderr


def flat(points: int) -> dict[str, Any]:
    """So many points for each sale, so that its answer tells which version it was decided by."""
    effect = {"earn": {"points": points}, "per": "basket"}
    return {"campaign": "flat", "programme": "club", "kind": "bonus", "effect": effect}


async def test_who_sells_while_the_office_publishes_never_goes_back_to_an_older_rulebook(
    service: Service,
) -> None:
    """Version n gives n points. What was answered as published decides every sale sent after that; the version is
    the newest in that rulebook that had begun in the second of the sale.
    """
    key = service.key()
    open_shop(service.url, key, CARDS)
    versions = 20
    async with client_of(service, key) as client:
        digests = [await publish(client, flat(1))]
        sold: list[tuple[int, datetime, dict[str, Any]]] = []
        numbers = iter(range(100_000))

        async def till() -> None:
            while len(digests) < versions:
                known, number = len(digests), next(numbers)
                moment = datetime.now(UTC).replace(microsecond=0)
                event = sale(number, occurred_at=moment.isoformat())
                answer = await client.post("/v1/checkouts", json=event)
                assert answer.status_code == 201, answer.text
                sold.append((known, moment, answer.json()))

        async def office() -> None:
            for version in range(2, versions + 1):
                published = await publish(client, flat(version))
                digests.append(published)  # now tills know of it

        await asyncio.gather(office(), *(till() for _ in range(16)))
        words = (await client.get("/v1/campaigns/flat/state")).json()["words"]
    number_of = {digest: number for number, digest in enumerate(digests, start=1)}
    ranked = sorted(sold, key=lambda one: one[2]["log_index"])
    decided_by = [number_of[answer["rulebook"]] for _, _, answer in ranked]
    assert decided_by == sorted(decided_by)
    assert len(set(decided_by)) > versions // 2
    begun = [datetime.fromisoformat(word["from"]) if word["from"] else None for word in words]
    for (known, moment, answer), number in zip(ranked, decided_by, strict=True):
        assert number >= known
        in_force = [n for n, since in enumerate(begun[:number], 1) if not since or since <= moment]
        assert points_of(answer) == in_force[-1]
    clean(service)


def points_of(answer: dict[str, Any]) -> int:
    """What campaign `flat` gave besides `base`."""
    earned: int = answer["points"]["earned"] - answer["total"] // 2000
    return earned
