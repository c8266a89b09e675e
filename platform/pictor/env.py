"""Typed readers of the environment, for settings.py and whatever else reads a variable.

A secret is read from NAME, or from the file that NAME_FILE names (as container platforms mount
them). A value that cannot be read stops the start with the variable's name; a secret is not quoted.
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


class EnvError(SystemExit):
    """A setting that cannot be understood: ends the process with one clear line."""


def env_str(name: str, default: str = "") -> str:
    """The variable, stripped; the default where it is absent or empty."""
    return os.environ.get(name, "").strip() or default


def env_bool(name: str, *, default: bool = False) -> bool:
    """The variable as a boolean; a misspelt one stops the start."""
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
    """One of these words, the first by default; another one stops the start."""
    word = env_str(name, default)
    if word not in {default, *others}:
        raise EnvError(f"{name} must be {' or '.join([default, *others])}, not {word!r}")
    return word


def env_int(name: str, default: int, *, least: int = 1) -> int:
    """The variable as an integer, no smaller one; anything else stops the start."""
    raw = env_str(name)
    if not raw:
        return default
    try:
        found = int(raw)
    except ValueError:
        raise EnvError(f"{name} must be a whole number, not {raw!r}") from None
    if found < least:
        raise EnvError(f"{name} must be {least} or more, not {raw!r}")
    return found


def env_list(name: str, default: str = "") -> list[str]:
    """The variable split at commas, blanks dropped."""
    return [item.strip() for item in env_str(name, default).split(",") if item.strip()]


def env_networks(name: str) -> list[ipaddress.IPv4Network | ipaddress.IPv6Network]:
    """The variable as addresses and networks, split at commas; a misspelt one stops the start."""
    try:
        return [ipaddress.ip_network(item, strict=False) for item in env_list(name)]
    except ValueError as error:
        raise EnvError(f"{name} must hold addresses or networks: {error}") from None


def env_doors(name: str) -> frozenset[str]:
    """Entries `host:port` or `NAME=host:port`, split at commas: any other would open nothing."""
    found = set()
    for entry in env_list(name):
        whose, is_named, door = entry.rpartition("=")
        if not _DOOR.fullmatch(door):
            raise EnvError(f"{name} must hold entries like 10.0.0.7:8000, not {entry!r}")
        found.add(f"{whose}{is_named}{door.lower()}")
    return frozenset(found)


def env_url(name: str, default: str = "") -> str:
    """The http or https address of a server; without one, the default."""
    url = env_str(name, default)
    if url and not _URL.fullmatch(url):
        raise EnvError(f"{name} must be like https://s3.example.com:9000, not {url!r}")
    return url


def env_authorities(name: str) -> str:
    """The path of a file with certificates of authorities, or none; any other stops the start."""
    path = env_str(name)
    if not path:
        return ""
    try:
        ssl.create_default_context(cafile=path)
    except OSError as error:
        raise EnvError(f"{name} must be a file of certificates, not {path!r}: {error}") from None
    return path


def env_log_level(name: str) -> str:
    """A level of Python's logging, INFO unless told otherwise."""
    level = env_str(name, "INFO").upper()
    known = logging.getLevelNamesMapping()
    if level not in known:
        raise EnvError(f"{name} must be one of {', '.join(known)}, not {level!r}")
    return level


def env_secret(name: str, default: str = "") -> str:
    """NAME, or the contents of the file NAME_FILE; an unreadable or empty one stops the start."""
    path = env_str(f"{name}_FILE")
    if not path:
        return env_str(name, default)
    try:
        found = Path(path).read_text(encoding="utf-8").strip()
    except OSError as error:
        raise EnvError(f"{name}_FILE cannot be read: {error}") from None
    if not found:
        raise EnvError(f"{name}_FILE is empty: {path}")
    return found


def env_secrets(name: str) -> list[str]:
    """`env_secret` split at commas, blanks dropped: the newest first, then those still honoured."""
    return [item.strip() for item in env_secret(name).split(",") if item.strip()]


def env_fernet_keys(name: str) -> list[str]:
    """`env_secret` split at blanks: keys of Fernet, newest first. No message repeats one."""
    found = env_secret(name).split()
    for place, key in enumerate(found, start=1):
        try:
            is_one = len(base64.urlsafe_b64decode(key)) == _FERNET_BYTES
        except ValueError:
            is_one = False
        if not is_one:
            raise EnvError(f"{name}: number {place} of {len(found)} is no Fernet key")
    return found


def env_database(name: str, default: str, *, options: Mapping[str, object]) -> dict[str, object]:
    """NAME, or the file NAME_FILE, as Django's settings of a PostgreSQL database.

    `postgresql://user:password@host:port/name?sslmode=…`, each part percent-encoded where it must
    be; a host may be the folder of a Unix socket. There may be several, `a:5432,b:5432` or
    `?host=a,b`, which libpq tries in turn. The URL's options are libpq's and win over `options`.
    No message repeats any part of the URL: its password is in there.
    """
    url = env_secret(name, default)
    if url.partition("://")[0].lower() not in {"postgres", "postgresql"}:
        raise EnvError(f"{name} must begin with postgresql://")
    try:
        url, hosts = _apart_from_hosts(url)
        found = dj_database_url.parse(url)
    except ValueError:
        raise EnvError(
            f"{name} cannot be read: special characters in its parts must be percent-encoded"
        ) from None
    chosen = found.get("OPTIONS", {})
    port = found["PORT"] or chosen.pop("port", 5432)
    return {**found, "PORT": str(port), **hosts, "OPTIONS": {**options, **chosen}}


def _apart_from_hosts(url: str) -> tuple[str, dict[str, str]]:
    """The URL without several hosts, which no URL has but PostgreSQL's, and they as libpq's lists.

    Raises ValueError for what is no host and port.
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
    """NAME, or the file NAME_FILE, as Django's settings of a mail server; empty without one.

    `smtp://user:password@host:587/?tls=True`, each part percent-encoded where it must be. No
    message repeats any part of it.
    """
    url = env_secret(name)
    if not url:
        return {}
    try:
        found = dj_email_url.parse(url)
    except ValueError:
        found = {}
    if "EMAIL_BACKEND" not in found:
        raise EnvError(f"{name} cannot be read: it must be like smtp://user:password@host:587/")
    return dict(found)


def env_dollars(name: str, default: str, *, least: int = 0) -> int:
    """The variable as an amount in dollars; its micros, no fewer than `least`."""
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
