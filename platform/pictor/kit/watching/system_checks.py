"""System checks of settings that depend on each other, and of required secrets.

`manage.py check` and `migrate` run them. A starting server only looks for missing secrets and
unusable URLs.
"""

import logging
import re
from importlib.util import find_spec
from itertools import pairwise
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register
from django.core.checks import Warning as Caution
from django.core.exceptions import ImproperlyConfigured

logger = logging.getLogger(__name__)

OF_S3 = ("S3_ACCESS_KEY_ID", "S3_SECRET_ACCESS_KEY")
"""Secrets that are not required if S3_CREDENTIALS is "chain"."""
SECRETS = (
    *("SECRET_KEY", "PICTOR_KEY_PEPPER", "PICTOR_OBJECT_KEY_SECRET", "PICTOR_LEDGER_KEY"),
    *("PICTOR_ENCRYPTION_KEYS", *OF_S3),
)
"""Names in the environment; the settings have the same names without PICTOR_."""

SHORTEST_TOKEN = 24

_CARD_KEY = re.compile(r"[rs]k_(live|test)_\w+")
_MOST_DOLLARS = 999_999
"""The most that the payment provider charges at once."""

OPERATOR = ("OPERATOR_NAME", "OPERATOR_PLACE", "OPERATOR_CONTACT")


