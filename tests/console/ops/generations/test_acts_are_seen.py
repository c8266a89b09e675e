"""Every act of staff about a tenant stands in its audit log as theirs, or is a named exemption."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client

from accounts.audit_log import audit_events_of, audit_page, author
from accounts.models import AuditEvent, Invitation, Mail, MemberChange, Membership, Tenant, User
from accounts.selectors.office.tenants import tenant_by_id
from accounts.services.office.api_keys import issue_api_key
from accounts.services.office.members import add_member, invite_as_operator
from accounts.services.office.support import open_support
from accounts.services.office.suspending import suspend
from billing.models import MoneyMove, PriceBook
from billing.pricing import BookRow
from billing.services.office.price_lists import create_price_list
from billing.services.office.prices import draft_price_book, publish_price_book
from generation.catalogue.services.stop_switch import Stoppable, stop
from generation.models import Generation
from pictor.kit.words import clock
from pictor.kit.words.ids import new_uuid
from pictor.kit.words.money import Micros
from tests.console.ops.acting import do
from tests.console.ops.addresses import addresses
from tests.making.acting import at_ops
from tests.making.factories import PayingCustomer
from tests.stack.servers import ROOT

Make = Callable[..., Generation]
ASKED = "asked for a change of the members:"
WHY = {"reason": "they asked", "note": "ticket 7", "words": "Sorry"}
SUPPORT_OFF = {"allows_support": "on", "shows_support_content": "on"}
"""What an owner's form says of support, sent with each act: it changes nothing."""


@dataclass(frozen=True)
class World:
    """A tenant with an owner and a developer, and an owner of the house who acts in it."""

    client: Client
    acme: PayingCustomer
    made: Mapping[str, Make]

    @property
    def tenant(self) -> Tenant:
        return self.acme.tenant

    @property
    def staff(self) -> User:
        return User.objects.get(email="op@pictor.example")

    @property
    def developer(self) -> User:
        return User.objects.get(email="dev@acme.example")

    def send(self, path: str, **said: Any) -> Any:
        return self.client.post(f"/ops/{path}", {**SUPPORT_OFF, **said})

    def of_tenant(self, page: str, **said: Any) -> Any:
        return self.send(f"tenants/{self.tenant.public_id}/{page}", **said)

    def of(self, kind: str, action: str, **said: Any) -> Any:
        made = self.made[kind](self.acme)
        about = made.public_id
        return do(self.client, f"generation.{action}", about, **SUPPORT_OFF, **WHY, **said)

    def confirmed(self, path: str, **said: Any) -> Any:
        """Send the form of a page with what it shows."""
        drawn = self.client.get(f"/ops/{path}", said).content.decode()
        hidden = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', drawn)
        fields = {unescape(name): unescape(value) for name, value in hidden}
        return self.send(path.replace("review/", "publish/"), **{**fields, **said})

    def book(self, cents: int, *, later: bool = False) -> PriceBook:
        """A published book of the tenant's own."""
        now = clock.now()
        begins = now + timedelta(days=1) if later else now
        return publish_price_book(book=self.draft(cents), actor="test", now=now, begins=begins)

    def draft(self, cents: int) -> PriceBook:
        row = BookRow("gpt-image-2", "1024x1024", "low", Micros(cents * 10_000), 1024, 1024)
        return draft_price_book(
            name="own", rows=[row], effective_from=clock.now(), tenant_id=self.tenant.id,
            actor="test",
        )  # fmt: skip

    def invitation(self) -> Invitation:
        invite_as_operator(
            tenant=self.tenant, email="eve@acme.example", role=Membership.Role.VIEWER,
            by=self.staff, now=clock.now(), tell=lambda invited: None, actor="test",
        )  # fmt: skip
        return Invitation.objects.get()


def money(world: World, kind: str = "credit") -> Any:
    return do(
        world.client, f"tenant.{kind}", world.tenant.public_id, amount="5", reason="sorry",
        note="n", **SUPPORT_OFF,
    )  # fmt: skip


def resume(world: World) -> Any:
    suspend(tenant=world.tenant, words="unpaid", actor="test")
    return do(world.client, "tenant.resume", world.tenant.public_id)


def assign(world: World) -> Any:
    resellers = create_price_list(name="resellers", actor="test")
    return world.confirmed(f"tenants/{world.tenant.public_id}/prices/list/", list=resellers.id)


def publish(world: World) -> Any:
    return world.confirmed(f"prices/{world.draft(2).pk}/review/")


