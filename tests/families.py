"""Two members of the founding shop, with cards, and what the office does with their points."""

from typing import Any

import asyncpg
import httpx

import make
from lepta.db import Address

OLGA = "2900000000117"
"""The card of Ольга, Пётр's wife."""


async def add_olga(owner: Address) -> None:
    """Enter her as an import would."""
    connection = await asyncpg.connect(**owner.arguments())
    try:
        await connection.execute(
            "INSERT INTO member (id, ref, first_name, gender, language)"
            " VALUES ('olga', 'm-olga', 'Ольга', 'female', 'ru')"
        )
        await connection.execute(
            "INSERT INTO card (card, member, position, status) VALUES ($1, 'olga', 0, 'active')",
            OLGA,
        )
    finally:
        await connection.close()


async def adjust(
    office: httpx.AsyncClient, points: int, key: str = "a1", card: str = make.CARD, **more: Any
) -> httpx.Response:
    """The office gives, or takes."""
    body = {"card": card, "points": points, "reason": "Спасибо за отзыв", **more}
    return await office.post("/v1/adjustments", json=body, headers={"Idempotency-Key": key})


async def transfer(
    office: httpx.AsyncClient, points: int, key: str = "t1", **more: Any
) -> httpx.Response:
    """Пётр leaves points to Ольга, unless told otherwise."""
    body = {"card": make.CARD, "to": OLGA, "points": points, "reason": "Подарок жене", **more}
    return await office.post("/v1/transfers", json=body, headers={"Idempotency-Key": key})


async def history(office: httpx.AsyncClient, card: str) -> list[dict[str, Any]]:
    """Of a card, the newest first."""
    items: list[dict[str, Any]] = (await office.get(f"/v1/cards/{card}/history")).json()["items"]
    return items


async def points_of(office: httpx.AsyncClient, card: str) -> tuple[int, int, int]:
    """Available, held, pending."""
    told = (await office.get(f"/v1/cards/{card}")).json()["points"]
    return told["available"], told["held"], told["pending"]


async def merge(
    office: httpx.AsyncClient, member: str = "pyotr", into: str = "olga", key: str = ""
) -> httpx.Response:
    """Пётр turns out to be Ольга, unless told otherwise."""
    headers = {"Idempotency-Key": key} if key else {}
    return await office.post(f"/v1/members/{member}/merge", json={"into": into}, headers=headers)


async def claim(
    office: httpx.AsyncClient, sold: httpx.Response, card: str = make.CARD, key: str = ""
) -> httpx.Response:
    """Пётр says that the sale was his, unless told otherwise."""
    headers = {"Idempotency-Key": key} if key else {}
    body = {"checkout": sold.json()["checkout"], "card": card}
    return await office.post("/v1/claims", json=body, headers=headers)
