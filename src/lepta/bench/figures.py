"""The table that `lepta bench` prints: rows with their goals, as Markdown and as JSON. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lepta.errors import DomainError, Kind


class Unreadable(DomainError):
    """A file to compare with is not what `lepta bench --json` writes."""

    code = "bench-unreadable"
    kind = Kind.REFUSED


@dataclass(frozen=True, slots=True)
class Goal:
    """What a row is to reach: `of` one of its numbers, at least or at most `bound`."""

    of: str
    """`ratio`, `figure`, or a name in `detail`."""
    bound: float
    at_most: bool = False

    def met_by(self, value: float) -> bool:
        """Whether `value` is on the good side; the bound itself is."""
        return value <= self.bound if self.at_most else value >= self.bound


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table."""

    name: str
    what: str
    unit: str
    goal: str
    """The goals, for people."""
    goals: tuple[Goal, ...] = ()


ROWS: Mapping[str, Row] = {
    row.name: row
    for row in (
        Row("P1", "durable checkouts/s through HTTP : pgbench TPC-B-like", "/s", "≥ 1.0 ×",
            (Goal("ratio", 1.0),)),
        Row("P2", "the same : double entry in plain SQL, 3 transfers a call", "/s", "≥ 3 ×",
            (Goal("ratio", 3.0),)),
        Row("P3", "batches of 1 : natural batching (P1)", "/s", "shows what batching gives"),
        Row("P4", "p99 latency at half of P1's rate", "ms", "≤ 20 ms; max ≤ 250 ms",
            (Goal("figure", 20, at_most=True), Goal("max_ms", 250, at_most=True))),
        Row("P5", "evaluation at 10,000 campaigns : zen-engine table", "µs",
            "≤ 1.0 ×; ≤ 1.5 × ours at 100",
            (Goal("ratio", 1.0, at_most=True), Goal("growth", 1.5, at_most=True))),
        Row("P6", "stored bytes per checkout", "B", "≤ 1,536 B", (Goal("figure", 1_536, at_most=True),)),
        Row("P7", "WAL bytes per checkout", "B", "≤ 3,072 B", (Goal("figure", 3_072, at_most=True),)),
        Row("P8", "events/s verified", "/s", "≥ 100,000/s", (Goal("figure", 100_000),)),
        Row("P10", "receipts/s of a back-test; `verify --replay`", "/s", "≥ 20,000/s each",
            (Goal("figure", 20_000), Goal("replay", 20_000))),
    )
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Measured:
    """What was found for a row. `anchor` None: the row has none, or it could not be measured (see `notes`)."""

    row: Row
    figure: float
    anchor: float | None = None
    detail: Mapping[str, float] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def ratio(self) -> float | None:
        """Figure by anchor."""
        return self.figure / self.anchor if self.anchor else None

    @property
    def met(self) -> bool | None:
        """Whether every goal is; None where there is none to meet, or a number for it is missing."""
        numbers = {**self.detail, "figure": self.figure, "ratio": self.ratio}
        values = [(goal, numbers.get(goal.of)) for goal in self.row.goals]
        if any(value is not None and not goal.met_by(value) for goal, value in values):
            return False
        return True if values and all(value is not None for _, value in values) else None


def as_json(measured: Sequence[Measured], machine: Mapping[str, Any]) -> dict[str, Any]:
    """`{"P1": {"figure": …, "anchor": …, "ratio": …, "goal": …, …}, …, "machine": {…}}`."""
    rows = {
        m.row.name: {
            "figure": _rounded(m.figure),
            "anchor": _rounded(m.anchor),
            "ratio": None if m.ratio is None else round(m.ratio, 3),
            "goal": m.row.goal,
            "met": m.met,
            "unit": m.row.unit,
            "what": m.row.what,
            "detail": {name: _rounded(value) for name, value in m.detail.items()},
            "notes": list(m.notes),
        }
        for m in measured
    }
    return {**rows, "machine": dict(machine)}


def _rounded(value: float | None) -> float | None:
    if value is None:
        return None
    return round(value) if abs(value) >= 1_000 else round(value, 2)


def as_markdown(
    measured: Sequence[Measured],
    machine: Mapping[str, Any],
    earlier: Mapping[str, Mapping[str, Any]] | None = None,
) -> str:
    """The table, the notes behind it, and the machine's line. With `earlier`, how each figure has changed."""
    heads = ["", "what", "figure", "anchor", "ratio", "goal", "met"]
    if earlier is not None:
        heads.append("change")
    lines = [_line(heads), _line(["---"] * len(heads))]
    for m in measured:
        cells = [m.row.name, m.row.what, *_cells(m)]
        if earlier is not None:
            cells.append(change(m, earlier.get(m.row.name)))
        lines.append(_line(cells))
    notes = [f"- {m.row.name}: {note}" for m in measured for note in m.notes]
    facts = " · ".join(f"{name} {value}" for name, value in machine.items())
    return "\n".join([*lines, "", *notes, "", f"Machine: {facts}", ""])


def _cells(m: Measured) -> list[str]:
    anchor = "" if m.anchor is None else shown(m.anchor, m.row.unit)
    ratio = "" if m.ratio is None else f"{m.ratio:.2f} ×"
    met = {True: "yes", False: "**no**", None: ""}[m.met]
    return [shown(m.figure, m.row.unit), anchor, ratio, m.row.goal, met]


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def shown(value: float, unit: str) -> str:
    """A number as people read it, with as many decimals as it deserves."""
    number = f"{value:,.0f}" if abs(value) >= 100 else f"{value:.1f}"
    return f"{number}{unit}" if unit == "/s" else f"{number} {unit}"


def change(now: Measured, before: Mapping[str, Any] | None) -> str:
    """The figure against an earlier one in percent, and the ratio likewise, which is what machines share."""
    if before is None:
        return "new"
    parts = [_percent(now.figure, before.get("figure"), "")]
    if now.ratio is not None:
        parts.append(_percent(now.ratio, before.get("ratio"), "ratio "))
    return ", ".join(part for part in parts if part)


def _percent(now: float, before: Any, name: str) -> str:
    return f"{name}{100 * (now / before - 1):+.0f} %" if before else ""


def read_earlier(document: Any) -> Mapping[str, Mapping[str, Any]]:
    """What an earlier run wrote as JSON. Raises `Unreadable`."""
    if not isinstance(document, dict):
        raise Unreadable("The file to compare with is not what `lepta bench --json FILE` writes.")
    rows = {name: row for name, row in document.items() if name in ROWS}
    for name, row in rows.items():
        if not isinstance(row, dict) or not isinstance(row.get("figure"), int | float):
            raise Unreadable(
                f"The file to compare with has no figure for {name}. Write it anew with `lepta bench --json FILE`."
            )
    return rows
