"""Settings of a channel: refused values, and the event that each change leaves."""

from dataclasses import replace

import pytest
from django.core.exceptions import ValidationError

from accounts.models import AuditEvent
from generation.catalogue import services
from generation.catalogue.credentials import decrypted
from generation.catalogue.services import (
    ChannelOptions,
    RouteTerms,
    channel_checks,
    checked_base_url,
)
from generation.channels import registry
from generation.models import Channel
from pictor.kit.words.money import Micros

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("seeded")]

D3 = RouteTerms(model="dall-e-3", upstream_model="dall-e-3")


@pytest.fixture
def channel() -> Channel:
    """A channel that serves dall-e-3."""
    options = ChannelOptions(
        base_url="https://api.example.com/v1", api_key="sk-upstream-secret", routes=[D3]
    )
    made, _ = services.set_channel(name="vendor", options=options, actor="test")
    services.set_enabled(channel=made, is_enabled=True, actor="test", untested=True)
    return made


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"base_url": "https://me:pw@host/"}, "user name or password"),
        ({"base_url": "ftp://host/"}, "must begin with"),
        ({"api_key": "two words"}, "has characters that no key has"),
        ({"kind": "unheard-of"}, "there are only: openai"),
        ({"sizes": ["big"]}, "neither WIDTHxHEIGHT nor auto"),
        ({"refused_tasks": ["generate"]}, "no task that a channel can refuse: generate; available"),
        ({"max_images": 17}, "the number of images must be from 1 to 16"),
        ({"ignored_fields": ["style", "stile"]}, "no field that a channel can ignore: stile"),
        ({"weight": 0}, "the weight must be from 1 to"),
        ({"priority": -9}, "the priority must be from 0 to"),
        ({"timeout_seconds": 0}, "the timeout must be from 1 to"),
        ({"max_concurrency": 0}, "the number of calls at once must be from 1 to"),
        ({"class_overrides": {"429": "maybe"}}, "is not an HTTP status and a class"),
        ({"class_overrides": {"500": "delivered"}}, "is not an HTTP status and a class"),
        ({"class_overrides": {"many": "unknown"}}, "is not an HTTP status and a class"),
        ({"class_overrides": {"9" * 5000: "unknown"}}, "is not an HTTP status and a class"),
        ({"class_overrides": ["429"]}, "must be a JSON object of strings"),
        ({"routes": [replace(D3, sizes=["0x1"])]}, "neither WIDTHxHEIGHT nor auto"),
        (
            {"routes": [replace(D3, quality_map={"high": 1})]},  # type: ignore[dict-item]  # typed
            "must be a JSON object of strings",
        ),
        (
            {"routes": [replace(D3, cost_micros=Micros(30_000_000))]},
            "30.000000 USD, above the price, at most 0.120000",
        ),
    ],
)
def test_a_value_that_no_process_could_load_is_refused(channel, options, message):
    before = services.describe(channel)

    with pytest.raises(ValidationError, match=message):
        services.set_channel(name="vendor", options=options, actor="test")

    channel.refresh_from_db()
    assert services.describe(channel) == before


def test_the_first_key_is_needed():
    options = ChannelOptions(base_url="https://new.example.com/", routes=[D3])

    with pytest.raises(ValidationError, match="a new one needs --base-url and --api-key"):
        services.set_channel(name="new", options=options, actor="test")

    assert Channel.objects.count() == 0


def test_a_base_url_is_kept_without_its_final_slash(channel):
    made, _ = services.set_channel(
        name="new",
        options=ChannelOptions(base_url="https://new.example.com/", api_key="k-1", routes=[D3]),
        actor="test",
    )

    assert (made.base_url, made.is_enabled) == ("https://new.example.com", False)
    assert decrypted(made.credentials) == "k-1"
    event = AuditEvent.objects.filter(action="channel.set").latest("id")
    assert (event.object_id, event.before) == ("new", None)
    assert (event.after or {})["api_key"] == "changed"
    assert "credentials" not in (event.after or {})


def test_nothing_changed_leaves_no_event(channel):
    known = AuditEvent.objects.count()

    services.set_channel(name="vendor", options=ChannelOptions(priority=10), actor="test")

    assert AuditEvent.objects.count() == known


def test_a_channel_keeps_its_rows_under_another_name(channel):
    services.set_channel(
        name="seller", channel_id=channel.pk, options=ChannelOptions(), actor="test"
    )

    after = Channel.objects.get()
    assert (after.pk, after.name, after.routes.count()) == (channel.pk, "seller", 1)
    event = AuditEvent.objects.latest("id")
    assert ((event.before or {})["name"], (event.after or {})["name"]) == ("vendor", "seller")


def test_routes_are_added_and_removed_in_one_event(channel):
    known = AuditEvent.objects.latest("id").pk
    options = ChannelOptions(routes=[RouteTerms(model="dall-e-2", upstream_model="d2")])

    services.set_channel(name="vendor", options=options, actor="test", may_stop=True)

    assert list(channel.routes.values_list("contract_id")) == [("dall-e-2",)]
    event = AuditEvent.objects.get(id__gt=known)
    assert ((event.before or {})["models"], (event.after or {})["models"]) == (
        ["dall-e-3"],
        ["dall-e-2"],
    )


def test_another_kind_needs_its_own_key(channel, monkeypatch):
    kinds = {**registry.KINDS, "other": replace(registry.KINDS["openai"], name="other")}
    for module in (registry, channel_checks):
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
    monkeypatch.setattr(channel_checks, "KINDS", {**registry.KINDS, "many": many})

    changed, _ = services.set_channel(name="vendor", options={"max_images": 32}, actor="test")

    assert changed.max_images == 32
    with pytest.raises(ValidationError, match="the number of images must be from 1 to 32"):
        services.set_channel(name="vendor", options={"max_images": 33}, actor="test")


@pytest.mark.parametrize(
    "typed",
    [
        "https://api.example.com/v1/images/generations",
        "https://api.example.com/v1/images/edits/",
        "https://api.example.com/v1//images/generations",
        "https://api.example.com/v1/models",
        "https://api.example.com/v1/chat/completions",
        "https://api.example.com/v1/completions",
        "https://api.example.com/v1/responses/",
        " https://api.example.com/v1/ ",
    ],
)
def test_an_address_typed_whole_is_cut_to_its_base(typed):
    assert checked_base_url(typed) == "https://api.example.com/v1"


def test_only_the_end_of_an_address_is_cut():
    typed = "https://api.example.com/models/v1"

    assert checked_base_url(typed) == typed
