"""Tenants: made, suspended, let work again."""

from dataclasses import dataclass

from django.db import transaction

from accounts.models import Actor, Tenant
from accounts.services.audit import record


@dataclass(frozen=True, slots=True, kw_only=True)
class TenantLimits:
    """A tenant's limits over all its keys; None is unlimited."""

    requests_per_minute: int | None = None
    images_per_minute: int | None = None
    max_in_flight: int | None = None


NO_LIMITS = TenantLimits()


@transaction.atomic
def create_tenant(
    *, name: str, actor: Actor, limits: TenantLimits = NO_LIMITS, ip: str | None = None
) -> Tenant:
    """A new tenant. Raises ValidationError for a name that is taken, empty or too long."""
    tenant = Tenant(
        name=name,
        requests_per_minute=limits.requests_per_minute,
        images_per_minute=limits.images_per_minute,
        max_in_flight=limits.max_in_flight,
    )
    tenant.full_clean()
    tenant.save(force_insert=True)
    record(
        actor=actor,
        action="tenant.create",
        object_type="tenant",
        object_id=tenant.public_id,
        tenant_id=tenant.id,
        after={"name": name, "requests_per_minute": limits.requests_per_minute},
        ip=ip,
    )
    return tenant


@transaction.atomic
def set_tenant_status(
    *, tenant: Tenant, status: Tenant.Status, actor: Actor, ip: str | None = None
) -> None:
    """Suspend a tenant, or let it work again. Felt by the next request; running work ends."""
    before = tenant.status
    tenant.status = status
    tenant.save(update_fields=["status"])
    record(
        actor=actor,
        action="tenant.status",
        object_type="tenant",
        object_id=tenant.public_id,
        tenant_id=tenant.id,
        before={"status": before},
        after={"status": status.value},
        ip=ip,
    )
