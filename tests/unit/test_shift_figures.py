"""A shift's figures against what is recorded: which differences there are, and of what kind."""

from datetime import date
from typing import Any

from lepta.shifts.compare import Closing, Counted, compared

DAY = date(2026, 11, 22)


def closing(**more: Any) -> Closing:
    told = {"count": 3, "total": 600, "returns_total": 50, "first_sequence": 1, "last_sequence": 4}
    return Closing("s", "t", DAY, 1, **{**told, **more})


def counted(*more: int) -> Counted:
    """Sales 1 to 3, and a return."""
    return Counted({1: 100, 2: 200, 3: 300}, {4: 50}, frozenset({1, 2, 3, 4, *more}))


def kinds(found: dict[str, Any]) -> dict[str, tuple[int, int]]:
    return {d["kind"]: (d["ours"], d["theirs"]) for d in found["differences"]}


def test_a_shift_that_adds_up_has_no_differences() -> None:
    assert compared(closing(), counted(), []) == {
        "differences": [], "missing_sequences": [], "unexpected_sequences": [],
    }  # fmt: skip


def test_each_figure_that_differs_is_named_with_both_values() -> None:
    found = compared(closing(count=4, total=601, returns_total=0), counted(), [])
    assert kinds(found) == {"count": (3, 4), "total": (600, 601), "returns_total": (50, 0)}


def test_sequences_without_an_event_are_missing() -> None:
    found = compared(closing(last_sequence=6), counted(), [])
    assert kinds(found) == {"missing": (4, 6)}
    assert found["missing_sequences"] == [5, 6]


def test_sequences_beyond_the_shift_are_unexpected_unless_another_shift_has_them() -> None:
    found = compared(closing(), counted(7, 9, 30), [range(8, 20)])
    assert kinds(found) == {"unexpected": (2, 0)}
    assert found["unexpected_sequences"] == [7, 30]


def test_a_shift_of_nothing_has_no_differences() -> None:
    empty = closing(count=0, total=0, returns_total=0, first_sequence=0, last_sequence=-1)
    assert compared(empty, Counted({}, {}, frozenset()), [])["differences"] == []


def test_a_voided_sale_is_neither_counted_nor_missing() -> None:
    without = Counted({1: 100, 3: 300}, {4: 50}, frozenset({1, 2, 3, 4}))
    assert compared(closing(count=2, total=400), without, [])["differences"] == []
