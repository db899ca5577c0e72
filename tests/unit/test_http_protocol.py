"""Bytes that are no HTTP request, sent to the server as the service runs it."""

import json

import pytest

from echoes import line


@pytest.mark.parametrize(
    "sent",
    [b"FOO / HTTP/1.1\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"\x16\x03\x01 hello\r\n\r\n",
     b"GET / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: x\r\n\r\n"],
)  # fmt: skip
async def test_what_is_no_http_is_answered_with_a_problem_document(sent: bytes) -> None:
    async with line() as on:
        on.wire.send(sent)
        head, _, body = (await on.wire.rest()).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400 ")
    assert b"content-type: application/problem+json" in head
    problem = json.loads(body)
    assert (problem["type"], problem["status"]) == ("/problems/not-http", 400)
    assert "Check the client" in problem["detail"]
