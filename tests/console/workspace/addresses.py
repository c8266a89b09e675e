"""Every address below a workspace, from the URL map, and how to request it."""

from typing import Any
from uuid import UUID

from django.test import Client
from django.urls import reverse

from accounts.models import Invitation, Membership
from billing.models import Payment
from console.workspace import urls
from pictor.kit.words import clock
from storage.models import TenantExport
from tests.making.factories import PayingCustomer
from webhooks.models import Delivery

ACTIONS = {
    "compare_run",
    "playground_quote", "playground_run", "generation_cancel", "generation_delete", "key_rotate",
    "key_open", "key_revoke", "member_invite", "member_role", "member_remove", "member_change",
    "invitation_cancel", "member_factor", "settings_limits", "settings_support", "billing_alert",
    "export_ask", "delete", "webhook_switch", "webhook_rotate", "webhook_delete", "webhook_test",
    "webhook_resend", "delivery_resend", "list_ask", "pay", "payments_portal", "automatic_stop",
    "start_dismiss",
}  # fmt: skip
ELSEWHERE = {"thumbnail", "export", "generation_zip"}
"""Addresses of files: they redirect to storage, or stream from it."""


def names() -> list[str]:
    """Every address below a workspace."""
    return [str(entry.name) for entry in urls.pages]


def address(
    name: str,
    customer: PayingCustomer,
    generation: str = "",
    key: str = "",
    people: PayingCustomer | None = None,
) -> str:
    """The address of that page, with this generation or key, or one of these people."""
    entry = next(one for one in urls.pages if one.name == name)
    tenant = (people or customer).tenant
    member = Membership.objects.filter(tenant=tenant).order_by("id").first()
    invited = Invitation.objects.filter(tenant=tenant).first()
    export = TenantExport.objects.filter(tenant=tenant).first()
    sent = Delivery.objects.filter(event__tenant=tenant).select_related("endpoint").first()
    paid = Payment.objects.filter(tenant=tenant).first()
    ids = {
        "generation": generation,
        "key": key,
        "person": str(member.user_id) if member else "nobody",
        "invitation": str(invited.pk) if invited else "none",
        "export": export.public_id if export else "none",
        "endpoint": sent.endpoint.public_id if sent else "none",
        "delivery": sent.public_id if sent else "none",
        "change": UUID(int=1),
        "decision": "agree",
        "payment": paid.id if paid else UUID(int=1),
        "number": f"{clock.now():%Y-%m}",
    }
    route = str(entry.pattern)
    kwargs = {word: value for word, value in ids.items() if f":{word}>" in route}
    return reverse(f"workspace:{name}", kwargs={"tenant": customer.tenant.public_id, **kwargs})


def answered(client: Client, name: str, url: str, *, partly: bool = False) -> Any:
    """Open the page or do its action; with `partly`, as htmx requests a part."""
    headers = {"HX-Request": "true"} if partly else {}
    return (client.post if name in ACTIONS else client.get)(url, headers=headers)


def asked(client: Client, name: str, url: str, *, partly: bool = False) -> int:
    """Status of the answer."""
    return int(answered(client, name, url, partly=partly).status_code)
