"""Odd pictures that every viewer shows: the versions sent upstream and to customers."""

import base64
import io
from typing import Any

import httpx
import pytest
from PIL import Image

from tests.customers.customer import Customer
from tests.customers.edits import EDITS, FIELDS, data_uri, edit, picture
from tests.fakes.recorder import Recorder, drawn
from tests.making.odd_pictures import photo, with_exif_at_its_end, with_tail

pytest_plugins = ("tests.fakes.channel",)

MASK = picture((400, 600), mode="RGBA")
PNG = drawn((1024, 1024))
LOW = 5_880


def shown(data: bytes) -> tuple[Any, ...]:
    """Format, size, EXIF, and the colours at the left and right of its top."""
    with Image.open(io.BytesIO(data)) as image:
        left, right = (
            image.convert("RGB").getpixel((image.width * part // 4, image.height // 8))
            for part in (1, 3)
        )
        return image.format, image.size, dict(image.getexif()), red_in(left), red_in(right)


def red_in(pixel: Any) -> bool:
    red, _, blue = pixel
    return bool(red > blue)


def test_a_phones_photo_and_a_mask_drawn_on_what_is_shown_fit(
    customer: Customer, upstream: Recorder
) -> None:
    response = edit(customer, {"image": photo("JPEG"), "mask": MASK})

    assert response.status_code == 200, response.text
    (_, name, image), mask = upstream.only.files
    assert name == "0.jpeg"
    assert shown(image) == ("JPEG", (400, 600), {}, False, True)
    assert mask == ("mask", "1.png", MASK)


def test_a_mask_drawn_on_what_is_stored_does_not_fit(customer: Customer) -> None:
    response = edit(customer, {"image": photo("JPEG"), "mask": picture((600, 400), mode="RGBA")})

    assert response.status_code == 400
    assert response.json()["error"]["param"] == "mask"
    assert "is 600x400, and the first image 400x600" in response.json()["error"]["message"]
    assert customer.balance() == (10_000_000, 0)


def test_a_mask_is_turned_too(customer: Customer, upstream: Recorder) -> None:
    mask = with_exif_at_its_end(picture((60, 40), mode="RGBA"))

    response = edit(customer, {"image": picture((40, 60)), "mask": mask})

    assert response.status_code == 200, response.text
    with Image.open(io.BytesIO(upstream.only.files[1][2])) as sent:
        assert (sent.size, sent.mode) == ((40, 60), "RGBA")


def test_a_turned_webp_is_sent_as_the_png_that_it_becomes(
    customer: Customer, upstream: Recorder
) -> None:
    turned = data_uri(photo("WEBP")).replace("image/png", "image/webp")

    response = customer.client.post(EDITS, json={**FIELDS, "images": [{"image_url": turned}]})

    assert response.status_code == 200, response.text
    ((_, name, image),) = upstream.only.files
    assert name == "0.png"
    assert shown(image) == ("PNG", (400, 600), {}, False, True)


WHOLE = photo("JPEG", orientation=1)
BROKEN = photo("JPEG", orientation=6).replace(b"\x01\x12\x00\x03", b"\x01\x12\x00\x09")
WITHOUT_EXIF = photo("JPEG", orientation=None)


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        pytest.param(with_tail(PNG), PNG, id="a png's tail"),
        pytest.param(picture(image_format="jpeg")[:-2], picture(image_format="jpeg"), id="no end"),
        pytest.param(WHOLE, WITHOUT_EXIF, id="upright, with its EXIF"),
        pytest.param(BROKEN, WITHOUT_EXIF, id="EXIF that says nothing right"),
        pytest.param(PNG + b"junk", PNG, id="bytes after its end"),
        pytest.param(PNG, PNG, id="nothing to drop"),
    ],
)
def test_odd_pictures_are_sent_mended_and_without_metadata(
    customer: Customer, upstream: Recorder, given: bytes, sent: bytes
) -> None:
    response = edit(customer, {"image": given})

    assert response.status_code == 200, response.text
    assert upstream.only.files[0][2] == sent


STORED = photo("JPEG", stored=(1024, 1024))


@pytest.mark.parametrize(
    ("delivered", "mended"),
    [
        pytest.param(STORED, ["turned_upright"], id="an orientation"),
        pytest.param(with_tail(PNG), ["trailing_data_cut"], id="a png's tail"),
        pytest.param(photo("JPEG", 1, stored=(1024, 1024))[:-2], ["end_marker_added"], id="no end"),
    ],
)
def test_a_result_says_in_its_metadata_what_was_mended(
    customer: Customer, upstream: Recorder, delivered: bytes, mended: list[str]
) -> None:
    images = [{"b64_json": base64.b64encode(data).decode()} for data in (PNG, delivered)]
    upstream.extra = {"data": images}

    answer = customer.generate("a fox", quality="low", n=2, response_format="url").json()
    kept = customer.client.get(f"/v1/images/generations/{answer['metadata']['generation_id']}")

    assert answer["metadata"]["mended"] == [[], mended]
    assert kept.json()["result"]["metadata"]["mended"] == [[], mended]
    served = httpx.get(answer["data"][1]["url"], trust_env=False).content
    assert shown(served)[:3] == ("PNG", (1024, 1024), {})
    assert customer.captures() == [2 * LOW]


def test_a_jpeg_with_an_orientation_is_measured_and_delivered_upright(
    customer: Customer, upstream: Recorder
) -> None:
    image = photo("JPEG", stored=(1536, 1024))
    upstream.extra = {"data": [{"b64_json": base64.b64encode(image).decode()}]}

    answer = customer.generate(
        "a fox", quality="low", size="1024x1536", output_format="jpeg", response_format="url"
    ).json()

    assert answer["size"] == "1024x1536"
    assert answer["metadata"]["delivered_sizes"] == ["1024x1536"]
    served = httpx.get(answer["data"][0]["url"], trust_env=False).content
    assert shown(served) == ("JPEG", (1024, 1536), {}, False, True)


def test_a_result_that_was_as_it_should_be_says_nothing(
    customer: Customer, upstream: Recorder
) -> None:
    answer = customer.generate("a fox", quality="low").json()

    assert "mended" not in answer["metadata"]
