"""Connections to PostgreSQL. Besides the writer, the only module that begins and commits.

Two ways in: SQLAlchemy Core for everything that is not the hot path, a bare asyncpg connection for the
writer. Both act as a role that owns nothing: they should log in as it, so that there is no way back to another
one; where the address names somebody else, they take that role for the session.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit, urlunsplit

import asyncpg
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

SERVICE_ROLE = "lepta_service"
CLOSE_S = 3
CONNECT_S = 10
POOL_S = 5
"""Who reads waits so long for a connection."""
VITAL, VITAL_S = 2, 2.0
"""Connections for questions that must not wait, and how long they may take."""
SILENCE_S = 2.0
"""After `statement_timeout` the server says so. Who hears nothing so much later has lost it, and says so, too."""
IDLE_TIMES = 3
"""A writer that says nothing in its transaction for so many times `statement_timeout` is gone: others wait for the head."""

# A peer that went without a word (a host that lost power, a firewall that forgot the connection) is noticed within half
# a minute: what it holds locked is let go. Nothing of this concerns unix sockets.
KEEPALIVE = {
    "tcp_keepalives_idle": "10",
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "3",
    "tcp_user_timeout": "25000",
}

# Statements of the writer must keep their index plans whatever the statistics say: while a table grows
# from nothing to millions of rows within minutes, the planner would now and then choose to read it all.
INDEX_PLANS = {
    "enable_seqscan": "off",
    "enable_hashjoin": "off",
    "enable_hashagg": "off",
    "enable_mergejoin": "off",
    "enable_bitmapscan": "off",
    "enable_material": "off",
    "jit": "off",
    "plan_cache_mode": "force_generic_plan",
}

SSL_MODES = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")
"""What `sslmode` may be: PostgreSQL's own words."""

Tx = AsyncConnection
"""Somebody's open transaction: a function that takes it commits nothing."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where a PostgreSQL is and who to be there; `host` may be a socket directory."""

    host: str
    port: int
    user: str
    database: str
    password: str | None = None
    options: tuple[tuple[str, str], ...] = field(default=())

    @classmethod
    def parse(cls, url: str) -> "Address":
        """Read `postgresql://user:password@host:port/database?host=/socket/dir&sslmode=require`.

        Raises `ValueError` with what is wrong, in one line without the password.
        """
        parts = urlsplit(url)
        if parts.scheme.split("+")[0] not in {"postgresql", "postgres"}:
            raise ValueError("a database URL starts with postgresql://")
        query = dict(parse_qsl(parts.query, keep_blank_values=True))
        database = unquote(parts.path.removeprefix("/"))
        if not database:
            raise ValueError("a database URL names its database: postgresql://user@host/database")
        return cls(
            query.pop("host", "") or parts.hostname or "127.0.0.1",
            _port(query.pop("port", "")) or parts.port or 5432,
            unquote(parts.username or "postgres"),
            database,
            unquote(parts.password) if parts.password else None,
            _options(query),
        )

    def url(self) -> str:
        """As SQLAlchemy's asyncpg dialect wants it."""
        secret = f":{quote(self.password, safe='')}" if self.password else ""
        query = urlencode({"host": self.host, "port": self.port, **dict(self.options)})
        netloc = f"{quote(self.user, safe='')}{secret}@"
        return urlunsplit(
            ("postgresql+asyncpg", netloc, f"/{quote(self.database, safe='')}", query, "")
        )

    def arguments(self) -> dict[str, Any]:
        """As `asyncpg.connect` wants it."""
        named = {"host": self.host, "port": self.port, "user": self.user}
        secret = {"password": self.password} if self.password else {}
        return {**named, **secret, "database": self.database, **dict(self.options)}

    def shown(self) -> str:
        """For people and logs: no password."""
        return f"postgresql://{self.user}@{self.host}:{self.port}/{self.database}"

    @property
    def serves(self) -> bool:
        """Whether it logs in as the service's role, from which there is no way back to an owner."""
        return self.user == SERVICE_ROLE

    def to_serve(self) -> "Address":
        """The same place for the service's own role; somebody else's password is left out."""
        return self if self.serves else replace(self, user=SERVICE_ROLE, password=None)


