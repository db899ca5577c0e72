"""Making, listing, revoking and verifying keys.

A key is `lepta_<role>_<id>_<secret>`. Its secret is 160 random bits, so a plain SHA-256 of it is enough.
"""

import asyncio
import hmac
import secrets
from base64 import b32encode
from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from hashlib import sha256
from time import monotonic
from typing import Literal, NamedTuple, get_args

from lepta.db import Database
from lepta.errors import InvalidRequest
from lepta.keys import store as sql
from lepta.keys.store import Key
from lepta.revisions import NotFound

Role = Literal["till", "kiosk", "centre", "office", "auditor", "admin"]
ROLES: tuple[Role, ...] = get_args(Role)

BOUND_TO: dict[str, tuple[str, ...]] = {
    "till": ("store", "till"),
    "kiosk": ("store",),
    "centre": ("party",),
}
"""What a key of a role must name; it may name nothing else."""

FRESH_S = 1.0
"""After so long a key's validity is asked again, while requests still pass."""
TRUSTED_S = 2.0
"""After so long no request passes before the answer is there: revocation works everywhere by then."""
MAX_REMEMBERED = 10_000


class NewKey(NamedTuple):
    """A key just made; `token` is shown this once and never again."""

    key: Key
    token: str


async def create(
    db: Database,
    role: str,
    *,
    store: str | None = None,
    till: str | None = None,
    party: str | None = None,
) -> NewKey:
    """Make a key. `InvalidRequest` if it does not name exactly what its role is bound to."""
    if role not in ROLES:
        raise InvalidRequest([{"path": "role", "reason": f"must be one of {', '.join(ROLES)}"}])
    given = {"store": store, "till": till, "party": party}
    needed = BOUND_TO.get(role, ())
    faults = [
        {
            "path": name,
            "reason": f"is required for role {role}"
            if name in needed
            else f"is not used for role {role}",
        }
        for name, value in given.items()
        if (value is None) == (name in needed)
    ]
    if faults:
        raise InvalidRequest(faults)
    key_id, secret = _random(8), _random(20)
    async with db.begin() as tx:
        key = await sql.add(
            tx,
            key_id=key_id,
            role=role,
            store=store,
            till=till,
            party=party,
            secret_hash=_hash(secret),
        )
    return NewKey(key, f"lepta_{role}_{key_id}_{secret}")


async def listed(db: Database) -> list[Key]:
    """All keys, the oldest first, the revoked included."""
    async with db.read() as tx:
        return await sql.every(tx)


async def revoke(db: Database, key_id: str) -> None:
    """Make a key useless for ever, within `TRUSTED_S` in every process. Twice is once."""
    async with db.begin() as tx:
        if not await sql.revoke(tx, key_id):
            raise NotFound("key", key_id)


def _random(octets: int) -> str:
    """Letters and digits only: a double click selects the whole key."""
    return b32encode(secrets.token_bytes(octets)).decode().rstrip("=").lower()


def _hash(secret: str) -> bytes:
    return sha256(secret.encode()).digest()


class KeyRing:
    """The keys that this process has seen lately, so that verifying one is a look-up.

    One query asks for all remembered keys at once whether they still hold, whoever's request comes first.
    """

    def __init__(self, db: Database, now_s: Callable[[], float] = monotonic) -> None:
        self._db = db
        self._now_s = now_s
        self._known: OrderedDict[bytes, Key] = OrderedDict()
        self._checked_s = now_s()
        self._check: asyncio.Task[None] | None = None

    async def verify(self, token: str) -> Key | None:
        """The key that `token` is; None if it is malformed, unknown, wrong or revoked."""
        found = self.recall(token)
        if found is not None:
            return found
        digest = _hash(token)
        if digest in self._known:
            await asyncio.shield(self._start_check())
            return self._known.get(digest)
        return await self._look_up(token, digest)

    def recall(self, token: str) -> Key | None:
        """The key that `token` is, if that is known and may still be trusted; None: `verify` finds out."""
        found = self._known.get(_hash(token))
        if found is not None:
            age_s = self._now_s() - self._checked_s
            if age_s > FRESH_S:
                self._start_check()
                if age_s > TRUSTED_S:
                    return None
        return found

    async def _look_up(self, token: str, digest: bytes) -> Key | None:
        parts = token.split("_", 3)
        if len(parts) != 4 or parts[0] != "lepta" or not (token.isascii() and token.isprintable()):
            return None
        _, role, key_id, secret = parts
        async with self._db.read() as tx:
            found = await sql.find(tx, key_id)
        if found is None:
            return None
        key, secret_hash = found
        if (
            not hmac.compare_digest(secret_hash, _hash(secret))
            or key.role != role
            or key.revoked_at
        ):
            return None
        self._remember(digest, key)
        return key

    def _remember(self, digest: bytes, key: Key) -> None:
        if not self._known:
            self._checked_s = self._now_s()
        self._known[digest] = key
        if len(self._known) > MAX_REMEMBERED:
            self._known.popitem(last=False)

    def _start_check(self) -> "asyncio.Task[None]":
        if self._check is None or self._check.done():
            self._check = asyncio.create_task(self._forget_revoked())
            self._check.add_done_callback(_seen)
        return self._check

    async def _forget_revoked(self) -> None:
        asked_s, asked = self._now_s(), dict(self._known)
        async with self._db.vital() as tx:
            valid = await sql.valid_among(tx, {key.id for key in asked.values()})
        for digest, key in asked.items():
            if key.id not in valid:
                self._known.pop(digest, None)
        self._checked_s = asked_s

    async def close(self) -> None:
        """Wait for a question under way."""
        if self._check is not None:
            with suppress(Exception):
                await self._check


def _seen(check: "asyncio.Task[None]") -> None:
    """A check that fails while requests still pass is tried again by the next; nobody else looks at its error."""
    if not check.cancelled():
        check.exception()
