"""What an installed Lepta consists of: a checkout has its files around it, a wheel only what was packed."""

import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The files of a newly built wheel."""
    folder = tmp_path_factory.mktemp("wheel")
    options = ("--no-deps", "--no-build-isolation", "--disable-pip-version-check", "--no-cache-dir")
    ran = subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "--quiet", *options, "--wheel-dir", folder, ROOT],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    [wheel] = folder.glob("*.whl")
    with ZipFile(wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


@pytest.mark.parametrize(
    "folder, pattern, inside",
    [
        ("migrations", "env.py", "lepta/migrations"),
        ("migrations", "versions/*.py", "lepta/migrations"),
        ("src/lepta", "receipts/languages/*.toml", "lepta"),
        ("src/lepta", "demo/data/*", "lepta"),
        ("src/lepta", "demo/programme/**/*.yaml", "lepta"),
        ("src/lepta", "bench/*.lua", "lepta"),
        ("src/lepta", "bench/*.sql", "lepta"),
        ("src/lepta", "bench/*.pgbench", "lepta"),
        ("src/lepta", "processing/*.dict", "lepta"),
        ("src/lepta", "py.typed", "lepta"),
        ("src/lepta", "**/*.py", "lepta"),
    ],
)
def test_the_wheel_holds_what_a_command_reads(
    packed: dict[str, bytes], folder: str, pattern: str, inside: str
) -> None:
    found = list((ROOT / folder).glob(pattern))
    assert found
    for file in found:
        name = f"{inside}/{file.relative_to(ROOT / folder).as_posix()}"
        assert name in packed, name
        assert packed[name] == file.read_bytes(), name


def test_the_wheel_holds_nothing_else(packed: dict[str, bytes]) -> None:
    assert {name.split("/")[0] for name in packed} <= {
        "lepta",
        next(name.split("/")[0] for name in packed if name.endswith("/METADATA")),
    }
    assert not [name for name in packed if "__pycache__" in name]
