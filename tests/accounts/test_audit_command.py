"""`manage.py audit`: the log of all tenants, filtered as at /ops/audit/."""

import json
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from accounts.models import Subject, Tenant, User
from accounts.services import create_tenant, note_for_staff, record, set_title

pytestmark = pytest.mark.django_db


def audit(*words: str) -> str:
    out = StringIO()
    call_command("audit", *words, stdout=out)
    return out.getvalue()


def rows(*words: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(audit("--json", *words))
    return found


@pytest.fixture
def acme() -> Tenant:
    """A tenant that Ann of our staff renamed and noted something about; another exists."""
    acme, other = (create_tenant(name=name, actor="seed") for name in ("acme", "other"))
    ann = User.objects.create_user("ann@pictor.example", "correct horse")
    set_title(tenant=acme, title="Acme Studio", actor=ann)
    set_title(tenant=other, title="Other Studio", actor="seed")
    note_for_staff(Subject("transfer", "17", acme.id), "they were angry", actor=ann)
    record(ann.audited, "user.password", actor=ann, ip="203.0.113.7")
    return acme


def test_each_option_filters_the_log(acme):
    renamed, made = "renamed the workspace", "created the workspace acme"
    of_ann = ["changed the password of ann@pictor.example", "noted for staff", renamed]

    assert [row["did"] for row in rows("--who", "ann@pictor.example")] == of_ann
    assert [row["did"] for row in rows("--tenant", "acme")] == [renamed, made]
    assert [row["tenant"] for row in rows("--action", "tenant.title")] == ["other", "acme"]
    assert [row["did"] for row in rows("--about", acme.public_id)] == [renamed, made]
    assert rows("--since", "2099-01-01T00:00:00Z") == []
    assert rows("--until", "2020-01-01T00:00:00Z") == []
    assert len(rows("--limit", "2")) == 2


@pytest.mark.usefixtures("acme")
def test_the_command_prints_sentences_and_whole_events_as_json():
    (password,) = rows("--action", "user.")
    (note,) = rows("--action", "staff.note")

    assert (password["by"], password["ip"]) == ("ann@pictor.example", "203.0.113.7")
    assert (note["before"], note["after"]["note"]) == (None, "they were angry")
    assert "ann@pictor.example  changed the password of ann@pictor.example" in audit()
    assert audit("--about", "nothing") == "No events match.\n"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--limit", "0"), "'0' is not a whole number"),
        (("--limit", "10001"), "at most 10000 at once"),
        (("--since", "yesterday"), "'yesterday' is not a time"),
        (("--tenant", "amce"), "no tenant named 'amce'"),
    ],
)
def test_a_mistyped_option_is_named(words, said):
    with pytest.raises(CommandError, match=said):
        audit(*words)
