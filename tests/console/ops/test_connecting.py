"""Connecting and changing an upstream: values that its form takes or refuses, and the result."""

from datetime import timedelta
from urllib.parse import urlsplit

import pytest
from pytest_django import Settings

from accounts.models import AuditEvent
from generation.catalogue import services
from generation.catalogue.credentials import decrypted
from generation.catalogue.trials import run_trial
from generation.models import Channel, ChannelTrial, PendingRevision
from pictor.kit.redis import bell
from pictor.kit.words import clock
from tests.console.ops.acting import do
from tests.console.ops.channel_pages import FORM, NEW, ROUTE, edit, make, said_on, serving, trouble

pytestmark = pytest.mark.usefixtures("sown")


@pytest.fixture
def rung(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Tests announced to workers."""
    heard: list[str] = []
    monkeypatch.setattr(bell, "ring", lambda task, trial: heard.append(trial))
    return heard


@pytest.fixture
def vendor(settings: Settings, sandbox_server: str) -> str:
    """The address of a running upstream."""
    settings.EGRESS_ALLOW = frozenset({urlsplit(sandbox_server).netloc})
    return f"{sandbox_server}/v1"


def test_a_new_channel_is_off_and_its_key_is_kept_encrypted_and_said_nowhere(owner):
    answer = owner.post(NEW, FORM, follow=True)

    channel = Channel.objects.get(name="acme")
    assert answer.redirect_chain == [(f"/ops/channels/{channel.pk}/edit/#tried", 303)]
    assert (channel.is_enabled, decrypted(channel.credentials)) == (False, "sk-acme")
    assert "sk-acme" not in channel.credentials + answer.content.decode()
    assert not AuditEvent.objects.filter(after__icontains="sk-acme").exists()
    assert services.untested_models(channel) == ["gpt-image-2"]


@pytest.mark.parametrize(("endpoint", "is_edit"), [("flux-2", False), ("flux-2/edit", True)])
def test_the_tests_of_a_route_that_only_edits_say_so(owner, endpoint, is_edit):
    terms = services.RouteTerms(model="gpt-image-2", upstream_model=endpoint)
    options = services.ChannelOptions(
        kind="fal", base_url="https://queue.fal.run", api_key="k", routes=[terms]
    )
    channel, _ = services.set_channel(name="fal", options=options, actor="test")

    page = owner.get(f"/ops/channels/{channel.pk}/edit/").content.decode()

    assert ("by an edit of a plain picture" in page) is is_edit


def test_the_form_sent_twice_makes_one_channel(owner):
    first, again = owner.post(NEW, FORM), owner.post(NEW, FORM)

    assert (first.status_code, first.url) == (303, again.url)
    assert Channel.objects.count() == 1
    assert AuditEvent.objects.filter(action="channel.set").count() == 1


@pytest.mark.parametrize("other", [{"api_key": "sk-other"}, {"weight": "2"}])
def test_a_name_that_is_taken_is_refused_and_changes_nothing(owner, other):
    owner.post(NEW, FORM)

    answer = owner.post(NEW, FORM | other)

    assert trouble(answer) == {"name": ["a channel named acme exists already"]}
    assert decrypted(Channel.objects.get().credentials) == "sk-acme"


@pytest.mark.parametrize(
    ("typed", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "\u200b"}, "name"),
        ({"name": "ac\u202eme"}, "name"),
        ({"base_url": "ftp://api.acme.example"}, "base_url"),
        ({"base_url": "https://me:secret@api.acme.example"}, "base_url"),
        ({"base_url": "https://api.acme.example:99999"}, "base_url"),
        ({"base_url": "api.acme.example/v1"}, "base_url"),
        ({"api_key": ""}, "api_key"),
        ({"api_key": "sk acme"}, "api_key"),
        ({"kind": "telex"}, "kind"),
        ({"serves": "nobody"}, "serves"),
        ({"priority": "-9"}, "priority"),
        ({"weight": "0"}, "weight"),
        ({"weight": "2147483648"}, "weight"),
        ({"timeout_seconds": ""}, "timeout_seconds"),
        ({"queue_seconds": ""}, "queue_seconds"),
        ({"max_images": "999"}, "max_images"),
        ({"sizes": "big"}, "sizes"),
        ({"class_overrides": "teapot=unknown"}, "class_overrides"),
        ({"ignored_fields": ["background", "nothing"]}, "ignored_fields"),
        ({f"{ROUTE}upstream_model": ""}, "upstream_model"),
        ({f"{ROUTE}upstream_model": "x" * 129}, "upstream_model"),
        ({f"{ROUTE}sizes": "1024\N{MULTIPLICATION SIGN}1024"}, "sizes"),
        ({f"{ROUTE}words": "high"}, "words"),
        ({f"{ROUTE}words": "high=hd, high=max"}, "words"),
        ({f"{ROUTE}words": "hgih=hd"}, "words"),
        ({f"{ROUTE}cost": "a lot"}, "cost"),
        ({f"{ROUTE}cost": "-1"}, "cost"),
        ({f"{ROUTE}cost": "99"}, "cost_again"),
        ({f"{ROUTE}is_served": ""}, "__all__"),
        ({"name": "a\x00b"}, "name"),
    ],
    ids=str,
)
def test_a_mistake_is_explained_at_its_field(owner, typed, field):
    answer = owner.post(NEW, FORM | typed)

    assert list(trouble(answer)) == [field]
    assert Channel.objects.count() == 0


def test_a_dear_cost_is_taken_once_it_is_typed_again(owner):
    said = FORM | {f"{ROUTE}cost": "99"}

    owner.post(NEW, said | {"cost_again": "99"})

    assert Channel.objects.get().routes.get().cost_micros == 99_000_000


def test_all_that_is_typed_is_kept(owner):
    said = {
        "priority": "0", "weight": "3", "timeout_seconds": "90", "max_concurrency": "4",
        "queue_seconds": "30", "max_images": "2", "sizes": "1024x1024, auto",
        "class_overrides": "429=unknown",
        "ignored_fields": ["background"], "refused_tasks": ["edit"], "allows_exact_crop": "on",
        "allows_redispatch": "", "retry_is_free": "on", f"{ROUTE}upstream_model": "gi2",
        f"{ROUTE}sizes": "1536x1024", f"{ROUTE}words": "high=hd, low=draft", f"{ROUTE}cost": "0",
    }  # fmt: skip

    answer = owner.post(NEW, FORM | said)
    assert answer.status_code == 303, trouble(answer)
    channel = Channel.objects.get()
    before = services.describe(channel)
    edit(owner, channel)
    channel.refresh_from_db()

    assert services.describe(channel) == before
    assert {name: before[name] for name in ("priority", "weight", "timeout", "sizes")} == {
        "priority": 0, "weight": 3, "timeout": 90, "sizes": ["1024x1024", "auto"],
    }  # fmt: skip
    assert (before["class_overrides"], before["ignored_fields"], before["refused_tasks"]) == (
        {"429": "unknown"}, ["background"], ["edit"],
    )  # fmt: skip
    limits = ("queue_seconds", "max_concurrency", "max_images")
    assert [before[name] for name in limits] == [30, 4, 2]
    assert (before["allows_exact_crop"], before["allows_redispatch"], before["retry_is_free"]) == (
        True, False, True,
    )  # fmt: skip
    assert (before["maps"], before["cost"]) == ({"gpt-image-2": "gi2"}, {"gpt-image-2": "0.000000"})
    assert before["model_sizes"] == {"gpt-image-2": ["1536x1024"]}
    assert before["quality_maps"] == {"gpt-image-2": {"high": "hd", "low": "draft"}}


def test_settings_are_typed_beside_the_kind_that_has_them(owner):
    said = {
        "kind": "vertex", "base_url": "https://aiplatform.googleapis.com",
        "api_key": '{"client_email": "a@b.example", "private_key": "x"}',
    }  # fmt: skip

    refused = owner.post(NEW, FORM | said)
    answer = owner.post(NEW, FORM | said | {"settings": "project=acme-1, location=global"})

    assert list(trouble(refused)) == ["settings"]
    assert answer.status_code == 303, trouble(answer)
    channel = Channel.objects.get()
    assert channel.settings == {"project": "acme-1", "location": "global"}
    edit(owner, channel)
    channel.refresh_from_db()
    assert channel.settings == {"project": "acme-1", "location": "global"}


def test_a_routes_field_map_is_typed_as_toml_and_kept(owner):
    fal = FORM | {"kind": "fal", "base_url": "https://queue.fal.run"}

    refused = owner.post(NEW, fal | {f"{ROUTE}field_map": "seed = 2026-12-01"})
    answer = owner.post(NEW, fal | {f"{ROUTE}field_map": 'seed = "seed_number"\r\nn = ""'})

    assert "a value that is no JSON" in str(trouble(refused)["field_map"])
    assert answer.status_code == 303, trouble(answer)
    channel = Channel.objects.get()
    edit(owner, channel)
    assert channel.routes.get().field_map == {"seed": "seed_number", "n": ""}
    page = owner.get(f"/ops/channels/{channel.pk}/?tab=routes").content.decode()
    assert "seed = &quot;seed_number&quot;" in page


def test_a_test_is_asked_for_once_and_followed_to_its_end(owner, vendor, rung):
    channel = make(vendor)
    page = f"/ops/channels/{channel.pk}/edit/"

    asked = owner.post(f"/ops/channels/{channel.pk}/test/", {"model": "gpt-image-2"})
    again = owner.post(f"/ops/channels/{channel.pk}/test/", {"model": "gpt-image-2"}, follow=True)
    waiting = owner.get(page).content.decode()
    row = run_trial(ChannelTrial.objects.get().pk)
    ended = owner.get(page).content.decode()
    picture = owner.get(f"/ops/channels/{channel.pk}/tests/{row.pk}/")

    assert (asked.status_code, rung) == (303, [str(row.pk)])
    assert "gpt-image-2: a test is under way" in again.content.decode()
    assert "Waiting for a worker" in waiting
    assert ("every 2s" in waiting, "every 2s" in ended) == (True, False)
    pixels = "1024\N{MULTIPLICATION SIGN}768 png"
    assert all(word in ended for word in ("Passed", pixels, "134 tokens", "cost unknown"))
    assert (picture.status_code, picture.url.partition("?")[0].endswith(".png")) == (302, True)


@pytest.mark.parametrize("models", [[], ["gpt-image-2", "dall-e-3"], ["nothing"], ["\x00"]])
def test_no_test_is_asked_for_of_what_is_not_served(owner, rung, models):
    channel = make()

    answer = owner.post(f"/ops/channels/{channel.pk}/test/", {"model": models})

    assert (answer.status_code, rung, ChannelTrial.objects.count()) == (303, [], 0)


def test_a_trial_that_no_worker_starts_says_so_and_may_be_repeated(owner, rung):
    channel = make()
    owner.post(f"/ops/channels/{channel.pk}/test/", {"model": "gpt-image-2"})
    ChannelTrial.objects.update(created_at=clock.now() - timedelta(seconds=61))

    page = owner.get(f"/ops/channels/{channel.pk}/edit/").content.decode()
    owner.post(f"/ops/channels/{channel.pk}/test/", {"model": "gpt-image-2"})

    assert "No worker started it" in page
    assert "every 2s" not in page
    assert len(rung) == 2


def test_a_slow_test_is_seen_to_run_until_its_vendor_is_given_up(owner, rung):
    channel = make()
    owner.post(f"/ops/channels/{channel.pk}/test/", {"model": "gpt-image-2"})

    def page_after(seconds: int) -> str:
        began = clock.now() - timedelta(seconds=seconds)
        ChannelTrial.objects.update(created_at=began, started_at=began)
        page: str = owner.get(f"/ops/channels/{channel.pk}/edit/").content.decode()
        return page

    slow, given_up = page_after(100), page_after(301)

    assert "Still running after 100 s; the vendor has 240 s." in slow
    assert ("every 2s" in slow, "Still running" in given_up) == (True, False)


def test_a_channel_is_enabled_once_it_is_tested_or_its_name_is_typed(owner):
    channel = make()

    untyped = do(owner, "channel.enable", channel.pk)
    mistyped = do(owner, "channel.enable", channel.pk, confirm="acne")
    channel.refresh_from_db()
    off = channel.is_enabled
    typed = do(owner, "channel.enable", channel.pk, confirm="acme")
    channel.refresh_from_db()

    assert [untyped.status_code, mistyped.status_code, off] == [422, 422, False]
    assert (typed.status_code, channel.is_enabled) == (303, True)


def test_a_tested_channel_is_enabled_without_its_name(owner, vendor, rung):
    channel = make(vendor)
    owner.post(f"/ops/channels/{channel.pk}/test/", {"model": "gpt-image-2"})
    run_trial(ChannelTrial.objects.get().pk)

    answer = do(owner, "channel.enable", channel.pk)

    channel.refresh_from_db()
    assert (answer.status_code, channel.is_enabled) == (303, True)


def test_a_wrong_key_waits_in_a_revision_that_fails_and_the_old_one_serves(owner, vendor, rung):
    channel = serving(vendor)

    edit(owner, channel, api_key="wrong-key")
    owner.post(f"/ops/channels/{channel.pk}/test/", {"model": "gpt-image-2"})
    run_trial(ChannelTrial.objects.get().pk)
    page = owner.get(f"/ops/channels/{channel.pk}/edit/").content.decode()

    channel.refresh_from_db()
    assert (decrypted(channel.credentials), channel.is_enabled) == ("sk-acme", True)
    assert "The vendor refuses the key (HTTP 401)" in page
    assert "the present one" in page
    assert "wrong-key" not in page
    edit(owner, channel, api_key="sk-newer")
    (line,) = owner.get(f"/ops/channels/{channel.pk}/edit/").context["tried"].lines
    assert (line.badge, line.why) == (("warn", "Untested"), "")


def test_a_good_key_is_swapped_in_once_it_is_tested(owner, vendor, rung):
    channel = serving(vendor)
    edit(owner, channel, api_key="sk-new")
    owner.post(f"/ops/channels/{channel.pk}/test/", {"model": "gpt-image-2"})
    run_trial(ChannelTrial.objects.get().pk)

    answer = do(owner, "channel.swap", channel.pk)

    channel.refresh_from_db()
    assert (answer.status_code, decrypted(channel.credentials)) == (303, "sk-new")
    assert PendingRevision.objects.count() == 0
    page = owner.get(f"/ops/channels/{channel.pk}/edit/").content.decode()
    assert "Passed" in page


def test_a_mistyped_map_is_another_route_that_waits(owner):
    channel = serving()

    edit(owner, channel, route_upstream_model="gpt-imge-2")

    page = owner.get(f"/ops/channels/{channel.pk}/edit/")
    assert page.context["tried"].waiting == ["gpt-image-2"]
    assert channel.routes.get().upstream_model == "gpt-image-2"


def test_a_model_that_is_added_waits_and_the_others_serve(owner):
    channel = serving()

    edit(owner, channel, **{"route-dall-e-3-is_served": "on"})

    page = owner.get(f"/ops/channels/{channel.pk}/edit/")
    assert page.context["tried"].waiting == ["dall-e-3"]
    assert PendingRevision.objects.count() == 0
    assert set(channel.routes.values_list("contract_id", "is_approved")) == {
        ("gpt-image-2", True), ("dall-e-3", False),
    }  # fmt: skip


def test_a_model_that_is_added_serves_untested_once_the_name_is_typed(owner):
    channel = serving()
    edit(owner, channel, **{"route-dall-e-3-is_served": "on"})

    answer = do(owner, "channel.enable", channel.pk, confirm="acme")

    assert (answer.status_code, services.untested_models(channel)) == (303, [])


def test_a_paused_channel_with_a_revision_is_swapped_before_it_is_changed(owner):
    channel = serving()
    edit(owner, channel, api_key="sk-new")
    services.set_enabled(channel=channel, is_enabled=False, may_stop=True, actor="test")

    refused = edit(owner, channel, timeout_seconds="30")
    swap = do(owner, "channel.swap", channel.pk, confirm="acme")

    channel.refresh_from_db()
    assert "has a pending revision: swap it or discard it first" in str(trouble(refused))
    assert (swap.status_code, channel.is_enabled, channel.timeout_seconds) == (303, False, 240)
    assert decrypted(channel.credentials) == "sk-new"


def test_a_swap_in_two_tabs_is_one(owner):
    channel = serving()
    edit(owner, channel, api_key="sk-new")

    first, again = (do(owner, "channel.swap", channel.pk, confirm="acme") for _ in range(2))

    assert first.status_code == 303
    assert "There is no pending revision." in again.content.decode()


def test_another_origin_wants_its_own_key(owner):
    channel = serving()

    answer = edit(owner, channel, base_url="https://elsewhere.example/v1")

    assert trouble(answer) == {"api_key": ["another origin needs its own API key"]}
    assert PendingRevision.objects.count() == 0


def test_saving_a_sandbox_that_serves_tests_leaves_it_on(owner):
    channel = make(serves="both")
    services.set_enabled(
        channel=channel, is_enabled=True, untested=True, is_ours=True, actor="test"
    )

    answer = edit(owner, channel, timeout_seconds="200")

    channel.refresh_from_db()
    assert answer.status_code == 303
    assert (channel.is_enabled, channel.serves, channel.timeout_seconds) == (True, "both", 200)
    assert services.untested_models(channel) == []


def test_a_change_by_somebody_else_meanwhile_is_kept(owner):
    channel = serving()
    page = owner.get(f"/ops/channels/{channel.pk}/edit/")
    services.set_channel(name="acme", options={"timeout_seconds": 30}, actor="bob")

    typed = {"max_images": "3", "route-dall-e-3-sizes": "1024x1024"}
    said = said_on(page) | {"timeout_seconds": "240", "queue_seconds": "60", **typed}
    answer = owner.post(f"/ops/channels/{channel.pk}/edit/", said)

    channel.refresh_from_db()
    stored = [
        *("Time-out, seconds: 30", "Images an edit may begin with: empty"),
        "dall-e-3, Sizes: empty",
    ]
    assert trouble(answer)["__all__"] == [
        "Somebody changed it after you opened this page. Check it and save again.",
        f"Stored now: {'; '.join(stored)}.",
    ]
    assert channel.timeout_seconds == 30
    assert said_on(answer) == said | {"shown": answer.context["tried"].digest}

    again = owner.post(f"/ops/channels/{channel.pk}/edit/", said_on(answer))

    assert again.status_code == 303
    channel.refresh_from_db()
    assert (channel.timeout_seconds, channel.max_images) == (240, 3)


def test_a_channel_saved_by_a_double_click_is_saved_without_complaint(owner):
    channel = make()
    said = said_on(owner.get(f"/ops/channels/{channel.pk}/edit/")) | {
        "timeout_seconds": "200",
        "sizes": "1024x1024",
        "class_overrides": "429=unknown",
        "refused_tasks": ["edit"],
        f"{ROUTE}sizes": "1024x1024",
        f"{ROUTE}cost": "0.03",
    }

    answers = [owner.post(f"/ops/channels/{channel.pk}/edit/", said) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [303, 303]


def test_a_revision_of_what_has_changed_is_not_swapped_and_may_be_discarded(owner):
    channel = serving()
    edit(owner, channel, api_key="sk-new")
    Channel.objects.update(base_url="https://api.acme.example/v2")

    page = owner.get(f"/ops/channels/{channel.pk}/edit/").content.decode()
    swap = do(owner, "channel.swap", channel.pk, confirm="acme")
    discard = do(owner, "channel.discard", channel.pk)
    again = do(owner, "channel.discard", channel.pk)

    assert "has changed since this revision was started" in page
    assert (swap.status_code, discard.status_code) == (422, 303)
    assert PendingRevision.objects.count() == 0
    assert "has no pending revision" in again.content.decode()


def test_a_key_of_another_installation_is_said(owner):
    channel = make()
    Channel.objects.update(credentials="gAAAAA-from-elsewhere")

    page = owner.get(f"/ops/channels/{channel.pk}/edit/")

    assert "not in PICTOR_ENCRYPTION_KEYS" in page.content.decode()


@pytest.mark.parametrize(
    "path",
    [
        *("channels/{}/edit/", "channels/{}/test/"),
        *("do/channel.enable/{}/", "do/channel.swap/{}/", "do/channel.discard/{}/"),
    ],
)
def test_an_archived_channel_and_one_that_never_was_are_not_there(owner, path):
    channel = make()
    Channel.objects.update(archived_at=clock.now())

    assert owner.post(f"/ops/{path.format(channel.pk)}").status_code == 404
    assert owner.post(f"/ops/{path.format(999999)}").status_code == 404


def test_a_page_asks_the_database_twelve_times_at_most(owner, django_assert_max_num_queries):
    channel = serving()
    edit(owner, channel, api_key="sk-new", **{"route-dall-e-3-is_served": "on"})
    for path in (NEW, f"/ops/channels/{channel.pk}/edit/"):
        owner.get(path)  # loads the catalogue

        with django_assert_max_num_queries(12):
            owner.get(path)
