"""What cannot work in a campaign that is judged again when some of the goods come back."""

from collections.abc import Iterator

from lepta.rules import conditions
from lepta.rules.envelope import Reading
from lepta.rules.kind import Measure
from lepta.rules.refusals import Fault, fault


def return_faults(reading: Reading) -> Iterator[Fault]:
    """Something that stays, is the shopper's own, or cannot be known any more by then."""
    document = reading.document
    if document.thresholds == "prorate":
        return
    where = "thresholds"
    if document.returns == "keep":
        yield fault(where, 'nothing goes back where "returns" is "keep": leave one of them out')
    if document.effect.source != "funders":
        yield fault(where, "what shoppers gave is not judged again: leave it out")
    if reading.form.kind.measure is Measure.BASE_POINTS:
        yield fault(where, "what multiplies points goes back with the goods: leave it out")
    if document.when and (asked := _of_past(document.when)):
        reason = f"the condition asks for {asked}, which nobody knows any more when goods come back"
        yield fault(where, f"{reason}: leave it out, or ask for something else")


def _of_past(condition: str) -> str:
    """Facts of the shopper's past that it asks for; of a condition that cannot be read, none."""
    try:
        asked = conditions.compiled(condition).variables
    except ValueError:
        return ""
    return " and ".join(sorted(conditions.OF_PAST.intersection(asked)))
