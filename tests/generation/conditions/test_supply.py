"""Models that fewer channels serve than did."""

from generation.models import Channel, Contract
from tests.factories import ORIGIN, make_channel

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


def test_a_model_that_one_channel_served_and_none_does(channel, look):
    at_first = look(0)

    enable("one", is_enabled=False)

    assert at_first == {}
    assert look(1) == {SHRUNK: "no channel serves it, where there were 1"}
    Contract.objects.update(is_enabled=False)  # nobody is promised it any more
    assert look(2) == {}


def test_two_of_three_are_enough(channel, look):
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
