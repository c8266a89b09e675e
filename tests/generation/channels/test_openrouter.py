"""What OpenRouter is sent, and what its answers mean."""

import pytest

from generation.channels.base import TokenUsage, UpstreamRequest
from generation.channels.declaration import Task
from generation.channels.openrouter.wire import OpenRouterWire
from generation.channels.wires import Found
from tests.generation.channels.at_once import begun, made, refused, sent
from tests.generation.channels.conftest import API_KEY, config_for, large_value

MODEL = "google/gemini-nano-banana-2.1"
FOX = UpstreamRequest("fox", "a fox", size="2048x2048")


def wire(base_url: str = "https://openrouter.ai") -> OpenRouterWire:
    return OpenRouterWire(config_for(base_url, kind="openrouter", upstream_models={"fox": MODEL}))


@pytest.mark.parametrize("base_url", ["https://openrouter.ai", "https://openrouter.ai/api/v1"])
def test_an_order_is_one_call_for_one_picture(base_url):
    _, call = begun(wire(base_url), FOX)

    assert (call.method, call.is_order, call.room) == ("POST", True, 1)
    assert call.url == "https://openrouter.ai/api/v1/images"
    assert call.headers == {"Authorization": f"Bearer {API_KEY}"}
    assert sent(wire(), FOX) == {
        "model": MODEL,
        "prompt": "a fox",
        "size": "2048x2048",
        "output_format": "png",
    }


def test_all_that_it_translates_is_sent():
    request = UpstreamRequest(
        "fox",
        "a fox",
        size="auto",
        quality="high",
        output_format="webp",
        output_compression=80,
        fields={"background": "transparent", "seed": 5, "user": "d1"},
    )

    assert sent(wire(), request) == {
        "model": MODEL,
        "prompt": "a fox",
        "quality": "high",
        "output_format": "webp",
        "output_compression": 80,
        "background": "transparent",
        "seed": 5,
        "user": "d1",
    }


def test_a_quality_that_it_does_not_know_is_left_out():
    assert "quality" not in sent(wire(), UpstreamRequest("fox", "a fox", quality="standard"))


def test_reference_images_are_parts_with_data_uris():
    edit = UpstreamRequest("fox", "a fox", task=Task.EDIT, images=(large_value(b"one"),) * 2)

    part = {"type": "image_url", "image_url": {"url": "data:image/png;base64,b25l"}}
    assert sent(wire(), edit)["input_references"] == [part, part]


@pytest.mark.parametrize(
    ("usage", "cost"),
    [
        ({"cost": 0.0387, "is_byok": False}, 38_700),
        ({"cost": 0.03870001}, 38_701),
        ({"cost": 0}, 0),
        ({"cost": 1e-07}, 1),
        ({"cost": 0.0019, "is_byok": True}, None),
        ({"cost": None}, None),
        ({"cost": "0.0387"}, None),
        ({"cost": True}, None),
        ({"cost": -0.01}, None),
        ({"cost": 1001}, None),
        ({"cost": float("nan")}, None),
        ({}, None),
    ],
)
def test_the_stated_cost_is_booked_in_whole_micros_rounded_up(usage, cost):
    images = made(wire(), FOX, {"data": [{"b64_json": "QQ=="}], "usage": usage})

    assert images.found == (Found("QQ=="),)
    assert images.facts.cost == cost


def test_tokens_are_counted():
    usage = {"prompt_tokens": 6, "completion_tokens": 1290}

    images = made(wire(), FOX, {"data": [{"b64_json": "QQ=="}], "usage": usage})

    assert images.facts.usage == TokenUsage(6, 1290, 1296)


def failed(code: int, message: str = "no", **metadata: object) -> dict[str, object]:
    return {"error": {"code": code, "message": message, "metadata": metadata}}


FLAGGED = "Your chosen model requires moderation and your input was flagged"
PROVIDER = "Provider returned error: content policy violation"


@pytest.mark.parametrize(
    ("status", "document", "expected", "is_paid"),
    [
        (403, failed(403, reasons=["violence"], flagged_input="a"), "moderated", False),
        (403, failed(403, FLAGGED), "moderated", False),
        (400, failed(400, PROVIDER), "moderated", False),
        (403, failed(403, "Key limit exceeded (total limit)."), "refused", False),
        (400, failed(400, "size and resolution differ"), "rejected", False),
        (413, failed(413), "rejected", False),
        (401, failed(401, "No auth credentials found"), "refused", False),
        (402, failed(402, "Insufficient credits"), "refused", False),
        (404, failed(404, "No endpoints found matching your data policy"), "refused", False),
        (429, failed(429), "refused", False),
        (503, failed(503), "refused", False),
        (529, failed(529, "Provider overloaded"), "refused", False),
        (408, failed(408), "unknown", True),
        (500, failed(500), "unknown", True),
        (502, failed(502), "unknown", True),
        (524, failed(524), "unknown", True),
        (529, {}, "unknown", True),
        (200, failed(403, reasons=["sexual"]), "moderated", True),
        (200, failed(429, "rate-limited upstream"), "refused", False),
        (200, failed(502, "invalid response"), "unknown", True),
        (200, {"data": []}, "bad_result", True),
    ],
)
def test_a_refusal_has_the_class_of_its_code(status, document, expected, is_paid):
    error = refused(wire(), FOX, document, status)

    assert (error.attempt_class, error.may_have_billed) == (expected, is_paid)
