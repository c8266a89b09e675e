"""The initial content of an installation: contracts, prices; the sandbox channel, demo account.

Everything here creates missing rows and keeps operators' changes, except for the sandbox channel's
address and the demo user, which follow the environment. `seed` looks first and then works under a
lock, so it is cheap when there is nothing to do and safe to run twice at once. A demo workspace
that begins an empty ledger gets a past if requested (history/). Amounts are micro-USD. Raises
ValidationError for settings that cannot be honoured.
"""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from urllib.parse import urljoin, urlsplit

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction

from accounts import keys
from accounts.callers import caller_by_digest
from accounts.models import SCOPES, Tenant
from accounts.selectors import API_KEYS
from accounts.selectors.office.people import operator_of
from accounts.selectors.office.tenants import tenant_by_name_or_id
from accounts.services.office.api_keys import KeyRules, issue_api_key
from accounts.services.office.people import seed_operator
from accounts.services.office.tenants import create_tenant
from billing.selectors import has_price_books, without_price
from billing.selectors.office.balances import available_to, has_transfers
from billing.selectors.office.relations import PRICE_BOOKS
from billing.services.office.accounts import top_up
from billing.services.office.model_prices import FIRST_BOOK
from billing.services.office.prices import draft_price_book, publish_price_book
from generation.catalogue import services
from generation.catalogue.contracts import contract_from
from generation.catalogue.model_files import ModelFile
from generation.catalogue.services import ChannelOptions
from generation.models import Channel, Serves
from generation.oversight.daily_sales import add_sold
from generation.selectors import channel_by_name, contracts
from pictor.env import env_bool, env_secret, env_str
from pictor.kit.database import lock_numbers
from pictor.kit.database.cursors import first_row, run
from pictor.kit.words import clock
from pictor.kit.words.money import Micros
from webhooks.services import EndpointValues, create_endpoint, send_test

SEEDED = (
    *("dall-e-2", "dall-e-3", "gpt-image-1", "gpt-image-2"),
    *("gpt-image-2-pro", "gpt-image-2-auto", "gpt-image-2-origin"),
)
"""The models that every installation has; operators import others."""
ACTOR = "seed"
SANDBOX = "sandbox"
SANDBOX_PRIORITY = 100
DEMO_TENANT = "demo"
DEMO_BALANCE = Micros(100_000_000)

LOCK_AGAIN_SECONDS = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class SeedOptions:
    """The environment's requests beyond contracts and prices; empty for none."""

    sandbox_url: str = ""
    demo_api_key: str = field(default="", repr=False)
    demo_email: str = ""
    demo_password: str = field(default="", repr=False)
    demo_history: bool = False

    @classmethod
    def of_environment(cls) -> "SeedOptions":
        return cls(
            sandbox_url=env_str("SANDBOX_URL"),
            demo_api_key=env_secret("PICTOR_DEMO_API_KEY"),
            demo_email=env_str("PICTOR_DEMO_EMAIL"),
            demo_password=env_secret("PICTOR_DEMO_PASSWORD"),
            demo_history=env_bool("PICTOR_DEMO_HISTORY"),
        )

    @property
    def has_user(self) -> bool:
        """True if a user is requested, which takes both address and password."""
        return bool(self.demo_email and self.demo_password)

    @property
    def has_demo(self) -> bool:
        """True if a demo tenant is needed, for a key or a user."""
        return bool(self.demo_api_key) or self.has_user


@contextmanager
def alone() -> Iterator[None]:
    """Allow one seeding at a time in the whole database; waits without limit."""
    run("SET statement_timeout = 0; SET lock_timeout = 0")
    # Try instead of waiting: CREATE INDEX CONCURRENTLY waits for waiting statements in turn,
    # for ever.
    while first_row("SELECT pg_try_advisory_lock(%s)", [lock_numbers.SEEDING]) != (True,):
        time.sleep(LOCK_AGAIN_SECONDS)
    try:
        yield
    finally:
        run("SELECT pg_advisory_unlock(%s)", [lock_numbers.SEEDING])
        run("RESET statement_timeout; RESET lock_timeout")


def seed(options: SeedOptions) -> list[str]:
    """Create missing rows, in one transaction; returns descriptions of the work, [] for none."""
    if not _missing(options):
        return []
    with alone(), transaction.atomic():
        done = [*_contracts(), *_prices()]
        if options.sandbox_url:
            done += _sandbox(options.sandbox_url)
        if options.has_demo:
            done += _demo(options)
    if options.demo_history:
        add_sold()  # the past's sales, for pages opened within a minute
    return done


# One query for nearly everything. Only the password needs a slow hash, so it comes last.
_LOOK = f"""
SELECT (SELECT count(*) FROM generation_contract WHERE model = ANY(%s)),
       EXISTS (SELECT FROM {PRICE_BOOKS} AS books),
       EXISTS (SELECT FROM generation_channel WHERE name = %s AND base_url = %s),
       EXISTS (SELECT FROM {API_KEYS} AS keys WHERE digest = ANY(%s))
"""  # noqa: S608 - built from constants


def _missing(options: SeedOptions) -> bool:
    models = [*SEEDED]
    sandbox_url = services.checked_base_url(options.sandbox_url) if options.sandbox_url else ""
    contracts, has_book, has_sandbox, has_key = first_row(
        _LOOK, [models, SANDBOX, sandbox_url, _digests(options)]
    )
    return not (
        contracts == len(models)
        and has_book
        and (has_sandbox or not options.sandbox_url)
        and (has_key or not options.demo_api_key)
        and (_has_user(options) or not options.has_user)
    )


