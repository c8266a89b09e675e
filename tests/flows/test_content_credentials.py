"""Content Credentials and marks, from the vendor's bytes to the caller's."""

import base64
import io
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
from PIL import ExifTags, Image

import sandbox
from tests.customers.customer import Customer, Operator, by_test_key
from tests.customers.edits import LOW, edit
from tests.customers.events import streamed_to
from tests.fakes.recorder import Recorder, drawn
from tests.making.verified import verified

pytest_plugins = ("tests.fakes.channel",)

PNG = drawn((1024, 1024))
KEPT = [{"status": "kept", "marked": False}]
FORMATS = ("png", "jpeg", "webp")
SIGNED = {name: Path(sandbox.__file__).with_name(f"signed.{name}").read_bytes() for name in FORMATS}


def delivers(upstream: Recorder, *pictures: bytes) -> None:
    upstream.extra = {"data": [{"b64_json": base64.b64encode(one).decode()} for one in pictures]}


def served(answer: Any) -> list[bytes]:
    return [httpx.get(one["url"], trust_env=False).content for one in answer["data"]]


@pytest.mark.parametrize("name", FORMATS)
def test_a_signed_file_reaches_the_caller_byte_for_byte(
    customer: Customer, upstream: Recorder, name: str
) -> None:
    delivers(upstream, SIGNED[name])

    answer = customer.generate(
        "a fox", quality="low", output_format=name, response_format="b64_json"
    ).json()
    stored = customer.client.get(f"/v1/images/generations/{answer['metadata']['generation_id']}")
    (url,) = [one["url"] for one in stored.json()["result"]["data"]]

    assert base64.b64decode(answer["data"][0]["b64_json"]) == SIGNED[name]
    assert answer["metadata"]["content_credentials"] == KEPT
    assert stored.json()["result"]["metadata"]["content_credentials"] == KEPT
    part = httpx.get(url, headers={"Range": "bytes=100-199"}, trust_env=False)
    assert (part.status_code, part.content) == (206, SIGNED[name][100:200])


def test_each_image_says_what_became_of_its_credentials(
    customer: Customer, upstream: Recorder
) -> None:
    delivers(upstream, SIGNED["png"], SIGNED["png"] + b"more", PNG, SIGNED["webp"])

    answer = customer.generate("a fox", quality="low", n=4, response_format="url").json()

    assert answer["metadata"]["content_credentials"] == [
        {"status": "kept", "marked": False},
        {"status": "removed", "reason": "malformed", "marked": True},
        {"status": "none", "marked": True},
        {"status": "removed", "reason": "converted", "marked": True},
    ]
    assert [b"/trainedAlgorithmicMedia" in data for data in served(answer)[1:]] == [True] * 3
    assert answer["metadata"]["delivered_sizes"] == ["1024x1024"] * 4
    assert customer.captures() == [4 * LOW]


def test_a_stream_has_the_signed_file_and_says_so(customer: Customer, upstream: Recorder) -> None:
    delivers(upstream, SIGNED["png"])

    *_, (_, completed) = streamed_to(customer, "a fox", quality="low")

    assert base64.b64decode(completed["b64_json"]) == SIGNED["png"]
    assert completed["metadata"] == {"content_credentials": KEPT}


def test_a_vendor_learns_nothing_of_where_a_photo_was_taken(
    customer: Customer, upstream: Recorder
) -> None:
    file, exif = io.BytesIO(), Image.Exif()
    exif.get_ifd(ExifTags.IFD.GPSInfo)[ExifTags.GPS.GPSLatitude] = (52, 31, 7)
    Image.new("RGB", (64, 64), "teal").save(file, "JPEG", exif=exif, xmp=b"<x>Ann</x>")
    photo = file.getvalue() + b"and after its end"

    edit(customer, {"image": photo}).raise_for_status()

    ((_, _, sent),) = upstream.only.files
    assert Image.open(io.BytesIO(photo)).getexif().get_ifd(ExifTags.IFD.GPSInfo)
    assert not Image.open(io.BytesIO(sent)).getexif()
    assert not [word for word in (b"Exif", b"Ann", b"after its end") if word in sent]


def test_an_edit_is_marked_as_a_composite(customer: Customer, upstream: Recorder) -> None:
    answer = edit(customer, {"image": PNG}, response_format="url").json()

    (data,) = served(answer)
    assert data.count(b"/compositeWithTrainedAlgorithmicMedia") == 1


def test_a_channel_may_remove_credentials(
    customer: Customer, upstream: Recorder, operator: Operator
) -> None:
    delivers(upstream, SIGNED["png"])
    operator("channel", "set", "rec", "--no-credentials", "--yes")

    answer = customer.generate("a fox", quality="low", response_format="url").json()

    operator("channel", "set", "rec", "--credentials", "--yes")
    removed = {"status": "removed", "reason": "setting", "marked": True}
    assert answer["metadata"]["content_credentials"] == [removed]
    assert b"jumb" not in served(answer)[0]


def test_a_workspace_may_have_images_without_marks_and_credentials(
    customer: Customer, upstream: Recorder, database: "psycopg.Connection[Any]"
) -> None:
    delivers(upstream, SIGNED["png"], PNG)
    database.execute(
        "UPDATE accounts_tenant SET may_omit_marks = true, omits_marks = true WHERE name = %s",
        [customer.name],
    )

    answer = customer.generate("a fox", quality="low", n=2, response_format="url").json()

    assert answer["metadata"]["content_credentials"] == [
        {"status": "removed", "reason": "setting", "marked": False},
        {"status": "none", "marked": False},
    ]
    words = (b"jumb", b"DigitalSourceType")
    assert [word for data in served(answer) for word in words if word in data] == []


def test_tests_see_what_live_requests_see_but_no_mark(customer: Customer) -> None:
    with closing(by_test_key(customer)) as tester:
        signed = tester.generate(
            "a fox [sandbox: signed]", size="1536x1024", response_format="b64_json"
        ).json()
        plain = tester.generate("a fox", response_format="b64_json").json()

    assert verified(base64.b64decode(signed["data"][0]["b64_json"]), "png")["state"] == "Valid"
    assert signed["size"] == "1536x1024"
    assert signed["metadata"]["content_credentials"] == KEPT
    assert plain["metadata"]["content_credentials"] == [{"status": "none", "marked": False}]
