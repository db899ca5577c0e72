"""Tiles: the tree as files of 256 hashes that never change, and the leaves in bundles of 256.

Source: https://c2sp.org/tlog-tiles. The tile at level 0 holds leaf hashes, one at level L the roots of
full tiles at level L - 1. A *cell* is one hash of a tile level, numbered through the whole level: cell
(L, n) is the root of leaves `n * 256**L` up to `(n + 1) * 256**L`. A log stores its cells only;
`Frontier.grow` tells which ones new leaves complete, and every other node is computed from them.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from lepta.log.encoding import HASH_BYTES, SIZE_LIMIT
from lepta.log.errors import MalformedError
from lepta.log.merkle import TILE_HEIGHT, root_of
from lepta.log.paths import Node

TILE_WIDTH = 2**TILE_HEIGHT
MAX_LEVEL = 63

MAX_LEAF_BYTES = 65_535
"""A bundle gives an entry's length in 16 bits."""

_PATH = re.compile(
    r"tile/(?P<level>entries|0|[1-9][0-9]?)/(?P<index>(?:x[0-9]{3}/){0,6}[0-9]{3})"
    r"(?:\.p/(?P<width>[1-9][0-9]{0,2}))?\Z",
    re.ASCII,
)


class Tile(NamedTuple):
    """`width` hashes of one level, from hash `n * 256` on; a tile of fewer than 256 is partial."""

    level: int
    n: int
    width: int = TILE_WIDTH

    @property
    def path(self) -> str:
        """Where the tile lies below the log's address, such as `tile/1/x001/x234/067.p/12`."""
        return f"tile/{self.level}/{_index_path(self.n)}{_width_path(self.width)}"

    @property
    def stretch(self) -> "Stretch":
        """The cells whose hashes, one after another, are the tile's bytes."""
        first = self.n * TILE_WIDTH
        return Stretch(self.level, first, first + self.width)

    def is_within(self, size: int) -> bool:
        """Whether a tree of `size` leaves has all hashes of this tile."""
        return self.stretch.stop <= size >> (TILE_HEIGHT * self.level)


class Bundle(NamedTuple):
    """`width` leaves themselves, from leaf `n * 256` on."""

    n: int
    width: int = TILE_WIDTH

    @property
    def path(self) -> str:
        """Where the bundle lies below the log's address, such as `tile/entries/x001/067`."""
        return f"tile/entries/{_index_path(self.n)}{_width_path(self.width)}"

    @property
    def stretch(self) -> "Stretch":
        """The leaves that the bundle holds."""
        return Tile(0, self.n, self.width).stretch

    def is_within(self, size: int) -> bool:
        """Whether a tree of `size` leaves has all leaves of this bundle."""
        return self.stretch.stop <= size


class Stretch(NamedTuple):
    """Neighbouring cells `first` up to, but not including, `stop` of one tile level."""

    level: int
    first: int
    stop: int


def _index_path(n: int) -> str:
    path = f"{n % 1000:03}"
    while n := n // 1000:
        path = f"x{n % 1000:03}/{path}"
    return path


def _width_path(width: int) -> str:
    assert 0 < width <= TILE_WIDTH, width
    return "" if width == TILE_WIDTH else f".p/{width}"


def parse_path(path: str) -> Tile | Bundle:
    """The tile or bundle that a path names; `MalformedError` for any but the one way to write it.

    Says nothing of whether a log has it: ask `is_within`.
    """
    match = _PATH.match(path)
    if not match:
        raise MalformedError(f"not a tile's path: {path[:80]!r}")
    n = int(match["index"].replace("/", "").replace("x", ""))
    width = int(match["width"] or TILE_WIDTH)
    if width > TILE_WIDTH:
        raise MalformedError(f"a tile is at most {TILE_WIDTH} wide: {path[:80]!r}")
    entries = match["level"] == "entries"
    named = Bundle(n, width) if entries else Tile(int(match["level"]), n, width)
    known = n < SIZE_LIMIT and (entries or int(match["level"]) <= MAX_LEVEL)
    if not known or named.path != path:
        raise MalformedError(f"not how a tile's path is written: {path[:80]!r}")
    return named


def tiles_of(size: int) -> Iterator[Tile]:
    """Every tile of a tree of `size` leaves, level by level, each level's partial tile last."""
    level = 0
    while width := size >> (TILE_HEIGHT * level):
        full, partial = divmod(width, TILE_WIDTH)
        yield from (Tile(level, n) for n in range(full))
        if partial:
            yield Tile(level, full, partial)
        level += 1


def bundles_of(size: int) -> Iterator[Bundle]:
    """Every entry bundle of a tree of `size` leaves, the partial one last."""
    full, partial = divmod(size, TILE_WIDTH)
    yield from (Bundle(n) for n in range(full))
    if partial:
        yield Bundle(full, partial)


def stretches(nodes: Iterable[Node]) -> list[Stretch]:
    """The cells that `nodes` are computed from, neighbours joined, so that few scans read them all."""
    merged: list[Stretch] = []
    for part in sorted({_cells_of(node) for node in nodes}):
        last = merged[-1] if merged else None
        if last and last.level == part.level and part.first <= last.stop:
            merged[-1] = Stretch(last.level, last.first, max(last.stop, part.stop))
        else:
            merged.append(part)
    return merged


def reader(cells: Mapping[tuple[int, int], bytes]) -> Callable[[Node], bytes]:
    """A reader of perfect subtrees from the hashes of cells (level, n).

    A cell that `stretches` named and `cells` lacks is a `KeyError`: the stored log has a hole.
    """

    def read(node: Node) -> bytes:
        level, first, stop = _cells_of(node)
        return root_of(cells[level, n] for n in range(first, stop))

    return read


def _cells_of(node: Node) -> Stretch:
    """A subtree of height 11 is made of the 8 cells of level 1 below it."""
    level, height = divmod(node.height, TILE_HEIGHT)
    return Stretch(level, node.n << height, (node.n + 1) << height)


def encode_tile(hashes: Sequence[bytes]) -> bytes:
    """A tile's bytes; `split_hashes` reads them back."""
    assert 0 < len(hashes) <= TILE_WIDTH, len(hashes)
    assert all(len(h) == HASH_BYTES for h in hashes)
    return b"".join(hashes)


def encode_bundle(leaves: Sequence[bytes]) -> bytes:
    """A bundle's bytes: each leaf after its length as a big-endian 16-bit number."""
    assert 0 < len(leaves) <= TILE_WIDTH, len(leaves)
    return b"".join(len(leaf).to_bytes(2, "big") + leaf for leaf in leaves)


def decode_bundle(data: bytes) -> list[bytes]:
    """The leaves of a bundle; `MalformedError` unless it is 1 to 256 whole leaves."""
    leaves, at = [], 0
    while at < len(data):
        start = at + 2
        at = start + int.from_bytes(data[at:start], "big")
        leaves.append(data[start:at])
    if at != len(data) or not 0 < len(leaves) <= TILE_WIDTH:
        raise MalformedError(f"{len(data)} bytes are no entry bundle")
    return leaves
