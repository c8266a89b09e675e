"""Typed readers of environment variables, for settings.py and other modules.

A secret is read from NAME, or from the file that NAME_FILE names (as container platforms mount
them). An invalid value stops the start with the variable's name; a secret is never quoted.
"""

import base64
import ipaddress
import logging
import os
import re
import ssl
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import dj_database_url
import dj_email_url

TRUE = frozenset({"1", "true", "yes", "on"})
FALSE = frozenset({"0", "false", "no", "off", ""})
_HOST = r"(?:[^\s/@:=?#\[\]]+|\[[0-9A-Fa-f:.]+\])"
_DOOR = re.compile(rf"{_HOST}:\d{{1,5}}")
_URL = re.compile(rf"https?://{_HOST}(?::\d{{1,5}})?(?:/[^\s?#]*)?")
_FERNET_BYTES = 32

LOGGERS = {
    "botocore": {"level": "WARNING"},
    "botocore.credentials": {"level": "ERROR"},  # credential_chain.py logs it, without a traceback
    "django.db.backends": {"level": "INFO"},  # DEBUG would log every statement, with prompts
    "django.request": {"level": "ERROR"},
    "django.security": {"level": "CRITICAL"},  # it logs tracebacks of callers' bad requests
    "django.security.csrf": {"level": "WARNING"},
    "httpx": {"level": "WARNING"},
    "python_multipart": {"level": "ERROR"},  # it warns of callers' bad forms
    "pyvips": {"level": "WARNING"},
    "stripe": {"level": "WARNING"},  # DEBUG would log every answer, with names and addresses
    "uvicorn.access": {"level": "WARNING"},
}
"""Levels of loggers that differ from `LOG_LEVEL`."""


class EnvError(SystemExit):
    """An invalid setting, which ends the process with one clear line."""


def env_str(name: str, default: str = "") -> str:
    """Return the variable, stripped, or the default if it is missing or empty."""
    return os.environ.get(name, "").strip() or default


def env_bool(name: str, *, default: bool = False) -> bool:
    """Return the variable as a boolean. Raises EnvError."""
    raw = os.environ.get(name)
    if raw is None:
        return default
    word = raw.strip().lower()
    if word in TRUE:
        return True
    if word in FALSE:
        return False
    raise EnvError(f"{name} must be true or false, not {raw!r}")


def env_choice(name: str, default: str, *others: str) -> str:
    """Return one of these words, by default the first. Raises EnvError."""
    word = env_str(name, default)
    if word not in {default, *others}:
        raise EnvError(f"{name} must be {' or '.join([default, *others])}, not {word!r}")
    return word


def env_int(name: str, default: int, *, least: int = 1) -> int:
    """Return the variable as an integer, `least` or more. Raises EnvError."""
    raw = env_str(name)
    if not raw:
        return default
    try:
        number = int(raw)
    except ValueError:
        raise EnvError(f"{name} must be a whole number, not {raw!r}") from None
    if number < least:
        raise EnvError(f"{name} must be {least} or more, not {raw!r}")
    return number


def env_list(name: str, default: str = "") -> list[str]:
    """Return the variable split at commas, without blanks and empty items."""
    return [item.strip() for item in env_str(name, default).split(",") if item.strip()]


def env_networks(name: str) -> list[ipaddress.IPv4Network | ipaddress.IPv6Network]:
    """Return the variable, split at commas, as addresses and networks. Raises EnvError."""
    try:
        return [ipaddress.ip_network(item, strict=False) for item in env_list(name)]
    except ValueError as error:
        raise EnvError(f"{name} must hold addresses or networks: {error}") from None


def env_doors(name: str) -> frozenset[str]:
    """Return entries `host:port` or `NAME=host:port`, split at commas. Raises EnvError."""
    doors = set()
    for entry in env_list(name):
        whose, is_named, door = entry.rpartition("=")
        if not _DOOR.fullmatch(door):
            raise EnvError(f"{name} must hold entries like 10.0.0.7:8000, not {entry!r}")
        doors.add(f"{whose}{is_named}{door.lower()}")
    return frozenset(doors)


def env_url(name: str, default: str = "") -> str:
    """Return a server's http or https URL, or the default. Raises EnvError."""
    url = env_str(name, default)
    if url and not _URL.fullmatch(url):
        raise EnvError(f"{name} must be like https://s3.example.com:9000, not {url!r}")
    return url


def env_authorities(name: str) -> str:
    """Return the path of a file with authorities' certificates, or "". Raises EnvError."""
    path = env_str(name)
    if not path:
        return ""
    try:
        ssl.create_default_context(cafile=path)
    except OSError as error:
        raise EnvError(f"{name} must be a file of certificates, not {path!r}: {error}") from None
    return path


