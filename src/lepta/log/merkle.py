"""The Merkle tree of RFC 6962 section 2.1 (unchanged in RFC 9162), grown from its right edge.

A *frontier* is all that a log must remember to grow: the roots of the perfect subtrees that its leaves
fill, largest first, one for each bit that is set in the size. Hashes are SHA-256, 32 bytes each.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256
from itertools import islice
from typing import NamedTuple, Self

from lepta.log.encoding import HASH_BYTES, SIZE_LIMIT
from lepta.log.errors import MalformedError

EMPTY_ROOT = sha256().digest()
"""The root of a tree without leaves."""

TILE_HEIGHT = 8
"""A tile spans this many levels of the tree: 256 hashes and all nodes above them but for its root."""

_CHUNK = 65_536


def leaf_hash(data: bytes) -> bytes:
    """The hash of one leaf. Its prefix differs from a node's, so that no node passes for a leaf."""
    return sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of the node above two others."""
    return sha256(b"\x01" + left + right).digest()


class Completed(NamedTuple):
    """The root of a subtree of 256**level leaves that has just been filled, the n-th of its level."""

    level: int
    n: int
    hash: bytes


@dataclass(frozen=True, slots=True)
class Frontier:
    """The right edge of a tree of `size` leaves; `hashes` are its perfect subtrees, largest first."""

    size: int = 0
    hashes: tuple[bytes, ...] = ()

    def __post_init__(self) -> None:
        assert 0 <= self.size < SIZE_LIMIT, self.size
        assert len(self.hashes) == self.size.bit_count(), self

    def append(self, leaf: bytes) -> "Frontier":
        """The frontier after one more leaf, given by its hash."""
        return self.grow((leaf,))[0]

    def extend(self, leaves: Iterable[bytes]) -> "Frontier":
        """The frontier after these leaves, given by their hashes, in order."""
        return self.grow(leaves)[0]

    def grow(
        self, leaves: Iterable[bytes], *, tile_height: int = TILE_HEIGHT
    ) -> tuple["Frontier", list[Completed]]:
        """As `extend`, with each subtree root that becomes a tile's hash, by level and then by place.

        Works through the tree one level at a time, so its memory is that of the leaves' hashes.
        """
        nodes = list(leaves)
        size = self.size + len(nodes)
        waiting = list(self.hashes)
        single: list[bytes] = []
        completed: list[Completed] = []
        height = 0
        while nodes:
            if self.size >> height & 1:
                nodes.insert(0, waiting.pop())
            if len(nodes) & 1:
                single.append(nodes.pop())
            pairs = iter(nodes)
            # `node_hash`, written out: this line runs once for each event.
            nodes = [
                sha256(b"\x01" + left + right).digest()
                for left, right in zip(pairs, pairs, strict=True)
            ]
            height += 1
            if nodes and height % tile_height == 0:
                level, first = height // tile_height, self.size >> height
                completed.extend(Completed(level, n, h) for n, h in enumerate(nodes, first))
        return Frontier(size, (*waiting, *reversed(single))), completed

    def root(self) -> bytes:
        """The root of the whole tree: RFC 6962's Merkle Tree Hash."""
        if not self.hashes:
            return EMPTY_ROOT
        *larger, root = self.hashes
        for left in reversed(larger):
            root = node_hash(left, root)
        return root

    def to_bytes(self) -> bytes:
        """The hashes one after another; the size is kept beside them."""
        return b"".join(self.hashes)

    @classmethod
    def from_bytes(cls, size: int, data: bytes) -> Self:
        """What `to_bytes` wrote for this size; `MalformedError` if it cannot have."""
        if not 0 <= size < SIZE_LIMIT or len(data) != size.bit_count() * HASH_BYTES:
            raise MalformedError(f"{len(data)} bytes are no frontier of a tree of {size} leaves")
        return cls(size, split_hashes(data))


def split_hashes(data: bytes) -> tuple[bytes, ...]:
    """Hashes that were written one after another; `MalformedError` if the last one is not whole."""
    if len(data) % HASH_BYTES:
        raise MalformedError(f"{len(data)} bytes are no whole number of hashes")
    return tuple(data[i : i + HASH_BYTES] for i in range(0, len(data), HASH_BYTES))


def frontier_of(leaves: Iterable[bytes]) -> Frontier:
    """The frontier of a whole tree from its leaf hashes, in memory that does not grow with them."""
    frontier, rest = Frontier(), iter(leaves)
    while chunk := list(islice(rest, _CHUNK)):
        frontier = frontier.extend(chunk)
    return frontier


def root_of(leaves: Iterable[bytes]) -> bytes:
    """The root of a whole tree from its leaf hashes, in memory that does not grow with them."""
    return frontier_of(leaves).root()
