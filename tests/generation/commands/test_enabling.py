"""A channel serves only after its present address and key pass a test; unused ones can go."""

from collections.abc import Callable
from io import StringIO

import pytest
from django.core.exceptions import ValidationError

from accounts.models import AuditEvent
from accounts.selectors import config_revision
from generation.catalogue import services, trial_call
from generation.catalogue.credentials import encrypted
from generation.catalogue.snapshot import current_catalogue
from generation.management import seeding
from generation.management.seeding import SeedOptions
from generation.models import Attempt, Channel, ChannelTrial, Route
from tests.generation.commands.conftest import CommandCustomer, Output

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("seeded")]


MODELS = [
    "dall-e-2", "dall-e-3", "gpt-image-1", "gpt-image-2", "gpt-image-2-pro", "gpt-image-2-auto",
    "gpt-image-2-origin",
]  # fmt: skip


@pytest.fixture
def vendor(manage, sandbox_url):
    manage("channel", "set", "vendor", "--base-url", sandbox_url, "--api-key", "k")
    return "vendor"


def is_enabled() -> bool:
    return Channel.objects.get(name="vendor").is_enabled


def test_a_new_channel_is_disabled_and_not_enabled_before_a_test(manage, vendor):
    at_first = is_enabled()

    said = manage("channel", "enable", vendor)

    assert (at_first, is_enabled()) == (False, False)
    assert said.error == (
        "vendor has not passed a test of dall-e-2, dall-e-3, gpt-image-1 and 4 more:"
        " run `manage.py channel test vendor` first"
    )


def test_a_channel_that_passed_its_test_is_enabled(manage, vendor):
    tested = manage("channel", "test", vendor)

    said = manage("channel", "enable", vendor)

    assert (tested.error, said.error) == (None, None)
    assert said.out.startswith("dall-e-2: vendor 0 % -> 100 %\n")
    assert said.out.endswith("\nvendor is enabled\n")
    assert is_enabled()
    assert list(AuditEvent.objects.order_by("id").values_list("action", flat=True))[-2:] == [
        "channel.test",
        "channel.enable",
    ]


def test_a_test_that_fails_enables_nothing(manage, vendor):
    Channel.objects.update(base_url="http://127.0.0.1:9/v1")

    manage("channel", "test", vendor)

    assert "has not passed a test" in (manage("channel", "enable", vendor).error or "")


@pytest.mark.parametrize(
    "change",
    [("--api-key", "k"), ("--base-url", "https://x.example.com", "--api-key", "k")],
)
def test_another_address_or_key_needs_another_test(manage, vendor, change):
    manage("channel", "test", vendor)
    manage("channel", "set", vendor, *change)

    said = manage("channel", "enable", vendor)

    assert "has not passed a test" in (said.error or "")
    assert not is_enabled()


def test_untested_enables_and_stands_for_the_test_from_then_on(manage, vendor):
    manage("channel", "enable", vendor, "--untested")
    event = AuditEvent.objects.latest("id")
    manage("channel", "disable", vendor, "--yes")

    said = manage("channel", "enable", vendor)

    assert event.action == "channel.enable"
    assert event.after == {"enabled": True, "untested": MODELS}
    assert (said.error, is_enabled()) == (None, True)


def test_the_sandbox_of_a_new_installation_serves(sandbox_url):
    seeding.seed(SeedOptions(sandbox_url=sandbox_url))

    assert Channel.objects.get().is_enabled


@pytest.mark.django_db(transaction=True)  # the command runs outside any transaction
def test_a_channel_that_was_never_used_is_deleted_with_its_routes(manage, vendor):
    said = manage("do", "channel.archive", vendor, "--confirm", vendor)

    assert (said.error, said.out.endswith("vendor is deleted\n")) == (None, True)
    assert (Channel.objects.count(), Route.objects.count()) == (0, 0)
    assert AuditEvent.objects.latest("id").action == "channel.delete"


def test_a_channel_that_is_enabled_is_not_deleted(manage, vendor):
    manage("channel", "enable", vendor, "--untested")

    said = manage("do", "channel.archive", vendor, "--confirm", vendor)

    assert said.error == "Pause vendor first."


def attempted(manage: Callable[..., Output], channel: Channel, acme: CommandCustomer) -> None:
    Attempt.objects.create(
        generation=acme.admit(5_880), dispatch=1, number=1, channel=channel,
        upstream_model="d3", attempt_class="delivered",
    )  # fmt: skip


def tested(manage: Callable[..., Output], channel: Channel, acme: CommandCustomer) -> None:
    manage("channel", "test", channel.name, "--route", "dall-e-3")


