"""Real servers for each process that runs tests, started by the code of `manage.py run`: a plugin.

Loaded with `-p tests.stack.servers`, before Django reads its settings. PostgreSQL, Valkey and S3
are for tests inside the pytest process (pytest-django's `test_pictor`, Valkey's database 1, the
bucket `pictor-test`). A whole `manage.py run` with servers of its own is started by the first test
that uses `stack`, and ended before the first file that does not; files that use it come first.
Everything lies in temporary folders with ports of its own, so it never meets a running `make run`.
"""

import contextlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from pictor.embedded.files import read_json
from pictor.embedded.part import tail
from pictor.embedded.ports import free_port
from pictor.embedded.stack_record import ALSO_OURS, OURS, read_record
from pictor.kit.running.garbage import keep_what_is_there

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 120
STOP_SECONDS = 60
TEST_BUCKET = "pictor-test"
UPSTREAM_PORTS = 4
MAX_COMPLAINTS = 50
NO_SANDBOX = "http://127.0.0.1:9/v1"
MIGRATED = "PICTOR_TESTS_MIGRATED"
"""Variable with the folder of a migrated cluster, which the processes of `-n` copy."""
THREE_SERVERS = ["-m", "tests.stack.three_servers"]
PATIENTLY = "?options=-c%20lock_timeout%3D2000"
"""Of the processes' limits, the tests' own connections have only the one that tests wait for.

A machine that stood still for a minute would otherwise end a module's transaction, and with it all
of that module's tests.
"""


_LOGGED = re.compile(r'{"at": "([^"]+)", "level": "(?!info|debug)')


def _is_after(found: "re.Match[str]", since: float) -> bool:
    return datetime.fromisoformat(found[1]).timestamp() >= since


@dataclass(frozen=True, kw_only=True)
class Stack:
    """The running stack of this test run."""

    process: subprocess.Popen[bytes]
    base_url: str
    api_key: str
    """The demo tenant's key."""
    env: dict[str, str]
    """The environment of its parts."""
    run_dir: Path
    data: Path
    upstream_ports: tuple[int, ...]
    """Loopback ports that channels may call: for vendors that tests start themselves."""
    hook_ports: tuple[int, int]
    """Loopback ports that webhooks may call, no vendor's, since a delivery is tried for hours:
    for a receiver that a test starts, and one that stays closed."""
    root: Path
    """The checkout that it runs."""

    @property
    def nobody(self) -> str:
        """An origin that webhooks may call, where no test's server ever listens."""
        return f"http://127.0.0.1:{self.hook_ports[1]}"

    def pids(self) -> dict[str, list[int]]:
        """`pids.json`: the servers' own pids, the image worker first in `worker`."""
        return read_json(self.run_dir / "pids.json")

    def log(self, name: str) -> str:
        """Everything the part has logged."""
        return (self.run_dir / "log" / f"{name}.log").read_text(encoding="utf-8")

    def complaints(self, since: float) -> list[str]:
        """Log lines of its parts since then (Unix seconds), without their ordinary news."""
        lines = [
            f"{file.stem} {line}"
            for file in sorted((self.run_dir / "log").glob("*.log"))
            for line in file.read_text(encoding="utf-8", errors="replace").splitlines()
        ]
        return [
            line for line in lines if (found := _LOGGED.search(line)) and _is_after(found, since)
        ]

    def manage(
        self, *arguments: str, timeout_seconds: float = 120, typed: str = ""
    ) -> subprocess.CompletedProcess[str]:
        """Run `manage.py` as an operator would, against this stack; never raises."""
        return subprocess.run(  # noqa: S603 (our own command line)
            [python_of(self.root), "manage.py", *arguments],
            cwd=self.root,
            env={**bare_environment(), "PICTOR_RUN_DIR": str(self.run_dir)},
            input=typed,
            capture_output=True,
            text=True,
            timeout=timeout_seconds,
            check=False,
        )


def bare_environment() -> dict[str, str]:
    """This process's environment without anything that configures Pictor."""
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(OURS) and name not in ALSO_OURS
    }


def start_stack(folder: Path, *, root: Path = ROOT, **extra: str) -> Stack:
    """Start a stack in the folder and wait until it is ready; raises RuntimeError with its log.

    Args:
        folder: the place of all its files.
        root: the checkout that it runs, whatever the virtual environment was made for.
        extra: further environment variables.
    """
    return _start(folder, ["manage.py", "run"], root=root, **extra)


def python_of(root: Path) -> str:
    """The interpreter for a checkout: its own environment's, or else the one of this process."""
    own = root / ".venv/bin/python"
    return str(own) if root != ROOT and own.exists() else sys.executable


def _start(folder: Path, command: list[str], *, root: Path = ROOT, **extra: str) -> Stack:
    folder.chmod(0o711)  # PostgreSQL's account must get in
    run_dir, data = folder / "run", folder / "data"
    data.mkdir(mode=0o711, exist_ok=True)
    data.chmod(0o711)
    port = free_port()
    ports: tuple[int, ...] = ()
    for _ in range(UPSTREAM_PORTS + 2):
        ports += (free_port(frozenset({port, *ports})),)
    *upstreams, hooks, nobody = ports
    env = {
        **bare_environment(),
        "PYTHONPATH": f"{root}{os.pathsep}{root / 'platform'}",
        "PICTOR_DATA": str(data),
        "PICTOR_RUN_DIR": str(run_dir),
        "PORT": str(port),
        "PICTOR_EGRESS_ALLOW": ",".join(f"127.0.0.1:{upstream}" for upstream in upstreams),
        "PICTOR_WEBHOOK_ALLOW": f"127.0.0.1:{hooks},127.0.0.1:{nobody}",
        "PICTOR_KEY_CHANGES_PER_MINUTE": "6000",
        "PICTOR_FIRST_IMAGE": "0",
        "PICTOR_DEMO_HISTORY": "0",
        "PICTOR_STOP_WITH_PARENT": "1",
        **extra,
    }
    output = folder / "run.out"
    with output.open("wb") as file:
        process = subprocess.Popen(  # noqa: S603 (our own command line)
            [python_of(root), *command],
            cwd=root,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
        )
    record = _wait_for_record(process, run_dir, output)
    return Stack(
        process=process,
        base_url=record["PICTOR_DEMO_BASE_URL"],
        api_key=record["PICTOR_DEMO_API_KEY"],
        env=record,
        run_dir=run_dir,
        data=data,
        upstream_ports=tuple(upstreams),
        hook_ports=(hooks, nobody),
        root=root,
    )


