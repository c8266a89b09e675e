"""Tenants: created with their accounts, changed, suspended and resumed."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Unpack
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import transaction

from accounts.ledger import ledger
from accounts.models import Actor, ApiKey, Tenant
from accounts.services import uncharged
from accounts.services.audit import By, record
from accounts.titles import holds_address, holds_marks
from pictor.kit.words import ids
from pictor.kit.words.money import Micros

INVISIBLE = "A name must not contain invisible characters."


@dataclass(frozen=True, slots=True, kw_only=True)
class TenantLimits:
    """A tenant's limits over all its keys; None is unlimited."""

    requests_per_minute: int | None = None
    images_per_minute: int | None = None
    max_in_flight: int | None = None


NO_LIMITS = TenantLimits()
NOTHING = Micros(0)


@transaction.atomic
def create_tenant(
    *,
    name: str,
    title: str = "",
    opening_balance: Micros = NOTHING,
    limits: TenantLimits = NO_LIMITS,
    is_ours: bool = False,
    tenant_id: UUID | None = None,
    **by: Unpack[By],
) -> Tenant:
    """Create a tenant with its account in the ledger and, unless it is 0, an opening top-up.

    Its prompts are kept for PROMPT_RETENTION_DAYS until that is changed. `is_ours` marks one of the
    operator's own.

    Raises ValidationError for a name that is taken, empty or too long, or a negative balance.
    """
    if holds_marks(name):
        raise ValidationError({"name": INVISIBLE})
    tenant = Tenant(id=tenant_id or ids.new_uuid(), name=name, title=title, **asdict(limits))
    tenant.is_ours = is_ours
    tenant.full_clean()
    tenant.save(force_insert=True)
    record(tenant.audited, "tenant.create", after=_describe(tenant), **by)
    books = ledger()
    books.open_account(tenant_id=tenant.id)
    if opening_balance:
        books.top_up(
            tenant_id=tenant.id, amount=opening_balance, reason="opening balance", actor=by["actor"]
        )
    return tenant


def refuse_ended(tenant_id: UUID) -> None:
    """Raise ValidationError for a tenant that is erased or being erased."""
    if Tenant.objects.only("name", "erasure_due_at").get(pk=tenant_id).has_ended:
        raise ValidationError(
            "It is erased or being erased: it can be neither resumed nor changed."
        )


@transaction.atomic
def change_columns(
    *, tenant: Tenant, action: str, columns: Mapping[str, Any], **by: Unpack[By]
) -> None:
    """Set columns of a tenant; nothing is written if nothing changes.

    Raises ValidationError, by column, for an invalid value, and for an erased tenant.
    """
    refuse_ended(tenant.id)
    before = Tenant.objects.filter(pk=tenant.pk).values(*columns).get()
    for column, value in columns.items():
        setattr(tenant, column, value)
    if before == columns:
        return
    tenant.full_clean()
    tenant.save(update_fields=list(columns))
    record(tenant.audited, action, before=before, after=columns, **by)


def change_tenant(*, tenant: Tenant, name: str, limits: TenantLimits, **by: Unpack[By]) -> None:
    """Change a tenant's name and limits.

    Raises ValidationError for a name that is taken, empty or too long, or a limit of 0.
    """
    if name != tenant.name and holds_marks(name):
        raise ValidationError({"name": INVISIBLE})
    columns = {"name": name, **asdict(limits)}
    change_columns(tenant=tenant, action="tenant.change", columns=columns, **by)


def set_ours(*, tenant: Tenant, is_ours: bool, actor: Actor) -> None:
    """Mark a tenant as the operator's own, where staff may make staff its members, or unmark it."""
    columns = {"is_ours": is_ours}
    change_columns(tenant=tenant, action="tenant.ours", columns=columns, actor=actor)


