"""Locks between processes: `flock` on a file, released by the kernel however the holder ends."""

import os
import sys
from pathlib import Path
from types import TracebackType
from typing import Self

from lepta.postgres.unavailable import PostgresUnavailable

if sys.platform != "win32":
    import fcntl


class FileLock:
    """A lock on one file. Two instances exclude each other even within one process."""

    def __init__(self, path: Path) -> None:
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        try:
            self._file = os.open(path, flags, 0o600)
        except OSError as error:
            raise PostgresUnavailable(
                f"{path} cannot be opened ({error.strerror}). Run the command as the owner of that "
                "directory, or choose another --data-dir."
            ) from error
        self._path = path

    def try_exclusive(self) -> bool:
        """Take the lock for this process alone; False when anybody else holds it."""
        return self._try(fcntl.LOCK_EX)

    def try_shared(self) -> bool:
        """Take the lock together with others; False when somebody holds it alone."""
        return self._try(fcntl.LOCK_SH)

    def release(self) -> None:
        """Let the lock go; it can be taken again."""
        fcntl.flock(self._file, fcntl.LOCK_UN)

    def close(self) -> None:
        """Let the lock go for good. Closing twice is harmless."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def _try(self, how: int) -> bool:
        try:
            fcntl.flock(self._file, how | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError as error:
            raise PostgresUnavailable(
                f"{self._path} cannot be locked ({error.strerror}); some network file systems cannot. "
                "Choose a --data-dir on a local disk."
            ) from error
        return True

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
