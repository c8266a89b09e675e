"""The operator's pages of generation: configuration edited and audited, credentials never shown."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from django.urls import reverse

from accounts.keys import digest
from accounts.models import AuditEvent, Tenant, User
from accounts.selectors import caller_by_digest
from accounts.services import create_tenant, issue_api_key
from generation.admission.service import Submission, admit
from generation.catalogue import services
from generation.catalogue.credentials import decrypted
from generation.catalogue.services import ChannelOptions
from generation.catalogue.snapshot import current_catalogue
from generation.management import seeding
from generation.management.seeding import Wishes
from generation.models import Attempt, Channel, Contract, Generation, Worker
from pictor.kit import clock
from pictor.kit.errors import InsufficientQuota
from pictor.kit.ids import GenerationId, new_uuid

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def without_collected_static_files(settings):
    """The pages' own behaviour needs no manifest of hashed files."""
    plain = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    settings.STORAGES = {**settings.STORAGES, "staticfiles": plain}
    settings.MIDDLEWARE = [name for name in settings.MIDDLEWARE if "whitenoise" not in name]


@pytest.fixture
def root():
    return User.objects.create_superuser("root@example.com")


@pytest.fixture
def pages(client, root):
    seeding.seed(Wishes())
    client.force_login(root)
    return client


@pytest.fixture
def channel(pages):
    options = ChannelOptions(
        base_url="https://api.example.com/v1", api_key="sk-upstream-secret", models=["dall-e-3"]
    )
    return services.set_channel(name="vendor", options=options, actor="test")[0]


@pytest.fixture
def generation(channel):
    tenant = create_tenant(name="acme", actor="test")
    key, _ = issue_api_key(tenant=tenant, name="first", actor="test")
    generation = Generation.objects.create(
        id=new_uuid(), tenant=tenant, api_key=key, model="dall-e-3", prompt="a fox " * 20, n=1,
        size_requested="1024x1024", size="1024x1024", tier="base", quality_requested="standard",
        response_format="url", output_format="png", priced={}, held_micros=40_000, created_at=NOW,
        rung_at=NOW, deadline_at=NOW + timedelta(minutes=8), request_id="req_42",
    )  # fmt: skip
    Attempt.objects.create(
        generation=generation, dispatch=1, number=1, channel=channel, upstream_model="d3",
        attempt_class="unknown", cost_micros=40_000,
    )  # fmt: skip
    return generation


