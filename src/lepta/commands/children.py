"""The service as a child process, for commands that need one of their own."""

import contextlib
import multiprocessing
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import httpx

from lepta.commands.serving import DRAIN_S, address_of, configure, run_child
from lepta.errors import DomainError, Kind
from lepta.settings import Settings

READY_WITHIN_S = 60.0


class NotReady(DomainError):
    """The service does not come up."""

    code = "not-ready"
    kind = Kind.BUSY


@contextlib.contextmanager
def service(settings: Settings, log_file: Path, listener: socket.socket) -> Iterator[str]:
    """Run the service on `listener` in a process of its own and give its URL once it is ready."""
    context = multiprocessing.get_context("spawn")
    process = context.Process(
        target=run_child, args=(configure(settings, log_file), [listener]), name="lepta-service"
    )
    process.start()
    url = address_of(listener)
    try:
        _wait_until_ready(url, process)
        yield url
    finally:
        process.terminate()
        process.join(DRAIN_S)
        if process.is_alive():
            process.kill()
            process.join()


def _wait_until_ready(url: str, process: multiprocessing.process.BaseProcess) -> None:
    until = time.monotonic() + READY_WITHIN_S
    answered = "no answer"
    with httpx.Client(base_url=url, timeout=5, trust_env=False) as client:
        while process.is_alive() and time.monotonic() < until:
            try:
                response = client.get("/readyz")
            except httpx.TransportError:
                time.sleep(0.05)
                continue
            if response.status_code == 200:
                return
            answered = f"{response.status_code} {response.text[:300]}"
            time.sleep(0.1)
    state = "is not ready" if process.is_alive() else f"ended with code {process.exitcode}"
    raise NotReady(f"The service {state} ({answered}).")
