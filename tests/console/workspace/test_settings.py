"""Settings and the audit log of a workspace."""

import pytest

from accounts.models import AuditEvent, Tenant
from accounts.services import record
from tests.console.workspace.conftest import lines_of, url


def test_name_and_retention_are_changed_and_audited(acme, sign_in):
    answer = sign_in(acme).post(
        url("settings", acme), {"title": "Acme Studio", "prompt_retention_days": "30"}
    )

    assert answer.status_code == 302
    tenant = Tenant.objects.get(id=acme.id)
    assert (tenant.name, tenant.title) == ("acme", "Acme Studio")
    assert tenant.prompt_retention_days == 30
    actions = AuditEvent.objects.filter(actor__email="owner@acme.example").order_by("id")
    assert [event.action for event in actions] == ["tenant.title", "tenant.prompt_retention"]


@pytest.mark.parametrize(
    ("form", "message"),
    [
        ({"title": ""}, "This field is required"),
        ({"title": "acme", "prompt_retention_days": "-1"}, "greater than or equal to 0"),
        ({"title": "acme", "prompt_retention_days": "99999"}, "prompts are kept for 0 to"),
    ],
)
@pytest.mark.usefixtures("other")
def test_what_cannot_be_is_refused(acme, sign_in, form, message):
    answer = sign_in(acme).post(url("settings", acme), form)

    assert answer.status_code == 422
    assert message in answer.content.decode()
    tenant = Tenant.objects.get(id=acme.id)
    assert (tenant.name, tenant.prompt_retention_days) == ("acme", None)


@pytest.mark.usefixtures("other")
def test_the_log_is_the_workspaces_own(acme, sign_in, monkeypatch):
    monkeypatch.setattr("console.workspace.settings.PAGE", 2)
    for number in range(3):
        record(
            actor="test", action="tenant.note", object_type="tenant", object_id=f"n{number}",
            tenant_id=acme.id, after={"number": number},
        )  # fmt: skip
    client = sign_in(acme)
    newest = AuditEvent.objects.filter(tenant_id=acme.id).order_by("-id")

    page = client.get(url("audit", acme) + "?action=tenant.note").content.decode()
    older = client.get(url("audit", acme) + f"?action=tenant.note&before={newest[2].pk}")
    odd = client.get(url("audit", acme) + "?action=%00").content.decode()
    answer = client.get(url("audit", acme) + "?format=csv")

    assert ("n2" in page, "n1" in page, "n0" in page) == (True, True, False)
    assert "n0" in older.content.decode()
    assert "n2" in odd
    lines = lines_of(answer)
    assert len(lines) == newest.count()
    assert lines[1]["after"] == '{"number": 2}'
