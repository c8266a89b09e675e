"""What acts are about: a customer with its people, keys and generations; channels, bills, rules."""

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass
from datetime import timedelta
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any

from django.test import Client

from accounts.models import ApiKey, Membership, OperatorKey, User
from accounts.services.office import mail
from accounts.services.office.api_keys import issue_api_key
from accounts.services.office.members import add_member, invite_as_operator
from accounts.services.office.operator_keys import KeyTerms, issue_operator_key
from accounts.services.office.suspending import suspend
from billing.services.office.prices import draft_price_book
from console.ops.access import Permission
from console.ops.declared import ACTS
from generation.catalogue import services
from generation.models import AlertRule, Channel, Generation, Serves, VendorBill
from generation.oversight.alerts.alert_tests import send_test
from generation.oversight.alerts.rules import RuleValues, archive, enable, save_rule
from generation.oversight.bills import decisions
from pictor.kit.bytes.spool import SpoolBudget, Spools
from pictor.kit.words import clock, ids
from tests.console.ops import channel_pages
from tests.console.ops.generations.conftest import deliver, run, time_out
from tests.making.bills import call, csv_file, matched, row
from tests.making.factories import ORIGIN, PayingCustomer, make_channel
from tests.making.payment_rows import paid_payment

ROLES = ("support", "finance", "operator", "owner")
OP = "op@pictor.example"


@dataclass(frozen=True, kw_only=True)
class World:
    """A tenant with an owner and a developer, and one of staff in each role."""

    acme: PayingCustomer
    key: ApiKey
    generations: Mapping[str, Generation]
    channel: Channel
    cookies: Mapping[str, SimpleCookie]
    program: str
    """The text of an operator key that may all that keys may."""
    program_key: OperatorKey

    def client(self, role: str, **options: Any) -> Client:
        """A browser's session of one of staff in that role."""
        client = Client(**options)
        client.cookies = deepcopy(self.cookies[role])
        return client


def written(spool: Path) -> World:
    sandbox = make_channel("sandbox", serves=Serves.TEST)
    channel = make_channel("acme-openai", cost_micros=30_000)
    acme = PayingCustomer("acme")
    spools = Spools(spool, SpoolBudget(1_000_000))
    assert sandbox.pk
    op = peopled(acme)
    key, text = new_key(op, acts=ticked())
    return World(
        acme=acme,
        key=acme.key,
        generations={
            "delivered": deliver(spools, acme),
            "failed": time_out(channel, acme),
            "running": run(channel, acme),
            "waiting": acme.generation(),
        },
        channel=channel,
        cookies={role: _session(role) for role in ROLES},
        program=text,
        program_key=key,
    )


def peopled(acme: PayingCustomer) -> User:
    """Give the tenant an owner and a developer with keys; return the owner of the house."""
    for name, role in (("own", Membership.Role.OWNER), ("dev", Membership.Role.DEVELOPER)):
        person = User.objects.create_user(f"{name}@acme.example", email_verified_at=clock.now())
        add_member(tenant=acme.tenant, user=person, role=role, actor="test")
        issue_api_key(tenant=acme.tenant, name=f"of {name}", actor=person)
    User.objects.filter(email=OP).update(name="Ann Bee")
    op = User.objects.get(email=OP)
    # Staff who are the tenant's people, too, act at /ops/ as staff.
    add_member(tenant=acme.tenant, user=op, role=Membership.Role.ADMIN, actor="test")
    return op


def ticked() -> list[str]:
    """All acts that an owner can tick for a key."""
    return [act.name for act in ACTS.values() if not (act.not_fresh or act.never_by_key)]


def usual() -> list[str]:
    """The permissions that a program can have."""
    return [one.value for one in Permission if one not in {"staff", "erase", "support_view"}]


def new_key(maker: User, *, acts: list[str], permissions: Any = None) -> tuple[OperatorKey, str]:
    terms = KeyTerms(
        permissions=usual() if permissions is None else permissions,
        acts=acts,
        ip_ranges=[],
        expires_at=clock.now() + timedelta(days=30),
    )
    return issue_operator_key(
        name="shop", terms=terms, once=ids.new_uuid(), now=clock.now(),
        by={"actor": maker, "ip": None},
    )  # fmt: skip


