"""What cannot work in a donation: whom it goes to, and out of whose pocket."""

from collections.abc import Iterator

from lepta.rules.envelope import CampaignDocument, Reading, To
from lepta.rules.kinds import donated_points, round_up
from lepta.rules.known import Known, party_faults
from lepta.rules.refusals import Fault, fault

_FUNDS = ("charity", "beneficiary")


def donation_faults(reading: Reading, known: Known) -> Iterator[Fault]:
    """Nobody or somebody else than a charity who gets it, a fund that has closed, and a form that its payer cannot pay."""
    effect, funding = reading.document.effect, reading.document.funding
    yield from _target(reading, known)
    if effect.expire_after is not None or effect.pending_days:
        name = "pending_days" if effect.expire_after is None else "expire_after"
        yield fault(f"effect.{name}", "is about points that a shopper earns: leave it out")
    rounds_up, of_shopper = reading.form.kind is round_up.KIND, effect.source == "shopper-money"
    if effect.source == "shopper-points":
        if reading.form.kind is not donated_points.KIND:
            yield fault("effect.give", "from the shopper's points give {points, money_rate}")
    elif rounds_up and not of_shopper:
        yield fault("effect.from", 'a round-up is the shopper\'s money: write "shopper-money"')
    elif rounds_up and effect.base == "gross":
        yield fault("effect.base", "a round-up is of what is left to pay: leave it out")
    elif of_shopper and reading.form.kind is donated_points.KIND:
        yield fault(
            "effect.give",
            'from the shopper\'s money give {"round_up_to"}, {"money"}, {"rate"} or {"bands"}',
        )
    elif of_shopper and funding:
        yield fault("funding", "the shopper pays this donation: leave it out")
    elif not of_shopper and not funding:
        yield fault("funding", 'nobody pays this donation: add [{party: …, share: "1"}]')


def _target(reading: Reading, known: Known) -> Iterator[Fault]:
    to = reading.document.effect.to
    if to is None or (to.fund is None) == (not to.choice):
        yield fault("effect.to", "say who gets it: {fund: …} or {choice: […], default: …}")
        return
    if to.fund is not None:
        yield from party_faults("effect.to.fund", to.fund, _FUNDS, known)
    for n, beneficiary in enumerate(to.choice):
        yield from party_faults(f"effect.to.choice.{n}", beneficiary, _FUNDS, known)
        if beneficiary in to.choice[:n]:
            yield fault(f"effect.to.choice.{n}", f"{beneficiary!r} stands twice: keep it once")
    if to.fallback is not None:
        yield from party_faults("effect.to.fallback", to.fallback, _FUNDS, known)
        if to.fallback == to.fund:
            yield fault(
                "effect.to.fallback", "stands in for the fund: name another, or leave it out"
            )
    if to.default is not None and to.default not in to.choice:
        yield fault(
            "effect.to.default", 'is not in the choice: name one of "choice", or leave it out'
        )
    yield from _closed(reading.document, to, known)


def _closed(document: CampaignDocument, to: To, known: Known) -> Iterator[Fault]:
    """Funds that take nothing any more. One may stand where an open fallback gets what it would have got."""
    named = {} if to.fund is None else {"effect.to.fund": to.fund}
    named |= {f"effect.to.choice.{n}": fund for n, fund in enumerate(to.choice)}
    since, remedy = document.active.starts, "name one that is open, or add a fallback that is"
    if to.fallback is not None:
        if known.closed_on(to.fallback, since) is None:
            return
        named, remedy = {"effect.to.fallback": to.fallback, **named}, "name one that is open"
    for path, fund in named.items():
        if day := known.closed_on(fund, since):
            yield fault(path, f"{fund!r} takes nothing from {day} on: {remedy}")
