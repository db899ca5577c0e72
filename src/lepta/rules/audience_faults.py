"""What cannot work in a document's `who`, and in the days around a birthday."""

from collections.abc import Iterator, Sequence

from lepta.rules.envelope import Reading
from lepta.rules.refusals import Fault, fault

_MOST_PLACES = 100_000
"""In so many places of the index a document may stand: segments times goods, or stores where it is about all goods."""

_MOST_DAYS = 365
"""Around a birthday, besides itself."""


def audience_faults(reading: Reading) -> Iterator[Fault]:
    """Names that stand twice, segments that are asked for and left out at once, and more than the index takes."""
    document = reading.document
    who = document.who
    wanted, unwanted = who.segments.any, who.segments.none
    yield from _twice("who.tiers", who.tiers)
    for tier in reading.tiers:
        if who.tiers and tier not in who.tiers:
            reason = '"who.tiers" leaves this tier out: add it there, or take it away here'
            yield fault(f"effect.earn.by_tier.{tier}", reason)
    yield from _twice("who.segments.any", wanted)
    yield from _twice("who.segments.none", unwanted)
    for n, segment in enumerate(unwanted):
        if segment in wanted:
            reason = f'{segment!r} is in "any", too: keep it in one of the two'
            yield fault(f"who.segments.none.{n}", reason)
    what, where = document.what, document.where
    goods = what.skus or what.brands or what.categories
    places = goods or where.stores or where.regions or where.retailers
    if len(wanted) * len(places) > _MOST_PLACES:
        reason = f"times goods or stores, these are more than {_MOST_PLACES:,}: name one segment for these shoppers"
        yield fault("who.segments.any", reason)
    birthday = document.effect.birthday
    if birthday is not None and birthday.days_before + birthday.days_after > _MOST_DAYS:
        reason = "every day of the year is around the birthday then: shorten it, or leave it out"
        yield fault("effect.birthday", reason)


def _twice(path: str, names: Sequence[str]) -> Iterator[Fault]:
    for n, name in enumerate(names):
        if name in names[:n]:
            yield fault(f"{path}.{n}", f"{name!r} stands twice: keep it once")
