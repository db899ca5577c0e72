import pytest
from hypothesis import given
from hypothesis import strategies as st

from lepta.log.checkpoint import Checkpoint, open_checkpoint, parse_checkpoint, sign_checkpoint
from lepta.log.encoding import from_base64
from lepta.log.errors import LogError, MalformedError, UnverifiedError
from lepta.log.merkle import EMPTY_ROOT
from lepta.log.notes import Signer, Verifier, parse

ORIGIN = "log.example/0"
LOG = Signer.from_seed(ORIGIN, bytes(32))
ROOT = bytes(range(32))
ROOT_64 = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="

# The note text of the example of https://c2sp.org/tlog-checkpoint.
SPEC_TEXT = """example.com/behind-the-sofa
20852163
CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=
"""


def test_the_specifications_example_is_read() -> None:
    checkpoint = parse_checkpoint(SPEC_TEXT)
    root = from_base64("CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=")
    assert checkpoint == Checkpoint("example.com/behind-the-sofa", 20_852_163, root)
    assert checkpoint.text == SPEC_TEXT


def test_a_checkpoint_says_what_was_signed() -> None:
    note = sign_checkpoint(LOG, ORIGIN, 7, ROOT)
    assert parse(note).text == f"{ORIGIN}\n7\n{ROOT_64}\n"
    assert open_checkpoint(note, LOG.verifier) == Checkpoint(ORIGIN, 7, ROOT)


def test_an_empty_log_has_a_checkpoint() -> None:
    note = sign_checkpoint(LOG, ORIGIN, 0, EMPTY_ROOT)
    assert open_checkpoint(note, LOG.verifier).size == 0
    with pytest.raises(MalformedError):
        sign_checkpoint(LOG, ORIGIN, 0, ROOT)


def test_extension_lines_are_kept() -> None:
    checkpoint = Checkpoint(ORIGIN, 7, ROOT, ("first", "second line"))
    assert parse_checkpoint(checkpoint.text) == checkpoint
    assert open_checkpoint(LOG.sign(checkpoint.text), LOG.verifier) == checkpoint


LINE = st.text(st.characters(blacklist_categories=["Cc", "Cs"]), min_size=1)


@given(LINE, st.integers(1, 2**63 - 1), st.binary(min_size=32, max_size=32), st.lists(LINE))
def test_any_checkpoint_is_read_back(origin: str, size: int, root: bytes, more: list[str]) -> None:
    checkpoint = Checkpoint(origin, size, root, tuple(more))
    assert parse_checkpoint(checkpoint.text) == checkpoint


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n",
        f"{ORIGIN}\n7\n",
        f"{ORIGIN}\n7\n{ROOT_64}",
        f"{ORIGIN}\n7\n{ROOT_64}\nan unfinished line",
        f"\n7\n{ROOT_64}\n",
        f"{ORIGIN}\n\n{ROOT_64}\n",
        f"{ORIGIN}\n7\n\n",
        f"{ORIGIN}\n7\n{ROOT_64}\n\n",
        f"{ORIGIN}\n7\n{ROOT_64}\n\nextension\n",
        f"{ORIGIN}\n07\n{ROOT_64}\n",
        f"{ORIGIN}\n-7\n{ROOT_64}\n",
        f"{ORIGIN}\n 7\n{ROOT_64}\n",
        f"{ORIGIN}\n7.0\n{ROOT_64}\n",
        f"{ORIGIN}\n{2**63}\n{ROOT_64}\n",
        f"{ORIGIN}\n0\n{ROOT_64}\n",
        f"{ORIGIN}\n7\n{ROOT_64[:-1]}\n",
        f"{ORIGIN}\n7\n{ROOT_64[4:]}\n",
        f"{ORIGIN}\n7\n{ROOT_64.replace('8=', '9=')}\n",
        f"{ORIGIN}\n7\n{ROOT_64} \n",
        f"{ORIGIN}\n7\n{ROOT.hex()}\n",
    ],
)
def test_what_is_no_checkpoint_is_refused(text: str) -> None:
    with pytest.raises(MalformedError):
        parse_checkpoint(text)


@pytest.mark.parametrize(
    ("origin", "size", "root"),
    [("", 1, ROOT), ("a\nb", 1, ROOT), (ORIGIN, -1, ROOT), (ORIGIN, 2**63, ROOT), (ORIGIN, 1, b"")],
)
def test_what_no_checkpoint_can_say_is_not_signed(origin: str, size: int, root: bytes) -> None:
    with pytest.raises(MalformedError):
        sign_checkpoint(LOG, origin, size, root)


def test_a_checkpoint_of_another_log_is_refused_even_under_the_same_key() -> None:
    note = sign_checkpoint(LOG, "log.example/1", 7, ROOT)
    with pytest.raises(UnverifiedError):
        open_checkpoint(note, LOG.verifier)
    with pytest.raises(UnverifiedError):
        open_checkpoint(note, LOG.verifier, origin="log.example/2")
    assert open_checkpoint(note, LOG.verifier, origin="log.example/1").size == 7


def test_a_checkpoint_under_another_key_of_the_same_name_is_refused() -> None:
    other = Verifier(ORIGIN, Signer.generate(ORIGIN).verifier.public_key)
    with pytest.raises(UnverifiedError):
        open_checkpoint(sign_checkpoint(LOG, ORIGIN, 7, ROOT), other)


def test_no_changed_bit_of_a_checkpoint_goes_unnoticed() -> None:
    note = sign_checkpoint(LOG, ORIGIN, 7, ROOT)
    for place in range(len(note)):
        for bit in range(8):
            changed = bytearray(note)
            changed[place] ^= 1 << bit
            with pytest.raises(LogError):
                open_checkpoint(bytes(changed), LOG.verifier)
