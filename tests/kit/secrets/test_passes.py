"""Passes: for one purpose, until a set time, with one secret."""

from datetime import UTC, datetime, timedelta

import pytest

from pictor.kit.secrets import passes

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
UNTIL = NOW + timedelta(hours=1)


def test_a_pass_is_good_until_it_ends():
    made = passes.issue("open", secret="s", until=UNTIL)

    assert passes.is_good(made, "open", secret="s", now=NOW)
    assert passes.is_good(made, "open", secret="s", now=UNTIL - timedelta(seconds=1))
    assert not passes.is_good(made, "open", secret="s", now=UNTIL)


@pytest.mark.parametrize(("purpose", "secret"), [("shut", "s"), ("open", "another")])
def test_for_another_purpose_or_of_another_secret_it_is_none(purpose, secret):
    made = passes.issue("open", secret="s", until=UNTIL)

    assert not passes.is_good(made, purpose, secret=secret, now=NOW)


def test_a_passes_end_cannot_be_postponed():
    ends, _, signature = passes.issue("open", secret="s", until=UNTIL).partition(".")

    assert not passes.is_good(f"{int(ends) + 1}.{signature}", "open", secret="s", now=NOW)


@pytest.mark.parametrize("text", ["", ".", "1.", "9" * 13 + "." + "0" * 64, "\u0661." + "0" * 64])
def test_a_malformed_pass_is_not_good(text):
    assert not passes.is_good(text, "open", secret="s", now=NOW)
