"""The system account that ran a command is in the audit log, but not for tenants to read."""

import os
import pwd
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from accounts.audit_log import audit_events_of, audit_page, author
from accounts.models import AuditEvent, Tenant
from accounts.models.people import Subject
from accounts.services import record
from accounts.services.office.tenants import create_tenant

pytestmark = pytest.mark.django_db

AGREED = ("--erases", "--yes")
HAND = pwd.getpwuid(os.getuid()).pw_name
"""The account that runs the tests."""
SET = ("tenant.limits", "acme", "--prompt-retention-days", "30", *AGREED)


@pytest.fixture
def acme() -> Tenant:
    return create_tenant(name="acme", actor="test")


def run(*words: str) -> None:
    call_command("do", *words, stdout=StringIO())


def names() -> list[str]:
    events = AuditEvent.objects.exclude(actor_name="test").order_by("id")
    return [event.actor_name for event in events]


@pytest.mark.usefixtures("acme")
@pytest.mark.parametrize(
    "words",
    [("--as", "ann@example.com", *SET), (*SET, "--as=ann@example.com")],
    ids=["before the action", "after it"],
)
def test_the_systems_user_and_whom_they_act_as_are_named(words):
    run(*words)

    assert names() == [f"manage.py ({HAND} as ann@example.com)"]


@pytest.mark.usefixtures("acme")
def test_a_named_person_stands_only_at_that_command():
    run(*SET, "--as", "ann@example.com")
    run("tenant.limits", "acme", "--prompt-retention-days", "7", *AGREED)
    record(Subject("x", "x"), "x", actor="reaper")

    assert names() == [f"manage.py ({HAND} as ann@example.com)", f"manage.py ({HAND})", "reaper"]


@pytest.mark.usefixtures("acme")
@pytest.mark.parametrize(
    "email", ["ann", "", "ann@example.com)\nroot", f"{'a' * 64}@{'b' * 200}.c"]
)
def test_a_malformed_address_is_refused_before_anything_is_done(email):
    with pytest.raises(CommandError, match="--as takes an e-mail address"):
        run(*SET, "--as", email)

    assert names() == []


def test_a_tenant_reads_that_it_was_us_and_not_who(acme):
    run(*SET, "--as", "ann@example.com")

    event, _ = audit_page(acme.id, who="Pictor", limit=9)
    told = [row["by"] for row in audit_events_of(acme.id)]
    assert (author(event), told[-1]) == ("Pictor", "Pictor")
    hand = f"manage.py ({HAND} as ann@example.com)"
    assert [audit_page(acme.id, who=who, limit=9) for who in (hand, "manage.py")] == [[], []]
