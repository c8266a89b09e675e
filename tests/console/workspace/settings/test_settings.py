"""Settings and the audit log of a workspace."""

import re

import pytest
from django.core.management import call_command

from accounts.callers import caller_of_key
from accounts.models import ApiKey, AuditEvent, Subject, Tenant
from accounts.services import record
from accounts.services.office.api_keys import revoke_api_key
from accounts.services.office.tenants import set_title
from generation.catalogue.snapshot import current_catalogue
from generation.models import Contract
from pictor.kit.words import clock
from pictor.kit.words.errors import InsufficientQuota, ModelForbidden
from tests.console.answers import lines_of, words_of
from tests.console.workspace.conftest import told, url


def test_name_and_retention_are_changed_and_audited(acme, sign_in):
    answer = sign_in(acme).post(
        url("settings", acme),
        {
            "title": "Acme Studio", "prompt_retention_days": "30", "image_retention_days": "7",
            "erases": "on",
        },
    )  # fmt: skip

    assert answer.status_code == 302
    tenant = Tenant.objects.get(id=acme.id)
    assert (tenant.name, tenant.title) == ("acme", "Acme Studio")
    assert (tenant.prompt_retention_days, tenant.image_retention_days) == (30, 7)
    actions = AuditEvent.objects.filter(actor__email="owner@acme.example").order_by("id")
    assert [event.action for event in actions] == [
        *("tenant.title", "tenant.prompt_retention", "tenant.image_retention")
    ]


def test_a_shorter_time_erases_nothing_before_that_is_agreed_to(acme, sign_in):
    Tenant.objects.update(image_retention_days=20)
    shorter = {"title": "acme", "prompt_retention_days": "30", "image_retention_days": "3"}
    longer = {"title": "acme", "image_retention_days": "25"}
    client = sign_in(acme)

    refused = client.post(url("settings", acme), shorter)
    assert (refused.status_code, Tenant.objects.get().image_retention_days) == (422, 20)
    assert client.post(url("settings", acme), longer).status_code == 302
    agreed = client.post(url("settings", acme), {**shorter, "erases": "on"})

    page = words_of(refused)
    assert "This erases prompts older than 30 days and images older than 3 days" in page
    assert 'name="erases"' in page
    assert (agreed.status_code, Tenant.objects.get().image_retention_days) == (302, 3)


def test_images_go_without_marks_only_where_the_operator_allows_it(acme, sign_in):
    page, wish = url("settings", acme), {"title": "acme", "omits_marks": "on"}
    client = sign_in(acme)

    refused = client.post(page, wish)
    call_command("do", "tenant.limits", acme.tenant.public_id, "--marks", "optional")
    before = current_catalogue()
    agreed = client.post(page, wish)
    chosen = current_catalogue()
    call_command("do", "tenant.limits", acme.tenant.public_id, "--marks", "required")

    assert refused.status_code == 422
    assert "Ask the operator of this site to allow this first." in words_of(refused)
    assert agreed.status_code == 302
    assert not before.unmarked
    assert chosen.unmarked == {acme.tenant.id}
    assert not current_catalogue().unmarked
    events = AuditEvent.objects.filter(action="tenant.marks").order_by("id")
    assert [event.after for event in events] == [
        {"may_omit_marks": True}, {"omits_marks": True}, {"may_omit_marks": False},
    ]  # fmt: skip


def test_the_settings_show_the_storage_used_and_that_it_is_full(acme, sign_in, settings):
    settings.STORED_BYTES_PER_TENANT = 4 * 1024**3
    Tenant.objects.update(stored_bytes=4 * 1024**3, storage_full_at=clock.now())

    page = words_of(sign_in(acme).get(url("settings", acme)))

    assert '4.0 GB <span class="text-muted">of 4.0 GB</span>' in page
    assert "The image storage of this workspace is full: new generations stop" in page


@pytest.mark.parametrize(
    ("form", "message"),
    [
        ({"title": ""}, "This field is required"),
        ({"title": "Acme\r\nStudio"}, "A name must be a single line."),
        ({"title": "Win at evil.example"}, "A name must not contain a web or e-mail address."),
        ({"title": "Acme \u202eoidutS"}, "A name must not contain invisible characters."),
        ({"title": "acme", "prompt_retention_days": "-1"}, "greater than or equal to 0"),
        ({"title": "Other", "prompt_retention_days": "99999"}, "Prompts are kept for 0 to"),
        ({"title": "Other", "image_retention_days": "31"}, "Images are kept for 0 to 30 days"),
    ],
)
@pytest.mark.usefixtures("other")
def test_an_impossible_setting_is_refused(acme, sign_in, form, message):
    answer = sign_in(acme).post(url("settings", acme), form)

    assert answer.status_code == 422
    assert message in answer.content.decode()
    tenant = Tenant.objects.get(id=acme.id)
    assert (tenant.shown_name, tenant.prompt_retention_days) == ("acme", 90)


