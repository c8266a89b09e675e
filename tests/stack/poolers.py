"""PgBouncer before the tests' PostgreSQL; where it is missing its tests are skipped with a note."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest

from pictor.embedded.ports import free_port
from tests.stack.stack_processes import until

PGBOUNCER = shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}:/usr/sbin")


@contextmanager
def pooler(mode: str, of: dict[str, Any], *, size: int = 20, port: int = 0) -> Iterator[int]:
    """Run a pooler for a database, given by its connection parameters; yield its port."""
    if not PGBOUNCER:
        pytest.skip("NO PGBOUNCER: no pooler was tried (apt-get install pgbouncer)")
    port = port or free_port()
    with tempfile.TemporaryDirectory(prefix="pictor-pooler-") as folder:
        file = Path(folder) / "pgbouncer.ini"
        file.write_text(_settings(mode, of, size, port))
        Path(folder).chmod(0o755)
        account = ["-u", "nobody"] if os.geteuid() == 0 else []
        process = subprocess.Popen(  # noqa: S603 - our own settings
            [PGBOUNCER, *account, file], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            until(lambda: _listens({**of, "port": port}), 10)
            yield port
        finally:
            process.kill()
            process.wait()


def _settings(mode: str, of: dict[str, Any], size: int, port: int) -> str:
    names = ("host", "port", "user", "password", "dbname")
    place = " ".join(f"{name}={of[name]}" for name in names)
    return f"""
[databases]
{of["dbname"]} = {place}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = {mode}
default_pool_size = {size}
ignore_startup_parameters = options, extra_float_digits
"""


def _listens(parameters: dict[str, Any]) -> bool:
    try:
        psycopg.connect(**parameters).close()
    except psycopg.OperationalError:
        return False
    return True