def _has_user(options: SeedOptions) -> bool:
    user = operator_of(DEMO_TENANT, email=options.demo_email)
    return user is not None and user.check_password(options.demo_password)


def _digests(options: SeedOptions) -> list[bytes]:
    return keys.digests(options.demo_api_key, settings.KEY_PEPPER, settings.OLD_KEY_PEPPERS)


@cache
def seeded_models() -> Sequence[ModelFile]:
    return [services.shipped(model) for model in SEEDED]


def _contracts() -> list[str]:
    known = {contract.model for contract in contracts()}
    missing = []
    for file in seeded_models():
        if file.model not in known:
            cells = contract_from({"model": file.model, **file.columns}).price_keys
            is_priced = not without_price(cells, clock.now())
            offered = {**file.columns, "is_enabled": is_priced}
            services.set_contract(model=file.model, columns=offered, actor=ACTOR)
            missing.append(file.model)
    if not missing:
        return []
    sandbox = services.channel_named(SANDBOX)
    if sandbox is not None:  # it serves every model, new ones too
        models = [*services.describe(sandbox)["models"], *missing]
        _set_sandbox(sandbox, ChannelOptions(models=models))
    return [f"{len(missing)} contracts"]


def _prices() -> list[str]:
    if has_price_books():
        return []
    rows = [row for file in seeded_models() for row in file.prices]
    now = clock.now()
    book = draft_price_book(name=FIRST_BOOK, rows=rows, effective_from=now, actor=ACTOR)
    publish_price_book(book=book, actor=ACTOR, now=now)
    return [f"{len(rows)} prices"]


def _sandbox(base_url: str) -> list[str]:
    """Create the sandbox upstream's channel; a known one only follows the sandbox's address."""
    known = channel_by_name(SANDBOX)
    if known is not None and known.archived_at is not None:
        return []  # it was deleted, and stays deleted
    if known is None:
        options = ChannelOptions(
            base_url=base_url,
            api_key=SANDBOX,
            serves=Serves.BOTH if settings.EMBEDDED else Serves.LIVE,
            priority=SANDBOX_PRIORITY,
            models=(services.ALL,),
        )
    elif known.base_url != services.checked_base_url(base_url):
        options = ChannelOptions(base_url=base_url, api_key=SANDBOX)
    else:
        return []
    _set_sandbox(known, options)
    if settings.EMBEDDED:
        return ["the sandbox channel"]
    return ["the sandbox channel (to be enabled once `channel test sandbox` has passed)"]


def _set_sandbox(known: Channel | None, options: ChannelOptions) -> None:
    """Change the sandbox channel; it is enabled if it was or is new, but only if it is our own.

    A sandbox run elsewhere could be a vendor; and beside vendors, customers would be charged for a
    sandbox's images. So only an operator enables one that is not ours.
    """
    serves = known is None or known.is_enabled
    if known is not None and (settings.EMBEDDED or "base_url" in options):
        # It follows the environment without a test, so it is no pending revision.
        services.set_enabled(channel=known, is_enabled=False, actor=ACTOR, may_stop=True)
    channel, _ = services.set_channel(name=SANDBOX, options=options, actor=ACTOR)
    if serves and settings.EMBEDDED:
        # Drawn on this machine: nothing to buy, and not up yet for a test.
        services.set_enabled(
            channel=channel, is_enabled=True, actor=ACTOR, untested=True, is_ours=True
        )


def _demo_tenant(options: SeedOptions) -> Tenant:
    """Create the demo tenant; its balance is full even after the expenses of an invented past.

    The transfers of its past are dated by their events, not by their writing. So they may only be
    the first of all: no head of the ledger can have been kept before.
    """
    if not (options.demo_history and options.sandbox_url) or has_transfers():
        return create_tenant(
            name=DEMO_TENANT, opening_balance=DEMO_BALANCE, is_ours=True, actor=ACTOR
        )
    if not settings.EMBEDDED:
        raise ValidationError("PICTOR_DEMO_HISTORY works only in the embedded default")
    from generation.management.history import writing  # noqa: PLC0415 - needed once in a lifetime

    tenant = create_tenant(name=DEMO_TENANT, is_ours=True, actor=ACTOR)
    writing.write(tenant=tenant, now=clock.now(), actor=ACTOR)
    missing = Micros(DEMO_BALANCE - available_to(tenant.id))
    if missing > 0:
        top_up(tenant_id=tenant.id, amount=missing, reason="opening balance", actor=ACTOR)
    if urlsplit(options.sandbox_url).netloc in settings.WEBHOOK_ALLOW:
        values = EndpointValues(url=urljoin(options.sandbox_url, "/hooks"))
        endpoint, _ = create_endpoint(tenant=tenant, livemode=True, values=values, actor=ACTOR)
        send_test(endpoint=endpoint, now=clock.now())
    return tenant


def _demo(options: SeedOptions) -> list[str]:
    done = []
    tenant = tenant_by_name_or_id(DEMO_TENANT)
    if tenant is None:
        tenant = _demo_tenant(options)
        done.append("the demo tenant")
    if options.demo_api_key and caller_by_digest(*_digests(options)) is None:
        if not keys.is_well_formed(options.demo_api_key):
            raise ValidationError("PICTOR_DEMO_API_KEY is not a Pictor key")
        issue_api_key(
            tenant=tenant,
            name="demo",
            actor=ACTOR,
            rules=KeyRules(scopes=SCOPES),
            plaintext=options.demo_api_key,
        )
        done.append("the demo key")
    if options.has_user and not _has_user(options):
        seed_operator(
            email=options.demo_email,
            password=options.demo_password,
            tenant=tenant,
            actor=ACTOR,
            now=clock.now(),
        )
        done.append("the demo user")
    return done
