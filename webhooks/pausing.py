"""Endpoints that get no events for now: they answered 410, or have failed for days."""

from django.template.loader import render_to_string

from accounts.models import ADMIN_ROLES
from accounts.selectors.office.members import members_of
from accounts.services import record
from accounts.services.office.mail import post
from accounts.titles import for_mail
from webhooks.models import WebhookEndpoint

ACTOR = "webhooks"


def disable(endpoint: WebhookEndpoint) -> None:
    """Disable an endpoint that answered 410, until it is enabled again. Safe to call again."""
    _stop(endpoint, WebhookEndpoint.Status.DISABLED, "it answered 410 Gone")


def pause(endpoint: WebhookEndpoint) -> None:
    """Pause an endpoint that has failed for days and mail the tenant's owners and admins.

    For an endpoint of the installation, staff see a condition instead.
    """
    stopped = _stop(endpoint, WebhookEndpoint.Status.PAUSED, "it failed for 5 days")
    if not stopped or endpoint.tenant is None:
        return
    context = {"endpoint": endpoint, "workspace": for_mail(endpoint.tenant.shown_name)}
    subject = render_to_string("webhooks/paused_subject.txt", context).strip()
    text = render_to_string("webhooks/paused_message.txt", context)
    for member in members_of(endpoint.tenant.id):
        if member.role in ADMIN_ROLES and member.user.is_active:
            post(to=member.user.email, subject=subject, text=text)


def _stop(endpoint: WebhookEndpoint, status: WebhookEndpoint.Status, why: str) -> bool:
    enabled = WebhookEndpoint.objects.filter(id=endpoint.id, status=WebhookEndpoint.Status.ENABLED)
    # Of attempts that end side by side, one stops it.
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
