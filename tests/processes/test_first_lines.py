"""A process that fails before its settings configure the log still logs the reason as JSON."""

import json
import os
import socket
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from typing import Any

import pytest

from pictor.processes.first_lines import note_python
from tests.stack.servers import ROOT

WEB = ("pictor.processes.web",)
IMAGES = ("pictor.processes.celery_worker", "images")


@pytest.fixture
def taken() -> Iterator[int]:
    """A port on which another server listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def last_words(*module: str, **variables: str) -> dict[str, Any]:
    """The only line of a process that must fail, beside the one on its Python."""
    ended = subprocess.run(  # noqa: S603 - our own process
        [sys.executable, "-m", *module],
        env={
            "PATH": os.environ["PATH"],
            "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'platform'}",
            **variables,
        },
        capture_output=True,
        text=True,
        check=False,
    )

    assert ended.returncode == 1
    (line,) = [line for line in ended.stderr.splitlines() if "is not optimised" not in line]
    said: dict[str, Any] = json.loads(line)
    return said


@pytest.mark.parametrize(
    ("configured", "prefix", "lines"),
    [
        ("'--enable-shared' '--enable-optimizations'", "/usr/local", []),
        ("'--enable-shared'", "/usr", []),
        ("'--enable-shared'", "/home/a/.pyenv/versions/3.11.7", ["this Python is not optimised"]),
    ],
    ids=["image", "Debian", "pyenv"],
)
def test_a_slow_python_is_noted_at_the_start(monkeypatch, caplog, configured, prefix, lines):
    monkeypatch.setattr(sysconfig, "get_config_var", lambda _name: configured)
    monkeypatch.setattr(sys, "base_prefix", prefix)

    note_python()

    assert [record.getMessage()[:28] for record in caplog.records] == lines


@pytest.mark.parametrize("module", [WEB, IMAGES])
def test_a_setting_that_cannot_be_read_is_told_in_a_log_line(module):
    said = last_words(*module, PORT="8000", PICTOR_METRICS_NETWORKS="somewhere")

    assert said["level"] == "critical"
    assert said["message"].startswith("PICTOR_METRICS_NETWORKS must hold addresses or networks")


def test_a_missing_secret_is_named_in_the_last_line():
    said = last_words(*WEB, PORT="8000")

    assert "PICTOR_LEDGER_KEY is not set" in said["message"]


def test_an_unexpected_failure_is_a_log_line_with_its_trace(taken):
    said = last_words(*WEB, PORT=str(taken))

    assert said["message"] == "the process failed"
    assert said["error"].endswith("Address already in use")
