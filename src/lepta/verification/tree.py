"""The tree recomputed: root, frontier and tiles, and what each checkpoint said of it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from lepta.log.checkpoint import Checkpoint, open_checkpoint
from lepta.log.errors import LogError
from lepta.log.merkle import Frontier
from lepta.log.notes import Verifier
from lepta.verification.invariants import Check
from lepta.verification.report import Faults


@dataclass(slots=True)
class Tree:
    """Grows by leaf hashes in order, and stops at each size of which something was signed."""

    sizes: Sequence[int]
    """Sizes whose roots are wanted."""
    frontier: Frontier = field(default_factory=Frontier)
    tiles: dict[tuple[int, int], tuple[bytes]] = field(default_factory=dict)
    roots: dict[int, bytes] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.sizes = sorted(set(self.sizes), reverse=True)
        self._stop()

    def grow(self, hashes: list[bytes]) -> None:
        """Add the next leaves."""
        at = 0
        while at < len(hashes):
            room = self.sizes[-1] - self.frontier.size if self.sizes else len(hashes)
            self._add(hashes[at : at + room])
            at += room
            self._stop()

    def _add(self, hashes: list[bytes]) -> None:
        self.frontier, completed = self.frontier.grow(hashes)
        for level, n, root in completed:
            self.tiles[level, n] = (root,)

    def _stop(self) -> None:
        while self.sizes and self.sizes[-1] <= self.frontier.size:
            assert isinstance(self.sizes, list)
            self.roots[self.sizes.pop()] = self.frontier.root()


@dataclass(frozen=True, slots=True)
class Signed:
    """A checkpoint to check against the tree: where it stands, and what its note says."""

    place: str
    stated: Checkpoint


def read_key(vkey: str | None, faults: Faults) -> Verifier | None:
    """The log's key; None where nothing has been signed yet, or where the key is none."""
    if vkey is None:
        return None
    try:
        return Verifier.from_vkey(vkey)
    except (LogError, ValueError) as error:
        faults.add(Check.CHECKPOINTS, "log_head vkey", str(error))
        return None


def open_note(note: bytes, key: Verifier | None, place: str, faults: Faults) -> Signed | None:
    """A note's statement, if the log's key signed it."""
    if key is None:
        faults.add(Check.CHECKPOINTS, place, "the log has no key that could have signed it")
        return None
    try:
        return Signed(place, open_checkpoint(note, key))
    except (LogError, ValueError, TypeError) as error:
        faults.add(Check.CHECKPOINTS, place, str(error))
        return None


def open_stored(
    rows: Iterable[Iterable[Any]], key: Verifier | None, faults: Faults
) -> list[Signed]:
    """The checkpoints of the table, each compared with its own columns."""
    opened = []
    for size, root, note in rows:
        place = f"checkpoint size {size}"
        signed = open_note(note, key, place, faults)
        if signed is None:
            continue
        if (signed.stated.size, signed.stated.root) != (size, root):
            faults.add(Check.CHECKPOINTS, place, "columns size and root are not what the note says")
        opened.append(signed)
    return opened


def check_signed(signed: Iterable[Signed], tree: Tree, faults: Faults) -> None:
    """Whether each was the root of the leaves there are; so later ones extend earlier ones."""
    for place, stated in ((s.place, s.stated) for s in signed):
        if stated.size > tree.frontier.size:
            what = f"signed for {stated.size} events, but the log has only {tree.frontier.size}"
            faults.add(Check.CHECKPOINTS, place, what)
        elif tree.roots[stated.size] != stated.root:
            what = f"the first {stated.size} events have another root than was signed"
            faults.add(Check.CHECKPOINTS, place, what)
