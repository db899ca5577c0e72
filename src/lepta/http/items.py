"""Where the items of a long JSON array begin and end, found in its bytes as they arrive.

A streaming parser (such as ijson) hands over values that it has read. But each item is to be answered to the letter
as if it had come alone, duplicate keys, strange numbers and all, so what is needed are its very bytes. What stands
in an item is not looked at here, only its quotes and brackets.
"""

import re

from lepta.errors import InvalidRequest
from lepta.http.problems import TooLarge

MOST_CONTAINERS = 2_000_000
"""Objects and lists in all items: a hundred times as many as long sales have, and all that a second or two can count."""

_SPACE = b" \t\r\n"
_OPENING, _CLOSING = b"[{", b"]}"
# Each byte is looked at a fixed number of times, whatever comes: no two ways lead to the same match.
_TEXT = re.compile(rb'[^"\\]*(?:\\.[^"\\]*)*', re.DOTALL)
_AMONG_ITEMS = re.compile(rb'[^"\[\]{},]*')
_INSIDE = re.compile(rb'(?:[^"\[\]{}]+|"[^"\\]*(?:\\.[^"\\]*)*")*', re.DOTALL)


class Borders:
    """Fed with an array's bytes, finds its items: at most `most`, else it raises `TooLarge`."""

    def __init__(self, most: int) -> None:
        self.spans: list[tuple[int, int]] = []
        """(first byte, byte after the last) of each, counted from the array's first byte; spaces included."""
        self._most = most
        self._depth = 0
        """Brackets that are open; the array's own is one of them."""
        self._in_text = False
        self._containers = 0
        self._closed = False
        self._filled = False
        """Whether the item under way has anything but spaces in it."""
        self._begins = 0
        self._read = 0
        """Bytes that are done with."""
        self._rest = b""

    def feed(self, chunk: bytes) -> None:
        """Read on; raises `InvalidRequest` for what cannot become an array."""
        data, place = self._rest + chunk, 0
        while place < len(data):
            if self._in_text:
                place = _TEXT.match(data, place).end()  # type: ignore[union-attr]  # it may match nothing
                if data[place : place + 1] != b'"':
                    break  # at the end, or before a backslash whose other half is still to come
                self._in_text = False
                place += 1
            else:
                place = self._skip(data, place)
                if place < len(data):
                    self._mark(data[place : place + 1], self._read + place)
                    place += 1
        self._read += place
        self._rest = data[place:]

    def end(self) -> list[tuple[int, int]]:
        """The items, all of which have been read; raises `InvalidRequest`."""
        if not self._closed:
            raise _fault("is cut off: the array's end is missing; send all of it")
        return self.spans

    def _skip(self, data: bytes, place: int) -> int:
        """Past what marks nothing."""
        pattern = _AMONG_ITEMS if self._depth < 2 else _INSIDE
        end = pattern.match(data, place).end()  # type: ignore[union-attr]  # it may match nothing
        if self._depth < 2 and not self._filled and data[place:end].strip(_SPACE):
            self._fill()
        return end

    def _fill(self) -> None:
        if self._closed:
            raise _fault("goes on after the array's end")
        if not self._depth:
            raise _fault("must be an array of items")
        self._filled = True

    def _mark(self, mark: bytes, place: int) -> None:
        if mark in _OPENING:
            self._open(mark, place)
        elif mark == b'"':
            self._fill()
            self._in_text = True
        elif mark in _CLOSING and self._depth > 1:
            self._depth -= 1
        elif mark == b"," and self._depth == 1 and self._filled:
            self._add(place)
        elif mark == b"]" and self._depth == 1 and (self._filled or not self.spans):
            if self._filled:
                self._add(place)
            self._depth, self._closed = 0, True
        else:
            raise _fault(f"has a {mark.decode()!r} at byte {place} that belongs to no item")

    def _open(self, mark: bytes, place: int) -> None:
        if self._depth or self._closed or mark != b"[":
            self._fill()
        else:
            self._begins = place + 1
        self._depth += 1
        self._containers += 1
        if self._containers > MOST_CONTAINERS:
            raise TooLarge(MOST_CONTAINERS, "containers")

    def _add(self, place: int) -> None:
        if len(self.spans) >= self._most:
            raise TooLarge(self._most, "items")
        self.spans.append((self._begins, place))
        self._begins, self._filled = place + 1, False


def _fault(reason: str) -> InvalidRequest:
    return InvalidRequest([{"path": "", "reason": reason}])
