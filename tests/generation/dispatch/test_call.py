"""The fields sent to a channel, and those reported as ignored: no database, no call."""

from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from generation.catalogue.plans import CLOSEST, NATIVE, Candidate
from generation.channels.base import UpstreamAnswer
from generation.channels.declaration import Abilities, Task
from generation.channels.size_rules import Size
from generation.dispatch.call import ignored_by, request_for, wanted_of
from generation.models import Generation
from tests.making.factories import route_info

FIELDS = {"style": "vivid", "watermark": False}


def generation(**changes: Any) -> Generation:
    return Generation(
        model="gpt-image-2", prompt="a fox", partial_images=2,
        **{"n": 1, "output_format": "png", "fields": FIELDS, **changes},
    )  # fmt: skip


def channel(*, ignored: tuple[str, ...] = (), **abilities: Any) -> Candidate:
    """A channel that by default can do everything."""
    declared = Abilities(
        frozenset({Task.GENERATE}),
        frozenset({"style", "watermark"}),
        streams=True,
        formats=frozenset({"png", "jpeg", "webp"}),
    )
    route = route_info(abilities=replace(declared, **abilities).without(ignored))
    return Candidate(route, NATIVE, "1024x1024")


def answer(*, is_streamed: bool = True) -> UpstreamAnswer:
    return UpstreamAnswer(images=(), is_streamed=is_streamed)


def test_a_channel_that_can_do_everything_gets_everything():
    request = request_for(generation(), channel(), {})

    assert (request.fields, request.partial_images) == (FIELDS, 2)
    assert ignored_by(generation(), channel(), answer()) == ()


def test_several_orders_are_asked_for_no_partial_images():
    one_each = channel(max_n=1)

    assert request_for(generation(n=1), one_each, {}).partial_images == 2
    assert request_for(generation(n=2), one_each, {}).partial_images == 0


def test_a_size_that_is_not_made_is_named_and_one_that_is_scaled_down_is_not():
    closest = replace(channel(), plan=CLOSEST)

    assert ignored_by(generation(), closest, answer()) == ("size",)
    assert ignored_by(generation(), replace(closest, made_into=Size(512, 512)), answer()) == ()


@pytest.mark.parametrize(
    "narrow",
    [channel(ignored=("style", "mask")), channel(fields=frozenset({"watermark"}))],
    ids=["its operator says so", "its adapter says so"],
)
def test_fields_that_a_channel_ignores_are_not_sent_and_are_named(narrow):
    assert request_for(generation(), narrow, {}).fields == {"watermark": False}
    assert ignored_by(generation(), narrow, answer()) == ("style",)


def test_a_models_own_parameters_and_its_defaults_go_where_the_channel_takes_them():
    parameters, asked = ("seed", "guidance"), {**FIELDS, "seed": 5}
    defaults = {"guidance": 3.5, "seed": 1}

    def on(**abilities: Any) -> Candidate:
        known = channel(**abilities).route
        route = replace(known, abilities=known.abilities.with_parameters(parameters))
        return Candidate(replace(route, defaults=defaults), NATIVE, "1024x1024")

    taking, other = on(takes_parameters=True), on()

    assert request_for(generation(fields=asked), taking, {}).fields == {**asked, "guidance": 3.5}
    assert ignored_by(generation(fields=asked), taking, answer()) == ()
    assert request_for(generation(fields=asked), other, {}).fields == FIELDS
    assert ignored_by(generation(fields=asked), other, answer()) == ("seed",)


ANN = {"user": "ann ü", "safety_identifier": "ann ü"}


@pytest.mark.parametrize(
    ("tenant", "digest"),
    [
        (
            "0190a000-0000-7000-8000-000000000001",
            "8e4f1aff21fa87b878e65548e82d84f417d296e65abba5deafe8387c0aab0947",
        ),
        (
            "0190a000-0000-7000-8000-000000000002",
            "848cfeda217f011cf88d935d0f844bc62e4732b9b63b097a72a12fb3af353c45",
        ),
    ],
)
def test_a_vendor_gets_a_digest_for_each_tenants_end_customer(settings, tenant, digest):
    settings.OBJECT_KEY_SECRET = "s3cret"
    made = generation(fields=ANN, tenant_id=UUID(tenant))

    request = request_for(made, channel(fields=frozenset(ANN)), {})

    assert request.fields == {"user": digest, "safety_identifier": digest}
    assert made.fields == ANN


def test_an_empty_name_of_an_end_customer_stays_empty():
    made = generation(fields={"user": ""})

    assert request_for(made, channel(fields=frozenset(ANN)), {}).fields == {"user": ""}


@pytest.mark.parametrize("output_format", ["jpeg", "webp"])
def test_a_compression_goes_to_the_upstream_with_its_format(output_format):
    compressed = generation(output_format=output_format, output_compression=40)

    request = request_for(compressed, channel(), {})

    assert (request.output_format, request.output_compression) == (output_format, 40)
    assert ignored_by(compressed, channel(), answer()) == ()


def test_a_format_that_a_channel_does_not_know_is_not_sent():
    webp = generation(output_format="webp", output_compression=40)

    request = request_for(webp, channel(formats=frozenset({"png", "jpeg"})), {})

    assert (request.output_format, request.output_compression) == (None, None)
    assert ignored_by(webp, channel(), answer()) == ()


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


def test_an_image_is_signed_if_there_is_a_certificate(settings, db):
    without = wanted_of(generation(), channel())
    settings.C2PA_CERTIFICATE = "chain.pem"

    assert (without.signs, wanted_of(generation(), channel()).signs) == (False, True)
