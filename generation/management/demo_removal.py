"""Removal of the demo data: its workspace is erased, and a new one without a past is made.

Transfers are append-only, so sealed facts stay: the past's money, sizes and times, under the id of
a suspended tenant without a name, as `tenant erase` leaves them. Prompts, tags, images, members and
keys go. The demo's API key and sign-in then open a workspace of the same name and balance.
"""

from dataclasses import replace
from datetime import datetime, timedelta

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction

from accounts import keys
from accounts.callers import caller_by_digest
from accounts.models import Tenant
from accounts.selectors.office.api_keys import api_key_by_id
from accounts.selectors.office.tenants import tenant_by_name_or_id
from accounts.services import Actor
from accounts.services.office.api_keys import rotate_api_key
from accounts.services.office.erasure import erase_tenant
from generation.management import seeding
from generation.management.history import surroundings
from generation.management.seeding import DEMO_TENANT, SeedOptions
from generation.models import Generation, Source
from generation.tenants.forgetting import forget_words
from pictor.kit.words import ids
from pictor.kit.words.ids import TenantId
from storage.selectors import kept_images_of
from storage.services import remove_images


def demo_data() -> tuple[int, int]:
    """The numbers of generations in the demo workspace: demo data, and others."""
    tenant = tenant_by_name_or_id(DEMO_TENANT)
    generations = Generation.objects.filter(tenant=tenant)
    marked = generations.filter(source=Source.DEMO).count()
    return marked, generations.count() - marked


def remove(options: SeedOptions, *, now: datetime, actor: Actor) -> None:
    """Erase the demo workspace and seed another, without a history. Safe to call again.

    Raises ValidationError if there is no demo data, while generations are under way, and while
    storage does not answer.
    """
    tenant = tenant_by_name_or_id(DEMO_TENANT)
    if tenant is not None:
        if not demo_data()[0]:
            raise ValidationError(f"there is no demo data in the workspace {DEMO_TENANT!r}")
        _forget(tenant, now)
        _take_key_away(options, TenantId(tenant.id), now, actor)
        surroundings.forget_channel_events()
        erase_tenant(tenant=tenant, confirmation=tenant.name, actor=actor, now=now)
    seeding.seed(replace(options, demo_history=False))


def _forget(tenant: Tenant, now: datetime) -> None:
    """Erase words and images of the demo data, in one go: one by one would take a while.

    Images that storage does not remove now are left to the hourly work.
    """
    generations = Generation.objects.filter(tenant=tenant, source=Source.DEMO, deleted_at=None)
    marked = list(generations.values_list("id", flat=True))
    with transaction.atomic():
        forget_words(marked, now=now)
        generations.update(deleted_at=now)
    for generation_id in {image.generation_id for image in kept_images_of(marked)}:
        remove_images(generation_id, now=now)


def _take_key_away(options: SeedOptions, tenant_id: TenantId, now: datetime, actor: Actor) -> None:
    """Replace the demo key's secret by an unknown one, so that its own opens the next workspace.

    A revoked key stays unchanged, and opens nothing.
    """
    digests = keys.digests(options.demo_api_key, settings.KEY_PEPPER, settings.OLD_KEY_PEPPERS)
    caller = caller_by_digest(*digests) if options.demo_api_key else None
    if caller is None or caller.tenant_id != tenant_id or caller.revoked_at is not None:
        return
    key = api_key_by_id(ids.public(ids.KEY, caller.key_id))
    if key is not None:
        rotate_api_key(key=key, overlap=timedelta(), now=now, actor=actor)
