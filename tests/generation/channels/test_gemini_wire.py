"""What Gemini is sent, and what its answers mean, without a socket."""

from typing import Any

import pytest

from generation.channels.base import TokenUsage, UpstreamRequest
from generation.channels.declaration import Task
from generation.channels.errors import AttemptClass, UpstreamError
from generation.channels.gemini.kind import SIZES
from generation.channels.gemini.wire import GeminiWire
from generation.channels.wires import Found, Reply
from tests.fakes.gemini_models import BLOCKED, MODERATED, WITHOUT_PICTURE
from tests.generation.channels.at_once import begun, json_of, made, refused
from tests.generation.channels.conftest import API_KEY, config_for, large_value

GOOGLE = "https://generativelanguage.googleapis.com"
FOX = UpstreamRequest(model="fox", prompt="a fox", size="2752x1536")
STOP = {"finishReason": "STOP"}


def wire_for(*, base_url: str = GOOGLE, model: str = "gemini-3-pro-image") -> GeminiWire:
    return GeminiWire(config_for(base_url, kind="gemini", upstream_models={"fox": model}))


def part(data: str, **more: Any) -> dict[str, Any]:
    return {"inlineData": {"mimeType": "image/png", "data": data}, **more}


def candidate(*parts: dict[str, Any], **facts: Any) -> dict[str, Any]:
    return {"candidates": [{"content": {"parts": [*parts]}, **facts}]}


def test_an_order_is_one_call_for_one_picture():
    _, call = begun(wire_for(), FOX)

    assert (call.method, call.is_order, call.room) == ("POST", True, 5)
    assert call.image_keys == frozenset({"data"})
    assert call.url == f"{GOOGLE}/v1beta/models/gemini-3-pro-image:generateContent"
    assert call.headers == {"x-goog-api-key": API_KEY}
    assert (call.content_type, json_of(call)) == (
        "application/json",
        {
            "contents": [{"role": "user", "parts": [{"text": "a fox"}]}],
            "generationConfig": {
                "responseModalities": ["IMAGE"],
                "imageConfig": {"aspectRatio": "16:9", "imageSize": "2K"},
            },
        },
    )


def test_a_base_url_with_a_path_stays_and_a_models_name_is_one_segment():
    _, call = begun(
        wire_for(base_url="https://relay.example/google/v1beta/", model="../files/x?y"), FOX
    )

    assert call.url == (
        "https://relay.example/google/v1beta/models/..%2Ffiles%2Fx%3Fy:generateContent"
    )


@pytest.mark.parametrize("size", [None, "auto", "1x1"])
def test_without_a_size_of_its_own_the_model_chooses(size):
    _, call = begun(wire_for(), UpstreamRequest("fox", "a fox", size=size))

    assert json_of(call)["generationConfig"] == {"responseModalities": ["IMAGE"]}


def test_a_model_without_classes_gets_none():
    asked = UpstreamRequest("fox", "a fox", size="832x1248")

    _, call = begun(wire_for(model="gemini-2.5-flash-image"), asked)

    assert json_of(call)["generationConfig"]["imageConfig"] == {"aspectRatio": "2:3"}


@pytest.mark.parametrize(
    "request_",
    [
        UpstreamRequest(
            "fox",
            "a fox",
            fields={"image": ["input:0", "input:1"], "seed": 5},
            large={
                "input:0": large_value(b"one", prefix="data:image/png;base64,"),
                "input:1": large_value(b"two"),
            },
        ),
        UpstreamRequest(
            "fox",
            "a fox",
            task=Task.EDIT,
            fields={"seed": 5},
            images=(large_value(b"one"), large_value(b"two")),
        ),
    ],
    ids=["references", "an edit"],
)
def test_images_go_beside_the_prompt_and_the_seed_along(request_):
    _, call = begun(wire_for(), request_)

    assert json_of(call) == {
        "contents": [{"role": "user", "parts": [{"text": "a fox"}, part("b25l"), part("dHdv")]}],
        "generationConfig": {"responseModalities": ["IMAGE"], "seed": 5},
    }


