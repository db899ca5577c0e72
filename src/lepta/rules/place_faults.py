"""What cannot work in a document's `where`: places that are not there, or where it would never fire."""

from collections.abc import Iterator

from lepta.rules.envelope import CampaignDocument
from lepta.rules.known import Known, Place, party_faults, unknown
from lepta.rules.refusals import Fault, did_you_mean, fault


def place_faults(document: CampaignDocument, known: Known) -> Iterator[Fault]:
    """Each name has to be known, and each store and region to leave stores where it fires."""
    where = document.where
    for n, retailer in enumerate(where.retailers):
        yield from party_faults(f"where.retailers.{n}", retailer, ("retailer",), known)
    for n, store in enumerate(where.stores):
        place = known.stores.get(store)
        if place is None:
            yield unknown(f"where.stores.{n}", "store", store, known.stores)
        elif reason := _elsewhere(place, document, known):
            yield fault(f"where.stores.{n}", f"{reason}: leave the store out, or correct that")
    if where.regions:
        yield from _regions(document, known)


def _regions(document: CampaignDocument, known: Known) -> Iterator[Fault]:
    """A region is there once a store lies in it; a store counts where the campaign may fire."""
    stores = known.stores.values()
    everywhere = {place.region for place in stores if place.region}
    reached = {place.region for place in stores if _reaches(place, document, known)}
    for n, region in enumerate(document.where.regions):
        if region not in everywhere:
            hint = (
                did_you_mean(region, sorted(everywhere)) if everywhere else "no store has any yet"
            )
            reason = f"no store lies in {region!r}; {hint}; create the store first, or correct it"
            yield fault(f"where.regions.{n}", reason)
        elif region not in reached:
            reason = f"none of the campaign's stores lies in {region!r}: leave it out"
            yield fault(f"where.regions.{n}", reason)


def _reaches(place: Place, document: CampaignDocument, known: Known) -> bool:
    """Whether programme and retailers leave the store in; what of them is not known has faults of its own."""
    programme = known.programme_of(document)
    retailers = [one for one in document.where.retailers if one in known.parties]
    return (programme is None or place.programme == programme.id) and (
        not retailers or place.retailer in retailers
    )


def _elsewhere(place: Place, document: CampaignDocument, known: Known) -> str:
    """Why the campaign never fires in that store; empty: it does."""
    where, programme = document.where, known.programme_of(document)
    if programme is not None and place.programme != programme.id:
        return f"is a store of programme {place.programme!r}, not of {programme.id!r}"
    if where.retailers and place.retailer not in where.retailers:
        return f'is a store of {place.retailer!r}, which "where.retailers" leaves out'
    if where.regions and place.region not in where.regions:
        of = f"lies in {place.region!r}" if place.region else "has no region"
        return f'{of}, which "where.regions" leaves out'
    return ""
