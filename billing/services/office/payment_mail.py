"""What those who pay for a workspace are told: of payments by card, and why top-ups rest."""

from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings

from accounts.models import BILLING_CONTACT_ROLES
from accounts.selectors.office.members import emails_of_members
from accounts.selectors.office.tenants import tenant_by_id
from accounts.services import record
from accounts.services.office.mail import post_rendered
from billing.models import Payment, PaymentCustomer
from pictor.kit.words.money import in_dollars
from webhooks.announcing import announce
from webhooks.models import BALANCE_TOP_UP_FAILED

MAIL = "billing/email/payment"
TRIES_AFTER = (timedelta(days=1), timedelta(days=2))
"""The waits after a first and a second decline: tries are made on day 0, 1 and 3."""


def payers_of(tenant_id: UUID) -> list[str]:
    """Return the addresses of the members who may pay."""
    return emails_of_members(tenant_id, BILLING_CONTACT_ROLES)


def tell(
    tenant_id: UUID, subject: str, *sentences: str, link: str = "", link_words: str = ""
) -> None:
    """Mail them, as part of the caller's transaction.

    `subject` follows the workspace's name. `link` is an address of the provider.
    """
    tenant = tenant_by_id(tenant_id)
    words = {
        "workspace": tenant.shown_name,
        "tenant": tenant.public_id,
        "subject": subject,
        "sentences": [sentence for sentence in sentences if sentence],
        "link": link,
        "link_words": link_words,
        "site": settings.SITE_URL,
    }
    post_rendered(to=payers_of(tenant_id), template=MAIL, words=words)


def pause(tenant_id: UUID, why: str, *, now: datetime, invoice_url: str = "") -> None:
    """Let automatic top-ups rest until a member turns them on again. Part of a transaction.

    Nothing happens where they are off or rest already.
    """
    locked = PaymentCustomer.objects.select_for_update().filter(tenant_id=tenant_id)
    customer = locked.exclude(consented_by=None).filter(paused_for="").first()
    if customer is None:
        return
    customer.paused_for = why
    customer.save(update_fields=["paused_for"])
    audited = tenant_by_id(tenant_id).audited
    record(audited, "automatic.pause", after={"why": why}, actor="automatic top-ups")
    reason = PaymentCustomer.Pause(why).label
    tell(
        tenant_id,
        "automatic top-ups have stopped",
        f"Automatic top-ups have stopped: {reason[0].lower()}{reason[1:]}.",
        "Nothing more is charged until somebody turns them on again on the billing page.",
        link=invoice_url,
        link_words="Confirm and pay this one" if invoice_url else "",
    )
    _announce(tenant_id, why, now)


def declined(payment: Payment, *, now: datetime) -> None:
    """Count a declined try: the third one in a row pauses. Part of a transaction."""
    customer = PaymentCustomer.objects.select_for_update().get(tenant_id=payment.tenant_id)
    customer.tries += 1
    is_last = customer.tries > len(TRIES_AFTER)
    customer.next_at = None if is_last else now + TRIES_AFTER[customer.tries - 1]
    customer.save(update_fields=["tries", "next_at"])
    if is_last:
        pause(payment.tenant_id, PaymentCustomer.Pause.DECLINED, now=now)
        return
    is_on = customer.consented_by_id is not None and not customer.paused_for
    amount = in_dollars(payment.credited_micros)
    tell(
        payment.tenant_id,
        "an automatic top-up was declined",
        f"The card was declined for an automatic top-up of {amount}. Nothing was charged.",
        f"It is tried again on {customer.next_at:%-d %B}." if is_on and customer.next_at else "",
    )
    _announce(payment.tenant_id, PaymentCustomer.Pause.DECLINED, now)


def _announce(tenant_id: UUID, why: str, now: datetime) -> None:
    from billing.top_up_failed import FailedTopUp  # noqa: PLC0415 - settling needs no serializers

    announce(
        tenant_id=tenant_id,
        livemode=True,  # tests move no balance
        event_type=BALANCE_TOP_UP_FAILED,
        subject_id=tenant_id,
        at=now,
        data=FailedTopUp.render({"reason": why}),
    )
