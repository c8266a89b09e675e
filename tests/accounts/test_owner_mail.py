"""Mail to a tenant's owners about what staff, or a command, did in it."""

from datetime import timedelta
from importlib import import_module
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from django.core.management import CommandError, call_command
from django.db import connection

from accounts.callers import caller_of_key
from accounts.management.commands import changepassword
from accounts.models import AuditEvent, Invitation, Mail, Membership, Tenant, User
from accounts.services.office.api_keys import issue_api_key, revoke_api_key, rotate_api_key
from accounts.services.office.delegation import issue_key_for, rotate_key_for
from accounts.services.office.erasure import end_tenant
from accounts.services.office.members import (
    add_member,
    change_role_as_operator,
    dismiss_member_as_operator,
    invite_as_operator,
)
from accounts.services.office.personal_data import set_prompt_retention
from accounts.services.office.suspending import resume, suspend
from accounts.services.office.tenants import TenantLimits, change_tenant, create_tenant
from pictor.kit.words import clock
from pictor.kit.words.errors import Forbidden
from tests.making.acting import at_ops
from tests.making.factories import EVERYTHING

OWNER, ADMIN = Membership.Role.OWNER, Membership.Role.ADMIN
DEVELOPER = Membership.Role.DEVELOPER


@pytest.fixture
def acme(db: None) -> Tenant:
    return create_tenant(name="acme", title="Acme Prints", actor="test")


@pytest.fixture
def ann(db: None) -> User:
    return User.objects.create_superuser("ann@pictor.example", "correct horse", name="Ann Bee")


@pytest.fixture
def own(acme: Tenant) -> User:
    return joined(acme, "own@acme.example", OWNER)


def joined(tenant: Tenant, email: str, role: Membership.Role) -> User:
    user = User.objects.create_user(email, email_verified_at=clock.now())
    add_member(tenant=tenant, user=user, role=role, actor="test")
    return user


def acts_in(mail: Mail) -> list[str]:
    """What the mail says was done."""
    return [line[2:] for line in mail.text.splitlines() if line.startswith("- ")]


def test_owners_are_mailed_who_did_what_and_when_and_where_it_stands(acme, ann, own, settings):
    settings.SITE_URL, settings.OPERATOR_CONTACT = "https://pictor.example", "help@pictor.example"
    joined(acme, "admin@acme.example", ADMIN)
    User.objects.filter(pk=joined(acme, "gone@acme.example", OWNER).pk).update(is_active=False)

    with at_ops():
        issue_api_key(tenant=acme, name="ci see.example", actor=ann)

    mail = Mail.objects.get()
    event = AuditEvent.objects.get(action="api_key.issue")
    assert (mail.to, mail.subject) == (
        "own@acme.example", "Pictor support (Ann) acted in Acme Prints"
    )  # fmt: skip
    assert acts_in(mail) == ["created the key ci see example"]
    assert f"{event.at:%-d %B %Y, %H:%M} UTC" in mail.text
    address = f"https://pictor.example/console/{acme.public_id}/audit/"
    assert address in mail.text
    assert f'href="{address}"' in mail.html
    assert "ask the operator of this site: help@pictor.example" in mail.text
    assert "ann@pictor.example" not in mail.text + mail.html


def test_a_dismissal_with_its_keys_is_one_mail(acme, ann, own):
    bob = joined(acme, "bob@acme.example", ADMIN)
    for name in ("one", "two"):
        issue_api_key(tenant=acme, name=name, actor=bob)
    Invitation.objects.create(
        tenant=acme, email="eve@acme.example", role="viewer", invited_by=bob, expires_at=clock.now()
    )

    with at_ops():
        dismiss_member_as_operator(
            membership=Membership.objects.get(user=bob), heir=None, actor=ann, now=clock.now()
        )

    first, second, *others = acts_in(Mail.objects.get())
    assert first.startswith("revoked the key key_")
    assert second.startswith("revoked the key key_")
    assert others == [
        "withdrew the invitation of eve@acme.example",
        "removed bob@acme.example from the workspace",
    ]


def test_an_owner_who_is_lowered_is_told_too(acme, ann, own):
    joined(acme, "bob@acme.example", OWNER)

    with at_ops():
        change_role_as_operator(membership=Membership.objects.get(user=own), role=ADMIN, actor=ann)

    mails = list(Mail.objects.order_by("to"))
    assert [mail.to for mail in mails] == ["bob@acme.example", "own@acme.example"]
    assert acts_in(mails[0]) == ["changed the role of own@acme.example"]


def test_a_deleted_workspaces_owners_are_mailed_once(acme, ann, own):
    issue_api_key(tenant=acme, name="ci", actor="test")

    with at_ops():
        end_tenant(tenant=acme, confirmation="acme", actor=ann, now=clock.now())

    deleted, suspended, revoked, removed = acts_in(Mail.objects.get(to="own@acme.example"))
    assert [deleted, suspended] == ["deleted the workspace", "suspended the workspace"]
    assert revoked.startswith("revoked the key key_")
    assert removed == "removed own@acme.example from the workspace"


