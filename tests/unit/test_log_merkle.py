import pytest
from hypothesis import given
from hypothesis import strategies as st
from log_tree import LEAVES, leaf_hashes, tree_hash

from lepta.log.errors import MalformedError
from lepta.log.merkle import (
    EMPTY_ROOT,
    Completed,
    Frontier,
    frontier_of,
    leaf_hash,
    node_hash,
    root_of,
    split_hashes,
)

# Roots of the trees of 0 to 8 classic leaves, as github.com/transparency-dev/merkle states them.
CLASSIC_ROOTS = (
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
)


@pytest.mark.parametrize("size", range(9))
def test_the_classic_leaves_have_their_classic_roots(size: int) -> None:
    assert root_of(map(leaf_hash, LEAVES[:size])).hex() == CLASSIC_ROOTS[size]


def test_a_node_never_hashes_like_the_leaf_with_its_contents() -> None:
    left, right = leaf_hashes(2)
    assert node_hash(left, right) != leaf_hash(left + right)


def test_every_small_tree_has_the_root_of_the_definition() -> None:
    hashes = leaf_hashes(140)
    frontier = Frontier()
    assert frontier.root() == EMPTY_ROOT
    for size, leaf in enumerate(hashes, 1):
        frontier = frontier.append(leaf)
        assert frontier.size == size
        assert frontier.root() == tree_hash(hashes[:size])


@given(st.lists(st.binary(max_size=20), max_size=80))
def test_any_leaves_have_the_root_of_the_definition(leaves: list[bytes]) -> None:
    hashes = [leaf_hash(leaf) for leaf in leaves]
    assert root_of(iter(hashes)) == tree_hash(hashes)


@given(st.lists(st.integers(0, 40), max_size=12))
def test_how_leaves_are_batched_cannot_be_seen(batches: list[int]) -> None:
    hashes = leaf_hashes(sum(batches))
    frontier, completed, at = Frontier(), [], 0
    for count in batches:
        frontier, more = frontier.grow(hashes[at : at + count], tile_height=2)
        completed += more
        at += count
    whole, all_at_once = Frontier().grow(hashes, tile_height=2)
    assert frontier == whole == frontier_of(hashes)
    assert sorted(completed) == sorted(all_at_once)


@given(st.integers(0, 300), st.integers(0, 300))
def test_growth_completes_exactly_the_subtrees_that_it_fills(old: int, more: int) -> None:
    hashes = leaf_hashes(old + more)
    _, completed = frontier_of(hashes[:old]).grow(hashes[old:], tile_height=2)
    expected = [
        Completed(level, n, tree_hash(hashes[n * 4**level : (n + 1) * 4**level]))
        for level in range(1, 6)
        for n in range(old // 4**level, (old + more) // 4**level)
    ]
    assert completed == expected


@pytest.mark.parametrize("old", [0, 1, 255, 256, 257, 65_279, 65_535, 65_536])
def test_growth_across_the_edges_of_tiles_completes_the_nodes_above_them(old: int) -> None:
    hashes = leaf_hashes(66_000)
    _, completed = frontier_of(hashes[:old]).grow(hashes[old:])
    ones = [(1, n) for n in range(old // 256, 66_000 // 256)]
    twos = [(2, 0)] if old < 65_536 else []
    assert [(c.level, c.n) for c in completed] == ones + twos
    for level, n, found in completed:
        assert found == root_of(hashes[n * 256**level : (n + 1) * 256**level])


def test_growth_by_nothing_changes_nothing_and_completes_nothing() -> None:
    frontier = frontier_of(leaf_hashes(256))
    assert frontier.grow(()) == (frontier, [])


@given(st.integers(0, 1000))
def test_a_frontier_survives_its_bytes(size: int) -> None:
    frontier = frontier_of(leaf_hashes(size))
    assert Frontier.from_bytes(size, frontier.to_bytes()) == frontier


@pytest.mark.parametrize(("size", "length"), [(0, 1), (1, 0), (1, 31), (1, 33), (3, 32), (-1, 32)])
def test_bytes_that_are_no_frontier_of_that_size_are_refused(size: int, length: int) -> None:
    with pytest.raises(MalformedError):
        Frontier.from_bytes(size, bytes(length))


def test_a_frontier_with_too_few_hashes_for_its_size_cannot_be_made() -> None:
    with pytest.raises(AssertionError):
        Frontier(3, leaf_hashes(1))


def test_half_a_hash_is_refused() -> None:
    assert split_hashes(b"") == ()
    assert split_hashes(b"".join(leaf_hashes(3))) == leaf_hashes(3)
    with pytest.raises(MalformedError):
        split_hashes(bytes(33))