def withdraw(world: World) -> Any:
    return world.confirmed(f"prices/{world.book(2, later=True).pk}/withdraw/", reason="a slip")


def restore(world: World) -> Any:
    first, _ = world.book(20), world.book(21)
    return world.confirmed(f"prices/{first.pk}/restore/")


def end_view(world: World) -> Any:
    with at_ops():
        grant = open_support(tenant=world.tenant, user=world.staff, reason="a", now=clock.now())
    return world.of_tenant(f"support/{grant.public_id}/end/")


def look(world: World) -> Any:
    Tenant.objects.filter(pk=world.tenant.pk).update(shows_support_content=True)
    made = world.made["delivered"](world.acme)
    return world.send(f"generations/{made.public_id}/look/")


def refund_several(world: World) -> Any:
    made = world.made["delivered"](world.acme)
    said = {"generation": [made.public_id], "confirm": 1, **WHY}
    return do(world.client, "generations.refund", **said)


def outage(world: World) -> Any:
    world.made["failed"](world.acme)
    moments = (clock.now() + timedelta(minutes=minutes) for minutes in (-30, 30))
    since, until = (f"{at:%Y-%m-%d %H:%M} UTC" for at in moments)
    return do(world.client, "outage.credit", since=since, until=until, confirm=1, **WHY)


def start(world: World) -> Any:
    stop(what=Stoppable(tenant=world.tenant), reason="a", now=clock.now(), actor="test")
    return world.send("system/start/", what=world.tenant.public_id)


def approve(world: World) -> Any:
    move = MoneyMove.objects.create(
        id=new_uuid(),
        tenant=world.tenant, kind="credit", amount=7_000_000, reason="sorry", note="n",
        asked_by_name="bob@pictor.example", asked_at=clock.now(),
        expires_at=clock.now() + timedelta(days=1),
    )  # fmt: skip
    return world.send(f"moves/{move.id}/approve/")


def approve_member(world: World) -> Any:
    change = MemberChange.objects.create(
        tenant=world.tenant, email="eve@acme.example", site="https://pictor.example/",
        asked_by=User.objects.create_user("bob@pictor.example", staff_role="operator"),
        asked_at=clock.now(),
    )  # fmt: skip
    return world.send(f"moves/members/{change.id}/approve/")


def limits(world: World) -> Any:
    days = world.tenant.prompt_retention_days
    return do(
        world.client, "tenant.limits", world.tenant.public_id, name="acme", max_in_flight="4",
        prompt_retention_days=days or "", **SUPPORT_OFF,
    )  # fmt: skip


def key_page(world: World, action: str, **said: Any) -> Any:
    return world.of_tenant(f"keys/{world.acme.key.public_id}/{action}/", **said)


def people(world: World, act: str, **said: Any) -> Any:
    email = world.developer.email
    return do(world.client, f"tenant.{act}", world.tenant.public_id, **{"email": email, **said})


