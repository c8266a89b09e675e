"""The form of a tenant's name and limits, which also decides how long its prompts are kept."""

from http import HTTPStatus

import pytest
from django.test import Client

from accounts.models import Tenant
from accounts.services.office.tenants import create_tenant
from tests.console.answers import said_by, words_of
from tests.console.ops.acting import act_page
from tests.console.ops.conftest import signed_in

MEANWHILE = "Somebody changed it after you opened this page. Check it and save again."
MARKED = {"name": "acme", "marks": "required", "prompt_retention_days": "30"}


@pytest.fixture
def acme(db: None) -> Tenant:
    made = create_tenant(name="acme", actor="test")
    Tenant.objects.update(prompt_retention_days=30)
    return made


def page(tenant: Tenant) -> str:
    return act_page("tenant.limits", tenant.public_id)


def shown(owner: Client, tenant: Tenant) -> str:
    """The digest of the limits that the tenant's page shows."""
    return str(owner.get(page(tenant)).context["proposal"].form.shown)


def kept_days(tenant: Tenant) -> int | None:
    return Tenant.objects.get(id=tenant.id).prompt_retention_days


@pytest.mark.parametrize(
    ("kept", "days", "words"),
    [(30, "0", "0 days"), (30, "1", "1 day"), (None, "3000", "3000 days")],
)
def test_older_prompts_are_erased_only_after_a_tick(owner, acme, kept, days, words):
    Tenant.objects.filter(id=acme.id).update(prompt_retention_days=kept)
    shorter = {"name": "acme", "prompt_retention_days": days}

    refused = owner.post(page(acme), shorter)
    kept_then = kept_days(acme)
    agreed = owner.post(page(acme), {**shorter, "erases": "on"})

    assert refused.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert f"This erases prompts older than {words}, for good." in said_by(refused)
    assert 'name="erases"' in words_of(refused)
    assert kept_then == kept
    assert (agreed.status_code, kept_days(acme)) == (HTTPStatus.SEE_OTHER, int(days))


@pytest.mark.parametrize(("kept", "days"), [(30, "29"), (None, "3000")])
def test_only_a_role_that_may_erase_shortens_what_is_kept(acme, settings, kept, days):
    settings.STAFF_MFA = False
    Tenant.objects.filter(id=acme.id).update(prompt_retention_days=kept)
    operator = signed_in("operator")
    shorter = {"name": "acme", "prompt_retention_days": days, "erases": "on"}

    refused = operator.post(page(acme), shorter)
    kept_then = kept_days(acme)
    longer = operator.post(page(acme), {"name": "acme", "prompt_retention_days": ""})

    assert refused.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert "Only an owner can shorten it: that erases prompts." in said_by(refused)
    assert (kept_then, longer.status_code) == (kept, HTTPStatus.SEE_OTHER)


@pytest.mark.parametrize("days", ["30", "31", ""])
def test_prompts_kept_as_long_or_longer_need_no_tick(owner, acme, days):
    answer = owner.post(page(acme), {"name": "acme", "prompt_retention_days": days})

    assert answer.status_code == HTTPStatus.SEE_OTHER


def test_a_longer_time_that_the_owner_chose_meanwhile_stays(owner, acme):
    opened = shown(owner, acme)
    Tenant.objects.filter(id=acme.id).update(prompt_retention_days=None)
    raised = {**MARKED, "requests_per_minute": "60"}

    answer = owner.post(page(acme), {**raised, "erases": "on", "shown": opened})

    assert answer.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert MEANWHILE in said_by(answer)
    stored = "Stored now: Requests per minute: empty; Days that prompts are kept: empty."
    assert stored in said_by(answer)
    assert answer.context["proposal"].form["requests_per_minute"].value() == "60"
    assert f'name="shown" value="{shown(owner, acme)}"' in words_of(answer)
    assert (kept_days(acme), Tenant.objects.get(id=acme.id).requests_per_minute) == (None, None)


def test_a_second_click_on_save_is_no_change_by_somebody_else(owner, acme):
    raised = {**MARKED, "requests_per_minute": "60"}
    form = {**raised, "uncharged_ceiling": "12.5", "shown": shown(owner, acme)}
    first = owner.post(page(acme), form)

    second = owner.post(page(acme), form, follow=True)

    assert first.status_code == HTTPStatus.SEE_OTHER
    assert "Nothing changed" in said_by(second)
