"""Upstream requests of edits and variations, and those that no channel can serve."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.customers.customer import Customer, Operator
from tests.customers.edits import EDITS, FIELDS, LOW, MASK, SQUARE, data_uri, edit, picture, vary
from tests.fakes.recorder import Recorder

pytest_plugins = ("tests.fakes.channel",)

Change = Callable[..., None]
AS_IT_WAS = ("--map", "dall-e-2=dall-e-2", "--refuse", "none", "--ignore", "none")


@pytest.fixture
def restored(upstream: Recorder, operator: Operator) -> Iterator[Change]:
    """Change the recorder's channel, the only one during the test."""

    def change(*options: str) -> None:
        operator("channel", "disable", "rec", "--yes")
        operator("channel", "set", "rec", *options)
        operator("channel", "enable", "rec", "--untested")

    operator("channel", "disable", "sandbox", "--yes")
    yield change
    operator("channel", "enable", "sandbox")
    change(*AS_IT_WAS, "--max-images", "16")


def test_the_upstream_gets_a_form_with_the_very_bytes_and_names_of_our_own(
    customer: Customer, upstream: Recorder
) -> None:
    images = [picture(), picture((30, 20), "jpeg")]
    files = [
        *(("image[]", ("../secret name.png", image)) for image in images),
        ("mask", ("m", MASK)),
    ]

    response = edit(
        customer, files, background="opaque", input_fidelity="high", n="2", size="1536x1024"
    )

    assert response.status_code == 200, response.text
    sent = upstream.only
    assert sent.path == "/v1/images/edits"
    assert sent.headers["Content-Type"].startswith("multipart/form-data; boundary=")
    assert sent.body == {
        "model": "gpt-image-2",
        "prompt": "a red boat",
        "n": "2",
        "size": "1536x1024",
        "quality": "low",
        "background": "opaque",
        "input_fidelity": "high",
    }
    assert sent.files == [
        ("image[]", "0.png", images[0]),
        ("image[]", "1.jpeg", images[1]),
        ("mask", "2.png", MASK),
    ]


def test_a_markup_goes_with_its_image(customer: Customer, upstream: Recorder) -> None:
    as_form = edit(customer, {"image": picture(), "markup": MASK})
    body = {**FIELDS, "images": [data_uri(picture())], "markup": {"image_url": data_uri(MASK)}}
    as_json = customer.client.post(EDITS, json=body)

    assert [as_form.status_code, as_json.status_code] == [200, 200], as_json.text
    assert [request.files for request in upstream.requests] == [
        [("image", "0.png", picture()), ("markup", "1.png", MASK)]
    ] * 2


def test_json_with_base64_is_the_same_edit(customer: Customer, upstream: Recorder) -> None:
    once = {"Idempotency-Key": "once"}
    body = {**FIELDS, "images": [{"image_url": data_uri(picture())}]}

    first = edit(customer, headers=once)
    again = customer.client.post(f"{EDITS}/", json=body, headers=once)
    other = edit(customer, {"image": MASK}, headers=once)

    assert first.status_code == again.status_code == 200, again.text
    assert again.headers["Idempotent-Replayed"] == "true"
    assert other.status_code == 422
    assert [file[:2] for file in upstream.only.files] == [("image", "0.png")]
    assert customer.captures() == [LOW]


def test_a_variation_is_an_edit_also_of_a_model_that_made_them(
    customer: Customer, upstream: Recorder
) -> None:
    response = vary(customer, size="256x256", user="u-1")

    assert response.status_code == 200, response.text
    assert response.json()["metadata"]["upstream_task"] == "edit"
    assert upstream.only.path == "/v1/images/edits"
    assert upstream.only.body.pop("prompt").startswith("Make a variation of this image")
    assert len(upstream.only.body.pop("user")) == 64
    assert upstream.only.body == {
        "model": "dall-e-2",
        "n": "1",
        "size": "256x256",
        "response_format": "b64_json",
    }
    assert upstream.only.files == [("image", "0.png", SQUARE)]


def test_a_variation_is_an_edit_elsewhere_and_said_to_be(
    customer: Customer, upstream: Recorder, restored: Change
) -> None:
    restored("--map", "dall-e-2=gpt-image-2")

    response = vary(customer)

    assert response.status_code == 200, response.text
    metadata = response.json()["metadata"]
    assert (metadata["task"], metadata["upstream_task"]) == ("variation", "edit")
    assert upstream.only.path == "/v1/images/edits"
    assert upstream.only.body["prompt"].startswith("Make a variation of this image")


@pytest.mark.parametrize(
    ("narrow", "files", "says", "refusal"),
    [
        (
            ("--refuse", "edit"),
            {"image": picture()},
            "No channel of gpt-image-2 edits images now.",
            (503, "no_channel_available", None),
        ),
        (
            ("--ignore", "mask"),
            {"image": picture(), "mask": MASK},
            "No channel of gpt-image-2 takes a mask now.",
            (400, "invalid_image", "mask"),
        ),
        (
            ("--ignore", "markup"),
            {"image": picture(), "markup": MASK},
            "No channel of gpt-image-2 takes a markup now.",
            (400, "invalid_image", "markup"),
        ),
        (
            ("--max-images", "1"),
            [("image[]", picture()), ("image[]", MASK)],
            "No channel of gpt-image-2 takes 2 images now.",
            (400, "invalid_image", "image"),
        ),
    ],
)
def test_an_edit_that_no_channel_can_do_is_refused_before_money_is_held(  # noqa: PLR0917 - fixtures
    customer: Customer,
    upstream: Recorder,
    restored: Change,
    narrow: tuple[str, str],
    files: Any,
    says: str,
    refusal: tuple[int, str, str | None],
) -> None:
    restored(*narrow)

    response = edit(customer, files)

    error = response.json()["error"]
    assert (response.status_code, error["code"], error["param"]) == refusal
    assert error["message"].startswith(says)
    assert response.headers["x-should-retry"] == "false"
    assert customer.states() == {}
    assert customer.balance() == (10_000_000, 0)
    assert upstream.requests == []
