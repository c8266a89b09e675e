"""`manage.py generation`."""

import json

import pytest
import redis
from django.conf import settings as django_settings

from generation.lifecycle import notify
from generation.models import Generation
from pictor.kit.words.ids import REQUEST, new_uuid, public

pytestmark = pytest.mark.django_db


@pytest.fixture
def queue():
    """The broker's list of doorbells, emptied of ours afterwards."""
    broker = redis.Redis.from_url(django_settings.CELERY_BROKER_URL)
    broker.delete(notify.QUEUE)
    yield lambda: [json.loads(message) for message in broker.lrange(notify.QUEUE, 0, -1)]
    broker.delete(notify.QUEUE)
    broker.close()


def test_show_tells_all_that_is_known(manage, settled):
    lines = manage("generation", "show", settled.public_id).out.splitlines()

    facts = dict(line.split(maxsplit=1) for line in lines if not line.startswith(" "))
    assert facts["id"] == settled.public_id
    assert (facts["tenant"], facts["state"]) == ("acme", "succeeded")
    assert (facts["held"], facts["captured"]) == ("0.005880", "0.005880")
    assert facts["prompt"] == "a fox in the snow"
    assert (facts["attempts:"], facts["images:"], facts["transfers:"]) == ("1", "1", "2")
    (attempt,) = (line for line in lines if "channel vendor" in line)
    assert "class delivered, http_status 200, upstream_request_id req_7" in attempt


def test_show_says_how_many_workers_died_with_it_in_hand(manage, settled):
    Generation.objects.filter(id=settled.id).update(deaths=2)

    described = json.loads(manage("generation", "show", settled.public_id, "--json").out)

    assert described["generation"]["deaths"] == 2


def test_show_as_json_prints_only_the_json(manage, settled):
    described = json.loads(manage("generation", "show", str(settled.id), "--json").out)

    assert set(described) == {"generation", "attempts", "images", "transfers"}
    assert described["generation"]["id"] == settled.public_id
    assert described["generation"]["prompt"] == "a fox\nin the snow"
    assert described["attempts"][0]["class"] == "delivered"
    assert described["images"][0]["size"] == "1024x1024"
    assert [row["kind"] for row in described["transfers"]] == ["hold", "capture"]


def test_a_generation_without_images_or_attempts_can_be_shown(manage, acme):
    generation = acme.admit(5_880)

    said = manage("generation", "show", generation.public_id)

    assert "attempts: 0" in said.out
    assert "captured" not in said.out


def test_redeliver_sends_the_message_whatever_the_state(manage, acme, settled, queue):
    queued = acme.admit(5_880)

    first = manage("generation", "redeliver", settled.public_id)
    second = manage("generation", "redeliver", str(queued.id))

    assert first.out == f"{settled.public_id} (succeeded): message sent\n"
    assert second.out == f"{queued.public_id} (queued): message sent\n"
    sent = [message["headers"]["argsrepr"] for message in queue()]
    expected = (str(acme.tenant.id), True, "gpt-image-2", "1024x1024")
    assert sorted(sent) == sorted(repr((str(one.id), *expected)) for one in (settled, queued))
    assert {message["headers"]["task"] for message in queue()} == {"generation.tasks.ring"}


@pytest.mark.parametrize("text", ["gen_01m7w0dps8ekrv9c9kz67kg455", "7", "", "gen_", "ten_x"])
def test_an_unknown_id_is_one_clear_line(manage, text):
    said = manage("generation", "redeliver", text)

    assert said.error == f"no generation {text!r}"
    assert said.out == ""


def test_show_takes_the_id_of_its_request_too(manage, settled):
    request = public(REQUEST, new_uuid())
    Generation.objects.filter(id=settled.id).update(request_id=request)

    assert settled.public_id in manage("generation", "show", request).out
    missed = public(REQUEST, new_uuid())
    assert manage("generation", "show", missed).error is not None
