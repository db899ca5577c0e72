"""What endpoints are given: the running service, conditions on revisions, and the clock."""

from datetime import UTC, datetime
from typing import Annotated

from fastapi import Depends, Header
from starlette.requests import Request

from lepta.revisions import Condition
from lepta.runtime import Runtime


def runtime(request: Request) -> Runtime:
    """The running service that answers this request."""
    found: Runtime = request.app.state.runtime
    return found


def condition(
    if_match: Annotated[
        str | None, Header(max_length=1000, description="The ETag of what is replaced.")
    ] = None,
    if_none_match: Annotated[
        str | None, Header(max_length=1000, description="`*`: only create.")
    ] = None,
) -> Condition:
    """What the request says about the stored revision."""
    return Condition(if_match, if_none_match)


def now() -> datetime:
    """The current time, in UTC."""
    return datetime.now(UTC)


Running = Annotated[Runtime, Depends(runtime)]
Revision = Annotated[Condition, Depends(condition)]
Now = Annotated[datetime, Depends(now)]
