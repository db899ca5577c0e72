from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from log_tree import LEAVES, leaf_hashes, subtree, tree_hash

from lepta.log.errors import UnverifiedError
from lepta.log.merkle import EMPTY_ROOT, leaf_hash, node_hash
from lepta.log.paths import (
    Node,
    consistency_proof,
    inclusion_proof,
    nodes_for_consistency,
    nodes_for_frontier,
    nodes_for_inclusion,
    read_frontier,
    verify_consistency,
    verify_inclusion,
)

HASHES = leaf_hashes(70)
ROOTS = [tree_hash(HASHES[:size]) for size in range(71)]
OTHER = b"\xff" * 32


def read(node: Node) -> bytes:
    return subtree(*node)


def spoilt(proof: list[bytes]) -> list[list[bytes]]:
    """Every way to lose, repeat, swap or change one hash."""
    cut = [proof[:i] + proof[i + 1 :] for i in range(len(proof))]
    longer = [[*proof[:i], OTHER, *proof[i:]] for i in range(len(proof) + 1)]
    repeated = [proof[:i] + proof[i - 1 : i] + proof[i:] for i in range(1, len(proof) + 1)]
    changed = [[*proof[:i], OTHER, *proof[i + 1 :]] for i in range(len(proof))]
    swapped = [
        [*proof[:i], proof[j], proof[i], *proof[j + 1 :]] for i, j in pairwise(range(len(proof)))
    ]
    short = [[*proof[:i], proof[i][:31], *proof[i + 1 :]] for i in range(len(proof))]
    return cut + longer + repeated + changed + swapped + short


def test_every_leaf_of_every_small_tree_can_be_proven() -> None:
    for size in range(1, 71):
        for index in range(size):
            proof = inclusion_proof(index, size, read)
            verify_inclusion(index, size, HASHES[index], proof, ROOTS[size])


def test_every_small_tree_continues_every_smaller_one() -> None:
    for new in range(71):
        for old in range(new + 1):
            proof = consistency_proof(old, new, read)
            verify_consistency(old, new, ROOTS[old], ROOTS[new], proof)


def test_the_classic_proofs_come_out() -> None:
    """The paths of RFC 6962's example tree, section 2.1.3, worked out by hand: seven leaves."""
    a, b, c, d, e, f, j = map(leaf_hash, LEAVES[:7])
    g, h, i = tree_hash([a, b]), tree_hash([c, d]), tree_hash([e, f])
    k = tree_hash([a, b, c, d])
    nodes = {Node(0, n): x for n, x in enumerate((a, b, c, d, e, f, j))}
    nodes |= {Node(1, 0): g, Node(1, 1): h, Node(1, 2): i, Node(2, 0): k}
    ask = nodes.__getitem__
    m = tree_hash([e, f, j])
    assert inclusion_proof(0, 7, ask) == [b, h, m]
    assert inclusion_proof(3, 7, ask) == [c, g, m]
    assert inclusion_proof(4, 7, ask) == [f, j, k]
    assert inclusion_proof(6, 7, ask) == [i, k]
    assert consistency_proof(3, 7, ask) == [c, d, g, m]
    assert consistency_proof(4, 7, ask) == [m]
    assert consistency_proof(6, 7, ask) == [i, j, k]


def test_what_a_proof_asks_for_is_known_beforehand() -> None:
    for size in range(1, 40):
        for index in range(size):
            known = {node: read(node) for node in nodes_for_inclusion(index, size)}
            proof = inclusion_proof(index, size, known.__getitem__)
            assert proof == inclusion_proof(index, size, read)
            known = {node: read(node) for node in nodes_for_consistency(index, size)}
            proof = consistency_proof(index, size, known.__getitem__)
            assert proof == consistency_proof(index, size, read)


def test_only_perfect_subtrees_within_the_tree_are_asked_for() -> None:
    for size in range(1, 71):
        for index in range(size):
            for height, n in nodes_for_inclusion(index, size) + nodes_for_consistency(index, size):
                assert (n + 1) << height <= size


def test_a_past_root_can_be_read_back_from_stored_nodes() -> None:
    for size in range(71):
        frontier = read_frontier(size, read)
        assert frontier.size == size
        assert frontier.root() == ROOTS[size]
        assert all((n + 1) << height <= size for height, n in nodes_for_frontier(size))


