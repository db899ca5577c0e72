"""Inclusion and consistency proofs: which hashes prove something about a tree, and checking them.

Source: RFC 6962 sections 2.1.1 and 2.1.2 for their contents and order, RFC 9162 sections 2.1.3.2 and
2.1.4.2 for the checks. Making and checking share no code, so that neither hides a slip of the other.

A proof is made of perfect subtrees alone, so that they can be stored once and never change. To read
them asynchronously, ask `nodes_for_inclusion` first and pass what was read as `nodes.__getitem__`.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from lepta.log.encoding import HASH_BYTES
from lepta.log.errors import UnverifiedError
from lepta.log.merkle import EMPTY_ROOT, Frontier, node_hash


class Node(NamedTuple):
    """A perfect subtree: leaves `n * 2**height` up to `(n + 1) * 2**height`."""

    height: int
    n: int


Read = Callable[[Node], bytes]
"""Gives the hash of a perfect subtree."""

Range = tuple[int, int]


def perfect_nodes(low: int, high: int) -> list[Node]:
    """The perfect subtrees that make up leaves `low` to `high`, left to right, each one smaller.

    The range is one that RFC 6962 splits a tree into, so `low` is aligned to what the range spans.
    """
    assert low % (1 << (high - low - 1).bit_length()) == 0, (low, high)
    nodes = []
    while low < high:
        height = (high - low).bit_length() - 1
        nodes.append(Node(height, low >> height))
        low += 1 << height
    return nodes


def read_frontier(size: int, read: Read) -> Frontier:
    """The frontier that a tree had when it held `size` leaves; its root is that tree's root."""
    return Frontier(size, tuple(map(read, nodes_for_frontier(size))))


def nodes_for_frontier(size: int) -> list[Node]:
    """What `read_frontier` will ask for."""
    return perfect_nodes(0, size) if size else []


def inclusion_proof(index: int, size: int, read: Read) -> list[bytes]:
    """Proves that leaf `index` is in the tree of `size`: its sibling's hash first, the root's child last."""
    return [_range_hash(part, read) for part in _inclusion_ranges(index, size)]


def nodes_for_inclusion(index: int, size: int) -> list[Node]:
    """What `inclusion_proof` will ask for, in its order."""
    return [node for part in _inclusion_ranges(index, size) for node in perfect_nodes(*part)]


def consistency_proof(old: int, new: int, read: Read) -> list[bytes]:
    """Proves that the tree of `new` leaves begins with the tree of `old`; empty if they are equal.

    Also empty for an empty old tree, which every tree continues.
    """
    return [_range_hash(part, read) for part in _consistency_ranges(old, new)]


def nodes_for_consistency(old: int, new: int) -> list[Node]:
    """What `consistency_proof` will ask for, in its order."""
    return [node for part in _consistency_ranges(old, new) for node in perfect_nodes(*part)]


def _range_hash(part: Range, read: Read) -> bytes:
    nodes = perfect_nodes(*part)
    root = read(nodes.pop())
    while nodes:
        root = node_hash(read(nodes.pop()), root)
    return root


def _split(low: int, high: int) -> int:
    """Where RFC 6962 divides a range: after the largest power of two that is smaller than it."""
    return low + (1 << (high - low - 1).bit_length() - 1)


def _inclusion_ranges(index: int, size: int) -> list[Range]:
    assert 0 <= index < size, (index, size)
    low, high, ranges = 0, size, []
    while high - low > 1:
        middle = _split(low, high)
        if index < middle:
            ranges.append((middle, high))
            high = middle
        else:
            ranges.append((low, middle))
            low = middle
    return ranges[::-1]


def _consistency_ranges(old: int, new: int) -> list[Range]:
    assert 0 <= old <= new, (old, new)
    if old == 0:
        return []
    low, high, ranges = 0, new, []
    while old < high:
        middle = _split(low, high)
        if old <= middle:
            ranges.append((middle, high))
            high = middle
        else:
            ranges.append((low, middle))
            low = middle
    # Without a left part, the old tree is itself a subtree of the new one, and its root is known.
    if low:
        ranges.append((low, high))
    return ranges[::-1]


def verify_inclusion(
    index: int, size: int, leaf_hash: bytes, proof: Sequence[bytes], root: bytes
) -> None:
    """Return if `proof` shows that leaf `index` of the tree with this size and root has `leaf_hash`.

    Raises `UnverifiedError` otherwise. Source: RFC 9162 section 2.1.3.2.
    """
    _check(0 <= index < size, f"leaf {index} is not in a tree of {size}")
    _check_lengths(leaf_hash, root, *proof)
    place, last, found = index, size - 1, leaf_hash
    for sibling in proof:
        _check(last > 0, "the inclusion proof is too long")
        if place & 1 or place == last:
            found = node_hash(sibling, found)
            place, last = _skip_levels_without_sibling(place, last)
        else:
            found = node_hash(found, sibling)
        place, last = place >> 1, last >> 1
    _check(last == 0, "the inclusion proof is too short")
    _check(found == root, f"the inclusion proof of leaf {index} does not lead to the root")


def verify_consistency(
    old_size: int, new_size: int, old_root: bytes, new_root: bytes, proof: Sequence[bytes]
) -> None:
    """Return if `proof` shows that the new tree begins with the whole old tree.

    Raises `UnverifiedError` otherwise. Equal sizes need equal roots and an empty proof; an empty old
    tree needs the root of an empty tree and an empty proof. Source: RFC 9162 section 2.1.4.2.
    """
    _check(0 <= old_size <= new_size, f"a tree of {old_size} cannot shrink to {new_size}")
    _check_lengths(old_root, new_root, *proof)
    if old_size in {0, new_size}:
        _check(not proof, "the consistency proof is too long")
        _check(old_size > 0 or old_root == EMPTY_ROOT, "an empty tree has another root")
        _check(old_size < new_size or old_root == new_root, "trees of one size have two roots")
        return
    old_found, new_found = _consistency_roots(old_size, new_size, old_root, proof)
    _check(old_found == old_root, "the consistency proof does not lead to the old root")
    _check(new_found == new_root, "the consistency proof does not lead to the new root")


def _consistency_roots(
    old_size: int, new_size: int, old_root: bytes, proof: Sequence[bytes]
) -> tuple[bytes, bytes]:
    """The roots of the old and the new tree that the proof implies, for 0 < old < new."""
    if old_size & (old_size - 1) == 0:
        proof = (old_root, *proof)
    _check(len(proof) > 0, "the consistency proof is too short")
    place, last = old_size - 1, new_size - 1
    while place & 1:
        place, last = place >> 1, last >> 1
    old = new = proof[0]
    for sibling in proof[1:]:
        _check(last > 0, "the consistency proof is too long")
        if place & 1 or place == last:
            old, new = node_hash(sibling, old), node_hash(sibling, new)
            place, last = _skip_levels_without_sibling(place, last)
        else:
            new = node_hash(new, sibling)
        place, last = place >> 1, last >> 1
    _check(last == 0, "the consistency proof is too short")
    return old, new


def _skip_levels_without_sibling(place: int, last: int) -> tuple[int, int]:
    """Climb past the levels where the rightmost node has nothing beside it and rises unchanged."""
    while place and not place & 1:
        place, last = place >> 1, last >> 1
    return place, last


def _check_lengths(*hashes: bytes) -> None:
    _check(all(len(h) == HASH_BYTES for h in hashes), f"every hash has {HASH_BYTES} bytes")


def _check(holds: bool, otherwise: str) -> None:  # noqa: FBT001
    if not holds:
        raise UnverifiedError(otherwise)
