"""This app's data about tenants: `accounts.holdings.Holdings`, plugged in by `apps.py`."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from itertools import islice
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db.models import Q, QuerySet

from generation.models import (
    FINAL,
    Attempt,
    Generation,
    IdempotencyRecord,
    RefusedRequest,
    TaggedDay,
)
from generation.tenants.forgetting import forget
from pictor.kit.database.row_pages import PAGE_ROWS, in_pages
from storage.selectors import stored_images_of_tenant
from storage.services import ObjectMissing, StorageFailed, open_stream

_NOT_THEIRS = frozenset({"body_digest", "web_process", "worker_id", "channel_id", "priced"})
"""Columns about how the work was done, or with only a digest."""


def tables(tenant_id: UUID) -> Iterator[tuple[str, Iterator[Mapping[str, Any]]]]:
    """Yield generations, their attempts and images, idempotency keys, refusals, usage by tag."""
    columns = [
        field.attname
        for field in Generation._meta.concrete_fields  # noqa: SLF001 - Django's way to columns
        if field.attname not in _NOT_THEIRS
    ]
    generations = Generation.objects.filter(tenant_id=tenant_id)
    yield "generations", in_pages(generations.values(*columns))
    yield "attempts", _attempts(generations)
    records = IdempotencyRecord.objects.filter(tenant_id=tenant_id)
    shown = records.values("key", "generation_id", "created_at")
    yield "idempotency_keys", in_pages(shown, by="key")
    yield "images", stored_images_of_tenant(tenant_id)
    refused = RefusedRequest.objects.filter(caller=tenant_id).values()
    yield "refused_requests", in_pages(refused)
    yield "usage_by_tag", in_pages(TaggedDay.objects.filter(tenant_id=tenant_id).values())


def files(tenant_id: UUID) -> Iterator[tuple[str, Iterator[bytes]]]:
    """Yield images and reference images still on storage, by their object keys."""
    generations = Generation.objects.filter(tenant_id=tenant_id).exclude(inputs=[])
    for row in in_pages(generations.values("id", "inputs")):
        for reference in row["inputs"]:
            if "key" in reference:
                yield from _file(reference["key"])
    for image in stored_images_of_tenant(tenant_id):
        if image["deleted_at"] is None:
            yield from _file(image["object_key"])


def _attempts(generations: QuerySet[Generation]) -> Iterator[Mapping[str, Any]]:
    generation_ids = (row["id"] for row in in_pages(generations.values("id")))
    while batch := list(islice(generation_ids, PAGE_ROWS)):
        attempts = Attempt.objects.filter(generation_id__in=batch)
        yield from attempts.order_by("generation_id", "dispatch", "number").values(
            "generation_id", "dispatch", "number", "started_at", "finished_at"
        )


def _file(key: str) -> Iterator[tuple[str, Iterator[bytes]]]:
    """Yield the object, or nothing if it is gone by now. Raises OSError."""
    try:
        with open_stream(key) as stream:
            yield key, stream.chunks()
    except ObjectMissing:
        return
    except StorageFailed as error:
        raise OSError(f"storage does not answer: {error}") from error


def erase(*, tenant_id: UUID, now: datetime) -> None:
    """Forget every generation of a tenant. Raises ValidationError: see Holdings."""
    generations = Generation.objects.filter(tenant_id=tenant_id)
    _refuse_under_way(generations)
    IdempotencyRecord.objects.filter(tenant_id=tenant_id).delete()
    RefusedRequest.objects.filter(caller=tenant_id).delete()
    left = 0  # their images are due for the hourly work in any case
    try:
        kept = generations.filter(_IS_KEPT, state__in=FINAL)
        for generation in in_pages(kept):
            left += not forget(generation, now=now)
    except StorageFailed as error:
        raise ValidationError(f"storage does not answer: {error}; try again") from None
    if left:
        raise ValidationError(f"objects of {left} generations could not be removed; try again")
    _refuse_under_way(generations)  # for requests admitted just as the tenant was shut


def _refuse_under_way(generations: QuerySet[Generation]) -> None:
    under_way = generations.exclude(state__in=FINAL).count()
    if under_way:
        raise ValidationError(
            f"{under_way} generations are still under way; nothing new is taken: try again soon"
        )


_IS_KEPT = Q(deleted_at=None) | ~Q(inputs=[])
