"""A short-work worker that takes no more messages, though the broker answers, ends."""

import socket
import threading

import pytest
from celery.worker import state

from pictor.kit.redis import client as redis_client
from pictor.kit.running import vital
from pictor.processes import hearing
from pictor.processes.hearing import DEAF_SECONDS, STUCK_SECONDS, Hearing

HALF, LONG = DEAF_SECONDS / 2, DEAF_SECONDS + 1


@pytest.fixture(autouse=True)
def own_client():
    """A client with the settings of each test."""
    redis_client.forget_client()
    yield
    redis_client.forget_client()


@pytest.fixture
def taken(monkeypatch):
    """The number of messages taken, in Celery's own books."""
    count = [7]
    monkeypatch.setattr(state, "all_total_count", count)
    return count


@pytest.mark.usefixtures("taken")
def test_a_long_silence_is_deafness():
    consumer = Hearing(now=0.0)

    assert [consumer.is_deaf(now=now) for now in (HALF, DEAF_SECONDS, LONG)] == [
        False, False, True,
    ]  # fmt: skip


def test_each_message_begins_the_silence_anew(taken):
    consumer = Hearing(now=0.0)
    taken[0] += 1

    assert consumer.is_deaf(now=HALF) is False
    assert consumer.is_deaf(now=LONG) is False
    assert consumer.is_deaf(now=HALF + LONG) is True


@pytest.mark.usefixtures("taken")
def test_a_busy_worker_is_not_deaf_until_it_is_stuck(monkeypatch):
    monkeypatch.setattr(state, "reserved_requests", {"an erasure that takes long"})

    consumer = Hearing(now=0.0)

    assert consumer.is_deaf(now=LONG) is False
    assert consumer.is_deaf(now=STUCK_SECONDS + 1) is True


@pytest.mark.usefixtures("taken")
def test_a_worker_is_not_deaf_while_the_broker_is_away(settings):
    consumer = Hearing(now=0.0)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        nobody = f"redis://127.0.0.1:{listening.getsockname()[1]}/0"
    settings.CELERY_BROKER_URL = nobody
    redis_client.forget_client()

    assert consumer.is_deaf(now=LONG) is False

    settings.CELERY_BROKER_URL = settings.REDIS_URL
    redis_client.forget_client()
    assert consumer.is_deaf(now=LONG + HALF) is False
    assert consumer.is_deaf(now=LONG + LONG) is True


@pytest.mark.usefixtures("taken")
def test_the_process_of_a_deaf_consumer_ends(monkeypatch):
    has_ended, reasons = threading.Event(), set[str]()

    def end_process(why: str) -> None:
        reasons.add(why)
        has_ended.set()

    monkeypatch.setattr(hearing, "DEAF_SECONDS", 0.05)
    monkeypatch.setattr(hearing, "LOOK_SECONDS", 0.01)
    monkeypatch.setattr(hearing, "_stop", threading.Event())
    monkeypatch.setattr(vital, "end_process", end_process)
    before = set(threading.enumerate())

    hearing.start()
    ended_in_time = has_ended.wait(10)
    hearing.stop()
    for thread in set(threading.enumerate()) - before:
        thread.join(10)

    assert ended_in_time
    assert reasons == {"its consumer takes no message"}
