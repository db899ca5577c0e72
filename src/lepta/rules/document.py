"""Whether a campaign document can work among the parties and programmes there are."""

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

from lepta.errors import InvalidRequest
from lepta.names import LANGUAGES, unprintable
from lepta.rules import conditions, recurrence, schedule
from lepta.rules.audience_faults import audience_faults
from lepta.rules.donation_faults import donation_faults
from lepta.rules.envelope import CampaignDocument, Reading, read
from lepta.rules.funding_faults import funding_faults
from lepta.rules.kind import Measure
from lepta.rules.kinds import ladder
from lepta.rules.known import Known, unknown
from lepta.rules.limit_faults import limit_faults
from lepta.rules.place_faults import place_faults
from lepta.rules.refusals import Fault, fault
from lepta.rules.return_faults import return_faults

GOODS = ("skus", "categories", "brands")


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
    yield from place_faults(document, known)
    yield from audience_faults(reading)
    yield from _goods(document)
    yield from _invisible(reading)
    readings = reading.of_tiers().values() or [reading]
    programme = known.programme_of(document)
    of_forms = [
        fault
        for each in readings
        for fault in (*_counting(each), *_stacking(each), *limit_faults(each, programme))
    ]
    yield from (fault for n, fault in enumerate(of_forms) if fault not in of_forms[:n])
    yield from _condition(reading)
    yield from _bonus(reading) if document.kind == "bonus" else donation_faults(reading, known)
    yield from funding_faults(reading, known)
    yield from return_faults(reading)
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
        yield unknown("programme", "programme", document.programme, names)


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
    what, who = document.what, document.who
    parts = [("what", what), ("what.exclude", what.exclude), ("what.beside", what.beside)]
    lists = {f"{path}.{name}": getattr(part, name) for path, part in parts for name in GOODS}
    lists["who.tiers"] = who.tiers
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


def _stacking(reading: Reading) -> Iterator[Fault]:
    stacking = reading.document.stacking
    if reading.form.kind.measure is Measure.BASE_POINTS and stacking.group == "base":
        yield fault("stacking.group", 'multiplies what "base" gave: put it into another group')
    if reading.document.effect.source != "funders" and stacking.mode == "best":
        yield fault(
            "stacking.mode", "the shopper decides about an offer, it does not compete: use add"
        )
