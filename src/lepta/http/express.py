"""The express lane: a plain request answered with one write, and no framework between.

Server, framework and middleware would cost a sale as much as deciding it. So the most frequent request has a way
of its own, for as long as nothing is special about it: `read` takes only heads that can mean one thing, and
everything else (chunked bodies, upgrades, strange headers, errors of HTTP) goes the ordinary way, as does whatever
the lane's desk declines. Both ways answer alike; a test compares them.
"""

import asyncio
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from time import perf_counter
from typing import Any, NamedTuple, Protocol

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ExceptionHandler

from lepta.http.edge import ALWAYS, NO_CONTENT, NO_STORE
from lepta.http.journal import Asked, Journal
from lepta.http.problems import REFUSAL, REQUEST_ID, InternalError, handled, render
from lepta.processing.events import TooBusy

LONGEST_BODY = 64 << 10
"""Longer ones are rare, and what a client has sent so far is kept in memory."""

_HEADERS = rb"((?:[A-Za-z0-9-]{1,64}: ?(?:[!-~][ -~]{0,4000})?\r\n){1,50})\r\n"
_NOT_PLAIN = frozenset(
    {"expect", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade"}
)
_STAYS = "keep-alive"
"""What `Connection` may say: it is so anyway (RFC 9112, 9.3), but most client libraries send it."""


class Head(NamedTuple):
    """A plain request up to its body."""

    query: str
    headers: Mapping[str, str]
    """By name in small letters; each was sent once."""
    length: int
    """Of the body, in bytes."""
    ends: int
    """Where the body begins in what was read."""


class Call(NamedTuple):
    """A plain request, whole."""

    query: str
    headers: Mapping[str, str]
    body: bytes


class Reply(NamedTuple):
    """An answer; `fields` are its own header lines, each with its end."""

    status: int
    fields: bytes
    body: bytes


Answer = Callable[[Reply | Exception], None]
Send = Callable[[bytes, bytes], None]
"""Takes the status line and all that comes after it."""


class Desk(Protocol):
    """What does a lane's work."""

    def take(self, call: Call, answer: Answer) -> bool:
        """Take a call and `answer` it once, later; False to have it go the ordinary way.

        What it raises is answered as if it had been given to `answer`.
        """


def _lines(headers: tuple[tuple[bytes, bytes], ...]) -> bytes:
    return b"".join(b"%b: %b\r\n" % header for header in headers)


SAFETY = _lines((*ALWAYS, NO_STORE, NO_CONTENT)) + b"\r\n"
"""The header lines that keep browsers safe, and the end of the head."""
_SOMEBODY = "somebodys-request-id"
_STATUS_LINES = {s.value: f"HTTP/1.1 {s.value} {s.phrase}\r\n".encode() for s in HTTPStatus}
_OWN = frozenset(name for name, _ in (*ALWAYS, NO_STORE, NO_CONTENT)) | {b"content-length"}


def _fields(response: Response) -> bytes:
    """The header lines that only this answer has."""
    return _lines(tuple(header for header in response.raw_headers if header[0] not in _OWN))


@dataclass(slots=True)
class Exchange:
    """A call under way on the lane."""

    lane: "Lane"
    request_id: str
    send: Send
    began_s: float

    def answer(self, outcome: Reply | Exception) -> None:
        """Send what became of the call, and note it."""
        if isinstance(outcome, Exception):
            self.lane.refuse(self, outcome)
        else:
            self.finish(outcome)

    def finish(self, reply: Reply, refusal: str | None = None) -> None:
        """Send an answer."""
        status = reply.status
        self.send(
            _STATUS_LINES[status],
            b"content-length: %d\r\nx-request-id: %b\r\n%b%b%b"
            % (len(reply.body), self.request_id.encode(), reply.fields, SAFETY, reply.body),
        )
        seconds = perf_counter() - self.began_s
        self.lane.journal.record(self.asked, status, seconds, refusal)

    @property
    def asked(self) -> Asked:
        """For the journal."""
        return Asked(self.request_id, self.lane.method, self.lane.path)


class Lane:
    """The way of one method at one path, from its first byte to its answer."""

    method = "POST"

    def __init__(
        self, app: Any, path: str, journal: Journal, handlers: Mapping[Any, ExceptionHandler]
    ) -> None:
        self.path = path
        self.journal = journal
        self.desk: Desk | None = None
        """Who does the work, from when the service has started until it stops."""
        start = f"{self.method} {path}".encode()
        self._head = re.compile(re.escape(start) + rb'(?:\?([!"$-~]*))? HTTP/1\.1\r\n' + _HEADERS)
        self._app = app
        self._handlers = handlers
        self._refusing: set[asyncio.Task[None]] = set()
        self._crowded: dict[str, tuple[int, bytes, bytes, bytes]] = {}

    def read(self, data: bytes) -> Head | None:
        """The head of a plain request to this lane; None for anything else."""
        found = self._head.match(data)
        if found is None:
            return None
        lines = found[2].decode("ascii").split("\r\n")
        lines.pop()
        headers: dict[str, str] = {}
        for line in lines:
            name, _, value = line.partition(":")
            headers[name.lower()] = value.removeprefix(" ")
        length = headers.get("content-length", "")
        if len(headers) < len(lines) or not length.isdigit() or not _NOT_PLAIN.isdisjoint(headers):
            return None
        if len(length) > 6 or int(length) > LONGEST_BODY:
            return None
        if headers.get("connection", _STAYS).lower() != _STAYS:
            return None
        return Head((found[1] or b"").decode("ascii"), headers, int(length), found.end())

    def take(self, call: Call, send: Send) -> bool:
        """Have a call answered by `send`, once; False if it is to go the ordinary way."""
        if self.desk is None:
            return False
        request_id = self.journal.request_id(call.headers.get("x-request-id"))
        exchange = Exchange(self, request_id, send, perf_counter())
        try:
            return self.desk.take(call, exchange.answer)
        except Exception as error:  # noqa: BLE001 - whatever it is, the client gets a problem document
            self.refuse(exchange, error)
            return True

    def refuse(self, exchange: Exchange, error: Exception) -> None:
        """Answer with the problem document that the ordinary way would have given."""
        if type(error) is TooBusy:
            # In a crowd most are turned away: that is to cost next to nothing, or there would be no time for the others.
            reply = self._turned_away(error, exchange.request_id)
            asyncio.get_running_loop().call_soon(exchange.finish, reply, error.code)
            return
        task = asyncio.get_running_loop().create_task(self._refuse(exchange, error))
        self._refusing.add(task)
        task.add_done_callback(self._refusing.discard)

    def _turned_away(self, error: TooBusy, request_id: str) -> Reply:
        """Made once for each way in which there is no room."""
        words = str(error)
        made = self._crowded.get(words)
        if made is None:
            response = render(error, _SOMEBODY)
            before, _, after = bytes(response.body).partition(_SOMEBODY.encode())
            made = response.status_code, _fields(response), before, after
            self._crowded[words] = made
        status, fields, before, after = made
        return Reply(status, fields, b"%b%b%b" % (before, request_id.encode(), after))

    async def _refuse(self, exchange: Exchange, error: Exception) -> None:
        scope: dict[str, Any] = {"type": "http", "app": self._app, REQUEST_ID: exchange.request_id}
        try:
            response = await handled(self._handlers, Request(scope), error)
        except Exception as crash:  # noqa: BLE001 - no handler is for it: a bug
            self.journal.crashed(exchange.asked, crash)
            scope[REFUSAL] = InternalError.code
            response = render(InternalError(), exchange.request_id)
        reply = Reply(response.status_code, _fields(response), bytes(response.body))
        exchange.finish(reply, scope.get(REFUSAL))
