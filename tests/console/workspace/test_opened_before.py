"""Forms sent from a page that was opened before somebody else changed its values."""

from django.http import HttpResponse

from accounts.models import SCOPES, ApiKey, Tenant
from tests.console.answers import said_by
from tests.console.workspace.conftest import told, url
from tests.console.workspace.key_forms import FORM
from tests.making.factories import PayingCustomer
from webhooks.models import WebhookEndpoint

MEANWHILE = "Somebody changed it after you opened this page. Check it and save again."


def refused_values(answer: HttpResponse) -> tuple[int, bool]:
    """The status, and whether the page says that somebody else changed the values."""
    return answer.status_code, MEANWHILE in said_by(answer)


def limited_key(acme: PayingCustomer) -> ApiKey:
    """The key, with a budget that was just set."""
    ApiKey.objects.filter(id=acme.key.id).update(budget_day_micros=5_000_000)
    return ApiKey.objects.get(id=acme.key.id)


def test_a_keys_budget_that_was_set_meanwhile_stays(acme, sign_in):
    client, page = sign_in(acme), url("key", acme, acme.key.public_id)
    opened = client.get(page).context["form"].shown
    key = limited_key(acme)

    typed = {**FORM, "name": "renamed", "scopes": list(SCOPES), "ip_ranges": "10.0.0.0/8"}
    stale = client.post(page, {**typed, "shown": opened})

    assert refused_values(stale) == (422, True)
    stored = "Name: acme; Budget per day, USD: 5.00; Addresses that it may be used from: empty."
    assert f"Stored now: {stored}" in said_by(stale)
    key.refresh_from_db()
    assert (key.name, key.budget_day_micros) == ("acme", 5_000_000)


def test_a_refused_key_form_keeps_what_was_typed_and_is_saved_again_on_purpose(acme, sign_in):
    client, page = sign_in(acme), url("key", acme, acme.key.public_id)
    opened = client.get(page).context["form"].shown
    key = limited_key(acme)
    typed = {**FORM, "name": "renamed", "budget_month": "20", "ip_ranges": "10.0.0.0/8"}

    stale = client.post(page, {**typed, "shown": opened})
    form = stale.context["form"]
    again = client.post(page, {**typed, "shown": form.shown})

    assert [form[name].value() for name in ("name", "budget_month", "ip_ranges")] == [
        "renamed",
        "20",
        "10.0.0.0/8",
    ]
    assert f'name="shown" value="{form.shown}"' in str(stale.content)
    assert (form.shown == opened, again.status_code) == (False, 302)
    key.refresh_from_db()
    assert (key.name, key.ip_ranges) == ("renamed", ["10.0.0.0/8"])
    assert (key.budget_day_micros, key.budget_month_micros) == (None, 20_000_000)


def test_a_keys_form_with_what_is_there_now_is_saved(acme, sign_in):
    client, page = sign_in(acme), url("key", acme, acme.key.public_id)
    key = limited_key(acme)
    shown = client.get(page).context["form"].shown

    answer = client.post(page, {**FORM, "name": "renamed", "budget_day": "5.00", "shown": shown})

    key.refresh_from_db()
    assert (answer.status_code, key.name) == (302, "renamed")


def test_settings_that_were_changed_meanwhile_stay(acme, sign_in):
    client, page = sign_in(acme), url("settings", acme)
    opened = client.get(page).context["form"].shown
    Tenant.objects.update(prompt_retention_days=None)

    renamed = {"title": "Studio", "time_zone": "UTC", "prompt_retention_days": "90", "erases": "on"}
    stale = client.post(page, {**renamed, "shown": opened})

    assert refused_values(stale) == (422, True)
    assert "Stored now: Name: acme; Days that prompts are kept: empty." in said_by(stale)
    assert stale.context["form"]["title"].value() == "Studio"
    tenant = Tenant.objects.get()
    assert (tenant.shown_name, tenant.prompt_retention_days) == ("acme", None)


def test_a_workspaces_own_budget_that_was_set_meanwhile_stays(acme, sign_in):
    client = sign_in(acme)
    opened = client.get(url("settings", acme)).context["limits_form"].shown
    Tenant.objects.update(budget_day_micros=5_000_000)

    stale = client.post(url("settings_limits", acme), {"own_max_in_flight": "2", "shown": opened})

    assert refused_values(stale) == (422, True)
    tenant = Tenant.objects.get()
    assert (tenant.budget_day_micros, tenant.own_max_in_flight) == (5_000_000, None)


def test_a_second_click_on_save_limits_is_no_change_by_somebody_else(acme, sign_in):
    client = sign_in(acme)
    opened = client.get(url("settings", acme)).context["limits_form"].shown
    form = {"budget_day_micros": "5", "shown": opened}

    first = client.post(url("settings_limits", acme), form)
    second = client.post(url("settings_limits", acme), form)

    assert (first.status_code, second.status_code) == (302, 302)


def test_support_that_was_forbidden_meanwhile_stays_out(acme, sign_in):
    client = sign_in(acme)
    Tenant.objects.update(allows_support=True)
    opened = client.get(url("settings", acme)).context["support_form"].shown
    Tenant.objects.update(allows_support=False)

    both = {"allows_support": "on", "shows_support_content": "on"}
    stale = client.post(url("settings_support", acme), {**both, "shown": opened})

    assert refused_values(stale) == (422, True)
    assert 'name="shows_support_content" checked' in stale.content.decode()
    assert not Tenant.objects.get().allows_support


def test_an_endpoints_url_that_was_changed_meanwhile_stays(acme, sign_in):
    endpoint, client = told(acme).endpoint, sign_in(acme)
    page = url("webhook", acme, endpoint.public_id)
    opened = client.get(page).context["form"].shown
    WebhookEndpoint.objects.update(url="https://1.1.1.1/new")

    sent = {"url": "https://1.1.1.1/hook", "events": ["balance.low"]}
    stale = client.post(page, {**sent, "shown": opened})

    assert refused_values(stale) == (422, True)
    assert WebhookEndpoint.objects.get().url == "https://1.1.1.1/new"
