"""HTTP on one connection: uvicorn's protocol, an express lane beside it, and problem documents for what is no HTTP."""

from typing import Any

import orjson
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from lepta.errors import title
from lepta.http.express import Call, Head, Lane
from lepta.http.problems import MEDIA_TYPE, ProtocolError


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
        self._parsing = False
        """Uvicorn's parser is in the middle of a request."""
        self._head: Head | None = None
        """Of a call whose body is not all there yet."""
        self._received = bytearray()
        """The beginning of that call; or, during a call, what came after it."""
        self._calling = False
        self._leaving = False
        self._answered_s = 0.0
        self._idle_check: Any = None

    def data_received(self, data: bytes) -> None:
        """Find out which way a request goes."""
        if self._calling:
            self._received += data
            self.flow.pause_reading()
        elif self._head is not None:
            self._received += data
            if len(self._received) >= self._head.ends + self._head.length:
                self._call(self._head, bytes(self._received))
        elif (head := self._plain(data)) is None:
            super().data_received(data)
        elif len(data) >= head.ends + head.length:
            self._call(head, data)
        else:
            self._unset_keepalive_if_required()
            self._head = head
            self._received += data

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
        self._head, self._calling = None, True
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

        A client may have left; then nobody is told, and what else it has sent is not looked at.
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
        if not self.transport.is_closing():
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
        if self._idle_check is not None:
            self._idle_check.cancel()
        super().connection_lost(exc)

    def shutdown(self) -> None:
        """Hang up, as soon as the call under way is answered."""
        if self._calling or self._head is not None:
            self._leaving = True
        else:
            super().shutdown()

    def on_message_begin(self) -> None:
        """Uvicorn's parser has seen the first byte of a request."""
        self._parsing = True
        super().on_message_begin()

    def on_message_complete(self) -> None:
        """And its last."""
        self._parsing = False
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        """Answer bytes that are no HTTP request, and close.

        The status stays 400: there is no request that another status could be about, and no id to name it by.
        """
        body = orjson.dumps(
            {
                "type": f"/problems/{NotHttp.code}",
                "title": title(NotHttp),
                "status": NotHttp.status,
                "detail": f"{msg.rstrip('.')}. Check the client, or what stands between.",
                "instance": "",
            }
        )
        head = (
            "HTTP/1.1 400 Bad Request\r\n"
            f"content-type: {MEDIA_TYPE}\r\ncontent-length: {len(body)}\r\n"
            "cache-control: no-store\r\nx-content-type-options: nosniff\r\nconnection: close\r\n\r\n"
        )
        self.transport.write(head.encode() + body)
        self.transport.close()
