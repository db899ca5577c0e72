"""Parts of the HTTP layer that need no service: depth, conditions, rate limits."""

from typing import Annotated, Self

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, Field, ValidationError, model_validator

from lepta.errors import InvalidRequest
from lepta.http.auth import Principal, RateLimit, RateLimited
from lepta.http.bodies import MAX_DEPTH, ORDINARY, Shape, check_depth, check_shape
from lepta.http.problems import TooLarge, invalid_request
from lepta.names import NameDocument
from lepta.revisions import Condition, Stale, Unconditional

TEXTS = st.text(alphabet='[]{}"\\ab', max_size=8)


def nested(depth: int, text: str, wide: int) -> bytes:
    value: object = [text] * wide
    for level in range(depth - 1):
        value = {text: value, "s": text} if level % 2 else [text, value]
    return orjson.dumps(value)


@given(TEXTS, st.integers(0, 60))
def test_depth_is_counted_exactly_whatever_texts_hold(text: str, wide: int) -> None:
    check_depth(nested(MAX_DEPTH, text, wide))
    with pytest.raises(InvalidRequest):
        check_depth(nested(MAX_DEPTH + 1, text, wide))


@given(st.binary())
def test_no_bytes_break_the_depth_check(raw: bytes) -> None:
    check_depth(raw[:30])


@given(st.text(alphabet=',:[]{}"\\\\ab', max_size=8), st.integers(1, 30))
def test_parts_are_counted_exactly_whatever_texts_hold(text: str, n: int) -> None:
    raw = orjson.dumps([{"a": text, "b": [text]}] * n)
    exact = Shape(containers=2 * n + 1, fields=2 * n, commas=2 * n - 1)
    check_shape(raw, exact)
    for name in Shape._fields:
        with pytest.raises(TooLarge) as refused:
            check_shape(raw, exact._replace(**{name: getattr(exact, name) - 1}))
        assert refused.value.members["of"] == name


@given(st.binary())
def test_no_bytes_break_the_count(raw: bytes) -> None:
    check_shape(raw[:30], ORDINARY)


class Inner(BaseModel):
    amount: int


class Outer(BaseModel):
    lines: Annotated[tuple[Inner, ...], Field(min_length=1)]
    name: NameDocument = "x"
    total: int = 0

    @model_validator(mode="after")
    def _adds_up(self) -> Self:
        if self.total:
            raise ValueError("total: is above the sum")
        return self


@pytest.mark.parametrize(
    "document, places",
    [
        ({"lines": []}, ["lines"]),
        ({"lines": [{}]}, ["lines.0.amount"]),
        ({"lines": [{"amount": 1}, 0]}, ["lines.1"]),
        ({"lines": [{"amount": 1}], "total": 1}, ["total"]),
        ({"lines": [{"amount": 1}], "name": {"ru": {"genitive": "x"}}}, ["name.ru"]),
    ],
)
def test_a_fault_is_told_once_and_by_its_place(document: object, places: list[str]) -> None:
    with pytest.raises(ValidationError) as refused:
        Outer.model_validate_json(orjson.dumps(document))
    faults = invalid_request(refused.value.errors()).members["errors"]
    assert [fault["path"] for fault in faults] == places
    assert not any(fault["reason"].startswith(fault["path"]) for fault in faults)


@pytest.mark.parametrize(
    "if_match, if_none_match, revision, refusal",
    [
        (None, None, None, None),
        (None, None, 3, Unconditional),
        ('"3"', None, 3, None),
        ("*", None, 3, None),
        ('"1", "3"', None, 3, None),
        ('W/"3"', None, 3, Stale),
        ('"2"', None, 3, Stale),
        ("3", None, 3, Stale),
        ('"3"', None, None, Stale),
        (None, "*", None, None),
        (None, "*", 3, Stale),
        ('"3"', 'W/"3"', 3, Stale),
        ('"3"', '"2"', 3, None),
    ],
)
def test_conditions_are_those_of_rfc_9110(
    if_match: str | None,
    if_none_match: str | None,
    revision: int | None,
    refusal: type[Exception] | None,
) -> None:
    condition = Condition(if_match, if_none_match)
    if refusal is None:
        condition.check(revision)
        return
    with pytest.raises(refusal):
        condition.check(revision)


def test_a_bucket_gives_a_minute_at_once_and_then_as_it_fills() -> None:
    now_s = 1_000.0
    limit = RateLimit(kiosk_per_minute=60, others_per_minute=0, now_s=lambda: now_s)
    kiosk, till = (Principal(role, role, "s", None, None) for role in ("kiosk", "till"))
    for _ in range(60):
        limit.take(kiosk)
    for _ in range(1_000):
        limit.take(till)
    with pytest.raises(RateLimited) as refused:
        limit.take(kiosk)
    assert refused.value.members["retry_after_s"] == 1
    now_s += 1
    limit.take(kiosk)
    with pytest.raises(RateLimited):
        limit.take(kiosk)
    now_s += 3_600
    for _ in range(60):
        limit.take(kiosk)
    with pytest.raises(RateLimited):
        limit.take(kiosk)
