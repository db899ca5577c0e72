"""Tiers and segments over HTTP: what a sale counts by, and what the office sees of them. Verified at each test's end."""

import asyncio
from typing import Any

import httpx
import pytest

import make
from conftest import ClientFor
from lepta.db import Address
from reversing import rows
from shops import open_shop
from tills import problem, sell

PYOTR = "/v1/members/pyotr"


@pytest.fixture
async def office(owner: Address, client_for: ClientFor) -> httpx.AsyncClient:
    """The founding shop."""
    await asyncio.to_thread(asyncio.run, open_shop(owner))
    return await client_for("office")


async def change(office: httpx.AsyncClient, **more: Any) -> None:
    """Replace Пётр by himself with something else about him."""
    stored = await office.get(PYOTR)
    match = {"If-Match": stored.headers["ETag"]}
    answer = await office.put(PYOTR, json={**stored.json(), **more}, headers=match)
    assert answer.status_code == 200, answer.text


@pytest.mark.edge_case(45)
async def test_a_tier_counts_from_the_next_sale_and_late_sales_have_that_of_their_purchase(
    office: httpx.AsyncClient, owner: Address
) -> None:
    by_tier = {
        "campaign": "tiers", "programme": "club", "kind": "bonus",
        "effect": {"earn": {"by_tier": {"silver": {"points": 5}, "gold": {"points": 7}}}},
    }  # fmt: skip
    await change(office, tier="silver", segments=["ornithologists"])
    assert (await office.put("/v1/campaigns/tiers", json=by_tier)).status_code == 201
    assert (await office.post("/v1/campaigns/tiers/publish")).status_code == 200

    async def points(sequence: int, **sale: Any) -> int:
        answer = (await sell(office, sequence, card=make.CARD, **sale)).json()
        total: int = answer["points"]["earned"]
        return total - 12  # of the base campaign

    # In force from the publication on, so sales are of now.
    now = (await rows(owner, "SELECT clock_timestamp()"))[0][0]
    day = {"business_day": now.date().isoformat()}
    before = {"occurred_at": now.isoformat(), **day}
    assert await points(1, **before) == 5
    await change(office, tier="gold", segments=[])
    now = (await rows(owner, "SELECT clock_timestamp()"))[0][0]
    after = {"occurred_at": now.isoformat(), **day}
    assert await points(2, **after) == 7
    assert await points(3, offline=True, **before) == 5
    history = (await office.get(f"{PYOTR}/history")).json()["items"]
    changed, joined = history[0]["from"], history[1]["from"]
    assert history == [
        {"from": changed, "until": None, "tier": "gold", "segments": []},
        {"from": joined, "until": changed, "tier": "silver", "segments": ["ornithologists"]},
        {"from": None, "until": joined, "tier": None, "segments": []},
    ]
    assert before["occurred_at"] < changed < after["occurred_at"]
    newest = (await office.get(f"{PYOTR}/history", params={"limit": 1})).json()["items"]
    assert newest == history[:1]
    assert problem(await office.get("/v1/members/nobody/history")) == (404, "not-found")
