"""By which rules receipts are decided again: the history of the rulebook with the drafts in it from the start.

Only campaigns whose outcome depends on a draft, or on whose outcome a draft depends, are decided again (rivals):
those of a stacking group in which not all are added, the base group and what multiplies it, and other offers.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date
from types import MappingProxyType
from typing import Any, NamedTuple

import orjson

from lepta.errors import DomainError, InvalidRequest
from lepta.rules.asks import NOTHING as NOTHING_ASKED
from lepta.rules.campaign import Campaign, compile_campaign
from lepta.rules.counted import NOTHING, counted, refuse_uncounted
from lepta.rules.explanation import Why
from lepta.rules.limits import Gauge
from lepta.rules.refusals import fault, joined
from lepta.rules.rulebook import EMPTY, PublishedCampaign, Rulebook
from lepta.simulation.reach import EVERYTHING, Reach
from lepta.values import value

Document = Mapping[str, Any]
NO_CLOSING: Mapping[str, date] = MappingProxyType({})


class Span(NamedTuple):
    """Business days, both included."""

    first: date
    last: date

    @property
    def days(self) -> int:
        """How many they are."""
        return (self.last - self.first).days + 1


@value
class Plan:
    """Everything that a process needs to decide receipts again."""

    span: Span
    drafts: tuple[str, ...]
    rivals: frozenset[str]
    """Published campaigns that are decided again beside the drafts."""
    replaced: frozenset[str]
    """Drafts of campaigns that are published already."""
    changes: Mapping[int, bytes]
    """The chain of rulebook changes by number: programmes, rivals, and the drafts as early as can be."""
    reach: Reach
    limits: frozenset[str]
    """Counters of the drafts' limits that a report tells of."""
    closing: Mapping[str, date]
    """Of the drafts' funds that close: the first day on which they take nothing any more."""
    visits: frozenset[str]
    """Programmes whose visits matter: every receipt is decided again, since each may belong to one."""
    known_from: int
    """Number of the rulebook from which on receipts say what the drafts ask about members."""
    follows: bool
    """Whether rivals have limits, or visits matter: what was counted is followed from the log's first event on, and
    every receipt that rivals touch is decided again.
    """


def read_span(first: date, last: date) -> Span:
    """Raises `InvalidRequest` if it is empty."""
    if last < first:
        raise InvalidRequest(
            [fault("to", f"lies before {first}: `from` and `to` are both included")]
        )
    return Span(first, last)


def plan(
    span: Span,
    drafts: Sequence[Document],
    newest: Rulebook,
    changes: Mapping[int, bytes],
    closing: Mapping[str, date] = NO_CLOSING,
) -> Plan:
    """Of drafts that have been checked. `closing`: the first days on which parties take nothing any more.

    Raises `InvalidRequest` where two are of one campaign, and what publishing would raise for limits that are
    brought in late (see `refuse_uncounted`).
    """
    compiled = _compiled(drafts, newest)
    published = {name: newest.versions(name) for name in newest.campaigns}
    replaced = frozenset(compiled.keys() & published.keys())
    before = [version for name in replaced for version in published.pop(name)]
    rivals = _rivals([*compiled.values(), *before], published)
    own = list(compiled.values())
    theirs = [version for versions in rivals.values() for version in versions]
    visits = any(campaign.asks_visits for campaign in (*own, *theirs))
    follows = any(_counts(newest, name) for name in rivals)
    reach = EVERYTHING if visits else Reach.of([*own, *theirs] if follows else own, replaced)
    return Plan(
        span,
        tuple(compiled),
        frozenset(rivals),
        replaced,
        _history(changes, drafts, compiled, rivals),
        reach,
        frozenset(g.counter for c in own for g in _gauges(c)),
        {fund: closing[fund] for c in own for fund in _funds(c) if fund in closing},
        frozenset(c.programme for c in own if visits),
        _known_from(own, newest, changes),
        follows or visits,
    )


def _compiled(drafts: Sequence[Document], newest: Rulebook) -> dict[str, Campaign]:
    compiled: dict[str, Campaign] = {}
    for n, draft in enumerate(drafts):
        campaign = compile_campaign(draft, _programme(draft, newest), 1)
        if campaign.id in compiled:
            reason = f'"{campaign.id}" stands twice: a campaign is tried in one version at a time'
            raise InvalidRequest([fault(f"campaigns.{n}.campaign", reason)])
        with below(f"campaigns.{n}"):
            refuse_uncounted(newest.versions(campaign.id), campaign)
        compiled[campaign.id] = campaign
    return compiled


@contextmanager
def below(path: str) -> Iterator[None]:
    """Put `path` before the places that an `InvalidRequest` names."""
    try:
        yield
    except InvalidRequest as refusal:
        faults = [fault(joined(path, e["path"]), e["reason"]) for e in refusal.members["errors"]]
        raise InvalidRequest(faults) from refusal


