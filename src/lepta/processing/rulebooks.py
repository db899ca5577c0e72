"""The newest rulebook, kept in step with the log: loaded from its chain of changes, never edited."""

import gc
from dataclasses import dataclass, field

import asyncpg

from lepta.processing import sql
from lepta.rules.rulebook import EMPTY, Rulebook


@dataclass(slots=True)
class Rulebooks:
    """Several processes publish; each follows by reading the changes it has not seen."""

    newest: Rulebook = EMPTY
    digests: dict[int, bytes] = field(default_factory=dict)
    """Of every rulebook so far, by number."""

    async def refresh(self, connection: asyncpg.Connection, digest: bytes) -> None:
        """Follow the chain to the rulebook that the log's head names, or beyond if others were faster."""
        if digest == self.newest.digest:
            return
        rulebook = self.newest
        for _, change in await connection.fetch(sql.READ_CHANGES, rulebook.number):
            rulebook = rulebook.extended(change)
            self.digests[rulebook.number] = rulebook.digest
        self.follow(rulebook)

    def follow(self, rulebook: Rulebook) -> None:
        """Take a later rulebook as the newest; an earlier one, from who read an older state, changes nothing.

        Its thousands of values live as long as the service. The collector would look at all of them again and
        again, at a third of the processor's time: it is told to leave alone what is here now.
        """
        if rulebook.number > self.newest.number:
            self.newest = rulebook
            self.digests[rulebook.number] = rulebook.digest
            gc.collect()
            gc.freeze()
