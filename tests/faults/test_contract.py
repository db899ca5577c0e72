"""The whole published description against the running service: no 500, no undocumented answer."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import make
from services import Service, open_shop

CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
)


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    started = Service.started(tmp_path_factory.mktemp("contract"))
    yield started
    started.stop()


def test_generated_requests_meet_only_documented_answers(service: Service, tmp_path: Path) -> None:
    key = service.key()
    open_shop(service.url, key, [make.CARD])
    schemathesis = Path(sys.executable).with_name("schemathesis")
    run = subprocess.run(
        [
            schemathesis, "run", f"{service.url}/openapi.json", "--header", f"Authorization: Bearer {key}",
            "--checks", ",".join(CHECKS), "--max-examples", "15", "--seed", "7", "--no-color",
        ],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert run.returncode == 0, run.stdout[-6_000:]
    assert "Tested: " in run.stdout
