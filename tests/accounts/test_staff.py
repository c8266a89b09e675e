"""Staff and their roles, by command and by service, and the things that leaving releases."""

import io
import json
from datetime import UTC, datetime

import pytest
from allauth.mfa.models import Authenticator
from django.core.cache import cache
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command
from django.test import Client

from accounts.models import AuditEvent, Mail, Membership, User
from accounts.services.office.members import add_member
from accounts.services.office.staff import note_seen, remove_staff, set_staff_role
from accounts.services.office.tenants import create_tenant
from generation.models import Condition

NOW = datetime(2026, 11, 26, 10, 14, 5, tzinfo=UTC)


def joined(user: User) -> None:
    """Make them a member of a customer's tenant, and of one of the operator's own."""
    for name, is_ours in (("acme", False), ("house", True)):
        tenant = create_tenant(name=name, is_ours=is_ours, actor="test")
        add_member(tenant=tenant, user=user, role=Membership.Role.VIEWER, actor="test")


def staff(*words: str) -> str:
    out = io.StringIO()
    call_command("staff", *words, stdout=out)
    return out.getvalue()


@pytest.fixture(autouse=True)
def no_mails_before():
    """Empty the limits of mails."""
    cache.clear()


@pytest.fixture
def ann(db):
    set_staff_role(email="ann@example.com", role="owner", actor="test")
    return User.objects.get()


@pytest.fixture
def bob(ann):
    return set_staff_role(email="bob@example.com", role="support", actor=ann).user


def test_the_first_owner_is_made_at_the_shell_and_invited_by_mail(db):
    said = staff("set", "Ann@Example.com", "owner", "--as", "root@example.com")

    ann, mail = User.objects.get(), Mail.objects.get()
    assert (ann.email, ann.staff_role, ann.is_superuser) == ("ann@example.com", "owner", True)
    assert (mail.to, mail.subject) == ("ann@example.com", "You are staff on Pictor, as owner")
    assert not ann.has_usable_password()
    assert "ann@example.com: owner\nThey get an invitation by mail" in said
    event = AuditEvent.objects.get(action="staff.set")
    assert (event.before, event.after) == ({"role": ""}, {"role": "owner"})
    assert "as root@example.com" in event.actor_name


def test_the_shell_says_of_which_customers_new_staff_are_members(ann):
    joined(User.objects.create_user("carl@example.com", "correct horse", email_verified_at=NOW))

    said = staff("set", "carl@example.com", "operator")

    assert said == ("carl@example.com: operator\nThey are viewer of acme, a customer's tenant\n")


def test_a_known_person_gets_the_role_without_an_invitation(ann):
    User.objects.create_user("carl@example.com", "correct horse", email_verified_at=NOW)
    Mail.objects.all().delete()

    done = set_staff_role(email="carl@example.com", role="finance", actor=ann, ip="192.0.2.7")

    assert (done.is_invited, done.user.staff_role, done.user.is_staff) == (False, "finance", False)
    assert not Mail.objects.exists()
    event = AuditEvent.objects.filter(action="staff.set").latest("id")
    assert (event.actor, event.ip, event.after) == (ann, "192.0.2.7", {"role": "finance"})


@pytest.mark.usefixtures("plain_static_files")
def test_a_password_set_before_the_address_was_confirmed_opens_nothing(ann, client):
    User.objects.create_user("carl@example.com", "mallory knows it")

    done = set_staff_role(email="carl@example.com", role="owner", actor=ann)

    form = {"login": "carl@example.com", "password": "mallory knows it"}
    assert client.post("/accounts/login/", form).status_code == 200  # the form again
    assert "_auth_user_id" not in client.session
    assert (done.is_invited, Mail.objects.filter(to="carl@example.com").count()) == (True, 1)
    event = AuditEvent.objects.get(action="user.password")
    assert (event.actor, event.after) == (ann, {"usable": False})


def test_the_password_of_an_owner_made_at_the_shell_stays(ann):
    User.objects.create_superuser("root@example.com", "correct horse")

    done = set_staff_role(email="root@example.com", role="finance", actor=ann)

    assert (done.is_invited, done.user.has_usable_password()) == (False, True)


def test_the_same_role_again_is_no_change_and_another_invitation(ann, bob):
    set_staff_role(email="bob@example.com", role="support", actor=ann)

    assert AuditEvent.objects.filter(action="staff.set").count() == 2
    assert Mail.objects.filter(to="bob@example.com").count() == 2


def test_a_mailbox_is_staff_once(ann, bob):
    with pytest.raises(ValidationError, match="Somebody with the same mailbox is staff already"):
        set_staff_role(email="bob+2@example.com", role="support", actor=ann)

    assert not User.objects.filter(email="bob+2@example.com").exists()


@pytest.mark.parametrize("role", ["", "admin", "OWNER"])
def test_an_unknown_role_is_refused(ann, role):
    with pytest.raises(ValidationError, match="A role is one of support, finance, operator, owner"):
        set_staff_role(email="bob@example.com", role=role, actor=ann)

    assert User.objects.count() == 1


