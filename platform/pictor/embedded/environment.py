"""The environment of every part: the operator's variables and the embedded default's additions.

A part is embedded only if its URL is not set. The operator's variables override our defaults, but
not the values that parts must share: addresses, folders, the embedded S3 server's bucket and key.
"""

import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass, fields

from pictor.embedded.layout import Layout

DEMO_EMAIL = "demo@pictor.local"
BUCKET = "pictor"
CARD_KEY = "sk_test_sandbox"
"""The sandbox's Stripe takes any test key."""


def is_set(environ: Mapping[str, str], name: str) -> bool:
    """True if the variable, or the file that holds its value, is configured."""
    return bool(environ.get(name, "").strip() or environ.get(f"{name}_FILE", "").strip())


@dataclass(frozen=True, kw_only=True)
class Embedded:
    """The parts that we start; the operator has configured the others."""

    postgres: bool
    valkey: bool
    s3: bool
    sandbox: bool

    @classmethod
    def of(cls, environ: Mapping[str, str]) -> "Embedded":
        """Read from the environment of `run`."""
        return cls(
            postgres=not is_set(environ, "DATABASE_URL"),
            valkey=not is_set(environ, "REDIS_URL"),
            s3=not is_set(environ, "S3_ENDPOINT_URL"),
            sandbox=not is_set(environ, "SANDBOX_URL"),
        )

    @property
    def names(self) -> list[str]:
        """Names of the parts that we start."""
        return [part.name for part in fields(self) if getattr(self, part.name)]


def base_environment(
    layout: Layout, secrets: Mapping[str, str], environ: Mapping[str, str] = os.environ
) -> dict[str, str]:
    """Return the operator's environment with our defaults and the values that parts must share."""
    # That variable is for the supervisor: its parts have a parent-death signal anyway.
    env = {name: value for name, value in environ.items() if name != "PICTOR_STOP_WITH_PARENT"}
    defaults = {
        "ALLOWED_HOSTS": f"localhost,127.0.0.1,[::1],{socket.gethostname()}",
        "DJANGO_SETTINGS_MODULE": "pictor.settings",
        "MALLOC_ARENA_MAX": "1",  # threads share the interpreter's lock; each arena takes 2 MB
        "PICTOR_DEMO_EMAIL": DEMO_EMAIL,
        "PICTOR_SITE_URL": layout.base_url,
        "PICTOR_STAFF_MFA": "0",  # the printed sign-in works at once
        **{name: value for name, value in secrets.items() if name.isupper()},
    }
    if not is_set(environ, "PICTOR_METRICS_TOKEN"):
        defaults["PICTOR_METRICS_NETWORKS"] = "127.0.0.0/8,::1"  # only for this machine
    env.update({name: value for name, value in defaults.items() if not is_set(environ, name)})
    env.update(
        {
            "PICTOR_EMBEDDED": "1",
            "PICTOR_EMBEDDED_PARTS": ",".join(Embedded.of(environ).names),
            "PORT": str(layout.port),
            "PICTOR_HOST": layout.host,
            "PICTOR_DATA": str(layout.data),
            "PICTOR_RUN_DIR": str(layout.run),
            "PICTOR_DEMO_BASE_URL": layout.base_url,
            "PYTHONPATH": os.pathsep.join([str(layout.root), str(layout.root / "platform")]),
            "PYTHONUNBUFFERED": "1",
        }
    )
    return env


def allow(env: dict[str, str], entry: str) -> None:
    """Add a `host:port` to the private addresses that may be called, by webhooks too."""
    for name in ("PICTOR_EGRESS_ALLOW", "PICTOR_WEBHOOK_ALLOW"):
        entries = [word.strip() for word in env.get(name, "").split(",")]
        env[name] = ",".join([word for word in entries if word] + [entry])


def add_cards(env: dict[str, str], layout: Layout, *, sandbox: str, secret: str) -> dict[str, str]:
    """Let cards be charged at the sandbox; return the variables that its Stripe needs.

    The pages on which customers pay are passed through the site's origin.
    """
    pages = env["PICTOR_SITE_URL"]
    env |= {
        "PICTOR_STRIPE_SECRET_KEY": CARD_KEY,
        "PICTOR_STRIPE_WEBHOOK_SECRET": secret,
        "PICTOR_STRIPE_API": sandbox,
        "PICTOR_CARD_PAGES": pages,
    }
    return {
        "CARDS_PAGES": pages,
        "CARDS_WEBHOOK_URL": f"{layout.base_url}/payments/stripe",
        "CARDS_WEBHOOK_SECRET": secret,
    }
