"""How a request comes in: bounds on what a client may make this process wait for, or keep in memory.

Nothing here is on the way of a request that comes in one piece.
"""

from dataclasses import dataclass

from lepta.http.problems import ProtocolError

GRACE_S = 20.0
"""So long a client may send nothing of a request that it has begun, or of its connection's first."""
BYTES_PER_S = 1_000
"""And after so long a request must have come as fast as this, all in all."""
LONGEST_HEAD = 64 << 10
"""Bytes of a request's first line and headers."""


class TooSlow(ProtocolError):
    """The request did not arrive in time.

    Only a part of it came, then nothing, or hardly anything. Nothing was recorded, and the connection is closed. Send
    it again, whole.
    """

    code = "too-slow"
    status = 408


class HeadTooLong(ProtocolError):
    """The request's head is too long.

    Its first line and its headers have more than 64 KiB. Nothing was recorded, and the connection is closed.
    """

    code = "head-too-long"
    status = 431


@dataclass(slots=True)
class Arrival:
    """A request that is coming in, or that a new connection is for."""

    since_s: float
    last_s: float
    """When something of it came last."""
    size: int = 0
    """Bytes so far, as far as they are counted."""

    def is_late(self, now_s: float) -> bool:
        """Whether nothing has come for long, or all of it so slowly that nobody honest can mean it."""
        due = (now_s - self.since_s - GRACE_S) * BYTES_PER_S
        return now_s - self.last_s >= GRACE_S or self.size < due
