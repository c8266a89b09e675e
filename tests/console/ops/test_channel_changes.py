"""Changing a channel: immediate effects are shown first, and two tabs do nothing unseen."""

from uuid import uuid4

import pytest
from django.core.exceptions import ValidationError

from accounts.models import AuditEvent
from accounts.services.office.tenants import create_tenant
from billing.models import UsageRollup
from generation.catalogue import services
from generation.catalogue.services import ChannelOptions
from generation.models import Channel, PendingRevision
from pictor.kit.words import clock
from tests.console.ops.acting import act_page, do, seen_in
from tests.console.ops.channel_pages import (
    FORM,
    NEW,
    edit,
    make,
    of,
    serving,
    text_of,
    trouble,
)
from tests.making.factories import make_channel

pytestmark = pytest.mark.usefixtures("sown")


def test_a_route_that_goes_at_once_is_shown_with_the_split_before_it_is_saved(owner):
    channel = serving(models=["gpt-image-2", "dall-e-3"])
    other = make(name="other", models=["gpt-image-2", "dall-e-3"])
    services.set_enabled(channel=other, is_enabled=True, untested=True, actor="test")
    gone = {"route-dall-e-3-is_served": None}

    unseen = edit(owner, channel, **gone)
    kept = set(channel.routes.values_list("contract_id", flat=True))
    outlook = unseen.context["saving"].outlook
    seen = edit(owner, channel, **gone, seen=outlook.digest)

    assert (unseen.status_code, kept) == (422, {"gpt-image-2", "dall-e-3"})
    assert "check the immediate effect" in unseen.content.decode()
    assert [str(split) for split in outlook.splits] == [
        "dall-e-3: acme 50 % -> 0 %, other 50 % -> 100 %"
    ]
    assert seen.status_code == 303
    assert channel.routes.get().contract_id == "gpt-image-2"


def test_the_last_route_of_a_model_goes_by_the_channels_name(owner):
    channel = serving(models=["gpt-image-2", "dall-e-3"])
    gone = {"route-dall-e-3-is_served": None}

    unseen = edit(owner, channel, **gone)
    said = {"seen": unseen.context["saving"].outlook.digest}
    mistyped = edit(owner, channel, **gone, **said, confirm="acne")
    kept = channel.routes.count()
    typed = edit(owner, channel, **gone, **said, confirm="acme")

    assert "Nothing would serve dall-e-3 (images in 30 days" in unseen.content.decode()
    assert (mistyped.status_code, kept) == (422, 2)
    assert "Type its name, acme." in mistyped.content.decode()
    assert (typed.status_code, channel.routes.count()) == (303, 1)


def test_a_sandbox_takes_live_requests_once_the_split_was_seen(owner):
    channel = make(serves="test")
    services.set_enabled(
        channel=channel, is_enabled=True, untested=True, is_ours=True, actor="test"
    )

    unseen = edit(owner, channel, serves="both")

    channel.refresh_from_db()
    assert (unseen.status_code, channel.serves) == (422, "test")
    assert [str(split) for split in unseen.context["saving"].outlook.splits] == [
        "gpt-image-2: acme 0 % -> 100 %"
    ]


def test_a_key_that_was_typed_is_not_forgotten_by_a_refusal(owner):
    channel = serving()

    refused = edit(owner, channel, api_key="sk-new", timeout_seconds="0")
    again = edit(owner, channel, wants_key="1")

    assert 'name="wants_key" value="1"' in refused.content.decode()
    assert "sk-new" not in refused.content.decode()
    assert trouble(again) == {"api_key": ["This field is required."]}
    assert PendingRevision.objects.count() == 0


def test_a_swap_warns_of_models_that_the_revision_leaves_unserved(owner):
    channel = serving(models=["gpt-image-2", "dall-e-3"])
    edit(owner, channel, api_key="sk-new", **{"route-dall-e-3-is_served": None})
    page = owner.get(act_page("channel.swap", channel.pk))

    do(owner, "channel.swap", channel.pk, confirm="acme")

    assert "Nothing would serve dall-e-3 (images in 30 days" in page.content.decode()
    assert services.pending_of(channel) is None


def test_a_revision_is_told_in_sentences(owner):
    channel = serving()
    edit(owner, channel, **{"route-gpt-image-2-upstream_model": "gi3"})

    page = text_of(owner.get(f"/ops/channels/{channel.pk}/edit/"))
    history = text_of(owner.get(f"/ops/channels/{channel.pk}/?tab=history"))

    assert "It changes maps gpt-image-2 from none to gi3 ." in page
    assert "maps gpt-image-2 none → to gi3" in history


