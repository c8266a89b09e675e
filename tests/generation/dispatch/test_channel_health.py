"""Breakers, gates, caps and size fidelity. Times are seconds on a clock of the test's own."""

from dataclasses import replace
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import REGISTRY

from generation.catalogue.contracts import RouteInfo
from generation.channels.errors import AttemptClass
from generation.dispatch.channel_health import Health
from generation.dispatch.circuits import UpstreamCall
from pictor.kit.words.ids import new_uuid
from tests.making.factories import route_info

TENANT, OTHER_TENANT = new_uuid(), new_uuid()
ROUTE = route_info()
OTHER_MODEL = route_info(model="dall-e-3")
OTHER_CHANNEL = route_info(channel_id=2)


class Channels:
    """A process's view of channel health, driven by whole calls."""

    def __init__(self) -> None:
        self.health = Health()

    def call(
        self,
        now: float,
        ended: str = "delivered",
        *,
        route: RouteInfo = ROUTE,
        retry_after: float | None = None,
        tenant: UUID = TENANT,
    ) -> None:
        self.end(self.health.started(route, tenant=tenant), now, ended, retry_after=retry_after)

    def start(self, calls: int, *, sent_at: float | None = None) -> list[UpstreamCall]:
        started = [self.health.started(ROUTE, tenant=TENANT) for _ in range(calls)]
        for call in started:
            call.sent_at = sent_at
        return started

    def end(
        self,
        call: UpstreamCall,
        now: float,
        ended: str = "delivered",
        *,
        retry_after: float | None = None,
    ) -> None:
        failed_as = None if ended == "delivered" else AttemptClass(ended)
        self.health.ended(call, failed_as=failed_as, retry_after=retry_after, now=now)

    def known(self, now: float) -> bool:
        return self.health.is_known(ROUTE, now=now)

    def usable(self, now: float, route: RouteInfo = ROUTE) -> bool:
        return self.health.is_usable(route, now=now)

    def broken(self) -> None:
        """Open the breaker at second 0."""
        for _ in range(3):
            self.call(0, "unknown")


@pytest.fixture
def channels():
    return Channels()


def test_an_unknown_channel_is_usable(channels):
    assert channels.usable(0) is True
    assert channels.known(0) is True


def test_a_breaker_says_when_it_opens_stays_open_and_closes(channels, caplog):
    channels.broken()
    channels.call(11, "unknown")
    channels.call(40)
    channels.call(41)

    name = f"the breaker of {ROUTE.channel_name} for {ROUTE.model} is"
    said = [f"{name} open for 10 s", f"{name} open for 20 s", f"{name} closed again"]
    assert [record.getMessage() for record in caplog.records] == said


def shown(route: RouteInfo) -> tuple[float | None, float | None]:
    """The open-breaker metrics of the route's model and of its whole channel."""
    names = [{"channel": route.channel_name, "model": model} for model in (route.model, "")]
    model, whole = (REGISTRY.get_sample_value("pictor_breaker_open", name) for name in names)
    return model, whole


def test_an_open_breaker_is_shown_until_a_call_goes_well(channels):
    route = route_info(channel_name="shown", model="dall-e-2")
    for second in range(3):
        channels.call(second, "unknown", route=route)
    assert shown(route) == (1, 0)

    channels.call(40, "unknown", route=route)  # a probe that fails
    assert shown(route) == (1, 0)

    channels.call(80, route=route)
    assert shown(route) == (0, 0)


def test_a_reset_channel_is_shown_closed(channels):
    route = route_info(channel_name="reset", model="dall-e-2")
    for second in range(3):
        channels.call(second, "refused", route=route)
    assert shown(route) == (1, 1)

    channels.health.is_usable(replace(route, reset_count=1), now=3)

    assert shown(route) == (0, 0)


@pytest.mark.parametrize("ended", ["not_reached", "refused", "unknown"])
def test_the_third_failure_opens_the_breaker(channels, ended):
    channels.call(0, ended)
    channels.call(1, ended)
    assert channels.usable(1) is True

    channels.call(2, ended)

    assert channels.usable(2) is False
    assert channels.usable(11.9) is False
    assert channels.usable(12) is True