def test_state_and_data_are_mailed_and_a_suspension_by_its_own_mail(acme, ann, own):
    with at_ops():
        suspend(tenant=acme, words="card refused", actor=ann)
        resume(tenant=acme, actor=ann)
        set_prompt_retention(tenant=acme, days=3, actor=ann)

    mails = Mail.objects.order_by("created_at")
    assert [mail.subject for mail in mails] == [
        "Acme Prints is suspended",
        *["Pictor support (Ann) acted in Acme Prints"] * 2,
    ]
    assert acts_in(mails[1]) + acts_in(mails[2]) == [
        "resumed the workspace", "changed how long prompts are kept"
    ]  # fmt: skip


def test_limits_and_what_its_own_people_do_are_not_mailed(acme, ann, own):
    add_member(tenant=acme, user=ann, role=OWNER, actor="test")
    key, _ = issue_api_key(tenant=acme, name="ci", actor=ann)
    revoke_api_key(key=key, actor=own, now=clock.now())
    with at_ops():
        change_tenant(tenant=acme, name="acme", limits=TenantLimits(max_in_flight=2), actor=ann)

    assert not Mail.objects.exists()


def test_a_command_is_mailed_as_pictor(acme, own):
    call_command("key", "create", "acme", "--name", "ci")

    mail = Mail.objects.get()
    assert (mail.to, mail.subject) == ("own@acme.example", "Pictor acted in Acme Prints")
    assert acts_in(mail) == ["created the key ci"]


def test_what_is_rolled_back_is_not_mailed(acme, ann, own, monkeypatch):
    def fails(*_: object, **__: object) -> None:
        raise RuntimeError

    monkeypatch.setattr("accounts.services.office.members.remove_member", fails)
    issue_api_key(tenant=acme, name="ci", actor=own)
    joined(acme, "bob@acme.example", OWNER)

    with at_ops(), pytest.raises(RuntimeError):
        dismiss_member_as_operator(
            membership=Membership.objects.get(user=own), heir=None, actor=ann, now=clock.now()
        )

    assert not Mail.objects.exists()
    with at_ops():  # the act that failed is over
        set_prompt_retention(tenant=acme, days=3, actor=ann)
    told = [acts_in(mail) for mail in Mail.objects.all()]
    assert told == [["changed how long prompts are kept"]] * 2


def test_the_first_owner_is_told_of_keys_whose_secret_others_saw(acme, ann):
    with at_ops():
        seen, _ = issue_api_key(tenant=acme, name="seen", actor=ann)
        gone, _ = issue_api_key(tenant=acme, name="gone", actor=ann)
    call_command("key", "create", "acme", "--name", "shop")
    revoke_api_key(key=gone, actor=ann, now=clock.now())

    own = joined(acme, "own@acme.example", OWNER)
    issue_api_key(tenant=acme, name="own", actor=own)
    joined(acme, "two@acme.example", OWNER)

    assert acts_in(Mail.objects.get()) == [
        "warned that others saw the secret of the key seen and it should be rotated"
    ]
    assert AuditEvent.objects.filter(action="api_key.seen", object_id=seen.public_id).count() == 1


def test_the_first_owner_is_told_whom_staff_invited_before(acme, ann):
    with at_ops():
        for email, role in (("own@acme.example", OWNER), ("friend@elsewhere.example", ADMIN)):
            invite_as_operator(
                tenant=acme, email=email, role=role, inviter=ann, now=clock.now(),
                tell=lambda _: None, actor=ann,
            )  # fmt: skip
    assert not Mail.objects.exists()

    joined(acme, "own@acme.example", OWNER)

    assert acts_in(Mail.objects.get()) == ["invited friend@elsewhere.example"]


def test_a_key_that_staff_saw_manages_no_keys_of_an_owner_until_a_member_rotates_it(acme, ann):
    with at_ops():
        seen, _ = issue_api_key(tenant=acme, name="seen", actor=ann, rules=EVERYTHING)
    made: dict[str, Any] = {"name": "made", "fields": {}, "livemode": None, "actor": "a key"}
    of_staff, _ = issue_key_for(caller=caller_of_key(seen.id), **made)
    dev = joined(acme, "dev@acme.example", DEVELOPER)
    taken, _ = issue_api_key(tenant=acme, name="taken", actor=dev, rules=EVERYTHING)
    rotate_key_for(caller=caller_of_key(seen.id), key=taken, overlap=timedelta(0),
                   now=clock.now(), actor="API key seen")  # fmt: skip
    own = joined(acme, "own@acme.example", OWNER)

    for key in (seen, of_staff, taken):
        with pytest.raises(Forbidden, match="Staff of this site made this API key"):
            issue_key_for(caller=caller_of_key(key.id), **made)
    with pytest.raises(Forbidden):
        rotate_key_for(caller=caller_of_key(seen.id), key=of_staff, overlap=timedelta(0),
                       now=clock.now(), actor="API key seen")  # fmt: skip
    rotate_api_key(key=seen, overlap=timedelta(0), now=clock.now(), actor=own)
    issue_key_for(caller=caller_of_key(seen.id), **made)


