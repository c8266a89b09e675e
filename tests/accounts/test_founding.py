"""A new tenant made by staff: tenant, invitation, credit and first key, once for each form id."""

import json
from concurrent.futures import ThreadPoolExecutor
from io import StringIO
from uuid import UUID, uuid4

import pytest
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command

from accounts.authentication import authenticate
from accounts.models import ApiKey, AuditEvent, Invitation, Mail, Membership, Tenant, User
from accounts.services.office.api_keys import KeyRules, issue_api_key
from accounts.services.office.founding import Founded, Owner, Start, found_tenant
from accounts.services.office.members import accept_invitation, add_member
from accounts.services.office.tenants import TenantLimits
from billing.selectors.office.balances import available_to
from billing.selectors.office.ledger import ledger_findings
from pictor.kit.words import clock, ids
from pictor.kit.words.money import Micros
from tests.billing.conftest import alone


def new_tenant(once: UUID | None = None, *, name: str = "Acme", credit: int = 5_000_000) -> Founded:
    by, _ = User.objects.get_or_create(email="bob@pictor.example", staff_role="owner")
    limits = TenantLimits(requests_per_minute=30, images_per_minute=9, max_in_flight=4)
    return found_tenant(
        once=once or ids.new_uuid(),
        name=name,
        start=Start(credit=Micros(credit), words="welcome", note="Bob's friend", limits=limits),
        owner=Owner(email="Ann@acme.example", by=by, tell=lambda invited: None),
        actor=by,
        now=clock.now(),
    )


def test_a_tenant_has_all_of_it_at_once(db):
    made = new_tenant()

    tenant = Tenant.objects.get()
    assert made.tenant == tenant
    assert (tenant.requests_per_minute, tenant.images_per_minute, tenant.max_in_flight) == (
        30,
        9,
        4,
    )
    assert available_to(tenant.id) == 5_000_000
    assert authenticate(made.text, now=clock.now(), ip=None).tenant_id == tenant.id
    offered = Invitation.objects.get()
    assert (offered.email, offered.role, offered.is_of_staff) == ("ann@acme.example", "owner", True)
    log = AuditEvent.objects.order_by("id").values_list("action", flat=True)
    assert list(log) == [
        "tenant.create", "balance.credit", "staff.note", "member.invite", "api_key.issue",
    ]  # fmt: skip
    assert ledger_findings() == []


def test_an_invitation_of_staff_makes_an_owner(db):
    new_tenant()
    ann = User.objects.create_user("ann@acme.example", email_verified_at=clock.now())

    accept_invitation(invitation=Invitation.objects.get(), user=ann, now=clock.now())

    assert Membership.objects.get(user=ann).role == "owner"


def test_an_invitation_of_who_is_no_longer_staff_is_closed(db):
    new_tenant()
    User.objects.filter(staff_role="owner").update(staff_role="")
    ann = User.objects.create_user("ann@acme.example", email_verified_at=clock.now())

    with pytest.raises(ValidationError, match="no longer open"):
        accept_invitation(invitation=Invitation.objects.get(), user=ann, now=clock.now())


def test_sent_twice_it_is_one_tenant_whose_key_is_not_shown_again(db):
    once = ids.new_uuid()

    first, second = new_tenant(once), new_tenant(once)

    assert (first.tenant, second.key, second.text) == (second.tenant, None, "")
    assert (ApiKey.objects.count(), available_to(first.tenant.id)) == (1, 5_000_000)


@pytest.mark.usefixtures("pooled_connections")
@pytest.mark.django_db(transaction=True)
def test_sent_twice_at_once_it_is_one_tenant():
    once = ids.new_uuid()

    with ThreadPoolExecutor(2) as both:
        sent = [both.submit(alone, lambda: new_tenant(once)) for _ in range(2)]

    assert sorted(bool(one.result().text) for one in sent) == [False, True]
    assert ApiKey.objects.count() == Invitation.objects.count() == 1


SENT = ids.new_uuid()


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        ({"name": "Acme"}, "already exists"),
        ({"name": "Other", "once": SENT}, "has already created Acme"),
        ({"name": "Other", "once": uuid4()}, "did not come from here"),
        ({"name": "Other", "credit": 1_000_000_001}, r"Start with \$0 to \$1,000\.00"),
        ({"name": "Other", "credit": -1}, r"Start with \$0 to \$1,000\.00"),
    ],
    ids=["a name twice", "a form twice", "a form of another site", "too much", "less than 0"],
)
def test_a_refused_founding_leaves_nothing(db, wanted, message):
    new_tenant(SENT)

    with pytest.raises(ValidationError, match=message):
        new_tenant(**wanted)

    assert (Tenant.objects.count(), ApiKey.objects.count()) == (1, 1)


def run(*words: str) -> str:
    out = StringIO()
    call_command("tenant", "create", *words, stdout=out)
    return out.getvalue()


