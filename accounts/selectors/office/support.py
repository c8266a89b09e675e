"""Reads of the support views of workspaces."""

from datetime import datetime
from uuid import UUID

from django.db.models import QuerySet

from accounts.models import SupportGrant
from accounts.selectors.relations import PRESENT_REVISION
from pictor.kit.words import ids


def open_support_grants(now: datetime) -> QuerySet[SupportGrant]:
    """All tenants' support views that were not ended and have not expired."""
    return SupportGrant.objects.filter(ended_at=None, expires_at__gt=now)


def support_grant(
    grant_id: str, *, user_id: UUID, tenant: str, now: datetime
) -> SupportGrant | None:
    """This person's open support view with this public id, in the tenant with that public id.

    None if the person is no longer staff. It comes with its tenant and `revision`, the
    configuration's present one.
    """
    wanted, tenant_id = ids.parse(ids.SUPPORT_GRANT, grant_id), ids.parse(ids.TENANT, tenant)
    if wanted is None or tenant_id is None:
        return None
    mine = open_support_grants(now).filter(id=wanted, user_id=user_id, tenant_id=tenant_id)
    staff = mine.filter(user__is_active=True).exclude(user__staff_role="")
    return staff.annotate(revision=PRESENT_REVISION).select_related("tenant").first()


def support_grant_by_id(text: str) -> SupportGrant | None:
    """The support view with this public id and its tenant, open or ended."""
    grant_id = ids.parse(ids.SUPPORT_GRANT, text)
    grants = SupportGrant.objects.select_related("tenant", "user")
    return None if grant_id is None else grants.filter(id=grant_id).first()


def support_grants_of(tenant_id: UUID, *, limit: int) -> list[SupportGrant]:
    """A tenant's latest support views with their people, newest first."""
    grants = SupportGrant.objects.filter(tenant_id=tenant_id).select_related("tenant", "user")
    return list(grants.order_by("-opened_at")[:limit])


def latest_support_grants(*, limit: int) -> list[SupportGrant]:
    """The latest support views of all tenants, newest first."""
    grants = SupportGrant.objects.select_related("tenant", "user")
    return list(grants.order_by("-opened_at")[:limit])
