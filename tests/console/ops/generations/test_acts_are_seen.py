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
from accounts.models import AuditEvent, Mail, MemberChange, Tenant, User
from accounts.services.office.support import open_support
from billing.models import MoneyMove, PriceBook
from billing.price_rows import BookRow
from billing.services.office.price_lists import create_price_list
from billing.services.office.prices import draft_price_book, publish_price_book
from generation.catalogue.services.stop_switch import Stoppable, stop
from generation.models import Generation
from pictor.kit.words import clock
from pictor.kit.words.ids import new_uuid
from pictor.kit.words.money import Micros
from tests.console.ops.acting import do
from tests.console.ops.addresses import addresses
from tests.console.ops.ladder.rungs import SUPPORT_OFF, it_stands_in_the_log_as_staffs
from tests.console.ops.ladder.samples import SAMPLES
from tests.console.ops.ladder.world import peopled
from tests.making.acting import at_ops
from tests.making.factories import PayingCustomer
from tests.stack.servers import ROOT

Make = Callable[..., Generation]


@dataclass(frozen=True)
class World:
    """A tenant with people, and an owner of the house who acts in it."""

    client: Client
    acme: PayingCustomer
    deliver: Make

    @property
    def tenant(self) -> Tenant:
        return self.acme.tenant

    @property
    def staff(self) -> User:
        return User.objects.get(email="op@pictor.example")

    def send(self, path: str, **said: Any) -> Any:
        return self.client.post(f"/ops/{path}", {**SUPPORT_OFF, **said})

    def of_tenant(self, page: str, **said: Any) -> Any:
        return self.send(f"tenants/{self.tenant.public_id}/{page}", **said)

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


def assign(world: World) -> Any:
    resellers = create_price_list(name="resellers", actor="test")
    return world.confirmed(f"tenants/{world.tenant.public_id}/prices/list/", list=resellers.id)


def publish(world: World) -> Any:
    return world.confirmed(f"prices/{world.draft(2).pk}/review/")


def withdraw(world: World) -> Any:
    return world.confirmed(f"prices/{world.book(2, later=True).pk}/withdraw/", reason="a slip")


def restore(world: World) -> Any:
    first, _ = world.book(20), world.book(21)
    return world.confirmed(f"prices/{first.pk}/restore/", reason="a slip")


def end_view(world: World) -> Any:
    with at_ops():
        grant = open_support(tenant=world.tenant, user=world.staff, reason="a", now=clock.now())
    return world.of_tenant(f"support/{grant.public_id}/end/")


def look(world: World) -> Any:
    Tenant.objects.filter(pk=world.tenant.pk).update(shows_support_content=True)
    made = world.deliver(world.acme)
    return world.send(f"generations/{made.public_id}/look/")


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


def key_page(world: World, action: str, **said: Any) -> Any:
    return world.of_tenant(f"keys/{world.acme.key.public_id}/{action}/", **said)


ACTS: Mapping[str, tuple[Callable[[World], Any], str]] = {
    "tenant_list": (assign, "changed the workspace's shared price list"),
    "price_publish": (publish, "published the price list own:1"),
    "price_book.publish": (
        lambda world: do(world.client, "price_book.publish", world.draft(2).known_as),
        "published the price list own:1",
    ),
    "price_withdraw": (withdraw, "withdrew the price list own:1"),
    "price_restore": (restore, "published the price list own:3"),
    "tenant_key_change": (
        lambda world: key_page(world, "change", name="nightly", scopes=["images:write"]),
        "changed the key nightly",
    ),
    "change_decide": (
        approve_member, "approved a change of the members: Uninvite eve@acme.example",
    ),
    "support_open": (
        lambda world: world.of_tenant("support/open/", once=new_uuid(), reason="ticket 7"),
        "opened a support view: ticket 7",
    ),
    "support_end": (end_view, "ended the support view"),
    "generation_look": (look, "looked at the prompt and images of the generation gen_…"),
    "stop": (
        lambda world: world.send("system/stop/", what="acme", reason="a", words="b"),
        "stopped new requests of the workspace",
    ),
    "start": (start, "started new requests of the workspace again"),
    "move_approve": (approve, "gave a credit"),
}  # fmt: skip
"""By address that is no declared act: one about a tenant, and how its log begins what was done."""

MAILED = {"tenant_key_change", "stop", "start"}
"""Acts on keys and state.

A suspension, an export and a change of members that waits have mails of their own.
"""
DECLARED = {name for name, sample in SAMPLES.items() if sample.log}
"""Acts of the ladder (`tests/console/ops/ladder/`), which looks into the log as well."""

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
        *("model_edit", "model_copy", "model_end", "model_keep"),
        *("channel.route", "model.import", "model.delete", "model.disable", "model.enable"),
        *("price_list_new", "price_list_rename", "incident_new", "incident_plan"),
        *("incident_update", "incident_correct"),
    ),
    "of the house: who is staff, and who hears of problems": (
        *("operator_key.create", "operator_key.rotate", "operator_key.revoke"),
        *("staff_add", "staff_role", "staff_factor", "staff_sessions", "staff_remove"),
        *("alert_new", "alert_edit", "alert_confirm", "alert_secret", "alert.test"),
        *("alert.enable", "alert.disable", "alert.remove", "alert.restore"),
    ),
    "it books what the provider says, in the tenant's ledger": ("payment.follow",),
    "changes nothing: it proves, or wakes a worker for what waits": (
        *("ledger_check", "generation.ring"),
    ),
    "a new tenant has nobody to read its log yet; its first event says who made it": (
        "tenant.create",
    ),
}


@pytest.fixture
def world(owner: Client, acme: PayingCustomer, delivered: Make) -> World:
    peopled(acme)
    return World(owner, acme, delivered)


def test_every_acting_address_is_about_a_tenant_or_exempt_for_a_reason():
    exempt = [name for names in EXEMPT.values() for name in names]

    assert ({*ACTS} | DECLARED) ^ {*exempt} == {one.name for one in addresses() if one.acts}
    assert len(exempt) == len({*exempt})
    assert {*ACTS} & DECLARED == set()


@pytest.mark.parametrize("name", ACTS)
def test_an_act_stands_in_the_tenants_log_as_staffs_and_changes_nothing_of_support(world, name):
    act, words = ACTS[name]
    before = AuditEvent.objects.latest("id").pk

    act(world)

    it_stands_in_the_log_as_staffs(
        world.tenant.id, before, words, is_mailed=name in MAILED, lets=name == "generation_look"
    )


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
