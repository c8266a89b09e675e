"""`manage.py channel kinds` and `channel set --preset`."""

import json

import pytest

from generation.catalogue.credentials import decrypted
from generation.models import Channel, PendingRevision, Route

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("seeded")]

AZURE = ("channel", "set", "acme", "--preset", "azure", "--api-key", "sk-acme")
AT_ACME = ("--base-url", "https://acme.openai.azure.com")


def test_kinds_and_presets_are_listed_with_a_line_each(manage):
    table = manage("channel", "kinds").out
    rows = json.loads(manage("channel", "kinds", "--json").out)

    assert "openai        vllm-omni" in table
    assert rows[0]["kind"] == "openai"
    assert rows[0]["preset"] is None
    assert {
        "kind": "azure_openai",
        "preset": "azure",
        "about": "A resource at Azure OpenAI, by its v1 API",
    } in rows


def test_all_that_a_preset_writes_is_shown_first_without_the_key(manage):
    said = manage(*AZURE, *AT_ACME, "--map", "gpt-image-2=pictures")

    assert said.error == "Nothing was changed."
    assert said.out.splitlines()[:3] == [
        "name: acme",
        "kind: azure_openai",
        "base_url: https://acme.openai.azure.com",
    ]
    assert 'maps: {"gpt-image-2": "pictures"}' in said.out
    assert 'settings: {"api_version": "preview"}' in said.out
    assert "its costs: channel cost import acme --published azure" in said.out
    assert "sk-acme" not in said.out
    assert not Channel.objects.exists()


def test_a_preset_makes_a_channel(manage):
    said = manage(*AZURE, *AT_ACME, "--yes")

    channel = Channel.objects.get()
    assert said.error is None
    assert (channel.kind, channel.settings) == ("azure_openai", {"api_version": "preview"})
    assert (channel.is_enabled, decrypted(channel.credentials)) == (False, "sk-acme")
    assert [route.upstream_model for route in Route.objects.all()] == ["gpt-image-2"]
    assert manage("channel", "cost", "import", "acme", "--published", "azure").error is None


def test_a_preset_changes_a_channel_and_leaves_its_other_routes(manage):
    manage(*AZURE, *AT_ACME, "--yes", "--map", "dall-e-3=old")

    said = manage("channel", "set", "acme", "--preset", "azure-classic", *AT_ACME, "--yes")

    routes = dict(Route.objects.values_list("contract_id", "upstream_model"))
    assert said.error is None
    assert Channel.objects.get().settings == {"api_version": "2025-04-01-preview"}
    assert routes == {"gpt-image-2": "gpt-image-2", "dall-e-3": "old"}


def test_models_that_are_not_here_are_left_out_by_name(manage):
    new = ("channel", "set", "g", "--preset", "gemini", "--api-key", "k", "--yes")

    none = manage(*new)
    one = manage(*new, "--map", "gpt-image-2=fox")

    assert none.error == (
        "gemini has no model that is here: give --map OURS=THEIRS, or import nano-banana-2.1,"
        " nano-banana-pro first"
    )
    assert one.error is None
    assert one.out.splitlines()[-2] == (
        "left out: nano-banana-pro; first manage.py do model.import --shipped nano-banana-pro"
    )
    assert [route.contract_id for route in Route.objects.all()] == ["gpt-image-2"]


def test_a_preset_of_ones_own_is_a_file(manage, tmp_path):
    file = tmp_path / "fox.toml"
    file.write_text(
        'about = "Fox"\nkind = "openai"\nbase_url = "https://fox.example/v1"\n'
        '[routes.dall-e-3]\nupstream_model = "fox-3"\ncost = "0.01"\n'
        'field_map.n = ""\n'
    )

    said = manage("channel", "set", "fox", "--preset", str(file), "--api-key", "k", "--yes")

    route = Route.objects.get()
    assert 'cost: {"dall-e-3": "0.010000"}' in said.out
    assert (said.error, route.upstream_model, route.cost_micros) == (None, "fox-3", 10_000)
    assert route.field_map == {"n": ""}


@pytest.mark.parametrize(
    ("words", "fault"),
    [
        (AZURE, "give your own address, in the form https://{resource}.openai.azure.com"),
        (("channel", "set", "a", "--preset", "azur"), "no preset 'azur'; there are: apimart, "),
        (("channel", "set", "a", "--preset", "/none.toml"), "/none.toml: [Errno 2]"),
        (("channel", "set", "a", "--preset", "openai", "--yes"), "there is no channel 'a'"),
    ],
)
def test_a_mistake_is_one_line_and_makes_no_channel(manage, words, fault):
    said = manage(*words)

    assert fault in (said.error or "")
    assert "\n" not in (said.error or "")
    assert not Channel.objects.exists()


def test_a_faulty_file_is_refused_with_its_keys(manage, tmp_path):
    file = tmp_path / "fox.toml"
    file.write_text('kind = "openai"\napi_key = "sk-acme"\n')

    said = manage("channel", "set", "fox", "--preset", str(file), "--yes")

    assert said.error == (
        f"{file}: about is missing; base_url is missing;"
        " api_key: a preset holds no key; give it as --api-key"
    )


def test_a_pending_revision_is_shown_as_it_would_be(manage):
    manage(*AZURE, *AT_ACME, "--yes")
    Route.objects.update(is_approved=True)
    Channel.objects.update(is_enabled=True)

    said = manage("channel", "set", "acme", "--preset", "azure-classic", *AT_ACME)

    assert 'settings: {"api_version": "2025-04-01-preview"}' in said.out
    assert said.error == "Nothing was changed."
    assert not PendingRevision.objects.exists()
