"""`manage.py channel test`: one small real image, or one clear line with the reason."""

import json
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import pyvips  # type: ignore[import-untyped] # it ships no types
from anyio.from_thread import start_blocking_portal

from generation.catalogue import services
from generation.models import Channel, Route
from tests.fakes.fal_queue import UPLOAD, FalQueue
from tests.fakes.raw_server import RawServer, running, says
from tests.fakes.replicate_api import MODEL, ReplicateApi

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("seeded")]

NEW = ("--base-url", "https://api.example.com/v1", "--api-key", "sk-upstream-secret")


def test_a_trial_makes_one_real_image_on_each_route(manage, sandbox_url):
    manage("channel", "set", "acme", "--base-url", sandbox_url, "--api-key", "k")

    said = manage("channel", "test", "acme")

    assert said.error is None
    lines = said.out.splitlines()
    assert lines[0] == "Test 7 routes, cost unknown"
    assert lines[4].startswith("acme: gpt-image-2 in ")
    assert ", 1024x768 png, " in lines[4]


def test_a_disabled_channel_can_be_tried_in_a_size_it_takes(manage, sandbox_url):
    manage(
        "channel", "set", "acme", "--base-url", sandbox_url, "--api-key", "k", "--models",
        "dall-e-3", "--sizes", "1792x1024,1024x1792",
    )  # fmt: skip
    manage("channel", "disable", "acme", "--yes")

    said = manage("channel", "test", "acme")

    assert said.error is None
    assert "acme: dall-e-3 in " in said.out
    assert ", 1024x1792 png, " in said.out


@contextmanager
def served(shop: Callable[[str, bytes], Any], settings: Any) -> Iterator[RawServer]:
    """A vendor's server in a thread of its own."""
    picture = pyvips.Image.black(1024, 1024, bands=3).pngsave_buffer()
    with (
        start_blocking_portal() as portal,
        portal.wrap_async_context_manager(running(says(b""))) as server,
    ):
        server.script = shop(server.url, picture)
        settings.EGRESS_ALLOW = frozenset({server.host_port})
        yield server


@pytest.fixture
def fal(settings):
    with served(FalQueue, settings) as server:
        yield server


@pytest.fixture
def replicate(settings):
    with served(ReplicateApi, settings) as server:
        yield server


def test_a_route_that_only_edits_is_tried_by_an_edit_and_enabled(manage, fal):
    to = ("--kind", "fal", "--base-url", fal.url, "--api-key", "k", "--sizes", "1024x1024")
    manage("channel", "set", "fal", *to, "--map", "gpt-image-2=openai/gpt-image-2/edit")

    said = manage("channel", "test", "fal")

    assert said.error is None
    assert "fal: gpt-image-2 by an edit in " in said.out
    assert manage("channel", "enable", "fal").error is None
    [up] = [each.body for each in fal.received if f"{each.method} {each.target}".startswith(UPLOAD)]
    sent = pyvips.Image.new_from_buffer(up, "")
    assert (sent.width, sent.height, sent.bands) == (1024, 1024, 3)
    assert json.loads(fal.received[2].body)["image_urls"] == ["https://v3/i"]


def test_a_route_with_a_map_is_tried_by_the_vendors_names(manage, replicate, tmp_path):
    fields = tmp_path / "flux.toml"
    fields.write_text('fixed = { aspect_ratio = "custom" }\noutput_format = ""\n')
    to = ("--kind", "replicate", "--base-url", replicate.url, "--api-key", "k")
    sizes = ("--sizes", "1024x1024", "--map", f"gpt-image-2={MODEL}")
    manage("channel", "set", "rep", *to, *sizes, "--fields", f"gpt-image-2:{fields}")

    said = manage("channel", "test", "rep")

    assert (said.error, "rep: gpt-image-2 in " in said.out) == (None, True)
    asked = json.loads(replicate.received[0].body)["input"]
    assert (asked["width"], asked["height"], asked["aspect_ratio"]) == (1024, 1024, "custom")
    assert "output_format" not in asked


def test_a_test_says_as_json_whether_it_was_an_edit(manage, fal):
    to = ("--kind", "fal", "--base-url", fal.url, "--api-key", "k", "--sizes", "1024x1024")
    manage(
        "channel", "set", "fal", *to,
        "--map", "gpt-image-2=openai/gpt-image-2/edit", "--map", "gpt-image-1=openai/gpt-image-2",
    )  # fmt: skip

    rows = json.loads(manage("channel", "test", "fal", "--json").out)

    assert [(row["model"], row["passed"], row["is_edit"]) for row in rows] == [
        ("gpt-image-1", True, False), ("gpt-image-2", True, True),
    ]  # fmt: skip


def test_a_trial_of_a_dead_channel_says_so(manage, settings):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
        settings.EGRESS_ALLOW = frozenset({f"127.0.0.1:{port}"})
        base_url = f"http://127.0.0.1:{port}/v1"
        manage("channel", "set", "acme", "--base-url", base_url, "--api-key", "k")

        said = manage("channel", "test", "acme")

    assert (said.error or "").startswith("acme: 7 of 7 have not passed: dall-e-2: not_reached: ")
    assert "acme: gpt-image-2: not_reached: " in said.out


def test_a_trial_of_a_forbidden_address_says_so(manage, settings):
    settings.EGRESS_ALLOW = frozenset()
    manage("channel", "set", "acme", "--base-url", "http://127.0.0.1:9/v1", "--api-key", "k")

    said = manage("channel", "test", "acme")

    assert "EgressRefused" in (said.error or "")


@pytest.mark.parametrize("change", ["its route goes", "its key goes"])
def test_paid_trials_are_reported_when_the_rest_is_changed_meanwhile(
    manage, sandbox_url, monkeypatch, change
):
    models = ("--models", "dall-e-3,gpt-image-2")
    manage("channel", "set", "acme", "--base-url", sandbox_url, "--api-key", "k", *models)
    passed_test = services.passed_test

    def changed_after(**said: Any) -> bool:
        has_passed = passed_test(**said)
        if change == "its key goes":
            Channel.objects.update(credentials="")
        else:
            Route.objects.filter(contract_id="gpt-image-2").delete()
        return has_passed

    monkeypatch.setattr(services, "passed_test", changed_after)

    said = manage("channel", "test", "acme", "--json")

    assert [(row["model"], row["passed"]) for row in json.loads(said.out)] == [
        ("dall-e-3", True), ("gpt-image-2", False),
    ]  # fmt: skip
    assert said.err == "Test 2 routes, cost unknown\n"
    assert said.error == (
        "acme: 1 of 2 have not passed: gpt-image-2: not_reached: it was changed before its test"
        " began"
    )


def test_a_channel_without_models_cannot_be_tried(manage):
    manage("channel", "set", "acme", *NEW)
    Route.objects.all().delete()

    assert manage("channel", "test", "acme").error == "the channel acme serves no model"


def test_a_key_from_another_installation_is_one_clear_line(manage):
    manage("channel", "set", "acme", *NEW)
    Channel.objects.update(credentials="gAAAAA-from-elsewhere")

    assert "PICTOR_ENCRYPTION_KEYS" in (manage("channel", "test", "acme").error or "")
