"""Offline receipts: one text that proves a leaf is in the log, to check with the log's key alone.

Source: https://c2sp.org/tlog-proof. The specification leaves to the application how a leaf's hash is
made; here the `extra` line carries the leaf itself, and what is hashed is exactly those bytes. The
line proves nothing alone: believe a leaf only once `verify_proof` has returned it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from lepta.log.checkpoint import Checkpoint, open_checkpoint
from lepta.log.encoding import (
    HASH_BYTES,
    SIZE_LIMIT,
    from_base64,
    from_decimal,
    to_base64,
)
from lepta.log.errors import MalformedError, UnverifiedError
from lepta.log.merkle import leaf_hash
from lepta.log.notes import Verifier
from lepta.log.paths import verify_inclusion
from lepta.log.tiles import MAX_LEAF_BYTES

HEADER = "c2sp.org/tlog-proof@v1"
FILE_EXTENSION = ".tlog-proof"

MAX_PATH = 63
"""A tree of fewer than 2**63 leaves is at most this high."""


@dataclass(frozen=True, slots=True)
class Proof:
    """A proof taken apart; nothing in it is verified.

    `leaf` is None if it has to come from elsewhere; `path` goes from the leaf's sibling to the root's
    child; `checkpoint` is the signed note, cosignatures included, byte for byte. Raises
    `MalformedError` for what no proof can say.
    """

    leaf: bytes | None
    index: int
    path: tuple[bytes, ...]
    checkpoint: bytes

    def __post_init__(self) -> None:
        if self.leaf is not None and not 0 < len(self.leaf) <= MAX_LEAF_BYTES:
            raise MalformedError(f"a leaf has 1 to {MAX_LEAF_BYTES} bytes")
        if not 0 <= self.index < SIZE_LIMIT or len(self.path) > MAX_PATH:
            raise MalformedError("no tree is as large as this proof says")
        if not all(len(h) == HASH_BYTES for h in self.path):
            raise MalformedError(f"a hash has {HASH_BYTES} bytes")

    def to_bytes(self) -> bytes:
        """The text form."""
        extra = [] if self.leaf is None else [f"extra {to_base64(self.leaf)}"]
        lines = [HEADER, *extra, f"index {self.index}", *map(to_base64, self.path)]
        return "\n".join(lines).encode() + b"\n\n" + self.checkpoint


def format_proof(leaf: bytes | None, index: int, path: Sequence[bytes], checkpoint: bytes) -> bytes:
    """The text of a proof; `leaf` is None to leave it out, `checkpoint` the signed note."""
    return Proof(leaf, index, tuple(path), checkpoint).to_bytes()


def parse_proof(data: bytes) -> Proof:
    """Take a proof apart without verifying anything; `MalformedError` unless it is one to the letter."""
    head, empty_line, checkpoint = data.partition(b"\n\n")
    if not empty_line:
        raise MalformedError("a proof has an empty line above its checkpoint")
    try:
        header, *lines = head.decode("ascii").split("\n")
    except UnicodeDecodeError as error:
        raise MalformedError("a proof is ASCII down to its checkpoint") from error
    if header != HEADER:
        raise MalformedError(f"a proof starts with the line {HEADER}")
    leaf = None
    if lines and lines[0].startswith("extra "):
        leaf = from_base64(lines.pop(0).removeprefix("extra "))
    if not lines or not lines[0].startswith("index "):
        raise MalformedError("a proof names the leaf's index")
    index = from_decimal(lines.pop(0).removeprefix("index "))
    return Proof(leaf, index, tuple(map(from_base64, lines)), checkpoint)


@dataclass(frozen=True, slots=True)
class ProvenLeaf:
    """A leaf, its place and the checkpoint that includes it."""

    leaf: bytes
    index: int
    checkpoint: Checkpoint


def verify_proof(
    data: bytes, verifier: Verifier, *, origin: str | None = None, leaf: bytes | None = None
) -> ProvenLeaf:
    """The leaf that the proof carries, once everything about it has been checked, without network.

    `origin` is the log's, by default the key's name. Give `leaf` where the proof leaves it out; if it
    carries one, both must be equal. Raises `MalformedError` or `UnverifiedError`.
    """
    proof = parse_proof(data)
    found = leaf if proof.leaf is None else proof.leaf
    if found is None:
        raise UnverifiedError("the proof does not carry its leaf")
    if leaf not in {None, found}:
        raise UnverifiedError("the proof is of another leaf")
    checkpoint = open_checkpoint(proof.checkpoint, verifier, origin=origin)
    verify_inclusion(proof.index, checkpoint.size, leaf_hash(found), proof.path, checkpoint.root)
    return ProvenLeaf(found, proof.index, checkpoint)