@register(Tags.security)
def waits_are_nested(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Check that each wait ends inside the one around it: generation < caller < SDK.

    A call to an upstream needs no check: dispatch gives it only the rest of its generation's time.
    """
    waits = [
        ("GENERATION_DEADLINE_SECONDS", settings.GENERATION_DEADLINE_SECONDS),
        ("WAIT_LIMIT_SECONDS", settings.WAIT_LIMIT_SECONDS),
        ("SDK_TIMEOUT_SECONDS", settings.SDK_TIMEOUT_SECONDS),
    ]
    return [
        Error(f"{inner} ({shorter} s) must be below {outer} ({longer} s)", id="pictor.E001")
        for (inner, shorter), (outer, longer) in pairwise(waits)
        if shorter >= longer
    ]


def refuse_to_serve() -> None:
    """Raise SystemExit with one clear line if a secret is missing or a URL is unusable.

    Warns if the server has the password of the tables' owner, who may rewrite the ledger.
    """
    checks = (secrets_are_set, addresses_can_be_used, images_can_be_signed, cards_are_safe)
    wrong = [error.msg for check in checks for error in check(None)]
    if wrong:
        raise SystemExit(f"{'; '.join(wrong)}. See docs/operations/settings.md.")
    if settings.MIGRATION_DATABASE is not None:
        logger.warning(
            "MIGRATION_DATABASE_URL is set for a serving process, which could rewrite the ledger"
            " with it: set it only for `migrate` and `seed --migrate`"
        )


@register(Tags.security)
def secrets_are_set(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Check that every secret is set, since none has a default."""
    unwanted = OF_S3 if settings.S3_CREDENTIALS == "chain" else ()
    return [
        Error(f"{name} is not set", hint="See docs/operations/settings.md.", id="pictor.E002")
        for name in SECRETS
        if name not in unwanted and not _value_of(name.removeprefix("PICTOR_"))
    ]


@register(Tags.security, deploy=True)
def addresses_can_be_used(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Check the URLs of Redis and broker, or the first to fail is the bell for accepted work."""
    from pictor.kit.redis import client as redis_client  # noqa: PLC0415 - no operator's command needs it

    return [
        Error(
            f"{name} is not a usable Redis address",
            hint="It must be like rediss://user:password@host:6379/0."
            " See docs/operations/settings.md.",
            id="pictor.E003",
        )
        for name in redis_client.unusable()
    ]


@register(Tags.security)
def images_can_be_signed(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Check certificate and key, since without them images would lack their signatures."""
    if not (settings.C2PA_CERTIFICATE or settings.C2PA_KEY):
        return []
    from pictor.kit.secrets.signing_identity import read_identity  # noqa: PLC0415 - few sign

    try:
        read_identity(settings.C2PA_CERTIFICATE, settings.C2PA_KEY)
        wrong = "" if find_spec("c2pa") else "PICTOR_C2PA_CERTIFICATE needs pictor[c2pa] installed"
    except ValueError as error:
        wrong = str(error)
    return [Error(wrong, hint="See docs/content-credentials.md.", id="pictor.E004")] * bool(wrong)


@register(Tags.security)
def cards_are_safe(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Check the payment provider's key and origins: a test card must not buy real images."""
    if not settings.STRIPE_SECRET_KEY:
        return []
    is_key = _CARD_KEY.fullmatch(settings.STRIPE_SECRET_KEY)
    is_test = is_key is not None and is_key[1] == "test"
    wrong = []
    if not is_key:
        wrong = ["PICTOR_STRIPE_SECRET_KEY is no secret or restricted key (sk_… or rk_…)"]
    elif settings.EMBEDDED and not is_test:
        wrong = ["PICTOR_STRIPE_SECRET_KEY is a live key, and `make run` takes only test keys"]
    elif is_test and not (settings.EMBEDDED or settings.STRIPE_TEST_HERE):
        wrong = ["PICTOR_STRIPE_SECRET_KEY is a test key: its cards would buy real images"]
    if not settings.TOP_UP_LEAST <= settings.TOP_UP_MOST <= _MOST_DOLLARS:
        most = f"PICTOR_TOP_UP_MOST, and that at most {_MOST_DOLLARS}"
        wrong.append(f"PICTOR_TOP_UP_LEAST must be at most {most}")
    named = {"PICTOR_STRIPE_API": [settings.STRIPE_API], "PICTOR_CARD_PAGES": settings.CARD_PAGES}
    wrong += [
        f"{name} must hold origins like https://checkout.stripe.com, not {url!r}"
        for name, urls in named.items()
        for url in urls
        if not _is_origin(url, plain=is_test)
    ]
    return [Error(each, hint="See docs/cards.md.", id="pictor.E005") for each in wrong]


def _is_origin(url: str, *, plain: bool) -> bool:
    """True if a URL is an origin; by plain http, as in a sandbox, only if `plain`."""
    parts = urlsplit(url)
    is_whole = url == f"{parts.scheme}://{parts.netloc}" and bool(parts.hostname)
    return (
        is_whole and "@" not in url and parts.scheme in ({"http", "https"} if plain else {"https"})
    )


@register(Tags.security, deploy=True)
def operator_is_named(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Check that the operator is named, as a public site's terms and privacy notice must."""
    return [
        Caution(
            f"PICTOR_{name} is not set",
            hint="The terms and the privacy notice need it. See docs/operations/settings.md.",
            id="pictor.W001",
        )
        for name in OPERATOR
        if not getattr(settings, name)
    ]


@register(Tags.security, deploy=True)
def metrics_token_is_long(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Check the token's length, since nothing limits guesses at it."""
    if not settings.METRICS_TOKEN or len(settings.METRICS_TOKEN) >= SHORTEST_TOKEN:
        return []
    return [
        Caution(
            f"PICTOR_METRICS_TOKEN has fewer than {SHORTEST_TOKEN} characters",
            hint="python -c 'import secrets; print(secrets.token_urlsafe(48))'",
            id="pictor.W002",
        )
    ]


@register(Tags.security, deploy=True)
def preload_has_subdomains(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Check HSTS: browsers' preload lists reject a header without includeSubDomains."""
    if not settings.SECURE_HSTS_PRELOAD or settings.SECURE_HSTS_INCLUDE_SUBDOMAINS:
        return []
    return [
        Caution(
            "PICTOR_HSTS_PRELOAD needs PICTOR_HSTS_SUBDOMAINS",
            hint="https://hstspreload.org",
            id="pictor.W003",
        )
    ]


def _value_of(name: str) -> Any:
    try:
        return getattr(settings, name)
    except ImproperlyConfigured:  # Django raises it for an empty SECRET_KEY
        return None
