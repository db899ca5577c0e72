"""The blanks of a campaign author's sentence as written: `{{ fund | case: 'dative' | default: 'a fund' }}`."""

import re
from typing import NamedTuple

from lepta.names import smeared, tidy, unprintable

_TOKEN = re.compile(
    r"""\s*(?:(?P<end>\}\})|(?P<word>\w+)|(?P<mark>[|:,])|(?P<text>'[^'{}]*'|"[^"{}]*")|(?P<other>\S))"""
)


class TemplateFault(ValueError):
    """A sentence cannot be compiled: `reason` says why, `column` (from 1) where."""

    def __init__(self, column: int, reason: str) -> None:
        super().__init__(f"column {column}: {reason}")
        self.column = column
        self.reason = reason


class Token(NamedTuple):
    """A word, a mark, a text in quotes, or the end of the blank."""

    kind: str
    text: str
    column: int


class Blank(NamedTuple):
    """`{{ variable | filter: 'a', 'b' | default: 'c' }}` as written; `end` is where the text goes on."""

    variable: Token
    filter: Token | None
    arguments: list[str]
    default: "Filter | None"
    end: int


class Filter(NamedTuple):
    """A filter as written."""

    name: Token
    arguments: list[str]


def read_blank(text: str, opening: re.Match[str]) -> Blank:
    """The blank that begins at `opening`; raises `TemplateFault`."""
    column = opening.start() + 1
    if opening[0] == "{%":
        raise TemplateFault(column, "tags ({% … %}) are not supported; use {{ … }} only")
    if opening[0] != "{{":
        raise TemplateFault(column, f"{opening[0]} closes nothing: leave it out")
    tokens: list[Token] = []
    at = opening.end()
    while match := _TOKEN.match(text, at):
        assert match.lastgroup
        token = Token(match.lastgroup, match[match.lastgroup], match.start(match.lastgroup) + 1)
        at = match.end()
        if token.kind == "end":
            return _parsed(tokens, token, at)
        if token.kind == "other":
            raise TemplateFault(token.column, _unexpected(token))
        tokens.append(token)
    raise TemplateFault(column, "{{ is not closed by }}: close it")


def _unexpected(token: Token) -> str:
    if token.text in "'\"":
        return f"the {token.text} is not closed: close it"
    return f"unexpected {token.text!r}: leave it out"


def _parsed(tokens: list[Token], end: Token, at: int) -> Blank:
    """The tokens between the braces by the grammar `word {"|" word [":" text {"," text}]}`."""
    left = [*tokens, end]
    variable = _take(left, "word", "a variable")
    filters: list[Filter] = []
    while left[0] is not end:
        _take(left, "mark", "| or }}", "|")
        filters.append(_filter(left, end))
    default = filters.pop() if filters and filters[-1].name.text == "default" else None
    if len(filters) > 1 or any(name.text == "default" for name, _ in filters):
        reason = 'one filter and then "default" is all there may be: leave it out'
        raise fault(default.name if default and len(filters) < 2 else filters[1].name, reason)
    name, arguments = filters[0] if filters else (None, [])
    return Blank(variable, name, arguments, default, at)


def _filter(left: list[Token], end: Token) -> Filter:
    """What follows a |, up to the next one or the end."""
    name = _take(left, "word", "a filter")
    arguments: list[str] = []
    while left[0] is not end and left[0].text != "|":
        _take(left, "mark", ", or }}" if arguments else ": or }}", "," if arguments else ":")
        text = _take(left, "text", "a text in quotes")
        argument = tidy(printable(text.text[1:-1], text.column + 1))
        if smear := smeared(argument):
            raise TemplateFault(text.column + 1, f"{smear}: leave marks out")
        arguments.append(argument)
    return Filter(name, arguments)


def _take(left: list[Token], kind: str, wanted: str, text: str = "") -> Token:
    token = left[0]
    if token.kind != kind or (text and token.text != text):
        raise TemplateFault(token.column, f"write {wanted} here, not {token.text!r}")
    return left.pop(0)


def printable(text: str, column: int) -> str:
    """`text`, which stands at `column`, if all of it can be printed in one line; raises `TemplateFault`."""
    if seen := unprintable(text):
        raise TemplateFault(column + seen[0], f"{seen[1]}: leave it out")
    return text


def fault(token: Token | None, reason: str) -> TemplateFault:
    """What is wrong with a token."""
    assert token
    return TemplateFault(token.column, reason)
