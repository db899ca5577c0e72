import pytest
from hypothesis import given
from hypothesis import strategies as st
from log_tree import leaf_hashes, subtree, tree_hash

from lepta.log.errors import MalformedError
from lepta.log.merkle import Frontier, frontier_of, leaf_hash, root_of, split_hashes
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
from lepta.log.tiles import (
    MAX_LEAF_BYTES,
    Bundle,
    Stretch,
    Tile,
    bundles_of,
    decode_bundle,
    encode_bundle,
    encode_tile,
    parse_path,
    reader,
    stretches,
    tiles_of,
)

SIZE = 66_000


def stored_cells(size: int) -> dict[tuple[int, int], bytes]:
    """What a log keeps: leaf hashes, and the nodes that growth completed, here in batches of 1,000."""
    hashes = leaf_hashes(size)
    cells = {(0, n): h for n, h in enumerate(hashes)}
    frontier = Frontier()
    for at in range(0, size, 1000):
        frontier, completed = frontier.grow(hashes[at : at + 1000])
        cells |= {(level, n): h for level, n, h in completed}
    return cells


CELLS = stored_cells(SIZE)


def fetched(nodes: list[Node]) -> dict[tuple[int, int], bytes]:
    """Only what was asked for: a proof that needs more fails."""
    return {
        (level, n): CELLS[level, n]
        for level, first, stop in stretches(nodes)
        for n in range(first, stop)
    }


@pytest.mark.parametrize(
    ("tile", "path"),
    [
        (Tile(0, 0), "tile/0/000"),
        (Tile(0, 0, 1), "tile/0/000.p/1"),
        (Tile(1, 999, 255), "tile/1/999.p/255"),
        (Tile(2, 1000), "tile/2/x001/000"),
        (Tile(0, 1_234_067), "tile/0/x001/x234/067"),
        (Tile(63, 1_234_067, 12), "tile/63/x001/x234/067.p/12"),
        (Bundle(0), "tile/entries/000"),
        (Bundle(1_234_067, 7), "tile/entries/x001/x234/067.p/7"),
    ],
)
def test_tiles_are_named_as_specified(tile: Tile | Bundle, path: str) -> None:
    assert tile.path == path
    assert parse_path(path) == tile


@given(st.integers(0, 63), st.integers(0, 2**55), st.integers(1, 256))
def test_every_tile_is_found_again_under_its_path(level: int, n: int, width: int) -> None:
    for tile in (Tile(level, n, width), Bundle(n, width)):
        assert parse_path(tile.path) == tile


@pytest.mark.parametrize(
    "path",
    [
        "",
        "tile",
        "/tile/0/000",
        "tile/0/000/",
        "tile/0/00",
        "tile/0/0000",
        "tile/0/x000/000",
        "tile/0/x000/x001/000",
        "tile/0/001/000",
        "tile/0/x001/x000",
        "tile/0/000.p/0",
        "tile/0/000.p/01",
        "tile/0/000.p/256",
        "tile/0/000.p/999",
        "tile/0/000.p/",
        "tile/0/000.p",
        "tile/00/000",
        "tile/01/000",
        "tile/64/000",
        "tile/-1/000",
        "tile/entry/000",
        "tile/0/000\n",
        "tile/0/٠٠٠",
        "tile/0/x999/x999/x999/x999/x999/x999/999",
    ],
)
def test_other_spellings_of_a_path_are_refused(path: str) -> None:
    with pytest.raises(MalformedError):
        parse_path(path)


def test_the_tree_of_70_000_leaves_has_the_tiles_that_the_specification_counts() -> None:
    tiles = list(tiles_of(70_000))
    assert [t for t in tiles if t.width < 256] == [Tile(0, 273, 112), Tile(1, 1, 17), Tile(2, 0, 1)]
    assert len([t for t in tiles if t.level == 0 and t.width == 256]) == 273
    assert len([t for t in tiles if t.level == 1 and t.width == 256]) == 1
    assert len(tiles) == 277