@pytest.mark.parametrize("use", [attempted, tested])
def test_a_used_channel_is_archived_without_its_key(manage, vendor, acme, use):
    channel = Channel.objects.get()
    use(manage, channel, acme)

    said = manage("do", "channel.archive", vendor, "--confirm", vendor)

    channel.refresh_from_db()
    assert (said.error, said.out.endswith("vendor is archived\n")) == (None, True)
    assert (channel.credentials, channel.archived_at is None) == ("", False)
    assert AuditEvent.objects.latest("id").action == "channel.archive"
    assert "vendor" not in manage("channel", "list").out
    assert "vendor" in manage("channel", "list", "--archived").out
    assert manage("channel", "enable", vendor).error == "no channel named 'vendor'"
    assert manage("channel", "set", vendor, "--api-key", "k").error == (
        "name: vendor is archived: take another name"
    )
    with pytest.raises(ValidationError, match="vendor is archived, and its key is gone"):
        services.set_enabled(channel=channel, is_enabled=True, actor="test", untested=True)


@pytest.mark.parametrize("typed", ["vendor\n", "vend\n", "y\n", ""])
def test_the_typed_name_replaces_missing_tests(manage, vendor, monkeypatch, typed):
    manage("channel", "test", vendor, "--route", "dall-e-3")
    monkeypatch.setattr("sys.stdin", StringIO(typed))

    said = manage("channel", "enable", vendor)

    assert "vendor has not passed a test of dall-e-2, gpt-image-1, gpt-image-2 and 3" in said.out
    assert is_enabled() is (typed == "vendor\n")


@pytest.mark.parametrize("typed", ["y\n", "n\n", ""])
@pytest.mark.parametrize("change", [("disable",), ("set", "--models", "dall-e-3")], ids=str)
def test_models_left_unserved_are_named_and_confirmed(manage, vendor, monkeypatch, change, typed):
    goes_on = typed != "y\n"
    manage("channel", "enable", vendor, "--untested")
    monkeypatch.setattr("sys.stdin", StringIO(typed))

    said = manage("channel", change[0], vendor, *change[1:])

    assert "gpt-image-2 (images in 30 days: 0, tenants: 0)" in said.out
    assert ("gpt-image-2" in current_catalogue().routes) is goes_on
    assert said.error == ("Nothing was changed." if goes_on else None)


def test_models_served_by_another_channel_need_no_confirmation(manage, vendor, sandbox_url):
    manage("channel", "enable", vendor, "--untested")
    manage("channel", "set", "other", "--base-url", sandbox_url, "--api-key", "k")
    manage("channel", "enable", "other", "--untested")

    said = manage("channel", "disable", vendor)

    assert (said.error, is_enabled()) == (None, False)


def test_test_keys_are_let_to_a_channel_once_it_proved_to_be_a_sandbox(manage, vendor):
    manage("channel", "test", vendor)
    manage("channel", "enable", vendor)

    manage("channel", "set", vendor, "--serves", "test")
    at_first = Channel.objects.get().serves
    untested = [manage("channel", "swap", vendor, *said) for said in ((), ("--untested",))]
    tested = manage("channel", "test", vendor, "--pending")
    said = manage("channel", "swap", vendor, "--yes")

    assert at_first == "live"
    assert ["has not passed a test" in (one.error or "") for one in untested] == [True, True]
    assert (tested.error, said.error) == (None, None)
    assert (Channel.objects.get().serves, is_enabled()) == ("test", True)


def test_a_disabled_channel_is_enabled_for_test_keys_once_it_is_proved_to_be_a_sandbox(
    manage, vendor
):
    manage("channel", "test", vendor)
    manage("channel", "set", vendor, "--serves", "both")

    untested = [manage("channel", "enable", vendor, *said) for said in ((), ("--untested",))]
    with pytest.raises(ValidationError, match="must prove that it is a sandbox"):
        services.set_enabled(
            channel=Channel.objects.get(), is_enabled=True, actor="test", untested=True
        )
    manage("channel", "test", vendor)

    assert "has not passed a test" in (untested[0].error or "")
    assert "must prove that it is a sandbox" in (untested[1].error or "")
    assert manage("channel", "enable", vendor).error is None


def test_a_tested_sandbox_channel_serves_live_keys_without_another_test(manage, vendor):
    manage("channel", "set", vendor, "--serves", "test")
    manage("channel", "test", vendor)
    manage("channel", "enable", vendor)

    said = manage("channel", "set", vendor, "--serves", "live")

    assert said.out.startswith("dall-e-2: vendor 0 % -> 100 %\n")
    assert sorted(current_catalogue().routes) == sorted(MODELS)


