"""SQL of the log: its head, its checkpoints, its leaves and hashes. The writer appends to it; here it is read."""

from collections.abc import Iterable
from typing import NamedTuple

from sqlalchemy import text

from lepta.db import Tx
from lepta.log.tiles import Stretch

_HEAD = text("SELECT size, root, vkey FROM log_head WHERE shard = :shard")
_NAME_KEY = text("UPDATE log_head SET vkey = :vkey WHERE shard = :shard AND vkey IS NULL")
_NOTE = text("SELECT note FROM checkpoint WHERE shard = :shard AND size = :size")
_ADD_NOTE = text("""
    INSERT INTO checkpoint (shard, size, root, note) VALUES (:shard, :size, :root, :note)
    ON CONFLICT DO NOTHING
""")
_LEAF = text("SELECT leaf FROM event WHERE shard = :shard AND log_index = :log_index")
_LEAVES = text("""
    SELECT leaf FROM event
    WHERE shard = :shard AND log_index >= :first AND log_index < :stop ORDER BY log_index
""")
_LEAF_HASHES = text("""
    SELECT log_index, leaf_hash FROM event
    WHERE shard = :shard AND log_index >= :first AND log_index < :stop ORDER BY log_index
""")
_TILE_HASHES = text("""
    SELECT n, hash FROM tile
    WHERE shard = :shard AND level = :level AND n >= :first AND n < :stop ORDER BY n
""")


class Head(NamedTuple):
    """The committed log; `vkey` is the text of the key it was begun with, None before the first start."""

    size: int
    root: bytes
    vkey: str | None


async def head(tx: Tx, shard: int) -> Head:
    """The newest committed head."""
    size, root, vkey = (await tx.execute(_HEAD, {"shard": shard})).one()
    return Head(size, bytes(root), vkey)


async def name_key(tx: Tx, shard: int, vkey: str) -> None:
    """Begin the log with this key, unless it has one."""
    await tx.execute(_NAME_KEY, {"shard": shard, "vkey": vkey})


async def note(tx: Tx, shard: int, size: int) -> bytes | None:
    """The checkpoint issued at a size."""
    found = await tx.scalar(_NOTE, {"shard": shard, "size": size})
    return None if found is None else bytes(found)


async def add_note(tx: Tx, shard: int, at: Head, signed: bytes) -> None:
    """Keep an issued checkpoint; one that another process was faster with stays."""
    await tx.execute(_ADD_NOTE, {"shard": shard, "size": at.size, "root": at.root, "note": signed})


async def leaf(tx: Tx, shard: int, log_index: int) -> bytes | None:
    """The leaf at a place of the log."""
    found = await tx.scalar(_LEAF, {"shard": shard, "log_index": log_index})
    return None if found is None else bytes(found)


async def leaves(tx: Tx, shard: int, stretch: Stretch) -> list[bytes]:
    """Neighbouring leaves."""
    where = {"shard": shard, "first": stretch.first, "stop": stretch.stop}
    return [bytes(data) for data in (await tx.execute(_LEAVES, where)).scalars()]


async def cells(tx: Tx, shard: int, stretches: Iterable[Stretch]) -> dict[tuple[int, int], bytes]:
    """The stored hashes of these stretches, by (level, n)."""
    found: dict[tuple[int, int], bytes] = {}
    for level, first, stop in stretches:
        where = {"shard": shard, "level": level, "first": first, "stop": stop}
        if level == 0:
            del where["level"]
        query = _TILE_HASHES if level else _LEAF_HASHES
        found |= {(level, n): bytes(value) for n, value in await tx.execute(query, where)}
    return found
