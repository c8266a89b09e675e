"""Reads of generations, always by tenant, and the process's snapshot of the configuration.

The snapshot is loaded once per revision: every look-up of a key or claim of a generation brings
the database's present revision along, and a snapshot of another one is replaced first. So a
channel that was disabled is unused by every request sent after the command returned.
"""

import threading
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from uuid import UUID

from cryptography.fernet import Fernet, MultiFernet
from django.conf import settings
from django.db.models import QuerySet

from accounts.selectors import config_revision
from billing.pricing import PriceTable
from billing.selectors import current_table
from generation import catalogue
from generation.catalogue import Catalogue, RouteInfo
from generation.models import FINAL, Contract, Generation, Route
from pictor.kit import clock, ids
from pictor.kit.ids import GenerationId, TenantId
from storage.models import StoredImage


@dataclass(frozen=True, slots=True)
class Finished:
    """A generation and its stored images in order: all that an answer is rendered from."""

    generation: Generation
    images: tuple[StoredImage, ...] = ()


def generations_of(tenant_id: TenantId | UUID) -> QuerySet[Generation]:
    """The one scope every tenant's read goes through, newest first."""
    return Generation.objects.filter(tenant_id=tenant_id).order_by("-id")


def generation_of(tenant_id: TenantId | UUID, generation_id: UUID) -> Finished | None:
    """One of the tenant's generations; another tenant's is as unknown as none."""
    generation = generations_of(tenant_id).filter(id=generation_id).first()
    return with_images([generation])[0] if generation else None


def finished_among(ids: Collection[UUID]) -> list[Finished]:
    """Those of the given generations that are final, with their images. Two queries."""
    rows = Generation.objects.filter(id__in=list(ids), state__in=FINAL)
    return with_images(rows)


def with_images(generations: Iterable[Generation]) -> list[Finished]:
    """Each generation with its stored images, in the images' order."""
    rows = list(generations)
    images: dict[UUID, list[StoredImage]] = {}
    with_any = [row.id for row in rows if row.state == "succeeded"]
    if with_any:
        stored = StoredImage.objects.filter(generation_id__in=with_any, deleted_at=None)
        for image in stored.order_by("generation_id", "index"):
            images.setdefault(image.generation_id, []).append(image)
    return [Finished(row, tuple(images.get(row.id, ()))) for row in rows]


# --- the snapshot -----------------------------------------------------------------------------

_lock = threading.Lock()
_loaded = Catalogue(revision=-1)


def catalogue_at(revision: int) -> Catalogue:
    """The snapshot of that revision; loads the present one when this process has another."""
    global _loaded  # noqa: PLW0603 - one snapshot a process, replaced whole under the lock
    if _loaded.revision != revision:
        with _lock:
            if _loaded.revision != revision:
                _loaded = _load()
    return _loaded


def current_catalogue() -> Catalogue:
    """The snapshot of the present revision."""
    return catalogue_at(config_revision())


@lru_cache(maxsize=1024)
def _prices_at(revision: int, tenant_id: UUID) -> PriceTable:
    return current_table(tenant_id, clock.now())


def prices_at(revision: int, tenant_id: UUID, *, now: datetime) -> PriceTable:
    """The tenant's prices at a revision of the configuration; read once, until they change."""
    table = _prices_at(revision, tenant_id)
    if table.valid_until is not None and table.valid_until <= now:
        _prices_at.cache_clear()
        table = _prices_at(revision, tenant_id)
    return table


def _load() -> Catalogue:
    revision = config_revision()  # first: what changes while we read is then read again
    contracts = {row["model"]: catalogue.contract_from(row) for row in Contract.objects.values()}
    return Catalogue(revision=revision, contracts=contracts, routes=_routes())


def _routes() -> Mapping[str, tuple[RouteInfo, ...]]:
    rows = Route.objects.select_related("channel").filter(channel__is_enabled=True)
    routes: dict[str, list[RouteInfo]] = {}
    for row in rows.order_by("channel__priority", "channel__name"):
        routes.setdefault(row.contract_id, []).append(_route_info(row))
    return {model: tuple(found) for model, found in routes.items()}


def _route_info(row: Route) -> RouteInfo:
    channel = row.channel
    sizes = row.sizes if row.sizes is not None else channel.sizes
    return RouteInfo(
        channel_id=channel.pk,
        channel_name=channel.name,
        kind=channel.kind,
        base_url=channel.base_url,
        api_key=decrypted(channel.credentials),
        priority=channel.priority,
        weight=channel.weight,
        timeout_seconds=channel.timeout_seconds,
        max_concurrency=channel.max_concurrency,
        reset_count=channel.reset_count,
        model=row.contract_id,
        upstream_model=row.upstream_model,
        native_sizes=None if sizes is None else frozenset(sizes),
        quality_map=dict(row.quality_map),
        ignored_fields=frozenset(channel.ignored_fields),
        allows_exact_crop=channel.allows_exact_crop,
        allows_redispatch=channel.allows_redispatch,
        retry_is_free=channel.retry_is_free,
        class_overrides={int(code): name for code, name in channel.class_overrides.items()},
        cost_micros=row.cost_micros,
    )


def _fernet() -> MultiFernet:
    return MultiFernet([Fernet(key) for key in settings.ENCRYPTION_KEYS])


def encrypted(secret: str) -> str:
    """A channel's credential as it is stored; the newest key encrypts."""
    return _fernet().encrypt(secret.encode()).decode() if secret else ""


def decrypted(stored: str) -> str:
    """The credential behind a stored one. Raises cryptography's InvalidToken for a foreign key."""
    return _fernet().decrypt(stored.encode()).decode() if stored else ""


def generation_id_of(text: str) -> GenerationId | None:
    """'gen_…' or a plain UUID to the id, None for anything else (operators may type either)."""
    found = ids.parse(ids.GENERATION, text)
    if found is None:
        try:
            found = UUID(text)
        except ValueError:
            return None
    return GenerationId(found)
