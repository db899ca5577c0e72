"""What the server says to bytes that are no HTTP request, before any application is asked."""

import orjson
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from lepta.errors import title
from lepta.http.problems import MEDIA_TYPE, ProtocolError


class NotHttp(ProtocolError):
    """The request is not HTTP/1.1.

    Its first line, its method, its version or its headers cannot be read, so that nothing is known of it and the
    connection is closed. Check the client, or what stands between it and Lepta.
    """

    code = "not-http"
    status = 400


class Protocol(HttpToolsProtocol):
    """Uvicorn's, with a problem document in place of its line of text.

    The status stays 400: there is no request that another status could be about, and no id to name it by.
    """

    def send_400_response(self, msg: str) -> None:
        """Answer and close."""
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
