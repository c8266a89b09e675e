"""A plugin: seconds of tests by group and by file, and a mark for the quick ones.

Loaded with `-p tests.groups`. `-m quick` runs all rules, and other tests marked as quick.
"""

from collections import defaultdict
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = {
    "tests/flows": "flows",
    "tests/console": "console",
    "tests/faults": "faults",
    "tests/tampering": "tampering",
    "tests/embedded": "start",
    "tests/processes": "start",
    "tests/upgrades/test_migrations.py": "start",
}
LONG = (
    "tests/console/ops/ladder/test_rungs.py",
    "tests/faults/test_chaos.py",
    "tests/faults/test_database_away.py",
    "tests/faults/test_make_run.py::test_a_part_that_is_killed",
    "tests/faults/test_migrating_under_load.py",
    "tests/faults/test_paid_once.py",
    "tests/faults/test_poison.py",
    "tests/faults/test_webhooks.py",
    "tests/processes/test_heartbeat.py",
    "tests/processes/test_storage_away.py",
    "tests/processes/test_start_up.py::test_a_server_",
    "tests/tampering/test_careful_thief.py",
)
"""Kills, starts and thieves of `make thorough`, and faults that the ladder of acts must find.

`make test` keeps four kills (`faults/test_process_death.py`), one crash of the database, the starts
of `make run` and its processes, and the proof's careful thief who is sought at once.
"""
SOUGHT_AT_ONCE = "[at once-"
GROUPS = ("rules", "services", "flows", "console", "faults", "tampering", "start")
SLOWEST = 10
DATABASES = {"db", "transactional_db", "stack"}


def group_of(item: pytest.Item) -> str:
    """The test's group: its folder's, or else `services` if it needs a server, or `rules`."""
    path = item.path.relative_to(ROOT).as_posix()
    named = [group for folder, group in FOLDERS.items() if path.startswith(folder)]
    return named[0] if named else "services" if _needs_a_server(item) else "rules"


def _needs_a_server(item: pytest.Item) -> bool:
    fixtures = getattr(item, "fixturenames", ())
    return bool(item.get_closest_marker("django_db") or DATABASES & set(fixtures))


def pytest_configure(config: pytest.Config) -> None:
    """Name the markers."""
    config.addinivalue_line("markers", "quick: a part of `make quick`, as rules are by themselves")
    config.addinivalue_line("markers", "thorough: rules that take too long for `make quick`")
    config.addinivalue_line("markers", "long: a part of `make thorough`, not of `make test`")
    config.addinivalue_line("markers", "refused: what its customer asks for comes to nothing")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark quick tests before `-m` chooses among them."""
    for item in items:
        group = group_of(item)
        item.user_properties.append(("group", group))
        if group == "rules":
            item.add_marker("quick")
        if item.nodeid.startswith(LONG) and SOUGHT_AT_ONCE not in item.nodeid:
            item.add_marker("long")


class Times:
    """Seconds by group and by file, whatever process ran the tests."""

    def __init__(self) -> None:
        self.tests: dict[str, int] = defaultdict(int)
        self.seconds: dict[str, float] = defaultdict(float)
        self.files: dict[str, float] = defaultdict(float)

    def add(self, report: pytest.TestReport) -> None:
        """Add one phase of a test."""
        group = str(dict(report.user_properties)["group"])
        self.tests[group] += report.when == "call"
        self.seconds[group] += report.duration
        self.files[report.nodeid.partition("::")[0]] += report.duration


_times = Times()


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Called where the tests run, and with `-n` in their controller too."""
    _times.add(report)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the seconds of tests, which exceed the run's if tests ran in parallel."""
    write = terminalreporter.write_line
    terminalreporter.section("seconds by group and file")
    for group in GROUPS:
        if tests := _times.tests[group]:
            write(f"{_times.seconds[group]:7.1f} {group}: {tests} tests")
    write("")
    for name, seconds in sorted(_times.files.items(), key=lambda one: -one[1])[:SLOWEST]:
        write(f"{seconds:7.1f} {name}")
