"""What lies beside the log: one value a sale, under the digest of it in the leaf.

A version byte, 16 bytes of salt, 16 of the salted digest of the request, and a zstd frame (RFC 8878) of the
content, canonical JSON: `basket` as the till sent it · `facts` that deciding saw · `outcome` · and what would
have made the leaf too long. Since the salt is part of it, nobody can guess a content and check the guess against
the leaf; since the digest is of the bytes as they are stored, no bit of them can change unnoticed.
"""

from base64 import urlsafe_b64encode
from functools import cached_property
from hashlib import sha256

import zstandard

VERSION = 1
SALT_BYTES = 16
REQUEST_BYTES = 16
"""Half a SHA-256: the salt is ours, so there is no pair of requests to look for, and 128 bits cannot be hit."""
CONTENT_LIMIT = 1 << 26
"""Far more than the longest basket makes; what claims to be longer was not written here."""

_START = 1 + SALT_BYTES
_FRAME = _START + REQUEST_BYTES
DICTIONARY_1 = (
    b'"Europe/Kaliningrad"Asia/Vladivostok"Asia/Yekaterinburg"Asia/Krasnoyarsk"Asia/Novosibirsk"Europe/Berlin'
    b'"gift-card"deposit"donation"goods"},"facts":{"card":"blocked","card":"not-activated","card":"unknown",'
    b'"card":"none","store":["","choice":["","gifts":[["round-up",true,"offline":true,"late""clock""shortfall"'
    b'"flags":["late"],"redeem":-1,"balance":[0,0,0,["2026-12-31",'
    b'{"basket":{"currency":"EUR","currency":"RUB","fiscal":["9999078902","lines":[[1,"400",1,900],[2,"460",1,500],'
    b'[3,"46",1,9900],[4,"46",1,4900],[5,"46",2,990],[6,"46",1,1990],[7,"46",1,2900],[8,"46","345000",10,'
    b'"total":10000},"facts":{"card":"active","member":["m",null],"products":[[null,""],[null,""],0,0,0],'
    b'"store":["",null,"Europe/Moscow",""]},"outcome":{"balance":[10,0,0],"donations":[["","",10,100,1,[["",60],["",40'
    b']],0,0,[1]],["","",0,300,1,[["",300]],0,0,[2]]],"earned":[["base",100,1,[0,1,2,3,4,5,6,7]],["",10,1,[0]]],'
    b'"line_earned":[10,1,0,0,0,0,0,0],"line_redeemed":[0,0,0,0],"points":[100,0,10,0,0,500],"why":[[0,5,10000],[1,1,1]]}}'
)
"""What contents of version 1 have in common, the most usual last. Stored bytes rest on it: never change it."""

_SHARED = zstandard.ZstdCompressionDict(DICTIONARY_1, dict_type=zstandard.DICT_TYPE_RAWCONTENT)
_SHARED.precompute_compress(level=3)
_COMPRESSOR = zstandard.ZstdCompressor(3, dict_data=_SHARED)
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
            raise ValueError("what lies beside the leaf is of no known version")
        self.salt, self.request = data[1:_START], data[_START:_FRAME]

    @cached_property
    def content(self) -> bytes:
        """The canonical JSON."""
        frame = self.data[_FRAME:]
        try:
            if zstandard.frame_content_size(frame) > CONTENT_LIMIT:
                raise ValueError("what lies beside the leaf is longer than any sale")
            return _DECOMPRESSOR.decompress(frame)
        except zstandard.ZstdError as error:
            raise ValueError(f"what lies beside the leaf cannot be unpacked: {error}") from None
