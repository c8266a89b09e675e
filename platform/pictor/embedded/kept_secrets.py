"""Secrets of the embedded default, made once and kept in `PICTOR_DATA/secrets.json` (0600)."""

import base64
import secrets
from collections.abc import Callable
from pathlib import Path

from accounts import keys
from pictor.embedded.files import read_json, write_json


def _token() -> str:
    return secrets.token_urlsafe(48)


def _fernet_key() -> str:
    return base64.urlsafe_b64encode(secrets.token_bytes(32)).decode("ascii")


def _password() -> str:
    """Return a password of 80 bits that is short enough to type."""
    return "-".join(secrets.token_hex(2) for _ in range(5))


MAKERS: dict[str, Callable[[], str]] = {
    "SECRET_KEY": _token,
    "PICTOR_KEY_PEPPER": _token,
    "PICTOR_OBJECT_KEY_SECRET": _token,
    "PICTOR_LEDGER_KEY": _token,
    "PICTOR_ENCRYPTION_KEYS": _fernet_key,
    "PICTOR_DEMO_PASSWORD": _password,
    "PICTOR_DEMO_API_KEY": keys.mint,
    "postgres": _token,
    "postgres_processes": _token,
    "valkey": _token,
    "s3_id": lambda: secrets.token_hex(10),
    "s3_secret": _token,
    "cards_webhook": _token,
}


def keep_secrets(path: Path) -> dict[str, str]:
    """Return every secret by name; make those that the file lacks."""
    before = read_json(path)
    after = {name: str(before.get(name) or make()) for name, make in MAKERS.items()}
    if after != before:
        write_json(path, after)
    return after
