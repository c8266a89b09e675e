"""`manage.py tenant`: create, show, limit, export or erase a tenant, or move its money."""

import json
from pathlib import Path
from typing import Any

from django.core.checks import Tags
from django.core.management.base import CommandError, CommandParser
from typing_extensions import override

from accounts.ledger import RequestedMove, ledger
from accounts.management import tenant_arguments as arguments
from accounts.management import tenant_people
from accounts.management.operator import (
    ACTOR,
    UNASKED,
    OperatorCommand,
    answer,
    ask,
    print_table,
    read_amount,
    read_limit,
    read_scopes,
    read_staff,
    read_tenant,
    read_why,
)
from accounts.management.tenant_people import teller
from accounts.models import Tenant
from accounts.selectors.office.audit import notes_about, suspended_because
from accounts.selectors.office.tenants import tenants
from accounts.services.office.api_keys import KeyRules
from accounts.services.office.erasure import erase_tenant
from accounts.services.office.founding import Owner, Start, found_tenant
from accounts.services.office.personal_data import export_tenant
from accounts.services.office.tenants import TenantLimits, set_ours
from pictor.kit.words import clock, ids
from pictor.kit.words.money import Micros, to_decimal

ACTIVE = Tenant.Status.ACTIVE
SHOWN_TRANSFERS = 10


