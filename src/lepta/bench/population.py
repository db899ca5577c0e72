"""Filling the database: the office through its API, campaigns as an operator applies them, members in bulk."""

import asyncio
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self
from urllib.parse import quote

import httpx

from lepta.bench import assortment, queries, sales
from lepta.bench.ground import BenchUnusable, Ground
from lepta.bench.sales import Till

MEMBERS_AT_ONCE = 100_000


class Office:
    """The office's API, with an administrator's key."""

    def __init__(self, url: str, key: str) -> None:
        self._client = httpx.Client(
            base_url=url, timeout=60, trust_env=False, headers={"Authorization": f"Bearer {key}"}
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def put_all(self, resource: str, documents: assortment.Documents) -> None:
        """Create documents that are not there yet."""
        for name, document in documents.items():
            self._send("PUT", f"/v1/{resource}/{quote(name, safe='')}", document)

    def till_key(self, store: str, till: str) -> Till:
        """A key for one cash register."""
        made = self._send("POST", "/v1/keys", {"role": "till", "store": store, "till": till})
        return Till(store, till, made["key"])

    def _send(self, method: str, path: str, document: dict[str, Any]) -> Any:
        response = self._client.request(method, path, json=document)
        if response.status_code != httpx.codes.CREATED:
            raise BenchUnusable(f"{method} {path}: {response.status_code} {response.text[:500]}")
        return response.json()


def furnish(ground: Ground, url: str, campaigns: int) -> None:
    """Put the office's records, publish `campaigns` campaigns, and leave the parts of requests in `scratch`."""
    key = ground.lepta("keys", "create", "--role", "admin")
    with Office(url, key) as office:
        office.put_all("parties", assortment.parties())
        office.put_all("programmes", assortment.programmes())
        office.put_all("stores", assortment.stores())
        tills = [office.till_key(store, till) for store, till in assortment.tills()]
    documents = ground.scratch / "campaigns.yaml"
    write_campaigns(documents, list(assortment.campaigns(campaigns)))
    ground.lepta("campaigns", "apply", str(documents))
    sales.write_parts(ground.scratch, tills, assortment.baskets())


def write_campaigns(file: Path, documents: Sequence[dict[str, Any]]) -> None:
    """One file for `lepta campaigns apply`; JSON is YAML, and written and read faster."""
    texts = [json.dumps(document, ensure_ascii=False) for document in documents]
    file.write_text("\n---\n".join(texts) + "\n", encoding="utf-8")


async def populate(ground: Ground, members: int) -> None:
    """Write the catalogue and `members` members with a card each, straight into their tables."""
    await queries.add_products(ground.address)
    spans = [
        (first, min(first + MEMBERS_AT_ONCE, members + 1) - 1)
        for first in range(1, members + 1, MEMBERS_AT_ONCE)
    ]
    for span in spans:
        await queries.add_members(ground.address, *span)
    await queries.settle(ground.address)


def fill(ground: Ground, members: int) -> None:
    """`populate`, for callers outside of a loop."""
    asyncio.run(populate(ground, members))
