"""The commands as an operator types them, while a service runs on the same data and while none does."""

import asyncio
import json
import os
import re
import signal
import subprocess
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest

from lepta.db import SERVICE_ROLE
from lepta.postgres.embedded import share
from processes import alive, descendants, eventually, lepta, start


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("operator")


@pytest.fixture(scope="module")
def service(place: Path) -> Iterator[str]:
    """The URL of a `lepta serve` on `place/data`."""
    process = start(place, "serve", "--port", "0", "--data-dir", str(place / "data"))
    assert process.stdout is not None
    output = ""
    for line in process.stdout:
        output += line
        if found := re.search(r"Lepta:\s+(http://\S+)", line):
            break
    else:
        raise AssertionError(process.communicate())
    assert "embedded PostgreSQL" in output
    assert str(place / "data") in output
    assert eventually(lambda: is_ready(found[1]))
    yield found[1]
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=60)
    assert process.returncode == 0


def is_ready(url: str) -> bool:
    try:
        return httpx.get(f"{url}/readyz").status_code == 200
    except httpx.TransportError:
        return False


def at(place: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return lepta(place, *arguments, "--data-dir", str(place / "data"))


def asked(service: str, key: str, path: str) -> httpx.Response:
    return httpx.get(service + path, headers={"Authorization": f"Bearer {key}"})


def test_keys_are_made_listed_and_revoked_while_the_service_runs(service: str, place: Path) -> None:
    made = at(place, "keys", "create", "--role", "office")
    assert made.returncode == 0, made.stderr
    key = made.stdout.strip()
    assert re.fullmatch(r"lepta_office_[a-z0-9]+_[a-z0-9]+", key)
    assert asked(service, key, "/v1/parties/nobody").status_code == 404
    key_id = key.split("_")[2]
    assert key_id in at(place, "keys", "list").stdout
    assert key.split("_")[3] not in at(place, "keys", "list").stdout
    assert at(place, "keys", "revoke", key_id).returncode == 0
    assert eventually(lambda: asked(service, key, "/v1/parties/nobody").status_code == 401, 5)


def test_the_embedded_service_logs_in_as_the_role_that_owns_nothing(
    service: str, place: Path
) -> None:
    async def logged_in(arguments: dict[str, Any]) -> set[str]:
        connection = await asyncpg.connect(**{**arguments, "database": "lepta"})
        try:
            rows = await connection.fetch(
                "SELECT usename FROM pg_stat_activity"
                " WHERE datname = 'lepta' AND backend_type = 'client backend'"
                " AND pid <> pg_backend_pid()"
            )
        finally:
            await connection.close()
        return {row["usename"] for row in rows}

    with share(place / "data") as server:
        assert asyncio.run(logged_in(server.connect_arguments)) == {SERVICE_ROLE}


def test_a_second_service_on_the_same_data_is_refused_in_a_line(service: str, place: Path) -> None:
    second = at(place, "serve", "--port", "0")
    assert second.returncode == 2
    assert second.stdout == ""
    [line] = second.stderr.splitlines()
    assert "already serves" in line


def test_a_port_that_is_taken_is_refused_in_a_line(service: str, place: Path) -> None:
    port = service.rsplit(":", 1)[1]
    second = lepta(place, "serve", "--port", port, "--data-dir", str(place / "other"))
    assert second.returncode == 2
    [line] = second.stderr.splitlines()
    assert f"port {port}" in line


def test_an_office_is_set_up_from_files_and_a_day_replayed_twice(service: str, place: Path) -> None:
    key = at(place, "keys", "create", "--role", "admin").stdout.strip()
    headers = {"Authorization": f"Bearer {key}"}
    retailer = {"kind": "retailer", "name": "R"}
    assert httpx.put(f"{service}/v1/parties/retail-nsk", json=retailer, headers=headers).is_success
    club = {"name": "Club", "currency": "RUB", "expire_after": None}
    assert httpx.put(f"{service}/v1/programmes/club", json=club, headers=headers).is_success
    write(place / "stores.csv", "id,retailer,time_zone", "nsk-07,retail-nsk,Asia/Novosibirsk")
    write(place / "products.csv", "sku,name_ru,categories", "46,пельмени,frozen dumplings")
    write(place / "members.csv", "id,cards,first_name", *(f"m{n},2900{n},Пётр" for n in range(500)))
    for kind in ("stores", "products", "members"):
        done = at(place, "import", kind, str(place / f"{kind}.csv"))
        assert done.returncode == 0, done.stderr
    base = files("lepta.demo") / "programme" / "campaigns" / "base.yaml"
    assert at(place, "campaigns", "apply", str(base)).returncode == 0
    write(place / "day.ndjson", *(json.dumps(checkout(n)) for n in range(100)))
    first, again = (
        at(place, "replay", str(place / "day.ndjson"), "--url", service) for _ in range(2)
    )
    assert first.returncode == 0, first.stderr
    assert "100 recorded" in first.stdout
    assert "100 known already" in again.stdout
    assert asked(service, key, "/v1/cards/29007").json()["points"]["available"] == 1


def write(file: Path, *lines: str) -> None:
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")


def checkout(number: int) -> dict[str, object]:
    return {
        "store": "nsk-07",
        "till": "1",
        "business_day": "2017-12-24",
        "sequence": number,
        "occurred_at": "2017-12-24T12:00:00+07:00",
        "currency": "RUB",
        "card": f"2900{number}",
        "lines": [{"line": 1, "sku": "46", "quantity": "1", "amount": 250}],
        "total": 250,
        "offline": True,
    }


def test_rows_that_cannot_be_imported_are_named_and_the_others_are(
    service: str, place: Path
) -> None:
    write(
        place / "bad.csv",
        "id,cards,gender",
        "a1,777,male",
        "a2,777,male",
        "a3,888,cat",
        "a4,999,female",
    )
    done = at(place, "import", "members", str(place / "bad.csv"))
    assert done.returncode == 1
    assert "line 3: " in done.stderr
    assert "line 4: " in done.stderr
    assert "2 members" in done.stdout
    key = at(place, "keys", "create", "--role", "office").stdout.strip()
    assert asked(service, key, "/v1/members/a4").status_code == 200
    assert asked(service, key, "/v1/members/a2").status_code == 404


def test_a_campaign_that_cannot_work_is_refused_with_its_file_and_place(
    service: str, place: Path
) -> None:
    write(place / "wrong.yaml", "campaign: wrong", "kind: donation", "effect: {give: {points: 1}}")
    done = at(place, "campaigns", "apply", str(place / "wrong.yaml"))
    assert done.returncode == 2
    assert "wrong.yaml" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ("keys", "list", "--database-url", "postgresql://nobody@127.0.0.1:1/nothing"),
        ("keys", "list", "--database-url", "mysql://x"),
        ("keys", "create", "--role", "king"),
        ("campaigns", "apply", "missing.yaml"),
        ("replay", "/dev/null", "--url", "http://127.0.0.1:1", "--key", "k", "--rate", "0"),
        ("serve", "--port", "70000"),
        ("no-such-command",),
    ],
)
def test_what_the_operator_can_mend_is_said_without_a_traceback(
    arguments: tuple[str, ...], tmp_path: Path
) -> None:
    place = () if "--database-url" in arguments else ("--data-dir", str(tmp_path / "data"))
    if arguments == ("no-such-command",):
        place = ()
    done = lepta(tmp_path, *arguments, *place)
    assert done.returncode == 2
    assert done.stdout == ""
    assert "Traceback" not in done.stderr


