"""Campaign documents in YAML files, read as their authors meant them, each with the lines its parts stand on."""

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from lepta.errors import DomainError

MOST_LEVELS = 32
"""How deep a document may be nested; the language needs ten."""


class WrongFile(DomainError):
    """A file does not hold what it should."""

    code = "wrong-file"


class Written(NamedTuple):
    """A campaign document and where it stands: in which file, as which of its documents, counted from 1."""

    file: Path
    number: int
    document: dict[str, Any]
    node: yaml.Node

    def place(self, path: str) -> str:
        """File, document and line of a part such as "effect.give.points", or of the nearest that is there."""
        return f"{self.file}, document {self.number}, line {_line(self.node, path)}"


def read(file: Path) -> list[Written]:
    """The documents of one file; raises `WrongFile` as `parsed` does, and for another encoding than UTF-8."""
    try:
        return parsed(file, file.read_text(encoding="utf-8"))
    except UnicodeDecodeError as error:
        raise WrongFile(
            f"{file} is not UTF-8 ({error.reason}): save it in that encoding"
        ) from error


def parsed(file: Path, text: str) -> list[Written]:
    """The documents of `text`, empty ones left out; raises `WrongFile` that names file, document and line.

    Refuses what YAML would quietly make something else of: a key that stands twice, an alias, a number
    that is none. Without aliases no file can be larger in memory than it is.
    """
    return list(_documents(file, text))


def _documents(file: Path, text: str) -> Iterator[Written]:
    number = 1
    try:
        loader = _Loader(text)
        while loader.check_node():
            node = loader.get_node()
            assert node is not None, file
            document = loader.construct_document(node)
            if document is not None:
                if not isinstance(document, dict) or "campaign" not in document:
                    where = f"{file}, document {number}, line {_line(node, '')}"
                    raise WrongFile(f"{where} holds no campaign: begin with `campaign: its-id`")
                yield Written(file, number, document, node)
            number += 1
    except yaml.YAMLError as error:
        raise WrongFile(f"{file}, document {number}{_reason(error)}") from error


def _reason(error: yaml.YAMLError) -> str:
    if not isinstance(error, yaml.MarkedYAMLError) or error.problem_mark is None:
        return f" is not YAML: {' '.join(str(error).split())}: correct it"
    mark = error.problem_mark
    remedy = "" if isinstance(error, _Surprise) else ": correct it, or quote what is a text"
    return f", line {mark.line + 1}, column {mark.column + 1}: {error.problem}{remedy}"


def _line(node: yaml.Node, path: str) -> int:
    """From 1. A member is where its key is."""
    line = node.start_mark.line + 1
    for step in path.split(".") if path else ():
        if isinstance(node, yaml.MappingNode):
            found = next(((k, v) for k, v in node.value if k.value == step), None)
        elif isinstance(node, yaml.SequenceNode) and step.isdigit() and int(step) < len(node.value):
            found = (node.value[int(step)],) * 2
        else:
            found = None
        if found is None:
            break
        line, node = found[0].start_mark.line + 1, found[1]
    return line


class _Surprise(yaml.MarkedYAMLError):
    """What YAML allows and nobody means."""

    def __init__(self, mark: Any, problem: str) -> None:
        super().__init__(problem=problem, problem_mark=mark)


class _Loader(yaml.SafeLoader):
    """YAML without its surprises."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._level = 0

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        events: Any = self  # its stubs say nothing about events
        event = events.peek_event()
        if isinstance(event, yaml.AliasEvent):
            raise _Surprise(
                event.start_mark, f"the alias *{event.anchor}: write out what it stands for"
            )
        if self._level == MOST_LEVELS:
            raise _Surprise(event.start_mark, f"nested deeper than {MOST_LEVELS} levels: unfold it")
        self._level += 1
        try:
            return super().compose_node(parent, index)
        finally:
            self._level -= 1

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:  # noqa: FBT001, FBT002
        seen = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise _Surprise(key.start_mark, "a key is a name: write a text")
            if key.value in seen:
                raise _Surprise(key.start_mark, f'"{key.value}" stands twice: keep one')
            seen.add(key.value)
        return super().construct_mapping(node, deep)

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:  # noqa: FBT001, FBT002
        try:
            return super().construct_object(node, deep)
        except (ValueError, AttributeError) as error:
            # A date that no calendar has, a number of 5,000 digits: YAML's own code fails on them.
            shown = str(node.value)[:40]
            raise _Surprise(node.start_mark, f"{shown} cannot be read: put it in quotes") from error

    def construct_number(self, node: yaml.ScalarNode) -> float:
        """A float; those that are no number would be written as nothing at all."""
        number: float = self.construct_yaml_float(node)
        if not math.isfinite(number):
            raise _Surprise(
                node.start_mark, f"{node.value} is no number: leave it out for no limit"
            )
        return number


_Loader.add_constructor("tag:yaml.org,2002:float", _Loader.construct_number)
