"""What lies beside the log: one value a sale, under the digest of it in the leaf.

A version byte, 16 bytes of salt, 16 of the salted digest of the request, and a zstd frame (RFC 8878) of the
content, canonical JSON: `basket` as the till sent it · `facts` that deciding saw · `outcome` · and what would
have made the leaf too long. Since the salt is part of it, nobody can guess a content and check the guess against
the leaf; since the digest is of the bytes as they are stored, no bit of them can change unnoticed.
"""

from base64 import urlsafe_b64encode
from functools import cached_property
from hashlib import sha256
from importlib.resources import files

import zstandard

VERSION = 1
SALT_BYTES = 16
REQUEST_BYTES = 16
"""Half a SHA-256: the salt is ours, so there is no pair of requests to look for, and 128 bits cannot be hit."""
CONTENT_LIMIT = 1 << 26
"""Far more than the longest basket makes; what claims to be longer was not written here."""

_UNKNOWN = "what lies beside the leaf is of no known version"
_START = 1 + SALT_BYTES
_FRAME = _START + REQUEST_BYTES
# What contents of version 1 have in common: trained by zstd on the demo's day, and on variants of it with other
# article numbers, catalogues and stores. Stored bytes rest on it: never change it, a better one makes version 2.
_SHARED = zstandard.ZstdCompressionDict(
    (files("lepta.processing") / "beside-1.dict").read_bytes(), zstandard.DICT_TYPE_FULLDICT
)
_LEVEL = 3
_SHARED.precompute_compress(level=_LEVEL)
# The version byte names the dictionary, so that frames need not.
_COMPRESSOR = zstandard.ZstdCompressor(
    dict_data=_SHARED,
    compression_params=zstandard.ZstdCompressionParameters.from_level(
        _LEVEL, write_content_size=True, write_dict_id=False
    ),
)
_DECOMPRESSOR = zstandard.ZstdDecompressor(dict_data=_SHARED)


def request_digest(salt: bytes, request: bytes) -> bytes:
    """By which a request is known again: it names the card, which nothing stored does."""
    return sha256(salt + b"request\n" + request).digest()[:REQUEST_BYTES]


def pack(salt: bytes, request: bytes, content: bytes) -> bytes:
    """The value to store; `request` as `request_digest` made it."""
    return b"%c%b%b%b" % (VERSION, salt, request, _COMPRESSOR.compress(content))


def named(digest: bytes) -> str:
    """A digest as leaves write it: base64url without padding (RFC 4648, 5)."""
    return urlsafe_b64encode(digest)[:-1].decode()


class Beside:
    """A stored value read back. Raises `ValueError` for bytes that `pack` did not make."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        if len(data) <= _FRAME or data[0] != VERSION:
            raise ValueError(_UNKNOWN)
        self.salt, self.request = data[1:_START], data[_START:_FRAME]

    @cached_property
    def content(self) -> bytes:
        """The canonical JSON."""
        return unpacked(self.data)


def unpacked(data: bytes) -> bytes:
    """The content of a stored value; raises as `Beside` does."""
    if len(data) <= _FRAME or data[0] != VERSION:
        raise ValueError(_UNKNOWN)
    frame = data[_FRAME:]
    try:
        if zstandard.frame_content_size(frame) > CONTENT_LIMIT:
            raise ValueError("what lies beside the leaf is longer than any sale")
        return _DECOMPRESSOR.decompress(frame)
    except zstandard.ZstdError as error:
        raise ValueError(f"what lies beside the leaf cannot be unpacked: {error}") from None
