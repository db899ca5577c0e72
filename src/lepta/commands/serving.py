"""`lepta serve`: the service in this process, or in several that share one address."""

import contextlib
import logging
import multiprocessing
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import typer

from lepta.commands.opening import opened
from lepta.db import Address
from lepta.errors import DomainError, Kind
from lepta.postgres.server import EmbeddedServer
from lepta.postgres.unavailable import PostgresUnavailable
from lepta.settings import Settings

if TYPE_CHECKING:
    import uvicorn

DRAIN_S = 40
"""How long a stopping service may take to answer what it has accepted; above `answer_timeout_s`."""
ORPHANED_S = 5
"""How long a worker may take whose parent was killed."""
_LOOK_AFTER_S = 0.5

_log = logging.getLogger(__name__)


class AddressInUse(DomainError):
    """The address cannot be listened on."""

    code = "address-in-use"
    kind = Kind.CONFLICT


def serve(settings: Settings, host: str, port: int, workers: int) -> None:
    """Run until SIGINT or SIGTERM, then answer what has been accepted, then stop the embedded database."""
    signal.signal(signal.SIGTERM, leave)
    allow_files()
    with (
        contextlib.suppress(KeyboardInterrupt),
        opened(settings, to_serve=True) as found,
        listening(host, port, shared=workers > 1) as listener,
        looked_after(found.server),
    ):
        typer.echo(f"Database: {found.shown}")
        if not found.address.serves:
            typer.echo(f"Advice:   {advice(found.address)}")
        typer.echo(f"Lepta:    {address_of(listener)}  (documentation: /docs)")
        _serve_on(configure(found.settings), listener, workers)


def allow_files() -> None:
    """Let this process and its children open as many files as they may: each client's connection is one."""
    if sys.platform != "win32":
        import resource

        _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        with contextlib.suppress(ValueError, OSError):  # some systems say more than they let have
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def advice(address: Address) -> str:
    """Why the service should log in as its own role, for whoever starts it as somebody else."""
    return (
        f"serve with {address.to_serve().shown()}, a user that owns nothing and so cannot change history; "
        f"keep {address.user} for `lepta migrate`."
    )


def leave(_signal: int, _frame: object) -> NoReturn:
    """SIGTERM ends the process as an exception would, so that every `with` block closes what it opened."""
    sys.exit(0)


def _serve_on(config: "uvicorn.Config", listener: socket.socket, workers: int) -> None:
    import uvicorn

    from lepta.commands.workers import Workers, beside, doors

    if workers == 1:
        uvicorn.Server(config).run(sockets=doors(listener))
        return

    with beside(listener, workers) as listeners:
        Workers(config, listeners).run()


def configure(settings: Settings, log_file: Path | None = None) -> "uvicorn.Config":
    """How uvicorn runs the service; it can be sent to a child process. The log goes to stderr, or to a file."""
    import uvicorn

    return uvicorn.Config(
        partial(_app, settings, log_file),
        factory=True,
        http="lepta.http.protocol:Protocol",
        lifespan="on",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=DRAIN_S,
    )


def _app(settings: Settings, log_file: Path | None) -> object:
    from lepta import logs
    from lepta.main import create_app

    if parent := multiprocessing.parent_process():
        threading.Thread(target=_follow, args=(parent,), name="follow", daemon=True).start()
    # Open as long as the process lives.
    stream = log_file.open("ab", buffering=0) if log_file else None
    logs.configure(stream)
    return create_app(settings)


def run_child(config: "uvicorn.Config", sockets: list[socket.socket]) -> None:
    """The service as a child process."""
    import uvicorn

    uvicorn.Server(config).run(sockets=sockets)


def _follow(parent: multiprocessing.process.BaseProcess) -> None:
    """End this process when its parent has ended, however that ended.

    Soon: an embedded database has ended with the parent, so that what waits cannot be answered; and the address has
    to be free for whoever is started next.
    """
    parent.join()
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(ORPHANED_S)
    os._exit(1)


@contextlib.contextmanager
def listening(host: str, port: int, *, shared: bool = False) -> Iterator[socket.socket]:
    """A socket that listens on `host`; port 0 is any free one. Raises `AddressInUse`.

    `shared`: other sockets of this user may be bound to its address. That would let a second service in, too, so
    that the address is tried without it first.
    """
    if shared:
        with _bound(host, port, shared=False):
            pass
    with _bound(host, port, shared=shared) as listener:
        listener.listen(2048)
        yield listener


def _bound(host: str, port: int, *, shared: bool) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if shared:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise AddressInUse(
            f"Cannot listen on {host} port {port}: {error.strerror}. "
            "Stop what uses it, or choose another --host or --port."
        ) from error
    return listener


def address_of(listener: socket.socket) -> str:
    """The URL under which the service can be reached from this machine."""
    host, port = listener.getsockname()[:2]
    shown = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - shown, not bound
    return f"http://[{shown}]:{port}" if ":" in shown else f"http://{shown}:{port}"


@contextlib.contextmanager
def looked_after(server: EmbeddedServer | None) -> Iterator[None]:
    """Bring an embedded server that is ours back whenever it dies while the service runs."""
    if server is None or not server.owned:
        yield
        return
    stop = threading.Event()
    keeper = threading.Thread(target=_keep_alive, args=(server, stop), daemon=True)
    keeper.start()
    try:
        yield
    finally:
        stop.set()
        keeper.join()


def _keep_alive(server: EmbeddedServer, stop: threading.Event) -> None:
    while not stop.wait(_LOOK_AFTER_S):
        try:
            if server.ensure_running():
                _log.warning("The database had died and was started again.")
        except PostgresUnavailable as error:
            _log.error("The database has died and cannot be started: %s", error)