ACTS: Mapping[str, tuple[Callable[[World], Any], str]] = {
    "tenant.credit": (money, "gave a credit"),
    "tenant.suspend": (
        lambda world: do(world.client, "tenant.suspend", world.tenant.public_id, words="unpaid"),
        "suspended the workspace",
    ),
    "tenant.resume": (resume, "resumed the workspace"),
    "tenant.limits": (limits, "changed the workspace's name or limits"),
    "tenant_list": (assign, "changed the workspace's shared price list"),
    "price_publish": (publish, "published the price list own:1"),
    "price_withdraw": (withdraw, "withdrew the price list own:1"),
    "price_restore": (restore, "published the price list own:3"),
    "key.create": (
        lambda world: do(world.client, "key.create", world.tenant.public_id, name="new"),
        "created the key new",
    ),
    "tenant_key_change": (
        lambda world: key_page(world, "change", name="nightly", scopes=["images:write"]),
        "changed the key nightly",
    ),
    "key.revoke": (
        lambda world: do(world.client, "key.revoke", world.acme.key.public_id),
        "revoked the key key_…",
    ),
    "tenant.invite": (
        lambda world: people(world, "invite", email="eve@acme.example", role="viewer"),
        f"{ASKED} Invite eve@acme.example as viewer",
    ),
    "tenant.role": (
        lambda world: people(world, "role", role="viewer"),
        f"{ASKED} dev@acme.example: developer → viewer",
    ),
    "tenant.remove": (
        lambda world: people(world, "remove", keys="revoke"),
        f"{ASKED} Remove dev@acme.example (developer); the keys they made are revoked",
    ),
    "change_decide": (
        approve_member, "approved a change of the members: Uninvite eve@acme.example",
    ),
    "tenant.uninvite": (
        lambda world: people(world, "uninvite", email=world.invitation().email),
        "withdrew the invitation of eve@acme.example",
    ),
    "tenant.export": (
        lambda world: do(world.client, "tenant.export", world.tenant.public_id),
        "asked for an export",
    ),
    "tenant.erase": (
        lambda world: do(
            world.client, "tenant.erase", world.tenant.public_id, confirm="acme", **SUPPORT_OFF
        ),
        "deleted the workspace",
    ),
    "support_open": (
        lambda world: world.of_tenant("support/open/", once=new_uuid(), reason="ticket 7"),
        "opened a support view: ticket 7",
    ),
    "support_end": (end_view, "ended the support view"),
    "generation_look": (look, "looked at the prompt and images of the generation gen_…"),
    "generation.refund": (lambda world: world.of("delivered", "refund", amount="0.02"), "refunded"),
    "generation.credit": (lambda world: world.of("failed", "credit", amount="1"), "gave a credit"),
    "generations.refund": (refund_several, "refunded"),
    "outage.credit": (outage, "gave a credit"),
    "generation.cancel": (
        lambda world: world.of("waiting", "cancel"), "canceled the generation gen_…",
    ),
    "generation.fail": (
        lambda world: world.of("running", "fail"), "ended the generation gen_… as failed",
    ),
    "stop": (
        lambda world: world.send("system/stop/", what="acme", reason="a", words="b"),
        "stopped new requests of the workspace",
    ),
    "start": (start, "started new requests of the workspace again"),
    "move_approve": (approve, "gave a credit"),
}  # fmt: skip
"""By address: an act about a tenant, and how its log begins what was done."""

MAILED = {
    *("tenant.resume", "key.create", "tenant_key_change", "key.revoke"),
    *("tenant.uninvite", "tenant.erase", "stop", "start"),
}
"""Acts on keys, members, state and data.

A suspension, an export and a change of members that waits have mails of their own.
"""

EXEMPT: Mapping[str, tuple[str, ...]] = {
    "a note about a problem, for staff: no tenant has less or more by it": (
        *("assign", "unassign", "silence", "accept", "recall"),
    ),
    "a move that waits, or is declined, moved nothing (ADR 0058)": ("move_decline",),
    "what we pay vendors: no tenant's charge depends on it": (
        *("channel_costs", "bill_new", "bill_columns", "bill.accept", "bill.again", "bill.forget"),
        *("bill.take", "bill.dispute", "bill.put_back", "bill.withdraw", "bill.pick"),
    ),
    "a draft charges nobody until it is published": (
        *("price_new", "price_change", "price_retype", "price_undo", "price_markup"),
        *("price_discard", "tenant_override"),
    ),
    "like a credit, and as one that was reversed": (
        *("tenant.top_up", "tenant.adjustment", "tenant.reversal"),
    ),
    "of everyone: tenants read it in the offer, the prices or on the status page": (
        *("channel_new", "channel_edit", "channel_test", "channel.enable", "channel.swap"),
        *("channel.discard", "channel.pause", "channel.weigh", "channel.reset", "channel.archive"),
        *("model_edit", "model_copy", "model_on", "model_off", "model_end", "model_keep"),
        *("price_list_new", "price_list_rename", "incident_new", "incident_plan"),
        *("incident_update", "incident_correct"),
    ),
    "of the house: who is staff, and who hears of problems": (
        *("operator_key.create", "operator_key.rotate", "operator_key.revoke"),
        *("staff_add", "staff_role", "staff_factor", "staff_sessions", "staff_remove"),
        *("alert_new", "alert_edit", "alert_confirm", "alert_secret", "alert.test"),
        *("alert.enable", "alert.disable", "alert.remove", "alert.restore"),
    ),
    "changes nothing: it proves, or wakes a worker for what waits": (
        *("ledger_check", "generation.ring"),
    ),
    "a new tenant has nobody to read its log yet; its first event says who made it": (
        "tenant.create",
    ),
}


