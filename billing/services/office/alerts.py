"""Mails those who pay, and sends a webhook, once a balance falls below a threshold."""

from datetime import datetime
from typing import Unpack
from uuid import UUID

from django.db import transaction

from accounts.models import BILLING_CONTACT_ROLES, Tenant
from accounts.selectors.office.members import emails_of_members
from accounts.services import By, record
from accounts.services.office.mail import post_rendered
from billing.models import BalanceAlert
from billing.selectors.office.balances import balance_of
from billing.selectors.office.reports import days_left
from pictor.kit.words.money import Micros, to_decimal
from webhooks.announcing import announce
from webhooks.models import BALANCE_LOW

MAIL = "billing/email/balance_low"


@transaction.atomic
def set_balance_alert(
    *, tenant: Tenant, below: Micros | None, below_days: int | None, page: str, **by: Unpack[By]
) -> None:
    """Set the thresholds; None is never. A balance already below is announced at the next check.

    `page` is the address that the mail links to. Raises ValidationError for a threshold of 0 or
    below.
    """
    alert = BalanceAlert.objects.select_for_update().filter(tenant=tenant).first()
    alert = alert or BalanceAlert(tenant=tenant)
    before = _values_of(alert)
    alert.below_micros, alert.below_days, alert.page = below, below_days, page
    if _values_of(alert) == before:
        return
    alert.raised_at = None
    alert.full_clean()
    alert.save()
    record(tenant.audited, "balance.alert", before=before, after=_values_of(alert), **by)


def look_at_balances(*, now: datetime) -> int:
    """Announce balances that fell below a threshold, reset the others, and count the former.

    Each has its own transaction, with its mails. Safe to run in parallel.
    """
    wanted = BalanceAlert.objects.exclude(below_micros=None, below_days=None)
    tenants = list(wanted.values_list("tenant_id", flat=True))
    return sum(_look(tenant_id, now) for tenant_id in tenants)


@transaction.atomic
def _look(tenant_id: UUID, now: datetime) -> bool:
    # A worker that has the alert locked sends the mail; the tenant's row stays free.
    alerts = BalanceAlert.objects.select_for_update(skip_locked=True, of=("self",))
    alert = alerts.select_related("tenant").filter(tenant_id=tenant_id).first()
    if alert is None:
        return False
    available = balance_of(alert.tenant_id).available
    days = days_left(alert.tenant_id, available, now=now)
    is_low = (alert.below_micros is not None and available < alert.below_micros) or (
        alert.below_days is not None and days is not None and days < alert.below_days
    )
    # Announced once when it falls, and again only after it has risen.
    if is_low == (alert.raised_at is not None):
        return False
    alert.raised_at = now if is_low else None
    alert.save(update_fields=["raised_at"])
    if is_low:
        _tell(alert, available, days)
        _announce(alert, available, days, now)
    return is_low


def _tell(alert: BalanceAlert, available: Micros, days: float | None) -> None:
    words = {
        "workspace": alert.tenant.shown_name,
        "available": f"${_short(available)}",
        "days": None if days is None else int(days),
        "url": alert.page,
    }
    to = emails_of_members(alert.tenant_id, BILLING_CONTACT_ROLES)
    post_rendered(to=to, template=MAIL, words=words)


def _announce(alert: BalanceAlert, available: Micros, days: float | None, now: datetime) -> None:
    from billing.low_balance import LowBalance  # noqa: PLC0415 - settling needs no serializers

    announce(
        tenant_id=alert.tenant_id,
        livemode=True,  # tests move no balance
        event_type=BALANCE_LOW,
        subject_id=alert.tenant_id,
        at=now,
        data=LowBalance.render(
            {
                "available": available,
                "days_left": None if days is None else int(days),
                "below": alert.below_micros,
                "below_days": alert.below_days,
            }
        ),
    )


def _short(amount: Micros) -> str:
    """Dollars and cents, rounded down: never more than is available."""
    whole, _, places = to_decimal(amount).partition(".")
    return f"{whole}.{places[:2]}"


def _values_of(alert: BalanceAlert) -> dict[str, int | None]:
    return {"below_micros": alert.below_micros, "below_days": alert.below_days}
