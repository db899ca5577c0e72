"""Parts of the HTTP layer that need no service: depth, conditions, rate limits."""

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lepta.errors import InvalidRequest
from lepta.http.auth import Principal, RateLimit, RateLimited
from lepta.http.bodies import MAX_DEPTH, check_depth
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
