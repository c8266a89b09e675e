"""What there is to see for an operator, and what cannot be changed there."""

import pytest
from django.urls import reverse

from generation.models import Worker
from pictor.kit.ids import new_uuid
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
