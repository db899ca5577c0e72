"""What a checked CEL expression reads, and how many steps it may take: told before it ever runs.

The library hands out an expression as a `CheckedExpr` in protobuf's wire format; the numbers of its fields are those of
cel/expr/checked.proto and cel/expr/syntax.proto (https://github.com/google/cel-spec).
"""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

_CHECKED, _TREE = 2, 4
_CONSTANT, _NAME, _CALL, _LIST, _LOOP = 3, 4, 6, 7, 9
_FUNCTION, _CHOICE = 2, b"_?_:_"
"""The only call that may give a list: one of those it takes."""


class Unbounded(ValueError):
    """What a condition holds that could run away; the message says what to write."""


class Checked(NamedTuple):
    """What is known of an expression without running it."""

    variables: frozenset[str]
    steps: int
    """At most so many; comparing two lists takes one for each element."""


class _Size(NamedTuple):
    """Of a part: steps to take, and if it gives a list, how long that may be."""

    steps: int
    length: int | None


def read(serialized: bytes, lists: Mapping[str, int]) -> Checked:
    """Read an expression; `lists` has every variable that may be asked for, and how long its list may be (0: none).

    Raises `Unbounded` for maps and objects, and for lists of lists, which could share their parts and so be larger
    than they look.
    """
    tree = _one(_one(serialized, _CHECKED), _TREE)
    reading = _Reading(lists)
    steps = reading.size(tree).steps
    return Checked(frozenset(reading.variables), steps)


class _Reading:
    def __init__(self, lists: Mapping[str, int]) -> None:
        self._lists = lists
        self.variables: set[str] = set()

    def size(self, tree: bytes) -> _Size:
        """Of an expression; the compiler has bounded how deep it is nested."""
        [(kind, part)] = [(n, value) for n, value in _fields(tree) if n > 2]
        if kind == _CONSTANT:
            return _Size(1, None)
        if kind == _NAME:
            return self._named(_one(part, 1).decode())
        if kind == _CALL:
            return self._call(part)
        if kind == _LIST:
            return self._list(part)
        if kind == _LOOP:
            return self._loop(part)
        raise Unbounded(
            'maps and objects cannot be used: compare facts, or look into a list ["a", "b"]'
        )

    def _named(self, name: str) -> _Size:
        if name not in self._lists:
            return _Size(1, None)  # what a loop names
        self.variables.add(name)
        length = self._lists[name]
        return _Size(1 + length, length or None)

    def _call(self, call: bytes) -> _Size:
        parts = [self.size(value) for n, value in _fields(call) if n != _FUNCTION]
        chooses = _one(call, _FUNCTION) == _CHOICE
        lengths = [part.length for part in parts if chooses and part.length is not None]
        return _Size(1 + sum(part.steps for part in parts), max(lengths, default=None))

    def _list(self, elements: bytes) -> _Size:
        parts = [self.size(value) for n, value in _fields(elements) if n == 1]
        if any(part.length is not None for part in parts):
            raise Unbounded("a list cannot hold lists: write one list of texts or numbers")
        return _Size(1 + sum(part.steps for part in parts), len(parts))

    def _loop(self, loop: bytes) -> _Size:
        """A comprehension: its range is walked through, and for each element there is a condition and a step.

        It gives a yes or no: no function is allowed that gives a list.
        """
        over, start, condition, step, result = (self.size(_one(loop, n)) for n in (2, 4, 5, 6, 7))
        times = over.length or 0
        steps = over.steps + start.steps + times * (condition.steps + step.steps) + result.steps
        return _Size(steps, None)


def _one(message: bytes, number: int) -> bytes:
    """The field of that number that stands last, as protobuf has it; empty if there is none."""
    return next((value for n, value in reversed(list(_fields(message))) if n == number), b"")


def _fields(message: bytes) -> Iterator[tuple[int, bytes]]:
    """(number, value) of every field that has a length; numbers and the like say nothing here."""
    at = 0
    while at < len(message):
        tag, at = _varint(message, at)
        if tag & 7 == 0:
            _, at = _varint(message, at)
            continue
        assert tag & 7 == 2, tag
        size, at = _varint(message, at)
        yield tag >> 3, message[at : at + size]
        at += size


def _varint(message: bytes, at: int) -> tuple[int, int]:
    """A number in groups of seven bits, the least first, and where the next field begins."""
    value = shift = 0
    while message[at] & 0x80:
        value |= (message[at] & 0x7F) << shift
        at, shift = at + 1, shift + 7
    return value | message[at] << shift, at + 1
