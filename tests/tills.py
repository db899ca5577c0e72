"""What tills send over HTTP, sales, voids and returns, each named as briefly as a test wants it."""

from typing import Any

import httpx

import make

DAY = "2026-11-22"


def key(sequence: int, store: str = "nsk-07", till: str = "3") -> dict[str, Any]:
    """A till's name for an event."""
    return {"store": store, "till": till, "business_day": DAY, "sequence": sequence}


def goods(number: int = 1, quantity: str = "1", amount: int = 25_900) -> dict[str, Any]:
    """So much of a line of a sale."""
    return {"line": number, "quantity": quantity, "amount": amount}


def return_body(
    sequence: int, original: Any, *lines: dict[str, Any], **more: Any
) -> dict[str, Any]:
    """A return of these lines, by default of one pack."""
    back = list(lines) or [goods()]
    body = {
        **key(sequence),
        "occurred_at": "2026-11-22T19:00:00+07:00",
        "original": original,
        "lines": back,
        "total": sum(line["amount"] for line in back),
    }
    return {**body, **more}


async def _post(
    till: httpx.AsyncClient, path: str, body: Any, header: str, **headers: str
) -> httpx.Response:
    named = {"Idempotency-Key": header} if header else {}
    return await till.post(path, json=body, headers={**named, **headers})


async def sell(
    till: httpx.AsyncClient, sequence: int = 1, *, header: str = "", **sale: Any
) -> httpx.Response:
    """One pack with Пётр's card, unless `sale` says otherwise."""
    body = make.checkout_body(sequence=sequence, **sale)
    return await _post(till, "/v1/checkouts", body, header)


async def void(
    till: httpx.AsyncClient, sequence: int = 1, *, header: str = "", query: str = "", **more: Any
) -> httpx.Response:
    """Void a sale by its natural key."""
    return await _post(till, f"/v1/voids{query}", {**key(sequence), **more}, header)


async def void_by_id(
    till: httpx.AsyncClient, checkout: str, *, header: str = "", query: str = ""
) -> httpx.Response:
    """Void a sale by its id."""
    return await _post(till, f"/v1/checkouts/{checkout}/void{query}", None, header)


async def bring_back(
    till: httpx.AsyncClient,
    sequence: int,
    original: Any,
    *lines: dict[str, Any],
    header: str = "",
    query: str = "",
    **more: Any,
) -> httpx.Response:
    """Return lines of a sale."""
    body = return_body(sequence, original, *lines, **more)
    return await _post(till, f"/v1/returns{query}", body, header)


def said(answer: httpx.Response) -> str:
    """A receipt as running text."""
    return " ".join(answer.json()["receipt"]["text"].split("\n"))


def problem(answer: httpx.Response) -> tuple[int, str]:
    """Status and slug of a refusal."""
    return answer.status_code, answer.json()["type"].removeprefix("/problems/")


async def publish(office: httpx.AsyncClient, *campaigns: dict[str, Any]) -> None:
    """Save and publish campaigns, each as a first or a next version."""
    for campaign in campaigns:
        path = f"/v1/campaigns/{campaign['campaign']}"
        found = await office.get(path)
        seen = {"If-Match": found.headers["etag"]} if found.status_code == 200 else {}
        saved = await office.put(path, json=campaign, headers=seen)
        assert saved.is_success, saved.text
        done = await office.post(f"{path}/publish")
        assert done.status_code == 200, done.text


async def change(office: httpx.AsyncClient, path: str, **changes: Any) -> None:
    """Replace a part of an office's document."""
    found = await office.get(path)
    match = {"If-Match": found.headers["etag"]}
    done = await office.put(path, json={**found.json(), **changes}, headers=match)
    assert done.status_code == 200, done.text


async def tree_size(anybody: httpx.AsyncClient) -> int:
    """How many events are recorded, as the signed checkpoint says."""
    return int((await anybody.get("/log/checkpoint")).text.split("\n")[1])
