"""Times at which a delivery is tried again."""

from datetime import timedelta

import pytest

from tests.making.factories import at
from webhooks.retry import is_hopeless, is_taken, next_wait

SECONDS = (5, 15, 60, 300, 1800, 7200, 28_800, 86_400)


@pytest.mark.parametrize(("tries", "seconds"), [*enumerate(SECONDS, start=1)])
def test_a_wait_is_as_promised_or_a_fifth_longer(tries, seconds):
    assert next_wait(tries, roll=0.0) == timedelta(seconds=seconds)
    assert next_wait(tries, roll=1.0) == timedelta(seconds=seconds * 1.2)


def test_after_the_ninth_it_is_given_up():
    assert next_wait(9, roll=0.0) is None


@pytest.mark.parametrize(
    ("status", "taken"),
    [
        (200, True),
        (204, True),
        (299, True),
        (None, False),
        (301, False),
        (404, False),
        (500, False),
    ],
)
def test_only_a_2xx_takes_it(status, taken):
    assert is_taken(status) is taken


def test_an_endpoint_is_paused_after_five_days():
    began = at("2026-11-01T12:00:00Z")

    assert not is_hopeless(began, at("2026-11-06T11:59:59Z"))
    assert is_hopeless(began, at("2026-11-06T12:00:00Z"))
