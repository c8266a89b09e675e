"""Serving channels are edited in a pending revision: tested, then swapped in."""

import json

import pytest
from cryptography.fernet import Fernet

from accounts.models import AuditEvent
from accounts.selectors import config_revision
from generation.catalogue import services
from generation.catalogue.credentials import decrypted
from generation.catalogue.snapshot import current_catalogue
from generation.models import Attempt, Channel, ChannelTrial, Generation, PendingRevision, Route

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("seeded")]

MODELS = ("--models", "dall-e-3,gpt-image-2")
STALE = (
    "vendor has changed since its pending revision was begun:"
    " run `manage.py channel discard vendor`, and set it anew"
)
MODELS_AND_ONE = ("--models", "dall-e-3,gpt-image-2,dall-e-2")


@pytest.fixture
def vendor(manage, sandbox_url):
    """A channel that serves two models, both tested."""
    manage("channel", "set", "vendor", "--base-url", sandbox_url, "--api-key", "k", *MODELS)
    manage("channel", "test", "vendor")
    manage("channel", "enable", "vendor")
    return "vendor"


def served() -> dict[str, tuple[str, str]]:
    """By model: the key and the vendor's model that a call made now would use."""
    routes = current_catalogue().routes
    return {model: (one.api_key, one.upstream_model) for model, (one,) in routes.items()}


AS_IT_WAS = {"dall-e-3": ("k", "dall-e-3"), "gpt-image-2": ("k", "gpt-image-2")}


def test_a_new_key_waits_while_the_old_one_serves(manage, vendor):
    said = manage("channel", "set", vendor, "--api-key", "wrong")
    at_first = served()
    untested = manage("channel", "swap", vendor)

    assert "its pending revision waits" in said.out
    assert at_first == served() == AS_IT_WAS
    assert untested.error == (
        "vendor has not passed a test of dall-e-3, gpt-image-2:"
        " run `manage.py channel test vendor --pending` first"
    )


def test_a_wrong_key_never_serves(manage, vendor, monkeypatch):
    """The sandbox takes any key, so the failure here comes from an address without a server."""
    manage("channel", "set", vendor, "--base-url", "http://127.0.0.1:9/v1", "--api-key", "wrong")

    tested = manage("channel", "test", vendor, "--pending")

    assert "2 of 2 have not passed: dall-e-3: not_reached" in (tested.error or "")
    assert "has not passed a test" in (manage("channel", "swap", vendor).error or "")
    assert served() == AS_IT_WAS


def test_a_mistyped_mapping_waits_as_a_revision(manage, vendor):
    manage("channel", "set", vendor, "--map", "dall-e-3=dalle3")

    assert served() == AS_IT_WAS
    pending = manage("channel", "show", vendor).out.partition("pending: ")[2]
    assert ["dall-e-3", "dalle3", "untested"] in [line.split()[:3] for line in pending.splitlines()]
    assert "of dall-e-3: run" in (manage("channel", "swap", vendor).error or "")


def test_models_that_are_pasted_into_it_wait_for_their_trials(manage, vendor):
    said = manage("channel", "set", vendor, "--models", "all")
    at_first = served()
    manage("channel", "test", vendor, "--route", "dall-e-2")
    again = manage("channel", "enable", vendor)

    assert "has not passed a test of gpt-image-1, gpt-image-2-pro" in (again.error or "")
    assert said.out.endswith(
        "not served before `channel test vendor` has passed: dall-e-2, gpt-image-1,"
        " gpt-image-2-pro, gpt-image-2-auto, gpt-image-2-origin\n"
    )
    assert at_first == AS_IT_WAS
    assert served() == {**AS_IT_WAS, "dall-e-2": ("k", "dall-e-2")}


def test_a_tested_revision_is_swapped_in_at_once(manage, vendor):
    manage("channel", "set", vendor, "--api-key", "k2", "--map", "dall-e-3=d3")
    manage("channel", "set", vendor, "--models", "all")
    tested = manage("channel", "test", vendor, "--pending")
    before = served()

    said = manage("channel", "swap", vendor)

    assert (tested.error, said.error, before) == (None, None, AS_IT_WAS)
    assert served()["dall-e-3"] == ("k2", "d3")
    assert {key for key, _ in served().values()} == {"k2"}
    assert len(served()) == 7
    assert "dall-e-2: vendor 0 % -> 100 %" in said.out
    assert said.out.endswith("vendor is swapped\n")
    assert not PendingRevision.objects.exists()
    event = AuditEvent.objects.latest("id")
    assert event.action == "channel.swap"
    assert (event.after or {})["calls_under_way"] == 0
    assert Channel.objects.get().reset_count == 1


def test_a_revision_is_no_change_of_the_configuration(manage, vendor):
    before = config_revision()

    services.set_channel(name=vendor, options={"api_key": "k2"}, actor="test")
    services.set_channel(name=vendor, options={"models": ["dall-e-3"]}, actor="test")

    assert [row["model"] for row in PendingRevision.objects.get().routes] == ["dall-e-3"]
    assert config_revision() == before


def test_a_revisions_key_is_encrypted_and_in_no_event(manage, vendor):
    manage("channel", "set", vendor, "--api-key", "sk-secret")

    (pending,) = PendingRevision.objects.all()
    assert "sk-secret" not in pending.credentials
    assert decrypted(pending.credentials) == "sk-secret"
    event = AuditEvent.objects.latest("id")
    assert (event.action, (event.after or {})["api_key"]) == ("channel.revise", "changed")
    assert "sk-secret" not in str((event.before, event.after))


