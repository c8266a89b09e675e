"""Meanings of attempts without images, where a channel's operator overrides them."""

from generation.channels.errors import AttemptClass, UpstreamError
from generation.dispatch.endings import overridden
from tests.making.factories import route_info

BUSY = UpstreamError(AttemptClass.REFUSED, "HTTP 429 busy", http_status=429, request_id="req_1")


def test_a_status_means_what_its_channel_says_and_the_error_stays_as_it_was():
    seen = overridden(BUSY, route_info(class_overrides={429: "unknown"}))

    assert (seen.attempt_class, seen.detail, seen.http_status, seen.request_id) == (
        AttemptClass.UNKNOWN, "HTTP 429 busy", 429, "req_1",
    )  # fmt: skip
    assert BUSY.attempt_class == AttemptClass.REFUSED


def test_any_other_status_keeps_its_class():
    assert overridden(BUSY, route_info(class_overrides={503: "unknown"})) is BUSY
