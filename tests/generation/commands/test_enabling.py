"""A channel serves once a test of its present address and key has passed; unused ones can go."""

import pytest

from accounts.models import AuditEvent
from generation.catalogue import trial
from generation.management import seeding
from generation.management.seeding import Wishes
from generation.models import Attempt, Channel, Route

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("seeded")]


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
        "vendor has not passed a test with its present address and key:"
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


def test_a_channel_that_serves_goes_on_with_a_new_key_and_a_warning(manage, vendor):
    manage("channel", "test", vendor)
    manage("channel", "enable", vendor)

    said = manage("channel", "set", vendor, "--api-key", "another")
    went_on = is_enabled()
    manage("channel", "disable", vendor)

    assert "vendor goes on serving with what is not tested" in said.err
    assert went_on
    assert "has not passed a test" in (manage("channel", "enable", vendor).error or "")


def test_untested_enables_and_stands_for_the_test_from_then_on(manage, vendor):
    manage("channel", "enable", vendor, "--untested")
    event = AuditEvent.objects.latest("id")
    manage("channel", "disable", vendor)

    said = manage("channel", "enable", vendor)

    assert (event.action, event.after) == ("channel.enable", {"enabled": True, "untested": True})
    assert (said.error, is_enabled()) == (None, True)


def test_the_sandbox_of_a_new_installation_serves(sandbox_url):
    seeding.seed(Wishes(sandbox_url=sandbox_url))

    assert Channel.objects.get().is_enabled


@pytest.mark.django_db(transaction=True)  # as the command runs: within nobody's transaction
def test_a_channel_that_was_never_used_is_deleted_with_its_routes(manage, vendor):
    said = manage("channel", "delete", vendor)

    assert (said.error, said.out) == (None, "vendor is deleted\n")
    assert (Channel.objects.count(), Route.objects.count()) == (0, 0)
    assert AuditEvent.objects.latest("id").action == "channel.delete"


def test_a_channel_that_is_enabled_is_not_deleted(manage, vendor):
    manage("channel", "enable", vendor, "--untested")

    said = manage("channel", "delete", vendor)

    assert said.error == "vendor is enabled: disable it first"


def test_a_used_channel_can_only_be_disabled(manage, vendor, acme):
    channel = Channel.objects.get()
    Attempt.objects.create(
        generation=acme.admit(5_880), dispatch=1, number=1, channel=channel, upstream_model="d3",
        attempt_class="delivered",
    )  # fmt: skip

    said = manage("channel", "delete", vendor)

    assert said.error == "vendor has been used: its attempts name it, so it can only be disabled"
    assert Channel.objects.count() == 1


def test_test_keys_are_let_to_a_channel_once_it_proved_to_be_a_sandbox(manage, vendor):
    manage("channel", "test", vendor)
    manage("channel", "enable", vendor)

    manage("channel", "set", vendor, "--serves", "test")
    at_first = is_enabled()
    untested = [manage("channel", "enable", vendor, *said) for said in ((), ("--untested",))]
    tested = manage("channel", "test", vendor)
    said = manage("channel", "enable", vendor)

    assert at_first is False
    assert "has not passed a test" in (untested[0].error or "")
    assert "has to show that it is a sandbox" in (untested[1].error or "")
    assert (tested.error, said.error, is_enabled()) == (None, None, True)


@pytest.mark.parametrize("change", ["path", "key"])
def test_a_sandbox_that_serves_tests_stops_where_its_proof_is_out_of_date(
    manage, vendor, sandbox_url, change
):
    manage("channel", "set", vendor, "--serves", "both")
    manage("channel", "test", vendor)
    manage("channel", "enable", vendor)

    manage("channel", "set", vendor, "--priority", "7")
    went_on = is_enabled()
    options = {"path": ("--base-url", f"{sandbox_url}/images"), "key": ("--api-key", "another")}
    said = manage("channel", "set", vendor, *options[change])

    assert (went_on, is_enabled()) == (True, False)
    assert said.out.startswith("dall-e-2: vendor 100 % -> 0 %\n")
    assert said.out.endswith("\nvendor is updated, disabled\n")


def test_every_model_of_a_sandbox_is_tried(manage, vendor, monkeypatch):
    tried: list[str] = []
    attempt = trial.attempt

    async def noted(one: trial.Trial) -> trial.TrialResult:
        tried.extend(one.config.upstream_models.values())
        return await attempt(one)

    monkeypatch.setattr(trial, "attempt", noted)
    models = ("--models", "dall-e-3,gpt-image-1,gpt-image-2", "--map", "gpt-image-2=gpt-image-1")
    manage("channel", "set", vendor, "--serves", "both", *models)

    said = manage("channel", "test", vendor)

    assert (said.error, sorted(tried)) == (None, ["dall-e-3", "gpt-image-1"])


def test_another_upstream_model_of_a_sandbox_needs_another_test(manage, vendor):
    manage("channel", "set", vendor, "--serves", "both", "--models", "dall-e-3")
    manage("channel", "test", vendor)
    manage("channel", "enable", vendor)

    manage("channel", "set", vendor, "--map", "dall-e-3=dall-e-3")
    as_it_was = is_enabled()
    manage("channel", "set", vendor, "--map", "dall-e-3=a-vendor-s")

    assert (as_it_was, is_enabled()) == (True, False)
    assert "has not passed a test" in (manage("channel", "enable", vendor).error or "")


def test_a_route_that_comes_while_a_sandbox_is_tested_is_not_proven(manage, vendor, monkeypatch):
    manage("channel", "set", vendor, "--serves", "both", "--models", "dall-e-3")
    prepare = trial.prepare

    def overtaken(channel: Channel) -> tuple[trial.Trial, ...]:
        prepared = prepare(channel)
        Route.objects.update(upstream_model="a-vendor-s")
        return prepared

    monkeypatch.setattr(trial, "prepare", overtaken)
    manage("channel", "test", vendor)

    assert "has not passed a test" in (manage("channel", "enable", vendor).error or "")


def test_what_draws_the_size_it_was_asked_for_is_no_sandbox(manage, vendor, monkeypatch):
    manage("channel", "set", vendor, "--serves", "both")
    monkeypatch.setattr(trial.Trial, "prompt", "a fox")  # as a vendor reads it: no directive

    failed = manage("channel", "test", vendor)

    assert failed.error == "vendor: this is no sandbox, so it cannot serve test keys"


def test_a_channel_serves_live_keys_test_keys_or_both(manage, vendor):
    said = manage("channel", "set", vendor, "--serves", "none")

    assert said.error == "serves: a channel serves live, test, both, not 'none'"
