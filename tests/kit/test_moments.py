"""Moments, run in threads and on loops: one implementation, the same outcome."""

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import pytest
import uvloop
from django.db import (
    DataError,
    IntegrityError,
    OperationalError,
    connection,
)
from redis.exceptions import RedisError

from pictor.kit import prepared, redis_client
from pictor.kit.moments import CONNECT, Moment, Steps, moment
from pictor.kit.prepared import Part, is_answer_lost
from pictor.kit.redis_client import Asked

pytestmark = pytest.mark.usefixtures("pooled_connections")

TWICE = Part("INSERT INTO accounts_configrevision VALUES (7, 7) RETURNING 1", [])


def in_thread(made: Moment[[], Any]) -> Any:
    return made()


def on_loop(made: Moment[[], Any]) -> Any:
    return asyncio.run(made.on_loop())


def on_uvloop(made: Moment[[], Any]) -> Any:
    return uvloop.run(made.on_loop())


@pytest.fixture(params=[in_thread, on_loop, on_uvloop])
def run(request: pytest.FixtureRequest) -> Callable[[Moment[[], Any]], Any]:
    """Runs a moment to its end."""
    way: Callable[[Moment[[], Any]], Any] = request.param
    return way


def test_each_step_brings_its_first_row_and_the_end_is_what_it_returns(run):
    @moment
    def adds() -> Steps[list[Any]]:
        first = yield Part("SELECT %s::int", [1])
        nothing = yield Part("SELECT 1 WHERE false", [])
        second = yield Part("SELECT %s::int + 1, %s::text", [*first, "a"])
        return [first, nothing, second]

    assert run(adds) == [(1,), None, (2, "a")]


def test_without_a_step_it_is_what_it_returns(run):
    @moment
    def idle() -> Steps[str]:
        yield from ()
        return "nothing"

    assert run(idle) == "nothing"


def test_a_moment_may_be_part_of_another(run):
    @moment
    def inner() -> Steps[int]:
        (found,) = yield Part("SELECT %s::int", [7])
        return int(found)

    @moment
    def outer() -> Steps[int]:
        return (yield from inner.steps()) + 1

    assert run(outer) == 8


def test_what_the_database_refuses_is_raised_in_the_moment(run):
    @moment
    def tries() -> Steps[list[Any]]:
        refusal = ""
        try:
            yield TWICE
        except IntegrityError as error:
            refusal = str(error)
        row = yield Part("SELECT %s::int", [1])
        return ["config_revision_is_one_row" in refusal, row]

    assert run(tries) == [True, (1,)]


def test_what_it_does_not_catch_is_its_callers(run):
    @moment
    def fails() -> Steps[None]:
        yield Part("SELECT 1 / %s::int", [0])

    with pytest.raises(DataError, match="division by zero"):
        run(fails)


def test_what_it_raises_itself_is_its_callers_too(run):
    @moment
    def fails() -> Steps[None]:
        yield Part("SELECT 1", [])
        raise LookupError("mine")

    with pytest.raises(LookupError, match="mine"):
        run(fails)


def test_a_call_is_made_in_a_thread():
    @moment
    def calls() -> Steps[list[Any]]:
        where = yield threading.get_ident
        row = yield lambda: prepared.fetch_one("SELECT %s::int", [1])
        return [where == threading.get_ident(), row]

    assert in_thread(calls) == [True, (1,)]
    assert on_loop(calls) == [False, (1,)]


def test_a_question_of_redis_is_a_step_too(run):
    @moment
    def asks() -> Steps[list[Any]]:
        there = yield Asked(("ECHO", "there"))
        row = yield Part("SELECT %s::text", [there.decode()])
        return [there, row]

    assert run(asks) == [b"there", ("there",)]


def test_once_connected_a_statement_waits_for_no_connection(run, monkeypatch):
    @moment
    def asks() -> Steps[Any]:
        yield CONNECT
        with monkeypatch.context() as patch:
            patch.setitem(connection.settings_dict, "PORT", "1")
            return (yield Part("SELECT 'here'", []))

    assert run(asks) == ("here",)


def test_who_cannot_be_connected_is_not_left_in_doubt(run, monkeypatch):
    @moment
    def asks() -> Steps[None]:
        yield CONNECT

    connection.close()
    with monkeypatch.context() as patch:
        patch.setitem(connection.settings_dict, "PORT", "1")
        with pytest.raises(OperationalError) as refused:
            run(asks)

    assert not is_answer_lost(refused.value)


def test_what_redis_refuses_is_raised_in_the_moment(run, settings):
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    redis_client.forget_client()

    @moment
    def asks() -> Steps[Any]:
        try:
            yield Asked(("PING",))
        except RedisError:
            return (yield Part("SELECT 'instead'", []))

    assert run(asks) == ("instead",)
    redis_client.forget_client()
