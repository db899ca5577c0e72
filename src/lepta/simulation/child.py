"""`python -m lepta.simulation.child`: one back-test in a process group of its own, so that tills notice nothing of it.

Reads what to try as one line of JSON and writes one line: the report, or the refusal. When its standard input ends,
whoever asked is gone, and so is everything here.
"""

import asyncio
import os
import signal
import sys
import threading
from datetime import date
from typing import Any

import orjson

from lepta.db import Address
from lepta.errors import DomainError
from lepta.simulation.plan import read_span
from lepta.simulation.simulate import simulate

NICE = 10
"""Tills come first."""


def main() -> None:
    """Answer the one line."""
    os.nice(NICE)
    asked = orjson.loads(sys.stdin.buffer.readline())
    threading.Thread(target=_end_with_input, daemon=True).start()
    sys.stdout.buffer.write(orjson.dumps(asyncio.run(_answer(asked))) + b"\n")
    sys.stdout.buffer.flush()


async def _answer(asked: dict[str, Any]) -> dict[str, Any]:
    place = asked["address"]
    address = Address(**{**place, "options": tuple(map(tuple, place["options"]))})
    try:
        span = read_span(date.fromisoformat(asked["from"]), date.fromisoformat(asked["to"]))
        report = await simulate(address, asked["campaigns"], span)
    except DomainError as refusal:
        said = {"code": refusal.code, "message": str(refusal), "members": refusal.members}
        return {"refusal": said}
    return {"report": report.document}


def _end_with_input() -> None:
    sys.stdin.buffer.read()
    os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    main()
