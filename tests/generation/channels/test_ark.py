"""What Ark is sent, and what its answers mean."""

import pytest

from generation.channels.ark.wire import ArkWire
from generation.channels.base import TokenUsage, UpstreamRequest
from generation.channels.declaration import Needs, Task
from generation.channels.registry import abilities_of
from generation.channels.size_rules import Size
from generation.channels.wires import Found
from tests.generation.channels.at_once import begun, made, refused, sent
from tests.generation.channels.conftest import API_KEY, config_for, large_value

BYTEPLUS = "https://ark.ap-southeast.bytepluses.com"
FOX = UpstreamRequest("fox", "a fox", size="2048x2048")
MADE = {"generated_images": 1, "output_tokens": 16_384, "total_tokens": 16_384}


def wire(model: str = "seedream-4-5-251128", base_url: str = BYTEPLUS) -> ArkWire:
    return ArkWire(config_for(base_url, kind="ark", upstream_models={"fox": model}))


@pytest.mark.parametrize("base_url", [BYTEPLUS, f"{BYTEPLUS}/api/v3"])
def test_an_order_is_one_call_for_one_picture(base_url):
    _, call = begun(wire(base_url=base_url), FOX)

    assert (call.method, call.is_order, call.room) == ("POST", True, 1)
    assert call.url == f"{BYTEPLUS}/api/v3/images/generations"
    assert call.headers == {"Authorization": f"Bearer {API_KEY}"}
    assert sent(wire(), FOX) == {
        "model": "seedream-4-5-251128",
        "prompt": "a fox",
        "size": "2048x2048",
        "response_format": "b64_json",
    }


@pytest.mark.parametrize(
    "model",
    ["seedream-5-0-pro-260628", "seedream-4-5-251128", "seedream-5-5-261028", "ep-20261101-abc"],
)
def test_no_model_is_asked_for_a_series_or_for_layers(model):
    fields = sent(wire(model), UpstreamRequest("fox", "a fox", n=1))

    assert fields.keys().isdisjoint({
        "n", "stream", "sequential_image_generation", "sequential_image_generation_options",
        "layer_decomposition",
    })  # fmt: skip


@pytest.mark.parametrize(
    ("given", "fields"),
    [
        ({}, {}),
        ({"watermark": True}, {"watermark": True}),
        ({"watermark": False}, {"watermark": False}),
    ],
)
def test_a_watermark_is_as_asked_for_and_else_as_the_vendor_has_it(given, fields):
    order = sent(wire(), UpstreamRequest("fox", "a fox", fields=given))

    assert {name: order[name] for name in order if name == "watermark"} == fields


@pytest.mark.parametrize(
    ("model", "asked", "expected"),
    [
        ("seedream-5-5-261028", None, "png"),
        ("seedream-5-5-261028", "jpeg", "jpeg"),
        ("doubao-seedream-5-0-pro-260628", None, "png"),
        ("seedream-4-5-251128", "jpeg", None),
        ("seedream-5-0-flash-260915", "jpeg", None),
        ("ep-20261101-abc", "jpeg", None),
    ],
)
def test_only_models_that_have_formats_are_asked_for_one(model, asked, expected):
    order = sent(wire(model), UpstreamRequest("fox", "a fox", output_format=asked))

    assert order.get("output_format") == expected


def test_reference_images_are_data_uris_within_the_order():
    one = UpstreamRequest("fox", "a fox", task=Task.EDIT, images=(large_value(b"one"),))
    two = UpstreamRequest(
        "fox",
        "a fox",
        fields={"image": ["input:0", "input:1"]},
        large={"input:0": large_value(b"one"), "input:1": large_value(b"two")},
    )

    assert sent(wire(), one)["image"] == "data:image/png;base64,b25l"
    assert sent(wire(), two)["image"] == [
        "data:image/png;base64,b25l",
        "data:image/png;base64,dHdv",
    ]


def test_tokens_are_counted_and_the_model_is_named():
    document = {"model": "seedream-4-5-251128", "data": [{"b64_json": "QQ=="}], "usage": MADE}

    images = made(wire(), FOX, document)

    assert images.found == (Found("QQ=="),)
    assert images.facts.usage == TokenUsage(0, 16_384, 16_384)
    assert (images.facts.cost, images.facts.model) == (None, "seedream-4-5-251128")


