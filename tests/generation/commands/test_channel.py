"""`manage.py channel`."""

import json
from io import StringIO

import pytest

from accounts.models import AuditEvent
from accounts.selectors import config_revision
from generation.catalogue.credentials import decrypted
from generation.catalogue.snapshot import current_catalogue
from generation.management.commands.channel import CALLS
from generation.models import Attempt, Channel, Route

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("seeded")]

NEW = ("--base-url", "https://api.example.com/v1", "--api-key", "sk-upstream-secret")


def test_a_new_channel_serves_every_model_in_every_size(manage):
    said = manage("channel", "set", "acme", *NEW)

    channel = Channel.objects.get(name="acme")
    assert (said.out, said.err, said.error) == ("acme is created, disabled\n", "", None)
    assert (channel.kind, channel.base_url) == ("openai", "https://api.example.com/v1")
    assert (channel.priority, channel.weight, channel.timeout_seconds) == (10, 1, 240)
    assert (channel.sizes, channel.is_enabled) == (None, False)
    assert channel.credentials != "sk-upstream-secret"
    assert decrypted(channel.credentials) == "sk-upstream-secret"
    assert channel.routes.count() == 7
    assert all(route.upstream_model == route.contract_id for route in Route.objects.all())


def test_every_option_of_a_new_channel_is_kept(manage):
    manage(
        "channel", "set", "acme", *NEW, "--models", "gpt-image-2,dall-e-3", "--sizes",
        "1024x1024,1536x1024,auto", "--priority", "3", "--weight", "5", "--timeout", "90",
        "--kind", "openai", "--map", "gpt-image-2=gpt-image-2.6-flare", "--cost", "0.0125",
        "--ignore", "style,stream", "--refuse", "variation", "--max-images", "4",
        "--serves", "both",
    )  # fmt: skip

    (listed,) = json.loads(manage("channel", "list", "--json").out)
    assert listed == {
        "name": "acme",
        "kind": "openai",
        "base_url": "https://api.example.com/v1",
        "settings": {},
        "enabled": False,
        "serves": "both",
        "priority": 3,
        "weight": 5,
        "timeout": 90,
        "queue_seconds": 60,
        "max_concurrency": None,
        "models": ["dall-e-3", "gpt-image-2"],
        "maps": {"gpt-image-2": "gpt-image-2.6-flare"},
        "cost": {"dall-e-3": "0.012500", "gpt-image-2": "0.012500"},
        "sizes": ["1024x1024", "1536x1024", "auto"],
        "model_sizes": {},
        "quality_maps": {},
        "field_maps": {},
        "ignored_fields": ["style", "stream"],
        "refused_tasks": ["variation"],
        "max_images": 4,
        "allows_exact_crop": False,
        "allows_redispatch": True,
        "retry_is_free": False,
        "keeps_credentials": True,
        "class_overrides": {},
    }


def test_an_update_changes_only_what_is_given(manage):
    manage("channel", "set", "acme", *NEW, "--models", "dall-e-3", "--sizes", "1024x1024")
    Route.objects.update(upstream_model="d3")

    said = manage("channel", "set", "acme", "--priority", "50")

    channel = Channel.objects.get()
    assert said.out == "acme is updated, disabled\n"
    assert (channel.priority, channel.sizes) == (50, ["1024x1024"])
    assert decrypted(channel.credentials) == "sk-upstream-secret"
    assert channel.reset_count == 0
    assert list(channel.routes.values_list("contract_id", "upstream_model")) == [("dall-e-3", "d3")]


def test_other_models_replace_the_routes_and_keep_those_that_stay(manage):
    manage("channel", "set", "acme", *NEW, "--models", "dall-e-3,dall-e-2")
    Route.objects.filter(contract_id="dall-e-3").update(upstream_model="d3")

    manage("channel", "set", "acme", "--models", "dall-e-3,gpt-image-1")

    routes = dict(Route.objects.values_list("contract_id", "upstream_model"))
    assert routes == {"dall-e-3": "d3", "gpt-image-1": "gpt-image-1"}


def test_models_are_mapped_one_by_one_or_together(manage):
    manage("channel", "set", "acme", *NEW, "--map", "dall-e-3=d3, dall-e-2 = d2")
    (new,) = json.loads(manage("channel", "list", "--json").out)

    manage("channel", "set", "acme", "--map", "dall-e-3=d3-new", "--map", "gpt-image-1=g1")

    (listed,) = json.loads(manage("channel", "list", "--json").out)
    assert listed["maps"] == {"dall-e-2": "d2", "dall-e-3": "d3-new", "gpt-image-1": "g1"}
    assert (new["models"], len(listed["models"])) == (["dall-e-2", "dall-e-3"], 3)
    assert Channel.objects.get().reset_count == 0


