"""Signed notes: text with one or more Ed25519 signatures below it.

Source: https://c2sp.org/signed-note. A note's text must be ignored until `verify` has returned it.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from hashlib import sha256
from typing import NamedTuple, Self

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from lepta.log.encoding import from_base64, to_base64
from lepta.log.errors import MalformedError, UnverifiedError

ED25519 = b"\x01"
"""Signature type of a plain Ed25519 signature; cosignatures by witnesses have types of their own."""

MAX_NOTE_BYTES = 1_000_000
MAX_SIGNATURES = 100
"""The specification asks for at least 16."""

_SIGNATURE_START = "— "
_NOT_IN_NOTES = re.compile(r"[\x00-\x09\x0b-\x1f\ud800-\udfff]")
_NOT_IN_NAMES = re.compile(r"[\s+\x00-\x1f\ud800-\udfff]")
_KEY_ID = re.compile(r"[0-9a-f]{8}\Z")
_KEY_BYTES = 32


class Signature(NamedTuple):
    """One signature line, not yet verified. `key_id` has 4 bytes."""

    name: str
    key_id: bytes
    value: bytes

    @property
    def line(self) -> str:
        """As it stands in a note, with its line's end."""
        return f"{_SIGNATURE_START}{self.name} {to_base64(self.key_id + self.value)}\n"


class Note(NamedTuple):
    """A note taken apart. Nothing in it is verified."""

    text: str
    signatures: tuple[Signature, ...]

    def to_bytes(self) -> bytes:
        """The note as it is stored and sent."""
        return (self.text + "\n" + "".join(s.line for s in self.signatures)).encode()


@dataclass(frozen=True, slots=True)
class Verifier:
    """Checks signatures of one key, known by its name and raw public key of 32 bytes.

    Raises `MalformedError` for a name that is empty or has spaces or a plus, and for other lengths.
    """

    name: str
    public_key: bytes
    key_id: bytes = field(init=False)

    def __post_init__(self) -> None:
        if not _is_key_name(self.name):
            raise MalformedError(f"a key's name has neither spaces nor plus: {self.name[:80]!r}")
        if len(self.public_key) != _KEY_BYTES:
            raise MalformedError(f"an Ed25519 key has {_KEY_BYTES} bytes")
        named = self.name.encode() + b"\n" + ED25519 + self.public_key
        object.__setattr__(self, "key_id", sha256(named).digest()[:4])

    @classmethod
    def from_vkey(cls, text: str) -> Self:
        """Read `name+hex key id+base64 key`; `MalformedError` if the parts do not belong together."""
        parts = text.split("+", 2)
        if len(parts) != 3 or not _KEY_ID.match(parts[1]):
            raise MalformedError(f"not a verifier key: {text[:80]!r}")
        key = from_base64(parts[2])
        if key[:1] != ED25519:
            raise MalformedError("not an Ed25519 verifier key")
        verifier = cls(parts[0], key[1:])
        if verifier.key_id.hex() != parts[1]:
            raise MalformedError("the verifier key's id is not the one of its name and key")
        return verifier

    @property
    def vkey(self) -> str:
        """The public text form, to hand to whoever wants to check the log."""
        return f"{self.name}+{self.key_id.hex()}+{to_base64(ED25519 + self.public_key)}"

    def check(self, text: str, signature: bytes) -> None:
        """Raise `UnverifiedError` unless this key made `signature` over `text`."""
        try:
            Ed25519PublicKey.from_public_bytes(self.public_key).verify(signature, text.encode())
        except InvalidSignature as error:
            raise UnverifiedError(f"the signature of {self.name} does not hold") from error


