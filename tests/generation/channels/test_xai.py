"""What xAI is sent, and what its answers mean."""

import pytest

from generation.channels.base import UpstreamRequest
from generation.channels.declaration import Task
from generation.channels.errors import UpstreamError
from generation.channels.registry import abilities_of, open_adapter
from generation.channels.wires import Found
from generation.channels.xai.wire import XaiWire
from tests.generation.channels.at_once import begun, made, refused, sent
from tests.generation.channels.conftest import API_KEY, config_for, large_value
from tests.generation.channels.printing import tells

MODEL = "grok-imagine-image-2.0"
FOX = UpstreamRequest("fox", "a fox", n=2, size="1408x768")
IMAGE = {"type": "image_url", "url": "data:image/png;base64,b25l"}


def wire() -> XaiWire:
    return XaiWire(config_for("https://api.x.ai", kind="xai", upstream_models={"fox": MODEL}))


def test_an_order_is_one_call_with_a_ratio_and_a_class():
    _, call = begun(wire(), FOX)

    assert (call.method, call.is_order, call.room) == ("POST", True, 2)
    assert call.url == "https://api.x.ai/v1/images/generations"
    assert call.headers == {"Authorization": f"Bearer {API_KEY}"}
    assert sent(wire(), FOX) == {
        "model": MODEL,
        "prompt": "a fox",
        "n": 2,
        "response_format": "b64_json",
        "aspect_ratio": "16:9",
        "resolution": "1k",
    }


@pytest.mark.parametrize(
    ("size", "words"),
    [
        (None, {}),
        ("2048x2048", {"aspect_ratio": "1:1", "resolution": "2k"}),
        ("576x1248", {"aspect_ratio": "9:19.5", "resolution": "1k"}),
    ],
)
def test_a_size_is_never_sent(size, words):
    fields = sent(wire(), UpstreamRequest("fox", "a fox", size=size))

    assert {name: fields.get(name) for name in ("size", *words)} == {"size": None, **words}


@pytest.mark.parametrize(
    ("quality", "expected"),
    [("low", "low"), ("medium", "medium"), ("high", None), ("standard", None), (None, None)],
)
def test_a_quality_that_it_refuses_is_left_out(quality, expected):
    assert sent(wire(), UpstreamRequest("fox", "a fox", quality=quality)).get("quality") == expected


def test_an_edit_has_its_own_path_and_one_image_or_several():
    one = UpstreamRequest("fox", "a fox", task=Task.EDIT, images=(large_value(b"one"),))
    three = UpstreamRequest("fox", "a fox", task=Task.EDIT, images=(large_value(b"one"),) * 3)

    _, call = begun(wire(), one)

    assert call.url == "https://api.x.ai/v1/images/edits"
    assert sent(wire(), one)["image"] == IMAGE
    assert sent(wire(), three)["images"] == [IMAGE] * 3
    assert "image" not in sent(wire(), three)


def test_the_end_customers_digest_is_sent():
    assert sent(wire(), UpstreamRequest("fox", "a fox", fields={"user": "d1"}))["user"] == "d1"


@pytest.mark.parametrize(
    ("ticks", "cost"),
    [
        (400_000_000, 40_000),
        (400_000_001, 40_001),
        (0, 0),
        (10**13, 1_000_000_000),
        (10**13 + 1, None),
        (None, None),
        ("400000000", None),
    ],
)
def test_10_000_ticks_are_a_micro(ticks, cost):
    document = {"data": [{"b64_json": "QQ=="}], "usage": {"cost_in_usd_ticks": ticks}}

    assert made(wire(), FOX, document).facts.cost == cost


def test_a_picture_that_was_moderated_is_not_handed_out():
    entries = [
        {"b64_json": "QQ==", "respect_moderation": False},
        {"b64_json": "Qg==", "respect_moderation": True, "revised_prompt": "a red fox"},
    ]

    images = made(wire(), FOX, {"data": entries, "usage": {"cost_in_usd_ticks": 800_000_000}})

    assert images.found == (Found("Qg==", revised_prompt="a red fox"),)
    assert images.facts.cost == 80_000


BLOCKED = {"data": [{"url": "", "respect_moderation": False}]}
REJECTED = {
    "code": "Client specified an invalid argument",
    "error": "Generated image rejected by content moderation.",
}
GUIDELINES = "Content violates usage guidelines. Failed check: SAFETY_CHECK_TYPE_BIO"


def failed(code: str, words: str) -> dict[str, object]:
    return {"code": code, "error": words}


@pytest.mark.parametrize(
    ("status", "document", "expected", "is_paid"),
    [
        (200, BLOCKED, "moderated", True),
        (200, {"data": []}, "bad_result", True),
        (400, REJECTED, "moderated", False),
        (403, failed("The caller does not have permission", GUIDELINES), "moderated", False),
        (400, failed("Client specified an invalid argument", "bad ratio"), "rejected", False),
        (422, failed("Unprocessable", "aspect_ratio: unknown variant"), "rejected", False),
        (400, failed("invalid argument", "Incorrect API key provided: sk***"), "refused", False),
        (401, failed("unauthenticated", "no key"), "refused", False),
        (403, failed("permission", "Your team has used all available credits"), "refused", False),
        (404, failed("not found", "The model does not exist"), "refused", False),
        (429, failed("resource exhausted", "Too many requests"), "refused", False),
        (500, failed("internal", "error"), "unknown", True),
        (504, {}, "unknown", True),
    ],
)
def test_a_refusal_has_the_class_of_its_words(status, document, expected, is_paid):
    error = refused(wire(), FOX, document, status)

    assert (error.attempt_class, error.may_have_billed, error.cost) == (expected, is_paid, None)


@pytest.mark.parametrize(
    ("status", "document", "ticks", "cost"),
    [
        (400, REJECTED, 200_000_000, 20_000),
        (200, BLOCKED, 400_000_000, 40_000),
        (200, BLOCKED, 0, 0),
    ],
)
def test_what_a_refusal_costs_is_what_it_states(status, document, ticks, cost):
    error = refused(wire(), FOX, {**document, "usage": {"cost_in_usd_ticks": ticks}}, status)

    assert (error.attempt_class, error.cost) == ("moderated", cost)
    assert error.may_have_billed is (cost > 0)


def test_only_2_0_has_qualities():
    assert "quality" in abilities_of("xai", MODEL).fields
    assert "quality" not in abilities_of("xai", "grok-imagine-image").fields
    assert abilities_of("xai", MODEL).makes("1408x768")
    assert not abilities_of("xai", MODEL).makes("1280x720")


@pytest.mark.anyio
async def test_what_an_unreadable_picture_costs_is_what_its_answer_states(upstream, pool, spools):
    usage = {"cost_in_usd_ticks": 400_000_000}
    upstream.script = tells({"data": [{"b64_json": "%"}], "usage": usage})
    xai = open_adapter(config_for(upstream.url, kind="xai"), pool, spools)

    with pytest.raises(UpstreamError) as raised:
        await xai.generate(UpstreamRequest(MODEL, "a fox"))

    assert (raised.value.attempt_class, raised.value.cost) == ("bad_result", 40_000)