def set_title(*, tenant: Tenant, title: str, **by: Unpack[By]) -> None:
    """Set the name by which a tenant's members call it.

    The name operators use stays, so no tenant can pass for another. Raises ValidationError for a
    title that is too long, or has a line break: form fields cannot hold one, and the name is typed
    to delete the workspace. As the title is in mails to strangers, it may hold no address and no
    invisible mark either, unless it is the present name.
    """
    if "".join(title.splitlines()) != title:
        raise ValidationError({"title": "A name must be a single line."})
    if title != tenant.shown_name:
        if holds_marks(title):
            raise ValidationError({"title": INVISIBLE})
        if holds_address(title):
            raise ValidationError({"title": "A name must not contain a web or e-mail address."})
    columns = {"title": title}
    change_columns(tenant=tenant, action="tenant.title", columns=columns, **by)


def set_time_zone(*, tenant: Tenant, name: str, **by: Unpack[By]) -> None:
    """Set the time zone of a tenant's reports.

    Usage is kept by the hour, so past reports follow the new days, too. An empty name is UTC.
    Raises ValidationError for an unknown time zone.
    """
    columns = {"time_zone": name or "UTC"}
    change_columns(tenant=tenant, action="tenant.time_zone", columns=columns, **by)


def set_marks(*, tenant: Tenant, omits: bool, **by: Unpack[By]) -> None:
    """Set whether a tenant's images say how they were made, from the next one on.

    Raises ValidationError if it may not choose.
    """
    if omits and not tenant.may_omit_marks:
        raise ValidationError({"omits_marks": "Ask the operator of this site to allow this first."})
    columns = {"omits_marks": omits}
    change_columns(tenant=tenant, action="tenant.marks", columns=columns, **by)


@transaction.atomic
def set_uncharged_ceiling(*, tenant: Tenant, ceiling: Micros | None, **by: Unpack[By]) -> None:
    """Set a tenant's own ceiling, or None for the default; it may order again.

    Today's cost stays counted: if it is above the new ceiling, the next uncharged cost refuses the
    tenant again. Raises ValidationError for an erased tenant.
    """
    refuse_ended(tenant.id)
    before = Tenant.objects.values("uncharged_ceiling_micros", "uncharged_until").get(pk=tenant.pk)
    tenant.uncharged_ceiling_micros, tenant.uncharged_until = ceiling, None
    tenant.save(update_fields=["uncharged_ceiling_micros", "uncharged_until"])
    former = {
        "ceiling_micros": before["uncharged_ceiling_micros"],
        "refused_until": uncharged.iso_text(before["uncharged_until"]),
    }
    present = {"ceiling_micros": ceiling, "refused_until": None}
    record(tenant.audited, uncharged.ACTION, before=former, after=present, **by)


@transaction.atomic
def set_tenant_status(
    *, tenant: Tenant, status: Tenant.Status, reason: str = "", **by: Unpack[By]
) -> None:
    """Suspend or resume a tenant, from the next request on; running work ends normally.

    Raises ValidationError for resuming a tenant that is erased or being erased.
    """
    if status == Tenant.Status.ACTIVE:
        refuse_ended(tenant.id)
    before = tenant.status
    tenant.status = status
    tenant.save(update_fields=["status"])
    record(
        tenant.audited,
        "tenant.status",
        before={"status": before},
        after={"status": status.value, **({"reason": reason} if reason else {})},
        **by,
    )


def backdate_tenant(*, tenant: Tenant, at: datetime) -> None:
    """Make a tenant and its keys as old as the demo data in it.

    The audit log keeps the true times.
    """
    Tenant.objects.filter(pk=tenant.pk).update(created_at=at)
    ApiKey.objects.filter(tenant=tenant).update(created_at=at)


def _describe(tenant: Tenant) -> dict[str, Any]:
    """The values that `create_tenant` sets, for an audit event."""
    return {
        "name": tenant.name,
        "requests_per_minute": tenant.requests_per_minute,
        "images_per_minute": tenant.images_per_minute,
        "max_in_flight": tenant.max_in_flight,
        "prompt_retention_days": tenant.prompt_retention_days,
        **({"is_ours": True} if tenant.is_ours else {}),
    }
