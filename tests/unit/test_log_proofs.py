import pytest
from hypothesis import given
from hypothesis import strategies as st
from log_tree import tree_hash

from lepta.log.checkpoint import sign_checkpoint
from lepta.log.encoding import to_base64
from lepta.log.errors import LogError, MalformedError, UnverifiedError
from lepta.log.merkle import leaf_hash, root_of
from lepta.log.notes import Signer, parse
from lepta.log.paths import Node, inclusion_proof
from lepta.log.proofs import Proof, format_proof, parse_proof, verify_proof
from lepta.log.tiles import MAX_LEAF_BYTES

ORIGIN = "log.example/0"
LOG = Signer.from_seed(ORIGIN, bytes(32))
LEAVES = [b'{"index":%d}' % i for i in range(11)]
HASHES = [leaf_hash(leaf) for leaf in LEAVES]


def read(node: Node) -> bytes:
    return root_of(HASHES[node.n << node.height : (node.n + 1) << node.height])


def receipt(index: int, size: int = 11) -> bytes:
    checkpoint = sign_checkpoint(LOG, ORIGIN, size, tree_hash(HASHES[:size]))
    return format_proof(LEAVES[index], index, inclusion_proof(index, size, read), checkpoint)


def test_a_receipt_is_written_as_specified() -> None:
    checkpoint = sign_checkpoint(LOG, ORIGIN, 2, tree_hash(HASHES[:2]))
    assert receipt(0, 2).decode() == (
        "c2sp.org/tlog-proof@v1\n"
        f"extra {to_base64(LEAVES[0])}\n"
        "index 0\n"
        f"{to_base64(HASHES[1])}\n"
        "\n"
        f"{checkpoint.decode()}"
    )


def test_the_receipt_of_a_lonely_leaf_has_no_hashes() -> None:
    assert receipt(0, 1).startswith(
        b"c2sp.org/tlog-proof@v1\nextra eyJpbmRleCI6MH0=\nindex 0\n\nlog."
    )
    assert verify_proof(receipt(0, 1), LOG.verifier).leaf == LEAVES[0]


def test_every_leaf_of_every_tree_has_a_receipt_that_holds() -> None:
    for size in range(1, 12):
        for index in range(size):
            proven = verify_proof(receipt(index, size), LOG.verifier)
            assert (proven.leaf, proven.index) == (LEAVES[index], index)
            assert (proven.checkpoint.origin, proven.checkpoint.size) == (ORIGIN, size)


def test_a_receipt_without_its_leaf_needs_the_leaf_from_elsewhere() -> None:
    bare = Proof(None, 3, parse_proof(receipt(3)).path, parse_proof(receipt(3)).checkpoint)
    data = bare.to_bytes()
    assert data.startswith(b"c2sp.org/tlog-proof@v1\nindex 3\n")
    assert verify_proof(data, LOG.verifier, leaf=LEAVES[3]).leaf == LEAVES[3]
    for leaf in (None, LEAVES[4]):
        with pytest.raises(UnverifiedError):
            verify_proof(data, LOG.verifier, leaf=leaf)


def test_a_receipt_proves_no_other_leaf_than_the_one_it_carries() -> None:
    assert verify_proof(receipt(3), LOG.verifier, leaf=LEAVES[3]).index == 3
    with pytest.raises(UnverifiedError):
        verify_proof(receipt(3), LOG.verifier, leaf=LEAVES[4])


def test_no_changed_bit_of_a_receipt_goes_unnoticed() -> None:
    data = receipt(5)
    for place in range(len(data)):
        for bit in range(8):
            changed = bytearray(data)
            changed[place] ^= 1 << bit
            with pytest.raises(LogError):
                verify_proof(bytes(changed), LOG.verifier)


def test_no_cut_or_lengthened_receipt_is_accepted() -> None:
    data = receipt(5)
    for length in range(len(data)):
        with pytest.raises(LogError):
            verify_proof(data[:length], LOG.verifier)
    for longer in (data + b"\n", b"\n" + data, data + data):
        with pytest.raises(LogError):
            verify_proof(longer, LOG.verifier)


