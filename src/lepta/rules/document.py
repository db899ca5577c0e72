"""Whether a campaign document can work among the parties and programmes there are."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, NamedTuple

from lepta.errors import InvalidRequest
from lepta.money import common_weights
from lepta.names import LANGUAGES, unprintable
from lepta.rules import conditions, recurrence, schedule
from lepta.rules.audience_faults import audience_faults
from lepta.rules.envelope import CampaignDocument, Cap, Funder, Reading, read
from lepta.rules.kind import Measure
from lepta.rules.kinds import donated_points, ladder, round_up
from lepta.rules.limit_faults import limit_faults
from lepta.rules.programme import Programme
from lepta.rules.refusals import Fault, did_you_mean, fault

FUNDS = ("charity", "beneficiary")
GOODS = ("skus", "categories", "brands")
FUNDERS = ("retailer", "supplier", "agency")


class Place(NamedTuple):
    """A store: whose it is, and of which programme. Only that one's campaigns fire there."""

    retailer: str
    region: str | None
    programme: str


@dataclass(frozen=True, slots=True)
class Known:
    """What a document may name. `parties`: id to kind. Regions are free text, so unknown ones pass."""

    parties: Mapping[str, str] = field(default_factory=dict)
    programmes: Mapping[str, Programme] = field(default_factory=dict)
    stores: Mapping[str, Place] = field(default_factory=dict)
    regions: Collection[str] = ()
    campaigns: Mapping[str, str] = field(default_factory=dict)
    """Every published campaign's programme, which it keeps where its next version names none."""


def validate(document: Mapping[str, Any], known: Known) -> CampaignDocument:
    """The document checked in full, as `lepta.rules.envelope.read` does and against `known`.

    Raises `InvalidRequest` with `errors: [{path, reason}]`, each reason saying what to do, or `NotSupported`.
    """
    reading = read(document)
    faults = list(_faults(reading, known))
    if faults:
        raise InvalidRequest(faults)
    return reading.document


def _faults(reading: Reading, known: Known) -> Iterator[Fault]:
    document = reading.document
    yield from _programme(document, known)
    yield from _times(document)
    yield from _places(document, known)
    yield from audience_faults(reading)
    yield from _goods(document)
    yield from _invisible(reading)
    readings = reading.of_tiers().values() or [reading]
    programme = _programme_of(document, known)
    of_forms = [
        fault
        for each in readings
        for fault in (*_counting(each), *_stacking(each), *limit_faults(each, programme))
    ]
    yield from (fault for n, fault in enumerate(of_forms) if fault not in of_forms[:n])
    yield from _condition(reading)
    yield from _bonus(reading) if document.kind == "bonus" else _donation(reading, known)
    yield from _funding("funding", document.funding, known)
    yield from _match(reading, known)
    yield from _caps(reading)
    for language in document.receipt:
        if language not in LANGUAGES:
            yield fault(
                f"receipt.{language}",
                f"receipts have other languages: write one of {', '.join(LANGUAGES)}",
            )


def _programme(document: CampaignDocument, known: Known) -> Iterator[Fault]:
    names = sorted(known.programmes)
    if document.programme is None:
        if len(names) != 1 and document.campaign not in known.campaigns:
            has = f"one of {', '.join(names)}" if names else "it after creating a programme"
            yield fault("programme", f"may be left out only if there is exactly one: name {has}")
    elif document.programme not in names:
        yield _unknown("programme", "programme", document.programme, names)


def _programme_of(document: CampaignDocument, known: Known) -> Programme | None:
    """Named, kept from the version before, or the only one; None if it is not known."""
    only = next(iter(known.programmes)) if len(known.programmes) == 1 else ""
    name = document.programme or known.campaigns.get(document.campaign, only)
    return known.programmes.get(name)


def _unknown(path: str, what: str, name: str, known: Collection[str]) -> Fault:
    hint = did_you_mean(name, sorted(known)[:20]) if known else "there is none yet"
    return fault(path, f"no {what} has the id {name!r}; {hint}; create it first, or correct the id")


def _times(document: CampaignDocument) -> Iterator[Fault]:
    active = document.active
    if active.starts and active.until and active.until <= active.starts:
        yield fault("active.until", f'ends before it begins: write a day after "{active.starts}"')
        return
    if active.until and active.until <= schedule.FIRST_DAY:
        yield fault("active.until", f'is long past: write a day after "{schedule.FIRST_DAY}"')
        return
    for n, said in enumerate(document.schedule):
        if said in document.schedule[:n]:
            yield fault(f"schedule.{n}", "stands twice: keep it once")
        try:
            rule = recurrence.parse(said.rrule, active.starts)
        except ValueError as error:
            yield fault(f"schedule.{n}.rrule", str(error))
            continue
        opens = schedule.window(rule, said.at, said.duration)
        if not opens.ever_opens(active.starts, active.until):
            during = _period(active.starts, active.until)
            yield fault(
                f"schedule.{n}.rrule", f"never opens{during}: correct the rule or the dates"
            )


