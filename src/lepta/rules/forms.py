"""Which effect form a document uses, each tier for itself where it says so: told by the fields it fills in."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, Literal

from lepta.errors import InvalidRequest
from lepta.rules import kinds, refusals
from lepta.rules.fields import MAX_AMOUNT
from lepta.rules.kind import Form, Kind
from lepta.rules.kinds import ladder

_MOST_TIERS = 50
_MOST_NAME = 64


def form_of(key: Literal["earn", "give"], said: Mapping[str, Any]) -> Form:
    """The form that `effect.earn` or `effect.give` holds; raises `InvalidRequest`."""
    others = ("by_tier",) if key == "earn" else ()
    return _whole([kind for kind in kinds.ALL if kind.key == key], said, f"effect.{key}", others)


def forms_by_tier(said: Mapping[str, Any]) -> dict[str, Form]:
    """What each tier earns, by its name: empty where `effect.earn` does not go by tier; raises `InvalidRequest`."""
    path, tiers = "effect.earn.by_tier", said.get("by_tier")
    if tiers is None:
        return {}
    beside = [name for name in said if name != "by_tier"]
    if beside:
        reason = f"each tier says by itself what it earns: move {', '.join(beside)} into the tiers"
        raise InvalidRequest([refusals.fault("effect.earn", reason)])
    if not isinstance(tiers, Mapping) or not 0 < len(tiers) <= _MOST_TIERS:
        reason = f"name the tiers, up to {_MOST_TIERS}, each with what it earns: {{gold: {{…}}}}"
        raise InvalidRequest([refusals.fault(path, reason)])
    forms: dict[str, Form] = {}
    faults: list[refusals.Fault] = []
    for tier in sorted(tiers):
        try:
            forms[tier] = _of_tier(tier, tiers[tier], refusals.joined(path, tier))
        except InvalidRequest as error:
            faults += error.members["errors"]
    if faults:
        raise InvalidRequest(faults)
    return forms


def _of_tier(tier: str, said: Any, path: str) -> Form:
    if not 0 < len(tier) <= _MOST_NAME:
        raise InvalidRequest([refusals.fault(path, f"a tier's name has 1 to {_MOST_NAME} characters: name it")])  # fmt: skip
    if not isinstance(said, Mapping):
        reason = "say what the tier earns, such as {points: 5}"
        raise InvalidRequest([refusals.fault(path, reason)])
    return _whole([kind for kind in kinds.ALL if kind.key == "earn"], said, path)


def _whole(
    candidates: Sequence[Kind], said: Mapping[str, Any], path: str, others: Sequence[str] = ()
) -> Form:
    form = _form(candidates, said, path, others)
    if form.kind is ladder.KIND:
        return Form(form.kind, _steps(form.params, f"{path}.ladder"))
    return form


def _form(
    candidates: Sequence[Kind], said: Mapping[str, Any], path: str, others: Sequence[str] = ()
) -> Form:
    """`others` are read elsewhere: null, they pass."""
    known = sorted({*others, *(name for kind in candidates for name in kind.fields)})
    filled = {name: value for name, value in said.items() if value is not None}
    unknown = [name for name in said if name not in known]
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
    shapes = [f"{{{', '.join(kind.params.model_fields)}}}" for kind in candidates]
    shapes += [f"{{{name}}}" for name in others]
    raise InvalidRequest([refusals.fault(path, f"fill in exactly one of {' or '.join(shapes)}")])


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
