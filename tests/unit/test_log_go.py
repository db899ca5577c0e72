"""What Go's checksum-database packages, which are not ours, say about our log."""

import pytest

import go_oracle
from lepta.log.checkpoint import sign_checkpoint
from lepta.log.merkle import leaf_hash, root_of
from lepta.log.notes import Signer, parse
from lepta.log.paths import Node, consistency_proof, inclusion_proof
from lepta.log.tiles import TILE_WIDTH, tiles_of

pytestmark = go_oracle.needed

ORIGIN = "log.example/0"
LOG = Signer.from_seed(ORIGIN, bytes(32))
LEAVES = [b'{"index":%d}' % i for i in range(300)]
HASHES = [leaf_hash(leaf) for leaf in LEAVES]
SIZES = (1, 2, 3, 7, 8, 9, 64, 255, 256, 257, 300)


def read(node: Node) -> bytes:
    return root_of(HASHES[node.n << node.height : (node.n + 1) << node.height])


def checkpoint(size: int) -> bytes:
    return sign_checkpoint(LOG, ORIGIN, size, root_of(HASHES[:size]))


@pytest.mark.parametrize("size", SIZES)
def test_go_finds_our_leaves_in_our_checkpoints(size: int) -> None:
    for index in {0, size // 2, size - 1}:
        proof = inclusion_proof(index, size, read)
        verdict = go_oracle.accepts(LOG.vkey, checkpoint(size), LEAVES[index], index, proof)
        assert verdict, verdict.reason


@pytest.mark.parametrize("new", SIZES)
def test_go_agrees_that_our_trees_only_grow(new: int) -> None:
    for old in {s for s in SIZES[-7::2] if s <= new} | {1, new}:
        proof = consistency_proof(old, new, read)
        verdict = go_oracle.accepts_growth(LOG.vkey, checkpoint(old), checkpoint(new), proof)
        assert verdict, verdict.reason


def test_go_refuses_what_does_not_belong_together() -> None:
    good = checkpoint(9)
    proof = inclusion_proof(4, 9, read)
    wrong = (
        go_oracle.accepts(Signer.generate(ORIGIN).vkey, good, LEAVES[4], 4, proof),
        go_oracle.accepts(LOG.vkey, good.replace(b"\n9\n", b"\n8\n"), LEAVES[4], 4, proof),
        go_oracle.accepts(LOG.vkey, good, LEAVES[5], 4, proof),
        go_oracle.accepts(LOG.vkey, good, LEAVES[4], 5, proof),
        go_oracle.accepts(LOG.vkey, good, LEAVES[4], 4, proof[:-1]),
        go_oracle.accepts(LOG.vkey, good, LEAVES[4], 4, [h[::-1] for h in proof]),
        go_oracle.accepts(
            LOG.vkey, sign_checkpoint(LOG, "log.example/1", 9, HASHES[0]), LEAVES[4], 4, proof
        ),
        go_oracle.accepts_growth(LOG.vkey, checkpoint(4), good, []),
        go_oracle.accepts_growth(LOG.vkey, good, checkpoint(4), []),
    )
    assert not any(wrong)


def test_go_opens_a_checkpoint_that_others_signed_too() -> None:
    note = parse(checkpoint(3))
    witness = parse(Signer.generate("witness.example").sign(note.text)).signatures
    cosigned = note._replace(signatures=witness + note.signatures).to_bytes()
    proof = inclusion_proof(2, 3, read)
    verdict = go_oracle.accepts(LOG.vkey, cosigned, LEAVES[2], 2, proof)
    assert verdict, verdict.reason


@pytest.mark.parametrize("size", [1, 255, 256, 257, 65_536, 70_000, 300_000])
def test_go_names_the_same_tiles(size: int) -> None:
    """Go lists further, narrower partial tiles: those that a log growing leaf by leaf went through."""
    named = [path.replace("tile/8/", "tile/", 1) for path in go_oracle.tile_paths(size)]
    ours = list(tiles_of(size))
    full = {tile.path for tile in ours if tile.width == TILE_WIDTH}
    assert full == {path for path in named if ".p/" not in path}
    assert {tile.path for tile in ours} <= set(named)