def test_the_model_behind_an_endpoint_is_not_another_one():
    document = {"model": "seedream-4-5-251128", "data": [{"url": "https://tos.example/a.jpeg"}]}

    images = made(wire("ep-20261101-abc"), FOX, document)

    assert images.found == (Found(url="https://tos.example/a.jpeg"),)
    assert images.facts.model is None


def failed(code: str, message: str = "no") -> dict[str, object]:
    return {"error": {"code": code, "message": message, "type": "BadRequest", "param": ""}}


@pytest.mark.parametrize(
    ("status", "document", "expected", "is_paid"),
    [
        (400, failed("InputTextSensitiveContentDetected"), "moderated", False),
        (400, failed("SensitiveContentDetected.Violence"), "moderated", False),
        (400, failed("InputImageSensitiveContentDetected.PolicyViolation"), "moderated", False),
        (400, failed("OutputImageRiskDetection"), "moderated", False),
        (400, failed("InvalidParameter", "image size must be at least"), "rejected", False),
        (400, failed("MissingParameter"), "rejected", False),
        (400, failed("InvalidEndpoint.ClosedEndpoint"), "refused", False),
        (400, failed("ContentSecurityDetectionError"), "refused", False),
        (401, failed("AuthenticationError"), "refused", False),
        (403, failed("AccountOverdueError"), "refused", False),
        (403, failed("AccessDenied"), "refused", False),
        (404, failed("ModelNotOpen"), "refused", False),
        (404, failed("InvalidEndpointOrModel.NotFound"), "refused", False),
        (429, failed("ModelAccountIpmRateLimitExceeded"), "refused", False),
        (429, failed("SetLimitExceeded"), "refused", False),
        (500, failed("InternalServiceError"), "unknown", True),
        (502, {}, "unknown", True),
        (200, failed("OutputImageSensitiveContentDetected"), "moderated", True),
        (200, {"data": [failed("OutputImageSensitiveContentDetected")]}, "moderated", True),
        (200, {"data": [failed("InternalServiceError")]}, "bad_result", True),
        (200, {"data": []}, "bad_result", True),
    ],
)
def test_a_refusal_has_the_class_of_its_code(status, document, expected, is_paid):
    error = refused(wire(), FOX, document, status)

    assert (error.attempt_class, error.may_have_billed) == (expected, is_paid)
    assert error.cost is None


def test_a_picture_that_was_not_made_is_not_charged():
    document = {"data": [failed("OutputImageSensitiveContentDetected")]}

    error = refused(wire(), FOX, {**document, "usage": {"generated_images": 0}})

    assert (error.attempt_class, error.may_have_billed, error.cost) == ("moderated", False, 0)


@pytest.mark.parametrize(
    ("model", "made_sizes", "others"),
    [
        ("seedream-5-5-261028", ["1024x1024", "2816x1584"], ["512x512", "4096x4096"]),
        ("doubao-seedream-5-0-pro-260628", ["1568x672", "1776x2368"], ["4704x2016"]),
        ("seedream-5-0-260128", ["2048x2048", "4096x4096"], ["1024x1024", "1920x1080"]),
        ("seedream-4-5-251128", ["2560x1440", "6240x2656"], ["1024x1024"]),
        ("seedream-4-0-250828", ["1280x720", "4096x4096"], ["512x512"]),
        ("ep-20261101-abc", ["512x512", "4096x4096"], []),
    ],
)
def test_each_version_makes_its_own_sizes(model, made_sizes, others):
    abilities = abilities_of("ark", model)

    assert all(map(abilities.makes, made_sizes))
    assert not any(map(abilities.makes, others))


def test_a_size_too_small_is_made_from_one_that_is_near():
    near = abilities_of("ark", "seedream-4-5-251128").sizes_near(Size(1024, 1024))

    assert Size(1920, 1920) in near
    assert len(near) < 2_000


@pytest.mark.parametrize(
    ("model", "most", "has_background"),
    [
        ("seedream-5-5-261028", 10, True),
        ("seedream-5-0-pro-260628", 10, False),
        ("seedream-4-5-251128", 14, False),
    ],
)
def test_each_version_takes_so_many_references(model, most, has_background):
    abilities = abilities_of("ark", model)

    assert (abilities.max_images, "background" in abilities.fields) == (most, has_background)
    lack = abilities.lack(Needs(Task.EDIT, 1, overlay="mask"))
    assert lack is not None
    assert lack.what == "takes a mask"
