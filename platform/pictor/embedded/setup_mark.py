"""The mark of the last setup: migrations and seed are skipped while their sources are unchanged.

The mark in `PICTOR_DATA/setup.json` is a digest of the version, of the checkout's Python, JSON and
SQL files (path, size, time of change) and of the application's environment. Creating a new cluster
removes it.
"""

import hashlib
from collections.abc import Mapping
from pathlib import Path

from pictor import __version__
from pictor.embedded.files import read_json, write_json

SOURCES = ("accounts", "billing", "generation", "storage", "webhooks", "platform")
KINDS = ("*.py", "*.json", "*.sql")
PREFIXES = (
    *("DATABASE_", "S3_", "SANDBOX_", "SECRET_KEY", "PICTOR_DEMO_"),
    *("PICTOR_KEY_PEPPER", "PICTOR_ENCRYPTION_KEYS", "PICTOR_OBJECT_KEY_SECRET"),
    *("PICTOR_LEDGER_KEY", "MIGRATION_DATABASE_"),
)


def digest_of(root: Path, env: Mapping[str, str]) -> str:
    """Return the hex digest of all sources of migrations and seed."""
    digest = hashlib.sha256(__version__.encode())
    for folder in SOURCES:
        files = (path for kind in KINDS for path in (root / folder).rglob(kind))
        for path in sorted(files):
            stat = path.stat()
            digest.update(f"{path.relative_to(root)} {stat.st_size} {stat.st_mtime_ns}\n".encode())
    for name, value in sorted(env.items()):
        if name.startswith(PREFIXES):
            digest.update(f"{name}={value}\n".encode())
    return digest.hexdigest()


def is_marked(mark: Path, digest: str) -> bool:
    """True if the last setup had this digest."""
    return read_json(mark).get("digest") == digest


def write_mark(mark: Path, digest: str) -> None:
    """Record a setup that succeeded."""
    write_json(mark, {"digest": digest})