@pytest.mark.usefixtures("other")
def test_the_log_is_the_workspaces_own(acme, sign_in, monkeypatch):
    monkeypatch.setattr("console.parts.listing.PAGE_ROWS", 2)
    for number in range(3):
        about = Subject("tenant", f"note-{number}", acme.id)
        record(about, "tenant.note", actor="test", after={"number": number})
    client = sign_in(acme)
    newest = AuditEvent.objects.filter(tenant_id=acme.id).order_by("-id")

    page = client.get(url("audit", acme) + "?action=tenant.note").content.decode()
    older = client.get(url("audit", acme) + f"?action=tenant.note&after={newest[2].pk}")
    odd = client.get(url("audit", acme) + "?action=%00").content.decode()
    answer = client.get(url("audit", acme) + "?format=csv")

    assert ("note-2" in page, "note-1" in page, "note-0" in page) == (True, True, False)
    assert "note-0" in older.content.decode()
    assert "note-2" in odd
    lines = lines_of(answer)
    assert len(lines) == newest.count()
    assert lines[1]["after"] == "number: 2"


def test_budgets_and_limits_are_set_and_hold_for_the_next_request(acme, sign_in):
    Tenant.objects.update(requests_per_minute=60)
    form = {
        "budget_month_micros": "$1,000", "budget_day_micros": "0.05",
        "own_requests_per_minute": "90", "own_max_in_flight": "2",
    }  # fmt: skip

    answer = sign_in(acme).post(url("settings_limits", acme), form)

    assert answer.status_code == 302
    limits = caller_of_key(acme.key.id).limits
    assert (limits.tenant_budget_month, limits.tenant_budget_day) == (1_000_000_000, 50_000)
    assert (limits.tenant_rpm, limits.tenant_ipm, limits.tenant_in_flight) == (60, None, 2)
    with pytest.raises(InsufficientQuota, match="workspace's daily budget"):
        acme.generation()
    event = AuditEvent.objects.get(action="tenant.own_limits")
    assert event.before is not None
    assert event.after is not None
    assert (event.before["budget_day_micros"], event.after["budget_day_micros"]) == (None, 50_000)


def test_the_models_that_a_workspace_allows_hold_for_every_key_of_it(acme, sign_in):
    client = sign_in(acme)
    client.post(url("settings_limits", acme), {"own_models": ["dall-e-2", "dall-e-3"]})

    with pytest.raises(ModelForbidden, match="owners and admins choose its models") as refused:
        acme.generation()
    assert refused.value.limit == "workspace"
    acme.generation(model="dall-e-3", quality="hd")
    event = AuditEvent.objects.get(action="tenant.own_limits")
    assert event.after is not None
    assert event.after["own_models"] == ["dall-e-2", "dall-e-3"]
    page = client.get(url("settings", acme)).content.decode()
    assert re.findall(r'value="([^"]+)"[^>]* checked', page) == ["dall-e-2", "dall-e-3"]
    playground = words_of(client.get(url("playground", acme)))
    assert set(re.findall(r"<option[^>]*>((?:dall|gpt)-[^<]+)<", playground)) == {
        *("dall-e-2", "dall-e-3")
    }

    client.post(url("settings_limits", acme), {})
    acme.generation()


def test_a_model_that_is_switched_off_is_offered_only_to_workspaces_that_name_it(acme, sign_in):
    client = sign_in(acme)
    client.post(url("settings_limits", acme), {"own_models": ["dall-e-3"]})
    Contract.objects.filter(model__in=["dall-e-2", "dall-e-3"]).update(is_enabled=False)

    page = client.get(url("settings", acme)).content.decode()

    offered = re.findall(r'name="own_models" value="(dall[^"]*)', page)
    assert offered == ["dall-e-3"]


