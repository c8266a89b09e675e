"""The ceiling on uncharged cost: money a tenant's requests cost us per UTC day without a charge."""

from datetime import datetime
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Value
from django.db.models.functions import Coalesce

from accounts.models import Tenant
from accounts.quotas import resets_at
from accounts.services.audit import record
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
    after = {"refused_until": iso_text(until)}
    record(Tenant(id=tenant_id).audited, ACTION, actor=ACTOR, after=after)


def iso_text(at: datetime | None) -> str | None:
    return None if at is None else f"{at:%Y-%m-%dT%H:%M:%SZ}"
