"""Models of a channel in the list: those that it serves and those awaiting a test."""

import pytest

from generation.models import Channel, ChannelTrial
from pictor.kit.words import clock
from tests.console.ops.channel_pages import LIST, text_of
from tests.making.factories import make_channel

pytestmark = pytest.mark.usefixtures("sown")

ALL = ("gpt-image-2", "gpt-image-2-auto", "gpt-image-2-origin", "gpt-image-2-pro")


def wait_for_a_test(channel: Channel, *models: str) -> None:
    channel.routes.filter(contract_id__in=models).update(is_approved=False)


def test_two_are_named_and_the_others_are_counted(owner):
    make_channel("wide", *ALL)

    answer = owner.get(LIST)

    assert "gpt-image-2 gpt-image-2-auto and 2 more" in text_of(answer)
    assert 'title="gpt-image-2-origin, gpt-image-2-pro"' in answer.content.decode()


def test_models_awaiting_a_test_are_named(owner):
    wait_for_a_test(make_channel("new", *ALL), *ALL[:3])

    said = text_of(owner.get(LIST))

    assert "Not tested: gpt-image-2 gpt-image-2-auto and 1 more no test yet" in said


def test_a_channel_says_when_it_was_tested_last_or_that_it_never_was(owner):
    make_channel("trusted", *ALL)
    channel = make_channel("tried", ALL[0])
    ChannelTrial.objects.create(channel=channel, model=ALL[0], started_at=clock.now())

    said = text_of(owner.get(LIST))

    assert "4 routes approved without a test" in said
    assert "1 route last test now" in said
