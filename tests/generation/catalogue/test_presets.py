"""Presets: each that comes with Pictor connects a channel, and no file holds a key."""

from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ValidationError

from generation import channels
from generation.catalogue import services, trials
from generation.catalogue.preset_files import read
from generation.catalogue.services import ChannelOptions
from generation.catalogue.toml_files import BadToml
from generation.channels.registry import KINDS, published_costs
from tests.making.seeds import sow

FOX = """
about = "Fox Labs"
kind = "openai"
base_url = "https://{resource}.foxlabs.example/v1"
settings = { max_n = "1" }
ignored_fields = ["style"]
retry_is_free = true
costs = "openai"
[routes.dall-e-3]
upstream_model = "fox-large"
sizes = ["1024x1024"]
words = { hd = "max" }
cost = "0.035"
field_map = { n = "", size.words = { 1024x1024 = { ratio = "1:1" } } }
[routes.fox-1]
upstream_model = "fox-1"
"""
SHIPPED = services.shipped_presets()
KEYS = {"vertex": '{"client_email": "fox@acme.example", "private_key": "-----BEGIN"}'}


def test_a_file_is_options_and_routes():
    preset = read("fox", FOX)

    assert (preset.name, preset.about, preset.costs) == ("fox", "Fox Labs", "openai")
    assert preset.options == {
        "kind": "openai", "base_url": "https://{resource}.foxlabs.example/v1",
        "settings": {"max_n": "1"}, "ignored_fields": ["style"], "retry_is_free": True,
    }  # fmt: skip
    assert preset.routes == {
        "dall-e-3": {
            "upstream_model": "fox-large", "sizes": ["1024x1024"], "quality_map": {"hd": "max"},
            "cost_micros": 35_000,
            "field_map": {"n": "", "size": {"words": {"1024x1024": {"ratio": "1:1"}}}},
        },
        "fox-1": {"upstream_model": "fox-1"},
    }  # fmt: skip


@pytest.mark.parametrize(
    ("was", "becomes", "fault"),
    [
        ("retry", 'api_key = "sk"\nretry', "api_key: a preset holds no key; give it as --api-key"),
        ("words =", "credentials =",
         "routes.dall-e-3.credentials: a preset holds no key; give it as --api-key"),
        ('about = "Fox Labs"', "", "about is missing"),
        ('kind = "openai"', "kind = 1", "kind must be a text"),
        ('["style"]', "[1]", "ignored_fields must be a list of texts"),
        ('{ max_n = "1" }', "{ max_n = 1 }", "settings must be a table of texts"),
        ("retry_is_free", "is_enabled", "is_enabled is no key of a preset"),
        ("upstream_model", '"a b" = ""\nupstream_model',
         'routes.dall-e-3."a b" is no key of a preset'),
        ('upstream_model = "fox-1"', "", "routes.fox-1.upstream_model is missing"),
        ("[routes.fox-1]", "[routes]\nfox-1 = 1\n[routes.fox-2]", "routes.fox-1 must be a table"),
        ('"0.035"', '"much"', "routes.dall-e-3.cost: 'much' is not an amount"),
        ('"0.035"', "0.035", "routes.dall-e-3.cost must be a text"),
        ("field_map = {", 'field_map = "n" #', "routes.dall-e-3.field_map must be a table"),
        ('"Fox Labs"', r'"Fox\u0000"', "about has characters that cannot be shown"),
        ("Fox Labs", "f" * 262_144, "it is longer than 256 KiB"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named_by_its_key(was, becomes, fault):
    with pytest.raises(BadToml) as refused:
        read("fox", FOX.replace(was, becomes, 1))

    assert refused.value.faults[0].startswith(fault)


def test_no_preset_has_the_name_of_another():
    files = [*Path(channels.__file__).parent.glob("*/presets/*.toml")]

    assert len(files) == len(SHIPPED)
    assert {kind for kind, preset, _ in services.kinds_and_presets() if preset} == {
        path.parents[1].name for path in files
    }


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_every_kind_has_a_line_and_a_preset(kind):
    assert 0 < len(kind.about) <= 100
    assert any(preset.options["kind"] == kind.name for preset in SHIPPED.values())


def own(value: Any) -> Any:
    """The value with words of an operator's in place of those in braces."""
    if isinstance(value, dict):
        return {name: own(one) for name, one in value.items()}
    return value.replace("{", "").replace("}", "") if isinstance(value, str) else value


@pytest.mark.django_db
@pytest.mark.parametrize("name", SHIPPED)
def test_its_kind_takes_it_and_each_of_its_routes_can_be_tested(name):
    sow()
    preset = SHIPPED[name]
    for model in preset.routes.keys() & services.shipped_files():
        services.import_model(services.shipped(model), actor="test")
    address = own(preset.options["base_url"])
    given: dict[str, Any] = {
        "base_url": address, "api_key": KEYS.get(preset.options["kind"], "k"),
        "settings": own(preset.options.get("settings", {})),
    }  # fmt: skip
    maps = {} if preset.routes else {"maps": {"gpt-image-2": "fox"}}

    merged = services.below(preset, ChannelOptions(**given, **maps))  # type: ignore[typeddict-item]
    channel, _ = services.set_channel(name=name, options=merged, actor="test")

    assert preset.options["kind"] in KINDS
    assert preset.costs in {"", *published_costs()}
    assert 0 < len(preset.about) <= 100
    assert services.routes_of(channel).keys() == (preset.routes.keys() or {"gpt-image-2"})
    assert trials.ready(channel).keys() == services.routes_of(channel).keys()


@pytest.mark.django_db
def test_what_is_given_goes_before_a_preset():
    sow()
    given = ChannelOptions(
        base_url="https://acme.example/v1", ignored_fields=["background"],
        settings={"credit_usd": "0.01"}, maps={"gpt-image-2": "fox-2"},
    )  # fmt: skip

    assert services.below(read("fox", FOX), given) == {
        "kind": "openai", "base_url": "https://acme.example/v1", "retry_is_free": True,
        "settings": {"max_n": "1", "credit_usd": "0.01"}, "ignored_fields": ["background"],
        "maps": {"dall-e-3": "fox-large", "gpt-image-2": "fox-2"},
        "words": {"dall-e-3": {"hd": "max"}}, "sizes_of": {"dall-e-3": ["1024x1024"]},
        "costs": {"dall-e-3": 35_000},
        "field_maps": {"dall-e-3": {"n": "", "size": {"words": {"1024x1024": {"ratio": "1:1"}}}}},
    }  # fmt: skip


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("given", "gone"),
    [({"cost": 1}, "costs"), ({"sizes": None}, "sizes_of"), ({"models": ["dall-e-2"]}, "maps")],
)
def test_what_is_given_for_all_models_stands_for_those_of_a_preset(given, gone):
    sow()

    assert gone not in services.below(read("fox", FOX), given)


def test_an_address_with_a_place_for_your_own_is_refused_with_its_form():
    with pytest.raises(ValidationError, match=r"in the form https://\{r\}\.x"):
        services.checked_base_url("https://{r}.x")