class Command(OperatorCommand):
    help = "Create, show, credit, limit, export or erase tenants."
    requires_system_checks = (Tags.security,)  # the key's secrets; not the site's URLs and pages

    @override
    def add_arguments(self, parser: CommandParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True)
        arguments.add_create(actions)
        every = actions.add_parser("list", help="list all tenants by name, with their ids")
        every.add_argument("--json", action="store_true")
        arguments.add_moves(actions)
        arguments.add_show(actions)
        arguments.add_people(actions)
        change = actions.add_parser("set", help="say whose it is")
        change.add_argument("tenant", help="name or id")
        whose = change.add_mutually_exclusive_group(required=True)
        whose.add_argument(
            "--ours", action="store_true", default=None, help="staff may make staff its members"
        )
        whose.add_argument("--not-ours", dest="ours", action="store_false", help="a customer's")
        export = actions.add_parser("export", help="export all data of a tenant as a zip file")
        export.add_argument("tenant", help="name or id")
        export.add_argument("path", type=Path, help="a file that does not exist yet")
        erase = actions.add_parser("erase", help="erase a tenant's data, except money records")
        erase.add_argument("tenant", help="name or id")
        erase.add_argument("--confirm", required=True, metavar="NAME", help="the tenant's name")

    def _create(self, options: dict[str, Any]) -> None:
        balance, credit = read_amount(options["balance"]), read_amount(options["credit"])
        words, note = read_why(options) if credit else ("", "")
        start = Start(
            paid=balance,
            credit=credit,
            words=words,
            note=note,
            price_list=options["price_list"].strip(),
            limits=TenantLimits(
                requests_per_minute=read_limit(options["rpm"]),
                images_per_minute=read_limit(options["ipm"]),
                max_in_flight=read_limit(options["max_in_flight"]),
            ),
            rules=KeyRules(scopes=read_scopes(options["scopes"])),
            is_ours=options["ours"],
        )
        founded = found_tenant(
            once=ids.new_uuid(),
            name=options["name"].strip(),
            start=start,
            owner=self._owner(options["owner"], options["site"]) if options["owner"] else None,
            actor=ACTOR,
            now=clock.now(),
        )
        key_id = founded.key.public_id if founded.key else ""
        facts = {"tenant": founded.tenant.public_id, "api_key": founded.text, "key_id": key_id}
        if not options["json"]:
            facts["balance"] = f"{to_decimal(ledger().available_to(founded.tenant.id))} USD"
        answer(self.stdout, facts, as_json=options["json"])

    def _owner(self, email: str, site: str) -> Owner:
        from accounts import rates  # noqa: PLC0415 - other commands need no Redis

        rates.take_typed_mail(email, field="owner")
        return Owner(email=email, tell=teller(site), by=read_staff())

    def _list(self, options: dict[str, Any]) -> None:
        found = [
            {"tenant": tenant.public_id, "name": tenant.name, "status": tenant.status}
            for tenant in tenants()
        ]
        self.tell_rows(options, found, ("tenant", "name", "status"))

    def _top_up(self, options: dict[str, Any]) -> None:
        self._move(options, "top_up", "booked")

    def _credit(self, options: dict[str, Any]) -> None:
        self._move(options, "credit", "credited")

    def _move(self, options: dict[str, Any], kind: str, done: str) -> None:
        """Change the balance, after a question if the amount is large, and print the new one."""
        amount = read_amount(options["amount"])
        tenant, (words, note) = read_tenant(options["tenant"]), read_why(options)
        if abs(amount) > UNASKED and not options["yes"]:
            question = f"Change the balance of {tenant.name} by {to_decimal(amount)} USD?"
            ask(self.aside(options), question)
        requested = RequestedMove(
            tenant_id=tenant.id, kind=kind, amount=amount, reason=words, note=note
        )
        if self._is_booked(options, tenant, requested):
            available = to_decimal(ledger().available_to(tenant.id))
            self.tell(
                options,
                {"tenant": tenant.public_id, done: to_decimal(amount), "available": available},
                f"{tenant.name}: {to_decimal(amount)} USD {done}, {available} available",
            )

    def _is_booked(self, options: dict[str, Any], tenant: Tenant, requested: RequestedMove) -> bool:
        """Request the transfer; return whether it was made. Print that it waits, if it does."""
        move = ledger().move_money(
            once=ids.new_uuid(), requested=requested, actor=ACTOR, now=clock.now()
        )
        if move.transfer_id is not None:
            return True
        until = f"{move.expires_at:%Y-%m-%d %H:%M} UTC"
        self.tell(
            options,
            {"tenant": tenant.public_id, "waits": str(move.id), "until": until},
            f"{tenant.name}: {to_decimal(requested.amount)} USD wait until {until} for another"
            f" person's approval: money approve {move.id}",
        )
        return False

    def _show(self, options: dict[str, Any]) -> None:
        tenant = read_tenant(options["tenant"])
        facts = {
            "tenant": tenant.public_id,
            "name": tenant.name,
            "status": tenant.status,
            "reason": suspended_because(tenant.id) if tenant.status != ACTIVE else "",
            "is_ours": "yes" if tenant.is_ours else "",
            "created_at": tenant.created_at.isoformat(),
            "available": to_decimal(ledger().available_to(tenant.id)),
            "under_way": str(ledger().in_flight_of(tenant.id)),
            **_limit_texts(tenant),
        }
        latest = ledger().latest_transfers(tenant.id, limit=SHOWN_TRANSFERS)
        notes = notes_about("transfer", [str(transfer.id) for transfer in latest])
        moved = [
            {
                "number": str(transfer.seq),
                "at": transfer.created_at.isoformat(timespec="seconds"),
                "kind": transfer.kind,
                "amount": to_decimal(Micros(transfer.amount)),
                "available_after": to_decimal(Micros(transfer.available_after or 0)),
                "reason": transfer.reason,
                "note": notes.get(str(transfer.id), ""),
            }
            for transfer in latest
        ]
        if options["json"]:
            self.stdout.write(json.dumps({**facts, "transfers": moved}))
            return
        answer(self.stdout, {name: word for name, word in facts.items() if word}, as_json=False)
        if moved:
            print_table(self.stdout, [tuple(moved[0]), *(tuple(row.values()) for row in moved)])

    _members, _invite = tenant_people.show, tenant_people.invite

    def _set(self, options: dict[str, Any]) -> None:
        tenant = read_tenant(options["tenant"])
        set_ours(tenant=tenant, is_ours=options["ours"], actor=ACTOR)
        whose = "the operator's own" if options["ours"] else "a customer's"
        self.stdout.write(f"{tenant.name}: {whose}")

    def _export(self, options: dict[str, Any]) -> None:
        tenant = read_tenant(options["tenant"])
        try:
            export_tenant(tenant=tenant, path=options["path"], actor=ACTOR)
        except OSError as error:
            raise CommandError(f"{options['path']}: {error.strerror or error}") from None
        self.stdout.write(f"{tenant.name}: exported to {options['path']}")

    def _erase(self, options: dict[str, Any]) -> None:
        tenant = read_tenant(options["tenant"])
        erase_tenant(tenant=tenant, confirmation=options["confirm"], actor=ACTOR, now=clock.now())
        self.stdout.write(f"{tenant.public_id}: erased")


def _limit_texts(tenant: Tenant) -> dict[str, str]:
    limits = {name: getattr(tenant, name) for name in arguments.LIMITS}
    return {name: "none" if most is None else str(most) for name, most in limits.items()}
