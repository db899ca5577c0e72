"""Long bodies on disk: they are looked through as they arrive, and kept out of memory."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from tempfile import SpooledTemporaryFile

from starlette.requests import Request

from lepta.errors import DomainError, Kind
from lepta.http.items import Borders

IN_MEMORY = 1 << 20
"""Bytes of a body that need no file."""
PIECE = 4 << 10
"""Bytes that are looked through at a time; at worst, each is a bracket."""


class NoRoom(DomainError):
    """There is no room for a body of this size just now.

    Bodies this long are put on disk while they are worked on, and the disk is full. Nothing was recorded. Send the
    same again later, or less at once.
    """

    code = "no-room"
    kind = Kind.BUSY

    def __init__(self) -> None:
        super().__init__("There is no room for a body of this size just now. Send it again later.")


@contextmanager
def _on_disk() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise NoRoom from error


class Spool:
    """A JSON array, item by item. Its file has no name, so that nothing is left of it however this process ends."""

    def __init__(self, most: int) -> None:
        """`most`: items that it may have."""
        self._file = SpooledTemporaryFile(IN_MEMORY)  # noqa: SIM115 - `close` does
        self._borders = Borders(most)

    async def take_in(self, request: Request) -> None:
        """Read a request's body; raises `TooLarge`, `InvalidRequest` and `NoRoom`."""
        async for chunk in request.stream():
            for first in range(0, len(chunk), PIECE):
                self._borders.feed(chunk[first : first + PIECE])
                await asyncio.sleep(0)  # one long body is not to keep everybody else waiting
            with _on_disk():
                self._file.write(chunk)
        self._borders.end()

    def items(self, longest: int) -> Iterator[bytes | None]:
        """The bytes of each item, in order; None for one that is longer than `longest`."""
        for first, end in self._borders.spans:
            yield self._read(first, end - first) if end - first <= longest else None

    def _read(self, first: int, length: int) -> bytes:
        self._file.seek(first)
        return self._file.read(length)

    def close(self) -> None:
        """Give the disk's room back."""
        self._file.close()
