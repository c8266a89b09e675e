"""Models that lost channels, and channels that fail: each condition opens and ends."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from billing.models import FIGURES, SoldDay
from generation.catalogue.services import unserved_models
from generation.catalogue.services.stop_switch import Stoppable, start, stop
from generation.catalogue.services.sunsets import announce_sunset, withdraw_sunset
from generation.catalogue.traffic import channel_events
from generation.catalogue.traffic.channel_events import BreakerChange
from generation.dispatch.breaker_events import BreakerChanges
from generation.lifecycle import lease
from generation.models import (
    Attempt,
    AttemptMinute,
    Channel,
    ChannelEvent,
    Condition,
    Contract,
    Route,
)
from pictor.kit.words import clock
from tests.making.factories import ORIGIN, PayingCustomer, make_channel, make_worker, route_info

SHRUNK = ("channels_shrunk", ORIGIN)


def enable(name: str, *, is_enabled: bool) -> None:
    Channel.objects.filter(name=name).update(is_enabled=is_enabled)


def test_a_model_whose_channels_shrank_to_one(channel, look):
    make_channel("two")
    with_two = look(0)

    enable("two", is_enabled=False)

    assert with_two == {}
    assert look(1) == {SHRUNK: "one channel serves it, where there were 2"}
    assert look(2) == {SHRUNK: "one channel serves it, where there were 2"}
    enable("two", is_enabled=True)
    assert look(3) == {}


def test_what_the_status_page_shows_as_not_working_is_a_condition(channel, look):
    stop(what=Stoppable(ORIGIN), reason="x", words="", now=clock.now(), actor="Ann")

    look(0)

    failing = Condition.objects.filter(kind="part_fails", resolved_at=None)
    found = dict(failing.values_list("object", "words"))
    assert found["Image workers"] == "None is at work"
    assert found["dall-e-2"] == "No channel serves it"
    assert {"API", ORIGIN} & set(found) == set()


def test_a_stop_is_a_condition_until_it_ends(channel, look):
    at = datetime(2026, 11, 20, 10, 2, tzinfo=UTC)
    at_first = look(0)

    stop(what=Stoppable(model=ORIGIN), reason="wrong colours", now=at, actor="Ann")

    assert at_first == {}
    words = "stopped since 20 November, 10:02 UTC by Ann: wrong colours"
    assert look(1) == {("stopped", ORIGIN): words}
    start(what=Stoppable(model=ORIGIN), now=clock.now(), actor="Ann")
    assert look(2) == {}


def test_a_model_that_ends_within_60_days(channel, look, acme, other):
    end = (clock.now() + timedelta(days=60, seconds=30)).replace(microsecond=0)
    announce_sunset(
        model=ORIGIN, sunset_at=end, successor="gpt-image-2", now=clock.now(), actor="Ann"
    )
    sell(acme, images=3_120)
    sell(other, images=1)
    sell(other, images=7, days_ago=31)
    sell(other, images=7, is_demo=True)

    at_first, near = look(0), look(1)

    assert at_first == {}
    at = f"{end:%-d %B %Y, %H:%M}"
    assert near == {
        ("sunset_ahead", ORIGIN): f"ends on {at} UTC, gpt-image-2 follows;"
        " 2 tenants, 3,121 images in 30 days"
    }
    withdraw_sunset(model=ORIGIN, now=clock.now(), actor="Ann")
    assert look(2) == {}


def sell(
    customer: PayingCustomer, *, images: int, days_ago: int = 0, is_demo: bool = False
) -> None:
    """Count this many sold images of gpt-image-2-origin."""
    SoldDay.objects.create(
        day=(clock.now() - timedelta(days=days_ago)).date(),
        tenant=customer.tenant,
        is_demo=is_demo,
        model=ORIGIN,
        **dict.fromkeys(FIGURES, 0) | {"images": images},
    )


def test_a_model_that_has_ended_is_missed_by_nobody(channel, look):
    make_channel("two")
    look(0)
    Contract.objects.filter(model=ORIGIN).update(sunset_at=clock.now())

    Channel.objects.update(is_enabled=False)

    assert look(1) == {}
    assert ORIGIN not in unserved_models()


def test_a_model_that_one_channel_served_and_none_does(channel, look):
    at_first = look(0)

    enable("one", is_enabled=False)

    assert at_first == {}
    assert look(1) == {SHRUNK: "no channel serves it, where there were 1"}
    Contract.objects.update(is_enabled=False)  # no tenant is promised it any more
    assert look(2) == {}


def test_a_model_left_with_two_of_three_channels_is_no_condition(channel, look):
    make_channel("two")
    make_channel("three")
    look(0)

    enable("three", is_enabled=False)

    assert look(1) == {}
    enable("two", is_enabled=False)
    assert look(2) == {SHRUNK: "one channel serves it, where there were 2"}


def test_a_sandbox_is_no_channel_that_can_be_lost(channel, look):
    make_channel("play", serves="both")
    look(0)

    enable("play", is_enabled=False)

    assert look(1) == {}


def opened(channel: Channel, worker: UUID, *, model: str = ORIGIN, closed: bool = False) -> None:
    kind = ChannelEvent.Kind.BREAKER_CLOSED if closed else ChannelEvent.Kind.BREAKER_OPENED
    channel_events.write([BreakerChange(channel.id, kind, clock.now(), model)], worker=worker)


def test_a_breaker_that_is_open_in_half_of_the_workers(channel, look):
    first, second, _ = (make_worker() for _ in range(3))
    opened(channel, first)
    in_one_of_three = look(0)

    opened(channel, second)

    assert in_one_of_three == {}
    words = "its breaker is open in 2 of 3 workers"
    assert look(1) == {("breaker_open", f"one {ORIGIN}"): words}
    opened(channel, second, closed=True)
    assert look(2) == {}


def test_a_breaker_of_all_models_names_the_channel_and_a_sandbox_none(channel, look):
    worker = make_worker()
    opened(channel, worker, model="")
    opened(make_channel("play", serves="both"), worker)

    assert look(0) == {("breaker_open", "one"): "its breaker is open in 1 of 1 workers"}
    lease.retire(worker=worker)
    assert look(1) == {}


def test_a_route_of_which_another_model_answers(channel, look):
    changes = BreakerChanges()
    route = route_info(channel_id=channel.id, upstream_model="gemini-3.7-image")

    changes.other_model(route, "gemini-3.8-image")
    changes.other_model(route, "gemini-3.8-image")
    (noted,) = changes.take()
    channel_events.write([noted], worker=make_worker())

    words = "gemini-3.8-image answers for gemini-3.7-image"
    assert look(0) == {("other_model", f"one {ORIGIN}"): words}
    ChannelEvent.objects.update(at=clock.now() - timedelta(days=1))
    assert look(1) == {}


def called(channel: Channel, *, ago: int = 1, **numbers: int) -> None:
    """Count these live calls by class, ended this many minutes ago."""
    minute = (clock.now() - timedelta(minutes=ago)).replace(second=0, microsecond=0)
    for attempt_class, number in numbers.items():
        AttemptMinute.objects.create(
            minute=minute, channel=channel, model=ORIGIN, attempt_class=attempt_class,
            number=number, latency={},
        )  # fmt: skip


def test_a_channel_of_which_most_calls_fail(channel, look):
    called(channel, delivered=4, unknown=5, moderated=20)
    nine_calls = look(0)

    called(channel, ago=2, refused=1)

    assert nine_calls == {}
    words = "4 of 10 calls in 10 minutes brought images"
    assert look(1) == {("calls_fail", f"one {ORIGIN}"): words}
    called(channel, ago=0, delivered=2)
    assert look(2) == {}


def test_answers_without_pictures_are_told_with_what_they_may_have_cost(channel, look):
    called(channel, bad_result=10)
    made = PayingCustomer("acme").generation()
    for number, micros in enumerate((30_000, 12_000)):
        Attempt.objects.create(
            generation=made, channel=channel, dispatch=1, number=number, upstream_model="m",
            attempt_class="bad_result", may_have_billed=True, cost_micros=micros,
        )  # fmt: skip

    assert look(0) == {
        ("calls_fail", f"one {ORIGIN}"): (
            "0 of 10 calls in 10 minutes brought images; answers without pictures, maybe paid:"
            " $0.042"
        )
    }
    assert Condition.objects.exclude(kind="part_fails").get().micros == 42_000


def test_calls_that_failed_long_ago_and_those_of_a_sandbox_say_nothing(channel, look):
    called(channel, ago=12, unknown=10)
    called(make_channel("play", serves="both"), unknown=10)

    assert look(0) == {}


def test_a_live_channel_with_a_route_that_waits_for_a_test(channel, look):
    play = make_channel("play", serves="both")
    Route.objects.filter(channel__in=[channel, play]).update(is_approved=False)

    waiting = look(0)

    words = "must be tested before it is served"
    assert waiting == {("route_untested", f"one {ORIGIN}"): words}
    Route.objects.update(is_approved=True)
    assert look(1) == {}


def test_a_channel_that_is_off_may_wait(channel, look):
    Route.objects.update(is_approved=False)
    Channel.objects.update(is_enabled=False)

    assert look(0) == {}


def retiring(found: Mapping[tuple[str, str], str]) -> str | None:
    return found.get(("upstream_retires", f"one {ORIGIN}"))


@pytest.mark.parametrize(
    ("host", "name", "words"),
    [
        ("api.openai.com", "dall-e-3", "dall-e-3 ended at api.openai.com on 12 May 2026"),
        ("api.openai.com", "gpt-image-2", None),
        ("relay.example", "dall-e-3", None),
    ],
)
def test_a_model_that_its_vendor_has_ended(channel, look, host, name, words):
    Channel.objects.update(base_url=f"https://{host}/v1")
    Route.objects.update(upstream_model=name)

    assert retiring(look(0)) == words


@pytest.mark.parametrize(("days", "verb"), [(0, "ended"), (1, "ends"), (60, "ends"), (61, "")])
def test_a_models_end_is_a_condition_from_sixty_days_before(channel, look, days, verb):
    day = clock.now().date() + timedelta(days=days)
    Route.objects.update(retires_on=day)

    words = f"{ORIGIN} {verb} at upstream.example on {day:%-d %B %Y}" if verb else None
    assert retiring(look(0)) == words


@pytest.mark.parametrize("change", [{"serves": "both"}, {"is_enabled": False}], ids=str)
def test_a_vendors_end_is_nothing_where_it_serves_nobody(channel, look, change):
    Channel.objects.update(base_url="https://api.openai.com/v1", **change)
    Route.objects.update(upstream_model="dall-e-3")

    assert retiring(look(0)) is None


def test_a_vendors_end_of_what_is_switched_off_here_is_nothing(channel, look):
    Channel.objects.update(base_url="https://api.openai.com/v1")
    Route.objects.update(upstream_model="dall-e-3")
    Contract.objects.update(is_enabled=False)

    assert retiring(look(0)) is None
