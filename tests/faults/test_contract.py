"""The whole published description against the running service: no 500, no undocumented answer.

In parts, so that several processes share them: each field at its edges (schemathesis' coverage phase), for tills and
for everybody else; anything at all; and what follows from answers, by links that are inferred from the description.
"""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

import make
from services import Service, open_shop

CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
)
TILLS = "^/v1/(checkouts|quotes|returns|voids|holds|shifts|gifts|cards)"
PARTS = {
    "edges for tills": ("--phases", "coverage", "--include-path-regex", TILLS),
    "edges for others": ("--phases", "coverage", "--exclude-path-regex", TILLS),
    "anything": ("--phases", "examples,fuzzing", "--max-examples", "15"),
}
HOOKS = Path(__file__).with_name("plausible.py")


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    started = Service.started(tmp_path)
    yield started
    started.stop()


def schemathesis(service: Service, *arguments: str, **settings: str) -> str:
    """What schemathesis says of the founding shop's API; fails where it finds something."""
    key = service.key()
    open_shop(service.url, key, [make.CARD])
    points = {"card": make.CARD, "points": 10_000, "reason": "opening"}
    headers = {"Authorization": f"Bearer {key}", "Idempotency-Key": "opening"}
    given = httpx.post(f"{service.url}/v1/adjustments", json=points, headers=headers)
    assert given.status_code == 201, given.text
    ran = subprocess.run(
        [
            Path(sys.executable).with_name("schemathesis"), "run", f"{service.url}/openapi.json",
            "--header", f"Authorization: Bearer {key}", "--checks", ",".join(CHECKS), "--seed", "7", "--no-color", *arguments,
        ],
        cwd=service.place, env={**os.environ, **settings}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stdout[-6_000:] + ran.stderr[-2_000:]
    assert "Tested: " in ran.stdout
    return ran.stdout


@pytest.mark.parametrize("part", PARTS)
def test_generated_requests_meet_only_documented_answers(service: Service, part: str) -> None:
    told = schemathesis(service, *PARTS[part])
    assert re.search(r"\d{3,} generated", told), told[-2_000:]


def test_what_follows_from_an_answer_is_documented_too(service: Service) -> None:
    """Sales are voided, points held, records read back and published, by what the answers before them said.

    Without members: erased and merged they leave nobody to sell to.
    """
    told = schemathesis(
        service, "--phases", "stateful", "--mode", "positive", "--max-examples", "100", "--exclude-path-regex", "^/v1/members", SCHEMATHESIS_HOOKS=str(HOOKS)
    )  # fmt: skip
    links = re.search(r"API Links: +(\d+) covered", told)
    assert links, told[-3_000:]
    assert int(links[1]) >= 4, told[-3_000:]