def stop_stack(stack: Stack) -> None:
    """Stop it as Ctrl-C does; kill it if it does not end."""
    stack.process.terminate()
    try:
        stack.process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        stack.process.kill()
        stack.process.wait()


def _wait_for_record(
    process: subprocess.Popen[bytes], run_dir: Path, output: Path
) -> dict[str, str]:
    deadline = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        if run_dir.exists() and (record := read_record(run_dir)):
            return record
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(0.05)
    process.terminate()
    process.wait()
    raise RuntimeError(f"The test stack did not start:\n{tail(output, lines=30)}")


def _start_servers(folder: Path) -> Stack:
    """Start PostgreSQL, Valkey and S3; this process's settings will read their addresses."""
    (folder / "data" / "s3" / TEST_BUCKET).mkdir(parents=True)
    copy_migrated(folder / "data")
    servers = _start(folder, THREE_SERVERS, SANDBOX_URL=NO_SANDBOX)
    redis = urlsplit(servers.env["REDIS_URL"])
    os.environ.update(servers.env)
    # Test databases are made, emptied and tampered with by the owner.
    os.environ["DATABASE_URL"] = os.environ.pop("MIGRATION_DATABASE_URL") + PATIENTLY
    os.environ["REDIS_URL"] = redis._replace(path="/1").geturl()
    os.environ["S3_BUCKET"] = TEST_BUCKET
    os.environ["PICTOR_DATA"] = str(folder / "in-process")
    return servers


def _migrate_once(folder: Path) -> None:
    """Migrate a cluster for all test processes: it takes each of them and each stack 10 s."""
    servers = _start(folder, THREE_SERVERS, SANDBOX_URL=NO_SANDBOX)
    migrated = servers.manage("migrate", "--verbosity=0")
    stop_stack(servers)
    assert migrated.returncode == 0, migrated.stderr
    os.environ[MIGRATED] = str(servers.data)


def copy_migrated(data: Path) -> None:
    """Let a new folder of data begin with the migrated cluster, if there is one."""
    migrated = os.environ.get(MIGRATED)
    if migrated and Path(migrated, "postgres").exists():  # under root it may lie elsewhere
        data.mkdir(exist_ok=True)
        copied = [f"{migrated}/postgres", f"{migrated}/secrets.json", str(data)]
        subprocess.run(["cp", "-a", *copied], check=True)  # noqa: S603, S607 - ours; found on every Unix


def _is_idle(config: pytest.Config) -> bool:
    """True if the run only lists."""
    idle = ("help", "version", "collectonly", "markers", "showfixtures")
    return any(getattr(config.known_args_namespace, name, False) for name in idle)


def _is_controller(config: pytest.Config) -> bool:
    """True if this process only hands out the tests of `-n`."""
    has_others = getattr(config.known_args_namespace, "numprocesses", None)
    return bool(has_others) and "PYTEST_XDIST_WORKER" not in os.environ


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> Iterator[None]:
    """Start the servers before pytest-django reads the settings."""
    if not _is_idle(early_config):
        folder = Path(tempfile.mkdtemp(prefix="pictor-servers-"))
        early_config.add_cleanup(lambda: shutil.rmtree(folder, ignore_errors=True))
        if _is_controller(early_config):
            _migrate_once(folder)
        else:
            servers = _start_servers(folder)
            early_config.add_cleanup(lambda: stop_stack(servers))
    return (yield)


_running: list[Stack] = []
"""The stack, while there is one."""
_users: set[Path] = set()
"""Files with a test that needs the stack."""


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the stack's files first in the shuffled order, so that it runs beside no others."""
    _users.update(item.path for item in items if "stack" in getattr(item, "fixturenames", ()))
    items.sort(key=lambda item: item.path not in _users)


def pytest_collection_finish() -> None:
    """Freeze the collected tests: they stay to the end, and the garbage collector can skip them."""
    keep_what_is_there()


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """End the stack when its last file is through."""
    if item.path not in _users:
        _end_stack()


def _end_stack() -> None:
    if _running:
        stack = _running.pop()
        stop_stack(stack)
        shutil.rmtree(stack.run_dir.parent, ignore_errors=True)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    call: "pytest.CallInfo[None]",
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Add the stack's complaints to a failure, since it may not happen again."""
    report = yield
    if report.failed and _running and (said := _running[0].complaints(call.start)):
        report.sections.append(("The stack's logs", "\n".join(said[-MAX_COMPLAINTS:])))
    return report


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    """The whole running system, for tests that use it over HTTP or kill its parts."""
    folder = Path(tempfile.mkdtemp(prefix="pictor-stack-"))
    copy_migrated(folder / "data")
    # Many sign up in a day of tests, all from this machine's one address.
    _running.append(start_stack(folder, PICTOR_SIGN_UP_CREDITS_PER_ADDRESS="1000"))
    yield _running[0]
    _end_stack()