def _period(starts: date | None, until: date | None) -> str:
    return (f" from {starts}" if starts else "") + (f" until {until}" if until else "")


def _places(document: CampaignDocument, known: Known) -> Iterator[Fault]:
    where = document.where
    for n, retailer in enumerate(where.retailers):
        yield from _party(f"where.retailers.{n}", retailer, ("retailer",), known)
    for n, store in enumerate(where.stores):
        place = known.stores.get(store)
        if place is None:
            yield _unknown(f"where.stores.{n}", "store", store, known.stores)
        elif reason := _elsewhere(place, document, known):
            yield fault(f"where.stores.{n}", f"{reason}: leave the store out, or correct that")


def _elsewhere(place: Place, document: CampaignDocument, known: Known) -> str:
    """Why the campaign never fires in that store; empty: it does."""
    where, programme = document.where, _programme_of(document, known)
    if programme is not None and place.programme != programme.id:
        return f"is a store of programme {place.programme!r}, not of {programme.id!r}"
    if where.retailers and place.retailer not in where.retailers:
        return f'is a store of {place.retailer!r}, which "where.retailers" leaves out'
    if where.regions and place.region not in where.regions:
        of = f"lies in {place.region!r}" if place.region else "has no region"
        return f'{of}, which "where.regions" leaves out'
    return ""


def _party(path: str, party: str, kinds: tuple[str, ...], known: Known) -> Iterator[Fault]:
    kind = known.parties.get(party)
    fitting = [name for name, its in known.parties.items() if its in kinds]
    if kind is None:
        yield _unknown(path, " or ".join(kinds), party, fitting)
    elif kind not in kinds:
        yield fault(path, f"{party!r} is a {kind}: name a party of kind {' or '.join(kinds)}")


def _goods(document: CampaignDocument) -> Iterator[Fault]:
    what = document.what
    for name in GOODS:
        wanted, excluded = getattr(what, name), getattr(what.exclude, name)
        if wanted and set(wanted) <= set(excluded):
            yield fault(
                f"what.exclude.{name}",
                f'excludes all of "what.{name}", so nothing is left: take one out',
            )
    beside = what.beside
    lists = (what.skus, what.categories, what.brands)
    if any(lists) and (beside.skus, beside.categories, beside.brands) == lists:
        yield fault("what.beside", 'names the same goods as "what": name others, or leave it out')


def _invisible(reading: Reading) -> Iterator[Fault]:
    """Names that no sale can carry, since tills may not send such characters."""
    document = reading.document
    what, where, who = document.what, document.where, document.who
    parts = [("what", what), ("what.exclude", what.exclude), ("what.beside", what.beside)]
    lists = {f"{path}.{name}": getattr(part, name) for path, part in parts for name in GOODS}
    lists |= {"where.regions": where.regions, "who.tiers": who.tiers}
    lists |= {"who.segments.any": who.segments.any, "who.segments.none": who.segments.none}
    for path, names in lists.items():
        for n, name in enumerate(names):
            if seen := unprintable(name):
                yield fault(f"{path}.{n}", f"{seen[1]}: leave it out")
    for tier in reading.tiers:
        if seen := unprintable(tier):
            yield fault("effect.earn.by_tier", f"a tier's name {seen[1]}: leave it out")


def _counting(reading: Reading) -> Iterator[Fault]:
    kind, per, form = reading.form.kind, reading.per, reading.form
    if per not in kind.per:
        ways = ", ".join(kind.per)
        yield fault("effect.per", f"this form cannot be counted per {per}: use one of {ways}")
    elif kind is ladder.KIND and per in {"unit", "line"}:
        steps: ladder.Steps = form.params
        if any(step.kind.measure is not Measure.COUNT for _, step in steps.descending):
            yield fault("effect.per", f"steps that count amounts cannot be per {per}: use basket")
    effect = reading.document.effect
    if effect.set_of and per != "unit":
        yield fault("effect.set_of", 'units make a set where they are counted: write "per": "unit"')
    if effect.welcome and effect.nth_visit:
        reason = "the first sale is on the first visit, so both never hold: keep one of the two"
        yield fault("effect.nth_visit", reason)


