"""The fields sent to a channel, and those reported as ignored: no database, no call."""

from dataclasses import replace
from typing import Any

import pytest

from generation.catalogue.plans import NATIVE, Candidate
from generation.channels.base import UpstreamAnswer
from generation.channels.declaration import Abilities, Task
from generation.dispatch.call import ignored_by, request_for
from generation.models import Generation
from tests.making.factories import route_info

FIELDS = {"style": "vivid", "watermark": False}


def generation(**changes: Any) -> Generation:
    return Generation(
        model="gpt-image-2", prompt="a fox", n=1, fields=FIELDS, partial_images=2,
        **{"output_format": "png", **changes},
    )  # fmt: skip


def channel(*, ignored: tuple[str, ...] = (), **abilities: Any) -> Candidate:
    """A channel that by default can do everything."""
    declared = Abilities(
        frozenset({Task.GENERATE}), frozenset({"style", "watermark"}), streams=True
    )
    route = route_info(abilities=replace(declared, **abilities).without(ignored))
    return Candidate(route, NATIVE, "1024x1024")


def answer(*, is_streamed: bool = True) -> UpstreamAnswer:
    return UpstreamAnswer(images=(), is_streamed=is_streamed)


def test_a_channel_that_can_do_everything_gets_everything():
    request = request_for(generation(), channel(), {})

    assert (request.fields, request.partial_images) == (FIELDS, 2)
    assert ignored_by(generation(), channel(), answer()) == ()


@pytest.mark.parametrize(
    "narrow",
    [channel(ignored=("style", "mask")), channel(fields=frozenset({"watermark"}))],
    ids=["its operator says so", "its adapter says so"],
)
def test_fields_that_a_channel_ignores_are_not_sent_and_are_named(narrow):
    assert request_for(generation(), narrow, {}).fields == {"watermark": False}
    assert ignored_by(generation(), narrow, answer()) == ("style",)


@pytest.mark.parametrize("output_format", ["jpeg", "webp"])
def test_a_compression_goes_to_the_upstream_with_its_format(output_format):
    compressed = generation(output_format=output_format, output_compression=40)

    request = request_for(compressed, channel(), {})

    assert (request.output_format, request.output_compression) == (output_format, 40)
    assert ignored_by(compressed, channel(), answer()) == ()


def test_a_png_s_compression_is_not_sent_and_is_named():
    compressed = generation(output_compression=40)

    request = request_for(compressed, channel(), {})

    assert (request.output_format, request.output_compression) == (None, None)
    assert ignored_by(compressed, channel(), answer()) == ("output_compression",)


@pytest.mark.parametrize(
    "plain",
    [channel(ignored=("stream",)), channel(ignored=("partial_images",)), channel(streams=False)],
    ids=["stream is ignored", "partial_images are ignored", "its adapter knows no streams"],
)
def test_a_channel_without_streams_is_asked_for_none(plain):
    assert request_for(generation(), plain, {}).partial_images == 0
    assert ignored_by(generation(), plain, answer(is_streamed=False)) == ("partial_images",)