def test_help_names_every_command_without_loading_the_service(tmp_path: Path) -> None:
    done = lepta(tmp_path, "--help")
    assert done.returncode == 0
    for command in (
        "serve",
        "demo",
        "migrate",
        "openapi",
        "keys",
        "campaigns",
        "import",
        "replay",
        "verify",
        "bench",
    ):
        assert command in done.stdout


def test_two_workers_serve_one_port_and_end_together(tmp_path: Path) -> None:
    process = start(
        tmp_path, "serve", "--port", "0", "--workers", "2", "--data-dir", str(tmp_path / "data")
    )
    assert process.stdout is not None
    url = ""
    for line in process.stdout:
        if found := re.search(r"Lepta:\s+(http://\S+)", line):
            url = found[1]
            break
    assert eventually(lambda: is_ready(url), 30)
    second = lepta(
        tmp_path, "serve", "--port", url.rpartition(":")[2], "--workers", "2",
        "--data-dir", str(tmp_path / "other"),
    )  # fmt: skip
    assert second.returncode == 2
    assert "Cannot listen on 127.0.0.1" in second.stderr
    family = descendants(process.pid)
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=60)
    assert process.returncode == 0
    assert eventually(lambda: not alive(family))


def test_a_worker_that_is_killed_is_replaced_where_its_clients_wait(tmp_path: Path) -> None:
    process = start(
        tmp_path, "serve", "--port", "0", "--workers", "2", "--data-dir", str(tmp_path / "data")
    )
    assert process.stdout is not None
    url = next(
        found[1] for line in process.stdout if (found := re.search(r"Lepta:\s+(http://\S+)", line))
    )
    assert eventually(lambda: len(workers_of(process.pid)) == 2 and is_ready(url), 30)
    first = workers_of(process.pid)
    for victim in first:
        os.kill(victim, signal.SIGKILL)
        assert eventually(lambda: len(workers_of(process.pid)) == 2, 30)
        # The kernel gives connections to each worker: all of many are answered only if both answer.
        assert eventually(lambda: all(is_ready(url) for _ in range(20)), 60)
    assert not workers_of(process.pid) & first
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=60)
    assert process.returncode == 0


def workers_of(pid: int) -> set[int]:
    """The processes that serve, among those that `pid` has started."""
    return {
        child
        for child in alive(descendants(pid))
        if b"spawn_main" in Path(f"/proc/{child}/cmdline").read_bytes()
    }


@pytest.mark.parametrize("command", [["verify"], ["keys", "list"], ["keys", "revoke", "abc"]])
def test_what_only_looks_makes_no_database_where_there_is_none(
    tmp_path: Path, command: list[str]
) -> None:
    mistyped = tmp_path / "dta"
    asked_for = lepta(tmp_path, *command, "--data-dir", str(mistyped))
    assert (asked_for.returncode, asked_for.stdout) == (2, "")
    [line] = asked_for.stderr.splitlines()
    assert f"{mistyped} holds no Lepta database" in line
    assert not mistyped.exists()
