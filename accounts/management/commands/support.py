"""`manage.py support list|end`: support views of tenants, and ending one early.

A view is opened only in the browser, because it belongs to the session that opens it.
"""

from typing import Any

from django.core.checks import Tags
from django.core.management.base import CommandError, CommandParser
from typing_extensions import override

from accounts.management.operator import ACTOR, OperatorCommand, found, read_tenant
from accounts.selectors.office.support import (
    latest_support_grants,
    support_grant_by_id,
    support_grants_of,
)
from accounts.services.office.support import end_support
from pictor.kit.words import clock

SHOWN_GRANTS = 20
COLUMNS = ("id", "tenant", "by", "opened_at", "ends_at", "is_open", "reason")


class Command(OperatorCommand):
    help = "List support views of tenants, or end one."
    requires_system_checks = (Tags.security,)

    @override
    def add_arguments(self, parser: CommandParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True)
        every = actions.add_parser("list", help=f"list the last {SHOWN_GRANTS}, newest first")
        every.add_argument("tenant", nargs="?", help="name or id; default: of all tenants")
        every.add_argument("--json", action="store_true")
        end = actions.add_parser("end", help="end a view early")
        end.add_argument("view", metavar="ID", help="sup_… as printed by list")

    def _list(self, options: dict[str, Any]) -> None:
        now = clock.now()
        if options["tenant"] is None:
            grants = latest_support_grants(limit=SHOWN_GRANTS)
        else:
            grants = support_grants_of(read_tenant(options["tenant"]).id, limit=SHOWN_GRANTS)
        rows = [
            {
                "id": grant.public_id,
                "tenant": grant.tenant.name,
                "by": grant.user.email,
                "opened_at": grant.opened_at.isoformat(timespec="seconds"),
                "ends_at": grant.ends_at.isoformat(timespec="seconds"),
                "is_open": grant.ends_at > now,
                "reason": grant.reason,
            }
            for grant in grants
        ]
        self.tell_rows(options, rows, COLUMNS)

    def _end(self, options: dict[str, Any]) -> None:
        view = options["view"]
        grant = found(support_grant_by_id(view), f"no support view {view!r}")
        if not end_support(grant=grant, now=clock.now(), actor=ACTOR):
            raise CommandError(f"{grant.public_id} had ended before")
        whose = f"{grant.user.email} no longer sees {grant.tenant.name}"
        self.stdout.write(f"{grant.public_id}: ended; {whose}")
