"""HTTP on one connection: uvicorn's protocol, an express lane beside it, and problem documents for what is no HTTP."""

from http import HTTPStatus
from typing import Any

import orjson
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from lepta.errors import DomainError, title
from lepta.http import arrival
from lepta.http.arrival import Arrival, HeadTooLong, TooSlow
from lepta.http.express import SAFETY, Call, Head, Lane
from lepta.http.problems import MEDIA_TYPE, RETRY_AFTER_S, ProtocolError, status_of
from lepta.processing.events import TooBusy

REST_S, MOST_REST_S = 0.03, 0.8
"""So long a connection is not listened to that was told to come again: below the second that `Retry-After` asks for."""
REST_EACH_S = 0.0001
"""And so much for each connection: of a crowd that does not wait 10,000 a second are turned away, not all there are."""
_COME_AGAIN = b"HTTP/1.1 503 "
MOST_CONNECTIONS = 2_000
"""At once, where the application does not say."""


class NotHttp(ProtocolError):
    """The request is not HTTP/1.1.

    Its first line, its method, its version or its headers cannot be read, so that nothing is known of it and the
    connection is closed. Check the client, or what stands between it and Lepta.
    """

    code = "not-http"
    status = 400


class Protocol(HttpToolsProtocol):
    """Uvicorn's, except for plain requests to the application's lane: those never reach its parser.

    At most one call of the lane is under way. As soon as something waits behind it, reading stops: a connection
    holds one call and one piece more, as much as the transport reads at a time.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._lane: Lane | None = getattr(self.app, "lane", None)
        self._most: int = getattr(self.app, "most_connections", MOST_CONNECTIONS)
        self._parsing = False
        """Uvicorn's parser is in the middle of a request."""
        self._heading = False
        """And has not seen the end of its head."""
        self._arrival: Arrival | None = None
        self._late_check: Any = None
        self._head: Head | None = None
        """Of a call whose body is not all there yet."""
        self._received = bytearray()
        """The beginning of that call; or, during a call, what came after it."""
        self._calling = False
        self._leaving = False
        self._answered_s = 0.0
        self._idle_check: Any = None

    def connection_made(self, transport: Any) -> None:
        """A client has come. Of more than so many each is told to come again: they would take the others' memory."""
        super().connection_made(transport)
        if len(self.connections) > self._most:
            self._turn_away(TooBusy("Too many clients are connected."))
        else:
            self._arrives(b"")

    def data_received(self, data: bytes) -> None:
        """Find out which way a request goes."""
        if self._calling:
            self._received += data
            self.flow.pause_reading()
        elif self._head is not None:
            self._received += data
            if len(self._received) >= self._head.ends + self._head.length:
                self._call(self._head, bytes(self._received))
            else:
                self._arrives(data)
        elif (head := self._plain(data)) is None:
            self._parse(data)
        elif len(data) >= head.ends + head.length:
            self._call(head, data)
        else:
            self._unset_keepalive_if_required()
            self._head = head
            self._received += data
            self._arrives(data)

    def _parse(self, data: bytes) -> None:
        """Have uvicorn's parser see it. What comes in one piece with the end of another request is not counted."""
        coming = self._arrival
        super().data_received(data)
        if not self._parsing:
            self._arrival = None
        elif self._arrival is coming and coming is not None:
            self._arrives(data)
        else:
            self._arrives(b"")

    def _arrives(self, data: bytes) -> None:
        """A part of a request has come, and more of it is to come."""
        now_s = self.loop.time()
        coming = self._arrival or Arrival(now_s, now_s)
        coming.last_s, coming.size = now_s, coming.size + len(data)
        self._arrival = coming
        if self._heading and coming.size > arrival.LONGEST_HEAD:
            self._turn_away(HeadTooLong("The head of a request may have 64 KiB. Check the client."))
        elif self._late_check is None:
            self._look_again()

    def _look_again(self) -> None:
        self._late_check = self.loop.call_later(arrival.GRACE_S / 2, self._turn_away_if_late)

    def _turn_away_if_late(self) -> None:
        """Let nobody keep a connection, or what else is bounded, by sending hardly anything."""
        self._late_check = None
        coming, now_s = self._arrival, self.loop.time()
        if coming is None or self.transport.is_closing():
            return
        if self.flow.read_paused:
            coming.last_s = now_s  # it is this process that makes the client wait
        if not coming.is_late(now_s):
            self._look_again()
        elif self._parsing or self._head is not None:
            self._turn_away(
                TooSlow("The rest of the request did not arrive. Send it again, whole.")
            )
        else:
            self.transport.close()

    def _plain(self, data: bytes) -> Head | None:
        """The head of a call of the lane, if that is where the next bytes belong. A client that does not read
        its answers is the ordinary way's: that waits for it.
        """
        if self._lane is None or self._is_busy() or self.flow.write_paused:
            return None
        return self._lane.read(data)

    def _is_busy(self) -> bool:
        """Whether the ordinary way is in the middle of a request or of its answer."""
        return self._parsing or (self.cycle is not None and not self.cycle.response_complete)

    def _call(self, head: Head, data: bytes) -> None:
        assert self._lane is not None
        self._unset_keepalive_if_required()
        end = head.ends + head.length
        self._head, self._calling, self._arrival = None, True, None
        self._received = bytearray(data[end:])
        call = Call(head.query, head.headers, data[head.ends : end])
        if not self._lane.take(call, self._answer):
            self._decline(data)
        elif self._received:
            self.flow.pause_reading()

    def _decline(self, data: bytes) -> None:
        """Have a call go the ordinary way, with all that came after it."""
        self._calling = False
        self._received.clear()
        super().data_received(data)
        if self._leaving:
            super().shutdown()

    def _answer(self, status_line: bytes, rest: bytes) -> None:
        """Send the answer of the lane's call, and go on with what came meanwhile.

        A client may have left; then nobody is told, and what else it has sent is not looked at. One that was told to
        come again is not listened to for a moment: if it does not wait, the time that others need would go there.
        """
        self._calling = False
        if self.transport.is_closing():
            return
        fields = [b"%b: %b\r\n" % header for header in self.server_state.default_headers]
        if self._leaving:
            fields.append(b"connection: close\r\n")
        self.transport.write(b"".join((status_line, *fields, rest)))
        self.server_state.total_requests += 1
        if self._leaving:
            self.transport.close()
        elif status_line.startswith(_COME_AGAIN):
            self._calling = True
            self.flow.pause_reading()
            rest_s = min(max(REST_S, REST_EACH_S * len(self.connections)), MOST_REST_S)
            self.loop.call_later(rest_s, self._rested)
        if not self._calling and not self.transport.is_closing():
            self._go_on()

    def _rested(self) -> None:
        """Listen again to who was told to come again."""
        self._calling = False
        if self.transport.is_closing():
            return
        if self._leaving:
            self.transport.close()
            return
        self.flow.resume_reading()
        self._go_on()

    def _go_on(self) -> None:
        self._answered_s = self.loop.time()
        if self._idle_check is None:
            self._check_in(self.timeout_keep_alive)
        if self._received:
            waiting, self._received = bytes(self._received), bytearray()
            self.flow.resume_reading()
            self.data_received(waiting)

    def _check_in(self, seconds: float) -> None:
        # One timer that looks again, not one a call: setting and cancelling it would cost as much as reading a head.
        self._idle_check = self.loop.call_later(seconds, self._close_if_idle)

    def _close_if_idle(self) -> None:
        """Hang up on a client that has sent nothing since its last answer; uvicorn's timer looks after its own."""
        self._idle_check = None
        if self.transport.is_closing() or self._calling or self._head or self._is_busy():
            return
        rest_s = self._answered_s + self.timeout_keep_alive - self.loop.time()
        if rest_s > 0:
            self._check_in(rest_s)
        elif self.timeout_keep_alive_task is None:
            self.transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        """The client has hung up."""
        for timer in (self._idle_check, self._late_check):
            if timer is not None:
                timer.cancel()
        super().connection_lost(exc)

    def shutdown(self) -> None:
        """Hang up, as soon as the call under way is answered."""
        if self._calling or self._head is not None:
            self._leaving = True
        else:
            super().shutdown()

    def on_message_begin(self) -> None:
        """Uvicorn's parser has seen the first byte of a request."""
        self._parsing = self._heading = True
        self._arrival = None
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """And the end of its head."""
        self._heading = False
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """And its last."""
        self._parsing = False
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        """Answer bytes that are no HTTP request, and close.

        The status stays 400: there is no request that another status could be about, and no id to name it by.
        """
        self._turn_away(NotHttp(f"{msg.rstrip('.')}. Check the client, or what stands between."))

    def _turn_away(self, error: DomainError) -> None:
        """Answer a request that is not even whole, and close; where its answer has begun already, only close."""
        if self.transport.is_closing():
            return
        if self.cycle is None or self.cycle.response_complete or not self.cycle.response_started:
            self.transport.write(_closing_answer(error))
        if self.cycle is not None:
            self.cycle.disconnected = True
        self.transport.close()


def _closing_answer(error: DomainError) -> bytes:
    status = HTTPStatus(status_of(type(error)))
    again = (
        b"retry-after: %d\r\n" % RETRY_AFTER_S if status == HTTPStatus.SERVICE_UNAVAILABLE else b""
    )
    body = orjson.dumps(
        {
            "type": f"/problems/{error.code}",
            "title": title(type(error)),
            "status": status,
            "detail": str(error),
            "instance": "",
            **error.members,
        }
    )
    head = (
        f"HTTP/1.1 {status.value} {status.phrase}\r\n"
        f"content-type: {MEDIA_TYPE}\r\ncontent-length: {len(body)}\r\nconnection: close\r\n"
    )
    return head.encode() + again + SAFETY + body
