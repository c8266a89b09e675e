"""Settings of an account, which its kind of channel declares."""

import json
from io import StringIO

import pytest

from generation.catalogue.credentials import decrypted
from generation.catalogue.services.approval import digest_of
from generation.catalogue.services.options import RouteTerms
from generation.catalogue.snapshot import current_catalogue
from generation.models import Channel, PendingRevision, Route

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("seeded")]

ACCOUNT = '{\n  "client_email": "fox@acme.example",\n  "private_key": "-----BEGIN…"\n}'
GOOGLE = "https://aiplatform.googleapis.com"
NEW = ("--kind", "vertex", "--base-url", GOOGLE, "--api-key", "-", "--models", "gpt-image-2")
PLACE = ("--setting", "project=acme-1", "--setting", "location=global")
SETTINGS = {"project": "acme-1", "location": "global"}


@pytest.fixture
def vertex(manage, monkeypatch):
    """A channel at Vertex AI that serves, untested."""
    monkeypatch.setattr("sys.stdin", StringIO(ACCOUNT + "\n"))
    said = manage("channel", "set", "google", *NEW, *PLACE)
    assert said.error is None
    Route.objects.update(is_approved=True)
    Channel.objects.update(is_enabled=True)
    return "google"


def test_a_credential_of_many_lines_and_settings_are_kept(manage, vertex):
    channel = Channel.objects.get()

    assert decrypted(channel.credentials) == ACCOUNT
    assert channel.settings == SETTINGS
    assert json.loads(manage("channel", "list", "--json").out)[0]["settings"] == SETTINGS


def test_calls_are_made_with_the_settings(vertex):
    [route] = current_catalogue().routes["gpt-image-2"]

    assert route.config(60).settings == SETTINGS


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ((), "a channel of kind vertex has project, location"),
        (("--setting", "project=acme-1"), "a channel of kind vertex has project, location"),
        ((*PLACE, "--setting", "zone=a"), "a channel of kind vertex has project, location"),
        (("--setting", "project=acme-1,location=a/b"), "'a/b' is no location"),
    ],
)
def test_settings_are_those_of_the_kind(manage, monkeypatch, settings, words):
    monkeypatch.setattr("sys.stdin", StringIO(ACCOUNT))

    said = manage("channel", "set", "google", *NEW, *settings)

    assert words in (said.error or "")
    assert not Channel.objects.exists()


def test_a_kind_without_settings_has_none(manage):
    new = ("--kind", "gemini", "--base-url", "https://api.example.com/v1", "--api-key", "k")

    said = manage("channel", "set", "acme", *new, "--setting", "project=a")

    assert "a channel of kind gemini has no settings" in (said.error or "")


def test_a_credential_that_is_no_service_account_is_refused(manage, monkeypatch):
    monkeypatch.setattr("sys.stdin", StringIO("sk-1\n"))

    said = manage("channel", "set", "google", *NEW, *PLACE)

    assert "the key is no JSON of a service account" in (said.error or "")


def test_a_new_setting_waits_for_its_test_while_the_old_one_serves(manage, vertex):
    said = manage(
        "channel", "set", vertex, "--setting", "project=acme-2", "--setting", "location=global"
    )
    untested = manage("channel", "swap", vertex)

    assert "its pending revision waits" in said.out
    assert "has not passed a test of gpt-image-2" in (untested.error or "")
    assert Channel.objects.get().settings == SETTINGS
    assert PendingRevision.objects.get().settings == {"project": "acme-2", "location": "global"}


def test_a_swap_puts_the_settings_in_place(manage, vertex):
    manage("channel", "set", vertex, "--setting", "project=acme-2,location=global")

    said = manage("channel", "swap", vertex, "--untested")

    assert said.error is None
    assert Channel.objects.get().settings == {"project": "acme-2", "location": "global"}


def test_a_disabled_channels_route_is_tested_again_after_a_change(manage, vertex):
    Channel.objects.update(is_enabled=False)

    manage("channel", "set", vertex, "--setting", "project=acme-2,location=global")

    assert not Route.objects.get().is_approved


def test_another_kind_forgets_the_settings(manage, vertex):
    Channel.objects.update(is_enabled=False)

    said = manage("channel", "set", vertex, "--kind", "gemini", "--api-key", "k")

    assert said.error is None
    assert Channel.objects.get().settings is None


def test_a_channel_without_settings_keeps_the_digests_of_the_previous_release():
    channel = Channel(kind="openai", base_url="https://a.example/v1", credentials="c")
    terms = RouteTerms(model="m", upstream_model="m")

    assert digest_of(channel, terms, proves=False) == (
        "8e41fd40590d1d4cbc31dc4d20eed9f4c7c101c6ee0b3c6af19c2d47575f133d"
    )
