"""Storage must have room for the rows and images that a request will leave."""

import asyncio
from dataclasses import replace
from datetime import datetime

import pytest

from accounts.callers import Caller
from accounts.rates.daily_bytes import count_test_command
from generation.admission import room
from generation.models import Generation, Serves
from pictor.kit.redis.client import forget_client, send
from pictor.kit.words import clock
from pictor.kit.words.errors import InsufficientQuota
from tests.making.factories import PayingCustomer, make_caller, make_channel


@pytest.fixture
def tester(seeded, settings):
    """Acme by a test key whose tests of the day are used up."""
    make_channel("sandbox", serves=Serves.TEST)
    forget_client()
    tester = PayingCustomer("tester", balance=0, is_test=True)
    send(count_test_command(tester.id, settings.TEST_BYTES_PER_DAY, now=clock.now()))
    yield tester
    forget_client()


def require(caller: Caller, now: datetime) -> None:
    room.require(caller, size_bytes=1, now=now)


def require_on_loop(caller: Caller, now: datetime) -> None:
    asyncio.run(room.require_async(caller, size_bytes=1, now=now))


@pytest.mark.parametrize("ask", [require, require_on_loop])
def test_a_live_request_does_not_count_bytes_on_redis(settings, caplog, ask):
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    forget_client()
    caller, now = make_caller(), clock.now()

    ask(caller, now)
    asked_of_the_live = "rate limits are kept locally" in caplog.text
    ask(replace(caller, is_test=True), now)

    assert not asked_of_the_live
    assert "rate limits are kept locally" in caplog.text
    forget_client()


@pytest.mark.django_db
def test_a_test_without_room_leaves_nothing(tester):
    with pytest.raises(InsufficientQuota, match="They can go on at 00:00 UTC") as refused:
        tester.generation()

    assert refused.value.limit == "tests"
    assert not Generation.objects.exists()


@pytest.mark.django_db
def test_an_earlier_test_is_found_without_room(tester, settings):
    settings.TEST_BYTES_PER_DAY *= 2
    made = tester.generation(idempotency_key="once")
    settings.TEST_BYTES_PER_DAY //= 2

    assert tester.submit(idempotency_key="once").generation == made


@pytest.mark.django_db
def test_test_keys_are_admitted_while_redis_is_away(tester, settings):
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    forget_client()

    assert tester.generation().livemode is False
