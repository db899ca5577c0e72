"""A service of two processes, as its users meet it: who has lost a right has lost it in both, and no log tells of anybody.

One service serves all these tests; the last one reads what it and its database have logged meanwhile.
"""

import asyncio
import re
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

import make
from databases import say
from lepta.db import Address
from lepta.postgres.embedded import share
from processes import eventually, start
from services import Service, open_shop

CARD, LOST = "7777000011112222", "7777000011113333"
ANNA: dict[str, Any] = {
    "first_name": "Аристархия", "last_name": "Zabolotnaya", "phone": "+79131234567",
    "email": "aristarkhia@example.test", "birthday": "1987-11-23", "cards": [CARD, LOST],
}  # fmt: skip
PERSONAL = (
    "Аристархия", "Zabolotnaya", "79131234567", "aristarkhia@example.test", "1987-11-23", CARD, LOST, "m-4711-anna",
)  # fmt: skip
CONNECTIONS = 12


class Loud(Service):
    """A service whose every line is kept."""

    said: list[str]

    @classmethod
    def listened_to(cls, place: Path) -> "Loud":
        where = ("--port", "0", "--data-dir", str(place / "data"))
        process = start(place, "serve", *where, "--workers", "2")
        said: list[str] = []
        for stream in (process.stdout, process.stderr):
            assert stream is not None
            threading.Thread(target=lambda s=stream: said.extend(s), daemon=True).start()
        assert eventually(lambda: any("Lepta:" in line for line in said), 120), said
        found = re.search(r"Lepta:\s+(http://\S+:(\d+))", "".join(said))
        assert found, said
        service = cls(place, process, found[1], int(found[2]), 2)
        service.said = said
        assert eventually(service.is_ready, 120)
        return service


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Loud]:
    service = Loud.listened_to(tmp_path_factory.mktemp("loud"))
    try:
        yield service
    finally:
        service.process.kill()
        service.process.communicate()


@pytest.fixture(scope="module")
def admin(service: Loud) -> str:
    key = service.key()
    open_shop(service.url, key, [make.CARD])
    return key


def client(service: Loud, key: str) -> httpx.Client:
    return httpx.Client(
        base_url=service.url, headers={"Authorization": f"Bearer {key}"}, timeout=30
    )


def to_both(stack: ExitStack, service: Loud, key: str) -> list[httpx.Client]:
    """Connections that stay, some to either process: each makes ids of requests of its own."""
    clients: list[httpx.Client] = []

    def reach() -> bool:
        clients.extend(stack.enter_context(client(service, key)) for _ in range(CONNECTIONS))
        ids = [each.get("/healthz").headers["X-Request-ID"] for each in clients]
        return len({one.partition("-")[0] for one in ids}) == 2

    assert eventually(reach, 60)
    return clients


def test_a_revoked_key_is_refused_by_both_processes(service: Loud, admin: str) -> None:
    with ExitStack() as stack:
        office = stack.enter_context(client(service, admin))
        made = office.post("/v1/keys", json={"role": "office"}).json()
        clients = to_both(stack, service, made["key"])
        assert {each.get("/v1/parties/retail-nsk").status_code for each in clients} == {200}
        assert office.delete(f"/v1/keys/{made['id']}").status_code == 204

        def refused() -> bool:
            return {each.get("/v1/parties/retail-nsk").status_code for each in clients} == {401}

        assert eventually(refused, 20)


@pytest.mark.edge_case(50)
def test_an_erased_member_is_unknown_to_both_processes(service: Loud, admin: str) -> None:
    with ExitStack() as stack:
        clients = to_both(stack, service, admin)
        assert clients[0].put("/v1/members/m-4711-anna", json=ANNA).status_code == 201
        for number, each in enumerate(clients):
            sale = each.post("/v1/checkouts", json=make.checkout_body(sequence=number, card=CARD))
            assert "Аристархия" in sale.text
        assert clients[-1].delete("/v1/members/m-4711-anna").status_code == 204
        for number, each in enumerate(clients):
            again = each.post("/v1/checkouts", json=make.checkout_body(sequence=number, card=CARD))
            body = make.checkout_body(sequence=1_000 + number, card=CARD)
            late = each.post("/v1/checkouts", json=body)
            assert (again.status_code, late.status_code) == (200, 201)
            assert late.json()["card_status"] == "unknown"
            assert "Аристархия" not in again.text + late.text


