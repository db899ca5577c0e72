"""Names in the simple model: by what an event is known again, and what it is answered with then."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from simple_said import Event, Return, Sale
from simple_sale import Refusal, Sold

Answer = dict[str, Any]
Key = tuple[Any, ...]
"""A name of an event: of what kind, and then as tills say it."""
STORED = {
    "insufficient-points", "quote-stale", "over-return", "unknown-original", "hold-mismatch"
}  # fmt: skip
"""What a request's key is used up by, though nothing is recorded."""


@dataclass
class Kept:
    """An event that was decided: what it said, what it was answered, and under which place in the log."""

    said: Event
    answer: Answer
    sold: Sold | None = None
    recorded: bool = True


@dataclass
class Names:
    """Events by their names, and the length of the log."""

    size: int = 0
    """Events in the log."""
    names: dict[Key, Kept] = field(default_factory=dict)

    def recalled(self, event: Event, names: list[Key]) -> Kept | None:
        """What was decided before under one of the names; raises `Refusal` where that was another event."""
        said = same(event)
        found = [self.names[name] for name in names if name in self.names]
        for kept in found:
            if same(kept.said) != said:
                raise Refusal("idempotency-key-reused")
            if not kept.recorded:
                return kept
        return found[0] if found else None

    def again(self, kept: Kept, names: list[Key]) -> Answer:
        """The stored answer; a request's key that was not known names it from now on."""
        if kept.recorded:
            for name in names:
                self.names.setdefault(name, kept)
            return {**kept.answer, "again": True}
        return kept.answer

    def decided(self, event: Event, names: list[Key], decide: Callable[[], Answer]) -> Answer:
        """Decide an event that is not known; a refusal may use up the key of its request."""
        kept = self.recalled(event, names)
        if kept is not None:
            return self.again(kept, names)
        try:
            answer = decide()
        except Refusal as refusal:
            if refusal.said["refused"] in STORED and names and _is_key(names[0]):
                self.names[names[0]] = Kept(event, refusal.said, recorded=False)
            raise
        kept = Kept(event, self.recorded(answer))
        for name in names:
            self.names[name] = kept
        return answer

    def recorded(self, answer: Answer) -> Answer:
        answer |= {"at": self.size, "again": False}
        self.size += 1
        return answer


def key_of(till: tuple[str, ...], key: str | None) -> list[Key]:
    """The name that a request's header gives an event."""
    return [] if key is None else [("key", till, key)]


def _is_key(name: Key) -> bool:
    return bool(name[0] == "key")


def same(event: Event) -> Event:
    """What makes two events equal: all but `offline`."""
    return replace(event, offline=False) if isinstance(event, (Sale, Return)) else event