@pytest.fixture
def world(
    owner: Client, acme: PayingCustomer, delivered: Make, failed: Make, running: Make
) -> World:
    User.objects.filter(email="op@pictor.example").update(name="Ann Bee")
    for name, role in (("own", Membership.Role.OWNER), ("dev", Membership.Role.DEVELOPER)):
        person = User.objects.create_user(f"{name}@acme.example", email_verified_at=clock.now())
        add_member(tenant=acme.tenant, user=person, role=role, actor="test")
        issue_api_key(tenant=acme.tenant, name=f"of {name}", actor=person)
    # Staff who are the tenant's people, too, act at /ops/ as staff.
    staff = User.objects.get(email="op@pictor.example")
    add_member(tenant=acme.tenant, user=staff, role=Membership.Role.ADMIN, actor="test")
    kinds = {"delivered": delivered, "failed": failed, "running": running}
    return World(owner, acme, {**kinds, "waiting": lambda customer: customer.generation()})


def test_every_acting_address_is_about_a_tenant_or_exempt_for_a_reason():
    exempt = [name for names in EXEMPT.values() for name in names]

    assert {*ACTS} ^ {*exempt} == {one.name for one in addresses() if one.acts}
    assert len(exempt) == len({*exempt})


@pytest.mark.parametrize("name", ACTS)
def test_an_act_stands_in_the_tenants_log_as_staffs_and_changes_nothing_of_support(world, name):
    act, words = ACTS[name]
    before = AuditEvent.objects.latest("id").pk

    answer = act(world)

    # What the recipe needs first was made by "test".
    events = [
        (author(event), row["action"])
        for event in audit_page(world.tenant.id, limit=50)
        for row in audit_events_of(world.tenant.id)
        if event.pk > before and event.actor_name != "test" and row["id"] == event.pk
    ]
    assert {by for by, _ in events} == {"Pictor support (Ann)"}, answer.content.decode()[-3000:]
    pattern = re.escape(words).replace("…", r"\S+")
    assert [done for _, done in events if re.fullmatch(pattern, done)]
    stored = tenant_by_id(world.tenant.id)
    lets = name == "generation_look"
    assert (stored.allows_support, stored.shows_support_content) == (True, lets)
    mails = Mail.objects.filter(to="own@acme.example")
    acted = [mail.text for mail in mails if mail.subject == "Pictor support (Ann) acted in acme"]
    assert len(acted) == (name in MAILED)


def test_a_new_tenants_log_begins_with_who_made_it(world):
    do(world.client, "tenant.create", name="Beta", owner="bea@beta.example")

    beta = Tenant.objects.get(name="Beta")
    events = audit_page(beta.id, limit=9)

    assert {author(event) for event in events} == {"Pictor support (Ann)"}
    assert [mail.subject for mail in Mail.objects.filter(to="bea@beta.example")] == [
        "Pictor support invites you to Beta"
    ]


COMMANDS = [
    (("tenant", "credit", "acme", "5", "--reason", "n", "--words", "sorry"), "gave a credit"),
    (
        ("do", "tenant.limits", "acme", "--max-in-flight", "4"),
        "changed the workspace's name or limits",
    ),
    (("do", "tenant.suspend", "acme", "--words", "unpaid"), "suspended the workspace"),
    (
        ("do", "tenant.limits", "acme", "--uncharged-ceiling", "9"),
        "changed the workspace's ceiling on uncharged cost",
    ),
    (("tenant", "set", "acme", "--ours"), "changed whether the workspace is the operator's own"),
    (
        ("do", "tenant.role", "acme", "--email", "dev@acme.example", "--role", "viewer"),
        "changed the role of …",
    ),
    (("key", "create", "acme", "--name", "ci"), "created the key ci"),
    (("stop", "acme", "--reason", "a"), "stopped new requests of the workspace"),
]


@pytest.mark.parametrize(("command", "words"), COMMANDS)
def test_a_commands_act_is_pictors_whoever_it_is_run_as(world, command, words):
    before = AuditEvent.objects.latest("id").pk

    call_command(*command, "--as", "op@pictor.example")

    rows = [row for row in audit_events_of(world.tenant.id) if row["id"] > before]
    assert {row["by"] for row in rows} == {"Pictor"}
    pattern = re.escape(words).replace("…", r"\S+")
    assert [row["action"] for row in rows if re.fullmatch(pattern, row["action"])]


def test_only_an_owners_settings_change_what_support_may_see():
    callers = {
        str(path.relative_to(ROOT))
        for app in ("accounts", "billing", "generation", "platform", "storage", "webhooks")
        for path in (ROOT / app).rglob("*.py")
        if "set_support(" in path.read_text(encoding="utf-8")
    }

    assert callers == {
        "accounts/services/office/support.py", "platform/console/workspace/settings/pages.py"
    }  # fmt: skip