@pytest.mark.parametrize("change", ["a route goes", "a model comes", "its key is another"])
def test_a_revision_of_a_changed_channel_is_neither_swapped_nor_tested(manage, vendor, change):
    manage("channel", "set", vendor, "--api-key", "k2")
    manage("channel", "test", vendor, "--pending")
    match change:
        case "a route goes":
            Route.objects.filter(contract_id="dall-e-3").delete()
        case "a model comes":
            Route.objects.create(
                channel=Channel.objects.get(), contract_id="dall-e-2", upstream_model="d"
            )
        case _:
            Channel.objects.update(credentials="other")

    before = ChannelTrial.objects.count()
    said = manage("channel", "swap", vendor)
    tested = manage("channel", "test", vendor, "--pending")
    told = manage("channel", "set", vendor, "--priority", "3")

    assert said.error == tested.error == STALE
    assert (told.error, told.out.splitlines()[-1]) == (None, STALE)
    assert ChannelTrial.objects.count() == before
    assert PendingRevision.objects.exists()


def test_immediate_changes_do_not_hinder_the_swap(manage, vendor):
    manage("channel", "set", vendor, "--api-key", "k2")
    manage("channel", "set", vendor, "--priority", "3", "--timeout", "60", "--cost", "0.01")
    manage("channel", "test", vendor, "--pending")

    said = manage("channel", "swap", vendor)

    channel = Channel.objects.get()
    assert (said.error, channel.priority, channel.timeout_seconds) == (None, 3, 60)
    assert set(channel.routes.values_list("cost_micros", flat=True)) == {10_000}
    assert served()["dall-e-3"][0] == "k2"


def test_a_pending_models_cost_is_kept_with_it(manage, vendor):
    manage("channel", "set", vendor, "--api-key", "k2", *MODELS_AND_ONE)
    manage("channel", "set", vendor, "--cost", "0.01")

    said = manage("channel", "swap", vendor, "--untested")

    costs = dict(Route.objects.values_list("contract_id", "cost_micros"))
    assert said.error is None
    assert costs == {"dall-e-2": 10_000, "dall-e-3": 10_000, "gpt-image-2": 10_000}


def test_a_cost_above_the_price_is_typed_again_where_its_model_waits(manage, vendor):
    said = manage("channel", "set", vendor, "--api-key", "k2", *MODELS_AND_ONE, "--cost", "0.03")

    assert "dall-e-2: 0.030000 USD, above the price" in said.out
    assert not PendingRevision.objects.exists()


def test_a_discarded_revision_is_gone_with_its_key(manage, vendor):
    manage("channel", "set", vendor, "--api-key", "k2")

    said = manage("channel", "discard", vendor)

    assert said.out == "the pending revision of vendor is discarded\n"
    assert (PendingRevision.objects.count(), served()) == (0, AS_IT_WAS)
    assert manage("channel", "swap", vendor).error == "vendor has no pending revision"
    assert manage("channel", "test", vendor, "--pending").error == "vendor has no pending revision"


def test_routes_that_a_revision_does_not_change_keep_their_approval(manage, vendor):
    manage("channel", "set", vendor, "--map", "dall-e-3=d3")
    manage("channel", "test", vendor, "--pending", "--route", "dall-e-3")

    assert manage("channel", "swap", vendor).error is None
    assert served() == {**AS_IT_WAS, "dall-e-3": ("k", "d3")}


def test_calls_under_way_are_counted(manage, vendor, acme):
    generation = acme.admit(5_880)
    Attempt.objects.create(
        generation=generation, dispatch=1, number=1, channel=Channel.objects.get(),
        upstream_model="d3",
    )  # fmt: skip
    Generation.objects.update(state="running")
    manage("channel", "set", vendor, "--api-key", "k2")

    said = manage("channel", "swap", vendor, "--untested", "--json")

    assert json.loads(said.out) == {"channel": "vendor", "calls_under_way": 1}


def test_the_keys_of_revisions_are_rotated_and_what_was_tested_stays_so(manage, settings):
    old, new = Fernet.generate_key().decode(), Fernet.generate_key().decode()
    settings.ENCRYPTION_KEYS = [old]
    manage("channel", "set", "older", "--base-url", "https://a.example/v1", "--api-key", "k")
    manage("channel", "enable", "older", "--untested")
    manage("channel", "set", "older", "--api-key", "k2")
    older = Channel.objects.get(name="older")
    candidate, routes = services.revised(older)
    tested = services.digest_of(candidate, routes["dall-e-3"], proves=False)
    services.passed_pending(channel=older, model="dall-e-3", tested=tested, actor="test")
    waiting = services.waiting_models(older)
    settings.ENCRYPTION_KEYS = [new, old]

    said = manage("channel", "rotate")

    settings.ENCRYPTION_KEYS = [new]
    older.refresh_from_db()
    (pending,) = PendingRevision.objects.all()
    assert said.out == "2 re-encrypted, 0 already were\n"
    assert (decrypted(older.credentials), decrypted(pending.credentials)) == ("k", "k2")
    assert services.waiting_models(older) == waiting
    assert "dall-e-3" not in waiting
    assert services.is_approved(older)
    assert manage("channel", "swap", "older", "--untested").error is None


def test_trials_of_a_revision_are_told_apart(manage, vendor):
    manage("channel", "set", vendor, "--api-key", "k2")
    manage("channel", "test", vendor, "--pending", "--route", "dall-e-3")

    shown = json.loads(manage("channel", "show", vendor, "--json").out)

    assert [row["model"] for row in shown["trials"]] == ["dall-e-3", "gpt-image-2"]
    assert [row["model"] for row in shown["pending"]["trials"]] == ["dall-e-3"]
    assert shown["pending"]["untested"] == ["gpt-image-2"]
    assert shown["pending"]["has_new_key"] is True
    assert ChannelTrial.objects.count() == 3
