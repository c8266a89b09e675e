"""The whole running default: its parts killed one by one, and the view of operators."""

import contextlib
import json
import os
import platform
import stat
import subprocess
import sys
import time
from pathlib import Path

import httpx
import psutil
import psycopg
import pytest

from pictor.embedded.part import answers_ok
from tests.stack.servers import ROOT, Stack, bare_environment
from tests.stack.stack_processes import (
    NOT_PROBED,
    answers,
    command_lines,
    outlive_leases,
    stopped,
    until,
)

pytestmark = pytest.mark.timeout(120)

BACK_SECONDS = 15


def is_back(stack: Stack, role: str, killed: int) -> bool:
    """True if the role has a new process that answers, and the web says that all is well."""
    new = [pid for pid in stack.pids()[role] if pid != killed and psutil.pid_exists(pid)]
    is_well = bool(new) and answers_ok(int(stack.env["PORT"]), "/readyz")
    return is_well and (role not in NOT_PROBED or answers(stack, role))


def seconds_until_back(stack: Stack, role: str, killed: int) -> float:
    """Seconds until it was back, at most twice the promise; if too long, with the logs."""
    began = time.monotonic()
    while time.monotonic() < began + 2 * BACK_SECONDS and not is_back(stack, role, killed):
        psutil.wait_procs([psutil.Process(stack.process.pid)], timeout=0.05)
    seconds = time.monotonic() - began
    if seconds >= BACK_SECONDS:
        for name in ("postgres", "web", "worker"):
            sys.stdout.write(f"--- {name} ---\n{stack.log(name)[-8_000:]}\n")
    return seconds


@pytest.mark.parametrize("role", ["web", "worker", "broker", "postgres", "s3", "sandbox"])
def test_a_part_that_is_killed_is_back_within_fifteen_seconds(stack, role):
    pid = stack.pids()[role][0]
    if role == "postgres":
        leave_nothing_of_other_tests_to_redo()

    psutil.Process(pid).kill()

    assert seconds_until_back(stack, role, pid) < BACK_SECONDS


def leave_nothing_of_other_tests_to_redo() -> None:
    """Transactional tests truncate every table of their database, which is in the same cluster.

    Pictor truncates none. Redoing 60 rounds of it is 160 KB of WAL and 23 s of unlinking files.
    """
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as owner:
        owner.execute("CHECKPOINT")


def test_an_image_worker_that_renews_no_lease_is_seen_from_outside(stack):
    def image_workers() -> int:
        answer = httpx.get(f"{stack.base_url}/readyz", trust_env=False, timeout=10)
        return int(answer.json()["image_workers"])

    outlive_leases(stack)  # including the dead ones that other tests have just killed
    until(lambda: image_workers() == 1)
    with stopped(stack.pids()["worker"][0]):
        outlive_leases(stack)
        until(lambda: image_workers() == 0)
    until(lambda: image_workers() == 1)


def command_line(pids: list[int]) -> str:
    """Command line of the first of them; empty if it has ended."""
    with contextlib.suppress(psutil.NoSuchProcess):
        return " ".join(psutil.Process(pids[0]).cmdline())
    return ""


def test_pids_are_the_servers_own(stack):
    # the one that a test killed is back
    until(lambda: all(map(command_line, stack.pids().values())))
    pids = stack.pids()
    words = {role: command_line(its) for role, its in pids.items()}

    assert list(pids) == ["sandbox", "postgres", "broker", "s3", "web", "worker"]
    assert "pictor worker images" in words["worker"]
    assert "bin/postgres -D" in words["postgres"]
    assert "valkey-server" in words["broker"]
    assert "serve s3" in words["s3"]
    assert len(pids["worker"]) == 2


def test_no_secret_is_on_a_command_line(stack):
    seen = command_lines(stack)
    secrets = json.loads((stack.data / "secrets.json").read_text()).values()

    assert [secret for secret in secrets if secret in seen] == []


def test_the_record_is_private(stack):
    files = [stack.run_dir / "env.json", stack.run_dir / "dsn", stack.data / "secrets.json"]

    assert [stat.S_IMODE(path.stat().st_mode) for path in files] == [0o600, 0o600, 0o600]
    assert (stack.run_dir / "dsn").read_text().strip() == stack.env["DATABASE_URL"]


def test_demo_prints_only_the_json(stack):
    result = stack.manage("demo", "--json")

    assert result.returncode == 0
    assert json.loads(result.stdout) == {
        "base_url": stack.base_url,
        "api_key": stack.api_key,
        "console": {
            "email": "demo@pictor.local",
            "password": stack.env["PICTOR_DEMO_PASSWORD"],
        },
    }


def test_an_operator_command_without_a_running_stack_says_so(tmp_path):
    result = subprocess.run(
        [sys.executable, "manage.py", "demo", "--json"],
        cwd=ROOT,
        env={**bare_environment(), "PICTOR_RUN_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert result.returncode == 1
    assert result.stdout == ""
    assert result.stderr == (
        "Pictor is not running here: start it with `make run`, or set DATABASE_URL.\n"
    )


def test_a_second_run_on_the_same_data_is_refused_in_one_line(stack, tmp_path):
    result = subprocess.run(
        [sys.executable, "manage.py", "run"],
        cwd=ROOT,
        env={
            **bare_environment(),
            "PICTOR_DATA": str(stack.data),
            "PICTOR_RUN_DIR": str(tmp_path),
        },
        capture_output=True,
        text=True,
        check=False,
    )

    assert result.returncode == 1
    assert result.stderr.startswith("Pictor is already running with this data")
    assert result.stderr.count("\n") == 1


def test_a_run_on_a_busy_port_is_refused_in_one_line(stack, tmp_path):
    result = subprocess.run(
        [sys.executable, "manage.py", "run"],
        cwd=ROOT,
        env={
            **bare_environment(),
            "PICTOR_DATA": str(tmp_path / "data"),
            "PICTOR_RUN_DIR": str(tmp_path / "run"),
            "PORT": stack.env["PORT"],
        },
        capture_output=True,
        text=True,
        check=False,
    )

    assert result.returncode == 1
    assert result.stderr.startswith(f"Port {stack.env['PORT']} on 127.0.0.1 is taken")
    assert result.stderr.count("\n") == 1


def test_nothing_shadows_the_standard_librarys_platform():
    assert not Path(ROOT, "platform", "__init__.py").exists()
    assert platform.python_version_tuple()[0] == "3"
