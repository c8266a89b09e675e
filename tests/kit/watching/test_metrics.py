"""Figures of all processes combined, on a real server."""

import json
from typing import Any

import pytest
from redis.client import Pipeline

from pictor.kit.redis import client as redis_client
from pictor.kit.watching import metrics

NAME = b"images@elsewhere:7"
KEY = b"pictor:metrics:" + NAME


@pytest.fixture(autouse=True)
def other():
    """Another process has posted."""
    client = redis_client.client()
    head = "# HELP pictor_test_other Another's.\n# TYPE pictor_test_other gauge\n"
    client.set(KEY, json.dumps({"pictor_test_other": (head, "pictor_test_other 4.0\n")}), ex=60)
    client.sadd("pictor:metrics", NAME)
    yield client
    client.delete(KEY)
    client.srem("pictor:metrics", NAME)


def test_other_processes_figures_come_with_ones_own():
    texts, is_whole = metrics.gather()

    document = metrics.join(texts).decode()

    assert is_whole
    assert "pictor_test_other 4.0\n" in document
    assert document.count("# TYPE pictor_test_other ") == 1
    assert "\nprocess_resident_memory_bytes{" in document


def test_a_process_that_posts_no_more_is_forgotten(other):
    other.delete(KEY)

    texts, _ = metrics.gather()

    assert not any("pictor_test_other" in text for text in texts)
    assert not other.sismember("pictor:metrics", NAME)


def test_a_scraped_process_posts_its_own_figures_for_the_next(other):
    metrics.gather()

    names = other.smembers("pictor:metrics") - {NAME}
    posted = [other.get(b"pictor:metrics:" + name) for name in names]

    assert any(text and b"process_resident_memory_bytes" in text for text in posted)
    assert all(other.ttl(b"pictor:metrics:" + name) <= 15 for name in names)


@pytest.fixture
def named(monkeypatch, other):
    """This process has a name, and has posted nothing."""
    monkeypatch.setattr("pictor.kit.watching.metrics._process.name", "web@here:1")
    yield b"web@here:1"
    other.delete(b"pictor:metrics:web@here:1")
    other.srem("pictor:metrics", b"web@here:1")


def test_a_process_that_stops_posts_once_more(other, named):
    metrics.stop()

    assert other.sismember("pictor:metrics", named)
    assert b"process_resident_memory_bytes" in other.get(b"pictor:metrics:" + named)


def test_other_processes_figures_are_read_only_for_a_scrape(other, named, monkeypatch):
    commands: list[Any] = []
    of_redis: Any = Pipeline.execute_command

    def noted(pipe: Any, *words: Any, **options: Any) -> Any:
        commands.append(words[0])
        return of_redis(pipe, *words, **options)

    monkeypatch.setattr(Pipeline, "execute_command", noted)
    other.delete(KEY)

    metrics.stop()

    assert set(commands) == {"SADD", "EXPIRE", "SET"}
    assert other.sismember("pictor:metrics", NAME)
