"""The table of edge cases says what the tests of a run have shown, and fails a whole run that leaves one out."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import edge_cases

SETTINGS = """
[tool.pytest.ini_options]
testpaths = ["tests"]
pythonpath = ["{here}"]
addopts = "--strict-markers"
markers = ["edge_case(*numbers)"]
"""
EVERY = sorted(set(edge_cases.TITLES) - set(edge_cases.LATER))


def run(place: Path, test: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run pytest in a folder with this one test."""
    here = Path(__file__).parents[1]
    (place / "pyproject.toml").write_text(SETTINGS.format(here=here), encoding="utf-8")
    (place / "tests").mkdir()
    (place / "tests" / "conftest.py").write_text('pytest_plugins = ["edge_table"]\n')
    (place / "tests" / "test_it.py").write_text(f"import pytest\n{test}")
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *arguments],
        cwd=place, capture_output=True, text=True, check=False, timeout=60,
        env={**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
    )  # fmt: skip


def test_there_are_67_cases() -> None:
    assert list(edge_cases.TITLES) == list(range(1, 68))
    assert set(edge_cases.LATER) <= set(edge_cases.TITLES)
    assert len(set(edge_cases.TITLES.values())) == 67


def test_the_page_says_what_lepta_does_and_names_tests_that_show_it() -> None:
    """Which tests it names may lag behind a new one; each that it names is there, and shows that case."""
    assert set(edge_cases.DOES) == set(EVERY)
    written = edge_cases.PAGE.read_text(encoding="utf-8").splitlines()
    anew = "write it anew: .venv/bin/python tests/edge_cases.py"
    tests = edge_cases.shown_by()
    for told, wanted in zip(written, edge_cases.page().splitlines(), strict=True):
        said, named = told.rpartition(" | ")[::2]
        assert said == wanted.rpartition(" | ")[0], anew
        if found := re.findall(r"`(\w+/\w+\.py::\w+)`", named):
            number = int(said.split()[1])
            assert set(found) <= set(tests[number]), anew


@pytest.mark.parametrize("processes", [(), ("-p", "xdist", "-n", "1")])
def test_a_whole_run_prints_all_and_fails_where_one_is_left_out(
    tmp_path: Path, processes: tuple[str, ...]
) -> None:
    numbers = ", ".join(str(n) for n in EVERY if n != 12)
    ran = run(tmp_path, f"@pytest.mark.edge_case({numbers})\ndef test_a(): pass\n", *processes)
    assert ran.returncode == pytest.ExitCode.TESTS_FAILED, ran.stdout + ran.stderr
    assert f"63 of 67 shown, {len(edge_cases.LATER)} later" in ran.stdout
    assert "without a test that passed: [12]" in ran.stdout
    assert f"11  {edge_cases.TITLES[11]}: passed\n      tests/test_it.py::test_a" in ran.stdout


def test_a_whole_run_that_shows_all_is_well(tmp_path: Path) -> None:
    numbers = ", ".join(map(str, EVERY))
    ran = run(tmp_path, f"@pytest.mark.edge_case({numbers})\ndef test_a(): pass\n")
    assert ran.returncode == pytest.ExitCode.OK, ran.stdout + ran.stderr
    assert "64 of 67 shown, 3 later, without a test that passed: 0" in ran.stdout


@pytest.mark.parametrize(
    "body, says",
    [("assert False", "FAILED"), ("pytest.skip('not here')", "NO TEST PASSED")],
)
def test_what_failed_or_was_skipped_shows_nothing(tmp_path: Path, body: str, says: str) -> None:
    test = f"@pytest.mark.edge_case({', '.join(map(str, EVERY))})\ndef test_a(): {body}\n"
    ran = run(tmp_path, test)
    assert ran.returncode == pytest.ExitCode.TESTS_FAILED, ran.stdout + ran.stderr
    assert f"12  {edge_cases.TITLES[12]}: {says}\n" in ran.stdout
    assert "0 of 67 shown" in ran.stdout


def test_a_run_of_some_says_in_a_line_what_it_showed(tmp_path: Path) -> None:
    test = "@pytest.mark.edge_case(3, 12)\ndef test_a(): pass\n"
    ran = run(tmp_path, test, "tests/test_it.py")
    assert ran.returncode == pytest.ExitCode.OK, ran.stdout + ran.stderr
    assert "edge cases shown by these tests: 3, 12\n" in ran.stdout


def test_a_number_that_is_none_stops_the_run(tmp_path: Path) -> None:
    ran = run(tmp_path, "@pytest.mark.edge_case(68)\ndef test_a(): pass\n")
    assert ran.returncode == pytest.ExitCode.USAGE_ERROR
    assert "no such edge case: [68]" in ran.stdout + ran.stderr
