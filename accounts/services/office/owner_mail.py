"""Mail to a tenant's owners about what staff, or a command, did in it. One act is one mail.

Audit events write it in their own transaction, so neither exists without the other.
"""

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from uuid import UUID

from django.conf import settings

from accounts.audit_log import author_name
from accounts.audit_words import name_in, sentence
from accounts.models import ADMIN_ROLES, AuditEvent, Tenant
from accounts.selectors.office.members import emails_of_owners
from accounts.selectors.office.people import emails_of
from accounts.services.office.mail import post_rendered
from accounts.titles import for_mail

MAIL = "account/email/staff_acted"
MAILED = (
    *("api_key.", "member.set", "member.remove", "member.invite", "member.uninvite"),
    *("user.change", "user.mfa_reset", "user.password", "user.sessions_end"),
    *("member.withdraw", "member.lapse", "stop.", "tenant.delete", "tenant.erase", "tenant.export"),
    *("tenant.image_retention", "tenant.ours", "tenant.prompt_retention", "tenant.status"),
)
"""Actions on keys, members, state and data, by prefix; those without a mail of their own."""
MAX_LINES = 20
"""The most events that a mail lists; the audit log has the others."""

_act: ContextVar[list[AuditEvent] | None] = ContextVar("act", default=None)


@contextmanager
def one_act(tenant_id: UUID) -> Iterator[None]:
    """Mail all events of the block at once, to the owners at its beginning and at its end.

    Its transaction must be around it. Blocks inside it belong to the same act.
    """
    if _act.get() is not None:
        yield
        return
    owners, events = _recipients(tenant_id), list[AuditEvent]()
    outside = _act.set(events)
    try:
        yield
    finally:
        _act.reset(outside)
    if events:
        _post(tenant_id, {*owners, *_recipients(tenant_id)}, events)


def mail_owners(event: AuditEvent) -> None:
    """Mail an event of staff about keys, members, state or data to the tenant's active owners."""
    if event.tenant_id is None or not event.action.startswith(MAILED):
        return
    if _has_own_mail(event):
        return
    events = _act.get()
    if events is None:
        _post(event.tenant_id, _recipients(event.tenant_id), [event])
    else:
        events.append(event)


def _recipients(tenant_id: UUID) -> Collection[str]:
    """The active owners; without one, the active admins."""
    return emails_of_owners([tenant_id]) or emails_of_owners([tenant_id], roles=ADMIN_ROLES)


def _has_own_mail(event: AuditEvent) -> bool:
    """True for a suspension with its reason, and an export, whose file or failure is mailed."""
    told = {"tenant.status": "reason", "tenant.export": "export", "tenant.export_ask": "export"}
    return event.action in told and told[event.action] in (event.after or {})


def _post(tenant_id: UUID, owners: Collection[str], events: Sequence[AuditEvent]) -> None:
    if not owners:
        return
    first = events[0]
    people = emails_of([event.object_id for event in events if event.object_type == "user"])
    tenant = Tenant.objects.get(pk=tenant_id)
    words = {
        "who": author_name(
            first.actor_name,
            first.actor.name if first.actor else "",
            is_ours=True,
            has_actor=first.actor is not None,
        ),
        "acts": [_words(event, people.get(event.object_id)) for event in events[:MAX_LINES]],
        "more": len(events[MAX_LINES:]),
        "at": first.at,
        "workspace": tenant.shown_name,
        "tenant": tenant.public_id,
        "site": settings.SITE_URL,
        "contact": settings.OPERATOR_CONTACT,
    }
    post_rendered(to=owners, template=MAIL, words=words)


def _words(event: AuditEvent, person: str | None) -> str:
    before, after = event.before, event.after
    name = person or name_in(event.object_type, event.object_id, before, after)
    # Members choose the names of keys; an address here is one that staff typed or that signs in.
    what = for_mail(name) if event.object_type == "api_key" else name
    return sentence(event.action, what, before=before, after=after)