def test_a_spoilt_inclusion_proof_is_refused() -> None:
    for size in range(1, 24):
        for index in range(size):
            for proof in spoilt(inclusion_proof(index, size, read)):
                with pytest.raises(UnverifiedError):
                    verify_inclusion(index, size, HASHES[index], proof, ROOTS[size])


def test_an_inclusion_proof_holds_for_no_other_leaf_place_or_root() -> None:
    for size in range(1, 24):
        for index in range(size):
            proof = inclusion_proof(index, size, read)
            for other in (i for i in range(-1, size + 2) if i != index):
                with pytest.raises(UnverifiedError):
                    verify_inclusion(other, size, HASHES[index], proof, ROOTS[size])
            with pytest.raises(UnverifiedError):
                verify_inclusion(index, size, OTHER, proof, ROOTS[size])
            with pytest.raises(UnverifiedError):
                verify_inclusion(index, size, HASHES[index], proof, OTHER)


def test_nothing_is_in_an_empty_tree() -> None:
    with pytest.raises(UnverifiedError):
        verify_inclusion(0, 0, HASHES[0], [], EMPTY_ROOT)


def test_a_spoilt_consistency_proof_is_refused() -> None:
    for new in range(1, 24):
        for old in range(new + 1):
            for proof in spoilt(consistency_proof(old, new, read)):
                with pytest.raises(UnverifiedError):
                    verify_consistency(old, new, ROOTS[old], ROOTS[new], proof)


def test_a_consistency_proof_holds_for_no_other_roots() -> None:
    for new in range(1, 24):
        for old in range(new + 1):
            proof = consistency_proof(old, new, read)
            with pytest.raises(UnverifiedError):
                verify_consistency(old, new, OTHER, ROOTS[new], proof)
            if old:
                with pytest.raises(UnverifiedError):
                    verify_consistency(old, new, ROOTS[old], OTHER, proof)


def test_a_tree_that_shrank_is_not_consistent() -> None:
    with pytest.raises(UnverifiedError):
        verify_consistency(8, 7, ROOTS[8], ROOTS[7], consistency_proof(7, 8, read))


def test_a_rewritten_history_has_no_consistency_proof() -> None:
    """Change the first leaf, then offer the honest proof of either history."""
    rewritten = (OTHER, *HASHES[1:])
    for new in range(2, 24):
        for old in range(1, new):
            with pytest.raises(UnverifiedError):
                verify_consistency(
                    old,
                    new,
                    ROOTS[old],
                    tree_hash(rewritten[:new]),
                    consistency_proof(old, new, read),
                )


def test_a_proof_of_another_height_is_refused_even_if_its_hashes_meet() -> None:
    """The roots are made to fit, as a dishonest log could; only the sizes give the proofs away."""
    leaf, above = HASHES[0], node_hash(OTHER, HASHES[0])
    with pytest.raises(UnverifiedError):
        verify_inclusion(0, 1, leaf, [OTHER], above)
    with pytest.raises(UnverifiedError):
        verify_inclusion(0, 2, leaf, [], leaf)
    proof = consistency_proof(3, 4, read)
    with pytest.raises(UnverifiedError):
        verify_consistency(3, 7, ROOTS[3], ROOTS[4], proof)
    higher = (node_hash(OTHER, ROOTS[3]), node_hash(OTHER, ROOTS[4]))
    with pytest.raises(UnverifiedError):
        verify_consistency(3, 4, *higher, [*proof, OTHER])


def test_no_byte_can_move_from_one_hash_to_its_neighbour() -> None:
    left, right = HASHES[:2]
    with pytest.raises(UnverifiedError):
        verify_inclusion(1, 2, left[31:] + right, [left[:31]], ROOTS[2])
    with pytest.raises(UnverifiedError):
        verify_consistency(1, 2, left + right[:1], ROOTS[2], [right[1:]])


@given(st.integers(1, 2**40), st.data())
def test_proofs_of_large_trees_stay_short(size: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, size - 1))
    asked = nodes_for_inclusion(index, size)
    assert len(asked) <= 2 * size.bit_length()
    proof = inclusion_proof(index, size, lambda _: OTHER)
    assert len(proof) <= (size - 1).bit_length()
