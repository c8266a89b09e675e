import pytest

from generation.admission.fields import PASSED_ON
from generation.channels.base import ChannelConfig
from generation.channels.declaration import Abilities, Needs, Task
from generation.channels.engine import WireAdapter
from generation.channels.registry import KINDS, abilities_of, kind_of, open_adapter
from pictor.kit.outbound.http import HttpPool
from tests.generation.channels.conftest import config_for


def test_an_unknown_kind_of_channel_is_an_error_that_names_the_kinds(spools):
    config = ChannelConfig(id="1", name="x", kind="smoke", base_url="", api_key="")

    with pytest.raises(ValueError, match="no channel kind 'smoke'; there are only: openai"):
        open_adapter(config, HttpPool(), spools)


def test_an_unknown_kind_of_channel_can_do_nothing():
    assert abilities_of("smoke", "gpt-image-2") == Abilities()


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_every_kind_declares_something_that_exists(kind):
    assert kind.abilities.fields <= {*PASSED_ON, "quality"}
    assert Task.GENERATE in kind.abilities.tasks


def test_the_openai_kind_passes_everything_on():
    abilities = kind_of("openai").abilities

    assert abilities.streams
    assert abilities.fields == {
        "style", "background", "watermark", "image", "mask", "markup", "moderation",
        "input_fidelity", "user", "safety_identifier", "complexity", "quality",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("upstream_model", "tasks", "max_images"),
    [
        ("gpt-image-2", {"generate", "edit"}, 16),
        ("gpt-image-1.5", {"generate", "edit"}, 16),
        ("dall-e-2", {"generate", "edit"}, 1),
        ("dall-e-3", {"generate"}, 16),
    ],
)
def test_openais_models_differ_in_what_they_do(upstream_model, tasks, max_images):
    abilities = abilities_of("openai", upstream_model)

    assert (abilities.tasks, abilities.max_images) == (tasks, max_images)


@pytest.mark.parametrize(
    ("name", "model", "lack"),
    [
        ("gemini", "gemini-nano-banana-2.1", "takes a mask"),
        ("vertex", "gemini-nano-banana-2.1", "takes a mask"),
        ("fal", "fal-ai/flux-2/edit", "takes a mask"),
        ("ark", "seedream-5-5-261028", "takes a mask"),
        ("openrouter", "openai/gpt-image-2", "takes a mask"),
        ("xai", "grok-imagine-image-2.0", "takes a mask"),
        ("bfl", "flux-2-pro", "takes a mask"),
        ("bfl", "flux-3-image", "takes a mask"),
        ("replicate", "black-forest-labs/flux-2-pro", "edits images"),
        ("azure_openai", "gpt-image-2", None),
        ("openai", "gpt-image-2", None),
        ("comfyui", "any", "edits images"),
    ],
)
def test_a_mask_goes_only_to_kinds_that_take_one(name, model, lack):
    missing = abilities_of(name, model).lack(Needs(Task.EDIT, 1, overlay="mask"))

    assert (missing and missing.what) == lack


@pytest.mark.parametrize("name", sorted({*KINDS} - {"openai", "azure_openai"}))
def test_an_order_is_for_as_many_pictures_as_its_kind_makes(spools, name):
    config = config_for("https://a.example", kind=name, settings={"project": "p", "location": "l"})
    adapter = open_adapter(config, HttpPool(), spools)

    assert isinstance(adapter, WireAdapter)
    assert adapter.max_n == KINDS[name].abilities.max_n


@pytest.mark.parametrize(
    ("kind", "base_url", "url", "expected"),
    [
        ("fal", "https://queue.fal.run", "https://queue.fal.run/x", True),
        ("fal", "https://queue.fal.run", "https://rest.fal.ai/x", True),
        ("fal", "https://queue.fal.run", "https://v3b.fal.media/x", False),
        ("fal", "https://queue.fal.run", "https://fal.ai/x", False),
        ("fal", "https://queue.fal.run", "https://queue.fal.run.example/x", False),
        ("bfl", "https://api.bfl.ai", "https://gateway.bfl.ai/x", True),
        ("bfl", "https://api.bfl.ai", "https://api.eu2.bfl.ai/x", True),
        ("bfl", "https://api.bfl.ai", "https://notbfl.ai/x", False),
        ("bfl", "https://api.bfl.ai", "https://api.bfl.ai.example/x", False),
        ("replicate", "https://api.replicate.com", "https://api.replicate.com/v1/p", True),
        ("replicate", "https://api.replicate.com", "https://replicate.delivery/a.png", False),
    ],
)
def test_the_key_is_for_the_vendors_own_hosts(spools, kind, base_url, url, expected):
    adapter = open_adapter(config_for(base_url, kind=kind), HttpPool(), spools)

    assert isinstance(adapter, WireAdapter)
    assert adapter.may_have_key(url) is expected