@pytest.mark.parametrize("ended", ["rejected", "moderated", "storage_failed"])
def test_failures_that_are_not_the_channels_do_not_count(channels, ended):
    for second in range(20):
        channels.call(second, ended)

    assert channels.usable(20) is True


def test_failures_of_more_than_a_minute_ago_are_forgotten(channels):
    channels.call(0, "unknown")
    channels.call(1, "unknown")
    channels.call(61, "unknown")

    assert channels.usable(61) is True


def test_a_channel_that_mostly_succeeds_stays_closed(channels):
    for second in range(4):
        channels.call(second)
    for second in range(4, 7):
        channels.call(second, "unknown")
    assert channels.usable(7) is True

    channels.call(7, "unknown")

    assert channels.usable(7) is False


def test_only_the_last_twenty_outcomes_are_looked_at(channels):
    for _ in range(100):
        channels.call(0)
    for _ in range(10):
        channels.call(1, "unknown")

    assert channels.usable(1) is False


def test_four_failures_in_a_row_open_the_breaker_however_well_it_went_before(channels):
    for _ in range(20):
        channels.call(0)
    for _ in range(3):
        channels.call(1, "refused")
    assert channels.usable(1) is True

    channels.call(1, "refused")

    assert channels.usable(1) is False


def test_one_success_among_the_last_five_keeps_the_breaker_closed(channels):
    for _ in range(20):
        channels.call(0)
    for ended in ("refused", "refused", "delivered", "refused", "refused"):
        channels.call(1, ended)

    assert channels.usable(1) is True


def test_one_probe_at_a_time_goes_through_when_the_pause_is_over(channels):
    channels.broken()

    channels.health.started(ROUTE, tenant=TENANT)

    assert channels.usable(10) is False


def test_a_good_probe_closes_the_breaker(channels):
    channels.broken()

    channels.call(10)

    assert channels.usable(10) is True
    assert channels.known(0) is True


def test_each_failed_probe_doubles_the_pause_up_to_two_minutes(channels):
    channels.broken()
    now, pauses = 10.0, []
    for _ in range(6):
        channels.call(now, "unknown")
        pause = next(wait for wait in (20, 40, 80, 120, 160) if channels.usable(now + wait))
        pauses.append(pause)
        now += pause

    assert pauses == [20, 40, 80, 120, 120, 120]


def test_a_probe_that_ends_by_the_callers_own_error_decides_nothing(channels):
    channels.broken()

    channels.call(10, "rejected")

    assert channels.usable(10) is True
    channels.health.started(ROUTE, tenant=TENANT)
    assert channels.usable(10) is False


def test_five_answers_without_images_open_the_models_breaker_of_its_only_tenant(channels):
    usable = []
    for second in range(5):
        channels.call(second, "bad_result")
        usable.append(channels.usable(second))

    assert usable == [True, True, True, True, False]
    assert channels.usable(4, OTHER_MODEL) is True
    assert [channels.usable(second) for second in (13, 14)] == [False, True]


def test_answers_without_images_of_one_tenant_among_two_are_no_evidence(channels):
    channels.call(0, tenant=OTHER_TENANT)
    for second in range(9):
        channels.call(second, "bad_result")

    assert channels.usable(9) is True
    channels.call(9, "bad_result", tenant=OTHER_TENANT)
    assert channels.usable(9) is False


def test_a_tenant_of_more_than_an_hour_ago_is_no_second_one(channels):
    channels.call(0, tenant=OTHER_TENANT)
    for second in range(3601, 3606):
        channels.call(second, "bad_result")

    assert channels.usable(3605) is False


