"""Reads of tenants."""

from collections.abc import Collection
from uuid import UUID

from django.db.models import Exists, OuterRef, Q, QuerySet

from accounts.models import Membership, Tenant
from pictor.kit.words import ids


def tenants() -> list[Tenant]:
    return list(Tenant.objects.order_by("name"))


def tenant_by_id(tenant_id: UUID) -> Tenant:
    """The tenant. Raises Tenant.DoesNotExist."""
    return Tenant.objects.get(id=tenant_id)


def tenant_by_public_id(public_id: str) -> Tenant | None:
    """The tenant with this public id (`ten_…`)."""
    tenant_id = ids.parse(ids.TENANT, public_id)
    return None if tenant_id is None else Tenant.objects.filter(id=tenant_id).first()


def tenant_by_name_or_id(text: str) -> Tenant | None:
    """The tenant with this public id (`ten_…`), UUID or name; an id wins over a name."""
    tenant_id = ids.parse_either(ids.TENANT, text)
    tenant = tenant_id and Tenant.objects.filter(id=tenant_id).first()
    return tenant or Tenant.objects.filter(name=text).first()


def tenant_as_shown(text: str) -> Tenant | None:
    """Like `tenant_by_name_or_id`, and otherwise the only tenant with this title."""
    if (tenant := tenant_by_name_or_id(text)) is not None:
        return tenant
    titled = list(Tenant.objects.filter(title=text)[:2]) if text else []
    return titled[0] if len(titled) == 1 else None


def number_of_tenants() -> int:
    """The number of all tenants, erased ones included."""
    return Tenant.objects.count()


def tenants_with(condition: Exists) -> list[UUID]:
    """The ids of the tenants with such rows; their tenant is `OuterRef("id")`."""
    return list(Tenant.objects.filter(condition).values_list("id", flat=True))


def has_tenant(tenant_id: str) -> Exists:
    """Whether there is such a tenant, for a query whose column `tenant_id` holds its id."""
    return Exists(Tenant.objects.filter(id=OuterRef(tenant_id)))


def has_tenants() -> bool:
    """True if there is any tenant, erased ones included."""
    return Tenant.objects.exists()


def tenants_called(text: str, *, limit: int) -> list[Tenant]:
    return list(Tenant.objects.filter(_is_called(text)).order_by("name")[:limit])


def tenants_like(text: str) -> QuerySet[Tenant]:
    """The tenant with this public id, or those with this text in a name or an owner's address.

    All tenants for an empty text.
    """
    if not text:
        return Tenant.objects.all()
    if (tenant_id := ids.parse(ids.TENANT, text)) is not None:
        return Tenant.objects.filter(id=tenant_id)
    owners = Membership.objects.filter(role=Membership.Role.OWNER, user__email__icontains=text)
    return Tenant.objects.filter(_is_called(text) | Q(id__in=owners.values("tenant_id")))


def tenants_among(ids: Collection[UUID]) -> dict[UUID, Tenant]:
    return Tenant.objects.in_bulk(list(ids))


def prompt_retentions() -> list[tuple[UUID, int]]:
    """The tenants whose prompts are erased in time, each with the number of days they are kept."""
    limited = Tenant.objects.exclude(prompt_retention_days=None)
    return [(row.id, row.prompt_retention_days or 0) for row in limited]


def _is_called(text: str) -> Q:
    return Q(name__icontains=text) | Q(title__icontains=text)
