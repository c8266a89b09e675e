import base64
import time
from io import BytesIO
from typing import Any

import httpx
import pytest
from PIL import Image

from sandbox import orders

PNG = b"\x89PNG and so on"
JPEG = b"\xff\xd8\xff and so on"
"""Enough of a JPEG: the sandbox reads only the beginning."""


def image_of(item: dict[str, Any]) -> Image.Image:
    image = Image.open(BytesIO(base64.b64decode(item["b64_json"], validate=True)))
    image.load()
    return image


def test_a_generation_is_answered_as_openai_does(generate):
    response = generate(size="1024x1536", quality="high", n=2)

    answer = response.json()
    data = answer.pop("data")
    created = answer.pop("created")
    assert response.status_code == 200
    assert response.headers["content-type"].startswith("application/json")
    assert abs(created - time.time()) < 60
    assert [sorted(item) for item in data] == [["b64_json"], ["b64_json"]]
    assert [image_of(item).size for item in data] == [(1024, 1536), (1024, 1536)]
    assert data[0] != data[1]
    assert answer == {
        "size": "1024x1536",
        "quality": "high",
        "output_format": "png",
        "background": "opaque",
        "usage": {
            "input_tokens": 2,
            "output_tokens": 10976,
            "total_tokens": 10978,
            "input_tokens_details": {"text_tokens": 2, "image_tokens": 0},
        },
    }


@pytest.mark.parametrize("fields", [{}, {"size": "auto", "quality": "auto"}, {"size": None}])
def test_auto_is_a_medium_square(generate, fields):
    answer = generate(**fields).json()

    assert (answer["size"], answer["quality"]) == ("1024x1024", "medium")
    assert answer["usage"]["output_tokens"] == 1756
    assert image_of(answer["data"][0]).size == (1024, 1024)


@pytest.mark.parametrize("model", [*orders.MODELS, "anything-else"])
def test_every_model_is_served(generate, model):
    answer = generate(model=model, size="256x256", response_format="b64_json").json()

    assert image_of(answer["data"][0]).size == (256, 256)


@pytest.mark.parametrize(
    ("model", "sent", "reported"),
    [("dall-e-3", "hd", "hd"), ("dall-e-2", "standard", "standard"), ("gpt-image-2", "hd", "high")],
)
def test_dall_e_words_of_quality_are_echoed_to_dall_e(generate, model, sent, reported):
    assert generate(model=model, quality=sent, size="256x256").json()["quality"] == reported


@pytest.mark.parametrize("model", ["dall-e-2", "dall-e-3"])
def test_dall_e_answers_with_addresses_that_serve_the_picture(generate, sandbox_server, model):
    data = generate(model=model, size="512x256", n=2, response_format=None).json()["data"]

    files = [httpx.get(item["url"], trust_env=False) for item in data]
    assert all(item["url"].startswith(f"{sandbox_server}/files/") for item in data)
    assert [file.headers["content-type"] for file in files] == ["image/png", "image/png"]
    assert [Image.open(BytesIO(file.content)).size for file in files] == [(512, 256), (512, 256)]


def test_an_address_uses_the_host_that_was_asked(client):
    response = client.post(
        "/v1/images/generations",
        json={"prompt": "a fox", "response_format": "url"},
        headers={"Host": "upstream.example:99"},
    )

    assert response.json()["data"][0]["url"].startswith("http://upstream.example:99/files/")


def test_an_unknown_file_is_not_found(client):
    response = client.get("/files/nothing.png")

    assert (response.status_code, response.json()["error"]["code"]) == (404, "not_found")


@pytest.mark.parametrize(
    ("output_format", "magic"), [("png", b"\x89PNG"), ("jpeg", b"\xff\xd8\xff"), ("webp", b"RIFF")]
)
def test_the_output_format_is_delivered(generate, output_format, magic):
    answer = generate(output_format=output_format, output_compression=60, size="300x200").json()

    assert answer["output_format"] == output_format
    assert base64.b64decode(answer["data"][0]["b64_json"]).startswith(magic)
    assert image_of(answer["data"][0]).size == (300, 200)


def test_a_transparent_background_is_drawn_and_reported(generate):
    answer = generate(background="transparent", size="256x256").json()

    assert answer["background"] == "transparent"
    assert image_of(answer["data"][0]).mode == "RGBA"


def test_fields_without_a_use_are_accepted(generate):
    fields = {"style": {"mood": "calm"}, "background": {"hex": "#fff"}, "watermark": False}

    assert generate(size="64x64", user="u-1", image=["x"], **fields).status_code == 200


