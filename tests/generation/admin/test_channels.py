"""Channels edited on the pages: through the service, audited, credentials never shown."""

import re
from dataclasses import replace
from io import StringIO

import pytest
from django.core.exceptions import ValidationError
from django.core.management import call_command
from django.forms.models import model_to_dict
from django.urls import reverse

from accounts.models import AuditEvent
from generation.catalogue import services
from generation.catalogue.credentials import decrypted
from generation.catalogue.services import ChannelOptions, checks
from generation.catalogue.snapshot import current_catalogue
from generation.channels import registry
from generation.models import Channel
from tests.generation.admin.conftest import change_page, enabled_channel

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("plain_static_files")]


def channel_form(channel: Channel, **changes: str) -> dict[str, object]:
    route = channel.routes.get()
    return {
        "name": channel.name,
        "kind": "openai",
        "base_url": channel.base_url,
        "api_key": "",
        "is_enabled": "on",
        "serves": "live",
        "priority": "10",
        "weight": "1",
        "timeout_seconds": "240",
        "max_concurrency": "",
        "sizes": "",
        "ignored_fields": "",
        "refused_tasks": "",
        "max_images": "",
        "allows_redispatch": "on",
        "class_overrides": "{}",
        "routes-TOTAL_FORMS": "1",
        "routes-INITIAL_FORMS": "1",
        "routes-0-id": route.pk,
        "routes-0-channel": channel.pk,
        "routes-0-contract": "dall-e-3",
        "routes-0-upstream_model": route.upstream_model,
        "routes-0-sizes": "",
        "routes-0-quality_map": "{}",
        "routes-0-cost_micros": "",
        **changes,
    }


def test_the_key_of_a_channel_is_never_shown(pages, channel):
    page = pages.get(change_page("channel", channel.pk)).content.decode()

    assert "sk-upstream-secret" not in page
    assert channel.credentials not in page
    (field,) = re.findall(r'<input[^>]*name="api_key"[^>]*>', page)
    assert 'type="password"' in field
    assert "value=" not in field


def test_an_empty_key_leaves_the_old_one_and_the_change_is_audited(pages, root, channel):
    form = channel_form(channel, priority="3", weight="2")

    answer = pages.post(change_page("channel", channel.pk), form)

    after = Channel.objects.get()
    assert answer.status_code == 302
    assert (after.priority, after.weight, after.reset_count) == (3, 2, 0)
    assert decrypted(after.credentials) == "sk-upstream-secret"
    event = AuditEvent.objects.get(actor=root)
    assert (event.action, event.object_id, event.ip) == ("channel.set", "vendor", "127.0.0.1")
    assert ((event.before or {})["priority"], (event.after or {})["priority"]) == (10, 3)
    assert "credentials" not in (event.after or {})
    assert "api_key" not in (event.after or {})


def test_a_new_key_waits_encrypted_until_it_is_swapped_and_forgets_the_old_ones_failures(
    pages, root, channel
):
    page = change_page("channel", channel.pk)
    answer = pages.post(page, channel_form(channel, api_key="sk-another"), follow=True)
    before = Channel.objects.get()
    refused = pages.post(page, channel_form(channel, priority="3")).content.decode()
    event = AuditEvent.objects.get(actor=root)
    services.swap(channel=channel, actor="test", untested=True)

    after = Channel.objects.get()
    assert "is called as before until its pending revision is tested" in answer.content.decode()
    assert "has a pending revision: swap it or discard it first" in refused
    assert (decrypted(before.credentials), before.reset_count) == ("sk-upstream-secret", 0)
    assert (decrypted(after.credentials), after.reset_count) == ("sk-another", 1)
    assert (event.action, (event.after or {})["api_key"]) == ("channel.revise", "changed")
    assert "sk-another" not in str((event.before, event.after))


