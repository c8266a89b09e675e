"""The landing page shows a real call, answer and image: the call gives the same now."""

import ast
import json
from io import BytesIO
from typing import Any

import pytest
from PIL import Image

from console.site import calls
from tests import landing
from tests.stack.servers import Stack


@pytest.fixture(scope="module")
def landing_call(stack: Stack) -> tuple[dict[str, Any], bytes]:
    return landing.make(stack)


def test_the_image_on_the_page_is_the_one_that_the_call_makes(landing_call):
    _, image = landing_call

    with Image.open(BytesIO(image)) as now, Image.open(landing.IMAGE) as shown:
        assert (now.format, now.size) == (shown.format, shown.size)
        assert now.convert("RGB").tobytes() == shown.convert("RGB").tobytes()
    assert calls.made().size_bytes == landing.IMAGE.stat().st_size


def test_the_answer_on_the_page_is_what_the_call_answers(landing_call):
    answer, _ = landing_call
    shown = json.loads(calls.ANSWER.read_text("utf-8"))["answer"]

    assert same(answer) == same(shown)
    assert json.loads(calls.made().answer)["usage"]["cost"] == answer["usage"]["cost"]


def test_the_call_is_the_same_in_every_language():
    curl, python, node = (snippet.text for snippet in calls.snippets("http://pictor.example"))

    assert json.loads(curl.partition("-d '")[2].rstrip("'")) == calls.BODY
    (call,) = (
        one
        for one in ast.walk(ast.parse(python))
        if isinstance(one, ast.Call) and ast.unparse(one.func) == "client.images.generate"
    )
    assert {keyword.arg: ast.literal_eval(keyword.value) for keyword in call.keywords} == calls.BODY
    assert [
        name for name, value in calls.BODY.items() if f"{name}: {json.dumps(value)}" not in node
    ] == []


def same(answer: dict[str, Any]) -> dict[str, Any]:
    """The parts of an answer that a repetition does not change."""
    metadata = {
        name: value
        for name, value in answer["metadata"].items()
        if name not in {"generation_id", "url_expires_at"}
    }
    kept = {name: value for name, value in answer.items() if name not in {"created", "data"}}
    return {**kept, "metadata": metadata}
