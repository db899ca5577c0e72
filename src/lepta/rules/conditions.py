"""Conditions in CEL, the Common Expression Language: `basket.total >= 100000 && time.weekday in [6, 7]`.

The one module that knows the library. Every fact is declared with its type, so an author hears at once what is wrong
and where; what could run away is refused then, too. Whole numbers, texts and lists of texts are all there is, and the
functions are those listed here: nothing that makes texts or lists grow, no clock, no fraction, no pattern.
"""

import re
from collections.abc import Mapping
from functools import cache, lru_cache
from typing import Any

from cel_expr_python import cel

from lepta.rules import checked, refusals

MOST_CHARACTERS = 1_000
MOST_STEPS = 5_000
"""At most 150 us."""

_INT, _TEXT, _TEXTS = cel.Type.INT, cel.Type.STRING, cel.Type.List(cel.Type.STRING)
_VARIABLES = {
    "basket.total": _INT,
    "basket.lines": _INT,
    "basket.units": _INT,
    "line.sku": _TEXT,
    "line.brand": _TEXT,
    "line.categories": _TEXTS,
    "line.quantity": _INT,
    "line.amount": _INT,
    "member.tier": _TEXT,
    "member.segments": _TEXTS,
    "member.visits": _INT,
    "member.points": _INT,
    "member.days_since_joining": _INT,
    "store.id": _TEXT,
    "store.region": _TEXT,
    "store.retailer": _TEXT,
    "time.hour": _INT,
    "time.weekday": _INT,
    "time.day": _INT,
    "time.month": _INT,
}
VARIABLES = tuple(_VARIABLES)
"""Every fact that a condition may ask for."""
OF_PAST = frozenset({"member.visits", "member.points"})
"""Those that only the ledger knows (`facts.Past`)."""
_LONGEST = {"line.categories": 50, "member.segments": 100}
"""What the API takes."""
_LISTS = {name: _LONGEST.get(name, 0) for name in VARIABLES}
_ALLOWED = """
stdlib:
  include_macros: [all, exists, exists_one]
  include_functions:
    - name: "_&&_"
    - name: "_||_"
    - name: "!_"
    - name: "_?_:_"
    - name: "_==_"
    - name: "_!=_"
    - {name: "_<_", overloads: [{id: less_int64}]}
    - {name: "_<=_", overloads: [{id: less_equals_int64}]}
    - {name: "_>_", overloads: [{id: greater_int64}]}
    - {name: "_>=_", overloads: [{id: greater_equals_int64}]}
    - {name: "_+_", overloads: [{id: add_int64}]}
    - {name: "_-_", overloads: [{id: subtract_int64}]}
    - {name: "_*_", overloads: [{id: multiply_int64}]}
    - {name: "_/_", overloads: [{id: divide_int64}]}
    - {name: "_%_", overloads: [{id: modulo_int64}]}
    - {name: "-_", overloads: [{id: negate_int64}]}
    - {name: "_[_]", overloads: [{id: index_list}]}
    - {name: "@in", overloads: [{id: in_list}]}
    - {name: size, overloads: [{id: size_list}, {id: list_size}, {id: size_string}, {id: string_size}]}
    - name: startsWith
    - name: endsWith
    - name: contains
    - name: "@not_strictly_false"
"""
"""No `filter` either: the library copies the list for each element that it keeps."""
FUNCTIONS = ("in", "size", "startsWith", "endsWith", "contains", "all", "exists", "exists_one")

Bound = cel.Activation
"""Facts as the library takes them."""


class Condition:
    """A compiled condition. The same for all campaigns that write the same; compare by identity."""

    __slots__ = ("_expression", "of_lines", "variables")

    def __init__(self, variables: tuple[str, ...], expression: cel.Expression) -> None:
        self.variables = variables
        """Facts that it asks for, in the order of `VARIABLES`."""
        self.of_lines = any(name.startswith("line.") for name in variables)
        """Whether it is asked of each product by itself."""
        self._expression = expression

    def holds(self, bound: Bound) -> bool | None:
        """Whether it holds; None: a fact that it needs is not there, or a number grows too large."""
        try:
            answer = self._expression.eval(bound).value()
        except RuntimeError:
            return None
        return answer if isinstance(answer, bool) else None


