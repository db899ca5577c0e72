"""Bytes that are no HTTP request, sent to the server as the service runs it."""

import asyncio
import json
from typing import Any

import pytest
import uvicorn

from lepta.commands.serving import configure
from lepta.settings import Settings


@pytest.mark.parametrize(
    "sent",
    [b"FOO / HTTP/1.1\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"\x16\x03\x01 hello\r\n\r\n",
     b"GET / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: x\r\n\r\n"],
)  # fmt: skip
async def test_what_is_no_http_is_answered_with_a_problem_document(sent: bytes) -> None:
    config = configure(Settings())
    config.load()
    state = uvicorn.Server(config).server_state
    loop = asyncio.get_running_loop()
    make: Any = config.http_protocol_class
    server = await loop.create_server(lambda: make(config, state, {}), "127.0.0.1", 0)
    async with server:
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname()[:2])
        writer.write(sent)
        head, _, body = (await asyncio.wait_for(reader.read(), 5)).partition(b"\r\n\r\n")
        writer.close()
        await writer.wait_closed()
    assert head.startswith(b"HTTP/1.1 400 ")
    assert b"content-type: application/problem+json" in head
    problem = json.loads(body)
    assert (problem["type"], problem["status"]) == ("/problems/not-http", 400)
    assert "Check the client" in problem["detail"]