def channel_form(channel: Channel, **changes: str) -> dict[str, object]:
    route = channel.routes.get()
    return {
        "name": channel.name,
        "kind": "openai",
        "base_url": channel.base_url,
        "api_key": "",
        "is_enabled": "on",
        "priority": "10",
        "weight": "1",
        "timeout_seconds": "240",
        "max_concurrency": "",
        "sizes": "",
        "ignored_fields": "",
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


def contract_form(**changes: str) -> dict[str, str]:
    return {
        "position": "1",
        "is_enabled": "on",
        "sizes": '[{"size": "1024x1024", "tier": "base"}, {"size": "1792x1024", "tier": "base"}]',
        "default_size": "1024x1024",
        "qualities": "standard,hd",
        "quality_default": "standard",
        "quality_aliases": "{}",
        "prompt_max_chars": "4000",
        "max_n": "1",
        "response_format_default": "url",
        **changes,
    }


def change_page(model: str, key: object) -> str:
    return reverse(f"admin:generation_{model}_change", args=[key])


@pytest.mark.parametrize("model", ["contract", "channel", "generation", "worker"])
def test_every_list_opens_and_can_be_searched(pages, generation, model):
    Worker.objects.create(host="machine", pid=7)
    url = reverse(f"admin:generation_{model}_changelist")

    assert pages.get(url).status_code == 200
    assert pages.get(url, {"q": "acme"}).status_code == 200


def test_replays_and_lone_attempts_have_no_pages(pages):
    index = pages.get(reverse("admin:index")).content.decode()

    assert "idempotency" not in index.lower()
    assert "/admin/generation/attempt/" not in index


def test_the_key_of_a_channel_is_never_shown(pages, channel):
    page = pages.get(change_page("channel", channel.pk)).content.decode()

    assert "sk-upstream-secret" not in page
    assert channel.credentials not in page
    (field,) = re.findall(r'<input[^>]*name="api_key"[^>]*>', page)
    assert 'type="password"' in field
    assert "value=" not in field


def test_an_empty_key_leaves_the_old_one_and_the_change_is_audited(pages, root, channel):
    form = channel_form(channel, priority="3", sizes="1024x1024,auto")

    answer = pages.post(change_page("channel", channel.pk), form)

    after = Channel.objects.get()
    assert answer.status_code == 302
    assert (after.priority, after.sizes, after.reset_count) == (3, ["1024x1024", "auto"], 0)
    assert decrypted(after.credentials) == "sk-upstream-secret"
    event = AuditEvent.objects.get(action="channel.change")
    assert event.actor == root
    assert ((event.before or {})["priority"], (event.after or {})["priority"]) == (10, 3)
    assert "credentials" not in (event.after or {})
    assert "api_key" not in (event.after or {})


def test_a_new_key_is_encrypted_and_forgets_the_old_ones_failures(pages, channel):
    pages.post(change_page("channel", channel.pk), channel_form(channel, api_key="sk-another"))

    after = Channel.objects.get()
    assert decrypted(after.credentials) == "sk-another"
    assert after.reset_count == 1
    event = AuditEvent.objects.get(action="channel.change")
    assert (event.after or {})["api_key"] == "changed"
    assert "sk-another" not in str((event.before, event.after))


def test_a_channel_is_made_with_routes(pages):
    form = {
        "name": "new", "kind": "openai", "base_url": "https://new.example.com/", "api_key": "k-1",
        "is_enabled": "on", "priority": "10", "weight": "1", "timeout_seconds": "240",
        "class_overrides": "", "routes-TOTAL_FORMS": "1", "routes-INITIAL_FORMS": "0",
        "routes-0-contract": "dall-e-2", "routes-0-upstream_model": "d2",
        "routes-0-quality_map": "",
    }  # fmt: skip

    answer = pages.post(reverse("admin:generation_channel_add"), form)

    channel = Channel.objects.get(name="new")
    assert answer.status_code == 302
    assert channel.base_url == "https://new.example.com"
    assert decrypted(channel.credentials) == "k-1"
    (route,) = current_catalogue().routes["dall-e-2"]
    assert (route.upstream_model, route.native_sizes) == ("d2", None)
    event = AuditEvent.objects.get(action="channel.routes")
    assert (event.before, event.after) == ({"models": []}, {"models": ["dall-e-2"]})


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("base_url", "https://me:pw@host/", "user name or password"),
        ("base_url", "ftp://host/", "must begin with"),
        ("api_key", "two words", "has characters that no key has"),
        ("kind", "unheard-of", "there are only: openai"),
        ("sizes", "big", "neither WIDTHxHEIGHT nor auto"),
        ("class_overrides", '{"429": "maybe"}', "no HTTP status and attempt class"),
        ("class_overrides", '{"many": "unknown"}', "no HTTP status and attempt class"),
        ("class_overrides", '["429"]', "must be a JSON object of strings"),
        ("routes-0-sizes", "0x1", "neither WIDTHxHEIGHT nor auto"),
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
        "priority": "10", "weight": "1", "timeout_seconds": "240", "class_overrides": "",
        "routes-TOTAL_FORMS": "0", "routes-INITIAL_FORMS": "0",
    }  # fmt: skip

    pages.post(reverse("admin:generation_channel_add"), form)

    assert Channel.objects.count() == 0


def test_actions_switch_and_reset_channels(pages, root, channel):
    listing = reverse("admin:generation_channel_changelist")
    chosen = {"_selected_action": [str(channel.pk)]}

    pages.post(listing, {"action": "disable", **chosen})
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


@pytest.mark.parametrize("model", ["contract", "channel", "generation", "worker"])
def test_nothing_can_be_deleted(pages, generation, model):
    worker = Worker.objects.create(host="machine", pid=7)
    keys = {
        "contract": "dall-e-3",
        "channel": generation.attempts.get().channel_id,
        "generation": generation.pk,
        "worker": worker.pk,
    }

    delete = reverse(f"admin:generation_{model}_delete", args=[keys[model]])

    assert pages.post(delete, {"post": "yes"}).status_code == 403