def test_an_address_that_is_none_is_refused(ann):
    with pytest.raises(ValidationError, match="valid email"):
        set_staff_role(email="bob@", role="owner", actor=ann)


def test_the_last_owner_stays(ann, bob):
    with pytest.raises(ValidationError, match="This is the last owner"):
        remove_staff(user=ann, actor=ann)
    with pytest.raises(CommandError, match="This is the last owner"):
        staff("set", "ann@example.com", "operator")

    ann.refresh_from_db()
    assert ann.staff_role == "owner"


def test_an_owner_who_may_not_sign_in_is_no_other_one(ann):
    other = set_staff_role(email="eve@example.com", role="owner", actor=ann).user
    User.objects.filter(pk=other.pk).update(is_active=False)

    with pytest.raises(ValidationError, match="This is the last owner"):
        remove_staff(user=ann, actor=ann)


def test_only_who_is_an_owner_still_changes_staff(ann, bob):
    eve = set_staff_role(email="eve@example.com", role="owner", actor=ann).user
    remove_staff(user=eve, actor=ann)

    with pytest.raises(ValidationError, match="Only an owner can change who is staff"):
        set_staff_role(email="bob@example.com", role="owner", actor=bob)
    with pytest.raises(ValidationError, match="Only an owner can change who is staff"):
        set_staff_role(email="bob@example.com", role="owner", actor=eve)


def test_leaving_ends_sessions_and_hands_back_what_one_saw_to(ann, bob):
    rows = [
        Condition.objects.create(
            kind="calls_fail", object=name, words="w", since=NOW, assigned_to=whom
        )
        for name, whom in (("acme", "bob@example.com"), ("other", "ann@example.com"))
    ]

    remove_staff(user=bob, actor=ann, ip="192.0.2.7")

    bob.refresh_from_db()
    assert (bob.staff_role, bob.is_staff, bob.sessions_ended) == ("", False, 1)
    assert [Condition.objects.get(pk=row.pk).assigned_to for row in rows] == [
        "",
        "ann@example.com",
    ]
    handed = AuditEvent.objects.get(action="condition.hand_back")
    assert (handed.actor, handed.before) == (ann, {"assigned_to": "bob@example.com"})


def test_only_staff_can_be_removed_from_staff(ann):
    User.objects.create_user("carl@example.com")

    with pytest.raises(CommandError, match=r"carl@example\.com is not staff"):
        staff("remove", "carl@example.com")
    with pytest.raises(CommandError, match=r"nobody has the address 'nobody@example\.com'"):
        staff("remove", "nobody@example.com")


def test_the_list_says_role_factor_and_when_they_were_seen(ann, bob):
    note_seen(user=bob, now=NOW)
    joined(ann)

    assert json.loads(staff("list", "--json")) == [
        {
            "email": "ann@example.com",
            "role": "owner",
            "second_factor": False,
            "last_seen": None,
            "member_of": ["acme"],
        },
        {
            "email": "bob@example.com",
            "role": "support",
            "second_factor": False,
            "last_seen": "2026-11-26T10:14:05+00:00",
            "member_of": [],
        },
    ]
    assert "ann@example.com  owner    no             never                      acme\n" in staff(
        "list"
    )


def test_a_person_is_signed_out_everywhere_by_command(ann):
    out = io.StringIO()

    call_command("person", "end-sessions", "ann@example.com", stdout=out)

    ann.refresh_from_db()
    assert (ann.sessions_ended, out.getvalue()) == (
        1,
        "ann@example.com: signed out everywhere\n",
    )


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def is_signed_in(client: Client) -> bool:
    return "login" not in client.get("/ops/").headers.get("Location", "")


@pytest.mark.usefixtures("plain_static_files")
@pytest.mark.parametrize("before", ["", "support"], ids=["becoming staff", "another role"])
def test_a_new_role_ends_the_sessions_from_before(ann, before):
    carl = User.objects.create_user(
        "carl@example.com", "correct horse", email_verified_at=NOW, staff_role=before
    )
    old = signed_in(carl)
    was_in = is_signed_in(old)

    set_staff_role(email="carl@example.com", role="finance", actor=ann)

    assert (was_in, is_signed_in(old)) == (True, False)


@pytest.mark.parametrize(("before", "apps"), [("", 0), ("support", 1)])
def test_who_becomes_staff_sets_up_their_app_anew(ann, settings, before, apps):
    settings.STAFF_MFA = True
    eve = User.objects.create_user(
        "eve@example.com", "correct horse", staff_role=before, email_verified_at=NOW
    )
    Authenticator.objects.create(user=eve, type="totp", data={"secret": "x"})

    set_staff_role(email=eve.email, role="finance", actor=ann)

    assert Authenticator.objects.filter(user=eve).count() == apps
    assert Mail.objects.filter(to=eve.email).count() == 1 - apps
    eve.refresh_from_db()
    assert eve.sessions_ended == 1


@pytest.mark.usefixtures("plain_static_files")
def test_the_same_role_ends_no_session(ann):
    carl = User.objects.create_user("carl@example.com", "x", staff_role="finance")
    session = signed_in(carl)

    set_staff_role(email="carl@example.com", role="finance", actor=ann)

    assert is_signed_in(session)
