"""Numbers of the environment: one that would silently stop the service stops its start instead."""

import pytest

from pictor.env import EnvError, env_int
from pictor.processes import web


@pytest.mark.parametrize(
    ("typed", "least", "found"), [("", 1, 7), ("1", 1, 1), ("0", 0, 0), (" 12 ", 1, 12)]
)
def test_a_number_is_read(monkeypatch, typed, least, found):
    monkeypatch.setenv("PICTOR_TEST_NUMBER", typed)

    assert env_int("PICTOR_TEST_NUMBER", 7, least=least) == found


@pytest.mark.parametrize("typed", ["0", "-1", "1.5", "many"])
def test_a_number_too_small_or_malformed_stops_the_start(monkeypatch, typed):
    monkeypatch.setenv("PICTOR_TEST_NUMBER", typed)

    with pytest.raises(EnvError, match="PICTOR_TEST_NUMBER must be"):
        env_int("PICTOR_TEST_NUMBER", 7)


@pytest.mark.parametrize("typed", ["", "many", "70000"])
def test_a_web_process_without_a_port_that_can_be_used_ends_with_one_line(monkeypatch, typed):
    monkeypatch.setenv("PORT", typed)

    with pytest.raises(SystemExit) as ended:
        web.main()

    assert str(ended.value) == f"PORT must be a number from 1 to 65535, not {typed!r}."
