"""A starting process reports whether PostgreSQL would log prompts."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import pytest

from pictor.embedded.ports import free_port
from pictor.kit.database.statement_logs import what_would_log
from tests.stack.servers import ROOT, Stack
from tests.stack.stack_processes import until

QUIET = {
    "log_statement": "none",
    "log_min_duration_statement": "-1",
    "log_min_error_statement": "panic",
    "log_parameter_max_length": "0",
    "log_parameter_max_length_on_error": "0",
    "log_error_verbosity": "terse",
    "log_min_duration_sample": "-1",
    "log_transaction_sample_rate": "0",
}


@pytest.mark.parametrize(
    ("setting", "value", "found"),
    [
        ("log_statement", "ddl", []),
        ("log_statement", "mod", ["log_statement=mod"]),
        ("log_min_duration_statement", "250", ["log_min_duration_statement=250"]),
        ("log_min_error_statement", "error", ["log_min_error_statement=error"]),
        ("log_parameter_max_length", "-1", []),
        ("log_parameter_max_length_on_error", "9", ["log_parameter_max_length_on_error=9"]),
        ("log_error_verbosity", "default", ["log_error_verbosity=default"]),
        ("log_min_duration_sample", "0", ["log_min_duration_sample=0"]),
        ("log_transaction_sample_rate", "0.1", ["log_transaction_sample_rate=0.1"]),
        ("auto_explain.log_min_duration", "-1", []),
        ("auto_explain.log_min_duration", "0", ["auto_explain.log_min_duration=0"]),
    ],
)
def test_only_what_brings_a_prompt_into_the_log_is_named(setting, value, found):
    assert what_would_log({**QUIET, setting: value}) == found


def test_parameters_are_named_where_statements_are_logged():
    loud = {**QUIET, "log_statement": "all", "log_parameter_max_length": "-1"}

    assert what_would_log(loud) == ["log_statement=all", "log_parameter_max_length=-1"]


@contextmanager
def web(stack: Stack, log: Path, database_url: str) -> Iterator[None]:
    """Another web process of the stack, with that database."""
    port = str(free_port())
    env = {**os.environ, **stack.env, "DATABASE_URL": database_url, "PORT": port}
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "pictor.processes.web"],
            cwd=ROOT,
            env={**env, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'platform'}"},
            stdout=output,
            stderr=output,
        )
    try:
        yield
    finally:
        process.terminate()
        process.wait(30)


def test_a_web_process_says_so_in_one_line(stack: Stack, tmp_path: Path) -> None:
    options = quote("-c log_min_error_statement=error -c log_statement=all", safe="")
    log = tmp_path / "web.log"

    with web(stack, log, f"{stack.env['MIGRATION_DATABASE_URL']}?options={options}"):
        until(lambda: "PostgreSQL would log prompts" in log.read_text(), 60)

    lines = [json.loads(line) for line in log.read_text().splitlines()]
    (said,) = [line for line in lines if "would log prompts" in line["message"]]
    assert said["level"] == "warning"
    assert "log_statement=all, log_min_error_statement=error" in said["message"]


def test_the_stack_s_own_processes_have_nothing_to_say(stack: Stack) -> None:
    logged = "".join(stack.log(name) for name in ("web", "worker", "short"))

    assert "would log prompts" not in logged
