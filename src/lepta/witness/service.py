"""Signing the log's head and proving what it holds. Only committed heads are signed, and each is signed once."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

import structlog

from lepta.db import Database
from lepta.errors import DomainError, Kind
from lepta.log.checkpoint import sign_checkpoint
from lepta.log.notes import Signer, Verifier
from lepta.log.paths import inclusion_proof, nodes_for_inclusion
from lepta.log.proofs import format_proof
from lepta.log.tiles import Bundle, Tile, encode_bundle, encode_tile, reader, stretches
from lepta.logs import described
from lepta.witness import keyfile, store
from lepta.witness.keyfile import KeyUnusable
from lepta.witness.store import Head

SHARD = 0


class NotInLog(DomainError):
    """The log does not hold this.

    The log is not that long yet, or never held what was asked for. Take sizes from `/log/checkpoint`, and
    checkouts from the answers that tills were given.
    """

    code = "not-in-log"
    kind = Kind.NOT_FOUND

    def __init__(self, what: str) -> None:
        super().__init__(
            f"{what} is not in the log. Take sizes from /log/checkpoint and ids from answers."
        )


class Issued(NamedTuple):
    """A checkpoint: how many leaves it covers, and the signed note."""

    size: int
    note: bytes


class Witness:
    """The log's voice. Make it with `opened`."""

    def __init__(self, db: Database, signer: Signer) -> None:
        self._db = db
        self._signer = signer
        self._turn = asyncio.Lock()
        self._log: Any = structlog.get_logger("lepta.witness")

    @classmethod
    @asynccontextmanager
    async def opened(
        cls, db: Database, key_file: Path, origin: str | None, every_s: float
    ) -> AsyncIterator["Witness"]:
        """Sign the head every `every_s` seconds as long as the block lasts, and once at its end.

        `origin` is the log's name, made up on its first start where it is None. Raises `KeyUnusable` if the key in
        `key_file` is not the one that this log was begun with.
        """
        witness = cls(db, await _signer(db, key_file, origin))
        rounds = asyncio.create_task(witness._keep_signing(every_s), name="checkpoints")
        try:
            yield witness
        finally:
            rounds.cancel()
            with suppress(asyncio.CancelledError):
                await rounds
            await witness._sign_or_say_why()

    @property
    def vkey(self) -> str:
        """The note verifier key."""
        return self._signer.vkey

    async def checkpoint(self) -> Issued:
        """The newest committed head, signed; the note kept for its size if there is one."""
        async with self._turn:
            async with self._db.read() as tx:
                head = await store.head(tx, SHARD)
                kept = await store.note(tx, SHARD, head.size)
            if kept is not None:
                return Issued(head.size, kept)
            signed = sign_checkpoint(self._signer, self._signer.name, head.size, head.root)
            async with self._db.begin() as tx:
                await store.add_note(tx, SHARD, head, signed)
                kept = await store.note(tx, SHARD, head.size)
            assert kept is not None
            return Issued(head.size, kept)

    async def proof(self, log_index: int, is_meant: Callable[[bytes], bool]) -> bytes:
        """The text that proves the leaf at `log_index`; `NotInLog` unless there is one and `is_meant` takes it."""
        issued = await self.checkpoint()
        async with self._db.read() as tx:
            leaf = await store.leaf(tx, SHARD, log_index) if log_index < issued.size else None
            if leaf is None or not is_meant(leaf):
                raise NotInLog("This checkout")
            needed = stretches(nodes_for_inclusion(log_index, issued.size))
            read = reader(await store.cells(tx, SHARD, needed))
        path = inclusion_proof(log_index, issued.size, read)
        return format_proof(leaf, log_index, path, issued.note)

    async def tile(self, tile: Tile | Bundle) -> bytes:
        """A tile's or bundle's bytes; `NotInLog` where the log is not that long."""
        async with self._db.read() as tx:
            head = await store.head(tx, SHARD)
            if not tile.is_within(head.size):
                raise NotInLog("This tile")
            if isinstance(tile, Bundle):
                return encode_bundle(await store.leaves(tx, SHARD, tile.stretch))
            cells = await store.cells(tx, SHARD, [tile.stretch])
        level, first, stop = tile.stretch
        return encode_tile([cells[level, n] for n in range(first, stop)])

    async def _keep_signing(self, every_s: float) -> None:
        while True:
            await asyncio.sleep(every_s)
            await self._sign_or_say_why()

    async def _sign_or_say_why(self) -> None:
        """A head that cannot be signed now is signed the next time; tills notice a lost database by themselves."""
        try:
            await self.checkpoint()
        except Exception as error:  # noqa: BLE001
            self._log.warning("checkpoint-failed", **described(error))


async def _signer(db: Database, key_file: Path, origin: str | None) -> Signer:
    async with db.read() as tx:
        begun: Head = await store.head(tx, SHARD)
    if begun.vkey is None:
        await asyncio.to_thread(keyfile.create, key_file)
        name = origin or f"lepta.invalid/{secrets.token_hex(8)}"
        mine = keyfile.load(key_file, name).vkey
        async with db.begin() as tx:
            # Two services may start at once: the first one's name counts.
            await store.name_key(tx, SHARD, mine)
            begun = await store.head(tx, SHARD)
    assert begun.vkey is not None
    its = Verifier.from_vkey(begun.vkey)
    signer = keyfile.load(key_file, its.name)
    if signer.vkey != begun.vkey:
        raise KeyUnusable(
            f"{key_file} is another key than the one this log was begun with ({begun.vkey}). Put that one there, or "
            "name its file in LEPTA_SIGNING_KEY_FILE."
        )
    if origin is not None and origin != its.name:
        raise KeyUnusable(
            f"This log is named {its.name!r} for good. Set LEPTA_LOG_ORIGIN to that, or leave it out."
        )
    return signer
