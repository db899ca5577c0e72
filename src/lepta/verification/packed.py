"""What rows of history look like in binary COPY, and what lies beside a leaf, checked."""

import struct
from datetime import date
from hashlib import sha256
from typing import Any

import orjson

from lepta.processing.beside import Beside, named
from lepta.processing.canonical import canonical
from lepta.verification.invariants import Check
from lepta.verification.part import NO_END
from lepta.verification.report import Faults

Json = dict[str, Any]

ENTRY_ROW = struct.Struct(">hiqihiiiiihiqih")
"""A row of `rows.READ_ENTRIES` in binary COPY: the number of columns, then each one's length and value."""
ALLOCATION_ROW = struct.Struct(">hiqihiiiqihiiiq")

_EPOCH_DAY = date(2000, 1, 1).toordinal()


class Days(dict[str | None, int]):
    """Days since 2000 of days as leaves write them."""

    def __init__(self) -> None:
        super().__init__({None: NO_END})

    def __missing__(self, text: str | None) -> int:
        assert text is not None
        day = self[text] = date.fromisoformat(text).toordinal() - _EPOCH_DAY
        return day


def made_lots(document: Json) -> dict[int, tuple[str | None, str | None, int | None]]:
    """By entry the lots that an event makes: last day, first day, and who issued the points if the entry does not."""
    return {
        leg: (last, first, issuer)
        for last, first, *legs in document.get("lots", ())
        for each in legs
        for leg, issuer in [each if isinstance(each, list) else (each, None)]
    }


def lying_beside(
    index: int,
    digest: str,
    data: bytes,
    fields: tuple[frozenset[str], frozenset[str]],
    faults: Faults,
) -> Json:
    """The content of what lies beside a leaf, against its digest there.

    `fields` it must have, and may have. Raises `ValueError` for bytes that mean nothing.
    """
    if named(sha256(data).digest()) != digest:
        what = "what lies beside the leaf does not match its digest"
        faults.event(Check.DIGESTS, index, what)
    content = Beside(data).content
    read: Json = orjson.loads(content)
    if canonical(read) != content:
        faults.event(Check.DIGESTS, index, "what lies beside the leaf is not canonical JSON")
    least, most = fields
    if not least <= read.keys() <= most:
        what = "what lies beside the leaf has other fields than such an event"
        faults.event(Check.DIGESTS, index, what)
    return read