def test_the_cost_is_that_of_every_model_it_serves_then(manage):
    manage("channel", "set", "acme", *NEW, "--models", "dall-e-2", "--cost", "0.000001")

    manage("channel", "set", "acme", "--models", "dall-e-2,dall-e-3")
    kept = dict(Route.objects.values_list("contract_id", "cost_micros"))
    manage("channel", "set", "acme", "--cost", "0")

    assert kept == {"dall-e-2": 1, "dall-e-3": None}
    assert set(Route.objects.values_list("cost_micros", flat=True)) == {0}


def test_ignored_fields_can_be_taken_back(manage):
    manage("channel", "set", "acme", *NEW, "--ignore", "style,partial_images")
    said = Channel.objects.get().ignored_fields

    manage("channel", "set", "acme", "--ignore", "none")

    assert (said, Channel.objects.get().ignored_fields) == (["style", "partial_images"], [])


def test_a_mapping_and_a_cost_are_in_the_next_snapshot(manage):
    manage("channel", "set", "acme", *NEW, "--map", "dall-e-3=d3", "--cost", "0.02")
    manage("channel", "enable", "acme", "--untested")

    (route,) = current_catalogue().routes["dall-e-3"]

    assert (route.upstream_model, route.costs.flat) == ("d3", 20_000)


def test_the_word_all_widens_models_and_sizes_again(manage):
    manage("channel", "set", "acme", *NEW, "--models", "dall-e-3", "--sizes", "1024x1024")

    manage("channel", "set", "acme", "--models", "all", "--sizes", "all")

    channel = Channel.objects.get()
    assert (channel.routes.count(), channel.sizes) == (7, None)


def test_a_new_address_or_key_forgets_the_old_ones_failures(manage):
    manage("channel", "set", "acme", *NEW)

    manage("channel", "set", "acme", "--api-key", "another")
    manage("channel", "set", "acme", "--base-url", "https://api.example.com/v2/")

    channel = Channel.objects.get()
    assert (channel.reset_count, channel.base_url) == (2, "https://api.example.com/v2")


@pytest.mark.parametrize(
    "base_url",
    [
        "https://other.example.com/v1",
        "http://api.example.com/v1",
        "https://api.example.com:8443/v1",
    ],
)
def test_a_key_is_never_sent_to_another_origin_than_it_was_given_for(manage, base_url):
    manage("channel", "set", "acme", *NEW)
    manage("channel", "enable", "acme", "--untested")

    refused = manage("channel", "set", "acme", "--base-url", base_url)
    kept = Channel.objects.get().base_url
    moved = manage("channel", "set", "acme", "--base-url", base_url, "--api-key", "its-own")
    waits = manage("channel", "swap", "acme", "--untested")

    channel = Channel.objects.get()
    assert "another origin needs its own API key" in (refused.error or "")
    assert kept == "https://api.example.com/v1"
    assert moved.out == (
        "acme is updated\n"
        "its pending revision waits: test it by `channel test acme --pending`, and put it in place"
        " by `channel swap acme`\n"
    )
    assert waits.out == "acme is swapped\n"
    assert (channel.base_url, channel.is_enabled) == (base_url, True)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("acme", "--priority", "1"), "a new one needs --base-url and --api-key"),
        (
            ("acme", *NEW, "--models", "gpt-9"),
            "no such model: gpt-9; available: dall-e-2, dall-e-3",
        ),
        (("acme", *NEW, "--models", ","), "a list of names"),
        (("acme", *NEW, "--kind", "smoke"), "no channel kind 'smoke'; there are only: openai"),
        (("acme", *NEW, "--map", "gpt-9=x"), "no such model: gpt-9; available: dall-e-2, dall-e-3"),
        (
            ("acme", *NEW, "--models", "dall-e-2", "--map", "dall-e-3=d3"),
            "the channel does not serve dall-e-3",
        ),
        (("acme", *NEW, "--map", "dall-e-3"), "--map takes OURS=THEIRS"),
        (("acme", *NEW, "--map", "dall-e-3="), "--map takes OURS=THEIRS"),
        (("acme", *NEW, "--map", "=d3"), "--map takes OURS=THEIRS"),
        (("acme", *NEW, "--map", "dall-e-3=a", "--map", "dall-e-3=b"), "names dall-e-3 twice"),
        (("acme", *NEW, "--map", f"dall-e-3={'d' * 129}"), "must have 1 to 128 characters"),
        (("acme", *NEW, "--cost", "-1"), "'-1' is below 0"),
        (("acme", *NEW, "--cost", "0.0000001"), "at most 6 decimals"),
        (("acme", *NEW, "--cost", "cheap"), "'cheap' is not an amount"),
        (
            ("acme", *NEW, "--ignore", "stile"),
            "no field that a channel can ignore: stile; available",
        ),
        (("acme", *NEW, "--sizes", "big"), "'big' is neither WIDTHxHEIGHT nor auto"),
        (("acme", *NEW, "--sizes", "0x10"), "'0x10' is neither"),
        (("acme", *NEW, "--priority", "high"), "--priority: 'high' is not a whole number from 0"),
        (("acme", *NEW, "--priority", "-9"), "--priority: '-9' is not a whole number from 0"),
        (("acme", *NEW, "--weight", "0"), "the weight must be from 1 to"),
        (("acme", *NEW, "--timeout", "0"), "the timeout must be from 1 to"),
        (("acme", *NEW, "--queue-seconds", "0"), "the time in a vendor's queue must be from 1 to"),
        (("acme", *NEW, "--timeout", "2147483648"), "'2147483648' is not a whole number"),
        (("acme", *NEW, "--api-key", "two words"), "the API key is empty or has characters"),
        (("acme", *NEW, "--api-key", ""), "the API key is empty"),
        (("acme", *NEW, "--base-url", "api.example.com"), "must begin with http:// or https://"),
        (("acme", *NEW, "--base-url", "ftp://x"), "must begin with http:// or https://"),
        (("acme", *NEW, "--base-url", "https://"), "name a host"),
        (("acme", *NEW, "--base-url", "https://me:pw@host"), "user name or password"),
        (("acme", *NEW, "--base-url", "https://host/v1?key=1"), "query or fragment"),
        (("acme", *NEW, "--base-url", "https://host/v1#there"), "query or fragment"),
        (("acme", *NEW, "--base-url", "https://host:99999/"), "impossible port"),
        (("acme", *NEW, "--base-url", "https://host:port/"), "cannot be read"),
        (("n" * 65, *NEW), "at most 64 characters"),
    ],
)
def test_a_mistake_is_one_clear_line_and_changes_nothing(manage, words, message):
    said = manage("channel", "set", *words)

    assert message in (said.error or "")
    assert "\n" not in (said.error or "")
    assert "sk-upstream-secret" not in (said.error or "")
    assert Channel.objects.count() == 0