def test_a_revision_that_somebody_extended_is_not_swapped_unseen(owner):
    channel = serving()
    edit(owner, channel, api_key="sk-new")
    swap = act_page("channel.swap", channel.pk)
    seen = seen_in(owner.get(swap))
    edit(owner, channel, api_key="sk-of-bob")

    answer = owner.post(swap, {"seen": seen, "confirm": "acme"})

    assert answer.status_code == 422
    assert "another effect than was shown" in answer.content.decode()


def test_a_channel_is_paused_whatever_changed_since_it_was_shown(owner):
    channel, other = make_channel("acme", "gpt-image-2"), make_channel("other", "gpt-image-2")
    page, form = act_page("channel.pause", channel.pk), {"reason": "grey images"}
    seen = seen_in(owner.post(page, form))
    Channel.objects.filter(pk=other.pk).update(weight=7)

    owner.post(page, {**form, "seen": seen})

    channel.refresh_from_db()
    assert not channel.is_enabled


def test_a_paused_channel_is_enabled_as_it_is_and_its_revision_waits_on(owner):
    channel = serving()
    edit(owner, channel, **{"route-gpt-image-2-upstream_model": "gi3"})
    services.set_enabled(channel=channel, is_enabled=False, may_stop=True, actor="test")

    answer = do(owner, "channel.enable", channel.pk)

    channel.refresh_from_db()
    assert (answer.status_code, channel.is_enabled) == (303, True)
    assert services.pending_of(channel) is not None


def test_a_channel_that_was_approved_of_by_nobody_is_enabled_by_its_name(owner):
    """The previous release leaves such a channel when it changes one."""
    channel = make()
    channel.routes.update(is_approved=True)

    answer = do(owner, "channel.enable", channel.pk, confirm="acme")

    assert answer.status_code == 303


def test_a_form_sent_again_where_the_stored_key_is_foreign_is_refused(owner):
    owner.post(NEW, FORM)
    Channel.objects.update(credentials="gAAAAA-from-elsewhere")

    answer = owner.post(NEW, FORM)

    assert trouble(answer) == {"name": ["a channel named acme exists already"]}


def test_sales_meanwhile_do_not_hinder_a_new_share(owner):
    channel, _ = make_channel("acme"), make_channel("backup")
    url, share = act_page("channel.weigh", channel.pk), {"priority": "100", "weight": "3"}
    digest = seen_in(owner.get(url, share))
    UsageRollup.objects.create(
        tenant_id=create_tenant(name="buyer", actor="test").id,
        key_id=uuid4(),
        model="gpt-image-2-origin",
        status="succeeded",
        hour=clock.now().replace(minute=0, second=0, microsecond=0),
        images=3,
        latency={},
    )

    answer = owner.post(url, share | {"seen": digest})

    assert answer.status_code == 303


def test_the_page_of_a_share_begins_with_what_is(owner):
    channel = make_channel("acme", weight=3)

    answer = owner.get(act_page("channel.weigh", channel.pk))

    assert answer.status_code == 200
    assert 'name="weight" value="3"' in answer.content.decode()
    assert "This field is required" not in text_of(answer)


def test_any_number_of_tests_hides_no_change(owner):
    channel = make_channel("acme")
    services.set_channel(name="acme", options=ChannelOptions(timeout_seconds=90), actor="Ann")
    about, name, _ = channel.audited
    for _ in range(60):
        AuditEvent.objects.create(
            object_type=about, object_id=name, action="channel.test", actor_name="Ann"
        )

    said = text_of(owner.get(f"{of(channel)}?tab=history"))

    assert "timeout 240 → to 90" in said


def test_priority_below_nothing_is_refused_by_the_service():
    make_channel("acme")

    with pytest.raises(ValidationError, match="priority must be from 0"):
        services.set_channel(name="acme", options=ChannelOptions(priority=-9), actor="test")


def test_a_share_is_shown_before_and_after(owner):
    channel = make_channel("acme", priority=10, weight=1)

    page = owner.get(act_page("channel.weigh", channel.pk), {"priority": "7", "weight": "3"})

    changes = page.context["proposal"].preview.changes
    assert [(one.label, one.before, one.after) for one in changes] == [
        ("Priority", "10", "7"), ("Weight", "1", "3"),
    ]  # fmt: skip


@pytest.mark.parametrize("act", ["enable", "pause", "swap", "discard", "weigh", "reset"])
def test_an_archived_channel_has_no_act_but_its_archive(owner, act):
    channel = make_channel("acme", is_enabled=False, archived_at=clock.now())

    assert owner.get(act_page(f"channel.{act}", channel.pk)).status_code == 404