def test_a_delivery_begins_the_count_of_empty_answers_anew_and_a_probe_goes_on_with_it(channels):
    for second in range(4):
        channels.call(second, "bad_result")
    channels.call(4)
    for second in range(5, 10):
        channels.call(second, "bad_result")
    assert [channels.usable(second) for second in (9, 18, 19)] == [False, False, True]

    channels.call(19, "bad_result")

    assert [channels.usable(second) for second in (38, 39)] == [False, True]
    channels.call(39)
    assert channels.usable(39) is True


def test_a_breaker_is_of_one_channel_and_model(channels):
    channels.broken()

    assert channels.usable(0, OTHER_MODEL) is True
    assert channels.usable(0, OTHER_CHANNEL) is True


def test_refusals_are_about_the_account_and_close_the_channel_for_all_models(channels):
    for model in ("gpt-image-1", "gpt-image-2", "dall-e-2"):
        channels.call(0, "refused", route=route_info(model=model))

    assert channels.usable(0) is False
    assert channels.usable(0, OTHER_MODEL) is False
    assert channels.usable(0, OTHER_CHANNEL) is True


def test_a_channel_that_answered_well_is_unproven_again_after_its_first_failure(channels):
    channels.call(0)
    one, *_ = channels.start(7)
    assert channels.known(0) is True

    channels.end(one, 1, "refused")

    assert channels.known(0) is False


def test_a_channel_with_only_an_open_breaker_is_a_last_resort(channels):
    channels.broken()

    assert channels.health.is_only_broken(ROUTE, now=0) is True


def test_retry_after_closes_the_channel_for_all_its_models(channels):
    channels.call(0, "refused", retry_after=30)

    assert channels.usable(29.9, OTHER_MODEL) is False
    assert channels.health.is_only_broken(ROUTE, now=29.9) is False
    assert channels.usable(30, OTHER_MODEL) is True
    assert channels.usable(0, OTHER_CHANNEL) is True


def test_a_shorter_retry_after_does_not_open_a_gate_early(channels):
    channels.call(0, "refused", retry_after=30)
    channels.call(1, "refused", retry_after=2)

    assert channels.usable(29, OTHER_MODEL) is False


def test_a_full_channel_is_not_usable_until_a_call_ends(channels):
    small = route_info(max_concurrency=2)
    first = channels.health.started(small, tenant=TENANT)
    assert channels.usable(0, small) is True
    channels.health.started(route_info(max_concurrency=2, model="dall-e-3"), tenant=TENANT)
    assert channels.usable(0, small) is False
    assert channels.health.is_only_broken(small, now=0) is False

    channels.end(first, 0)

    assert channels.usable(0, small) is True


def test_an_unproven_channel_gets_four_calls_at_once_before_others_go_first(channels):
    channels.start(3)
    assert channels.known(0) is True
    (last,) = channels.start(1)
    assert channels.known(0) is False

    channels.end(last, 0)

    channels.start(50)
    assert channels.known(0) is True


def test_calls_that_failed_count_among_the_four_until_one_goes_well_or_a_minute_is_over(channels):
    channels.call(0, "unknown")
    channels.call(1, "unknown")
    channels.start(1)
    assert channels.known(1) is True

    (last,) = channels.start(1)

    assert [channels.known(now) for now in (1, 59, 61)] == [False, False, True]
    channels.end(last, 59)
    assert channels.known(59) is True


@pytest.mark.parametrize(("seconds", "calls"), [(1.9, 4), (2, 8), (3.9, 8), (4, 16), (6, 32)])
def test_an_unproven_channel_gets_twice_as_many_for_every_two_seconds_without_failure(
    channels, seconds, calls
):
    channels.start(calls - 1, sent_at=0)
    assert channels.known(seconds) is True

    channels.start(1)

    assert channels.known(seconds) is False


def test_a_call_from_before_a_failure_does_not_speak_for_the_channel(channels):
    hanging, failing, *_ = channels.start(5, sent_at=0)
    assert hanging.sent_at == 0
    channels.end(failing, 1, "unknown")

    assert channels.known(100) is False


def test_calls_that_have_not_gone_out_yet_are_no_news_however_long_they_take(channels):
    channels.start(4)

    assert channels.known(100) is False


