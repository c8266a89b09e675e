"""Logs and records of a running stack are readable only by its own account."""

import os
import stat
from pathlib import Path

from pictor.embedded.logs import KEEP_BYTES, begin_log
from tests.stack.servers import Stack


def mode_of(path: os.PathLike[str]) -> int:
    return stat.S_IMODE(os.stat(path).st_mode)  # noqa: PTH116 (any path)


def test_a_running_stack_s_logs_and_records_are_closed_to_others(stack: Stack) -> None:
    folders = [stack.run_dir, stack.run_dir / "log"]
    files = [path for folder in folders for path in folder.iterdir() if path.is_file()]

    names = {path.name for path in files}
    assert {"web.log", "worker.log", "postgres.log", "valkey.log", "env.json", "lock"} <= names
    assert {str(path): oct(mode_of(path)) for path in folders if mode_of(path) != 0o700} == {}
    assert {str(path): oct(mode_of(path)) for path in files if mode_of(path) != 0o600} == {}
    assert "ready to accept connections" in stack.log("postgres")


def test_readable_logs_of_an_earlier_version_are_closed_at_the_next_start(tmp_path: Path) -> None:
    log = tmp_path / "log" / "web.log"
    log.parent.mkdir(mode=0o755)
    log.write_bytes(bytes(KEEP_BYTES + 1))
    log.chmod(0o644)

    begin_log(log)

    assert mode_of(log.parent) == 0o700
    assert (mode_of(log), mode_of(log.with_suffix(".log.1"))) == (0o600, 0o600)
