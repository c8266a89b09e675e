"""Processes of two releases side by side: messages of one are read or left by the other.

The messages are those of 9fb68fc, word for word, and such as a later release may send.
"""

import asyncio
import json
from collections.abc import Collection
from contextlib import closing
from typing import Any
from uuid import UUID

import pytest
import redis
from django.conf import settings

from accounts.rates import on_redis
from accounts.rates.buckets import Bucket, bucket_of_queries, bucket_of_reads, buckets_of
from generation.api import waiting
from generation.api.waiting import Hub
from generation.background import doorbell
from generation.lifecycle.claims import Queued
from generation.lifecycle.notify import FINISHED, QUEUE, TASK, Ring
from generation.lifecycle.partial_news import PARTIALS, PartialImage
from generation.lifecycle.settlement import end_without_image
from generation.lifecycle.wakeups import answer_json, read_wakeup
from generation.models import Generation, State
from generation.selectors import Finished, finished_among
from pictor.celery import app
from pictor.kit.database import pools
from pictor.kit.redis.client import send
from pictor.kit.words import clock
from storage.models import StoredImage
from tests.making.factories import make_caller

ID = "01a2a1a5-7f5c-7cd1-a70c-1a4f9f7a3a11"
TENANT = "01a2a1a5-0000-7cd1-a70c-000000000007"
OF_9FB68FC = (
    '[{"id": "01a2a1a5-7f5c-7cd1-a70c-1a4f9f7a3a11", "generation": {"model": "gpt-image-2-origin",'
    ' "task": "generate", "state": "succeeded", "livemode": true, "response_format": "url",'
    ' "captured_micros": 52680, "answer": {"created": 1795564800, "size": "1024x1024"},'
    ' "error": null}, "images": [{"object_key": "live/ab/1.png", "content_type": "image/png",'
    ' "format": "png", "size_bytes": 7, "width": 1024, "height": 1024}]}]'
)
"""A wake-up of 9fb68fc to web processes about a delivered generation."""
PARTIAL_OF_9FB68FC: dict[str, Any] = {
    "generation_id": ID,
    "key": "live/ab/partial.png",
    "image": 0,
    "index": 1,
    "size": "1024x1024",
    "output_format": "png",
    "quality": "low",
    "background": "opaque",
    "created": 1795564800,
}


def as_format_2(message: str) -> str:
    (one,) = json.loads(message)
    return json.dumps([{"format": 2, "id": one["id"], "said": {"otherwise": True}}])


# --- wake-ups ---------------------------------------------------------------------------------


def test_a_wake_up_of_the_release_before_is_answered_from():
    (finished,) = read_wakeup(OF_9FB68FC).finished

    generation, (image,) = finished.generation, finished.images
    assert (generation.id, generation.captured_micros) == (UUID(ID), 52680)
    assert (image.object_key, image.width, image.revised_prompt) == ("live/ab/1.png", 1024, "")


def test_the_release_before_answers_from_ours():
    """That release needs each of these fields and ignores others."""
    ((theirs,), ours) = (
        json.loads(OF_9FB68FC),
        answer_json(Finished(Generation(), (StoredImage(),))),
    )

    assert ours["format"] == 1
    assert set(theirs) <= set(ours)
    assert set(theirs["generation"]) <= set(ours["generation"])
    assert set(theirs["images"][0]) <= set(ours["images"][0])


@pytest.mark.parametrize(
    "message",
    [
        as_format_2(OF_9FB68FC),
        OF_9FB68FC.replace('"id"', '"format": 2, "id"'),
        OF_9FB68FC.replace('"captured_micros"', '"captured"'),
        OF_9FB68FC.replace('[{"object_key"', '[{"name"'),
        f'["{ID}"]',
    ],
    ids=[
        "format 2",
        "which looks alike",
        "without a field",
        "without a field of its image",
        "an id alone",
    ],
)
def test_the_id_of_an_unreadable_wake_up_is_still_read(message):
    said = read_wakeup(message)

    assert (said.finished, said.ids, said.is_clear) == ([], [UUID(ID)], True)


