"""Several processes that serve one address: each has a listening socket of its own there."""

import contextlib
import socket
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from uvicorn.supervisors.multiprocess import Multiprocess, Process

if TYPE_CHECKING:
    import uvicorn

DOORS = 16
"""The loop lets in one client a listener and round; in a crowd rounds take long, and who is new would wait for seconds."""


def doors(listener: socket.socket) -> list[socket.socket]:
    """The same listener so often that a crowd is let in at once."""
    return [listener, *(listener.dup() for _ in range(DOORS - 1))]


class Workers(Multiprocess):
    """Uvicorn's processes, one a listener. Of one listener for all, most connections would be whoever's is awake
    when they come: one process would have four fifths of the work, and the other would wait for it.
    """

    def __init__(self, config: "uvicorn.Config", listeners: Sequence[socket.socket]) -> None:
        self._doors = [doors(listener) for listener in listeners]
        config.workers = len(listeners)
        super().__init__(config, list(listeners))

    def init_processes(self) -> None:
        """Start them all."""
        for sockets in self._doors:
            self._start(sockets)

    def _start(self, sockets: list[socket.socket]) -> None:
        process = Process(self.config, sockets)
        process.start()
        self.processes.append(process)

    def keep_subprocess_alive(self) -> None:
        """Look after each; one that has died is replaced at the same listener, where its clients wait."""
        for at, sockets in enumerate(self._doors):
            # Uvicorn puts the new process where the old one stood, with `sockets`.
            self.sockets, others = sockets, self.processes
            self.processes = [others[at]]
            super().keep_subprocess_alive()
            self.processes = [*others[:at], *self.processes, *others[at + 1 :]]


@contextlib.contextmanager
def beside(listener: socket.socket, count: int) -> Iterator[list[socket.socket]]:
    """So many listeners at one address, `listener` the first; needs one that was bound to be shared."""
    with contextlib.ExitStack() as stack:
        listeners = [listener]
        while len(listeners) < count:
            more = stack.enter_context(socket.socket(listener.family, socket.SOCK_STREAM))
            more.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            more.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            more.bind(listener.getsockname())
            more.listen(2048)
            listeners.append(more)
        yield listeners
