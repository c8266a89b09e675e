import base64
import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import httpx
import pytest


def test_a_delay_is_waited_before_the_answer(generate):
    started = time.monotonic()
    response = generate("a fox [sandbox: delay=0.4]", size="64x64")

    assert response.status_code == 200
    assert time.monotonic() - started >= 0.4


def test_delays_end_when_they_are_told_to(client, generate):
    with ThreadPoolExecutor(2) as pool:
        held = [pool.submit(generate, "a fox [sandbox: delay=60]", size="64x64") for _ in "12"]
        ended = 0
        while ended < 2:
            ended += client.post("/__delays/end").json()["ended"]

        assert [answer.result(10).status_code for answer in held] == [200, 200]
    assert client.post("/__delays/end").json() == {"ended": 0}


@pytest.mark.parametrize(
    ("status", "kind", "code"),
    [
        (400, "invalid_request_error", None),
        (401, "invalid_request_error", "invalid_api_key"),
        (402, "invalid_request_error", "billing_hard_limit_reached"),
        (403, "permission_error", None),
        (404, "invalid_request_error", "model_not_found"),
        (408, "invalid_request_error", None),
        (422, "invalid_request_error", None),
        (429, "requests", "rate_limit_exceeded"),
        (500, "server_error", None),
        (502, "server_error", None),
        (503, "server_error", None),
        (524, "server_error", None),
    ],
)
def test_a_status_is_answered_with_an_error_object(generate, status, kind, code):
    response = generate(f"[sandbox: fail={status}] a fox")

    error = response.json()["error"]
    assert response.status_code == status
    assert (error["type"], error["code"], error["param"]) == (kind, code, None)


def test_an_error_object_may_come_with_200(generate):
    response = generate("[sandbox: fail=200]")

    assert (response.status_code, list(response.json())) == (200, ["error"])


def test_too_many_requests_say_when_to_come_back(generate):
    assert generate("[sandbox: fail=429]").headers["retry-after"] == "1"


def test_moderation_refuses_the_prompt(generate):
    response = generate("[sandbox: fail=moderation]")

    error = response.json()["error"]
    assert response.status_code == 400
    assert (error["code"], error["type"]) == ("moderation_blocked", "image_generation_user_error")


def test_a_reset_aborts_the_connection(generate):
    with pytest.raises(httpx.ReadError):
        generate("[sandbox: fail=reset]")


def test_a_truncated_answer_is_cut_in_half(break_off):
    broken = break_off("[sandbox: fail=truncate]", size="512x512")

    assert broken.status == 200
    assert isinstance(broken.error, httpx.RemoteProtocolError)
    assert broken.received.startswith(b'{"created":')
    assert len(broken.received) == int(broken.headers["content-length"]) // 2


def test_a_large_answer_is_cut_in_half_too(break_off):
    broken = break_off("[sandbox: fail=truncate noise]", size="512x512")

    assert len(broken.received) == int(broken.headers["content-length"]) // 2


def test_html_comes_with_200(generate):
    response = generate("[sandbox: fail=html]")

    assert (response.status_code, response.headers["content-type"][:9]) == (200, "text/html")


def test_a_hanging_request_ends_when_the_client_leaves(client):
    client.post("/__stats/reset")
    with pytest.raises(httpx.ReadTimeout):
        client.post("/v1/images/generations", json={"prompt": "[sandbox: fail=hang]"}, timeout=2)

    deadline = time.monotonic() + 5
    while client.get("/__stats").json()["in_flight"] and time.monotonic() < deadline:
        pass

    assert client.get("/__stats").json() == {"requests": 1, "images": 0, "in_flight": 0}


def test_an_empty_answer_has_no_images(generate):
    answer = generate("[sandbox: fail=empty]").json()

    assert (answer["data"], answer["usage"]["output_tokens"]) == ([], 0)


def test_another_size_is_delivered_and_reported(generate):
    answer = generate("[sandbox: size=640x480]", size="1024x1024").json()

    file = base64.b64decode(answer["data"][0]["b64_json"])
    assert answer["size"] == "640x480"
    assert (int.from_bytes(file[16:20]), int.from_bytes(file[20:24])) == (640, 480)


@pytest.mark.parametrize("images", [0, 1, 3])
def test_another_number_of_images_is_delivered(generate, images):
    answer = generate(f"[sandbox: images={images}]", n=2, size="1024x1024").json()

    assert len(answer["data"]) == images
    assert answer["usage"]["output_tokens"] == 1756 * images


@pytest.mark.parametrize("response_format", ["url", "b64_json"])
def test_a_revised_prompt_comes_with_each_image(generate, response_format):
    fields = {"n": 2, "size": "64x64", "response_format": response_format}
    data = generate("a fox [sandbox: revise]", **fields).json()["data"]

    assert [item["revised_prompt"][:6] for item in data] == ["a fox,", "a fox,"]


def test_noise_makes_an_image_of_over_three_megabytes(generate):
    response = generate("[sandbox: noise]", size="1024x1024")

    file = base64.b64decode(response.json()["data"][0]["b64_json"])
    assert len(file) > 1024 * 1024 * 3


def test_corrupt_bytes_are_no_image(generate):
    answer = generate("[sandbox: corrupt]").json()

    assert base64.b64decode(answer["data"][0]["b64_json"]).startswith(b"This is not an image.")


def test_a_dripping_answer_comes_byte_by_byte(break_off):
    broken = break_off("[sandbox: drip]")

    assert isinstance(broken.error, httpx.ReadTimeout)
    assert (broken.status, broken.received) == (200, b"{")


def test_an_unknown_directive_is_refused_by_name(generate):
    response = generate("a fox [sandbox: explode]")

    assert response.status_code == 400
    assert "'explode'" in response.json()["error"]["message"]


def test_many_requests_wait_at_once(client, sandbox_server):
    client.post("/__stats/reset")
    limits = httpx.Limits(max_connections=None)
    statuses: list[int] = []

    def wait(http: httpx.Client) -> None:
        body = {"prompt": "[sandbox: delay=1]", "size": "64x64"}
        statuses.append(http.post(f"{sandbox_server}/v1/images/generations", json=body).status_code)

    headers = {"Authorization": "Bearer k"}
    with ExitStack() as stack:
        http = stack.enter_context(
            httpx.Client(headers=headers, limits=limits, timeout=20, trust_env=False)
        )
        threads = [threading.Thread(target=wait, args=(http,)) for _ in range(100)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    assert statuses == [200] * 100
    assert json.loads(client.get("/__stats").content)["images"] == 100