def test_an_unreadable_entry_leaves_the_others_readable():
    of_2 = json.loads(as_format_2(OF_9FB68FC))

    said = read_wakeup(json.dumps([*of_2, *json.loads(OF_9FB68FC)]))

    assert (len(said.finished), said.ids) == (1, [UUID(ID)])


def end(generation: Generation) -> None:
    end_without_image(
        generation=generation,
        state=State.CANCELED,
        condition={"id": generation.id},
        error=None,
        now=clock.now(),
    )


@pytest.mark.anyio
@pytest.mark.usefixtures("pooled_connections")
@pytest.mark.parametrize(
    ("message", "said"),
    [
        (as_format_2(OF_9FB68FC), 0),
        ('{"format": 3, "of": "whom?"}', 1),
        ('[{"format": 3, "number": 7}]', 1),
        ("\x00", 1),
    ],
    ids=["format 2", "another shape", "without an id", "no JSON"],
)
async def test_an_unreadable_wake_up_still_wakes_the_caller_and_is_logged_once(
    message, said, acme, caplog
):
    generation = await pools.database(acme.generation)
    hub = Hub()
    with closing(hub.ticket()) as ticket:
        ticket.watch(generation.id)
        await pools.database(end, generation)

        for _ in range(3):
            named = message.replace(ID, str(generation.id))
            hub._hear(FINISHED.encode(), named.encode())  # noqa: SLF001 - of a subscription
        finished = await ticket.wait(5.0)

    assert finished is not None
    assert finished.generation.id == generation.id
    assert caplog.text.count("a wake-up cannot be read") == said


@pytest.mark.anyio
async def test_many_that_cannot_be_read_are_one_look(pooled_connections, acme, monkeypatch):
    looks: list[int] = []

    def looked(ids: Collection[UUID]) -> list[Finished]:
        looks.append(len(ids))
        return finished_among(ids)

    generations = await pools.database(lambda: [acme.generation() for _ in range(3)])
    monkeypatch.setattr(waiting, "finished_among", looked)
    hub = Hub()
    tickets = [hub.ticket() for _ in generations]
    for ticket, generation in zip(tickets, generations, strict=True):
        ticket.watch(generation.id)
        await pools.database(end, generation)

    for _ in range(50):
        hub._hear(FINISHED.encode(), b"{}[")  # noqa: SLF001 - what a subscription hands on
    found = await asyncio.gather(*(ticket.wait(5.0) for ticket in tickets))

    assert all(found)
    assert looks == [3]


# --- partial images ---------------------------------------------------------------------------


def test_an_announcement_of_the_previous_release_is_read_and_an_extra_field_ignored():
    expected = PartialImage(**PARTIAL_OF_9FB68FC)

    assert PartialImage.from_json(json.dumps(PARTIAL_OF_9FB68FC)) == expected
    assert PartialImage.from_json(json.dumps({**PARTIAL_OF_9FB68FC, "seed": 7})) == expected


def test_ours_is_one_that_the_release_before_reads():
    """That release refuses a message with a field more or fewer."""
    assert json.loads(PartialImage(**PARTIAL_OF_9FB68FC).as_json()) == PARTIAL_OF_9FB68FC


def test_an_announcement_in_another_format_is_left_and_said_once(caplog):
    hub = Hub()

    for _ in range(3):
        hub.show(json.dumps({**PARTIAL_OF_9FB68FC, "format": 2}))

    assert caplog.text.count("an announced partial image cannot be read") == 1


# --- bells ------------------------------------------------------------------------------------


@pytest.fixture
def answered(monkeypatch):
    """Doorbells heard, and "look" for each look at the queue."""
    rung: list[Ring | str] = []
    monkeypatch.setattr(doorbell, "_by", type(doorbell._by)())  # noqa: SLF001 - of this process
    doorbell.answered_by(rung.append, look=lambda: rung.append("look"))
    return rung


