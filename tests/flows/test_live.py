"""`make live`: what it connects, and that it asks a vendor for one small picture."""

import pytest

from generation.channels.registry import KINDS
from tests import live
from tests.fakes.recorder import recording
from tests.stack.servers import Stack


def test_one_small_picture_is_bought_by_the_operators_own_test(stack: Stack) -> None:
    with recording(stack.upstream_ports[1]) as vendor:
        connect = live.options("openai", {"PICTOR_LIVE_URL": vendor.base_url})
        said = live.buy(stack, connect, "sk-of-ours")

    assert "live: gpt-image-2 in " in said
    assert "1024x768 png" in said
    assert vendor.only.headers["Authorization"] == "Bearer sk-of-ours"
    assert vendor.only.body == {
        "model": "gpt-image-2",
        "prompt": "A red fox in the snow",
        "n": 1,
        "size": "1024x768",
        "quality": "low",
    }


def test_a_picture_that_does_not_come_is_told(stack: Stack) -> None:
    connect = live.options("openai", {"PICTOR_LIVE_URL": "http://127.0.0.1:1/v1"})

    with pytest.raises(RuntimeError, match="not_reached"):
        live.buy(stack, connect, "sk-of-ours")


def test_each_kind_has_a_vendor() -> None:
    assert live.VENDORS.keys() == set(KINDS) - {"comfyui"}  # nobody sells that


def test_what_is_given_replaces_the_vendors_own() -> None:
    given = {"PICTOR_LIVE_MODEL": "m-1", "PICTOR_LIVE_SETTINGS": "project=p,location=l"}

    assert live.options("vertex", given) == [
        "--kind",
        "vertex",
        "--base-url",
        "https://aiplatform.googleapis.com",
        "--models",
        "gpt-image-2",
        "--map",
        "gpt-image-2=m-1",
        "--setting",
        "project=p,location=l",
    ]


@pytest.mark.parametrize(
    ("kind", "lack"),
    [
        ("azure_openai", "azure_openai needs PICTOR_LIVE_URL"),
        ("vertex", "vertex needs PICTOR_LIVE_SETTINGS"),
        ("", "KIND is one of ark, azure_openai, bfl, fal, gemini, openai, openrouter, replicate"),
    ],
)
def test_what_is_missing_is_named(kind: str, lack: str) -> None:
    with pytest.raises(ValueError, match=lack):
        live.options(kind, {})


@pytest.mark.parametrize("given", [{"CI": "true", "PICTOR_LIVE_KEY": "k"}, {}])
def test_nothing_is_bought_in_ci_or_without_a_key(
    given: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "start_stack", None)

    assert live.main(["gemini"], given) == 2
