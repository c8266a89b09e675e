"""The ceiling on uncharged cost: money a tenant's requests cost us per UTC day without a charge."""

from datetime import datetime
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Value
from django.db.models.functions import Coalesce

from accounts.models import Actor, Tenant
from accounts.quotas import resets_at
from accounts.services.audit import record
from accounts.services.tenants import refuse_ended
from pictor.kit.words.money import Micros

ACTOR = "uncharged ceiling"
ACTION = "tenant.uncharged"


@transaction.atomic
def refuse_above_ceiling(*, tenant_id: UUID, uncharged: Micros, now: datetime) -> None:
    """Refuse a tenant's orders until the UTC day ends, if its uncharged cost reached the ceiling.

    Safe to repeat: a tenant that is refused already is left alone.
    """
    until = resets_at("day", now)
    ceiling = Coalesce("uncharged_ceiling_micros", Value(settings.UNCHARGED_CEILING))
    tenants = Tenant.objects.alias(ceiling=ceiling).filter(id=tenant_id, ceiling__lte=uncharged)
    if not tenants.exclude(uncharged_until__gte=until).update(uncharged_until=until):
        return
    after = {"refused_until": _iso_text(until)}
    record(Tenant(id=tenant_id).audited, ACTION, actor=ACTOR, after=after)


@transaction.atomic
def set_uncharged_ceiling(
    *, tenant: Tenant, ceiling: Micros | None, actor: Actor, ip: str | None = None
) -> None:
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
        "refused_until": _iso_text(before["uncharged_until"]),
    }
    present = {"ceiling_micros": ceiling, "refused_until": None}
    record(tenant.audited, ACTION, actor=actor, before=former, after=present, ip=ip)


def _iso_text(at: datetime | None) -> str | None:
    return None if at is None else f"{at:%Y-%m-%dT%H:%M:%SZ}"