def test_a_channel_is_made_with_routes(pages):
    form = {
        "name": "new", "kind": "openai", "base_url": "https://new.example.com/", "api_key": "k-1",
        "serves": "live", "priority": "10", "weight": "1", "timeout_seconds": "240",
        "class_overrides": "", "routes-TOTAL_FORMS": "1", "routes-INITIAL_FORMS": "0",
        "routes-0-contract": "dall-e-2", "routes-0-upstream_model": "d2",
        "routes-0-quality_map": "",
    }  # fmt: skip

    answer = pages.post(reverse("admin:generation_channel_add"), form)

    channel = Channel.objects.get(name="new")
    assert answer.status_code == 302
    assert channel.base_url == "https://new.example.com"
    assert decrypted(channel.credentials) == "k-1"
    assert not channel.is_enabled
    assert current_catalogue().routes == {}
    assert channel.routes.get().upstream_model == "d2"
    event = AuditEvent.objects.get(object_type="channel")
    after = event.after or {}
    assert (event.action, event.object_id, event.before) == ("channel.set", "new", None)
    assert (after["models"], after["maps"]) == (["dall-e-2"], {"dall-e-2": "d2"})
    assert after["api_key"] == "changed"


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("base_url", "https://me:pw@host/", "user name or password"),
        ("base_url", "ftp://host/", "must begin with"),
        ("api_key", "two words", "has characters that no key has"),
        ("kind", "unheard-of", "there are only: openai"),
        ("sizes", "big", "neither WIDTHxHEIGHT nor auto"),
        ("refused_tasks", "generate", "no task that a channel can refuse: generate; there are"),
        ("max_images", "17", "the number of images must be from 1 to 16"),
        ("ignored_fields", "style,stile", "no field that a channel can ignore: stile; there are"),
        ("weight", "0", "the weight must be from 1 to"),
        ("timeout_seconds", "0", "the timeout must be from 1 to"),
        ("max_concurrency", "0", "the number of calls at once must be from 1 to"),
        ("class_overrides", '{"429": "maybe"}', "is not a status and its class"),
        ("class_overrides", '{"many": "unknown"}', "is not a status and its class"),
        ("class_overrides", f'{{"{"9" * 5000}": "unknown"}}', "is not a status and its class"),
        ("class_overrides", '["429"]', "must be a JSON object of strings"),
        ("routes-0-sizes", "0x1", "neither WIDTHxHEIGHT nor auto"),
        ("routes-0-cost_micros", "-1", "is below 0"),
        ("routes-0-cost_micros", "30", "30.000000 USD, above the price, at most 0.120000"),
        ("routes-0-quality_map", '{"high": 1}', "must be a JSON object of strings"),
    ],
)
def test_what_no_process_could_load_is_refused(pages, channel, field, value, message):
    form = channel_form(channel, **{field: value})

    answer = pages.post(change_page("channel", channel.pk), form)

    assert answer.status_code == 200
    assert message in answer.content.decode()
    assert Channel.objects.get().reset_count == 0


def test_the_first_key_is_needed(pages):
    form = {
        "name": "new", "kind": "openai", "base_url": "https://new.example.com/", "api_key": "",
        "serves": "live", "priority": "10", "weight": "1", "timeout_seconds": "240",
        "class_overrides": "", "routes-TOTAL_FORMS": "0", "routes-INITIAL_FORMS": "0",
    }  # fmt: skip

    pages.post(reverse("admin:generation_channel_add"), form)

    assert Channel.objects.count() == 0


def test_actions_switch_and_reset_channels(pages, root, channel):
    listing = reverse("admin:generation_channel_changelist")
    chosen = {"_selected_action": [str(channel.pk)]}

    answer = pages.post(listing, {"action": "disable", **chosen}, follow=True)
    assert "no enabled channel serves dall-e-3 any more" in answer.content.decode()
    disabled = Channel.objects.get().is_enabled
    pages.post(listing, {"action": "enable", **chosen})
    pages.post(listing, {"action": "reset", **chosen})

    after = Channel.objects.get()
    assert (disabled, after.is_enabled, after.reset_count) == (False, True, 1)
    events = AuditEvent.objects.filter(actor=root).order_by("id")
    assert [(event.action, event.ip) for event in events] == [
        ("channel.disable", "127.0.0.1"),
        ("channel.enable", "127.0.0.1"),
        ("channel.reset", "127.0.0.1"),
    ]