def mischief(office: httpx.Client, kiosk: httpx.Client) -> Iterator[int]:
    """Requests that are refused, each with something in it that is nobody's business."""
    yield office.put("/v1/members/m-4711-anna", json=ANNA).status_code
    yield office.put("/v1/members/m-4711-anna", json=ANNA).status_code
    yield office.put(
        "/v1/members/other", json={"cards": [CARD], "phone": "+79131234567"}
    ).status_code
    yield office.put(
        "/v1/members/other", json={**ANNA, "email": ["aristarkhia@example.test"]}
    ).status_code
    json = {"Content-Type": "application/json"}
    for content in (
        b'{"first_name": "\xd0\x90Zabolotnaya',
        f'{{"{CARD}": 1}}'.encode(),
        b"\xff" + CARD.encode(),
    ):
        yield office.put("/v1/members/other", content=content, headers=json).status_code
    yield office.put("/v1/members/other", content=CARD.encode() * 100_000, headers=json).status_code
    yield office.get(f"/v1/{CARD}/aristarkhia@example.test").status_code
    yield office.get("/v1/members/Zabolotnaya", params={"phone": "+79131234567"}).status_code
    yield office.get(f"/v1/cards/{CARD}", params={"programme": "Zabolotnaya"}).status_code
    yield kiosk.get(f"/v1/cards/{LOST}0").status_code
    yield kiosk.get(f"/v1/cards/{CARD}/history", params={"after": LOST}).status_code
    yield kiosk.put(
        f"/v1/cards/{CARD}/choice", json={"campaign": "x", "beneficiary": CARD}
    ).status_code
    gift = {"card": CARD, "points": 5, "campaign": "Zabolotnaya"}
    yield kiosk.post("/v1/gifts", json=gift, headers={"Idempotency-Key": CARD}).status_code
    adjustment = {"card": CARD, "points": -5, "reason": "Аристархия asked"}
    yield office.post(
        "/v1/adjustments", json=adjustment, headers={"Idempotency-Key": "1"}
    ).status_code
    named = {"Idempotency-Key": CARD, "X-Request-ID": CARD}
    claim = {"checkout": "Zabolotnaya", "card": CARD}
    yield office.post("/v1/claims", json=claim, headers=named).status_code
    transfer = {"card": CARD, "to": LOST, "points": 5, "reason": "Аристархия asked"}
    yield office.post("/v1/transfers", json=transfer, headers=named).status_code
    into = {"into": "Zabolotnaya"}
    yield office.post("/v1/members/m-4711-anna/merge", json=into, headers=named).status_code
    hold = {"card": CARD, "points": 5, "store": "nsk-07", "till": "3"}
    yield office.post("/v1/holds", json=hold).status_code
    for more in (
        {"redeem": {"points": 5}},
        {"card": [CARD]},
        {"phone": "+79131234567"},
        {"occurred_at": CARD},
    ):
        body = {**make.checkout_body(sequence=5_000, card=CARD), **more}
        yield office.post("/v1/checkouts", json=body).status_code
        yield office.post("/v1/quotes", json=body).status_code
        results = office.post("/v1/checkouts:batch", json=[{"checkout": body}]).json()["results"]
        yield results[0]["status"]
    with httpx.Client(base_url=office.base_url) as stranger:
        for said in (f"Bearer lepta_office_{CARD}_Zabolotnaya", f"Basic {CARD}"):
            headers = {
                "Authorization": said,
                "X-Request-ID": f"{CARD} Zabolotnaya",
                "User-Agent": CARD,
            }
            yield stranger.get(f"/v1/cards/{CARD}", headers=headers).status_code


def no_http(service: Loud) -> bytes:
    """What is answered to bytes that are no request, with a card number in them."""
    with socket.create_connection(("127.0.0.1", service.port), timeout=20) as raw:
        raw.sendall(f"GET /v1/cards/{CARD} HTTP/9.9 {CARD}\r\nZabolotnaya\r\n\r\n".encode())
        return raw.recv(10_000)


def crash(service: Loud, office: httpx.Client) -> int:
    """Break the schema under the running service, and ask for a card."""
    with share(service.place / "data") as server:
        owner = replace(Address.parse(server.dsn), database="lepta")
        asyncio.run(say(owner, "ALTER TABLE member RENAME COLUMN first_name TO broken"))
        status = office.get(f"/v1/cards/{CARD}").status_code
        body = make.checkout_body(sequence=6_000, card=CARD)
        assert office.post("/v1/checkouts", json=body).status_code >= 500
        asyncio.run(say(owner, "ALTER TABLE member RENAME COLUMN broken TO first_name"))
    return status


def test_no_log_tells_of_a_person_or_a_secret(service: Loud, admin: str) -> None:
    with client(service, admin) as office:
        made = office.post("/v1/keys", json={"role": "kiosk", "store": "nsk-07"}).json()
        with client(service, made["key"]) as kiosk:
            statuses = list(mischief(office, kiosk))
        answered = no_http(service)
        assert crash(service, office) == 500
    assert {201, 401, 404, 409, 413, 422, 428} <= set(statuses)
    assert 500 not in statuses
    assert b"400 Bad Request" in answered
    for name in (
        b"x-frame-options: DENY",
        b"x-content-type-options: nosniff",
        b"default-src 'none'",
    ):
        assert name in answered
    service.kill_database()
    with client(service, admin) as office:
        assert eventually(lambda: office.get(f"/v1/cards/{CARD}").status_code == 200, 60)
    service.process.terminate()
    service.process.wait(timeout=60)
    files = sorted((service.place / "data" / "postgres").glob("log/*")) + sorted(
        (service.place / "data").glob("*.log")
    )
    assert files, subprocess.run(
        ["find", str(service.place)], capture_output=True, check=False
    ).stdout
    logged = "".join(service.said) + "".join(file.read_text(errors="replace") for file in files)
    assert '"refusal":"invalid-request"' in logged
    assert '"event":"crash"' in logged
    assert "broken" in logged or "does not exist" in logged
    secrets = [key.rpartition("_")[2] for key in (admin, made["key"])]
    assert [told for told in (*PERSONAL, *secrets) if told in logged] == []
