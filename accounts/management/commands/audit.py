"""`manage.py audit`: the audit log of all workspaces and the installation, like /ops/audit/."""

from collections.abc import Mapping
from typing import Any

from django.core.management.base import CommandError, CommandParser
from typing_extensions import override

from accounts.audit_log import EventFilter, all_events
from accounts.audit_words import name_in, sentence
from accounts.management.operator import (
    OperatorCommand,
    print_table,
    read_limit,
    read_tenant,
    read_time,
)
from accounts.models import AuditEvent
from accounts.selectors import emails_of

USUAL_LIMIT = "50"
MAX_EVENTS = 10_000
COLUMNS = ("id", "at", "by", "did", "object_id", "tenant")


class Command(OperatorCommand):
    """Print the audit log of all tenants and of the installation, newest first."""

    help = "Print who did what, filtered by person, action, tenant, id and time."
    requires_system_checks = ()

    @override
    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--who", default="", help="an e-mail address, or a program's name")
        parser.add_argument(
            "--action", default="", help="an action or its beginning, such as api_key."
        )
        parser.add_argument("--tenant", help="name or id")
        parser.add_argument("--about", default="", metavar="ID", help="of the changed object")
        parser.add_argument("--since", metavar="TIME", help="such as 2026-12-01T00:00:00Z")
        parser.add_argument("--until", metavar="TIME", help="before then")
        parser.add_argument(
            "--limit", metavar="N", default=USUAL_LIMIT, help=f"default: {USUAL_LIMIT}"
        )
        parser.add_argument("--json", action="store_true", help="with before and after")

    @override
    def handle(self, *args: Any, **options: Any) -> None:
        limit = read_limit(options["limit"]) or 0
        if limit > MAX_EVENTS:
            raise CommandError(f"at most {MAX_EVENTS} at once: narrow it by --since and --until")
        events = all_events(_event_filter(options), limit=limit)
        emails = emails_of([event.object_id for event in events if event.object_type == "user"])
        rows = [_row(event, emails) for event in events]
        self.tell(options, rows, *([] if rows else ["No events match."]))
        if rows and not options["json"]:
            cells = [tuple(str(row[name]) for name in COLUMNS) for row in rows]
            print_table(self.stdout, [COLUMNS, *cells])


def _event_filter(options: Mapping[str, Any]) -> EventFilter:
    texts = {name: options[name].replace("\0", "").strip() for name in ("who", "action", "about")}
    since, until = (options[name] and read_time(options[name]) for name in ("since", "until"))
    tenant = read_tenant(options["tenant"]) if options["tenant"] else None
    return EventFilter(**texts, tenant_id=tenant.id if tenant else None, since=since, until=until)


def _row(event: AuditEvent, emails: Mapping[str, str]) -> dict[str, Any]:
    name = name_in(event.object_type, event.object_id, event.before, event.after)
    what = emails.get(event.object_id, name)
    return {
        "id": event.pk,
        "at": event.at.isoformat(timespec="seconds"),
        "by": event.actor_name,
        "did": sentence(event.action, what, before=event.before, after=event.after),
        "object_id": event.object_id,
        "tenant": event.tenant.name if event.tenant else "",
        "action": event.action,
        "before": event.before,
        "after": event.after,
        "ip": event.ip,
    }
