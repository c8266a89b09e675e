"""Connecting an upstream by a preset, which fills in the form."""

import pytest

from generation.models import Channel
from tests.console.answers import said_by
from tests.console.ops.channel_pages import FORM, NEW, trouble

pytestmark = pytest.mark.usefixtures("sown")


def test_kinds_and_presets_are_offered_with_a_line_each(owner):
    said = said_by(owner.get(NEW))

    assert "OpenAI's models as deployments on Azure" in said
    assert "A vLLM-Omni server of yours that makes images" in said


def test_a_preset_fills_in_the_form_and_writes_nothing_before_it_is_saved(owner):
    page = owner.get(NEW, {"preset": "azure"})
    form = page.context["form"]
    (row,) = [row for row in page.context["rows"] if row["is_served"].value()]

    assert {name: form[name].value() for name in ("name", "kind", "base_url", "settings")} == {
        "name": "azure",
        "kind": "azure_openai",
        "base_url": "https://{resource}.openai.azure.com",
        "settings": "api_version=preview",
    }
    assert not form["api_key"].value()
    assert (row.model, row["upstream_model"].value()) == ("gpt-image-2", "gpt-image-2")
    assert "2560x1440" in row["sizes"].value()
    assert "The preset azure has filled in the form" in said_by(page)
    assert not Channel.objects.exists()

    typed = {**FORM, "base_url": form["base_url"].value(), "kind": "azure_openai",
             "settings": "api_version=preview"}  # fmt: skip
    refused = owner.post(f"{NEW}?preset=azure", typed)
    saved = owner.post(f"{NEW}?preset=azure", {**typed, "base_url": "https://a.openai.azure.com"})

    assert trouble(refused) == {
        "base_url": ["give your own address, in the form https://{resource}.openai.azure.com"]
    }
    assert saved.status_code == 303
    assert Channel.objects.get().settings == {"api_version": "preview"}


def test_a_preset_names_the_models_that_are_not_here(owner):
    assert "Import these first for routes to them: nano-banana-2.1, nano-banana-pro" in said_by(
        owner.get(NEW, {"preset": "gemini"})
    )


def test_an_unknown_preset_fills_in_nothing(owner):
    page = owner.get(NEW, {"preset": "azur"})

    assert not page.context["form"]["base_url"].value()
