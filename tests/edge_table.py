"""The table of edge cases at the end of a run: number, what it says, the tests that show it, their result.

A run of all tests fails where a case has no test that passed; a run of some says in a line how many cases it showed.
"""

from collections import defaultdict
from collections.abc import Iterator

import pytest

import edge_cases

MARK = "edge_case"


def marked(item: pytest.Item) -> set[int]:
    """The numbers of the cases that a test shows."""
    return {int(number) for mark in item.iter_markers(MARK) for number in mark.args}


class Seen:
    """What the reports of a run say about the cases: by case, each test with the outcomes of its examples."""

    def __init__(self) -> None:
        self.outcomes: dict[int, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))

    def add(self, report: pytest.TestReport) -> None:
        """Note one report. A passed set-up or tear-down says nothing about the case."""
        if report.when == "call" or not report.passed:
            for name, value in report.user_properties:
                if name == MARK and isinstance(value, int):
                    test = report.nodeid.partition("[")[0]
                    self.outcomes[value][test].add(report.outcome)

    def tests(self, number: int) -> dict[str, set[str]]:
        """The tests of a case, with the outcomes of their examples."""
        return self.outcomes.get(number, {})

    def result(self, number: int) -> str:
        """`passed` where every test of it did that was not skipped, else what is wrong."""
        if number in edge_cases.LATER:
            return edge_cases.LATER[number]
        outcomes = set().union(*self.tests(number).values())
        if "failed" in outcomes:
            return "FAILED"
        return "passed" if "passed" in outcomes else "NO TEST PASSED"

    def without_test(self) -> list[int]:
        """Cases of what is there that no test has shown."""
        return [
            number
            for number in edge_cases.TITLES
            if number not in edge_cases.LATER and self.result(number) != "passed"
        ]

    def rows(self) -> Iterator[str]:
        """The table, a line a case and a line a test."""
        for number, title in edge_cases.TITLES.items():
            yield f"{number:>2}  {title}: {self.result(number)}"
            yield from (f"      {test}" for test in sorted(self.tests(number)))


class Table:
    """The plugin of one run, in its first process: those of `-n` send it their reports."""

    def __init__(self) -> None:
        self.seen = Seen()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self.seen.add(report)

    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        complete = exitstatus == pytest.ExitCode.OK and is_whole(session.config)
        if complete and self.seen.without_test():
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(
        self, terminalreporter: pytest.TerminalReporter, config: pytest.Config
    ) -> None:
        shown = [n for n in edge_cases.TITLES if self.seen.result(n) == "passed"]
        if is_whole(config):
            terminalreporter.section("edge cases")
            for row in self.seen.rows():
                terminalreporter.write_line(row)
            missing = self.seen.without_test()
            later = len(edge_cases.LATER)
            terminalreporter.write_line(
                f"{len(shown)} of {len(edge_cases.TITLES)} shown, {later} later, without a test that passed: {missing or 0}"
            )
        elif shown:
            terminalreporter.write_line(
                f"edge cases shown by these tests: {', '.join(map(str, shown))}"
            )


def is_whole(config: pytest.Config) -> bool:
    """Whether the run is of all tests: nothing named, nothing chosen, nothing cut short."""
    chosen = ("keyword", "markexpr", "deselect", "lf", "maxfail", "collectonly", "ignore")
    everything = [str(config.rootpath / path) for path in config.getini("testpaths")]
    named = [str(config.invocation_params.dir / argument) for argument in config.args]
    return named == everything and not any(config.getoption(name, None) for name in chosen)


def pytest_configure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(Table())


def pytest_itemcollected(item: pytest.Item) -> None:
    """Marks do not travel from the processes of `-n` with a test's report; its properties do."""
    numbers = marked(item)
    unknown = numbers - set(edge_cases.TITLES)
    if unknown:
        raise pytest.UsageError(f"{item.nodeid}: no such edge case: {sorted(unknown)}")
    item.user_properties.extend((MARK, number) for number in sorted(numbers))
