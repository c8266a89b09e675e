"""What a caller is told of the attempt that ended its generation."""

import pytest

from generation.channels.errors import AttemptClass, UpstreamError
from generation.outcome import error_for


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
