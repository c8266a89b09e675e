"""`manage.py tenant show`, the limits of a tenant, and a tenant that is suspended at the shell."""

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from accounts.audit_log import audit_events_of
from accounts.models import AuditEvent, Invitation, Mail, Membership, Tenant, User
from accounts.services.office.members import add_member
from accounts.services.office.tenants import create_tenant
from billing.selectors.office.balances import available_to
from pictor.kit.words.money import Micros

pytestmark = pytest.mark.django_db
LIMITS = ("do", "tenant.limits", "Acme")
SUSPEND = ("do", "tenant.suspend", "Acme", "--words", "unpaid since May <b>")


def run(*words: str) -> str:
    out = StringIO()
    call_command(*words if words[0] == "do" else ("tenant", *words), stdout=out)
    return out.getvalue()


@pytest.fixture
def acme():
    tenant = create_tenant(name="Acme", opening_balance=Micros(5_000_000), actor="test")
    for role in Membership.Role:
        user = User.objects.create_user(f"{role.value}@example.com", "correct horse battery")
        add_member(tenant=tenant, user=user, role=role, actor="test")
    return tenant


def test_a_tenant_is_shown_with_its_last_transfers(acme):
    shown = json.loads(run("show", "Acme", "--json"))

    (transfer,) = shown.pop("transfers")
    assert transfer.pop("at")
    assert transfer == {
        "number": "1", "kind": "top_up", "amount": "5.000000", "available_after": "5.000000",
        "reason": "opening balance", "note": "",
    }  # fmt: skip
    assert shown.pop("created_at")
    assert shown == {
        "tenant": acme.public_id, "name": "Acme", "status": "active", "reason": "",
        "available": "5.000000", "under_way": "0", "requests_per_minute": "none",
        "images_per_minute": "none", "max_in_flight": "none", "is_ours": "",
    }  # fmt: skip
    assert "opening balance" in run("show", acme.public_id)


def test_limits_are_changed_where_they_are_given(acme):
    run(*LIMITS, "--requests-per-minute", "30", "--max-in-flight", "4")

    said = run(*LIMITS, "--max-in-flight", "none", "--json", "--as", "owner@example.com")

    assert json.loads(said) == {
        "act": "tenant.limits", "done": "Requests at once: 4 → no limit",
        "tenant": acme.public_id, "name": "Acme", "requests_per_minute": 30,
        "images_per_minute": None, "max_in_flight": None, "uncharged_ceiling": None,
        "prompt_retention_days": 90, "marks": "required",
    }  # fmt: skip
    acme.refresh_from_db()
    assert (acme.requests_per_minute, acme.max_in_flight) == (30, None)
    event = AuditEvent.objects.filter(action="tenant.change").last()
    assert event is not None
    assert event.actor_name.endswith(" as owner@example.com)")
    with pytest.raises(CommandError, match="--images-per-minute: Ensure this value is greater"):
        run(*LIMITS, "--images-per-minute", "0")


def test_members_are_mailed_the_reason_for_a_suspension(acme):
    said = run(*SUSPEND)

    assert said == "Acme suspended, reason mailed to 3 members\nmailed  3\n"
    assert sorted(Mail.objects.values_list("to", flat=True)) == [
        "admin@example.com", "billing@example.com", "owner@example.com",
    ]  # fmt: skip
    mail = Mail.objects.get(to="owner@example.com")
    assert mail.subject == "Acme is suspended"
    assert "The reason: unpaid since May <b>\n" in mail.text
    assert "unpaid since May &lt;b&gt;" in mail.html
    assert json.loads(run("show", "Acme", "--json"))["reason"] == "unpaid since May <b>"


def test_the_note_to_a_suspension_is_nobodys_but_staffs(acme):
    run(*SUSPEND, "--note", "Bob says that they will not pay")

    note = AuditEvent.objects.get(action="staff.note")
    assert (note.tenant_id, note.object_id) == (None, acme.public_id)
    assert note.after == {"note": "Bob says that they will not pay", "tenant": acme.public_id}
    log = list(audit_events_of(acme.id))
    assert log[-1]["action"] == "suspended the workspace"
    mails = [(mail.to, mail.subject, mail.text, mail.html) for mail in Mail.objects.all()]
    assert "Bob says" not in str([*log, *mails])


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["do", "tenant.suspend", "Acme", "--words", " "], "--words: This field is required"),
        (["do", "tenant.resume", "Acme"], "it is not suspended"),
        (["show", "Nobody"], "no tenant"),
    ],
)
def test_an_impossible_command_changes_nothing(acme, words, message):
    with pytest.raises(CommandError, match=message):
        run(*words)

    assert (Tenant.objects.get().status, Mail.objects.count()) == ("active", 0)


@pytest.mark.parametrize(
    "change",
    [
        "do tenant.limits {} --name Acme",
        "do tenant.limits {} --uncharged-ceiling 5",
        "do tenant.limits {} --prompt-retention-days 3 --erases",
        "do tenant.limits {} --max-in-flight 4",
        "do tenant.resume {}",
        "top-up {} 5 --reference INV-1",
        "credit {} 5 --reason sorry",
        "do tenant.adjustment {} --amount=-1 --note=typo --yes",
        "do tenant.reversal {} --seq=1 --amount=1 --note=typo --yes",
        "invite {} eve@acme.example viewer --site https://pictor.example --as ann@x.example",
    ],
)
def test_nothing_of_a_tenant_that_was_erased_is_changed(acme, change):
    User.objects.create_user("ann@x.example", staff_role="owner")
    run("erase", "Acme", "--confirm", "Acme")
    before = Tenant.objects.values().get()
    log = AuditEvent.objects.count()

    with pytest.raises(
        CommandError, match="It is erased or being erased: it can be neither resumed"
    ):
        run(*change.format(acme.public_id).split())

    assert Tenant.objects.values().get() == before
    assert (AuditEvent.objects.count(), Invitation.objects.count()) == (log, 0)
    assert available_to(acme.id) == 5_000_000


def test_a_tenant_is_suspended_once(acme):
    run(*SUSPEND)

    with pytest.raises(CommandError, match="suspended already"):
        run(*SUSPEND)

    assert Mail.objects.count() == 3


def test_a_setting_that_is_not_named_stays_as_it_is(acme):
    """Also a 0: prompts kept for two hours, where nothing means for ever."""
    Tenant.objects.update(prompt_retention_days=0, max_in_flight=7)

    run("do", "tenant.limits", "Acme", "--requests-per-minute", "30")

    acme.refresh_from_db()
    assert (acme.requests_per_minute, acme.max_in_flight) == (30, 7)
    assert acme.prompt_retention_days == 0