def test_one_reference_image_may_stand_alone():
    given = {"input:0": large_value(b"one")}

    _, call = begun(
        wire_for(), UpstreamRequest("fox", "input:0", fields={"image": "input:0"}, large=given)
    )

    assert json_of(call)["contents"][0]["parts"] == [{"text": "input:0"}, part("b25l")]


def test_the_last_part_that_is_no_thought_is_the_picture():
    document = candidate(
        part("draft", thought=True),
        part("first", thoughtSignature="A"),
        {"text": "here it is"},
        {"inline_data": {"mime_type": "image/png", "data": "the same again"}},
        part("late draft", thought=True),
        **STOP,
    )

    assert made(wire_for(), FOX, document).found == (Found("the same again"),)


def test_each_candidate_has_a_picture():
    one, two = candidate(part("a")), candidate(part("b"))

    images = made(
        wire_for(), FOX, {"candidates": one["candidates"] + two["candidates"] + [None, {}]}
    )

    assert images.found == (Found("a"), Found("b"))


def test_tokens_and_the_model_that_answered_are_known():
    counted = {
        "promptTokenCount": 269,
        "candidatesTokenCount": 1120,
        "thoughtsTokenCount": 300,
        "promptTokensDetails": [
            {"modality": "TEXT", "tokenCount": 9},
            {"modality": "IMAGE", "tokenCount": 260},
        ],
    }

    facts = made(
        wire_for(),
        FOX,
        {**candidate(part("a")), "modelVersion": "gemini-4", "usageMetadata": counted},
    ).facts

    assert facts.model == "gemini-4"
    assert facts.usage == TokenUsage(269, 1120, 1389, 0, 260)
    assert (facts.quality, facts.cost) == (None, None)


@pytest.mark.parametrize(
    "counted", [None, [], {"candidatesTokenCount": "1"}, {"promptTokenCount": 5}]
)
def test_without_counts_no_tokens_are_known(counted):
    facts = made(wire_for(), FOX, {**candidate(part("a")), "usageMetadata": counted}).facts

    assert (facts.model, facts.usage) == (None, None)


@pytest.mark.parametrize("reason", MODERATED)
def test_a_picture_refused_by_policy_may_have_cost_tokens(reason):
    error = refused(wire_for(), FOX, candidate(finishReason=reason, finishMessage="no such fox"))

    assert (error.attempt_class, error.may_have_billed) == (AttemptClass.MODERATED, True)
    assert error.detail == f"HTTP 200 {reason}: no such fox"


@pytest.mark.parametrize("reason", [*BLOCKED, "NEW_ONE"])
def test_a_blocked_prompt_is_moderated(reason):
    error = refused(wire_for(), FOX, {"promptFeedback": {"blockReason": reason}})

    assert error.attempt_class == AttemptClass.MODERATED


@pytest.mark.parametrize("reason", [*WITHOUT_PICTURE, "NEW_ONE", None])
def test_an_answer_without_a_picture_is_a_bad_result(reason):
    error = refused(
        wire_for(), FOX, candidate({"text": "invalid api key, said the fox"}, finishReason=reason)
    )

    assert (error.attempt_class, error.may_have_billed) == (AttemptClass.BAD_RESULT, True)


def test_only_drafts_are_no_picture():
    error = refused(wire_for(), FOX, candidate(part("draft", thought=True), **STOP))

    assert error.attempt_class == AttemptClass.BAD_RESULT


def test_a_model_that_speaks_of_policy_has_refused():
    error = refused(
        wire_for(), FOX, candidate({"text": "This violates our safety guidelines."}, **STOP)
    )

    assert error.attempt_class == AttemptClass.MODERATED