def _port(text: str) -> int:
    """0 if none is given."""
    if text and not (text.isascii() and text.isdigit() and 0 < int(text) < 65_536):
        raise ValueError(f"port={text} is not a port: write a number from 1 to 65535")
    return int(text or 0)


def _options(query: dict[str, str]) -> tuple[tuple[str, str], ...]:
    """What else stands behind the question mark, in asyncpg's words."""
    if unknown := sorted(set(query) - {"sslmode", "ssl"}):
        raise ValueError(f"unknown parameter {unknown[0]}: use host, port, sslmode")
    mode = query.get("sslmode", query.get("ssl"))
    if mode is None:
        return ()
    if mode not in SSL_MODES:
        raise ValueError(f"sslmode={mode} is none of {', '.join(SSL_MODES)}")
    return (("ssl", mode),)


class Database:
    """The service's way to one PostgreSQL."""

    def __init__(
        self, address: Address, *, pool_size: int = 8, statement_timeout_ms: int = 10_000
    ) -> None:
        self.address = address
        self._statement_timeout_ms = statement_timeout_ms
        self._command_s = statement_timeout_ms / 1000 + SILENCE_S
        self._session = {
            "role": SERVICE_ROLE,
            "application_name": "lepta",
            "timezone": "UTC",
            "statement_timeout": str(statement_timeout_ms),
            **KEEPALIVE,
        }
        self._engine = self._pool(pool_size)
        self._vital = self._pool(VITAL)

    def _pool(self, size: int) -> AsyncEngine:
        return create_async_engine(
            self.address.url(),
            pool_size=size,
            max_overflow=0,
            pool_timeout=POOL_S,
            pool_pre_ping=True,
            connect_args={
                "server_settings": {**self._session, "jit": "off"},
                "timeout": CONNECT_S,
                "command_timeout": self._command_s,
            },
        )

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[Tx]:
        """A transaction of one's own: committed at the end, rolled back on an exception."""
        async with self._engine.connect() as tx, tx.begin(), _given_up(tx):
            yield tx

    @asynccontextmanager
    async def read(self) -> AsyncIterator[Tx]:
        """One unchanging view of the database, for reading."""
        async with _reading(self._engine) as tx:
            yield tx

    @asynccontextmanager
    async def vital(self) -> AsyncIterator[Tx]:
        """As `read`, for short questions that the service itself has, within `VITAL_S`: whoever reads waits for others,
        these do not. Raises `TimeoutError`.
        """
        async with asyncio.timeout(VITAL_S), _reading(self._vital) as tx:
            yield tx

    async def writer_connection(self) -> asyncpg.Connection:
        """A bare connection for the writer, which begins and commits on it by itself.

        A command that is not answered in time raises `TimeoutError`: nothing is known of it then.
        """
        idle_ms = {
            "idle_in_transaction_session_timeout": str(self._statement_timeout_ms * IDLE_TIMES)
        }
        connection: asyncpg.Connection = await asyncpg.connect(
            **self.address.arguments(), server_settings={**self._session, **INDEX_PLANS, **idle_ms},
            timeout=CONNECT_S, command_timeout=self._command_s,
        )  # fmt: skip
        return connection

    async def close(self) -> None:
        """Give all connections back; one whose server does not say goodbye is left after `CLOSE_S`."""
        with suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_S):
                await self._vital.dispose()
                await self._engine.dispose()


@asynccontextmanager
async def _reading(engine: AsyncEngine) -> AsyncIterator[Tx]:
    async with engine.connect() as tx, _given_up(tx):
        await tx.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        yield tx


@asynccontextmanager
async def _given_up(tx: Tx) -> AsyncIterator[None]:
    """Leave a connection whose command was given up: to roll back on it would wait for that command's answer."""
    try:
        yield
    except (TimeoutError, asyncio.CancelledError):
        await tx.invalidate()
        raise
