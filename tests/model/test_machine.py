"""All events of the service against a simple model of it, at random."""

import os
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test
from machine import Machine
from tally import Tally

from lepta.db import Address

EXAMPLES = int(os.environ.get("LEPTA_MODEL_EXAMPLES", "6"))
SECONDS = int(os.environ.get("LEPTA_MODEL_SECONDS", "0"))
"""As long as these are not over, as many examples again."""
STEPS = int(os.environ.get("LEPTA_MODEL_STEPS", "40"))
AT_ONCE = (Phase.explicit, Phase.reuse, Phase.generate)
PHASES = AT_ONCE if os.environ.get("LEPTA_MODEL_SHRINK") == "no" else tuple(Phase)

# One server will do: what differs between versions of PostgreSQL, tests of each part show.
pytestmark = pytest.mark.parametrize("server", ["embedded"], indirect=True)


@pytest.mark.edge_case(1, 2, 11, 40)
def test_whatever_happens_the_service_does_as_the_model(
    server: Address, template: str, record_property: Callable[[str, str], None]
) -> None:
    tally = Tally()
    machine = type(
        "AllEvents", (Machine,), {"server": server, "template": template, "tally": tally}
    )
    drawn = settings(
        max_examples=EXAMPLES, stateful_step_count=STEPS, deadline=None, print_blob=True, phases=PHASES,
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    try:
        run_state_machine_as_test(machine, settings=drawn)
        while tally.seconds < SECONDS:
            run_state_machine_as_test(machine, settings=drawn)
    finally:
        record_property("summary", f"model: {tally.line()}")
