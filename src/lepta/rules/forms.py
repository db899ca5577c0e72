"""Which effect form a document uses: told by the fields it fills in."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, Literal

from lepta.errors import InvalidRequest
from lepta.rules import kinds, refusals
from lepta.rules.fields import MAX_AMOUNT
from lepta.rules.kind import Form, Kind
from lepta.rules.kinds import ladder

_LATER = frozenset({"by_tier"})
"""Fields of the language that are not supported yet: null, they pass."""


def form_of(key: Literal["earn", "give"], said: Mapping[str, Any]) -> Form:
    """The form that `effect.earn` or `effect.give` holds; raises `InvalidRequest`."""
    path = f"effect.{key}"
    form = _form([kind for kind in kinds.ALL if kind.key == key], said, path)
    if form.kind is ladder.KIND:
        return Form(form.kind, _steps(form.params, f"{path}.ladder"))
    return form


def _form(candidates: Sequence[Kind], said: Mapping[str, Any], path: str) -> Form:
    known = sorted({name for kind in candidates for name in kind.fields})
    filled = {name: value for name, value in said.items() if value is not None}
    passing = {*known, *(_LATER - filled.keys())}
    unknown = [name for name in said if name not in passing]
    if unknown:
        raise InvalidRequest(
            [
                refusals.fault(
                    refusals.joined(path, name),
                    f"unknown field; {refusals.did_you_mean(name, known)}",
                )
                for name in unknown
            ]
        )
    for kind in candidates:
        if kind.fields == filled.keys():
            return Form(kind, refusals.read(kind.params, filled, path))
    shapes = " or ".join(f"{{{', '.join(kind.params.model_fields)}}}" for kind in candidates)
    raise InvalidRequest([refusals.fault(path, f"fill in exactly one of {shapes}")])


def _steps(params: ladder.Params, path: str) -> ladder.Steps:
    steps = [_step(step, f"{path}.{n}") for n, step in enumerate(params.ladder)]
    faults = [
        refusals.fault(f"{path}.{n}.from", "steps rise: let each begin above the one before")
        for n, ((lower, _), (upper, _)) in enumerate(pairwise(steps), start=1)
        if upper <= lower
    ]
    if faults:
        raise InvalidRequest(faults)
    return ladder.Steps(steps)


def _step(said: Mapping[str, Any], path: str) -> tuple[int, Form]:
    rest = dict(said)
    least = rest.pop("from", None)
    if not isinstance(least, int) or isinstance(least, bool) or not 0 <= least <= MAX_AMOUNT:
        reason = "write the amount from which the step holds, in minor units: 0 or more"
        raise InvalidRequest([refusals.fault(f"{path}.from", reason)])
    return least, _form(ladder.STEPS, rest, path)
