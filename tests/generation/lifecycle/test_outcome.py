"""The caller's error from the attempt that ended its generation."""

import pytest

from generation.channels.errors import AttemptClass, UpstreamError, no_room
from generation.lifecycle.outcome import error_for


@pytest.mark.parametrize(
    ("attempt_class", "status", "code"),
    [
        ("not_reached", 503, "no_channel_available"),
        ("refused", 503, "no_channel_available"),
        ("rejected", 400, "invalid_value"),
        ("moderated", 400, "moderation_blocked"),
        ("unknown", 502, "upstream_error"),
        ("bad_result", 502, "upstream_error"),
        ("storage_failed", 502, "upstream_error"),
    ],
)
def test_each_class_is_told_in_our_words(attempt_class, status, code):
    error = error_for(UpstreamError(AttemptClass(attempt_class), "host secret.example said no"))

    assert (error.status, error.code) == (status, code)
    assert error.message.endswith(" You were not charged.")
    assert "secret" not in error.message


def test_a_rejection_names_the_field_where_it_is_one_of_ours():
    error = error_for(
        UpstreamError(
            AttemptClass.REJECTED,
            "secret",
            public_message="The model does not take that background.",
            public_param="background",
        )
    )

    assert error.message == "The model does not take that background. You were not charged."
    assert error.param == "background"


def test_a_full_disk_of_ours_is_no_fault_of_the_model():
    error = error_for(no_room(OSError("/var/spool is full")))

    assert (error.status, error.type, error.code) == (503, "api_error", "service_unavailable")
    assert error.message == "There was no room for the image on our side. You were not charged."
