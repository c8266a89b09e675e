"""The size at which a channel makes a request: native, the closest, or none."""

import pytest

from generation.catalogue.contracts import RouteInfo
from generation.catalogue.plans import plan, ratio_sentence
from generation.channels.declaration import Abilities
from tests.making.factories import contract_of, route_info

OLD = ("1024x1024", "1536x1024", "1024x1536")
SENTENCE = "\n\nCompose the image for an aspect ratio of 16:9."


def planned(route: RouteInfo, model: str, size: str) -> tuple[str, str, str]:
    found = plan(route, contract=contract_of(model), size=size)
    assert found is not None
    return found.plan, found.upstream_size, found.prompt_suffix


@pytest.mark.parametrize(
    ("sizes", "model", "size"),
    [
        ((), "gpt-image-2-origin", "3840x1648"),
        ((), "gpt-image-2", "1920x1080"),
        (OLD, "gpt-image-2", "1536x1024"),
        (("auto", "1536x1024"), "gpt-image-2-origin", "1536x1024"),
    ],
)
def test_a_size_the_channel_takes_is_sent_as_it_is(sizes, model, size):
    assert planned(route_info(*sizes), model, size) == ("native", size, "")


@pytest.mark.parametrize("sizes", [(), ("auto",), (*OLD, "auto")])
def test_auto_is_left_to_the_upstream(sizes):
    assert planned(route_info(*sizes), "gpt-image-2-auto", "auto") == ("auto", "auto", "")


def test_a_channel_that_makes_no_images_from_prompts_is_not_asked_for_any():
    route = route_info(abilities=Abilities())

    assert plan(route, contract=contract_of("gpt-image-2"), size="1024x1024") is None


def test_auto_is_not_sent_to_a_channel_that_does_not_take_it():
    assert plan(route_info(*OLD), contract=contract_of("gpt-image-2-auto"), size="auto") is None


@pytest.mark.parametrize(
    ("size", "nearest"),
    [
        ("1920x1080", "1536x1024"),
        ("1080x1920", "1024x1536"),
        ("1536x1152", "1536x1024"),
        ("1024x768", "1536x1024"),
        ("3840x2160", "1536x1024"),
    ],
)
def test_otherwise_the_channels_nearest_ratio_is_sent(size, nearest):
    _, upstream_size, _ = planned(route_info(*OLD), "gpt-image-2", size)

    assert upstream_size == nearest


def test_the_nearer_area_of_two_sizes_of_one_ratio_is_sent():
    route = route_info("512x512", "2048x2048", "1280x1280")

    assert planned(route, "gpt-image-2", "1024x1024")[:2] == ("closest", "1280x1280")


def test_every_process_sends_the_same_of_two_equally_near_sizes():
    route = route_info("1792x1024", "1024x1792", "2048x512", "512x2048")

    assert planned(route, "gpt-image-2", "1024x1024")[:2] == ("closest", "1024x1792")


def test_the_ratio_is_asked_for_in_one_sentence():
    assert planned(route_info(*OLD), "gpt-image-2", "1920x1080") == (
        "closest",
        "1536x1024",
        SENTENCE,
    )


@pytest.mark.parametrize(
    ("model", "size", "ratio"),
    [
        ("gpt-image-2-pro", "3840x2160", "16:9"),
        ("gpt-image-2-pro", "2560x1712", "3:2"),
        ("gpt-image-2", "1024x768", "4:3"),
        ("dall-e-3", "1792x1024", "7:4"),
    ],
)
def test_the_sentence_names_the_ratio(model, size, ratio):
    sentence = ratio_sentence(contract_of(model), size)

    assert sentence == f"\n\nCompose the image for an aspect ratio of {ratio}."


def test_an_exact_model_goes_only_where_its_size_is_native():
    contract = contract_of("gpt-image-2-origin")

    assert contract.is_exact is True
    assert plan(route_info(*OLD), contract=contract, size="1024x768") is None


@pytest.mark.parametrize(
    ("wanted", "cut_from"),
    [("1024x768", "1024x1024"), ("1280x1024", "1536x1024"), ("2048x2048", None)],
)
def test_an_allowed_exact_crop_is_cut_from_the_smallest_size_that_holds_it(wanted, cut_from):
    route = route_info("1536x1024", "1024x1024", "auto", allows_exact_crop=True)

    found = plan(route, contract=contract_of("gpt-image-2-origin"), size=wanted)

    assert (found and (found.plan, found.upstream_size, found.prompt_suffix)) == (
        cut_from and ("cropped", cut_from, "")
    )


def test_a_channel_that_takes_only_auto_makes_no_size():
    assert plan(route_info("auto"), contract=contract_of("gpt-image-2"), size="1024x1024") is None


@pytest.mark.parametrize("size", ["256x256", "512x512"])
def test_a_size_too_small_for_todays_upstreams_is_scaled_down_from_a_larger_one(size):
    found = plan(route_info(*OLD), contract=contract_of("dall-e-2"), size=size)

    assert found is not None
    assert found.upstream_size == "1024x1024"
    assert str(found.made_into) == size
    assert found.keeps_size


def test_a_closest_size_is_not_the_size_asked_for():
    found = plan(route_info(*OLD), contract=contract_of("gpt-image-2"), size="1920x1080")

    assert found is not None
    assert not found.keeps_size