def _session(role: str) -> SimpleCookie:
    client = Client()
    person = User.objects.filter(email=OP).first() if role == "owner" else None
    person = person or User.objects.create_user(f"{role}@pictor.example", staff_role=role)
    client.force_login(person)
    return client.cookies


# --- subjects ---------------------------------------------------------------------------------


def of_tenant(world: World) -> str:
    return world.acme.tenant.public_id


def suspended(world: World) -> str:
    suspend(tenant=world.acme.tenant, words="unpaid", actor="test")
    return of_tenant(world)


def paid(world: World) -> str:
    return str(paid_payment(world.acme.id).pk)


def invited(world: World) -> str:
    invite_as_operator(
        tenant=world.acme.tenant, email="eve@acme.example", role=Membership.Role.VIEWER,
        inviter=User.objects.get(email=OP), now=clock.now(), tell=lambda invited: None,
        actor="test",
    )  # fmt: skip
    return of_tenant(world)


def rule(world: World) -> str:
    values = RuleValues(name="On call", mails=[OP], page="https://pictor.example/ops/")
    return str(save_rule(values=values, now=clock.now(), actor="test").rule.pk)


def proved_rule(world: World) -> str:
    made = AlertRule.objects.get(pk=rule(world))
    send_test(rule=made, now=clock.now(), actor="test")
    mail.send_due(now=clock.now() + timedelta(seconds=1))
    return str(made.pk)


def enabled_rule(world: World) -> str:
    made = AlertRule.objects.get(pk=proved_rule(world))
    enable(rule=made, now=clock.now(), actor="test")
    return str(made.pk)


def removed_rule(world: World) -> str:
    made = AlertRule.objects.get(pk=rule(world))
    archive(rule=made, now=clock.now(), actor="test")
    return str(made.pk)


def serving(world: World) -> str:
    return str(world.channel.pk)


def paused(world: World) -> str:
    return str(channel_pages.make(name="spare").pk)


def used(world: World) -> str:
    """A channel that was called, and is paused."""
    services.set_enabled(channel=world.channel, is_enabled=False, may_stop=True, actor="test")
    return str(world.channel.pk)


def new_model(world: World) -> str:
    services.copy_contract(model="new", source="gpt-image-2", actor="test")
    return "new"


def model_off(world: World) -> str:
    services.set_offered(model=ORIGIN, is_offered=False, actor="test")
    return ORIGIN


def beside_a_new_model(world: World) -> str:
    """A channel without a route for the model `new`."""
    assert new_model(world) == "new"
    return serving(world)


def draft(world: World) -> str:
    """A draft with the prices in force."""
    now = clock.now()
    return draft_price_book(name="list", effective_from=now, actor="test").known_as


def revised(world: World) -> str:
    made = channel_pages.serving(name="spare")
    options: Any = {"api_key": "sk-new"}
    services.set_channel(name="spare", options=options, actor="test")
    return str(made.pk)


def _bill(world: World, *rows: str) -> VendorBill:
    for number, name in enumerate("abc"):
        call(world.acme, world.channel, after=60 * number, request_id=name)
    usual = (row("a", 0, "0.03"), row("b", 60, "0.035"), row("x", 90, "0.05"))
    return matched(world.channel, csv_file(*(rows or usual)))


def bill(world: World) -> str:
    return str(_bill(world).pk)


def doubtful_bill(world: World) -> str:
    return str(_bill(world, row("a", 0, "3")).pk)


def taken_line(world: World) -> str:
    line = _bill(world).lines.get(number=2)
    decisions.take([line], reason="so", actor="test")
    return str(line.pk)


def disputed_line(world: World) -> str:
    made = _bill(world)
    decisions.dispute(made.lines.filter(number=2), words="so", actor="test")
    return str(made.lines.get(number=2).pk)


def unsure_line(world: World) -> str:
    for after in (1, 2):
        call(world.acme, world.channel, after=after, micros=40_000)
    content = csv_file(f"2026-11-20T12:00:10Z,{ORIGIN},0.06", header="created_at,model,cost_usd")
    return str(matched(world.channel, content).lines.get(number=1).pk)
