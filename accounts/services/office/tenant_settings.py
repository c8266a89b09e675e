"""A tenant's settings on one page, changed together or not at all."""

from copy import copy
from typing import Unpack

from django.db import transaction

from accounts.models import Tenant
from accounts.services.audit import By
from accounts.services.office.personal_data import set_image_retention, set_prompt_retention
from accounts.services.office.tenants import (
    TenantLimits,
    change_columns,
    change_tenant,
    set_marks,
    set_time_zone,
    set_title,
    set_uncharged_ceiling,
)
from pictor.kit.words.money import Micros


@transaction.atomic
def change_standing(
    *,
    tenant: Tenant,
    name: str,
    limits: TenantLimits,
    uncharged_ceiling: Micros | None,
    prompt_retention_days: int | None,
    may_omit_marks: bool,
    **by: Unpack[By],
) -> Tenant:
    """Return the tenant with the settings that operators decide; `tenant` itself stays as it is.

    Unchanged settings make no audit event. Raises ValidationError, by column where one is at fault.
    """
    tenant = copy(tenant)
    change_tenant(tenant=tenant, name=name, limits=limits, **by)
    if uncharged_ceiling != tenant.uncharged_ceiling_micros:
        set_uncharged_ceiling(tenant=tenant, ceiling=uncharged_ceiling, **by)
    set_prompt_retention(tenant=tenant, days=prompt_retention_days, **by)
    columns = {"may_omit_marks": may_omit_marks}
    change_columns(tenant=tenant, action="tenant.marks", columns=columns, **by)
    return tenant


@transaction.atomic
def change_settings(
    *,
    tenant: Tenant,
    title: str,
    time_zone: str,
    prompt_retention_days: int | None,
    image_retention_days: int | None,
    omits_marks: bool,
    **by: Unpack[By],
) -> None:
    """Change the settings that owners and admins decide; `tenant` itself stays as it is.

    Unchanged settings make no audit event. Raises ValidationError, by column where one is at fault.
    """
    tenant = copy(tenant)
    set_title(tenant=tenant, title=title, **by)
    set_time_zone(tenant=tenant, name=time_zone, **by)
    set_prompt_retention(tenant=tenant, days=prompt_retention_days, **by)
    set_image_retention(tenant=tenant, days=image_retention_days, **by)
    set_marks(tenant=tenant, omits=omits_marks, **by)