def test_a_form_that_is_sent_when_no_allowed_model_is_offered_any_more_says_so(acme, sign_in):
    client = sign_in(acme)
    client.post(url("settings_limits", acme), {"own_models": ["dall-e-3"]})
    Contract.objects.filter(model="dall-e-3").update(is_enabled=False)

    sent = {"model": "dall-e-3", "prompt": "a fox", "key": acme.key.public_id}
    answer = client.post(url("playground_run", acme), {**sent, "number": "a" * 32})

    assert answer.status_code == 422
    assert "The operator offers none of the models that this workspace allows." in words_of(answer)


def test_a_model_that_the_key_lacks_leads_to_the_key(acme, sign_in):
    ApiKey.objects.filter(id=acme.key.id).update(allowed_models=["dall-e-3"])

    page = words_of(sign_in(acme).get(url("playground", acme) + "?model=gpt-image-2"))

    assert "This API key may not use the model gpt-image-2." in page
    assert (
        f'href="{url("key", acme, acme.key.public_id)}?tab=rules">The key\'s models</a>'
        in page.replace("&#x27;", "'")
    )


@pytest.mark.parametrize(
    ("form", "message"),
    [
        ({"own_models": ["no-such-model"]}, "is not one of the available choices"),
        ({"budget_day_micros": "ten"}, "is not an amount: type dollars, such as 12.50"),
        ({"budget_day_micros": "0"}, "Type an amount above 0"),
        ({"own_max_in_flight": "0"}, "greater than or equal to 1"),
    ],
)
def test_a_limit_that_cannot_be_is_refused_beside_its_field(acme, sign_in, form, message):
    answer = sign_in(acme).post(url("settings_limits", acme), form)

    assert answer.status_code == 422
    assert message in words_of(answer)
    assert not AuditEvent.objects.filter(action="tenant.own_limits").exists()


def test_a_budget_that_is_used_up_is_named_on_every_page(acme, sign_in, delivered):
    delivered(acme)
    Tenant.objects.update(budget_month_micros=52_680)

    page = words_of(sign_in(acme).get(url("usage", acme)))
    overview = words_of(sign_in(acme).get(url("overview", acme)))

    assert "The workspace has used up its monthly budget" in page
    assert f'<a href="{url("settings", acme)}">Owners and admins can raise it' in page
    assert "The workspace has used $0.05268 of $0.05268 this UTC month" in overview


@pytest.mark.usefixtures("other")
def test_the_log_is_filtered_by_person_and_by_what_was_changed_in_its_csv_too(acme, sign_in):
    owner, admin = sign_in(acme), sign_in(acme, "admin")
    owner.post(
        url("settings", acme), {"title": "One", "prompt_retention_days": "30", "erases": "on"}
    )
    admin.post(url("settings", acme), {"title": "Two", "prompt_retention_days": "30"})
    log = url("audit", acme)

    by_admin = lines_of(owner.get(f"{log}?actor=admin@acme.example&format=csv"))
    of_tenant = lines_of(owner.get(f"{log}?about={acme.tenant.public_id}&format=csv"))
    none = words_of(owner.get(f"{log}?actor=nobody&about=%00"))
    link = "?action=tenant.title&amp;actor=admin%40acme.example&amp;format=csv"

    assert [line["action"] for line in by_admin] == ["renamed the workspace"]
    assert {line["id"] for line in of_tenant} == {acme.tenant.public_id}
    assert "No entries match" in none
    page = owner.get(f"{log}?action=tenant.title&actor=admin@acme.example").content.decode()
    assert link in page


def test_the_log_names_people_keys_and_endpoints(acme, sign_in):
    client = sign_in(acme)
    add = {"email": "bob@example.com", "role": "viewer"}
    client.post(url("member_invite", acme), add)
    told(acme)
    revoke_api_key(key=acme.key, now=clock.now(), actor=f"API key {acme.key.public_id}")
    set_title(tenant=acme.tenant, title="Acme Studio", actor="test")
    ApiKey.objects.filter(id=acme.key.id).update(name="production")

    page = words_of(client.get(url("audit", acme)))

    assert (
        f'<a class="underline" href="{url("key", acme, acme.key.public_id)}">production</a>' in page
    )
    assert "API key key_" not in page
    assert acme.key.public_id in page
    assert ">https://1.1.1.1/hook</a>" in page
    assert "bob@example.com" in page
    assert "owner@acme.example" in page
    assert '<strong class="font-medium">Pictor</strong> renamed the workspace</span>' in page