def test_the_key_can_be_read_from_standard_input(manage, monkeypatch):
    monkeypatch.setattr("sys.stdin", StringIO("sk-upstream-secret\n"))

    manage("channel", "set", "acme", "--base-url", "https://api.example.com/v1", "--api-key", "-")

    assert decrypted(Channel.objects.get().credentials) == "sk-upstream-secret"


@pytest.mark.parametrize(
    ("base_url", "begins"),
    [
        ("http://127.0.0.1:9000/v1", "warning: 127.0.0.1:9000 is plain http"),
        ("http://vendor.example.com", "warning: vendor.example.com:80 is plain http"),
        ("https://10.0.0.8/v1", "warning: 10.0.0.8:443 is a private address"),
        ("https://[::1]:8443/v1", "warning: [::1]:8443 is a private address"),
        ("https://localhost/v1", "warning: localhost:443 is a private address"),
    ],
)
def test_an_address_that_is_not_allowed_is_set_with_a_warning(manage, base_url, begins):
    said = manage("channel", "set", "acme", *NEW, "--base-url", base_url)

    assert said.err.startswith(begins)
    assert (said.out, said.error) == ("acme is created, disabled\n", None)


def test_an_allowed_private_address_needs_no_warning(manage, settings):
    settings.EGRESS_ALLOW = frozenset({"127.0.0.1:9000"})

    said = manage("channel", "set", "acme", *NEW, "--base-url", "http://127.0.0.1:9000/v1")

    assert said.err == ""


def test_every_change_is_in_the_next_snapshot(manage):
    manage("channel", "set", "acme", *NEW)
    manage("channel", "enable", "acme", "--untested")
    before = current_catalogue()

    manage("channel", "disable", "acme", "--yes")
    disabled = current_catalogue()
    manage("channel", "enable", "acme")
    enabled = current_catalogue()
    manage("channel", "reset", "acme")
    reset = current_catalogue()

    assert len({c.revision for c in (before, disabled, enabled, reset)}) == 4
    assert [len(c.routes) for c in (before, disabled, enabled)] == [7, 0, 7]
    assert reset.routes["dall-e-3"][0].reset_count == 1


def test_switching_twice_changes_and_records_nothing(manage):
    manage("channel", "set", "acme", *NEW)
    manage("channel", "enable", "acme", "--untested")
    manage("channel", "disable", "acme", "--yes")
    events = AuditEvent.objects.count()

    said = manage("channel", "disable", "acme", "--yes")

    assert (said.out, said.error) == ("acme is disabled\n", None)
    assert AuditEvent.objects.count() == events


