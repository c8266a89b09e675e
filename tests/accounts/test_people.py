"""People changed by operators' commands: their address, name and sign-in, and nothing else."""

import io

import pytest
from django.core.management import CommandError, call_command

from accounts.models import AuditEvent, User
from accounts.services.office.people import create_user
from accounts.services.office.tenants import create_tenant
from pictor.kit.words import clock

pytestmark = pytest.mark.usefixtures("plain_static_files")


def person(*words: str) -> str:
    out = io.StringIO()
    call_command("person", *words, stdout=out)
    return out.getvalue()


@pytest.fixture
def ann(db):
    return create_user(
        email="ann@example.com", password="correct horse", verified_at=clock.now(), actor="test"
    )


def test_an_address_is_changed_and_stays_verified(ann, client):
    said = person("set", "Ann@example.com", "--email", "Ann@Acme.example", "--name", "Ann")

    ann.refresh_from_db()
    assert (ann.email, ann.name) == ("ann@acme.example", "Ann")
    assert list(ann.emailaddress_set.values_list("email", "verified")) == [
        ("ann@acme.example", True)
    ]
    assert said == "ann@acme.example: Ann, may sign in\n"
    event = AuditEvent.objects.get(action="user.change")
    assert ((event.before or {})["email"], (event.after or {})["email"]) == (
        "ann@example.com",
        "ann@acme.example",
    )


def test_a_blocked_person_is_signed_out_until_allowed_again(ann, client):
    client.force_login(ann)

    said = person("set", ann.email, "--may-sign-in", "no")
    blocked = client.get("/console/")
    person("set", ann.email, "--may-sign-in", "yes")
    again = client.get("/console/")

    assert said == "ann@example.com: without a name, may not sign in\n"
    assert blocked["Location"] == "/accounts/login/?next=/console/"
    assert again.status_code == 200


def test_nothing_changed_leaves_no_event(ann):
    person("set", ann.email, "--may-sign-in", "yes")

    assert not AuditEvent.objects.filter(action="user.change").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["set", "ann@example.com", "--email", "ann@"], "valid email"),
        (["set", "ann@example.com", "--email", "bob@example.com"], "already exists"),
        (
            ["set", "bob@example.com", "--may-sign-in", "no"],
            "is staff: remove them from staff first",
        ),
        (["delete", "bob@example.com"], "is staff: remove them from staff first"),
        (["delete", "nobody@example.com"], "nobody has the address"),
    ],
)
def test_an_impossible_change_is_refused(ann, words, said):
    User.objects.create_user("bob@example.com", staff_role="finance")

    with pytest.raises(CommandError, match=said):
        person(*words)

    ann.refresh_from_db()
    assert (ann.email, User.objects.filter(is_active=True).count()) == ("ann@example.com", 2)


def test_only_a_person_absent_from_the_audit_log_is_deleted(ann):
    carl = create_user(email="carl@example.com", password=None, actor="test")
    create_tenant(name="acme", actor=ann)

    person("delete", carl.email)
    with pytest.raises(CommandError, match="appears in the audit log"):
        person("delete", ann.email)

    assert list(User.objects.values_list("email", flat=True)) == ["ann@example.com"]
    event = AuditEvent.objects.get(action="user.delete")
    assert (event.before or {})["email"] == "carl@example.com"
