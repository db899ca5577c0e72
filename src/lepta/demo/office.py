"""Putting the demo's programme through the office's API, as an office would."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, TypeVar
from urllib.parse import quote

import httpx
import orjson

from lepta.demo.programme import Documents, Setup
from lepta.demo.tills import Till
from lepta.errors import DomainError

AT_ONCE = 16
T = TypeVar("T")
Advance = Callable[[int], None]


class DemoRefused(DomainError):
    """The service does not take something that the demo needs."""

    code = "demo-refused"

    def __init__(self, what: str, response: httpx.Response) -> None:
        super().__init__(f"{what}: {response.status_code} {response.text[:500]}")


def steps(setup: Setup) -> list[tuple[str, Documents]]:
    """(resource, documents) in an order in which nothing refers to what is not there yet."""
    return [
        ("parties", setup.parties),
        ("programmes", setup.programmes),
        ("stores", setup.stores),
        ("products", setup.products),
        ("members", setup.members),
        ("campaigns", setup.campaigns),
    ]


async def put_all(
    client: httpx.AsyncClient, resource: str, documents: Documents, done: Advance
) -> None:
    """PUT documents, many at once; one that is there already is left as it is. Campaigns are published."""

    async def put(item: tuple[str, dict[str, Any]]) -> None:
        id_, document = item
        path = f"/v1/{resource}/{quote(id_, safe='')}"
        response = await client.put(path, content=orjson.dumps(document))
        if response.status_code not in {201, 428}:
            raise DemoRefused(f"PUT {path}", response)
        if resource == "campaigns" and response.status_code == 201:
            await _publish(client, path)
        done(1)

    # A campaign at a time: each publication is an event that names its place in the log.
    at_once = 1 if resource == "campaigns" else AT_ONCE
    await each(put, documents.items(), at_once)


async def _publish(client: httpx.AsyncClient, path: str) -> None:
    response = await client.post(f"{path}/publish")
    if response.status_code != 200:
        raise DemoRefused(f"POST {path}/publish", response)


async def till_keys(
    client: httpx.AsyncClient, tills: Iterable[Till], done: Advance
) -> dict[Till, str]:
    """A key for each till, made by the office's administrator."""
    found: dict[Till, str] = {}

    async def create(till: Till) -> None:
        body = {"role": "till", "store": till.store, "till": till.till}
        response = await client.post("/v1/keys", content=orjson.dumps(body))
        if response.status_code != 201:
            raise DemoRefused("POST /v1/keys", response)
        found[till] = response.json()["key"]
        done(1)

    await each(create, tills, AT_ONCE)
    return found


async def each(job: Callable[[T], Awaitable[None]], items: Iterable[T], at_once: int) -> None:
    """Do the job for every item, so many at a time, begun in their order."""
    waiting = iter(items)

    async def work() -> None:
        for item in waiting:
            await job(item)

    async with asyncio.TaskGroup() as group:
        for _ in range(at_once):
            group.create_task(work())