@pytest.mark.parametrize("change", ["path", "key"])
def test_a_sandbox_goes_on_as_it_was_proved(manage, vendor, sandbox_url, change):
    manage("channel", "set", vendor, "--serves", "both")
    manage("channel", "test", vendor)
    manage("channel", "enable", vendor)

    options = {"path": ("--base-url", f"{sandbox_url}/images"), "key": ("--api-key", "another")}
    manage("channel", "set", vendor, *options[change])

    assert is_enabled()
    (route,) = current_catalogue().routes_for("dall-e-3", livemode=False)
    assert (route.base_url, route.api_key) == (sandbox_url, "k")


def test_every_route_of_a_sandbox_is_tried(manage, vendor):
    models = ("--models", "dall-e-3,gpt-image-1,gpt-image-2", "--map", "gpt-image-2=gpt-image-1")
    manage("channel", "set", vendor, "--serves", "both", *models)

    said = manage("channel", "test", vendor)

    assert said.error is None
    assert list(ChannelTrial.objects.order_by("model").values_list("model", "upstream_model")) == [
        ("dall-e-3", "dall-e-3"), ("gpt-image-1", "gpt-image-1"), ("gpt-image-2", "gpt-image-1"),
    ]  # fmt: skip


def test_a_serving_sandbox_stays_approved_once_its_new_route_is_tested(manage, vendor):
    manage("channel", "set", vendor, "--serves", "both", "--models", "dall-e-3")
    Channel.objects.update(is_enabled=True)
    Route.objects.update(is_approved=True)  # as seeded: no test is on record

    manage("channel", "set", vendor, "--map", "gpt-image-2=a-vendor-s")
    manage("channel", "test", vendor, "--route", "gpt-image-2")
    manage("channel", "disable", vendor, "--yes")

    assert manage("channel", "enable", vendor).error is None
    assert is_enabled()


def test_another_upstream_model_of_a_sandbox_needs_another_test(manage, vendor):
    manage("channel", "set", vendor, "--serves", "both", "--models", "dall-e-3")
    manage("channel", "test", vendor)

    manage("channel", "set", vendor, "--map", "dall-e-3=dall-e-3")
    as_it_was = manage("channel", "enable", vendor).error
    manage("channel", "disable", vendor, "--yes")
    manage("channel", "set", vendor, "--map", "dall-e-3=a-vendor-s")

    assert as_it_was is None
    assert "has not passed a test" in (manage("channel", "enable", vendor).error or "")


def test_a_route_that_comes_while_it_is_tested_is_not_proven(manage, vendor, monkeypatch):
    manage("channel", "set", vendor, "--serves", "both", "--models", "dall-e-3")
    passed_test = services.passed_test

    def overtaken(**said: object) -> bool:
        Route.objects.update(upstream_model="a-vendor-s")
        return passed_test(**said)  # type: ignore[arg-type] # as it was called

    monkeypatch.setattr(services, "passed_test", overtaken)
    tested = manage("channel", "test", vendor)

    assert "dall-e-3: bad_result: it was changed during its test" in (tested.error or "")
    assert "has not passed a test" in (manage("channel", "enable", vendor).error or "")


def test_a_change_by_the_previous_release_is_tested_route_by_route(manage, vendor):
    """That release takes no approval of a route away."""
    manage("channel", "set", vendor, "--models", "dall-e-3,gpt-image-2")
    manage("channel", "test", vendor)
    Channel.objects.update(credentials=encrypted("another"))
    Route.objects.filter(contract_id="gpt-image-2").update(upstream_model="a-typo")

    manage("channel", "test", vendor, "--route", "dall-e-3")
    of_one = manage("channel", "enable", vendor)
    manage("channel", "test", vendor, "--route", "gpt-image-2")
    of_both = manage("channel", "enable", vendor)

    assert of_one.error == (
        "vendor has not passed a test with its present address and key:"
        " run `manage.py channel test vendor` first"
    )
    assert of_both.error is None


def test_a_test_of_what_is_approved_is_no_change_of_the_configuration(manage, vendor):
    manage("channel", "test", vendor, "--route", "dall-e-3")
    before = config_revision()

    manage("channel", "test", vendor, "--route", "dall-e-3")

    assert config_revision() == before


def test_a_channel_that_ignores_the_size_directive_is_not_a_sandbox(manage, vendor, monkeypatch):
    manage("channel", "set", vendor, "--serves", "both", "--models", "dall-e-3")
    # a vendor reads it literally, not as a directive
    monkeypatch.setattr(trial_call.Trial, "prompt", "a fox")

    failed = manage("channel", "test", vendor)

    assert failed.error == (
        "vendor: 1 of 1 have not passed: dall-e-3: bad_result: this is no sandbox, so it cannot"
        " serve test keys (HTTP 200)"
    )
    assert ChannelTrial.objects.get().may_have_billed


def test_a_channel_serves_live_keys_test_keys_or_both(manage, vendor):
    said = manage("channel", "set", vendor, "--serves", "none")

    assert said.error == "serves: a channel serves live, test, both, not 'none'"
