"""Which requests are plain enough for the express lane."""

import httptools
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from echoes import LANE
from lepta.http.express import LONGEST_BODY, Lane
from lepta.http.journal import Journal
from lepta.http.metrics import Metrics
from wires import request


def lane() -> Lane:
    return Lane(None, LANE, Journal(None, Metrics()), {})


def test_a_plain_head_is_read() -> None:
    sent = b"POST /echo?a=%20&b HTTP/1.1\r\nHost: x\r\nX-Request-ID:a\r\nX-E:\r\nContent-Length: 2\r\n\r\n{}POST"
    head = lane().read(sent)
    assert head is not None
    assert (head.query, head.length, sent[head.ends :]) == ("a=%20&b", 2, b"{}POST")
    assert head.headers == {"host": "x", "x-request-id": "a", "x-e": "", "content-length": "2"}


@pytest.mark.parametrize("said", [b"keep-alive", b"Keep-Alive", b"KEEP-ALIVE"])
def test_a_connection_that_is_to_stay_is_plain(said: bytes) -> None:
    sent = b"POST /echo HTTP/1.1\r\nConnection: " + said + b"\r\nContent-Length: 2\r\n\r\n{}"
    assert lane().read(sent) is not None


@pytest.mark.parametrize(
    "first",
    [b"GET /echo HTTP/1.1", b"HEAD /echo HTTP/1.1", b"PUT /echo HTTP/1.1", b"post /echo HTTP/1.1",
     b"POST /echo HTTP/1.0", b"POST /echo HTTP/2.0", b"POST /echo http/1.1", b"POST /echo", b"POST  /echo HTTP/1.1",
     b"POST /echo  HTTP/1.1", b"POST\t/echo HTTP/1.1", b"POST /echo/ HTTP/1.1", b"POST /ech%6f HTTP/1.1",
     b"POST /Echo HTTP/1.1", b"POST //echo HTTP/1.1", b"POST /x/../echo HTTP/1.1", b"POST http://x/echo HTTP/1.1",
     b"POST /echo#a HTTP/1.1", b"POST /echo?a#b HTTP/1.1", b"POST /echo?\xff HTTP/1.1", b"POST /echo?a\tb HTTP/1.1",
     b"POST /echo:batch HTTP/1.1", b"\r\nPOST /echo HTTP/1.1"],
)  # fmt: skip
def test_another_first_line_is_not_plain(first: bytes) -> None:
    assert lane().read(first + b"\r\nContent-Length: 2\r\n\r\n{}") is None


@pytest.mark.parametrize(
    "header",
    [b"Content-Length: 2", b"content-length: 3", b"Transfer-Encoding: chunked", b"transfer-encoding: identity",
     b"TRANSFER-ENCODING:\tchunked", b"Transfer-Encoding : chunked", b"Connection: close", b"connection: keep-alive, te",
     b"Connection: keep-alive ", b"Connection:", b"Connection: keep-alive\r\nconnection: keep-alive",
     b"Proxy-Connection: close", b"Upgrade: h2c", b"Expect: 100-continue", b"TE: trailers", b"Trailer: a",
     b"Keep-Alive: 5", b"A: 1\r\na: 1", b"A: 1\r\n b", b"A: 1\r\n\tb", b"A: \x00", b"A: a\x7fb", b"A: a\tb",
     b"A: \xc3\xbc", b"A : 1", b"A\xff: 1", b"A_B: 1", b"A", b": 1", b"A:  1", b"A:\t1", b"A: 1\nB: 2", b"A: 1\rB: 2",
     b"A: " + b"x" * 5_000, b"\r\n".join(b"A%d: 1" % n for n in range(50))],
)  # fmt: skip
def test_a_header_that_can_mean_more_than_one_thing_is_not_plain(header: bytes) -> None:
    start = b"POST /echo HTTP/1.1\r\n"
    assert lane().read(start + b"Content-Length: 2\r\n" + header + b"\r\n\r\n{}") is None
    assert lane().read(start + header + b"\r\nContent-Length: 2\r\n\r\n{}") is None


@pytest.mark.parametrize(
    "length",
    [b"+2", b"-2", b" 2", b"2 ", b"0x2", b"2,2", b"2, 2", b"2;2", b"1_0", b"", b"\xd9\xa2", b"\xc2\xb2", b"2.0",
     b"%d" % (LONGEST_BODY + 1), b"0000002", b"9" * 30],
)  # fmt: skip
def test_a_length_that_is_not_a_short_row_of_digits_is_not_plain(length: bytes) -> None:
    assert lane().read(b"POST /echo HTTP/1.1\r\nContent-Length: " + length + b"\r\n\r\n{}") is None


def test_without_a_length_or_the_end_of_the_head_nothing_is_plain() -> None:
    assert lane().read(b"POST /echo HTTP/1.1\r\nHost: x\r\n\r\n{}") is None
    whole = request(to=LANE)
    assert not any(lane().read(whole[:end]) for end in range(len(whole) - 2))
    assert lane().read(whole) is not None


class Parsed:
    """What uvicorn's parser makes of a request."""

    def __init__(self, sent: bytes) -> None:
        self.url, self.headers, self.body, self.whole = b"", [], b"", False  # type: ignore[var-annotated]
        self.parser = httptools.HttpRequestParser(self)
        self.parser.feed_data(sent)

    def on_url(self, url: bytes) -> None:
        self.url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers.append((name.decode().lower(), value.decode()))

    def on_headers_complete(self) -> None:
        self.stays = self.parser.should_keep_alive() and not self.parser.should_upgrade()

    def on_body(self, body: bytes) -> None:
        self.body += body

    def on_message_complete(self) -> None:
        self.whole = True


ODD = st.text(st.sampled_from(" \t\r\n:#?%,;+-_a0\x00\x7f\xff\"'"), max_size=4)
NAMES = st.sampled_from(
    ["Host", "A", "a", "Connection", "Proxy-Connection", "Transfer-Encoding", "Upgrade", "Expect", "Content-Length",
     "content-length", "TE", "Keep-Alive", "HTTP2-Settings"]
)  # fmt: skip
VALUES = st.sampled_from(
    ["x", "2", "close", "keep-alive", "chunked", "h2c", "upgrade", "100-continue", ""]
)
FIELDS = st.lists(st.tuples(NAMES, ODD, VALUES, ODD), max_size=4)


@example(query="?a#b", fields=[])
@example(query="", fields=[("Proxy-Connection", " ", "close", "")])
@example(query="", fields=[("A", " ", "x", "  ")])
@example(query="", fields=[("A", "", "x", "\r\n\r\n")])
@given(st.one_of(st.just(""), ODD.map("?{}".format)), FIELDS)
@settings(max_examples=500)
def test_what_the_lane_reads_uvicorns_parser_reads_alike(
    query: str, fields: list[tuple[str, str, str, str]]
) -> None:
    lines = "".join(
        f"{name}:{'' if more else ' '}{before}{value}{more}\r\n"
        for name, before, value, more in fields
    )
    sent = f"POST /echo{query} HTTP/1.1\r\nContent-Length: 2\r\n{lines}\r\n{{}}".encode("latin-1")
    head = lane().read(sent)
    if head is None:
        return
    # A field may end the head early; what comes after the body is another request, and not read here.
    whole = sent[: head.ends + head.length]
    parsed = Parsed(whole)
    assert (parsed.whole, parsed.stays, parsed.body) == (True, True, whole[head.ends :])
    assert dict(parsed.headers) == head.headers
    url = httptools.parse_url(parsed.url)
    assert (url.path, (url.query or b"").decode()) == (b"/echo", head.query)
