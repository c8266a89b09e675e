"""Events of the audit log with the current names of a workspace's objects."""

import re
from collections.abc import Collection, Sequence

from django.urls import reverse

from accounts.audit_log import address_of, author
from accounts.audit_words import readable
from accounts.models import ApiKey, AuditEvent
from accounts.selectors.office.people import emails_of
from console.parts.audit_events import AuditEntry, Thing, entry_of
from console.workspace.access import Permission, Workspace, keys_of
from webhooks.selectors import endpoints_of

SHOWN_EVENTS = 20
_BY_KEY = re.compile(r"API key (key_\w+)", re.ASCII)
"""The actor of a change made through the API."""


def entries_for_tenant(
    workspace: Workspace,
    events: Sequence[AuditEvent],
    *,
    is_of_one: bool = False,
    keys: Sequence[ApiKey] | None = None,
) -> list[AuditEntry]:
    """Return events as their tenant reads them, with current names, or else the event's own.

    With `is_of_one` they are the history of one object, whose name is not looked up. `keys` are the
    keys that the member may see, if they were read already.
    """
    kinds: set[str] = set() if is_of_one else {event.object_type for event in events}
    things = _things(workspace, events, kinds, keys)

    def named(event: AuditEvent) -> AuditEntry:
        by_key = _BY_KEY.fullmatch(event.actor_name)
        who = (things.get(by_key[1]) if by_key else None) or Thing(author(event))
        before, after = (readable(event.action, columns) for columns in (event.before, event.after))
        address = address_of(event)
        return entry_of(event, things, who=who, before=before, after=after, address=address)

    return [named(event) for event in events]


def _things(
    workspace: Workspace,
    events: Sequence[AuditEvent],
    kinds: Collection[str],
    keys: Sequence[ApiKey] | None,
) -> dict[str, Thing]:
    """The objects of events of these kinds, and the acting keys, by id; at most three queries."""
    tenant = workspace.tenant
    people = [event.object_id for event in events if event.object_type == "user"]
    things = {tenant.public_id: Thing(tenant.shown_name, tenant.public_id)}
    things |= {person: Thing(email, person) for person, email in emails_of(people).items()}
    if keys is None:
        has_keys = "api_key" in kinds or any(
            _BY_KEY.fullmatch(event.actor_name) for event in events
        )
        keys = keys_of(workspace) if has_keys else []
    for key in keys:
        page = reverse("workspace:key", args=[tenant.public_id, key.public_id])
        things[key.public_id] = Thing(key.name or "Unnamed", key.public_id, page)
    has_endpoints = "webhook_endpoint" in kinds and Permission.WEBHOOKS in workspace.may
    for endpoint in endpoints_of(tenant.id) if has_endpoints else ():
        page = reverse("workspace:webhook", args=[tenant.public_id, endpoint.public_id])
        things[endpoint.public_id] = Thing(endpoint.url, endpoint.public_id, page)
    return things
