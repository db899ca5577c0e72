"""The borders of a JSON array's items, found in pieces of any size."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lepta.errors import InvalidRequest
from lepta.http.items import Borders
from lepta.http.problems import TooLarge

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.sampled_from('ab"\\[]{},: \n\x00й')),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=12,
)  # fmt: skip


def items(told: bytes, size: int = 1 << 16, most: int = 100) -> list[bytes]:
    borders = Borders(most)
    for first in range(0, len(told), size):
        borders.feed(told[first : first + size])
    return [told[first:end].strip() for first, end in borders.end()]


def test_items_are_found_whatever_stands_in_them() -> None:
    told = rb' [ {"a]": [1, {"b": "\\\"]"}]} ,1,nul, "x,y" , {"c": } ] '
    assert items(told) == [
        rb'{"a]": [1, {"b": "\\\"]"}]}', b"1", b"nul", b'"x,y"', b'{"c": }'
    ]  # fmt: skip


def test_an_empty_array_has_no_items() -> None:
    assert items(b" [ \n] ") == []


@given(st.lists(VALUES, max_size=6), st.integers(1, 30), st.booleans())
def test_every_item_is_found_however_the_bytes_are_cut(
    told: list[object], size: int, ascii_only: bool
) -> None:
    raw = json.dumps(told, ensure_ascii=ascii_only, indent=1).encode()
    assert [json.loads(item) for item in items(raw, size)] == told


@given(st.lists(VALUES, min_size=1, max_size=3), st.data())
def test_an_array_that_is_cut_off_is_refused(told: list[object], data: st.DataObject) -> None:
    raw = json.dumps(told).encode()
    with pytest.raises(InvalidRequest):
        items(raw[: data.draw(st.integers(0, len(raw) - 1))])


@pytest.mark.parametrize(
    "told",
    [
        b"", b" ", b"{}", b"1", b'"["', b"[]]", b"[][]", b"[] x", b"[,]", b"[1,]", b"[1,,2]", b"[ ,1]", b"[}",
        b"[1}", b'["a]', b'["a\\"]', b"[{]", b"[[]", b"]", b"\xef\xbb\xbf[]", b"[]\x00", b'[]""', b"[],",
        "[]".encode("utf-16"),
    ],
)  # fmt: skip
def test_what_is_no_array_is_refused(told: bytes) -> None:
    for size in (1, 2, 100):
        with pytest.raises(InvalidRequest):
            items(told, size)


def test_one_item_too_many_is_refused_as_soon_as_it_has_ended() -> None:
    assert items(b"[1,2,3]", most=3) == [b"1", b"2", b"3"]
    borders = Borders(3)
    with pytest.raises(TooLarge) as refused:
        borders.feed(b"[1,2,3,4,")
    assert refused.value.members == {"limit": 3, "of": "items"}


def test_more_containers_than_can_be_counted_in_time_are_refused() -> None:
    borders = Borders(1)
    with pytest.raises(TooLarge) as refused:
        borders.feed(b"[" * 2_000_001)
    assert refused.value.members == {"limit": 2_000_000, "of": "containers"}


def test_a_text_of_megabytes_is_looked_at_once() -> None:
    """Each piece is done with when the next one comes: nothing but half a sign is kept."""
    borders = Borders(1)
    borders.feed(b'["')
    for _ in range(64):
        borders.feed(b"\\" * 65_537)
        assert len(borders._rest) <= 1
    borders.feed(b'"]')
    assert borders.end() == [(1, 64 * 65_537 + 3)]
