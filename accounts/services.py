"""Changes to tenants, members and keys. Each is one transaction with its audit event in it.

An actor is a signed-in User, or the name of whatever acted (`"manage.py"`). Nothing secret is
ever in an audit event: a key is named by its id and visible prefix.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction

from accounts import keys
from accounts.models import SCOPES, ApiKey, AuditEvent, Membership, Tenant, User, default_scopes
from pictor.kit.money import Micros

Actor = User | str


@dataclass(frozen=True, slots=True, kw_only=True)
class TenantLimits:
    """A tenant's limits over all its keys; None is unlimited."""

    requests_per_minute: int | None = None
    images_per_minute: int | None = None
    max_in_flight: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRules:
    """What a new key may do. None is unlimited; every scope unless narrowed."""

    scopes: Sequence[str] = field(default_factory=default_scopes)
    models: Sequence[str] | None = None
    ip_ranges: Sequence[str] | None = None
    expires_at: datetime | None = None
    requests_per_minute: int | None = None
    images_per_minute: int | None = None
    max_in_flight: int | None = None
    budget_day: Micros | None = None
    budget_month: Micros | None = None
    default_response_format: str = ""


NO_LIMITS = TenantLimits()
FREE = KeyRules()


def record(
    *,
    actor: Actor,
    action: str,
    object_type: str,
    object_id: str,
    tenant_id: UUID | None = None,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
    ip: str | None = None,
) -> AuditEvent:
    """Write one audit event. Call it inside the transaction of the change itself."""
    user = actor if isinstance(actor, User) else None
    return AuditEvent.objects.create(
        actor=user,
        actor_name=user.email if user else str(actor),
        tenant_id=tenant_id,
        action=action,
        object_type=object_type,
        object_id=object_id,
        before=before,
        after=after,
        ip=ip,
    )


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


@transaction.atomic
def issue_api_key(
    *,
    tenant: Tenant,
    name: str,
    actor: Actor,
    rules: KeyRules = FREE,
    is_test: bool = False,
    plaintext: str | None = None,
    ip: str | None = None,
) -> tuple[ApiKey, str]:
    """A new key and its text, which exists nowhere else afterwards.

    `plaintext` brings a key minted beforehand (the demo's). Raises ValidationError for an unknown
    scope, a bad range or limit, or a plaintext that is not of our format.
    """
    text = plaintext or keys.mint(test=is_test)
    if not keys.is_well_formed(text):
        raise ValueError("plaintext is not a key of ours")
    key = ApiKey(
        tenant=tenant,
        name=name,
        visible_prefix=keys.visible_prefix(text),
        digest=keys.digest(text, settings.KEY_PEPPER),
        is_test=text.startswith(keys.TEST_PREFIX),
        scopes=list(rules.scopes),
        allowed_models=None if rules.models is None else list(rules.models),
        ip_ranges=None if rules.ip_ranges is None else list(rules.ip_ranges),
        expires_at=rules.expires_at,
        requests_per_minute=rules.requests_per_minute,
        images_per_minute=rules.images_per_minute,
        max_in_flight=rules.max_in_flight,
        budget_day_micros=rules.budget_day,
        budget_month_micros=rules.budget_month,
        default_response_format=rules.default_response_format,
        created_by=actor if isinstance(actor, User) else None,
    )
    key.full_clean()
    key.save(force_insert=True)
    _record_key(key, actor=actor, action="api_key.issue", after=describe_key(key), ip=ip)
    return key, text


@transaction.atomic
def revoke_api_key(*, key: ApiKey, actor: Actor, now: datetime, ip: str | None = None) -> None:
    """End a key. The next request with it is refused; work in flight ends and is charged.

    Safe to call twice: the first revocation stands.
    """
    revoked = ApiKey.objects.filter(id=key.id, revoked_at=None).update(revoked_at=now)
    key.refresh_from_db(fields=["revoked_at"])
    if revoked:
        after = {"revoked_at": now.isoformat()}
        _record_key(key, actor=actor, action="api_key.revoke", after=after, ip=ip)


@transaction.atomic
def add_member(
    *, tenant: Tenant, user: User, role: Membership.Role, actor: Actor, ip: str | None = None
) -> Membership:
    """Make a person a member, or give a member another role."""
    before = Membership.objects.filter(tenant=tenant, user=user).values("role").first()
    membership, _ = Membership.objects.update_or_create(
        tenant=tenant, user=user, defaults={"role": role}
    )
    record(
        actor=actor,
        action="member.set",
        object_type="user",
        object_id=str(user.id),
        tenant_id=tenant.id,
        before=before,
        after={"role": role.value},
        ip=ip,
    )
    return membership


@transaction.atomic
def remove_member(*, membership: Membership, actor: Actor, ip: str | None = None) -> None:
    """End a membership; the person and what they did stay."""
    record(
        actor=actor,
        action="member.remove",
        object_type="user",
        object_id=str(membership.user_id),
        tenant_id=membership.tenant_id,
        before={"role": membership.role},
        ip=ip,
    )
    membership.delete()


def describe_key(key: ApiKey) -> dict[str, Any]:
    """A key's rules as an audit event shows them: no digest."""
    return {
        "name": key.name,
        "visible_prefix": key.visible_prefix,
        "scopes": key.scopes,
        "models": key.allowed_models,
        "ip_ranges": key.ip_ranges,
        "expires_at": key.expires_at.isoformat() if key.expires_at else None,
        "requests_per_minute": key.requests_per_minute,
        "images_per_minute": key.images_per_minute,
        "max_in_flight": key.max_in_flight,
        "budget_day_micros": key.budget_day_micros,
        "budget_month_micros": key.budget_month_micros,
        "default_response_format": key.default_response_format,
    }


def unknown_scopes(scopes: Sequence[str]) -> list[str]:
    """The words among these that are no scopes."""
    return [scope for scope in scopes if scope not in SCOPES]


def _record_key(
    key: ApiKey, *, actor: Actor, action: str, after: Mapping[str, Any], ip: str | None
) -> None:
    record(
        actor=actor,
        action=action,
        object_type="api_key",
        object_id=key.public_id,
        tenant_id=key.tenant_id,
        after=after,
        ip=ip,
    )
