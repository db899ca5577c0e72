"""Who may do what: the table of roles and scopes, and the one way to find out who is asking."""

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum
from time import monotonic
from typing import Annotated, Any, NamedTuple

from fastapi import Depends, Security
from fastapi.security import HTTPBearer
from starlette.requests import Request

from lepta.errors import DomainError, Kind
from lepta.http.limits import Buckets, CardLookup, CardLookups, RateLimited
from lepta.keys.service import KeyRing
from lepta.keys.store import Key


class Scope(Enum):
    """A group of endpoints that the same roles may use."""

    TILL = "till"
    CARDS = "cards"
    KIOSK = "kiosk"
    LOG = "log"
    STATEMENTS = "statements"
    SETTLEMENT = "settlement"
    EXCEPTIONS = "exceptions"
    OFFICE = "office"
    SIMULATION = "simulation"
    KEYS = "keys"


ROLES: dict[str, frozenset[Scope]] = {
    "till": frozenset({Scope.TILL, Scope.CARDS}),
    "kiosk": frozenset({Scope.KIOSK, Scope.CARDS}),
    "centre": frozenset({Scope.LOG, Scope.STATEMENTS, Scope.SETTLEMENT}),
    "office": frozenset(
        {
            Scope.OFFICE,
            Scope.TILL,
            Scope.KIOSK,
            Scope.CARDS,
            Scope.SIMULATION,
            Scope.EXCEPTIONS,
        }
    ),
    "auditor": frozenset({Scope.LOG, Scope.STATEMENTS, Scope.EXCEPTIONS}),
    "admin": frozenset(Scope),
}


__all__ = ["RateLimited"]


class Unauthenticated(DomainError):
    """A valid key is required.

    Send `Authorization: Bearer lepta_…` with a key that is not revoked. An operator makes one with
    `lepta keys create`; a lost one cannot be read back, only replaced.
    """

    code = "unauthenticated"
    kind = Kind.UNAUTHENTICATED

    def __init__(self) -> None:
        super().__init__(
            "Send a valid key as `Authorization: Bearer lepta_…`. It may be missing, wrong or revoked."
        )


class Forbidden(DomainError):
    """The key does not cover this.

    The key is valid, but its role, store, till or party does not include what was asked. Use another key, or
    ask an administrator for one with that scope.
    """

    code = "forbidden"
    kind = Kind.FORBIDDEN


class Principal(NamedTuple):
    """Who is asking. `store`, `till`, `party` are what the key is bound to; None: bound to none."""

    role: str
    key_id: str
    store: str | None
    till: str | None
    party: str | None

    def require_till(self, store: str, till: str) -> None:
        """Refuse unless this key may act for that till."""
        bound_elsewhere = self.store not in {None, store} or self.till not in {None, till}
        if bound_elsewhere:
            raise Forbidden(
                f"This key is for store {self.store!r}, till {self.till!r}. Use the till's own key."
            )

    def require_party(self, party: str) -> None:
        """Refuse unless this key may see that party's figures."""
        if self.party not in {None, party}:
            raise Forbidden(f"This key is for party {self.party!r}. Ask for that party's figures.")


class RateLimit:
    """So many requests a minute of each key."""

    def __init__(
        self,
        *,
        kiosk_per_minute: int,
        others_per_minute: int,
        now_s: Callable[[], float] = monotonic,
    ) -> None:
        self._per_minute = {"kiosk": kiosk_per_minute}
        self._others = others_per_minute
        self._buckets = Buckets(now_s)

    def take(self, principal: Principal) -> None:
        """Count one request; refuse it when the key's bucket is empty."""
        per_minute = self._per_minute.get(principal.role, self._others)
        if not per_minute:
            return
        wait_s = self._buckets.take(principal.key_id, per_minute)
        if wait_s:
            raise RateLimited(wait_s)


@dataclass(frozen=True, slots=True)
class Gate:
    """What authorising takes; stands in `app.state.gate`."""

    keys: KeyRing
    limit: RateLimit
    cards: CardLookups

    def recall(self, authorization: str) -> Key | None:
        """The key that a header's value names, if it is known and trusted; None: `authorize` finds out."""
        token = _bearer_token(authorization)
        return None if token is None else self.keys.recall(token)

    def admit(self, key: Key, scope: Scope) -> Principal:
        """Who has this key; refuses who asks too often, or for what the key does not cover."""
        principal = Principal(key.role, key.id, key.store, key.till, key.party)
        self.limit.take(principal)
        if scope not in ROLES[key.role]:
            raise Forbidden(
                f"A key of role {key.role} does not cover {scope.value}. Use a key that does."
            )
        return principal


def _bearer_token(authorization: str) -> str | None:
    scheme, _, token = authorization.partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None


async def authorize(request: Request, scope: Scope) -> Principal:
    """Who is asking, if their key covers `scope`; refuses otherwise."""
    gate: Gate = request.app.state.gate
    token = _bearer_token(request.headers.get("authorization", ""))
    key = None if token is None else await gate.keys.verify(token)
    if key is None:
        raise Unauthenticated
    return gate.admit(key, scope)


@contextmanager
def looking_up(request: Request, key: Principal) -> Iterator[CardLookup]:
    """Around every answer that tells a till or a kiosk whether somebody has a card: see `CardLookups`."""
    gate: Gate = request.app.state.gate
    with gate.cards.one(key) as lookup:
        yield lookup


_bearer = HTTPBearer(
    auto_error=False, scheme_name="key", description="`lepta_<role>_<id>_<secret>`"
)
SECURED: dict[str, Any] = {"security": [{"key": []}]}
"""`openapi_extra=` of an endpoint that calls `authorize` itself."""


def allow(scope: Scope) -> Callable[..., Awaitable[Principal]]:
    """A dependency that authorises before anything else of the endpoint runs."""

    async def authorized(
        request: Request, _documented: Annotated[object, Security(_bearer)]
    ) -> Principal:
        return await authorize(request, scope)

    return authorized


TillKey = Annotated[Principal, Depends(allow(Scope.TILL))]
CardsKey = Annotated[Principal, Depends(allow(Scope.CARDS))]
KioskKey = Annotated[Principal, Depends(allow(Scope.KIOSK))]
LogKey = Annotated[Principal, Depends(allow(Scope.LOG))]
StatementsKey = Annotated[Principal, Depends(allow(Scope.STATEMENTS))]
SettlementKey = Annotated[Principal, Depends(allow(Scope.SETTLEMENT))]
ExceptionsKey = Annotated[Principal, Depends(allow(Scope.EXCEPTIONS))]
OfficeKey = Annotated[Principal, Depends(allow(Scope.OFFICE))]
SimulationKey = Annotated[Principal, Depends(allow(Scope.SIMULATION))]
AdminKey = Annotated[Principal, Depends(allow(Scope.KEYS))]
