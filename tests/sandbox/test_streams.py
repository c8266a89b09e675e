import base64
import json
import time
from io import BytesIO
from typing import Any

import httpx
import pytest
from PIL import Image

from tests.stack.stack_processes import until

PNG = b"\x89PNG and so on"
USAGE_256_MEDIUM = 1190


def events_of(text: str) -> list[dict[str, Any]]:
    """The data of each event, after a check that `event:` has its type."""
    events = []
    for block in text.strip().split("\n\n"):
        if block.startswith(":"):
            continue
        name, data = block.split("\n")
        events.append(json.loads(data.removeprefix("data: ")))
        assert name == f"event: {events[-1]['type']}"
    return events


def size_of(event: dict[str, Any]) -> tuple[int, int]:
    return Image.open(BytesIO(base64.b64decode(event["b64_json"]))).size


def test_partial_images_come_before_each_completed_one(generate):
    response = generate(stream=True, partial_images=2, n=2, size="256x256")

    events = events_of(response.text)
    one_image = [
        "image_generation.partial_image",
        "image_generation.partial_image",
        "image_generation.completed",
    ]
    assert response.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert [event["type"] for event in events] == one_image * 2
    assert [event.get("partial_image_index") for event in events] == [0, 1, None, 0, 1, None]
    assert [size_of(event) for event in events] == [(256, 256)] * 6
    assert ["usage" in event for event in events] == [False, False, True] * 2
    assert {(e["size"], e["quality"], e["background"], e["output_format"]) for e in events} == {
        ("256x256", "medium", "opaque", "png")
    }
    assert all(abs(event["created_at"] - time.time()) < 60 for event in events)


def test_each_completed_event_counts_its_own_image_and_the_first_the_prompt(generate):
    events = events_of(generate("a fox", stream=True, n=2, size="256x256").text)

    assert [event["usage"]["output_tokens"] for event in events] == [USAGE_256_MEDIUM] * 2
    assert [event["usage"]["input_tokens"] for event in events] == [2, 0]


def test_edits_stream_under_their_own_name(client):
    response = client.post(
        "/v1/images/edits",
        data={"prompt": "a hat", "stream": "true", "partial_images": "1", "size": "64x64"},
        files={"image": ("a.png", PNG)},
    )

    assert [event["type"] for event in events_of(response.text)] == [
        "image_edit.partial_image",
        "image_edit.completed",
    ]


def test_the_answer_begins_before_the_delay_is_over(client):
    body = {"prompt": "[sandbox: delay=30]", "stream": True}

    with client.stream("POST", "/v1/images/generations", json=body, timeout=5) as response:
        assert next(response.iter_raw()) == b": drawing\n\n"


def test_a_delay_is_spread_over_the_events(generate):
    started = time.monotonic()
    response = generate("[sandbox: delay=0.4]", stream=True, partial_images=3, size="64x64")

    assert len(events_of(response.text)) == 4
    assert time.monotonic() - started >= 0.4


def test_ending_a_delay_brings_only_the_next_event(client):
    body = {"prompt": "[sandbox: delay=180]", "stream": True, "partial_images": 1, "size": "64x64"}

    def ended() -> int:
        return int(client.post("/__delays/end").json()["ended"])

    with client.stream("POST", "/v1/images/generations", json=body, timeout=10) as response:
        chunks = response.iter_text()
        assert next(chunks) == ": drawing\n\n"
        until(lambda: ended() == 1)
        assert next(chunks).startswith("event: image_generation.partial_image")
        until(lambda: ended() == 1)
        assert "event: image_generation.completed" in "".join(chunks)


@pytest.mark.parametrize(("failure", "status"), [("503", 503), ("moderation", 400), ("html", 200)])
def test_a_refusal_comes_before_the_stream(generate, failure, status):
    response = generate(f"[sandbox: fail={failure}]", stream=True)

    assert response.status_code == status
    assert not response.headers["content-type"].startswith("text/event-stream")


def test_an_empty_stream_has_no_events(generate):
    assert events_of(generate("[sandbox: fail=empty]", stream=True).text) == []


@pytest.mark.parametrize(
    ("failure", "error"),
    [
        ("reset", httpx.ReadError),
        ("truncate", httpx.RemoteProtocolError),
        ("hang", httpx.ReadTimeout),
    ],
)
def test_a_broken_stream_never_completes(break_off, failure, error):
    broken = break_off(f"[sandbox: fail={failure}]", stream=True, partial_images=1, size="64x64")

    start = b": drawing\n\nevent: image_generation.partial_image\n"
    assert isinstance(broken.error, error)
    assert broken.received.startswith(start)
    assert broken.received.count(b"\n\n") == 2
