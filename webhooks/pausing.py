"""Endpoints that get nothing more for now: they asked for it, or have failed for days."""

from django.template.loader import render_to_string

from accounts.models import Membership
from accounts.selectors import members_of
from accounts.services import post, record
from accounts.titles import for_mail
from webhooks.models import WebhookEndpoint

ACTOR = "webhooks"
CHIEFS = frozenset({Membership.Role.OWNER.value, Membership.Role.ADMIN.value})


def disable(endpoint: WebhookEndpoint) -> None:
    """It answered 410: nothing more is sent until somebody enables it. Nothing when it is so."""
    _stop(endpoint, WebhookEndpoint.Status.DISABLED, "it answered 410 Gone")


def pause(endpoint: WebhookEndpoint) -> None:
    """It has failed for days: nothing more is sent, and those who can mend it get a mail.

    Of the house's own it is a condition, for staff.
    """
    stopped = _stop(endpoint, WebhookEndpoint.Status.PAUSED, "it failed for 5 days")
    if not stopped or endpoint.tenant is None:
        return
    context = {"endpoint": endpoint, "workspace": for_mail(endpoint.tenant.shown_name)}
    subject = render_to_string("webhooks/paused_subject.txt", context).strip()
    text = render_to_string("webhooks/paused_message.txt", context)
    for member in members_of(endpoint.tenant.id):
        if member.role in CHIEFS and member.user.is_active:
            post(to=member.user.email, subject=subject, text=text)


def _stop(endpoint: WebhookEndpoint, status: WebhookEndpoint.Status, why: str) -> bool:
    enabled = WebhookEndpoint.objects.filter(id=endpoint.id, status=WebhookEndpoint.Status.ENABLED)
    if not enabled.update(status=status):
        return False
    record(
        endpoint.audited,
        f"webhook_endpoint.{'pause' if status == 'paused' else 'disable'}",
        actor=ACTOR,
        before={"status": "enabled"},
        after={"status": status.value, "why": why},
    )
    return True