def test_who_is_raised_to_first_owner_is_told_too(acme, ann):
    with at_ops():
        issue_api_key(tenant=acme, name="seen", actor=ann)
    joined(acme, "own@acme.example", DEVELOPER)

    with at_ops():
        change_role_as_operator(membership=Membership.objects.get(), role=OWNER, actor=ann)

    mail = Mail.objects.get(to="own@acme.example")
    assert acts_in(mail)[1:] == [
        "warned that others saw the secret of the key seen and it should be rotated"
    ]


def test_no_owner_of_our_own_tenant_is_told_of_its_keys(ann):
    ours = create_tenant(name="ours", is_ours=True, actor="test")
    issue_api_key(tenant=ours, name="ci", actor=ann)

    joined(ours, "own@ours.example", OWNER)

    assert not Mail.objects.exists()


def test_without_an_owner_the_admins_are_mailed(acme, ann):
    joined(acme, "admin@acme.example", ADMIN)

    with at_ops():
        issue_api_key(tenant=acme, name="ci", actor=ann)

    assert Mail.objects.get().to == "admin@acme.example"


def test_what_a_command_does_to_an_owner_is_in_the_log_and_goes_to_the_address_before(acme, own):
    call_command("person", "set", "own@acme.example", "--email", "new@evil.example")

    event = AuditEvent.objects.get(tenant=acme, action="user.change")
    assert {**(event.before or {}), "email": "new@evil.example"} == event.after
    assert Mail.objects.filter(to="own@acme.example").count() == 1
    call_command("person", "set", "new@evil.example", "--may-sign-in", "no")
    assert Mail.objects.filter(to="new@evil.example").count() == 1


def test_an_owners_password_and_sessions_are_changed_by_command_before_all_eyes(
    acme, own, monkeypatch
):
    monkeypatch.setattr(changepassword, "getpass", lambda *_: "tr0ubador & 3")

    call_command("changepassword", "own@acme.example")
    call_command("person", "end-sessions", "own@acme.example")

    own.refresh_from_db()
    told = [acts_in(mail) for mail in Mail.objects.order_by("created_at")]
    assert (own.check_password("tr0ubador & 3"), told) == (
        True,
        [
            ["changed the password of own@acme.example"],
            ["ended all sessions of own@acme.example"],
        ],
    )


@pytest.mark.parametrize(
    ("typed", "why"),
    [(["tr0ubador & 3", "tr0ubador & 4"], "differ"), (["short", "short"], "too short")],
)
def test_a_password_that_fits_nobody_is_refused_at_the_shell(own, monkeypatch, typed, why):
    monkeypatch.setattr(changepassword, "getpass", lambda *_: typed.pop())

    with pytest.raises(CommandError, match=why):
        call_command("changepassword", "own@acme.example")

    assert not AuditEvent.objects.filter(action="user.password").exists()


def test_a_reset_of_an_owners_factors_is_told_to_all_owners(acme, own):
    joined(acme, "two@acme.example", OWNER)
    Authenticator.objects.create(user=own, type="totp", data={"secret": "x"})

    call_command("person", "reset-mfa", "own@acme.example")

    assert AuditEvent.objects.filter(tenant=acme, action="user.mfa_reset").count() == 1
    assert acts_in(Mail.objects.get(to="two@acme.example")) == [
        "removed all second factors of own@acme.example"
    ]


def test_staffs_invitations_end_as_an_owner_may_sign_in_again(acme, ann, own):
    call_command("person", "set", "own@acme.example", "--may-sign-in", "no")
    with at_ops():
        invite_as_operator(
            tenant=acme, email="bob@example.com", role=OWNER, inviter=ann, now=clock.now(),
            tell=lambda invitation: None, actor=ann,
        )  # fmt: skip

    call_command("person", "set", "own@acme.example", "--may-sign-in", "yes")

    assert not Invitation.objects.exists()


def test_staffs_invitations_to_customers_with_an_owner_end_at_the_upgrade(acme, ann, own):
    bare, ours = (create_tenant(name=name, actor="test") for name in ("bare", "ours"))
    Tenant.objects.filter(pk=ours.pk).update(is_ours=True)
    joined(ours, "own@ours.example", OWNER)
    later = clock.now() + timedelta(days=1)
    for tenant in (acme, bare, ours):
        Invitation.objects.create(
            tenant=tenant, email="bob@example.com", role=OWNER, invited_by=ann, is_of_staff=True,
            expires_at=later,
        )  # fmt: skip

    with connection.cursor() as cursor:
        cursor.execute(import_module("accounts.migrations.0014_staffs_invitations_end").END)

    assert {one.tenant for one in Invitation.objects.all()} == {bare, ours}
