import pytest

from generation.channels.base import TokenUsage, UpstreamRequest
from generation.channels.openai import wire
from tests.generation.channels.conftest import config_for


@pytest.mark.parametrize(
    ("base_url", "expected"),
    [
        ("https://api.openai.com", "https://api.openai.com/v1/images/generations"),
        ("https://api.openai.com/", "https://api.openai.com/v1/images/generations"),
        ("https://api.openai.com/v1", "https://api.openai.com/v1/images/generations"),
        ("https://relay.example/openai/v2/", "https://relay.example/openai/v2/images/generations"),
    ],
)
def test_v1_is_understood_when_the_base_url_has_no_path(base_url, expected):
    assert wire.endpoint(config_for(base_url)) == expected


@pytest.mark.parametrize(("model", "expected"), [("gpt-image-2", None), ("dall-e-3", "b64_json")])
def test_response_format_is_only_sent_where_it_is_taken(model, expected):
    assert wire.response_format(model) == expected


def test_values_of_none_are_left_out_and_fields_go_out_unchanged():
    request = UpstreamRequest(
        model="gpt-image-2",
        prompt="a fox",
        fields={"watermark": False, "style": {"a": [1]}, "background": "auto", "user": None},
    )

    fields = wire.request_fields(request, model="gpt-image-2.5")

    assert fields == {
        "model": "gpt-image-2.5",
        "prompt": "a fox",
        "n": 1,
        "watermark": False,
        "style": {"a": [1]},
        "background": "auto",
        "user": None,
    }


@pytest.mark.parametrize(
    ("entry", "base64_text", "url"),
    [
        ({"b64_json": "QUJD"}, "QUJD", ""),
        ({"url": "https://x.example/a.png"}, "", "https://x.example/a.png"),
        ({"url": "data:image/png;base64,QUJD"}, "data:image/png;base64,QUJD", ""),
        ({"b64_json": "QUJD", "url": "https://x.example/a.png"}, "QUJD", ""),
        ({"b64_json": None, "url": "https://x.example/a"}, "", "https://x.example/a"),
        ({"b64_json": "", "url": "http://x.example/a"}, "", "http://x.example/a"),
        ({"image_base64": "QUJD"}, "QUJD", ""),
        ("QUJD", "QUJD", ""),
        ("https://x.example/a.png", "", "https://x.example/a.png"),
    ],
)
@pytest.mark.parametrize("key", ["data", "images"])
def test_images_are_found_in_every_shape(key, entry, base64_text, url):
    [found] = wire.images_in({key: [entry]}, most=10)

    assert (found.base64, found.url) == (base64_text, url)


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"data": None},
        {"data": "x"},
        {"data": {}},
        {"data": []},
        {"data": [""] * 1_000 + ["QUJD"]},
        {"data": [None, 5, {}, "", {"url": 7}, {"b64_json": ""}]},
    ],
)
def test_no_image_is_no_image(document):
    assert wire.images_in(document, most=10) == []


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        (None, None),
        ([], None),
        ({}, None),
        ({"output_tokens": -1}, None),
        ({"output_tokens": True}, None),
        ({"output_tokens": 10**27}, None),
        ({"output_tokens": "9"}, None),
        ({"output_tokens": 9}, TokenUsage(0, 9, 9)),
        ({"prompt_tokens": 3, "completion_tokens": 9}, TokenUsage(3, 9, 12)),
        (
            {
                "input_tokens": 12,
                "output_tokens": 1372,
                "total_tokens": 1384,
                "input_tokens_details": {"text_tokens": 11, "image_tokens": 1},
            },
            TokenUsage(12, 1372, 1384, 11, 1),
        ),
    ],
)
def test_usage_is_read_where_it_is_there(usage, expected):
    assert wire.usage_of({"usage": usage}) == expected
