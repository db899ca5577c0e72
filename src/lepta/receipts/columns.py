"""Fitting text to a printer: how many columns a text takes, and where its lines end."""

import re
import unicodedata
from functools import lru_cache

from lepta.names import NBSP, PLAIN

MIN_WIDTH = 32
MAX_WIDTH = 48

_UNUSUAL = re.compile(f"[^{PLAIN} {NBSP}\n]")
"""Finds what may be other than one column wide; most receipts have none of it, and that is quick to see."""
_ONE_LINE = re.compile(f"[{PLAIN}](?:[{PLAIN} {NBSP}]*[{PLAIN}])?")
"""Nothing unusual, no line feed, and no space at either end."""


def columns(text: str) -> int:
    """Columns that one line takes: two for wide characters of East Asia, none for combining marks."""
    if not _UNUSUAL.search(text):
        return len(text)
    return sum(map(_columns_of, text))


def _columns_of(char: str) -> int:
    if unicodedata.category(char) in {"Mn", "Me"}:
        return 0
    return 2 if unicodedata.east_asian_width(char) in {"W", "F"} else 1


def wrap(text: str, width: int) -> str:
    """Each line of `text` as lines of at most `width` columns, no-break spaces turned into plain ones.

    Lines end between words; a group glued by no-break spaces is broken only if it is longer than a line, and
    a word only if it alone is. Empty lines are left out.
    """
    if len(text) <= width and _ONE_LINE.fullmatch(text):
        return text.replace(NBSP, " ")
    if _UNUSUAL.search(text):
        lines = [line for paragraph in text.split("\n") for line in _measured(paragraph, width)]
    else:
        lines = _line_of(width).findall(text)
    return "\n".join(lines).replace(NBSP, " ")


@lru_cache(maxsize=128)
def _line_of(width: int) -> re.Pattern[str]:
    """Matches one line of plain characters: up to a space, else up to a no-break space, else `width` of anything."""
    assert width > 1, width
    edge = f"[^ {NBSP}\n]"
    line = f"{edge}(?:.{{0,{width - 2}}}{edge})?"
    return re.compile(f"{line}(?= |$)|{line}(?={NBSP})|{edge}{{{width}}}", re.MULTILINE)


def _measured(paragraph: str, width: int) -> list[str]:
    """The same for text whose characters differ in width."""
    lines: list[str] = []
    line, used = "", 0
    for glue, piece in _pieces(paragraph, width):
        size = columns(piece)
        if line and glue != "\n" and used + len(glue) + size <= width:
            line, used = line + glue + piece, used + len(glue) + size
            continue
        if line:
            lines.append(line)
        line, used = piece, size
    return [*lines, line] if line else lines


def _pieces(paragraph: str, width: int) -> list[tuple[str, str]]:
    """What must stay on one line, each with what stands before it where it shares a line; a line feed starts one."""
    pieces: list[tuple[str, str]] = []
    for group in filter(None, paragraph.split(" ")):
        if columns(group) <= width:
            pieces.append((" ", group))
            continue
        glue = "\n"
        for word in group.split(NBSP):
            for part in _broken(word, width):
                pieces.append((glue, part))
                glue = ""
            glue = NBSP
    return pieces


def _broken(word: str, width: int) -> list[str]:
    """`word` in parts of at most `width` columns; a mark stays with its letter."""
    parts = [""]
    used = 0
    for char in word:
        size = _columns_of(char)
        if used + size > width:
            parts.append("")
            used = 0
        parts[-1] += char
        used += size
    return parts
