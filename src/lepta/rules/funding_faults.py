"""Who pays: what cannot work in a document's `funding`, `match` and budgets."""

from collections.abc import Iterator, Sequence

from lepta.money import common_weights
from lepta.rules.envelope import Cap, Funder, Reading
from lepta.rules.kinds import donated_points
from lepta.rules.known import Known, party_faults
from lepta.rules.refusals import Fault, fault

_FUNDERS = ("retailer", "supplier", "agency")


def funding_faults(reading: Reading, known: Known) -> Iterator[Fault]:
    """Shares that do not make a whole, parties that cannot pay, and budgets in another unit than what is given."""
    yield from _funding("funding", reading.document.funding, known)
    yield from _match(reading, known)
    yield from _caps(reading)


def _funding(path: str, funders: Sequence[Funder], known: Known) -> Iterator[Fault]:
    if not funders:
        return
    for n, funder in enumerate(funders):
        yield from party_faults(f"{path}.{n}.party", funder.party, _FUNDERS, known)
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


def _match(reading: Reading, known: Known) -> Iterator[Fault]:
    document, match = reading.document, reading.document.match
    if match is None:
        return
    if document.effect.source == "funders":
        yield fault(
            "match",
            "adds to what the shopper gives: take it from shopper-money or shopper-points, or leave it out",
        )
    yield from _funding("match.funding", match.funding, known)
    caps = {"match.budget": match.budget}
    caps |= {f"match.funding.{n}.budget": funder.budget for n, funder in enumerate(match.funding)}
    for path, cap in caps.items():
        if cap is not None:
            yield from _cap(path, cap, ("money",))


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