def test_parts_of_two_receipts_do_not_make_a_third() -> None:
    one, other = parse_proof(receipt(3)), parse_proof(receipt(4))
    for leaf, index, path in (
        (one.leaf, one.index, other.path),
        (one.leaf, other.index, one.path),
        (other.leaf, one.index, one.path),
        (one.leaf, 11, one.path),
    ):
        with pytest.raises(UnverifiedError):
            verify_proof(format_proof(leaf, index, path, one.checkpoint), LOG.verifier)
    older = parse_proof(receipt(3, 7)).checkpoint
    with pytest.raises(UnverifiedError):
        verify_proof(format_proof(one.leaf, one.index, one.path, older), LOG.verifier)


def test_a_receipt_of_another_log_or_key_is_refused() -> None:
    with pytest.raises(UnverifiedError):
        verify_proof(receipt(3), LOG.verifier, origin="log.example/1")
    with pytest.raises(UnverifiedError):
        verify_proof(receipt(3), Signer.generate(ORIGIN).verifier)


def test_a_witness_below_the_checkpoint_does_not_disturb() -> None:
    proof = parse_proof(receipt(3))
    note = parse(proof.checkpoint)
    witness = parse(Signer.generate("witness.example").sign(note.text)).signatures
    cosigned = note._replace(signatures=note.signatures + witness).to_bytes()
    data = format_proof(proof.leaf, proof.index, proof.path, cosigned)
    assert verify_proof(data, LOG.verifier).leaf == LEAVES[3]
    assert parse_proof(data).checkpoint == cosigned


HEAD = "c2sp.org/tlog-proof@v1\n"
HASH = to_base64(bytes(32))


@pytest.mark.parametrize(
    "head",
    [
        "",
        HEAD,
        "c2sp.org/tlog-proof@v2\nindex 0\n",
        f" {HEAD}index 0\n",
        f"{HEAD}extra AAAA\n",
        f"{HEAD}extra\nindex 0\n",
        f"{HEAD}extra \nindex 0\n",
        f"{HEAD}extra  AAAA\nindex 0\n",
        f"{HEAD}extra AAA\nindex 0\n",
        f"{HEAD}extra AAB=\nindex 0\n",
        f"{HEAD}extra AAAA\nextra AAAA\nindex 0\n",
        f"{HEAD}index 0\nextra AAAA\n",
        f"{HEAD}index 00\n",
        f"{HEAD}index -1\n",
        f"{HEAD}index\n",
        f"{HEAD}index  0\n",
        f"{HEAD}index {2**63}\n",
        f"{HEAD}Index 0\n",
        f"{HEAD}index 0\n{HASH}\nindex 0\n",
        f"{HEAD}index 0\n{HASH[:-4]}\n",
        f"{HEAD}index 0\n{HASH} \n",
        f"{HEAD}index 0\n{HASH}\r\n",
        f"{HEAD}index 0\n" + f"{HASH}\n" * 64,
        f"{HEAD}extra {to_base64(bytes(MAX_LEAF_BYTES + 1))}\nindex 0\n",
        f"{HEAD}extra {to_base64(bytes(3 * MAX_LEAF_BYTES))}\nindex 0\n",
        f"{HEAD}index ０\n",
    ],
)
def test_what_is_no_receipt_is_refused(head: str) -> None:
    with pytest.raises(MalformedError):
        parse_proof(f"{head}\n".encode() + parse_proof(receipt(0)).checkpoint)


def test_a_receipt_carries_the_largest_leaf() -> None:
    leaf = bytes(MAX_LEAF_BYTES)
    note = sign_checkpoint(LOG, ORIGIN, 1, leaf_hash(leaf))
    assert verify_proof(format_proof(leaf, 0, [], note), LOG.verifier).leaf == leaf


@given(
    st.none() | st.binary(min_size=1, max_size=99),
    st.integers(0, 2**63 - 1),
    st.lists(st.binary(min_size=32, max_size=32), max_size=63),
    st.binary(max_size=99),
)
def test_any_proof_is_read_back(
    leaf: bytes | None, index: int, path: list[bytes], checkpoint: bytes
) -> None:
    data = format_proof(leaf, index, path, checkpoint)
    assert parse_proof(data) == Proof(leaf, index, tuple(path), checkpoint)
