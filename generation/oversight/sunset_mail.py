"""Mail to tenants using a model that ends: 60, 30, 7 and 1 days ahead, and on any change.

Each tenant is told once per stage: a row records it, in one transaction with the mails. Tenants
that begin to use the model later are told then; ends announced late are told at once. Several
workers may run it at the same time.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet

from accounts.selectors.office.members import emails_of_owners
from accounts.selectors.office.tenants import tenant_by_id
from accounts.services.office.mail import post_rendered
from billing.selectors import used_of
from billing.selectors.office.buyers import tenants_using
from generation.models import Contract, SunsetNotice
from pictor.kit.words.untyped import Json

STAGES = (1, 7, 30, 60)
"""Days ahead."""
LOOK_BACK = timedelta(days=30)
"""Tenants that used the model within this time are told."""
NOTICES_KEPT = timedelta(days=90)
"""Notices are kept this long after the end."""
MAX_MAILED = 1000
"""Tenants told about one model in one run; the next hour's run continues."""
CHANGED = 0
"""The stage recorded for a change that is told before the first stage."""
ENDS, STAYS = "account/email/model_ends", "account/email/model_stays"


def mail_sunsets(*, now: datetime) -> int:
    """Mail every tenant that is due now; return the number of tenants told."""
    SunsetNotice.objects.filter(sunset_at__lt=now - NOTICES_KEPT).delete()
    contracts = list(Contract.objects.filter(is_enabled=True))
    changed = sum(
        _notify_of_change(contract, tenant_id, now)
        for contract in contracts
        for tenant_id in _misinformed(contract, now)
    )
    return changed + sum(
        _notify_of_end(contract, tenant_id, now)
        for contract in contracts
        for tenant_id in _to_tell(contract, now)
    )


def stage_of(sunset_at: datetime | None, now: datetime) -> int | None:
    """The stage of an end in days; None before the first stage and once the model has ended.

    Two hours ahead count as stage 1, eight days ahead as stage 30.
    """
    if sunset_at is None or sunset_at <= now:
        return None
    return next((days for days in STAGES if sunset_at - now <= timedelta(days=days)), None)


def _old_notices(contract: Contract, now: datetime) -> QuerySet[SunsetNotice]:
    """Notices of a future end that no longer holds."""
    notices = SunsetNotice.objects.filter(model=contract.model, sunset_at__gt=now)
    if contract.sunset_at is None:
        return notices
    return notices.exclude(sunset_at=contract.sunset_at, successor=contract.successor)


def _misinformed(contract: Contract, now: datetime) -> Iterable[UUID]:
    rows = _old_notices(contract, now).order_by("tenant_id").values_list("tenant_id", flat=True)
    return list(rows.distinct()[:MAX_MAILED])


def _to_tell(contract: Contract, now: datetime) -> Iterable[UUID]:
    stage = stage_of(contract.sunset_at, now)
    if stage is None:
        return []
    sent = SunsetNotice.objects.filter(**_notice_columns(contract, stage)).values_list(
        "tenant_id", flat=True
    )
    using = set(tenants_using([contract.model], since=now - LOOK_BACK))
    return sorted(using.difference(sent))[:MAX_MAILED]


def _notice_columns(contract: Contract, days: int) -> Json:
    """A notice's columns but the tenant."""
    return {
        "model": contract.model,
        "sunset_at": contract.sunset_at,
        "successor": contract.successor,
        "days": days,
    }


@transaction.atomic
def _notify_of_change(contract: Contract, tenant_id: UUID, now: datetime) -> bool:
    notices = _old_notices(contract, now).filter(tenant_id=tenant_id)
    last = notices.select_for_update().order_by("id").last()
    if last is None:  # another worker was quicker
        return False
    notices.delete()
    if contract.sunset_at is None:
        _post(STAYS, contract, tenant_id, {"was": last})
        return True
    _record_notice(contract, tenant_id, now)
    _post(ENDS, contract, tenant_id, _words(contract, tenant_id, now, was=last))
    return True


@transaction.atomic
def _notify_of_end(contract: Contract, tenant_id: UUID, now: datetime) -> bool:
    is_first = _record_notice(contract, tenant_id, now)
    if is_first:
        _post(ENDS, contract, tenant_id, _words(contract, tenant_id, now))
    return is_first


def _record_notice(contract: Contract, tenant_id: UUID, now: datetime) -> bool:
    """Write the notice; return True if it is the first of this stage."""
    columns = _notice_columns(contract, stage_of(contract.sunset_at, now) or CHANGED)
    _, is_first = SunsetNotice.objects.get_or_create(**columns, tenant_id=tenant_id)
    return is_first


def _words(
    contract: Contract, tenant_id: UUID, now: datetime, *, was: SunsetNotice | None = None
) -> Json:
    ahead = (contract.sunset_at or now) - now
    used = used_of(tenant_id, [contract.model], since=now - LOOK_BACK)
    return {
        "days": -(-ahead // timedelta(days=1)),
        "images": used.get(contract.model, 0),
        "was": was,
    }


def _post(template: str, contract: Contract, tenant_id: UUID, words: Json) -> None:
    tenant = tenant_by_id(tenant_id)
    context = {
        "contract": contract,
        "workspace": tenant.shown_name,
        "tenant": tenant.public_id,
        "site": settings.SITE_URL,
        **words,
    }
    post_rendered(to=emails_of_owners([tenant_id]), template=template, words=context)