@pytest.mark.parametrize("said", [{}, {"format": 1}], ids=["9fb68fc", "format 1"])
@pytest.mark.parametrize("expected", [(), ("dall-e-3", "1024x1024")], ids=str)
def test_a_bell_of_the_release_before_and_of_this_one_are_the_same(answered, said, expected):
    doorbell.hear([[ID, TENANT, True, *expected], said, {"chord": None}])

    assert answered == [Ring(Queued(UUID(ID), UUID(TENANT), livemode=True), *expected)]


@pytest.mark.parametrize(
    "payload",
    [
        [[ID, "dall-e-3", "1024x1024"], {}, {}],
        [[ID, TENANT, True], {"format": 2}, {}],
        [[{"generation": ID}], {"format": 2}, {}],
        [[ID, TENANT, True, "dall-e-3", "auto", "more"], {}, {}],
        [["no id"], {}, {}],
        [[ID, TENANT, "true"], {}, {}],
        [[7], {}, {}],
        *([[], {}, {}], [[ID, TENANT, True], None, {}], {}, None),
    ],
)
def test_an_unreadable_bell_has_the_queue_read_and_is_logged_once(answered, caplog, payload):
    doorbell.hear(payload)
    doorbell.hear(payload)

    assert answered == ["look", "look"]
    assert caplog.text.count("a doorbell cannot be read") == 1


# --- names shared by all releases --------------------------------------------------------------


def test_messages_go_where_the_release_before_listens():
    assert (FINISHED, PARTIALS) == ("pictor:finished", "pictor:partials")
    assert (QUEUE, TASK) == ("images", "generation.tasks.ring")


def test_every_task_that_the_release_before_sends_is_known():
    app.loader.import_default_modules()

    assert {
        "accounts.tasks.erase_tenants",
        "accounts.tasks.forget_mail",
        "accounts.tasks.forget_sessions",
        "accounts.tasks.send_mail",
        "billing.tasks.tell_of_low_balances",
        "billing.tasks.tell_of_passed_budgets",
        "generation.tasks.check_ledger",
        "generation.tasks.forget_idempotency_keys",
        "generation.tasks.forget_inputs",
        "generation.tasks.forget_leftovers",
        "generation.tasks.forget_prompts",
        "generation.tasks.look_around",
        "generation.tasks.ring",
        "storage.expire_exports",
        "storage.expire_images",
        "storage.make_exports",
        "storage.measure_images",
        "storage.prove_removal",
        "webhooks.tasks.forget_webhooks",
    } <= set(app.tasks)


def test_both_releases_count_rates_under_the_same_keys():
    """Both use the same Redis keys in the old form: level x 1000, and its time."""
    caller = make_caller(tenant_rpm=60, key_rpm=30)
    tag = f"pictor:rate:{{{caller.tenant_id}}}"
    of_both = buckets_of(
        caller.limits, tenant_id=caller.tenant_id, key_id=caller.key_id, requests=1, images=1,
        ceiling=60,
    )  # fmt: skip
    names = [bucket.name for bucket in [*of_both, bucket_of_reads(caller.tenant_id, 60)]]
    names.append(bucket_of_queries(caller.tenant_id, 60).name)
    name = f"{tag}:tenant:requests"
    with redis.Redis.from_url(settings.REDIS_URL) as client:
        seconds, microseconds = client.time()
        now = int(seconds) * 1000 + int(microseconds) // 1000
        client.hset(name, mapping={"level": 7000, "at": now})
        taken = send(on_redis.take_command([Bucket(name, "requests", "account", 60, 1, 86_400.0)]))
        kept = client.hkeys(name)
        client.delete(name)

    assert taken.levels == (6.0,)
    assert sorted(kept) == [b"at", b"level"]
    assert names == [
        f"{tag}:tenant:requests",
        f"{tag}:{caller.key_id}:requests",
        f"{tag}:tenant:images",
        f"{tag}:tenant:reads",
        f"{tag}:tenant:queries",
    ]
