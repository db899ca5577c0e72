"""More clients, or more long bodies, than one process has room for."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

import pytest
from fastapi import FastAPI

from conftest import ClientFor
from lepta.http import edge
from lepta.http.edge import Edge
from lepta.main import create_app
from lepta.settings import Settings
from wires import PATIENCE_S, Answer, Served, Wire, request, served

MEGABYTE = 1 << 20
HEALTH = request(b"", to="/healthz", method="GET")


class Crowded(NamedTuple):
    """A running service."""

    app: FastAPI
    at: Served

    @property
    def edge(self) -> Edge:
        layer: Any = self.app.middleware_stack
        while not isinstance(layer, Edge):
            layer = layer.app
        return layer

    async def until(self, *, full: bool) -> None:
        """Until there is no room for another long body, or room again."""
        async with asyncio.timeout(PATIENCE_S):
            while (self.edge.room.left < MEGABYTE) != full:
                await self.at.ask(HEALTH)


@asynccontextmanager
async def service(settings: Settings, **more: int) -> AsyncIterator[Crowded]:
    app = create_app(settings.model_copy(update=more))
    async with served(app) as at:
        yield Crowded(app, at)


def is_too_busy(answer: Answer) -> bool:
    told = b"/problems/too-busy" in answer.body and int(answer["retry-after"]) >= 1
    return answer.status == 503 and told


async def test_more_clients_than_there_is_room_for_are_told_to_come_again(
    settings: Settings,
) -> None:
    async with service(settings, connections=2) as (_, at):
        inside = [await at.wire(), await at.wire()]
        for wire in inside:
            assert (await wire.ask(HEALTH)).status == 200
        for _ in range(2):
            outside = await at.wire()
            assert is_too_busy(await outside.answer())
            assert await outside.rest() == b""
        await inside.pop().leave()
        for _ in range(200):
            answer = await at.ask(HEALTH)
            if answer.status == 200:
                break
        assert answer.status == 200
        assert (await inside[0].ask(HEALTH)).status == 200


async def begun(at: Served, key: str, *, announced: bool) -> Wire:
    """A client in the middle of a long body."""
    wire = await at.wire()
    if announced:
        headers = {"content_length": str(MEGABYTE)}
    else:
        headers = {"transfer_encoding": "chunked", "content_length": ""}
    head = request(
        b"", to="/v1/parties/a", method="PUT", content_type="application/json", authorization=key, **headers
    )  # fmt: skip
    if announced:
        wire.send(head)
    else:
        wire.send(
            head.replace(b"content-length: \r\n", b""), b"20000\r\n" + b" " * 0x20000 + b"\r\n"
        )
    await wire.drain()
    return wire


@pytest.mark.parametrize("announced", [True, False])
async def test_more_long_bodies_than_there_is_room_for_are_turned_away_before_they_are_read(
    settings: Settings, client_for: ClientFor, monkeypatch: pytest.MonkeyPatch, announced: bool
) -> None:
    monkeypatch.setattr(edge, "ROOM", 2 * MEGABYTE)
    key = (await client_for("admin")).headers["Authorization"]
    async with service(settings) as crowded:
        at = crowded.at
        first, second = [await begun(at, key, announced=announced) for _ in range(2)]
        await crowded.until(full=True)
        assert is_too_busy(await (await begun(at, key, announced=announced)).answer())
        await first.leave()
        await crowded.until(full=False)
        third = await begun(at, key, announced=announced)
        await crowded.until(full=True)
        for wire in (second, third):
            await wire.leave()
        await crowded.until(full=False)
