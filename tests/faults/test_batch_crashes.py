"""A file of stored sales under way when the service is killed, and when its client hangs up: none is lost or doubled.

The number in brackets is that of the edge case.
"""

import json
import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from statistics import median

import httpx
import pytest

import make
from processes import lepta
from services import Service, open_shop

SALES = 1_200
FILE = json.dumps(
    [{"checkout": make.checkout_body(sequence=n, offline=True)} for n in range(SALES)]
).encode()
MANY = json.dumps(
    [{"checkout": make.checkout_body(sequence=n, till="9", offline=True)} for n in range(10_000)]
).encode()
"""A file as large as may be."""


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    started = [Service.started(tmp_path_factory.mktemp("batches"))]
    open_shop(started[0].url, started[0].key(), [make.CARD])
    yield started[0]
    started[0].stop()


def begin(service: Service, key: str) -> socket.socket:
    """Send the file and read the first answers, no more."""
    connection = socket.create_connection(("127.0.0.1", service.port), timeout=60)
    connection.sendall(
        b"POST /v1/checkouts:batch HTTP/1.1\r\nHost: t\r\nContent-Type: application/json\r\n"
        b"Authorization: Bearer %b\r\nContent-Length: %d\r\n\r\n%b"
        % (key.encode(), len(FILE), FILE)
    )
    received = b""
    while received.count(b'"status":20') < 20:
        received += connection.recv(65_536)
    return connection


def send(service: Service, key: str) -> list[tuple[int, int]]:
    """(status, place in the log) of each item."""
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    url = f"{service.url}/v1/checkouts:batch?explain=false"
    answer = httpx.post(url, content=FILE, headers=headers, timeout=120)
    assert answer.status_code == 200, answer.text
    return [(r["status"], r["body"]["log_index"]) for r in answer.json()["results"]]


@pytest.mark.edge_case(10)
def test_ten_thousand_stored_sales_stream_through_while_another_till_sells(
    service: Service, record_property: Callable[[str, str], None]
) -> None:
    """Between two sales that the other till makes one after the other, only a part of the file goes ahead of it."""
    key, body = service.key(), MANY
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    url, sold, waits = f"{service.url}/v1/checkouts", list[int](), list[float]()
    with ThreadPoolExecutor(1) as aside, httpx.Client(headers=headers, timeout=120) as till:
        filed = aside.submit(
            httpx.post, f"{url}:batch?explain=false", content=body, headers=headers, timeout=300
        )
        while not filed.done():
            sale = make.checkout_body(sequence=len(sold), till="4", card=None)
            began_s = time.monotonic()
            answer = till.post(url, json=sale)
            waits.append(time.monotonic() - began_s)
            assert answer.status_code == 201, answer.text
            sold.append(answer.json()["log_index"])
        results = filed.result().json()["results"]
    assert [result["status"] for result in results] == [201] * 10_000
    places = [result["body"]["log_index"] for result in results]
    assert places == sorted(places)
    inside = [place for place in sold if places[0] < place < places[-1]]
    assert len(inside) >= 10
    apart = max(after - before for before, after in pairwise(inside))
    assert apart <= 2_500
    record_property(
        "summary",
        f"a file of 10,000: {len(inside)} sales of another till meanwhile, at most {apart} of the file between two; "
        f"median wait {1_000 * median(waits):.0f} ms, longest {1_000 * max(waits):.0f} ms",
    )


@pytest.mark.edge_case(10, 11)
def test_a_file_sent_again_after_a_kill_and_a_lost_client_counts_each_sale_once(
    service: Service,
) -> None:
    """What was decided is found again; the rest is decided now."""
    key = service.key()
    begin(service, key).close()
    connection = begin(service, key)
    restarted = service.kill()
    service.process = restarted.process
    connection.close()
    results = send(restarted, key)
    found = [place for status, place in results if status == 200]
    assert {status for status, _ in results} <= {200, 201}
    assert len(found) >= 20
    assert sorted({place for _, place in results}) == [place for _, place in results]
    assert send(restarted, key) == [(200, place) for _, place in results]
    where = ("--data-dir", str(service.place / "data"))
    verified = lepta(service.place, "verify", "--replay", *where)
    assert verified.returncode == 0, verified.stderr
