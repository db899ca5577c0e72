"""The newest rulebook, kept in step with the log: loaded from its chain of changes, never edited."""

from dataclasses import dataclass

import asyncpg

from lepta.processing import sql
from lepta.rules.rulebook import EMPTY, Rulebook


@dataclass(slots=True)
class Rulebooks:
    """Several processes publish; each follows by reading the changes it has not seen."""

    newest: Rulebook = EMPTY

    async def refresh(self, connection: asyncpg.Connection, digest: bytes) -> None:
        """Follow the chain to the rulebook that the log's head names."""
        if digest == self.newest.digest:
            return
        rulebook = self.newest
        for _, change in await connection.fetch(sql.READ_CHANGES, rulebook.number):
            rulebook = rulebook.extended(change)
        assert rulebook.digest == digest, (rulebook.number, digest.hex())
        self.newest = rulebook
