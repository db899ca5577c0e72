"""How often a key may ask. One process counts for itself: with several, each lets through as much."""

from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from math import ceil
from time import monotonic
from typing import Any

import structlog
from prometheus_client import Counter

from lepta.errors import DomainError, Kind

UNKNOWN_CARDS = Counter(
    "lepta_unknown_cards", "Cards asked for that nobody has, by the key's role.", ["role"]
)
_SPARE = 1e-6
log = structlog.get_logger("lepta.http")


class RateLimited(DomainError):
    """Too many requests of one key.

    The key has used up its requests for now, or has asked for too many cards that nobody has. Wait the seconds that
    `Retry-After` says, then go on.
    """

    code = "rate-limited"
    kind = Kind.TOO_MANY

    def __init__(self, retry_after_s: int, what: str = "sends too often") -> None:
        super().__init__(f"This key {what}. Wait {retry_after_s} s.", retry_after_s=retry_after_s)


class Buckets:
    """A bucket of tokens for each key: a minute's worth at once, then as it fills."""

    def __init__(self, now_s: Callable[[], float] = monotonic) -> None:
        self._now_s = now_s
        # All that is kept is when the bucket will be full again: 60 s from now, and it is empty.
        self._full_s: OrderedDict[str, float] = OrderedDict()

    def take(self, key_id: str, per_minute: int) -> int:
        """Take a token. 0: it was there; else the seconds until one will be."""
        now_s = self._now_s()
        full_s = max(self._full_s.get(key_id, now_s), now_s) + 60 / per_minute
        if full_s - now_s > 60 + _SPARE:
            return max(1, ceil(full_s - now_s - 60 - _SPARE))
        self._full_s[key_id] = full_s
        self._full_s.move_to_end(key_id)
        while next(iter(self._full_s.values())) < now_s:
            self._full_s.popitem(last=False)
        return 0

    def give_back(self, key_id: str, per_minute: int) -> None:
        """Put a token back that was taken for nothing."""
        if key_id in self._full_s:
            self._full_s[key_id] -= 60 / per_minute


class CardLookup:
    """A card that is asked for."""

    is_unknown = False
    """Whether the answer says that nobody has it."""


class CardLookups:
    """Slows down who tries card numbers: a key may ask for so many a minute that nobody has. Cards that are known cost
    nothing. Till and kiosk keys only: an office may read all members anyway.
    """

    _ROLES = frozenset({"till", "kiosk"})

    def __init__(self, unknown_per_minute: int, now_s: Callable[[], float] = monotonic) -> None:
        self._per_minute = unknown_per_minute
        self._buckets = Buckets(now_s)

    @contextmanager
    def one(self, key: Any) -> Iterator[CardLookup]:
        """Around the look-up of a card and its answer, for a `Principal`.

        Raises `RateLimited` before it, whether the card exists or not. A token is taken first: who asks for many at
        once gets no more of them.
        """
        is_limited = bool(self._per_minute) and key.role in self._ROLES
        wait_s = self._buckets.take(key.key_id, self._per_minute) if is_limited else 0
        if wait_s:
            log.warning("card-numbers-tried", key=key.key_id, role=key.role)
            raise RateLimited(wait_s, "has asked for too many cards that nobody has")
        lookup = CardLookup()
        try:
            yield lookup
        except DomainError as error:
            lookup.is_unknown |= error.code == "unknown-card"
            raise
        finally:
            if lookup.is_unknown:
                UNKNOWN_CARDS.labels(key.role).inc()
            elif is_limited:
                self._buckets.give_back(key.key_id, self._per_minute)
