"""A PostgreSQL by URL whose databases belong to users that are no superusers."""

import asyncio
import re
import signal
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from databases import say
from lepta.db import Address
from lepta.postgres.embedded import own
from processes import lepta, start


@pytest.fixture(scope="module")
def superuser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Address]:
    """A server on which nobody has migrated anything yet."""
    with own(tmp_path_factory.mktemp("embedded")) as embedded:
        yield Address.parse(embedded.dsn)


def owned(superuser: Address, owner: str, rights: str = "CREATEROLE") -> Address:
    """A new database that belongs to a new user with `rights`."""
    asyncio.run(
        say(
            superuser,
            f"CREATE ROLE {owner} LOGIN NOSUPERUSER {rights}",
            f"CREATE DATABASE of_{owner} OWNER {owner}",
        )
    )
    return replace(superuser, user=owner, database=f"of_{owner}")


def at(place: Path, address: Address, *arguments: str) -> CompletedProcess[str]:
    return lepta(place, *arguments, "--database-url", address.url())


def refusal(ran: CompletedProcess[str]) -> str:
    assert ran.returncode == 2, ran
    [line] = ran.stderr.splitlines()
    return line


def works(place: Path, address: Address) -> None:
    made = at(place, address, "keys", "create", "--role", "admin")
    assert made.returncode == 0, made.stderr
    verified = at(place, address, "verify")
    assert (verified.returncode, verified.stderr) == (0, "")


def serves(place: Path, address: Address) -> str:
    """What `lepta serve` says until it listens."""
    process = start(place, "serve", "--port", "0", "--database-url", address.url())
    assert process.stdout is not None
    said = ""
    for line in process.stdout:
        said += line
        if line.startswith("Lepta:"):
            break
    process.send_signal(signal.SIGTERM)
    _, faults = process.communicate(timeout=60)
    assert "Lepta:" in said, faults
    return said


def test_owners_that_are_no_superusers_migrate_and_serve(
    superuser: Address, tmp_path: Path
) -> None:
    # Roles belong to the whole server, so the order matters: nobody has made the service's role yet.
    powerless = owned(superuser, "powerless", rights="NOCREATEROLE")
    assert "permission denied to create role" in refusal(at(tmp_path, powerless, "migrate"))

    first = owned(superuser, "first")
    for _ in range(2):
        assert at(tmp_path, first, "migrate").returncode == 0
    works(tmp_path, first)
    works(tmp_path, first.to_serve())
    assert re.search(
        r"^Advice: .*lepta_service@.*`lepta migrate`", serves(tmp_path, first), re.MULTILINE
    )
    assert "Advice" not in serves(tmp_path, first.to_serve())

    # The role is another owner's now, who alone can grant it.
    second = owned(superuser, "second")
    assert at(tmp_path, second, "migrate").returncode == 0
    for arguments in (("serve", "--port", "0"), ("keys", "list"), ("verify",)):
        line = refusal(at(tmp_path, second, *arguments))
        assert "second may not act as lepta_service" in line
        assert 'GRANT lepta_service TO "second"' in line
    works(tmp_path, second.to_serve())


def test_a_database_that_does_not_let_us_in_is_one_line(superuser: Address, tmp_path: Path) -> None:
    for address in (
        replace(superuser, user="nobody_at_all"),
        replace(superuser, database="nothing_of_this_name"),
        replace(superuser, host="/nowhere"),
        replace(superuser, host="127.0.0.1", port=1),
    ):
        for command in (("keys", "list"), ("migrate",)):
            assert "does not let us in" in refusal(at(tmp_path, address, *command))


def test_a_url_that_cannot_be_read_is_one_line(tmp_path: Path) -> None:
    for command in (("keys", "list"), ("migrate",), ("serve",)):
        ran = lepta(tmp_path, *command, "--database-url", "postgresql://h/shop?sslmode=maybe")
        assert "sslmode=maybe is none of" in refusal(ran)