def test_a_disabled_account_is_the_channels_fault():
    error = refused(wire_for(), FOX, candidate(finishReason="PUP_LIMITED_DISABLED"))

    assert (error.attempt_class, error.may_have_billed) == (AttemptClass.REFUSED, False)


@pytest.mark.parametrize(
    "document", [{}, {"candidates": []}, {"candidates": [5]}, {"candidates": {}}]
)
def test_an_answer_of_another_shape_is_a_bad_result(document):
    assert refused(wire_for(), FOX, document).attempt_class == AttemptClass.BAD_RESULT


INVALID_KEY = [{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID"}]


@pytest.mark.parametrize(
    ("status", "code", "details", "expected"),
    [
        (400, "INVALID_ARGUMENT", [], AttemptClass.REJECTED),
        (400, "INVALID_ARGUMENT", INVALID_KEY, AttemptClass.REFUSED),
        (400, "FAILED_PRECONDITION", [], AttemptClass.REFUSED),
        (401, "UNAUTHENTICATED", [], AttemptClass.REFUSED),
        (403, "PERMISSION_DENIED", [], AttemptClass.REFUSED),
        (404, "NOT_FOUND", [], AttemptClass.REFUSED),
        (429, "RESOURCE_EXHAUSTED", [], AttemptClass.REFUSED),
        (503, "UNAVAILABLE", [], AttemptClass.REFUSED),
        (500, "INTERNAL", [], AttemptClass.UNKNOWN),
        (504, "DEADLINE_EXCEEDED", [], AttemptClass.UNKNOWN),
    ],
)
def test_an_error_has_a_class(status, code, details, expected):
    document = {"error": {"code": status, "message": "no", "status": code, "details": details}}

    error = refused(wire_for(), FOX, document, status)

    assert (error.attempt_class, error.http_status) == (expected, status)
    assert error.may_have_billed is (expected == AttemptClass.UNKNOWN)


def test_a_message_may_quote_the_prompt():
    steps, _ = begun(wire_for(), UpstreamRequest("fox", "a fox with an invalid api key"))
    document = {"error": {"status": "INVALID_ARGUMENT", "message": "a fox with an invalid api key"}}

    with pytest.raises(UpstreamError) as raised:
        steps.send(Reply(400, {}, document))

    assert raised.value.attempt_class == AttemptClass.REJECTED


@pytest.mark.parametrize(
    ("delay", "seconds"),
    [("34.07s", 34.07), ("5s", 5), ("-1s", None), ("1e9s", None), ("", None), ("999999s", None)],
)
def test_the_wait_stands_in_the_details(delay, seconds):
    details = [{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": delay}, None]

    error = refused(
        wire_for(), FOX, {"error": {"status": "RESOURCE_EXHAUSTED", "details": details}}, 429
    )

    assert error.retry_after_seconds == seconds


@pytest.mark.parametrize(
    ("model", "count", "made", "not_made"),
    [
        (
            "gemini-nano-banana-2.1",
            42,
            {"512x2048": ("1:4", "1K"), "8192x2048": ("4:1", "4K")},
            "256x1024",
        ),
        ("gemini-3.1-flash-image", 42, {"6336x2688": ("21:9", "4K")}, "2688x6336"),
        (
            "gemini-3-pro-image",
            30,
            {"1376x768": ("16:9", "1K"), "3584x4800": ("3:4", "4K")},
            "512x2048",
        ),
        ("gemini-3.1-flash-lite-image", 10, {"1024x1024": ("1:1", "1K")}, "2048x2048"),
        ("gemini-2.5-flash-image", 10, {"1344x768": ("16:9",)}, "1376x768"),
    ],
)
def test_a_models_sizes_are_ratios_and_classes(model, count, made, not_made):
    sizes = SIZES.of_model(model)

    assert len(sizes) == count
    assert {size: tuple(sizes[size].values()) for size in made} == made
    assert not_made not in sizes
