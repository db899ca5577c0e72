"""The chain of rulebooks: each change as it was published, each leaf under the newest of its time."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, NamedTuple

from lepta.rules.rulebook import EMPTY, Rulebook
from lepta.verification.invariants import Check
from lepta.verification.part import Publication
from lepta.verification.report import Faults


class Link(NamedTuple):
    """A row of table `rulebook`."""

    number: int
    digest: bytes
    change: bytes


@dataclass(slots=True)
class Chain:
    """Follows the publications of the log along the rows of the table."""

    links: Mapping[int, Link]
    newest: Rulebook = EMPTY
    digest: str = EMPTY.digest.hex()
    """As the log tells it; `newest` has the same unless a change cannot be read."""
    published: int = 0

    def publish(self, publication: Publication, faults: Faults) -> bool:
        """Take the next publication in; False if its rulebook cannot be made from the table."""
        index = publication.log_index
        self.published += 1
        self.digest = publication.digest
        if publication.rulebook != self.published:
            what = f"names rulebook {publication.rulebook}, but publishes number {self.published}"
            faults.event(Check.RULEBOOKS, index, what)
        link = self.links.get(self.published)
        if link is None:
            faults.event(
                Check.RULEBOOKS, index, f"table rulebook number {self.published} is missing"
            )
            return False
        if link.digest.hex() != publication.digest:
            what = f"table rulebook number {link.number}: digest is not what the leaf says"
            faults.event(Check.RULEBOOKS, index, what)
        if sha256(link.change).hexdigest() != publication.change:
            what = f"table rulebook number {link.number}: change is not the one that was published"
            faults.event(Check.RULEBOOKS, index, what)
            return False
        return self._extend(publication, link, faults)

    def _extend(self, publication: Publication, link: Link, faults: Faults) -> bool:
        try:
            self.newest = self.newest.extended(link.change)
        except Exception as error:  # noqa: BLE001 - documents that mean nothing break anything
            what = f"table rulebook number {link.number}: change cannot be read ({error})"
            faults.event(Check.RULEBOOKS, publication.log_index, what)
            return False
        if self.newest.digest.hex() != publication.digest:
            what = "names a rulebook that is not the one before it with this change"
            faults.event(Check.RULEBOOKS, publication.log_index, what)
            return False
        return True

    def check_rest(self, faults: Faults) -> None:
        """Whether the table holds nothing that was never published."""
        for number, link in self.links.items():
            if not 1 <= number <= self.published:
                what = "was never published"
                faults.add(Check.RULEBOOKS, f"rulebook {number} {link.digest.hex()[:16]}", what)


def links(rows: Iterable[Iterable[Any]], faults: Faults) -> dict[int, Link]:
    """The table by number."""
    found: dict[int, Link] = {}
    for row in rows:
        link = Link(*row)
        if link.number in found:
            faults.add(Check.RULEBOOKS, f"rulebook {link.number}", "stands twice")
        found[link.number] = link
    return found