def test_a_tenant_made_here_is_refused_for_its_empty_balance_and_nothing_else(
    pages, channel, settings
):
    members = {"memberships-TOTAL_FORMS": "0", "memberships-INITIAL_FORMS": "0"}
    pages.post(reverse("admin:accounts_tenant_add"), {"name": "New", "status": "active", **members})
    key = {"tenant": str(Tenant.objects.get().id), "scopes": "images:write"}
    page = pages.post(reverse("admin:accounts_apikey_add"), key, follow=True).content.decode()
    (plaintext,) = re.findall(r"sk-pictor-[0-9A-Za-z]{38}", page)
    caller = caller_by_digest(digest(plaintext, settings.KEY_PEPPER))
    assert caller is not None

    with pytest.raises(InsufficientQuota, match=r"0\.040000 USD is missing"):
        admit(
            caller=caller,
            submission=Submission(
                request={"model": "dall-e-3", "prompt": "a fox"}, idempotency_key="k"
            ),
            generation_id=GenerationId(new_uuid()),
            now=clock.now(),
        )


def test_a_contract_is_edited_and_audited(pages, root):
    answer = pages.post(change_page("contract", "dall-e-3"), contract_form(max_n="2"))

    assert answer.status_code == 302
    contract = current_catalogue().contracts["dall-e-3"]
    assert (contract.max_n, len(contract.options)) == (2, 2)
    event = AuditEvent.objects.get(action="contract.change")
    assert (event.actor, event.object_id) == (root, "dall-e-3")
    assert ((event.before or {})["max_n"], (event.after or {})["max_n"]) == (1, 2)


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("sizes", '[{"size": "big"}]', "the sizes or aliases cannot be read"),
        ("sizes", '["1024x1024"]', "the sizes or aliases cannot be read"),
        ("sizes", "7", "the sizes or aliases cannot be read"),
        ("quality_aliases", "[1]", "the sizes or aliases cannot be read"),
        ("quality_aliases", '{"high": "best"}', "must all stand for one of the qualities"),
        ("default_size", "640x480", "is none of the sizes"),
        ("default_size", "auto", "is none of the sizes"),
        ("quality_default", "best", "is none of the qualities"),
    ],
)
def test_a_contract_that_no_process_could_load_is_refused(pages, field, value, message):
    answer = pages.post(change_page("contract", "dall-e-3"), contract_form(**{field: value}))

    assert answer.status_code == 200
    assert message in answer.content.decode()
    assert Contract.objects.get(model="dall-e-3").default_size == "1024x1024"


def test_a_generation_shows_its_attempts_and_cannot_be_changed(pages, generation):
    page = pages.get(change_page("generation", generation.pk))

    assert page.status_code == 200
    assert "0.040000" in page.content.decode()
    refused = pages.post(change_page("generation", generation.pk), {"state": "succeeded"})
    assert refused.status_code == 403


@pytest.mark.parametrize("by", ["public_id", "id", "request_id"])
def test_a_generation_is_found_by_its_ids(pages, generation, by):
    url = reverse("admin:generation_generation_changelist")

    found = pages.get(url, {"q": str(getattr(generation, by))}).content.decode()
    missed = pages.get(url, {"q": str(new_uuid())}).content.decode()

    assert generation.public_id in found
    assert generation.public_id not in missed


def test_generations_are_filtered_by_state_and_model(pages, generation):
    url = reverse("admin:generation_generation_changelist")

    found = pages.get(url, {"state__exact": "queued", "model": "dall-e-3"}).content.decode()
    missed = pages.get(url, {"model": "dall-e-2"}).content.decode()

    assert generation.public_id in found
    assert generation.public_id not in missed


def test_a_stranger_is_sent_to_sign_in(client):
    answer = client.get(reverse("admin:generation_channel_changelist"))

    assert answer.status_code == 302
    assert "login" in answer["Location"]
