"""Stuck work becomes a condition, which ends with it."""

from datetime import timedelta

import pytest
from django.db.models.functions import Now

from accounts.models import Mail
from accounts.services.office.mail import post
from generation.lifecycle import lease
from generation.models import Channel, Condition, Generation, Worker
from pictor.kit.words import clock, ids
from storage.models import StoredImage
from tests.making.certificates import signing_files
from tests.making.factories import ORIGIN, make_channel
from webhooks.models import SUCCEEDED, Delivery, Event, WebhookEndpoint

HOUR = timedelta(hours=1)


def test_a_generation_that_waits_for_more_than_30_seconds(acme, look):
    made = acme.generation()
    soon = look(0.45)

    late = look(1)

    assert soon == {}
    assert late == {("queued_too_long", ORIGIN): "1 queued, the oldest for 60 s"}
    assert (
        Condition.objects.exclude(kind="part_fails").get().micros == 52_680
    )  # the amount on hold for it
    Generation.objects.filter(id=made.id).update(state="running")
    assert look(2) == {}


def test_a_test_and_a_sandbox_may_wait(acme, look):
    make_channel("play", "dall-e-2", ORIGIN, serves="both")
    acme.tester().generation()
    acme.generation(model="dall-e-2", quality="standard", size="512x512")

    assert look(5) == {}


def test_a_generation_past_its_deadline_is_a_condition_until_it_ends(acme, look):
    made = acme.generation()
    Generation.objects.filter(id=made.id).update(state="running")
    on_time = look(8)

    late = look(8.5)

    assert on_time == {}
    assert late == {("past_deadline", ORIGIN): "1 past the deadline, the first for 30 s"}
    assert Condition.objects.exclude(kind="part_fails").get().micros == 52_680
    Generation.objects.filter(id=made.id).update(
        state="failed", captured_micros=0, finished_at=clock.now()
    )
    assert look(9) == {}


def test_workers_that_cannot_store_are_a_condition_until_they_can(worker, look):
    lease.renew(worker=worker, trouble="SlowDown")
    Worker.objects.update(seen_at=clock.now() + HOUR)
    just_begun = look(0.2)

    refuses = look(1)

    assert just_begun == {}
    assert refuses == {
        ("storage_refuses", "storage"): "1 of 1 image workers store nothing: SlowDown"
    }
    Worker.objects.update(storage_trouble="")
    assert look(2) == {}


def test_a_worker_that_is_gone_refuses_nothing(worker, look):
    lease.renew(worker=worker, trouble="SlowDown")

    assert look(1) == {}


def test_a_certificate_that_ends_within_30_days_is_a_condition(look, settings, tmp_path):
    files = signing_files(tmp_path, lasts=timedelta(days=30, minutes=5))
    end = clock.now() + timedelta(days=30, minutes=5)
    settings.C2PA_CERTIFICATE, settings.C2PA_KEY = str(files.certificate), str(files.key)

    found = look(0)

    assert found == {}
    said = {("signing_fails", "certificate"): f"nothing is signed after {end:%-d %B %Y, %H:%M} UTC"}
    assert look(6) == said


def test_images_that_their_workers_should_have_signed_are_a_condition(
    acme, look, settings, tmp_path
):
    files = signing_files(tmp_path)
    without_one = lease.enlist()
    settings.C2PA_CERTIFICATE, settings.C2PA_KEY = str(files.certificate), str(files.key)
    with_one = lease.enlist()
    for worker, credentials, size_bytes in (
        (without_one, "none", 9),
        (with_one, "signed", 9),
        (with_one, "none", 9),
        (with_one, "none", 10_000_000),
    ):
        made = acme.generation()
        Generation.objects.filter(id=made.id).update(worker=worker)
        StoredImage.objects.create(
            tenant_id=acme.id, generation_id=made.id, index=0, object_key=f"{made.id}",
            size_bytes=size_bytes, width=1, height=1, is_marked=True, credentials=credentials,
            expires_at=clock.now() + HOUR,
        )  # fmt: skip
    kind = ("signing_fails", "images")
    settings.C2PA_CERTIFICATE = ""
    without_certificate = look(0)
    settings.C2PA_CERTIFICATE = str(files.certificate)

    found = look(1)

    assert found[kind] == "1 in 10 minutes are only marked: see the image workers' log"
    assert kind not in without_certificate
    assert kind not in look(11)


def test_mail_unsent_for_a_quarter_of_an_hour_is_a_condition(look):
    mail = post(to="ann@example.com", subject="Code", text="It is 1")
    Mail.objects.filter(id=mail.id).update(created_at=Now() - timedelta(minutes=16))

    overdue = look(0)

    assert overdue == {("mail_overdue", "mail"): "none sent for 16 minutes"}
    Mail.objects.update(sent_at=clock.now())
    assert look(1) == {}


def test_webhooks_an_hour_overdue_are_a_condition(acme, look):
    endpoint = WebhookEndpoint.objects.create(
        tenant=acme.tenant, url="https://a.example", secret=""
    )
    event = Event.objects.create(
        tenant=acme.tenant, type=SUCCEEDED, subject_id=ids.new_uuid(), at=clock.now()
    )
    Delivery.objects.create(event=event, endpoint=endpoint, due_at=clock.now() - HOUR)

    overdue = look(0)

    assert overdue == {("webhooks_overdue", "webhooks"): "1 due, the first for 60 minutes"}
    Delivery.objects.update(state="delivered")
    assert look(1) == {}


@pytest.mark.parametrize("serves", ["live", "both"])
def test_only_what_a_real_channel_serves_is_waited_for(acme, look, serves):
    Channel.objects.update(serves=serves)
    acme.generation()

    assert bool(look(1)) is (serves == "live")