def test_a_channel_that_keeps_returning_another_size_loses_its_rank_for_that_size(channels):
    for _ in range(3):
        channels.health.delivered(ROUTE, size="3840x2160", was_right=False, now=0)

    assert channels.health.keeps_size(ROUTE, "3840x2160") is False
    assert channels.health.keeps_size(ROUTE, "1024x1024") is True
    assert channels.health.keeps_size(OTHER_MODEL, "3840x2160") is True


def test_one_right_size_gives_the_rank_back(channels):
    for _ in range(5):
        channels.health.delivered(ROUTE, size="3840x2160", was_right=False, now=0)

    channels.health.delivered(ROUTE, size="3840x2160", was_right=True, now=0)

    assert channels.health.keeps_size(ROUTE, "3840x2160") is True


def test_a_reset_forgets_everything(channels):
    channels.broken()
    channels.call(0, "refused", retry_after=60)
    channels.health.delivered(ROUTE, size="3840x2160", was_right=False, now=0)

    assert channels.usable(0, route_info(reset_count=1)) is True


def test_a_configuration_from_before_a_reset_does_not_bring_the_old_state_back(channels):
    after = route_info(reset_count=1)
    channels.call(0, "refused", route=after, retry_after=60)

    assert channels.usable(0, ROUTE) is False
    assert channels.usable(0, after) is False


def test_the_end_of_a_call_from_before_a_reset_changes_nothing(channels):
    (before,) = channels.start(1)
    after = route_info(reset_count=1, max_concurrency=1)
    channels.health.started(after, tenant=TENANT)

    channels.end(before, 0, "refused", retry_after=60)

    assert channels.usable(0, after) is False
    assert channels.usable(0, route_info(reset_count=1)) is True


def test_a_call_ends_once(channels):
    (call,) = channels.start(1)
    for _ in range(3):
        channels.end(call, 0, "unknown")

    assert channels.usable(0) is True


ANN, BOB = new_uuid(), new_uuid()


def rejected(channels: Channels, *tenants: UUID) -> bool:
    for tenant in tenants:
        channels.health.rejected(ROUTE, tenant=tenant)
    return channels.health.is_doubted(ROUTE)


@pytest.mark.parametrize(
    ("tenants", "is_doubted"),
    [
        ((ANN, ANN, ANN, ANN, BOB), True),
        ((ANN, ANN, ANN, BOB), False),
        ((ANN,) * 50, False),
        ((BOB, *(ANN,) * 5), False),
    ],
)
def test_a_channel_that_rejects_whatever_two_tenants_ask_is_doubted(channels, tenants, is_doubted):
    assert rejected(channels, *tenants) is is_doubted


def test_one_success_ends_all_doubt(channels):
    rejected(channels, ANN, BOB, ANN, BOB, ANN)

    channels.call(1)

    assert not channels.health.is_doubted(ROUTE)
    assert not rejected(channels, ANN, BOB, ANN, BOB)


def test_a_delivery_elsewhere_counts_against_the_channel_that_rejected(channels):
    usable = []
    for now in range(3):
        usable.append(channels.health.is_usable(ROUTE, now=now))
        channels.health.was_wrong(ROUTE, now=now)

    assert usable == [True, True, True]
    assert not channels.health.is_usable(ROUTE, now=3)
    assert channels.health.is_usable(OTHER_MODEL, now=3)


@given(
    answers=st.lists(st.sampled_from(["bad_result", "unknown", "refused"]), min_size=1),
    tenants=st.integers(1, 3),
)
def test_a_channel_that_delivers_nothing_is_left_however_it_fails(answers, tenants):
    """Seven requests at most before it opens, then one a pause; all others reach the next one."""
    channels, known = Channels(), [new_uuid() for _ in range(tenants)]
    asked = 0

    for second in range(300):
        if channels.usable(second):
            channels.call(second, answers[asked % len(answers)], tenant=known[second % tenants])
            asked += 1

    assert asked <= 7 + 5  # pauses of 10, 20, 40, 80 and 120 s
