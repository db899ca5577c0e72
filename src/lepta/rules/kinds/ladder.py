"""Steps by the matching amount: the step reached applies to all of it."""

from typing import Any

from pydantic import Field

from lepta.money import Rounding
from lepta.rules.fields import Strict
from lepta.rules.kind import Form, Kind, Measure, Value
from lepta.rules.kinds import points, points_per_amount, rate
from lepta.rules.programme import Programme

STEPS = (points.KIND, points_per_amount.KIND, rate.KIND)
"""The forms that a step may hold."""


class Params(Strict):
    """What a campaign manager fills in: each step `{from: <minor units>}` and a form of `STEPS`."""

    ladder: tuple[dict[str, Any], ...] = Field(
        min_length=1,
        max_length=50,
        description="Steps, each with `from` (minor units) and {points}, {points, per_amount} or {rate}.",
        examples=[[{"from": 0, "points": 1, "per_amount": 2000}]],
    )


class Steps:
    """The steps as compiled, from the highest down: (from, form)."""

    __slots__ = ("descending",)

    def __init__(self, ascending: list[tuple[int, Form]]) -> None:
        self.descending = tuple(reversed(ascending))


def gives(steps: Steps, programme: Programme, amount_minor: int, rounding: Rounding) -> Value:
    """What the highest step at or below the amount gives; nothing below the first."""
    for least_minor, form in steps.descending:
        if amount_minor >= least_minor:
            value: Value = form.kind.gives(form.params, programme, amount_minor, rounding)
            return value
    return 0, 0


KIND = Kind(
    "ladder", "earn", Params, Measure.AMOUNT, ("basket", "amount", "line", "unit", "visit"), gives
)