def test_a_change_that_leaves_a_model_without_a_channel_is_warned_of(manage):
    manage("channel", "set", "acme", *NEW, "--models", "dall-e-3,gpt-image-2")
    manage("channel", "set", "reserve", *NEW, "--models", "gpt-image-2")
    enabled = [manage("channel", "enable", name, "--untested") for name in ("acme", "reserve")]

    said = manage("channel", "disable", "acme", "--yes")
    narrowed = manage("channel", "set", "reserve", "--models", "dall-e-2", "--yes")

    assert [each.err for each in enabled] == ["", ""]
    assert said.err == "warning: no enabled channel now serves dall-e-3\n"
    assert narrowed.err == "warning: no enabled channel now serves gpt-image-2\n"


@pytest.mark.parametrize("action", ["enable", "disable", "reset", "test"])
def test_an_unknown_channel_is_one_clear_line(manage, action):
    revision = config_revision()

    said = manage("channel", action, "nobody")

    assert said.error == "no channel named 'nobody'"
    assert config_revision() == revision


def test_changes_are_audited_without_the_key(manage):
    manage("channel", "set", "acme", *NEW)
    manage("channel", "set", "acme", "--priority", "3", "--api-key", "another-secret")
    manage("channel", "enable", "acme", "--untested")
    manage("channel", "disable", "acme", "--yes")
    manage("channel", "reset", "acme")

    events = list(AuditEvent.objects.filter(object_type="channel").order_by("id"))
    assert [event.action for event in events] == [
        "channel.set", "channel.set", "channel.enable", "channel.disable", "channel.reset",
    ]  # fmt: skip
    assert {event.actor_name.partition(" (")[0] for event in events} == {"manage.py"}
    changed = events[1]
    assert ((changed.before or {})["priority"], (changed.after or {})["priority"]) == (10, 3)
    assert (changed.after or {})["api_key"] == "changed"
    everything = str([(event.before, event.after) for event in events])
    assert "secret" not in everything
    assert Channel.objects.get().credentials not in everything


def test_the_list_is_a_table_for_people(manage):
    manage(
        "channel", "set", "later", *NEW, "--priority", "20", "--models", "dall-e-3", "--map",
        "dall-e-3=d3",
    )  # fmt: skip
    manage(
        "channel", "set", "first", *NEW, "--models", "dall-e-2", "--sizes", "256x256", "--cost",
        "0.02",
    )  # fmt: skip
    manage("channel", "enable", "first", "--untested")

    lines = manage("channel", "list").out.splitlines()

    assert [line.split() for line in lines] == [
        ["name", "kind", "state", "serves", "priority", "weight", "timeout", "cost", "base_url",
         "models", "sizes", "maps"],
        ["first", "openai", "enabled", "live", "10", "1", "240", "0.020000",
         "https://api.example.com/v1", "dall-e-2", "256x256", "none"],
        ["later", "openai", "disabled", "live", "20", "1", "240", "unknown",
         "https://api.example.com/v1", "dall-e-3", "all", "dall-e-3=d3"],
    ]  # fmt: skip


def test_costs_that_differ_are_listed_by_model(manage):
    manage("channel", "set", "acme", *NEW, "--models", "dall-e-2,dall-e-3", "--cost", "0.02")
    Route.objects.filter(contract_id="dall-e-3").update(cost_micros=40_000)

    (listed,) = json.loads(manage("channel", "list", "--json").out)

    assert listed["cost"] == {"dall-e-2": "0.020000", "dall-e-3": "0.040000"}
    assert "  dall-e-2=0.020000,dall-e-3=0.040000  " in manage("channel", "list").out


def test_no_channels_are_an_empty_list(manage):
    assert json.loads(manage("channel", "list", "--json").out) == []


def test_attempts_says_what_calls_came_to_of_late(manage, acme):
    assert manage("channel", "attempts").out.split() == list(CALLS)
    channel = Channel.objects.create(name="vendor", base_url="https://api.example.com/v1")
    Attempt.objects.create(
        generation=acme.admit(5_880), dispatch=1, number=1, channel=channel, upstream_model="m",
        cost_micros=30_000,
    )  # fmt: skip

    (said,) = json.loads(manage("channel", "attempts", "--json").out)

    assert said == {
        "channel": "vendor", "model": "m", "class": "under way", "attempts": 1, "seconds": None,
        "cost": "0.030000", "cost_unknown": 0,
    }  # fmt: skip
    words = manage("channel", "attempts", "--hours", "168").out.splitlines()[1].split()
    assert words == ["vendor", "m", "under", "way", "1", "None", "0.030000", "0"]


@pytest.mark.parametrize("hours", ["0", "169"])
def test_attempts_of_more_than_a_week_are_not_read(manage, hours):
    assert manage("channel", "attempts", "--hours", hours).error == (
        f"--hours is 1 to 168, not {hours}"
    )