@pytest.mark.parametrize(
    ("fields", "param", "code"),
    [
        ({"prompt": ""}, "prompt", "missing_required_parameter"),
        ({"prompt": None}, "prompt", "missing_required_parameter"),
        ({"prompt": 7}, "prompt", "invalid_value"),
        ({"prompt": "x" * 32_001}, "prompt", "string_above_max_length"),
        ({"prompt": "[sandbox: colour=red]"}, "prompt", "invalid_value"),
        ({"n": 0}, "n", "invalid_value"),
        ({"n": 11}, "n", "invalid_value"),
        ({"n": True}, "n", "invalid_value"),
        ({"n": "two"}, "n", "invalid_value"),
        ({"size": "16:9"}, "size", "invalid_value"),
        ({"size": "8192x8192"}, "size", "invalid_value"),
        ({"size": [1]}, "size", "invalid_value"),
        ({"quality": "best!"}, "quality", "invalid_value"),
        ({"response_format": "base64"}, "response_format", "invalid_value"),
        ({"output_format": "gif"}, "output_format", "invalid_value"),
        ({"output_compression": 101}, "output_compression", "invalid_value"),
        ({"stream": "perhaps"}, "stream", "invalid_value"),
        ({"stream": True, "partial_images": 4}, "partial_images", "invalid_value"),
        ({"background": "transparent", "output_format": "jpeg"}, "background", "invalid_value"),
    ],
)
def test_a_bad_field_is_refused_by_name(client, fields, param, code):
    response = client.post("/v1/images/generations", json={"prompt": "a fox"} | fields)

    error = response.json()["error"]
    assert response.status_code == 400
    assert (error["type"], error["param"], error["code"]) == ("invalid_request_error", param, code)
    assert error["message"]


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"\xff", b"[" * 100_000])
def test_a_body_that_is_no_object_is_refused(client, body):
    response = client.post("/v1/images/generations", content=body)

    assert (response.status_code, response.json()["error"]["code"]) == (400, "invalid_json")


@pytest.mark.parametrize("key", ["", "Bearer", "Basic abc", "Bearer wrong-one"])
def test_a_request_without_a_good_key_is_refused(sandbox_server, key):
    response = httpx.post(
        f"{sandbox_server}/v1/images/generations",
        json={"prompt": "a fox"},
        headers={"Authorization": key},
        trust_env=False,
    )

    assert (response.status_code, response.json()["error"]["code"]) == (401, "invalid_api_key")


def test_an_edit_reads_images_sent_as_files(client):
    files = [("image[]", ("a.png", PNG * 50_000)), ("image[]", ("b.png", JPEG))]
    fields = {"prompt": "add a hat", "size": "320x200", "n": "2", "mask": "x"}

    answer = client.post("/v1/images/edits", data=fields, files=files).json()

    assert [image_of(item).size for item in answer["data"]] == [(320, 200), (320, 200)]
    assert answer["usage"]["input_tokens_details"] == {"text_tokens": 3, "image_tokens": 512}


def test_an_edit_reads_images_sent_as_json(client):
    body = {"prompt": "add a hat", "images": [{"image_url": "data:image/png;base64,AA=="}]}

    answer = client.post("/v1/images/edits", json=body | {"size": "320x200"}).json()

    assert image_of(answer["data"][0]).size == (320, 200)
    assert answer["usage"]["input_tokens_details"]["image_tokens"] == 256


def test_edits_without_an_image_are_refused(client):
    error = client.post("/v1/images/edits", json={"prompt": "add a hat"}).json()["error"]

    assert (error["code"], error["param"]) == ("missing_required_parameter", "image")


@pytest.mark.parametrize(
    ("path", "model", "files", "param"),
    [
        ("edits", "gpt-image-2", [b"words"], "image[]"),
        ("edits", "gpt-image-2", [PNG] * 17, "image"),
        ("edits", "dall-e-2", [PNG] * 2, "image"),
        ("edits", "dall-e-3", [PNG], "model"),
        ("variations", "dall-e-2", [PNG] * 2, "image"),
        ("variations", "gpt-image-2", [PNG], "model"),
    ],
)
def test_files_that_the_vendor_does_not_take_are_refused(client, path, model, files, param):
    parts = [("image[]", ("a.png", file)) for file in files]

    answer = client.post(
        f"/v1/images/{path}", data={"prompt": "a hat", "model": model}, files=parts
    )

    assert (answer.status_code, answer.json()["error"]["param"]) == (400, param)


def test_variations_need_no_prompt(client):
    files = {"image": ("a.png", PNG)}
    fields = {"model": "dall-e-2", "response_format": "b64_json", "size": "256x256"}

    answer = client.post("/v1/images/variations", data=fields, files=files).json()

    assert image_of(answer["data"][0]).size == (256, 256)


def test_a_broken_multipart_body_is_refused(client):
    response = client.post(
        "/v1/images/edits",
        content=b"--x\r\nnonsense",
        headers={"Content-Type": "multipart/form-data; boundary=x"},
    )

    assert response.status_code == 400


def test_models_are_listed_and_any_name_is_one(client):
    listed = client.get("/v1/models").json()

    assert [model["id"] for model in listed["data"]] == list(orders.MODELS)
    assert client.get("/v1/models/new-one").json()["id"] == "new-one"


def test_unknown_paths_and_methods_are_answered_in_json(client):
    assert client.get("/v1/nothing").json()["error"]["type"] == "invalid_request_error"
    assert client.get("/v1/images/generations").status_code == 405


def test_health_needs_no_key(sandbox_server):
    assert httpx.get(f"{sandbox_server}/healthz", trust_env=False).status_code == 200


def test_requests_and_images_are_counted(client, generate):
    client.post("/__stats/reset")
    generate(size="64x64", n=3)
    generate("[sandbox: fail=500]")

    assert client.get("/__stats").json() == {"requests": 2, "images": 3, "in_flight": 0}