def test_a_tenant_with_its_owner_is_founded_by_command(db):
    User.objects.create_user("bob@pictor.example", staff_role="operator")
    said = run(
        *("Acme", "--credit", "12.5", "--reason", "Bob's friend", "--words", "welcome", "--json"),
        *("--owner", "ann@acme.example", "--site", "https://pictor.example"),
        *("--as", "bob@pictor.example"),
        *("--rpm", "30", "--ipm", "9", "--max-in-flight", "4"),
    )

    tenant = Tenant.objects.get()
    assert json.loads(said)["tenant"] == tenant.public_id
    assert available_to(tenant.id) == 12_500_000
    mail = Mail.objects.get()
    assert (mail.to, mail.subject) == ("ann@acme.example", "Pictor support invites you to Acme")
    assert "https://pictor.example/invite/" in mail.text


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--owner", "ann@acme.example"), "--site https"),
        (("--owner", "ann@acme.example", "--site", "https://pictor.example"), "the staff member"),
        (("--credit", "1"), "--reason is empty"),
        (("--balance", "10000.01"), "balance: Start with"),
        (("--max-in-flight", "0"), "whole number"),
    ],
)
def test_a_mistake_at_the_shell_makes_nothing(db, words, message):
    with pytest.raises(CommandError, match=message):
        run("Acme", *words)

    assert not Tenant.objects.exists()


def tenant(*words: str) -> str:
    out = StringIO()
    call_command("tenant", *words, stdout=out)
    return out.getvalue()


def do(*words: str) -> str:
    """An act at the shell."""
    out = StringIO()
    call_command("do", *words, stdout=out)
    return out.getvalue()


def test_members_are_invited_and_a_name_is_changed_by_command(db):
    User.objects.create_user("bob@pictor.example", staff_role="operator")
    run("Acme")
    site = ("--site", "https://pictor.example", "--as", "bob@pictor.example")

    said = tenant("invite", "Acme", "eve@acme.example", "billing", *site)
    renamed = do("tenant.limits", "Acme", "--name", "Acme Inc")

    assert said == "Acme: eve@acme.example invited as billing\n"
    assert renamed.startswith("Name: Acme → Acme Inc\n")
    assert json.loads(tenant("members", "Acme Inc", "--json")) == [
        {"email": "eve@acme.example", "role": "billing", "is": "invited"}
    ]
    with pytest.raises(CommandError, match="--site https"):
        tenant("invite", "Acme Inc", "a@b.example", "viewer", "--site", "pictor", *site[2:])


def test_a_key_made_by_command_is_told_with_its_secret(db):
    run("Acme")

    said = json.loads(do("key.create", "Acme", "--name", "ci", "--json"))

    assert (said["act"], said["done"]) == ("key.create", "Acme has the key ci")
    assert (
        authenticate(said["secret"], now=clock.now(), ip=None).tenant_id == Tenant.objects.get().id
    )


def test_a_members_role_is_changed_by_command(db):
    run("Acme")
    acme = Tenant.objects.get()
    for name, role in (("ann", Membership.Role.OWNER), ("bob", Membership.Role.VIEWER)):
        person = User.objects.create_user(f"{name}@acme.example")
        add_member(tenant=acme, user=person, role=role, actor="test")

    give = ("tenant.role", "Acme", "--email")
    said = do(*give, "bob@acme.example", "--role", "admin", "--as", "eve@pictor.example")

    assert said.startswith("bob@acme.example: Viewer → Admin\n")
    assert Membership.objects.get(user__email="bob@acme.example").role == "admin"
    event = AuditEvent.objects.filter(action="member.set").latest("id")
    assert (event.before, event.after) == ({"role": "viewer"}, {"role": "admin"})
    assert event.actor_name.endswith("as eve@pictor.example)")
    with pytest.raises(CommandError, match="needs an owner"):
        do(*give, "ann@acme.example", "--role", "viewer")
    User.objects.create_user("eve@low.example")
    with pytest.raises(CommandError, match="no member of Acme"):
        do(*give, "eve@low.example", "--role", "viewer")


def test_an_invitation_is_taken_back_by_command(db):
    User.objects.create_user("bob@pictor.example", staff_role="operator")
    run("Acme")
    hand = ("--as", "bob@pictor.example")
    tenant("invite", "Acme", "eve@acme.example", "viewer", "--site", "https://p.example", *hand)

    uninvite = ("tenant.uninvite", "Acme", "--email")
    said = do(*uninvite, "Eve@acme.example", *hand)

    assert said.startswith("eve@acme.example is no longer invited\n")
    assert not Invitation.objects.exists()
    with pytest.raises(CommandError, match="That invitation is no longer open"):
        do(*uninvite, "eve@acme.example")


def test_a_member_is_removed_by_command(db):
    run("Acme")
    acme = Tenant.objects.get()
    for name, role in (("ann", Membership.Role.OWNER), ("bob", Membership.Role.DEVELOPER)):
        person = User.objects.create_user(f"{name}@acme.example")
        add_member(tenant=acme, user=person, role=role, actor="test")
    rules = KeyRules(budget_day=Micros(1_000_000))
    key, _ = issue_api_key(
        tenant=acme, name="ci", rules=rules, actor=User.objects.get(email="bob@acme.example")
    )

    remove = ("tenant.remove", "Acme", "--yes", "--email")
    with pytest.raises(CommandError, match="--keys: This field is required"):
        do(*remove, "bob@acme.example")
    with pytest.raises(CommandError, match="needs an owner"):
        do(*remove, "ann@acme.example")
    said = do(*remove, "bob@acme.example", "--keys", "ann@acme.example")

    assert "bob@acme.example removed\n" in said
    assert [one.user.email for one in Membership.objects.all()] == ["ann@acme.example"]
    key.refresh_from_db()
    # The heir may lower only the budget, since the other owner set it.
    assert [one and one.email for one in (key.created_by, key.limited_by)] == [
        "ann@acme.example",
        "bob@acme.example",
    ]
