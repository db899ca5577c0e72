"""What of a campaign is counted: every limit that any of its versions ever had.

A limit that a later version drops goes on being counted, so that it is right when it comes back. What no
version ever limited is not counted: that would cost rows for each sale. So a limit cannot be brought in
later, and a version that tries is refused before it is published.
"""

from collections.abc import Sequence
from typing import NamedTuple

from lepta.errors import DomainError, InvalidRequest, NotSupported
from lepta.rules.campaign import Campaign
from lepta.rules.limits import NO_CAP, Counter, Gauge
from lepta.rules.match_funding import MatchFunding, counted_gauges, first_uncounted
from lepta.rules.refusals import fault


class Counted(NamedTuple):
    """Limits over all versions: the newest cap, `NO_CAP` for what was dropped. None: no version had it."""

    per_card_day: int | None
    per_card: int | None
    gauges: tuple[Gauge, ...]
    """Hard caps, each counter once; a funder that a later version leaves out keeps its budget."""
    match: tuple[Gauge, ...] = ()
    """Of what companies add to the shopper's gift."""


NOTHING = Counted(None, None, ())


def counted(versions: Sequence[Campaign]) -> Counted:
    """What is counted after these versions, in the order of their publication."""
    per_card_day: int | None = None
    per_card: int | None = None
    gauges: dict[Counter, Gauge] = {}
    for limits in (campaign.limits for campaign in versions):
        per_card_day = _newest(per_card_day, limits.per_card_day)
        per_card = _newest(per_card, limits.per_card)
        # None is the campaign's own: units and budget.
        spoken_of = {None, *(party for party, _ in limits.funders)}
        for counter, gauge in gauges.items():
            if gauge.funder in spoken_of:
                gauges[counter] = gauge._replace(cap=NO_CAP)
        budgets = [gauge for _, gauge in limits.funders if gauge is not None]
        gauges |= {gauge.counter: gauge for gauge in (*limits.shared, *budgets)}
    match = counted_gauges(_matches(versions))
    if per_card_day is None and per_card is None and not gauges and not match:
        return NOTHING
    return Counted(per_card_day, per_card, tuple(gauges.values()), match)


def lowered(before: Counted, newer: Counted) -> Counted:
    """What was counted before, under whichever cap is lower of each limit: that of then, or a newer one."""
    caps = {gauge.counter: gauge.cap for gauge in newer.gauges + newer.match}

    def under(gauges: Sequence[Gauge]) -> tuple[Gauge, ...]:
        return tuple([g._replace(cap=min(g.cap, caps.get(g.counter, g.cap))) for g in gauges])

    return Counted(
        _lower(before.per_card_day, newer.per_card_day),
        _lower(before.per_card, newer.per_card),
        under(before.gauges),
        under(before.match),
    )


def _lower(cap: int | None, newer: int | None) -> int | None:
    return cap if cap is None or newer is None else min(cap, newer)


def _matches(versions: Sequence[Campaign]) -> list[MatchFunding]:
    return [campaign.match for campaign in versions if campaign.match is not None]


def _newest(before: int | None, cap: int | None) -> int | None:
    if cap is None:
        return None if before is None else NO_CAP
    return cap


def refuse_uncounted(versions: Sequence[Campaign], new: Campaign) -> None:
    """Raise where `new` limits what `versions`, all published before it, gave without counting.

    `NotSupported` for a limit that none of them had, `InvalidRequest` where counters would change their
    meaning. A first version may set any limit.
    """
    if not versions:
        return
    before = counted(versions)
    known = {gauge.counter for gauge in before.gauges}
    for path, cap, is_known in (
        ("limits.per_card_day", new.limits.per_card_day, before.per_card_day is not None),
        ("limits.per_card", new.limits.per_card, before.per_card is not None),
    ):
        if cap is not None and not is_known:
            raise _uncounted(new, path)
    for gauge in new.limits.shared:
        if gauge.counter not in known:
            raise _uncounted(new, f"limits.{gauge.counter.split('|')[1]}")
    for n, (party, budget) in enumerate(new.limits.funders):
        is_new = budget is not None and budget.counter not in known
        if is_new and any(_may_have_paid(version, party) for version in versions):
            raise _uncounted(new, f"funding.{n}.budget")
    _refuse_uncounted_match(versions, new)
    if before != NOTHING and new.programme != versions[-1].programme:
        reason = (
            f'its limits are counted in "{versions[-1].programme}": stay there, or take a new id'
        )
        raise InvalidRequest([fault("programme", reason)])
    if new.kind == "bonus" and not new.parties and any(gauge.funder for gauge in before.gauges):
        reason = "an earlier version gave a funder a budget: name who pays, as it did"
        raise InvalidRequest([fault("funding", reason)])


def _refuse_uncounted_match(versions: Sequence[Campaign], new: Campaign) -> None:
    path = first_uncounted(_matches(versions), new.match) if new.match else None
    if path is not None:
        raise _uncounted(new, path)


def _may_have_paid(version: Campaign, party: str) -> bool:
    """A bonus without funders is paid by the store's retailer, who may be any party."""
    return party in version.parties or (version.kind == "bonus" and not version.parties)


def _uncounted(campaign: Campaign, path: str) -> DomainError:
    return NotSupported(
        path,
        f'limiting what earlier versions of "{campaign.id}" gave uncounted (a limit stands in the '
        "first version, however high; else publish a new campaign under another id)",
    )
