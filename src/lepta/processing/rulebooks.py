"""The newest rulebook, kept in step with the log: loaded from its chain of changes, never edited."""

import gc
from collections import OrderedDict
from dataclasses import dataclass, field

import asyncpg

from lepta.processing import sql
from lepta.rules.rulebook import EMPTY, Rulebook

KEPT = 64
"""Former rulebooks that are at hand for sales that were quoted under one: they share most of what they hold."""


@dataclass(slots=True)
class Rulebooks:
    """Several processes publish; each follows by reading the changes it has not seen."""

    newest: Rulebook = EMPTY
    digests: dict[int, bytes] = field(default_factory=lambda: {EMPTY.number: EMPTY.digest})
    """Of every rulebook so far, by number."""
    _former: OrderedDict[int, Rulebook] = field(default_factory=OrderedDict)

    def at_hand(self, number: int) -> Rulebook | None:
        """A rulebook by its number, if this process has it."""
        return self.newest if number == self.newest.number else self._former.get(number)

    async def load(self, connection: asyncpg.Connection, number: int) -> Rulebook:
        """A rulebook by its number, up to that of the newest; one that is not at hand is made from its chain again."""
        found = self.at_hand(number)
        if found is None:
            assert 0 <= number < self.newest.number, number
            found = EMPTY
            for change in await connection.fetch(sql.READ_CHANGES_UP_TO, number):
                found = found.extended(change["change"])
            self._keep(found)
        return found

    def _keep(self, rulebook: Rulebook) -> None:
        self._former[rulebook.number] = rulebook
        while len(self._former) > KEPT:
            self._former.popitem(last=False)

    async def refresh(self, connection: asyncpg.Connection, digest: bytes) -> None:
        """Follow the chain to the rulebook that the log's head names, or beyond if others were faster."""
        if digest == self.newest.digest:
            return
        rulebook = self.newest
        for _, change in await connection.fetch(sql.READ_CHANGES, rulebook.number):
            self._keep(rulebook)
            rulebook = rulebook.extended(change)
            self.digests[rulebook.number] = rulebook.digest
        self.follow(rulebook)

    def follow(self, rulebook: Rulebook) -> None:
        """Take a later rulebook as the newest; an earlier one, from who read an older state, changes nothing.

        Its thousands of values live as long as the service. The collector would look at all of them again and
        again, at a third of the processor's time: it is told to leave alone what is here now.
        """
        if rulebook.number > self.newest.number:
            self._keep(self.newest)
            self.newest = rulebook
            self.digests[rulebook.number] = rulebook.digest
            gc.collect()
            gc.freeze()
