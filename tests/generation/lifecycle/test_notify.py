"""A failed ring of the doorbell fails nothing else."""

import asyncio
import base64
import json
import time
from typing import Any

import pytest
import redis
from kombu.transport.redis import Channel

from generation import tasks
from generation.background import doorbell as heard
from generation.lifecycle import notify
from generation.lifecycle.claims import Queued
from generation.lifecycle.notify import Ring
from pictor.celery import app
from pictor.kit.redis import client as redis_client
from pictor.kit.words.ids import new_uuid
from tests.making.factories import queued_as

CLOSED = "redis://127.0.0.1:1/0"


def some() -> Queued:
    return Queued(new_uuid(), new_uuid(), livemode=True)


@pytest.fixture
def broken_broker(settings):
    """The broker refuses connections."""
    settings.CELERY_BROKER_URL = CLOSED
    redis_client.forget_client()
    yield
    redis_client.forget_client()


@pytest.fixture
def message(settings):
    """Take the only message of the images' queue."""
    with redis.Redis.from_url(settings.CELERY_BROKER_URL) as broker:
        yield lambda: json.loads(broker.lpop(notify.QUEUE))


def test_a_doorbell_is_a_message_in_the_images_queue(doorbell):
    assert notify.ring(Ring(some())) is True

    assert doorbell() == 1


@pytest.mark.parametrize(
    "expected", [(), ("dall-e-3", "1024x1024"), ('50 %s of "it\'s"', "auto")], ids=str
)
def test_a_doorbell_is_what_celery_would_send(doorbell, message, expected):
    queued = some()
    said = (str(queued.generation_id), str(queued.tenant_id), True, *expected)
    app.send_task(notify.TASK, said, {"format": 1}, queue=notify.QUEUE)
    theirs = message()
    notify.ring(Ring(queued, *expected))
    ours = message()

    assert json.loads(base64.b64decode(ours.pop("body"))) == json.loads(
        base64.b64decode(theirs.pop("body"))
    )
    for part, names in {
        "headers": ("id", "root_id", "origin"),
        "properties": ("correlation_id", "reply_to", "delivery_tag"),
    }.items():
        told = {name: (ours[part].pop(name), theirs[part].pop(name)) for name in names}
        assert all(isinstance(one, str) for pair in told.values() for one in pair)
    assert ours == theirs


@pytest.fixture
def taken(monkeypatch):
    """Rings handed to the loop."""
    rings: list[Ring] = []
    monkeypatch.setattr(heard, "_by", type(heard._by)())  # noqa: SLF001 - of this process
    heard.answered_by(rings.append, look=rings.clear)
    return rings


@pytest.mark.parametrize("expected", [(), ("dall-e-3", "1024x1024")], ids=str)
def test_a_doorbell_goes_from_the_consumer_to_the_loop(doorbell, message, taken, expected):
    rung = Ring(some(), *expected)
    notify.ring(rung)
    with app.connection_for_read() as connection:
        channel: Any = connection.default_channel
        came = Channel.Message(message(), channel=channel)
        came.accept = {"application/json"}

        tasks.ring.start_strategy(app, None)(came, None, None, None, [])

    assert taken == [rung]


async def rung_at_once(bells: list[Ring]) -> list[bool]:
    return list(await asyncio.gather(*(notify.ring_async(bell) for bell in bells)))


def test_bells_of_one_turn_share_messages_of_eight(doorbell, settings, taken):
    bells = [Ring(some(), "dall-e-3", "1024x1024"), *(Ring(some()) for _ in range(9))]

    assert asyncio.run(rung_at_once(bells)) == [True] * 10

    with redis.Redis.from_url(settings.CELERY_BROKER_URL) as broker:
        messages = [json.loads(one) for one in broker.lrange(notify.QUEUE, 0, -1)]
    for message in reversed(messages):
        heard.hear(json.loads(base64.b64decode(message["body"])))
    assert len(messages) == 2
    assert taken == bells


def test_a_bell_that_rings_alone_is_one_the_release_before_reads(doorbell, message):
    bell = Ring(some())

    asyncio.run(rung_at_once([bell]))

    body = json.loads(base64.b64decode(message()["body"]))
    assert body[:2] == [list(bell.arguments), {"format": 1}]


def test_only_a_plain_live_requests_ring_names_model_and_size(acme):
    plain, test, sent_along, edited = (acme.generation() for _ in range(4))
    test.livemode = False
    sent_along.inputs = [{"placeholder": "one"}]
    edited.task = "edit"

    others = [test, sent_along, edited]
    assert Ring.of(plain) == Ring(queued_as(plain), "gpt-image-2-origin", "1024x1024")
    assert [Ring.of(other) for other in others] == [Ring(queued_as(other)) for other in others]


def test_no_book_is_kept_of_doorbells():
    assert app.amqp.queues["images"].no_ack is True


def test_a_broker_that_is_away_is_logged_and_avoided_for_a_second(broken_broker, caplog):
    answers = [notify.ring(Ring(some())) for _ in range(5)]

    assert answers == [False] * 5
    assert caplog.text.count("bells are not heard") == 1


def test_no_url_of_a_broker_makes_an_accepted_generation_fail(settings, caplog):
    settings.CELERY_BROKER_URL = "amqp://broker:5672//"
    redis_client.forget_client()

    assert notify.ring(Ring(some())) is False
    assert caplog.text.count("bells are not heard") == 1
    redis_client.forget_client()


def test_a_broker_is_tried_again_after_the_pause(broken_broker, monkeypatch, caplog):
    notify.ring(Ring(some()))
    monkeypatch.setattr(notify._QUIET, "_until", time.monotonic())  # noqa: SLF001 - it is over

    notify.ring_all([some(), some()])

    assert caplog.text.count("bells are not heard") == 2


def test_a_wake_up_that_cannot_be_sent_is_logged(settings, caplog):
    settings.REDIS_URL = CLOSED
    redis_client.forget_client()

    notify.wake([new_uuid()])

    redis_client.forget_client()
    assert "bells are not heard" in caplog.text
