"""The file with the log's private key: made once, readable by its owner alone."""

import os
import secrets
from contextlib import suppress
from pathlib import Path

from lepta.errors import DomainError
from lepta.log.errors import MalformedError
from lepta.log.notes import Signer

_ANYBODY = 0o027
"""Others may do nothing with the file, its group may at most read it."""


class KeyUnusable(DomainError):
    """The log's signing key cannot be used.

    Shown at start, never over HTTP: the service does not run with a key that is missing, open to others or not
    the one that the log was begun with.
    """

    code = "signing-key-unusable"


def load(path: Path, name: str) -> Signer:
    """The key in `path`, to sign as `name`; raises `KeyUnusable`."""
    try:
        if path.stat().st_mode & _ANYBODY:
            raise KeyUnusable(f"{path} can be read or changed by others. Say `chmod 600 {path}`.")
        return Signer.from_pem(name, path.read_bytes())
    except MalformedError as error:
        raise KeyUnusable(f"{path} cannot be used: {error}. Put the log's own key back.") from error
    except OSError as error:
        raise KeyUnusable(
            f"{path} cannot be read: {error.strerror}. Put the log's own key back."
        ) from error


def create(path: Path) -> None:
    """Make a key unless there is one. Of two that make it at once, one wins and both use that."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    pem = Signer.generate("unnamed").to_pem()
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(pem)
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileExistsError):
            path.hardlink_to(draft)
    finally:
        draft.unlink()
    _flush(path.parent)


def _flush(directory: Path) -> None:
    """A key that signs must not be gone after a power cut."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