def _condition(reading: Reading) -> Iterator[Fault]:
    text = reading.document.when
    if not text:
        return
    try:
        condition = conditions.compiled(text)
    except ValueError as error:
        yield fault("when", str(error))
        return
    if not condition.variables:
        yield fault("when", "asks for no fact, so it always comes out the same: leave it out")
    if condition.of_lines and reading.per not in {"unit", "line"}:
        reason = "asks for each product, but the campaign counts all of them together"
        yield fault("when", f'{reason}: ask for "basket." instead of "line.", or count per line')


def _bonus(reading: Reading) -> Iterator[Fault]:
    effect = reading.document.effect
    if effect.to is not None:
        yield fault("effect.to", "a bonus goes to the shopper: leave it out")
    if effect.source != "funders":
        yield fault("effect.from", "a bonus is issued by its funders: leave it out")


def _donation(reading: Reading, known: Known) -> Iterator[Fault]:
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
        yield from _party("effect.to.fund", to.fund, FUNDS, known)
    for n, beneficiary in enumerate(to.choice):
        yield from _party(f"effect.to.choice.{n}", beneficiary, FUNDS, known)
        if beneficiary in to.choice[:n]:
            yield fault(f"effect.to.choice.{n}", f"{beneficiary!r} stands twice: keep it once")
    if to.fallback is not None:
        yield from _party("effect.to.fallback", to.fallback, FUNDS, known)
        if to.fallback == to.fund:
            yield fault(
                "effect.to.fallback", "stands in for the fund: name another, or leave it out"
            )
    if to.default is not None and to.default not in to.choice:
        yield fault(
            "effect.to.default", 'is not in the choice: name one of "choice", or leave it out'
        )


def _match(reading: Reading, known: Known) -> Iterator[Fault]:
    document, match = reading.document, reading.document.match
    if match is None:
        return
    if document.effect.source == "funders":
        yield fault(
            "match", "adds to what the shopper gives: take it from shopper-money, or leave it out"
        )
    yield from _funding("match.funding", match.funding, known)
    caps = {"match.budget": match.budget}
    caps |= {f"match.funding.{n}.budget": funder.budget for n, funder in enumerate(match.funding)}
    for path, cap in caps.items():
        if cap is not None:
            yield from _cap(path, cap, ("money",))


def _funding(path: str, funders: Sequence[Funder], known: Known) -> Iterator[Fault]:
    if not funders:
        return
    for n, funder in enumerate(funders):
        yield from _party(f"{path}.{n}.party", funder.party, FUNDERS, known)
        if funder.party in [earlier.party for earlier in funders[:n]]:
            yield fault(f"{path}.{n}.party", f"{funder.party!r} stands twice: add up its shares")
    whole = max(funder.share.denominator for funder in funders)
    total = sum(common_weights([funder.share for funder in funders]))
    if total != whole:
        yield fault(path, f'the shares add up to {_decimal(total, whole)}: make it exactly "1"')


def _decimal(numerator: int, denominator: int) -> str:
    """Denominators are powers of ten here."""
    decimals = len(str(denominator)) - 1
    whole, rest = divmod(numerator, denominator)
    return f'"{whole}.{rest:0{decimals}d}"' if decimals else f'"{whole}"'


def _caps(reading: Reading) -> Iterator[Fault]:
    document = reading.document
    caps = {"limits.budget": document.limits.budget}
    caps["limits.max_per_basket"] = document.limits.max_per_basket
    units = _units(reading)
    for path, cap in caps.items():
        if cap is not None:
            yield from _cap(path, cap, units)
    # Whoever stands behind the shopper's points pays money for them.
    of_funders = ("money",) if document.effect.source == "shopper-points" else units
    for n, funder in enumerate(document.funding):
        if funder.budget is not None:
            yield from _cap(f"funding.{n}.budget", funder.budget, of_funders)


def _units(reading: Reading) -> tuple[str, ...]:
    if reading.document.kind == "bonus":
        return ("points",)
    return ("points", "money") if reading.form.kind is donated_points.KIND else ("money",)


def _cap(path: str, cap: Cap, units: tuple[str, ...]) -> Iterator[Fault]:
    said = [name for name, value in (("points", cap.points), ("money", cap.money)) if value]
    if len(said) != 1:
        yield fault(path, f"write exactly one of {', '.join(f'{{{unit}: …}}' for unit in units)}")
    elif said[0] not in units:
        yield fault(f"{path}.{said[0]}", f"this campaign gives {units[0]}: write {{{units[0]}: …}}")


def _stacking(reading: Reading) -> Iterator[Fault]:
    stacking = reading.document.stacking
    if reading.form.kind.measure is Measure.BASE_POINTS and stacking.group == "base":
        yield fault("stacking.group", 'multiplies what "base" gave: put it into another group')
    if reading.document.effect.source != "funders" and stacking.mode == "best":
        yield fault(
            "stacking.mode", "the shopper decides about an offer, it does not compete: use add"
        )
