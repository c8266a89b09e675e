"""The record of the running default: written by `run`, adopted by the operator commands.

`.run/env.json` (0600) holds the parts' environment and `.run/dsn` (0600) the database URL;
`.run/lock` is held while the stack runs.
"""

import os
import sys
from collections.abc import Mapping, MutableMapping, Sequence
from pathlib import Path
from typing import NoReturn

from pictor.embedded.files import is_locked, read_json, write_json, write_private
from pictor.embedded.layout import run_dir

STANDALONE = frozenset(
    {
        "check", "collectstatic", "compilemessages", "diffsettings", "help", "makemessages",
        "makemigrations", "run", "spectacular", "startapp", "startproject", "test", "testserver",
        "version",
    }
)  # fmt: skip
"""Commands that need no running stack."""

OURS = (
    *("PICTOR_", "S3_", "DATABASE_", "MIGRATION_DATABASE_", "REDIS_", "CELERY_", "SECRET_KEY"),
    *("SANDBOX_", "CSRF_"),
)
ALSO_OURS = frozenset({"ALLOWED_HOSTS", "DEBUG", "LOG_LEVEL", "PORT"})


def write_record(run: Path, env: Mapping[str, str]) -> None:
    """Record the application's variables of the parts' environment, without PATH and the like."""
    kept = {
        name: value for name, value in env.items() if name.startswith(OURS) or name in ALSO_OURS
    }
    write_json(run / "env.json", kept)
    write_private(run / "dsn", kept.get("DATABASE_URL", "") + "\n")


def clear_record(run: Path) -> None:
    """Remove the record of a stack that has ended; its logs stay."""
    for name in ("env.json", "dsn", "pids.json"):
        (run / name).unlink(missing_ok=True)


def read_record(run: Path) -> dict[str, str]:
    """Return the running stack's environment; empty if none runs."""
    if not is_locked(run):
        return {}
    return {name: str(value) for name, value in read_json(run / "env.json").items()}


def needs_stack(argv: Sequence[str]) -> bool:
    """True if the command uses a database, as all but a few do."""
    words = argv[1:]
    if not words or words[0] in STANDALONE or words[0].startswith("-"):
        return False
    return not {"-h", "--help", "--version"} & set(words)


def adopt(
    argv: Sequence[str], *, root: Path, environ: MutableMapping[str, str] = os.environ
) -> None:
    """Give an operator command the running default's environment, unless it has a database.

    If none runs, print one line on stderr and exit with status 1.
    """
    if environ.get("DATABASE_URL") or environ.get("DATABASE_URL_FILE") or not needs_stack(argv):
        return
    run = run_dir(root, environ)
    try:
        record = read_record(run)
    except OSError as error:
        _refuse(f"Pictor is running, but its record cannot be read: {error}.")
    if not record:
        _refuse("Pictor is not running here: start it with `make run`, or set DATABASE_URL.")
    environ.update(record)


def _refuse(message: str) -> NoReturn:
    print(message, file=sys.stderr)  # noqa: T201 (a command line's own output)
    raise SystemExit(1)
