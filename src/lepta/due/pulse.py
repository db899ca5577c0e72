"""What a service does again and again for as long as it runs."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, NoReturn

from lepta.logs import described


async def ever(
    once: Callable[[], Awaitable[object]], every_s: float, log: Any, failed: str
) -> NoReturn:
    """Round after round. One that fails is logged as `failed` and made up for by the next."""
    while True:
        try:
            await once()
        except Exception as error:  # noqa: BLE001 - tills notice a lost database by themselves
            log.warning(failed, **described(error))
        await asyncio.sleep(every_s)