def test_a_form_enables_no_channel_that_is_not_tested(pages, channel):
    services.set_enabled(channel=channel, is_enabled=False, actor="test", may_stop=True)
    form = channel_form(channel, api_key="sk-another")

    answer = pages.post(change_page("channel", channel.pk), form)

    assert answer.status_code == 200
    assert "run `manage.py channel test`" in answer.content.decode()
    assert not Channel.objects.get().is_enabled


def test_the_action_enables_no_channel_that_is_not_tested(pages, channel):
    services.set_enabled(channel=channel, is_enabled=False, actor="test", may_stop=True)
    Channel.objects.update(base_url="https://other.example.com")
    chosen = {"action": "enable", "_selected_action": [str(channel.pk)]}

    answer = pages.post(reverse("admin:generation_channel_changelist"), chosen, follow=True)

    assert "vendor has not passed a test" in answer.content.decode()
    assert not Channel.objects.get().is_enabled


def test_a_channel_that_was_never_used_is_deleted_on_its_page(pages, root, channel):
    page = reverse("admin:generation_channel_delete", args=[channel.pk])
    while_enabled = pages.post(page, {"post": "yes"}).status_code
    services.set_enabled(channel=channel, is_enabled=False, actor="test", may_stop=True)

    answer = pages.post(page, {"post": "yes"})

    assert (while_enabled, answer.status_code) == (403, 302)
    assert Channel.objects.count() == 0
    assert AuditEvent.objects.get(actor=root).action == "channel.delete"


@pytest.mark.usefixtures("generation")
def test_a_used_channel_keeps_its_name(pages, channel):
    answer = pages.post(change_page("channel", channel.pk), channel_form(channel, name="after"))

    channel.refresh_from_db()
    assert (answer.status_code, channel.name) == (200, "vendor")
    assert "vendor has been used: usage is counted under it" in answer.content.decode()


def test_a_used_channel_is_not_deleted_on_its_page(pages, channel, generation):
    services.set_enabled(channel=channel, is_enabled=False, actor="test", may_stop=True)

    page = reverse("admin:generation_channel_delete", args=[channel.pk])

    assert pages.post(page, {"post": "yes"}).status_code == 403
    assert Channel.objects.count() == 1


def test_a_save_that_changes_nothing_leaves_no_event(pages, root, channel):
    pages.post(change_page("channel", channel.pk), channel_form(channel))

    assert not AuditEvent.objects.filter(actor=root).exists()


def test_a_channel_keeps_its_rows_under_another_name(pages, root, channel):
    pages.post(change_page("channel", channel.pk), channel_form(channel, name="seller"))

    after = Channel.objects.get()
    assert (after.pk, after.name, after.routes.count()) == (channel.pk, "seller", 1)
    event = AuditEvent.objects.get(actor=root)
    assert ((event.before or {})["name"], (event.after or {})["name"]) == ("vendor", "seller")


def test_routes_are_added_changed_and_removed_in_one_event(pages, root, channel):
    form = channel_form(
        channel,
        **{
            "routes-TOTAL_FORMS": "3",
            "routes-0-DELETE": "on",
            "routes-1-channel": str(channel.pk),
            "routes-1-contract": "dall-e-2",
            "routes-1-upstream_model": "d2",
            "routes-1-quality_map": "{}",
            "routes-2-channel": str(channel.pk),
        },
    )

    pages.post(change_page("channel", channel.pk), form)

    assert list(Channel.objects.get().routes.values_list("contract_id")) == [("dall-e-2",)]
    event = AuditEvent.objects.get(actor=root)
    assert ((event.before or {})["models"], (event.after or {})["models"]) == (
        ["dall-e-3"],
        ["dall-e-2"],
    )


# --- the same by command ------------------------------------------------------------------------


