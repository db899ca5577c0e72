"""How far a till's clock, or its queue, is behind or ahead: accepted, and flagged."""

from datetime import datetime, timedelta

CLOCK_TOLERANCE = timedelta(minutes=5)


def clock_flags(occurred_at: datetime, received_at: datetime, *, offline: bool) -> tuple[str, ...]:
    """`late`: it waited in a till that was offline; `clock`: the till's clock is not ours."""
    behind = received_at - occurred_at
    if behind > CLOCK_TOLERANCE:
        return ("late" if offline else "clock",)
    return ("clock",) if behind < -CLOCK_TOLERANCE else ()
