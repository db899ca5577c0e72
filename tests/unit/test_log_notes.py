import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from hypothesis import given
from hypothesis import strategies as st

from lepta.log.encoding import from_base64, from_decimal, to_base64
from lepta.log.errors import LogError, MalformedError, UnverifiedError
from lepta.log.notes import MAX_NOTE_BYTES, Signature, Signer, Verifier, parse, verify

# The example of https://c2sp.org/signed-note.
SPEC_VKEY = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
SPEC_NOTE = """This is an example message.

— example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=
"""

# The example key of golang.org/x/mod/sumdb/note, and what it signs.
GO_VKEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
GO_SEED = from_base64("AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz")[1:]
GO_TEXT = """If you think cryptography is the answer to your problem,
then you don't know what your problem is.
"""
GO_NOTE = f"""{GO_TEXT}
— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=
"""

LOG = Signer.from_seed("log.example/0", bytes(32))
WITNESS = Signer.from_seed("witness.example", bytes(31) + b"\x01")
TEXT = "первая строка\n\nlast line\n"
NOTE = LOG.sign(TEXT)
LINE = parse(NOTE).signatures[0].line


def note(text: str, *lines: str) -> bytes:
    return (text + "\n" + "".join(lines)).encode()


def test_the_specifications_example_opens() -> None:
    assert verify(SPEC_NOTE.encode(), [Verifier.from_vkey(SPEC_VKEY)]) == (
        "This is an example message.\n"
    )


def test_the_same_key_signs_the_same_bytes_as_go_does() -> None:
    signer = Signer.from_seed("PeterNeumann", GO_SEED)
    assert signer.vkey == GO_VKEY
    assert signer.sign(GO_TEXT).decode() == GO_NOTE


@given(st.text(st.characters(blacklist_categories=["Cc", "Cs"], whitelist_characters="\n")))
def test_any_text_comes_back_as_it_was_signed(text: str) -> None:
    signed = LOG.sign(text + "\n")
    assert verify(signed, [LOG.verifier]) == text + "\n"
    assert parse(signed).to_bytes() == signed


@pytest.mark.parametrize("text", ["", "no end of line", "tab\t\n", "cr\r\n", "nul\0\n", "\ud800\n"])
def test_text_that_no_note_can_have_is_not_signed(text: str) -> None:
    with pytest.raises(MalformedError):
        LOG.sign(text)


def test_no_changed_bit_of_a_note_goes_unnoticed() -> None:
    for place in range(len(NOTE)):
        for bit in range(8):
            changed = bytearray(NOTE)
            changed[place] ^= 1 << bit
            with pytest.raises(LogError):
                verify(bytes(changed), [LOG.verifier])


def test_no_cut_or_lengthened_note_is_accepted() -> None:
    for length in range(len(NOTE)):
        with pytest.raises(LogError):
            verify(NOTE[:length], [LOG.verifier])
    with pytest.raises(LogError):
        verify(NOTE + b"\n", [LOG.verifier])
    with pytest.raises(LogError):
        verify(b"\n" + NOTE, [LOG.verifier])


MALFORMED = {
    "nothing": b"",
    "text alone": TEXT.encode(),
    "no signature line": note("text\n"),
    "no empty line": f"text\n{LINE}".encode(),
    "last line without end": note(TEXT, LINE)[:-1],
    "carriage returns": note(TEXT, LINE).replace(b"\n", b"\r\n"),
    "a tab": note("a\tb\n", LINE),
    "a zero byte": note("a\0b\n", LINE),
    "not UTF-8": b"\xff\n" + note("", LINE),
    "a hyphen for the dash": note(TEXT, LINE.replace("—", "-")),
    "no dash": note(TEXT, LINE[2:]),
    "a no-break space": note(TEXT, LINE.replace(" ", "\u00a0")),
    "two spaces": note(TEXT, LINE.replace("0 ", "0  ")),
    "a space in the name": note(TEXT, LINE.replace("log.", "log ")),
    "an ideographic space in the name": note(TEXT, LINE.replace("log.", "log\u3000")),
    "a plus in the name": note(TEXT, LINE.replace("log.", "log+")),
    "no name": note(TEXT, "—  AAAAAAAA\n"),
    "no signature": note(TEXT, "— name\n"),
    "an empty signature": note(TEXT, "— name \n"),
    "a key id alone": note(TEXT, "— name AAAAAA==\n"),
    "base64 without padding": note(TEXT, LINE.replace("=", "")),
    "base64 with loose bits": note(TEXT, "— name AAAAAAB=\n"),
    "base64 of the URL alphabet": note(TEXT, "— name AAAAA_-_\n"),
    "something after the signature": note(TEXT, LINE.replace("\n", " x\n")),
    "text below a signature": note(TEXT, LINE, "more\n"),
    "an unsigned line first": note(TEXT, "more\n", LINE),
    "too many signatures": note(TEXT, LINE * 101),
    "too long": note("x" * MAX_NOTE_BYTES + "\n", LINE),
}


@pytest.mark.parametrize("case", MALFORMED)
def test_what_is_no_note_is_refused(case: str) -> None:
    with pytest.raises(MalformedError):
        verify(MALFORMED[case], [LOG.verifier])


def test_an_empty_line_among_signatures_makes_those_above_it_text() -> None:
    with pytest.raises(UnverifiedError):
        verify(note(TEXT, LINE, "\n", LINE), [LOG.verifier])


def test_a_hundred_signatures_are_accepted() -> None:
    others = [Signature(f"key{i}", b"abcd", b"ignored").line for i in range(99)]
    assert verify(note(TEXT, *others, LINE), [LOG.verifier]) == TEXT


