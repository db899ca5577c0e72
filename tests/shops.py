"""A small shop in a fresh database: the founding example's parties, store, shopper and campaigns."""

import asyncpg
import orjson

import make
from lepta.db import Address, Database
from lepta.processing.directory import Directory
from lepta.processing.events import Publish
from lepta.processing.rulebooks import Rulebooks
from lepta.processing.state import Submission
from lepta.processing.writer import Writer

PARTIES = (
    ("retail-nsk", "retailer", "Ритейл"),
    ("hunter-foods", "supplier", "Охотник"),
    ("forest-animals", "charity", "Фонд защиты лесных животных"),
)


async def open_shop(owner: Address) -> None:
    """Write the office's records as an import would, and publish the founding campaigns."""
    connection = await asyncpg.connect(**owner.arguments())
    try:
        await connection.executemany(
            "INSERT INTO party (id, kind, name) VALUES ($1, $2, $3)",
            [(party, kind, orjson.dumps(name).decode()) for party, kind, name in PARTIES],
        )
        programme = orjson.dumps(make.PROGRAMME).decode()
        await connection.execute(
            "INSERT INTO programme (id, document) VALUES ('club', $1)", programme
        )
        await connection.execute(
            "INSERT INTO store (id, retailer, region, time_zone, currency, language, programme)"
            " VALUES ('nsk-07', 'retail-nsk', 'siberia', 'Asia/Novosibirsk', 'RUB', 'ru', 'club')"
        )
        await connection.execute(
            "INSERT INTO member (id, ref, first_name, gender, language)"
            " VALUES ('pyotr', 'm-pyotr', 'Пётр', 'male', 'ru')"
        )
        await connection.execute(
            "INSERT INTO card (card, member, position, status) VALUES ($1, 'pyotr', 0, 'active')",
            make.CARD,
        )
        await connection.execute("UPDATE office_version SET version = version + 1")
    finally:
        await connection.close()
    await publish(owner, make.change(make.BASE, make.HUNTER))


async def publish(owner: Address, change: bytes) -> None:
    """Record a change of the rulebook."""
    database = Database(owner)
    writer = Writer(database, Directory(), Rulebooks())
    await writer.start()
    await writer.submit(Submission.of(Publish(change)))
    await writer.stop()
    await database.close()
