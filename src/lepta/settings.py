"""Settings: each field is `LEPTA_<NAME>` in the environment. The only module that reads it."""

from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """What an operator may set. Names end in their unit."""

    model_config = SettingsConfigDict(env_prefix="LEPTA_", frozen=True, extra="forbid")

    database_url: str | None = None
    """Any PostgreSQL 15 to 18, as postgresql://…; without it Lepta runs its own."""
    data_dir: Path | None = None
    """Where the embedded database and the signing key lie; by default the user's data directory."""
    postgres_bin: Path | None = None
    """The bin directory of an installed PostgreSQL to embed, instead of the pinned wheel's."""
    signing_key_file: Path | None = None
    """The log's Ed25519 key; by default `log.key` in the data directory, made on first start."""
    log_origin: str | None = None
    """The log's name in its checkpoints; by default one is made on first start."""

    database_pool_size: int = Field(default=8, ge=2, le=100)
    statement_timeout_ms: int = Field(default=10_000, ge=100)
    queue_size: int = Field(default=4_096, ge=1, le=1_000_000)
    """Events that may wait for the writer; one more is answered 503. Each 16 lines of a receipt count as one more."""
    queue_wait_s: float = Field(default=5.0, gt=0)
    """How long the first of a batchful of waiting events may have waited; longer, and one more is answered 503."""
    batch_size: int = Field(default=256, ge=1, le=10_000)
    """Most events in one transaction."""
    connections: int = Field(default=2_000, ge=1)
    """Clients that one process talks to at a time; each more is told to come again."""
    answer_timeout_s: float = Field(default=30.0, gt=0)
    """How long an event may wait for the database before its till is told to send again."""
    kiosk_rate_per_minute: int = Field(default=600, ge=0)
    """Requests a minute of one kiosk key; 0: no limit."""
    rate_per_minute: int = Field(default=0, ge=0)
    """Requests a minute of any other key; 0: no limit."""
    unknown_cards_per_minute: int = Field(default=30, ge=0)
    """Cards that nobody has which a till's or a kiosk's key may ask for in a minute; 0: no limit."""
    lot_days_every_s: float = Field(default=300.0, ge=0)
    """How often it is looked whose points become available or expire; 0: never, but by `lepta expire`."""
    lot_days_at_once: int = Field(default=8, ge=1, le=1_000)
    """How many members may be told at a time: so many places of each batch sales do without."""
    quote_ttl_s: int = Field(default=600, ge=1, le=86_400)
    """How long a quote is valid."""
    holds_every_s: float = Field(default=1.0, ge=0)
    """How often it is looked whose hold of points is over; 0: never, and they are kept until a till comes."""
    checkpoint_every_s: float = Field(default=5.0, gt=0)
    simulation_limit_s: float = Field(default=120.0, gt=0)
    """How long a back-test of the service may take."""
    docs: bool = True
