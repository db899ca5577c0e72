"""Base64 and decimals as the log's text formats write them: one spelling for each value.

Source: https://c2sp.org/signed-note and https://c2sp.org/tlog-checkpoint. Base64 is RFC 4648 section 4.
Padding bits that are not zero, line breaks and leading zeroes are refused, so that nobody can change
a signed file's bytes without changing what it says.
"""

import re
from base64 import b64decode, b64encode

from lepta.log.errors import MalformedError

HASH_BYTES = 32

SIZE_LIMIT = 2**63
"""Tree sizes and indexes stay below this: they are signed 64-bit numbers in databases and in Go."""

_DECIMAL = re.compile(r"(?:0|[1-9][0-9]{0,18})\Z")


def to_base64(data: bytes) -> str:
    """Standard base64 with padding."""
    return b64encode(data).decode("ascii")


def from_base64(text: str) -> bytes:
    """The bytes that `text` spells; any other spelling of the same bytes is a `MalformedError`."""
    try:
        data = b64decode(text, validate=True)
    except ValueError as error:
        raise MalformedError(f"not base64: {text[:80]!r}") from error
    if to_base64(data) != text:
        raise MalformedError(f"not canonical base64: {text[:80]!r}")
    return data


def from_decimal(text: str) -> int:
    """A number below 2**63 in ASCII digits, without sign, spaces or leading zeroes."""
    if not _DECIMAL.match(text) or (number := int(text)) >= SIZE_LIMIT:
        raise MalformedError(f"not a decimal number below 2**63: {text[:80]!r}")
    return number
