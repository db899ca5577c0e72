"""A sale or a return by the till's own name for it, as a query says it."""

from typing import Annotated

from fastapi import Depends, Query

from lepta.channels.till.schemas import MAX_SEQUENCE, Id
from lepta.http.fields import Day
from lepta.processing.events import NaturalKey


def natural_key(
    store: Annotated[Id, Query()],
    till: Annotated[Id, Query()],
    business_day: Annotated[Day, Query()],
    sequence: Annotated[int, Query(ge=0, le=MAX_SEQUENCE)],
) -> NaturalKey:
    """Of the four parts that a query must name."""
    return NaturalKey(store, till, business_day, sequence)


Named = Annotated[NaturalKey, Depends(natural_key)]
