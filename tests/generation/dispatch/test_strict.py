"""Strict sizes avoid a channel whose last delivery had another size, but for a late probe."""

import asyncio
from contextlib import suppress
from typing import Any

import pytest

from generation.catalogue.plans import NATIVE, Candidate
from generation.catalogue.snapshot import current_catalogue
from generation.dispatch import channel_health
from generation.dispatch.channel_health import Health
from generation.dispatch.choosing import UNMADE, Chooser
from generation.dispatch.circuits import UpstreamCall
from generation.lifecycle.outcome import NO_STRICT_CHANNEL, Failure
from pictor.kit.words.errors import PictorError
from pictor.kit.words.ids import new_uuid
from tests.making.factories import ORIGIN, make_channel, route_info

SIZE, WRONG = "1024x1024", "512x512"
ROUTE, ANN = route_info(), new_uuid()


def candidate(**route: Any) -> Candidate:
    return Candidate(route_info(**route), NATIVE, SIZE)


FIRST, SECOND = candidate(), candidate(channel_id=2)


async def chosen(
    chooser: Chooser, *queue: Candidate, is_strict: bool = True
) -> Candidate | PictorError:
    """The channel called, by a call left open; or the error if there is none."""
    try:
        found, _ = await chooser.next_of(queue, tenant=ANN, seconds_left=60, is_strict=is_strict)
    except Failure as failure:
        return failure.error
    return found


async def next_strict(chooser: Chooser, *queue: Candidate) -> tuple[Candidate, UpstreamCall]:
    return await chooser.next_of(queue, tenant=ANN, seconds_left=60, is_strict=True)


def delivered(chooser: Chooser, one: Candidate, size: str) -> None:
    chooser.delivered(one, wanted=SIZE, sizes=[size])


@pytest.fixture
def chooser() -> Chooser:
    return Chooser()


@pytest.fixture
def long_after(monkeypatch: pytest.MonkeyPatch) -> None:
    """Act as if ten minutes had passed since every delivery."""
    monkeypatch.setattr(channel_health, "STRICT_PAUSE_SECONDS", 0.0)


def test_after_a_wrong_size_the_others_are_called(chooser):
    delivered(chooser, FIRST, WRONG)

    assert asyncio.run(chosen(chooser, FIRST, SECOND)) is SECOND
    assert asyncio.run(chosen(chooser, FIRST)) is NO_STRICT_CHANNEL
    assert asyncio.run(chosen(chooser, FIRST, is_strict=False)) is FIRST


def test_one_wrong_image_of_several_suffices(chooser):
    chooser.delivered(FIRST, wanted=SIZE, sizes=[SIZE, WRONG])

    assert asyncio.run(chosen(chooser, FIRST)) is NO_STRICT_CHANNEL


def test_the_last_delivery_decides(chooser):
    for size in (WRONG, WRONG, WRONG, SIZE):
        delivered(chooser, FIRST, size)

    assert asyncio.run(chosen(chooser, FIRST)) is FIRST
    assert chooser.was_right(FIRST)


def test_a_size_never_delivered_is_unknown(chooser):
    assert asyncio.run(chosen(chooser, FIRST)) is FIRST
    assert not chooser.was_right(FIRST)


@pytest.mark.parametrize(("seconds", "may_probe"), [(599, False), (600, True)])
def test_ten_minutes_later_it_may_be_asked_again(seconds, may_probe):
    channels = Health()
    channels.delivered(ROUTE, size=SIZE, was_right=False, now=0)

    assert channels.may_probe(ROUTE, SIZE, now=seconds) is may_probe


def test_a_wrong_size_of_somebody_elses_puts_that_off():
    channels = Health()
    for now in (0, 500):
        channels.delivered(ROUTE, size=SIZE, was_right=False, now=now)

    assert not channels.may_probe(ROUTE, SIZE, now=600)


@pytest.mark.usefixtures("long_after")
def test_only_one_request_probes_at_a_time(chooser):
    delivered(chooser, FIRST, WRONG)

    probe, call = asyncio.run(next_strict(chooser, FIRST))
    beside = asyncio.run(chosen(chooser, FIRST))
    chooser.count_out(call, UNMADE)
    after = asyncio.run(chosen(chooser, FIRST))

    assert (probe, beside, after) == (FIRST, NO_STRICT_CHANNEL, FIRST)


@pytest.mark.usefixtures("long_after")
def test_nobodys_image_is_risked_where_another_channel_can_make_it(chooser):
    delivered(chooser, FIRST, WRONG)

    assert asyncio.run(chosen(chooser, FIRST, SECOND)) is SECOND


def test_a_request_waiting_for_a_channel_that_proves_wrong_is_refused(chooser):
    narrow = candidate(max_concurrency=1)

    async def waited() -> Candidate | PictorError:
        _, call = await next_strict(chooser, narrow)
        waiting = asyncio.create_task(chosen(chooser, narrow))
        with suppress(TimeoutError):
            await asyncio.wait_for(asyncio.shield(waiting), 0.05)
        assert not waiting.done()
        delivered(chooser, narrow, WRONG)
        chooser.count_out(call, UNMADE)
        return await waiting

    assert asyncio.run(waited()) is NO_STRICT_CHANNEL


def test_a_channel_avoided_by_strict_sizes_gets_no_first_attempt(seeded, chooser):
    make_channel()
    current_catalogue()
    with chooser.opening(ORIGIN, SIZE, ANN) as before:
        assert before is not None

    delivered(chooser, before.candidate, WRONG)

    with chooser.opening(ORIGIN, SIZE, ANN) as after:
        assert after is None
    with chooser.opening(ORIGIN, "1536x1024", ANN) as other_size:
        assert other_size is not None