def test_signatures_of_unknown_keys_are_ignored() -> None:
    """Even with a known name or a known id, but not both."""
    key_id = LOG.verifier.key_id
    same_name = Signature(LOG.name, b"\0\0\0\1", b"garbage").line
    same_id = Signature("other", key_id, b"garbage").line
    assert verify(note(TEXT, same_name, LINE, same_id), [LOG.verifier]) == TEXT


def test_a_note_that_no_known_key_signed_is_refused() -> None:
    for known in ([], [WITNESS.verifier], [Verifier(LOG.name, WITNESS.verifier.public_key)]):
        with pytest.raises(UnverifiedError):
            verify(NOTE, known)


@pytest.mark.parametrize("value", [b"x", bytes(63), bytes(64), bytes(65), bytes(5000)])
def test_a_wrong_signature_of_a_known_key_spoils_the_note(value: bytes) -> None:
    wrong = Signature(LOG.name, LOG.verifier.key_id, value).line
    good = parse(WITNESS.sign(TEXT)).signatures[0].line
    for lines in ((wrong,), (wrong, good), (good, wrong), (LINE, wrong)):
        with pytest.raises(UnverifiedError):
            verify(note(TEXT, *lines), [LOG.verifier, WITNESS.verifier])


def test_several_signers_of_one_text_are_each_verified() -> None:
    both = note(TEXT, LINE, parse(WITNESS.sign(TEXT)).signatures[0].line)
    for known in ([LOG.verifier], [WITNESS.verifier], [LOG.verifier, WITNESS.verifier]):
        assert verify(both, known) == TEXT


def test_a_signature_of_another_text_does_not_hold() -> None:
    with pytest.raises(UnverifiedError):
        verify(note("another text\n", LINE), [LOG.verifier])


def test_the_same_key_twice_is_no_trouble_but_two_keys_under_one_id_are() -> None:
    assert verify(NOTE, [LOG.verifier, Verifier.from_vkey(LOG.vkey)]) == TEXT
    twin = Verifier(LOG.name, WITNESS.verifier.public_key)
    object.__setattr__(twin, "key_id", LOG.verifier.key_id)
    with pytest.raises(MalformedError):
        verify(NOTE, [LOG.verifier, twin])


def test_a_vkey_comes_back_as_it_was_written() -> None:
    for vkey in (SPEC_VKEY, GO_VKEY, LOG.vkey):
        assert Verifier.from_vkey(vkey).vkey == vkey


def test_no_part_of_a_vkey_is_a_vkey() -> None:
    for start in range(len(GO_VKEY)):
        for stop in range(start, len(GO_VKEY) + 1):
            if GO_VKEY[start:stop] != GO_VKEY:
                with pytest.raises(MalformedError):
                    Verifier.from_vkey(GO_VKEY[start:stop])


@pytest.mark.parametrize(
    "vkey",
    [
        "PeterNeumann+cc469956+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TWBADKEY==",
        "PeterNeumann+173116ae+ZRpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        GO_VKEY.replace("c74f20a3", "c74f20a4"),
        GO_VKEY.replace("c74f20a3", "C74F20A3"),
        GO_VKEY.replace("Peter", "Pieter"),
        GO_VKEY.replace("Peter", "Peter "),
        GO_VKEY + "\n",
        GO_VKEY.replace("+", " "),
        GO_VKEY.replace("+ARp", "+Ahp"),
        GO_VKEY.replace("+ARp", "+BBp"),
    ],
)
def test_a_vkey_of_another_kind_or_with_parts_that_do_not_match_is_refused(vkey: str) -> None:
    with pytest.raises(MalformedError):
        Verifier.from_vkey(vkey)


@pytest.mark.parametrize("name", ["", "a b", "a+b", "a\nb", "a\u2003b", "a\x1fb", "\ud800"])
def test_names_that_no_key_can_have_are_refused(name: str) -> None:
    with pytest.raises(MalformedError):
        Signer.generate(name)


def test_a_generated_key_survives_pem_and_seed() -> None:
    signer = Signer.generate("log.example/1")
    assert Signer.generate("log.example/1").vkey != signer.vkey
    for again in (
        Signer.from_pem(signer.name, signer.to_pem()),
        Signer.from_seed(signer.name, signer.to_seed()),
    ):
        assert again.vkey == signer.vkey
        assert again.sign(TEXT) == signer.sign(TEXT)


def test_a_signer_shown_in_a_message_does_not_give_its_key_away() -> None:
    assert "private" not in repr(LOG)
    assert repr(LOG.to_seed()) not in repr(LOG)


def test_files_that_are_no_open_ed25519_key_are_refused() -> None:
    elliptic = generate_private_key(SECP256R1())
    wrong = elliptic.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    locked = LOG.private_key.private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"secret")
    )
    for pem in (b"", b"nonsense", LOG.to_pem()[:40], wrong, locked):
        with pytest.raises(MalformedError):
            Signer.from_pem("name", pem)
    with pytest.raises(MalformedError):
        Signer.from_seed("name", bytes(31))


@given(st.binary(max_size=100))
def test_base64_comes_back(data: bytes) -> None:
    assert from_base64(to_base64(data)) == data


@given(st.integers(0, 2**63 - 1))
def test_decimals_come_back(number: int) -> None:
    assert from_decimal(str(number)) == number


@pytest.mark.parametrize(
    "text",
    [
        "",
        "-1",
        "+1",
        "01",
        "00",
        " 1",
        "1 ",
        "1\n",
        "1_0",
        "0x1",
        "1.0",
        "٣",
        str(2**63),
        "9" * 5000,
    ],
)
def test_other_spellings_of_numbers_are_refused(text: str) -> None:
    with pytest.raises(MalformedError):
        from_decimal(text)