def bind(facts: Mapping[str, Any]) -> Bound:
    """Facts by name for `Condition.holds`; those that are not known are left out."""
    return _environment().Activation(facts)


@lru_cache(10_000)
def compiled(text: str) -> Condition:
    """The condition; raises `ValueError` that says where it is wrong and what to write."""
    if len(text) > MOST_CHARACTERS:
        raise ValueError(f"is longer than {MOST_CHARACTERS} characters: shorten it")
    try:
        expression = _environment().compile(text)
    except (RuntimeError, TypeError) as error:
        raise ValueError(_reason(text, str(error))) from error
    kind = expression.return_type().name()
    if kind != "BOOL":
        raise ValueError(f"gives {kind.lower()}, not true or false: compare it, as in {_EXAMPLE}")
    variables, steps = checked.read(expression.serialize(), _LISTS)
    if steps > MOST_STEPS:
        raise ValueError(
            f"may take {steps} steps, more than {MOST_STEPS}: look through shorter lists"
        )
    return Condition(tuple(name for name in VARIABLES if name in variables), expression)


@cache
def _environment() -> cel.Env:
    return cel.NewEnv(config=cel.NewEnvConfigFromYaml(_ALLOWED), variables=_VARIABLES)


_EXAMPLE = "basket.total >= 100000"
_ERROR = re.compile(
    r"^(?:[A-Z_]+: )?ERROR: <input>:(-?\d+):(-?\d+): (.*?)(?: \[[A-Z_]+\])?$", re.MULTILINE
)
_UNKNOWN = re.compile(r"undeclared reference to '([^']*)'")
_MISMATCH = re.compile(r"found no matching overload for '([^']*)' applied to '([^']*)'")


def _reason(text: str, message: str) -> str:
    """One fault of those that the library found, in our words."""
    found = [(int(line), int(column), what) for line, column, what in _ERROR.findall(message)]
    if not found or found[0][0] < 1:
        return _unplaced(message)
    line, column, what = next((f for f in found if _is_call(text, f[2])), found[0])
    unknown, mismatch = _UNKNOWN.match(what), _MISMATCH.match(what)
    if unknown:
        name = unknown[1]
        column = _begin(text.split("\n")[line - 1], column, name)
        return f"{_place(line, column)}: {_unknown(text, name)}"
    if mismatch:
        return f"{_place(line, column)}: {_mismatch(*mismatch.groups())}"
    if " error at: '=" in what:
        return f'{_place(line, column)}: write "==" where two things have to be equal'
    what = what.partition(" expecting ")[0].removeprefix("Syntax error: ")
    return f"{_place(line, column)}: cannot be read ({what}): write it as in {_EXAMPLE}"


def _unplaced(message: str) -> str:
    if "recursion" in message:
        return "is nested too deeply: use fewer brackets and signs"
    return f"cannot be read: write it as in {_EXAMPLE}"


def _place(line: int, column: int) -> str:
    return f"column {column}" if line == 1 else f"line {line}, column {column}"


def _is_call(text: str, what: str) -> bool:
    """Whether a fault is about a function: those after it are often of its making."""
    unknown = _UNKNOWN.match(what)
    return unknown is not None and _called(text, unknown[1])


def _called(text: str, name: str) -> bool:
    return re.search(rf"\b{re.escape(name)}\s*\(", text) is not None


def _begin(line: str, column: int, name: str) -> int:
    """Where `name` begins: the library names the place of its last dot."""
    before = column - 1 - max(name.rfind("."), 0)
    return before + 1 if before >= 0 and line.startswith(name, before) else column


def _unknown(text: str, name: str) -> str:
    if _called(text, name):
        return f"there is no function {name!r}; use only {', '.join(FUNCTIONS)}"
    return f"there is no fact {name!r}; {refusals.did_you_mean(name, _near(name))}"


def _near(name: str) -> list[str]:
    """Facts of the same sort, if there is such a sort."""
    sort = name.partition(".")[0] + "."
    return [known for known in VARIABLES if known.startswith(sort)] or list(VARIABLES)


def _mismatch(function: str, types: str) -> str:
    shown = function.strip("_@").replace("_", " ") or function
    return (
        f"{shown!r} does not take {types}: compare whole numbers (amounts are minor units) with whole numbers, "
        f"texts with texts"
    )