def env_log_level(name: str) -> str:
    """Return a level of Python's logging, by default INFO. Raises EnvError."""
    level = env_str(name, "INFO").upper()
    known = logging.getLevelNamesMapping()
    if level not in known:
        raise EnvError(f"{name} must be one of {', '.join(known)}, not {level!r}")
    return level


def env_secret(name: str, default: str = "") -> str:
    """Return NAME or the content of the file NAME_FILE. Raises EnvError for a bad file."""
    path = env_str(f"{name}_FILE")
    if not path:
        return env_str(name, default)
    try:
        secret = Path(path).read_text(encoding="utf-8").strip()
    except OSError as error:
        raise EnvError(f"{name}_FILE cannot be read: {error}") from None
    if not secret:
        raise EnvError(f"{name}_FILE is empty: {path}")
    return secret


def env_secrets(name: str) -> list[str]:
    """Return `env_secret` split at commas: the newest first, then older ones still accepted."""
    return [item.strip() for item in env_secret(name).split(",") if item.strip()]


def env_fernet_keys(name: str) -> list[str]:
    """Return `env_secret` split at blanks: Fernet keys, newest first. Raises EnvError.

    No message repeats a key.
    """
    keys = env_secret(name).split()
    for place, key in enumerate(keys, start=1):
        try:
            is_one = len(base64.urlsafe_b64decode(key)) == _FERNET_BYTES
        except ValueError:
            is_one = False
        if not is_one:
            raise EnvError(f"{name}: key {place} of {len(keys)} is not a Fernet key")
    return keys


def env_database(name: str, default: str, *, options: Mapping[str, object]) -> dict[str, object]:
    """Return NAME, or the file NAME_FILE, as Django's settings of a PostgreSQL database.

    The form is `postgresql://user:password@host:port/name?sslmode=…`, percent-encoded where needed.
    A host may be the folder of a Unix socket. There may be several, `a:5432,b:5432` or `?host=a,b`,
    which libpq tries in turn. The URL's options are libpq's and override `options`. Raises
    EnvError, whose message repeats no part of the URL, because it holds the password.
    """
    url = env_secret(name, default)
    if url.partition("://")[0].lower() not in {"postgres", "postgresql"}:
        raise EnvError(f"{name} must begin with postgresql://")
    try:
        url, hosts = _apart_from_hosts(url)
        config = dj_database_url.parse(url)
    except ValueError:
        raise EnvError(
            f"{name} cannot be read: special characters in its parts must be percent-encoded"
        ) from None
    chosen = config.get("OPTIONS", {})
    port = config["PORT"] or chosen.pop("port", 5432)
    return {**config, "PORT": str(port), **hosts, "OPTIONS": {**options, **chosen}}


def _apart_from_hosts(url: str) -> tuple[str, dict[str, str]]:
    """Remove several hosts, which only PostgreSQL's URLs may have; return URL and libpq's lists.

    Raises ValueError for an invalid host or port.
    """
    scheme, _, rest = url.partition("://")
    authority = re.split("[/?#]", rest, maxsplit=1)[0]
    account, at, places = authority.rpartition("@")
    if "," not in places:
        return url, {}
    each = [urlsplit(f"//{place}") for place in places.split(",")]
    hosts = {
        "HOST": ",".join(unquote(place.hostname or "") for place in each),
        "PORT": ",".join(str(place.port or 5432) for place in each),
    }
    return f"{scheme}://{account}{at}{rest.removeprefix(authority)}", hosts


def env_mail(name: str) -> dict[str, Any]:
    """Return NAME, or the file NAME_FILE, as Django's settings of a mail server; empty if unset.

    The form is `smtp://user:password@host:587/?tls=True`, percent-encoded where needed. Raises
    EnvError, whose message repeats no part of the URL.
    """
    url = env_secret(name)
    if not url:
        return {}
    try:
        config = dj_email_url.parse(url)
    except ValueError:
        config = {}
    if "EMAIL_BACKEND" not in config:
        raise EnvError(f"{name} cannot be read: it must be like smtp://user:password@host:587/")
    return dict(config)


def env_dollars(name: str, default: str, *, least: int = 0) -> int:
    """Return the variable, an amount in dollars, as micros, `least` or more. Raises EnvError."""
    raw = env_str(name, default)
    try:
        micros = Decimal(raw) * 1_000_000
    except InvalidOperation:
        raise EnvError(f"{name} must be an amount in dollars, not {raw!r}") from None
    if not micros.is_finite() or micros < 0 or micros != int(micros):
        raise EnvError(f"{name} must be an amount in dollars of up to six places, not {raw!r}")
    if micros < least:
        raise EnvError(f"{name} must be more than 0, not {raw!r}")
    return int(micros)