@dataclass(frozen=True, slots=True)
class Signer:
    """Signs notes under a name. Keep `private_key`, `to_pem()` and `to_seed()` secret."""

    name: str
    private_key: Ed25519PrivateKey = field(repr=False)
    verifier: Verifier = field(init=False)

    def __post_init__(self) -> None:
        public_key = self.private_key.public_key().public_bytes_raw()
        object.__setattr__(self, "verifier", Verifier(self.name, public_key))

    @classmethod
    def generate(cls, name: str) -> Self:
        """A new key from the operating system's randomness."""
        return cls(name, Ed25519PrivateKey.generate())

    @classmethod
    def from_seed(cls, name: str, seed: bytes) -> Self:
        """The key with this raw private key of 32 bytes."""
        if len(seed) != _KEY_BYTES:
            raise MalformedError(f"an Ed25519 key has {_KEY_BYTES} bytes")
        return cls(name, Ed25519PrivateKey.from_private_bytes(seed))

    @classmethod
    def from_pem(cls, name: str, pem: bytes) -> Self:
        """An unencrypted Ed25519 key as `to_pem` or `openssl genpkey -algorithm ed25519` writes it."""
        try:
            key = load_pem_private_key(pem, password=None)
        except (ValueError, TypeError, UnsupportedAlgorithm) as error:
            raise MalformedError("not an unencrypted private key in PEM") from error
        if not isinstance(key, Ed25519PrivateKey):
            raise MalformedError("the private key is not an Ed25519 key")
        return cls(name, key)

    def to_pem(self) -> bytes:
        """PKCS #8, unencrypted."""
        return self.private_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())

    def to_seed(self) -> bytes:
        """The raw private key of 32 bytes."""
        return self.private_key.private_bytes_raw()

    @property
    def vkey(self) -> str:
        """The public key's text form."""
        return self.verifier.vkey

    def sign(self, text: str) -> bytes:
        """The note with this text, which ends its last line, and this key's signature."""
        if not text.endswith("\n"):
            raise MalformedError("a note's text ends with a line break")
        _check_characters(text)
        value = self.private_key.sign(text.encode())
        return Note(text, (Signature(self.name, self.verifier.key_id, value),)).to_bytes()


def parse(note: bytes) -> Note:
    """Take a note apart without verifying anything; `MalformedError` unless it is one to the letter."""
    if len(note) > MAX_NOTE_BYTES:
        raise MalformedError(f"a note has at most {MAX_NOTE_BYTES} bytes")
    try:
        decoded = note.decode()
    except UnicodeDecodeError as error:
        raise MalformedError("a note is UTF-8") from error
    _check_characters(decoded)
    text, blank_line, below = decoded.rpartition("\n\n")
    if not blank_line or not below.endswith("\n"):
        raise MalformedError("a note is text, an empty line and signature lines")
    lines = below[:-1].split("\n")
    if len(lines) > MAX_SIGNATURES:
        raise MalformedError(f"a note has at most {MAX_SIGNATURES} signatures")
    return Note(text + "\n", tuple(_parse_signature(line) for line in lines))


def _parse_signature(line: str) -> Signature:
    start, name, encoded = line[:2], *line[2:].partition(" ")[::2]
    if start != _SIGNATURE_START or not _is_key_name(name):
        raise MalformedError(f"not a signature line: {line[:80]!r}")
    data = from_base64(encoded)
    if len(data) < 5:
        raise MalformedError(f"too short for a signature: {line[:80]!r}")
    return Signature(name, data[:4], data[4:])


def verify(note: bytes, verifiers: Iterable[Verifier]) -> str:
    """The text of a note that at least one of the verifiers' keys signed.

    Signatures of other keys are ignored, whatever they contain; one that claims to be of a known key
    and does not hold makes the whole note an `UnverifiedError`, wherever it stands. To require
    several signatures, call it once for each.
    """
    known = _by_name_and_id(verifiers)
    text, signatures = parse(note)
    verified = False
    for name, key_id, value in signatures:
        verifier = known.get((name, key_id))
        if verifier:
            verifier.check(text, value)
            verified = True
    if not verified:
        raise UnverifiedError("no known key signed the note")
    return text


def _by_name_and_id(verifiers: Iterable[Verifier]) -> dict[tuple[str, bytes], Verifier]:
    known: dict[tuple[str, bytes], Verifier] = {}
    for verifier in verifiers:
        if known.setdefault((verifier.name, verifier.key_id), verifier) != verifier:
            raise MalformedError(f"two keys are both {verifier.name}+{verifier.key_id.hex()}")
    return known


def _is_key_name(name: str) -> bool:
    """Not empty, without plus and without anything that Unicode calls a space."""
    return bool(name) and not _NOT_IN_NAMES.search(name)


def _check_characters(text: str) -> None:
    if _NOT_IN_NOTES.search(text):
        raise MalformedError("a note is UTF-8 without control characters but line breaks")