SAME = {
    "nothing but the priority": (("--priority", "3"), {"priority": "3"}),
    "a key": (("--api-key", "sk-another"), {"api_key": "sk-another"}),
    "an address": (
        ("--base-url", "https://other.example.com/", "--api-key", "k"),
        {"base_url": "https://other.example.com/", "api_key": "k"},
    ),
    "the address it has": (
        ("--base-url", "https://api.example.com/v1/"),
        {"base_url": "https://api.example.com/v1/"},
    ),
    "another name of a model": (
        ("--map", "dall-e-3=d3"),
        {"routes-0-upstream_model": "d3"},
    ),
    "a cost": (("--cost", "0.03"), {"routes-0-cost_micros": "0.03"}),
    "what it refuses": (
        ("--refuse", "edit", "--max-images", "4"),
        {"refused_tasks": "edit", "max_images": "4"},
    ),
    "what it ignores": (("--ignore", "style,stream"), {"ignored_fields": "style,stream"}),
    "sizes": (("--sizes", "1024x1024,auto"), {"sizes": "1024x1024,auto"}),
    "models": (
        ("--models", "dall-e-2"),
        {"routes-0-contract": "dall-e-2", "routes-0-upstream_model": "dall-e-2"},
    ),
}


def state_of(channel: Channel) -> tuple[object, ...]:
    """All of its rows but what names it, and its events but who made them."""
    after = Channel.objects.get(pk=channel.pk)
    events = AuditEvent.objects.filter(object_type="channel", object_id=channel.name)
    return (
        model_to_dict(
            after, exclude=["id", "name", "credentials", "approved_digest", "created_at"]
        ),
        decrypted(after.credentials),
        after.reset_count,
        list(
            after.routes.values(
                "contract_id", "upstream_model", "sizes", "quality_map", "cost_micros"
            )
        ),
        [(e.action, _nameless(e.before), _nameless(e.after)) for e in events.order_by("id")],
    )


def _nameless(facts: dict[str, object] | None) -> dict[str, object]:
    return {**(facts or {}), "name": None}


@pytest.mark.parametrize(("words", "typed"), SAME.values(), ids=SAME)
def test_a_change_by_command_and_on_the_page_is_the_same_change(pages, channel, words, typed):
    options = ChannelOptions(
        base_url="https://api.example.com/v1", api_key="sk-upstream-secret", models=["dall-e-3"]
    )
    twin = enabled_channel("twin", options)

    call_command("channel", "set", "twin", *words, stdout=StringIO(), stderr=StringIO())
    answer = pages.post(change_page("channel", channel.pk), channel_form(channel, **typed))

    assert answer.status_code == 302
    assert state_of(channel) == state_of(twin)


def test_a_weight_is_saved_with_what_it_does_to_traffic(pages, channel):
    enabled_channel(
        "other",
        ChannelOptions(base_url="https://other.example/v1", api_key="k", models=["dall-e-3"]),
    )

    answer = pages.post(
        change_page("channel", channel.pk), channel_form(channel, weight="3"), follow=True
    )

    said = answer.content.decode()
    assert "dall-e-3: other 50 % -&gt; 25 %, vendor 50 % -&gt; 75 %" in said


def test_another_kind_needs_its_own_key(channel, monkeypatch):
    kinds = {**registry.KINDS, "other": replace(registry.KINDS["openai"], name="other")}
    for module in (registry, checks):
        monkeypatch.setattr(module, "KINDS", kinds)

    with pytest.raises(ValidationError, match="another kind of channel needs its own API key"):
        services.set_channel(name="vendor", options={"kind": "other"}, actor="test")

    options = ChannelOptions(kind="other", api_key="k-2")
    services.set_channel(name="vendor", options=options, actor="test")
    services.swap(channel=channel, actor="test", untested=True)
    assert Channel.objects.get().kind == "other"


def test_more_images_may_be_allowed_where_a_vendor_takes_them(channel, monkeypatch):
    usual = registry.KINDS["openai"]
    many = replace(usual, name="many", abilities=replace(usual.abilities, max_images=32))
    monkeypatch.setattr(checks, "KINDS", {**registry.KINDS, "many": many})

    changed, _ = services.set_channel(name="vendor", options={"max_images": 32}, actor="test")

    assert changed.max_images == 32
    with pytest.raises(ValidationError, match="the number of images must be from 1 to 32"):
        services.set_channel(name="vendor", options={"max_images": 33}, actor="test")


def test_a_new_channel_is_offered_the_usual_kind(pages):
    page = pages.get(reverse("admin:generation_channel_add")).content.decode()

    (field,) = re.findall(r'<input[^>]*name="kind"[^>]*>', page)
    assert f'value="{registry.USUAL_KIND}"' in field
