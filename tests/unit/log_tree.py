"""The Merkle tree as RFC 6962 section 2.1 words it: slow, recursive and with nothing of ours in it."""

from collections.abc import Sequence
from functools import cache
from hashlib import sha256

LEAVES = tuple(
    bytes.fromhex(leaf)
    for leaf in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
)
"""The inputs of the classic test vectors, in use since the first Certificate Transparency code."""


@cache
def leaf_hashes(count: int) -> tuple[bytes, ...]:
    """Distinct leaf hashes."""
    return tuple(sha256(b"\x00leaf %d" % i).digest() for i in range(count))


def tree_hash(hashes: Sequence[bytes]) -> bytes:
    """MTH of RFC 6962, from leaf hashes."""
    if not hashes:
        return sha256(b"").digest()
    if len(hashes) == 1:
        return hashes[0]
    k = 1
    while 2 * k < len(hashes):
        k *= 2
    return sha256(b"\x01" + tree_hash(hashes[:k]) + tree_hash(hashes[k:])).digest()


@cache
def subtree(height: int, n: int) -> bytes:
    """The perfect subtree of this height over `leaf_hashes`."""
    if height == 0:
        return sha256(b"\x00leaf %d" % n).digest()
    left, right = subtree(height - 1, 2 * n), subtree(height - 1, 2 * n + 1)
    return sha256(b"\x01" + left + right).digest()
