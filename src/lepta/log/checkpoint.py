"""Checkpoints: a signed statement of how many leaves a log holds and what their root is.

Source: https://c2sp.org/tlog-checkpoint. A log must never sign one that is inconsistent with another
that it signed; that is for the caller, who signs only what is committed.
"""

from dataclasses import dataclass

from lepta.log.encoding import (
    HASH_BYTES,
    SIZE_LIMIT,
    from_base64,
    from_decimal,
    to_base64,
)
from lepta.log.errors import MalformedError, UnverifiedError
from lepta.log.merkle import EMPTY_ROOT
from lepta.log.notes import Signer, Verifier, verify


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """`size` leaves have `root`, says the log named `origin`. Extensions are lines without meaning here.

    Raises `MalformedError` for what no checkpoint can say.
    """

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not all(line and "\n" not in line for line in (self.origin, *self.extensions)):
            raise MalformedError("a checkpoint's lines are neither empty nor broken")
        if not 0 <= self.size < SIZE_LIMIT or len(self.root) != HASH_BYTES:
            raise MalformedError("a checkpoint has a size below 2**63 and a root of 32 bytes")
        if self.size == 0 and self.root != EMPTY_ROOT:
            raise MalformedError("an empty tree has another root")

    @property
    def text(self) -> str:
        """The note text: origin, size, root in base64, extensions; one line each."""
        lines = (self.origin, str(self.size), to_base64(self.root), *self.extensions)
        return "\n".join(lines) + "\n"


def parse_checkpoint(text: str) -> Checkpoint:
    """Read a note's text as a checkpoint; `MalformedError` unless it is one to the letter."""
    lines = text.split("\n")
    if len(lines) < 4 or lines.pop():
        raise MalformedError("a checkpoint is at least three lines, each with its end")
    origin, size, root, *extensions = lines
    return Checkpoint(origin, from_decimal(size), from_base64(root), tuple(extensions))


def sign_checkpoint(signer: Signer, origin: str, size: int, root: bytes) -> bytes:
    """The signed note. The key's name should be the origin."""
    return signer.sign(Checkpoint(origin, size, root).text)


def open_checkpoint(note: bytes, verifier: Verifier, *, origin: str | None = None) -> Checkpoint:
    """What the note states, if this key signed it for this log.

    The origin must be the one expected, by default the key's name. Raises `UnverifiedError` for a
    missing or wrong signature and for another log, `MalformedError` for what is no checkpoint.
    """
    checkpoint = parse_checkpoint(verify(note, [verifier]))
    expected = verifier.name if origin is None else origin
    if checkpoint.origin != expected:
        raise UnverifiedError(f"a checkpoint of {checkpoint.origin[:80]!r}, not of {expected!r}")
    return checkpoint