def _gauges(draft: Campaign) -> tuple[Gauge, ...]:
    limits = counted([draft])
    return limits.gauges + limits.match


def _funds(draft: Campaign) -> Iterator[str]:
    target = draft.target
    return (f for f in (target.fund, *target.choice, target.fallback) if f is not None)


class NotRecorded(DomainError):
    """Receipts do not say what the campaign asks about members.

    How long somebody has been a member, and whether a day was near their birthday, is recorded with sales only from the
    publication of the first campaign that asks for it. Publish the campaign without trying it, or try it with
    another condition.
    """

    code = "not-recorded"

    def __init__(self, campaigns: Sequence[str]) -> None:
        super().__init__(
            f"{', '.join(campaigns)}: receipts do not say when people joined or had their birthday, as no published "
            "campaign of the programme has asked for the same. Publish it without trying it, or leave that out."
        )


def _known_from(drafts: Iterable[Campaign], newest: Rulebook, changes: Mapping[int, bytes]) -> int:
    """Raises `NotRecorded` where no rulebook so far asks for all that drafts ask."""
    wanted = [c for c in drafts if c.asks != NOTHING_ASKED]
    if not wanted:
        return 0
    unknown = [c.id for c in wanted if not _asked(newest, c)]
    if unknown:
        raise NotRecorded(unknown)
    rulebook = EMPTY
    while not all(_asked(rulebook, c) for c in wanted):
        rulebook = rulebook.extended(changes[rulebook.number + 1])
    return rulebook.number


def _asked(rulebook: Rulebook, campaign: Campaign) -> bool:
    asked = rulebook.asks(campaign.programme)
    return asked.and_of(campaign.asks) == asked


def _counts(newest: Rulebook, campaign: str) -> bool:
    """Whether counters say what a published campaign may still give."""
    track = newest.track(campaign)
    assert track is not None, campaign
    return track.counted != NOTHING or any(
        version.giving.per == "visit" for version in newest.versions(campaign)
    )


def _programme(draft: Document, newest: Rulebook) -> str:
    """The programme of a draft that names none: that of the campaign so far, else the only one."""
    before = newest.campaign(str(draft["campaign"]))
    return before.programme if before else next(iter(newest.programmes), "")


def _rivals(
    drafts: Iterable[Campaign], published: Mapping[str, Sequence[Campaign]]
) -> dict[str, Sequence[Campaign]]:
    """Those published campaigns that are bound up with drafts, and with one another, directly or not."""
    bound = list(drafts)
    rivals: dict[str, Sequence[Campaign]] = {}
    grown = True
    while grown:
        new = {
            name: versions
            for name, versions in published.items()
            if name not in rivals and any(_bound(a, b) for a in bound for b in versions)
        }
        rivals |= new
        bound = [version for versions in new.values() for version in versions]
        grown = bool(new)
    return rivals


def _bound(one: Campaign, other: Campaign) -> bool:
    """Whether the outcome of one can depend on that of the other."""
    if one.programme != other.programme:
        return False
    if one.asks_visits and other.asks_visits:
        # From the first of them on, visits are counted.
        return True
    if one.is_offer and other.is_offer:
        # An accepted gift raises the amount that is due for the next offer.
        return True
    modes = {one.mode, other.mode}
    if one.key[1] == other.key[1] and ("stop" in modes or modes == {"best"}):
        return True
    return (_multiplies(one) and other.key[1] == "base") or (
        _multiplies(other) and one.key[1] == "base"
    )


def _multiplies(campaign: Campaign) -> bool:
    forms = campaign.by_tier.values() or (campaign,)
    return any(each.giving.code == Why.BASE_POINTS for each in forms)


def _history(
    changes: Mapping[int, bytes],
    drafts: Sequence[Document],
    compiled: Mapping[str, Campaign],
    rivals: Mapping[str, Any],
) -> dict[int, bytes]:
    """The changes with what matters here; each draft stands behind the first version of its programme."""
    waiting = {
        name: {**document, "programme": campaign.programme}
        for document, (name, campaign) in zip(drafts, compiled.items(), strict=True)
    }
    made = {}
    for number in sorted(changes):
        kept: list[Any] = []
        for item in orjson.loads(changes[number])["items"]:
            if "programme" in item:
                kept.append(item)
                own = [n for n, d in waiting.items() if d["programme"] == item["programme"]]
                kept += [PublishedCampaign(n, 1, None, waiting.pop(n)).to_json() for n in own]
            elif any(item.get(word) in rivals for word in ("campaign", "pause", "end")):
                kept.append(item)
        made[number] = orjson.dumps({"items": kept}, option=orjson.OPT_SORT_KEYS)
    return made


def final(made: Plan) -> Rulebook:
    """The rulebook after all changes: drafts and rivals in their newest versions."""
    rulebook = EMPTY
    for number in sorted(made.changes):
        rulebook = rulebook.extended(made.changes[number])
    return rulebook
