"""Bells that nobody hears are nobody's problem."""

import time

import pytest

from generation import notify
from pictor.celery import app
from pictor.kit import redis_client
from pictor.kit.ids import new_uuid

CLOSED = "redis://127.0.0.1:1/0"


@pytest.fixture
def fresh(monkeypatch):
    """The process has met no failure of the broker yet."""
    monkeypatch.setattr(notify, "_quiet_until", 0.0)


@pytest.fixture
def broken_broker(fresh, monkeypatch):
    """The broker refuses connections."""
    calls: list[str] = []

    def refuses(*_: object, **__: object) -> None:
        calls.append("tried")
        raise ConnectionRefusedError("nobody listens")

    monkeypatch.setattr(app, "send_task", refuses)
    return calls


def test_a_doorbell_is_a_message_in_the_images_queue(fresh, doorbell):
    assert notify.ring(new_uuid()) is True

    assert doorbell() == 1


def test_a_broker_that_is_away_is_logged_and_left_alone_for_a_second(broken_broker, caplog):
    heard = [notify.ring(new_uuid()) for _ in range(5)]

    assert heard == [False] * 5
    assert broken_broker == ["tried"]
    assert caplog.text.count("the doorbell was not heard") == 1


def test_after_that_it_is_tried_again(broken_broker, monkeypatch):
    notify.ring(new_uuid())
    monkeypatch.setattr(notify, "_quiet_until", time.monotonic())

    notify.ring_all([new_uuid(), new_uuid()])

    assert broken_broker == ["tried", "tried"]


def test_a_wake_up_that_cannot_be_sent_is_logged(settings, caplog):
    settings.REDIS_URL = CLOSED
    redis_client.forget_client()

    notify.wake([new_uuid()])

    redis_client.forget_client()
    assert "the wake-up was not sent" in caplog.text
