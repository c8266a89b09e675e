"""Mails that staff cause by typing an address: one mailbox gets six an hour, by any door."""

import ast
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from uuid import uuid4

import pytest
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command
from django.test import Client

from accounts.models import Mail, Tenant
from accounts.services.office.tenants import create_tenant
from generation.oversight.alerts.alert_tests import send_test
from generation.oversight.alerts.rules import RuleValues, save_rule
from pictor.kit.words import clock, ids
from tests.console.answers import words_of

ROOT = Path(__file__).parents[3]
POSTS = {"post", "post_rendered", "post_invitation"}
TYPED = "a typed address, counted before"
KNOWN = "people whose addresses were confirmed"
POSTING = {
    "accounts/services/office/invitations.py": TYPED,
    "accounts/services/office/staff.py": TYPED,
    "accounts/sign_in/adapters.py": TYPED,
    "accounts/management/tenant_people.py": TYPED,
    "platform/console/people/invitations.py": TYPED,
    "platform/console/ops/tenants/founding.py": TYPED,
    "generation/oversight/alerts/alert_tests.py": TYPED,
    "accounts/services/office/member_changes.py": TYPED,
    "accounts/services/office/owner_mail.py": KNOWN,
    "accounts/services/office/second_factors.py": KNOWN,
    "accounts/services/office/sign_up_credit.py": KNOWN,
    "accounts/services/office/suspending.py": KNOWN,
    "billing/services/office/alerts.py": KNOWN,
    "accounts/services/office/erasure.py": KNOWN,
    "billing/services/office/budget_warnings.py": KNOWN,
    "billing/services/office/payment_mail.py": KNOWN,
    "generation/oversight/alerts/alert_sending.py": KNOWN,
    "generation/oversight/incidents.py": KNOWN,
    "generation/oversight/sunset_mail.py": KNOWN,
    "storage/exports.py": KNOWN,
    "webhooks/pausing.py": KNOWN,
}


@pytest.fixture
def acme() -> Tenant:
    return create_tenant(name="Acme", actor="test")


def address(number: int) -> str:
    return f"eve+{number}@corp.example"


@pytest.fixture
def doors(owner: Client, acme: Tenant) -> dict[str, Callable[[int], str]]:
    """Ways to mail an address with this label; each returns what is answered."""

    def sent(page: str, **typed: object) -> str:
        return words_of(owner.post(page, typed, follow=True))

    def new_tenant(number: int) -> str:
        typed = {"once": ids.new_uuid(), "name": f"T{number}", "owner": address(number)}
        return sent("/ops/do/tenant.create/", **typed)

    def command(*words: str) -> str:
        try:
            call_command(*words, stdout=StringIO())
        except CommandError as error:
            return str(error)
        return ""

    def alert_test(number: int) -> str:
        values = RuleValues(f"rule {number}", mails=[address(number)])
        rule = save_rule(values=values, new_id=uuid4(), now=clock.now(), actor="test").rule
        try:
            send_test(rule=rule, now=clock.now(), actor="test")
        except ValidationError as error:
            return " ".join(error.messages)
        return ""

    by = ("--site", "https://pictor.example", "--as", "op@pictor.example")
    return {
        "invitation": lambda number: sent(
            f"/ops/do/tenant.invite/{acme.public_id}/", email=address(number), role="owner"
        ),
        "new tenant": new_tenant,
        "staff": lambda number: sent(
            "/ops/staff/add/", email=address(number), meant=address(number), role="support"
        ),
        "staff set": lambda number: command("staff", "set", address(number), "support"),
        "tenant create": lambda number: command(
            "tenant", "create", f"S{number}", "--owner", address(number), *by
        ),
        "tenant invite": lambda number: command(
            "tenant", "invite", acme.public_id, address(number), "owner", *by
        ),
        "alert test": alert_test,
    }


@pytest.mark.parametrize(
    "door",
    [
        *("invitation", "new tenant", "tenant create", "tenant invite", "alert test"),
    ],
)
def test_one_mailbox_gets_six_mails_whatever_its_label(doors, door):
    answers = [doors[door](number) for number in range(8)]

    refused = ["Too many mails were sent to this address" in answer for answer in answers]
    assert refused == [False] * 6 + [True] * 2
    assert Mail.objects.filter(to__startswith="eve+").count() == 6


@pytest.mark.parametrize("door", ["staff", "staff set"])
def test_one_mailbox_is_invited_to_the_staff_once_and_mailed_six_times(doors, door):
    _, other = (doors[door](number) for number in range(2))
    answers = [doors[door](0) for _ in range(7)]

    assert "Somebody with the same mailbox is staff already" in other
    refused = ["Too many mails were sent to this address" in answer for answer in answers]
    assert refused[-1]
    assert Mail.objects.filter(to__startswith="eve+").count() <= 6


def test_a_person_who_can_sign_in_gets_no_mail_and_any_role(owner, doors):
    for number in range(7):
        doors["staff"](number)

    answer = owner.post("/ops/staff/add/", {"email": "op@pictor.example", "role": "owner"})

    assert answer.status_code == 303


def test_every_module_that_posts_mail_says_whose_address_it_is():
    apps = ("accounts", "billing", "generation", "storage", "webhooks", "platform")
    posting = {
        str(path.relative_to(ROOT))
        for app in apps
        for path in (ROOT / app).rglob("*.py")
        if path.name != "__init__.py"
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom) and POSTS & {name.name for name in node.names}
    }

    assert posting == {*POSTING}
