"""The pages that operators read, and the fields they cannot change there."""

from datetime import datetime, timedelta

import pytest
from django.forms.models import model_to_dict
from django.urls import reverse

from accounts.admin import large_tables
from generation.models import Generation, Worker
from pictor.kit.words import clock
from pictor.kit.words.ids import new_uuid, new_uuid_of
from tests.generation.admin.conftest import change_page

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("plain_static_files")]


@pytest.mark.parametrize("model", ["contract", "channel", "generation", "worker"])
def test_every_list_opens_and_can_be_searched(pages, generation, model):
    Worker.objects.create(host="machine", pid=7)
    url = reverse(f"admin:generation_{model}_changelist")

    assert pages.get(url).status_code == 200
    assert pages.get(url, {"q": "acme"}).status_code == 200


def test_replays_and_lone_attempts_have_no_pages(pages):
    index = pages.get(reverse("admin:index")).content.decode()

    assert "idempotency" not in index.lower()
    assert "/admin/generation/attempt/" not in index


@pytest.mark.parametrize("model", ["contract", "channel", "generation", "worker"])
def test_nothing_can_be_deleted(pages, generation, model):
    worker = Worker.objects.create(host="machine", pid=7)
    keys = {
        "contract": "dall-e-3",
        "channel": generation.attempts.get().channel_id,
        "generation": generation.pk,
        "worker": worker.pk,
    }

    delete = reverse(f"admin:generation_{model}_delete", args=[keys[model]])

    assert pages.post(delete, {"post": "yes"}).status_code == 403


def test_a_generation_shows_its_attempts_and_cannot_be_changed(pages, generation):
    page = pages.get(change_page("generation", generation.pk))

    assert page.status_code == 200
    assert "0.040000" in page.content.decode()
    refused = pages.post(change_page("generation", generation.pk), {"state": "succeeded"})
    assert refused.status_code == 403


@pytest.mark.parametrize("by", ["public_id", "id", "request_id"])
def test_a_generation_is_found_by_its_ids(pages, generation, by):
    url = reverse("admin:generation_generation_changelist")

    found = pages.get(url, {"q": str(getattr(generation, by))}).content.decode()
    missed = pages.get(url, {"q": str(new_uuid())}).content.decode()

    assert generation.public_id in found
    assert generation.public_id not in missed


def test_generations_are_filtered_by_state_and_model(pages, generation):
    url = reverse("admin:generation_generation_changelist")

    found = pages.get(url, {"state__exact": "queued", "model": "dall-e-3"}).content.decode()
    missed = pages.get(url, {"model": "dall-e-2"}).content.decode()

    assert generation.public_id in found
    assert generation.public_id not in missed


def test_a_stranger_is_sent_to_sign_in(client):
    answer = client.get(reverse("admin:generation_channel_changelist"))

    assert answer.status_code == 302
    assert "login" in answer["Location"]


def test_generations_are_listed_by_when_they_were_made(pages, generation):
    url = reverse("admin:generation_generation_changelist")
    old = copied(generation, clock.now() - timedelta(hours=2))

    of_an_hour = pages.get(url, {"made": "hour"}).content.decode()
    of_a_day = pages.get(url, {"made": "day"}).content.decode()

    assert (generation.public_id in of_an_hour, old.public_id in of_an_hour) == (True, False)
    assert (generation.public_id in of_a_day, old.public_id in of_a_day) == (True, True)


def test_a_list_looks_at_the_newest_of_what_it_is_asked_for(pages, generation, monkeypatch):
    monkeypatch.setattr(large_tables, "MAX_SCANNED_ROWS", 2)
    url = reverse("admin:generation_generation_changelist")
    newer = [copied(generation, clock.now() + timedelta(seconds=seconds)) for seconds in (1, 2)]
    Generation.objects.filter(id=newer[0].id).update(model="dall-e-2")

    def listed(**said: str) -> list[bool]:
        page = pages.get(url, said).content.decode()
        return [row.public_id in page for row in (generation, *newer)]

    assert listed() == [False, True, True]
    assert listed(model="dall-e-3") == [False, False, True]
    assert listed(q="acme") == [False, True, True]
    assert listed(q=generation.public_id) == [True, False, False]


def copied(generation: Generation, at: datetime) -> Generation:
    values = model_to_dict(generation, exclude=["id", "tenant", "api_key", "worker", "channel"])
    owner = {"tenant_id": generation.tenant_id, "api_key_id": generation.api_key_id}
    return Generation.objects.create(
        **{**values, **owner, "id": new_uuid_of(at), "created_at": at, "deadline_at": at}
    )
