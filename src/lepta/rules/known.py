"""What a campaign document may name, and the words in which a name that fits nothing is refused."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import NamedTuple

from lepta.rules.campaign import Campaign
from lepta.rules.envelope import CampaignDocument
from lepta.rules.programme import Programme
from lepta.rules.refusals import Fault, did_you_mean, fault

_MOST_SHOWN = 20


class Place(NamedTuple):
    """A store: whose it is, and of which programme. Only that one's campaigns fire there."""

    retailer: str
    region: str | None
    programme: str


def _none(_campaign: str) -> Sequence[Campaign]:
    return ()


@dataclass(frozen=True, slots=True)
class Known:
    """What a document may name. `parties`: id to kind; regions are those of the stores."""

    parties: Mapping[str, str] = field(default_factory=dict)
    programmes: Mapping[str, Programme] = field(default_factory=dict)
    stores: Mapping[str, Place] = field(default_factory=dict)
    campaigns: Mapping[str, str] = field(default_factory=dict)
    """Every published campaign's programme, which it keeps where its next version names none."""
    versions: Callable[[str], Sequence[Campaign]] = _none
    """What was published of a campaign so far."""
    closing: Mapping[str, date] = field(default_factory=dict)
    """Of parties that close: the first day on which they take nothing any more."""
    today: date = date.min
    """By UTC: stores in the east have closed to a party some hours earlier, those in the west do so later."""

    def closed_on(self, party: str, since: date | None) -> date | None:
        """Since when the party takes nothing any more, by today or by `since`, before which nothing is given; None: it
        is open.
        """
        day = self.closing.get(party)
        return None if day is None or day > max(self.today, since or date.min) else day

    def programme_of(self, document: CampaignDocument) -> Programme | None:
        """Named, kept from the version before, or the only one; None if it is not known."""
        only = next(iter(self.programmes)) if len(self.programmes) == 1 else ""
        name = document.programme or self.campaigns.get(document.campaign, only)
        return self.programmes.get(name)


def unknown(path: str, what: str, name: str, known: Collection[str]) -> Fault:
    """`known`: ids that would do."""
    hint = did_you_mean(name, sorted(known)[:_MOST_SHOWN]) if known else "there is none yet"
    return fault(path, f"no {what} has the id {name!r}; {hint}; create it first, or correct the id")


def party_faults(path: str, party: str, kinds: tuple[str, ...], known: Known) -> Iterator[Fault]:
    """The party has to be there, and of one of the kinds."""
    kind = known.parties.get(party)
    fitting = [name for name, its in known.parties.items() if its in kinds]
    if kind is None:
        yield unknown(path, " or ".join(kinds), party, fitting)
    elif kind not in kinds:
        yield fault(path, f"{party!r} is a {kind}: name a party of kind {' or '.join(kinds)}")