@pytest.mark.parametrize("size", [0, 1, 255, 256, 257, 511, 512, 65_535, 65_536, 65_537, 70_000])
def test_the_tiles_of_a_tree_cover_every_level_once(size: int) -> None:
    covered: dict[int, list[int]] = {}
    for tile in tiles_of(size):
        assert tile.is_within(size)
        _, first, stop = tile.stretch
        covered.setdefault(tile.level, []).extend(range(first, stop))
    levels = [size // 256**level for level in range(4) if size // 256**level]
    assert [list(range(count)) for count in levels] == list(covered.values())
    leaves = [n for bundle in bundles_of(size) for n in range(*bundle.stretch[1:])]
    assert leaves == list(range(size))


def test_a_tile_is_in_a_tree_once_its_last_hash_is() -> None:
    assert not Tile(0, 0).is_within(255)
    assert Tile(0, 0).is_within(256)
    assert Tile(0, 1, 3).is_within(259)
    assert not Tile(0, 1, 4).is_within(259)
    assert not Tile(1, 0, 1).is_within(255)
    assert Tile(1, 0, 1).is_within(256)
    assert not Tile(1, 0).is_within(65_535)
    assert Tile(1, 0).is_within(65_536)
    assert Bundle(0, 1).is_within(1)
    assert not Bundle(0, 1).is_within(0)
    assert not Tile(63, 0, 1).is_within(2**63 - 1)


def test_a_full_tile_hashes_to_its_cell_one_level_up() -> None:
    for tile in tiles_of(SIZE):
        level, first, stop = tile.stretch
        data = encode_tile([CELLS[level, n] for n in range(first, stop)])
        assert len(data) == 32 * tile.width
        if tile.width == 256:
            assert root_of(split_hashes(data)) == CELLS[level + 1, tile.n]


def test_every_stored_cell_is_the_root_of_its_leaves() -> None:
    assert [key for key in CELLS if key[0] == 2] == [(2, 0)]
    for level, n in CELLS:
        if level:
            assert CELLS[level, n] == subtree(8 * level, n)


@pytest.mark.parametrize(
    ("node", "expected"),
    [
        (Node(0, 5), Stretch(0, 5, 6)),
        (Node(7, 1), Stretch(0, 128, 256)),
        (Node(8, 3), Stretch(1, 3, 4)),
        (Node(11, 2), Stretch(1, 16, 24)),
        (Node(16, 0), Stretch(2, 0, 1)),
    ],
)
def test_a_subtree_is_made_of_the_tile_hashes_below_it(node: Node, expected: Stretch) -> None:
    assert stretches([node]) == [expected]
    assert reader(fetched([node]))(node) == subtree(*node)


def test_neighbouring_hashes_are_read_in_one_stretch() -> None:
    """A leaf's siblings within its tile are all of the tile but itself."""
    nodes = nodes_for_inclusion(300, 65_536)
    assert stretches(nodes) == [
        Stretch(0, 256, 300),
        Stretch(0, 301, 512),
        Stretch(1, 0, 1),
        Stretch(1, 2, 256),
    ]
    assert stretches([]) == []
    assert stretches([Node(3, 0), Node(2, 1), Node(3, 0)]) == [Stretch(0, 0, 8)]


EDGES = (1, 2, 255, 256, 257, 300, 511, 512, 513, 4096, 65_535, 65_536, 65_537, SIZE)


@pytest.mark.parametrize("size", EDGES)
def test_proofs_across_the_edges_of_tiles_hold(size: int) -> None:
    root = frontier_of(leaf_hashes(SIZE)[:size]).root()
    then = read_frontier(size, reader(fetched(nodes_for_frontier(size))))
    assert then.root() == root
    for index in {0, size // 2, size - 1, *(e for e in EDGES if e < size)}:
        proof = inclusion_proof(index, size, reader(fetched(nodes_for_inclusion(index, size))))
        verify_inclusion(index, size, leaf_hashes(SIZE)[index], proof, root)
    for old in (e for e in EDGES if e <= size):
        old_root = frontier_of(leaf_hashes(SIZE)[:old]).root()
        proof = consistency_proof(old, size, reader(fetched(nodes_for_consistency(old, size))))
        verify_consistency(old, size, old_root, root, proof)


def test_a_hole_in_what_is_stored_is_noticed() -> None:
    cells = fetched([Node(3, 0)])
    del cells[0, 4]
    with pytest.raises(KeyError):
        reader(cells)(Node(3, 0))


@given(st.lists(st.binary(max_size=300), min_size=1, max_size=256))
def test_a_bundle_gives_its_leaves_back(leaves: list[bytes]) -> None:
    data = encode_bundle(leaves)
    assert decode_bundle(data) == leaves
    assert tree_hash([leaf_hash(x) for x in decode_bundle(data)]) == root_of(map(leaf_hash, leaves))


def test_a_bundle_holds_leaves_of_any_length_up_to_the_limit() -> None:
    leaves = [b"", b"x", b"y" * MAX_LEAF_BYTES]
    data = encode_bundle(leaves)
    assert data[:5] == b"\x00\x00\x00\x01x"
    assert data[5:7] == b"\xff\xff"
    assert decode_bundle(data) == leaves
    with pytest.raises(OverflowError):
        encode_bundle([bytes(MAX_LEAF_BYTES + 1)])


@pytest.mark.parametrize(
    "data", [b"", b"\x00", b"\x00\x01", b"\x00\x02x", b"\x00\x01xy", b"\x00\x00" * 257]
)
def test_bytes_that_are_no_bundle_are_refused(data: bytes) -> None:
    with pytest.raises(MalformedError):
        decode_bundle(data)
