"""Reads of API keys, including revoked ones."""

from collections.abc import Collection
from uuid import UUID

from django.db.models import Count, OuterRef, QuerySet, Subquery, prefetch_related_objects
from django.db.models.expressions import BaseExpression
from typing_extensions import override

from accounts.models import ApiKey, Tenant
from pictor.kit.words import ids


def api_keys_among(ids: Collection[UUID]) -> dict[UUID, ApiKey]:
    return ApiKey.objects.in_bulk(list(ids))


def api_key_by_id(text: str, *, tenant_id: UUID | None = None) -> ApiKey | None:
    """The key with this public id (`key_…`) or UUID, optionally only in one tenant."""
    key_id = ids.parse_either(ids.KEY, text)
    if key_id is None:
        return None
    keys = ApiKey.objects.select_related("tenant").filter(id=key_id)
    return (keys if tenant_id is None else keys.filter(tenant_id=tenant_id)).first()


class _ByGroup(Subquery):
    """A subquery of grouped columns: grouped by itself, it would run for every row."""

    @override
    def get_group_by_cols(self) -> list[BaseExpression]:
        return []


def key_made_at(key_id: str) -> Subquery:
    """When the key was made, for a query grouped by its column `key_id`, which holds the id."""
    return _ByGroup(ApiKey.objects.filter(id=OuterRef(key_id)).values("created_at"))


def keys_by_id(key_ids: Collection[UUID]) -> list[ApiKey]:
    return list(ApiKey.objects.filter(id__in=key_ids))


def keys_staff_saw(tenant: Tenant) -> QuerySet[ApiKey]:
    """Opened keys of a customer whose secret was shown to somebody who is no member: staff."""
    keys = ApiKey.objects.filter(tenant=tenant, created_by__isnull=False, waits_for_owner=False)
    keys = keys.exclude(created_by__memberships__tenant=tenant)
    return keys.none() if tenant.is_ours else keys


def did_staff_see(key: ApiKey) -> bool:
    """True if it is one of `keys_staff_saw`."""
    return keys_staff_saw(key.tenant).filter(pk=key.pk).exists()


def api_keys_of(
    tenant_id: UUID,
    *,
    tests_only: bool = False,
    after: UUID | None = None,
    limit: int | None = None,
) -> list[ApiKey]:
    """A tenant's keys older than `after`, newest first, including revoked ones.

    Those that wait for an owner have been read with who made them.
    """
    keys = ApiKey.objects.filter(tenant_id=tenant_id).order_by("-id")
    if tests_only:
        keys = keys.filter(is_test=True)
    found = list((keys if after is None else keys.filter(id__lt=after))[:limit])
    prefetch_related_objects([key for key in found if key.waits_for_owner], "created_by")
    return found


def counted_keys_of(tenant_id: UUID, *, after: UUID | None, limit: int) -> tuple[list[ApiKey], int]:
    """Like `api_keys_of`, with the number of keys the tenant has; 0 if none is older than `after`.

    One query.
    """
    every = ApiKey.objects.filter(tenant_id=tenant_id)
    number = every.order_by().values("tenant_id").annotate(number=Count("id")).values("number")
    keys = every if after is None else every.filter(id__lt=after)
    rows = list(keys.annotate(of_tenant=Subquery(number)).order_by("-id")[:limit])
    return [*rows], rows[0].of_tenant if rows else 0
