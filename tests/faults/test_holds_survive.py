"""Holds through kill -9: what was set aside stays so, is spent at most once, and is free again when its time is over."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

import make
from processes import eventually, lepta
from services import Service, open_shop

NAMED = {"Idempotency-Key": "h1"}
SALE = make.checkout_body(lines=[make.line(1, 1_900, sku="bread")])


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    first = Service.started(tmp_path, workers=2)
    yield first
    if first.process.poll() is None:
        first.process.kill()


async def race(url: str, headers: dict[str, str], hold: str) -> list[tuple[int, dict[str, Any]]]:
    """Tills at both processes at once: some name the hold, some set aside what is left, some spend it."""

    async def one(number: int) -> tuple[int, dict[str, Any]]:
        # A connection each, so that both processes get some.
        async with httpx.AsyncClient(base_url=url, headers=headers, timeout=60) as till:
            if number % 3 == 0:
                body: dict[str, Any] = {
                    "card": make.CARD,
                    "points": 4,
                    "store": "nsk-07",
                    "till": "3",
                }
                answer = await till.post("/v1/holds", json=body)
            else:
                named = {"hold": hold} if number % 3 == 1 else {}
                sale = {**SALE, "sequence": number, "redeem": {"points": 5}, **named}
                answer = await till.post("/v1/checkouts", json=sale)
            return answer.status_code, answer.json()

    return await asyncio.gather(*(one(number) for number in range(2, 32)))


def card(service: Service, headers: dict[str, str], path: str = "") -> dict[str, Any]:
    """The card, or its history."""
    shown = httpx.get(f"{service.url}/v1/cards/{make.CARD}{path}", headers=headers, timeout=60)
    found: dict[str, Any] = shown.json()
    return found


def test_a_hold_outlives_its_service_and_two_processes_end_it_once(service: Service) -> None:
    key = service.key()
    headers = {"Authorization": f"Bearer {key}"}
    open_shop(service.url, key, [make.CARD])
    place = {"card": make.CARD, "store": "nsk-07", "till": "3"}
    with httpx.Client(base_url=service.url, headers=headers, timeout=60) as till:
        first = make.checkout_body(sequence=1, lines=[make.line(1, 60_000, sku="bread")])
        assert till.post("/v1/checkouts", json=first).status_code == 201
        long = till.post("/v1/holds", json={**place, "points": 10, "ttl_s": 3_600}, headers=NAMED)
        short = till.post("/v1/holds", json={**place, "points": 3, "ttl_s": 1})
    assert (long.status_code, short.status_code) == (201, 201)
    revived = service.kill()
    try:
        assert eventually(lambda: card(revived, headers)["points"]["held"] == 10, 30)
        stays_and_ends(revived, headers, {**place, "points": 10, "ttl_s": 3_600}, long, short)
        asyncio.run(is_spent_once(revived, headers, long.json()["hold"]))
        where = ("--data-dir", str(revived.place / "data"))
        verified = lepta(revived.place, "verify", "--replay", *where)
        assert verified.returncode == 0, verified.stdout + verified.stderr
        revived.stop()
    finally:
        if revived.process.poll() is None:
            revived.process.kill()


def stays_and_ends(
    service: Service,
    headers: dict[str, str],
    body: dict[str, Any],
    long: httpx.Response,
    short: httpx.Response,
) -> None:
    """What was set aside for long is still there; what was for a second was let go of, once."""
    assert card(service, headers)["points"]["available"] == 20
    released = [
        one for one in card(service, headers, "/history")["items"] if one["kind"] == "release"
    ]
    assert [one["points"]["held"] for one in released] == [-3]
    path = f"{service.url}/v1/holds/{short.json()['hold']}/release"
    late = httpx.post(path, headers=headers, timeout=60)
    assert (late.status_code, late.json()["ended"]) == (200, "expired")
    again = httpx.post(
        f"{service.url}/v1/holds", json=body, headers={**headers, **NAMED}, timeout=60
    )
    assert (again.status_code, again.json()["hold"]) == (200, long.json()["hold"])


async def is_spent_once(service: Service, headers: dict[str, str], hold: str) -> None:
    """Of thirty points, ten of them on hold, never more are held and spent than there are."""
    answers = await race(service.url, headers, hold)
    assert {answer["type"] for status, answer in answers if status != 201} == {
        "/problems/insufficient-points"
    }
    done = [answer for status, answer in answers if status == 201]
    sold = [answer for answer in done if "checkout" in answer]
    spent = sum(answer["points"]["redeemed"] for answer in sold)
    earned = sum(answer["points"]["earned"] for answer in sold)
    named = [a for a in sold if "hold-ended" not in a["flags"] and a["points"]["redeemed"]]
    left = card(service, headers)["points"]
    assert spent + left["available"] + left["held"] == 30 + earned
    held = sum(answer["points"] for answer in done if "hold" in answer)
    assert left["held"] in {held, held + 10}
    assert named
