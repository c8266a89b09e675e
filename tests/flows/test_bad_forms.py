"""Refused forms: 4xx in OpenAI's shape, nothing held, no spool file left, memory flat."""

import http.client
import io
import json
import struct
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import psutil
import pytest
from PIL import Image

from tests.customers.customer import Customer
from tests.customers.edits import EDITS, FIELDS, MASK, data_uri, edit, picture
from tests.stack.servers import Stack

BOUNDARY = "frontier"
FORM = f"multipart/form-data; boundary={BOUNDARY}"
MEGABYTE = 1024**2


def part(name: str, content: bytes, *, filename: str | None = None) -> bytes:
    said = f'; filename="{filename}"' if filename is not None else ""
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"{said}\r\n\r\n'
    return head.encode() + content + b"\r\n"


def form(*parts: bytes) -> bytes:
    return b"".join(parts) + f"--{BOUNDARY}--\r\n".encode()


IMAGE = part("image", picture(), filename="a.png")
TEXTS = b"".join(part(name, text.encode()) for name, text in FIELDS.items())


def sent(
    customer: Customer, content: bytes | Iterable[bytes], content_type: str = FORM
) -> httpx.Response:
    return customer.client.post(EDITS, content=content, headers={"Content-Type": content_type})


def zipped() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("a.png", picture())
    return file.getvalue()


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def bomb() -> bytes:
    """13,000 x 13,000 pixels in 200 KB."""
    rows = zlib.compressobj(9)
    row = bytes(1 + 13_000 // 8)
    data = b"".join(rows.compress(row) for _ in range(13_000)) + rows.flush()
    header = struct.pack(">IIBBBBB", 13_000, 13_000, 1, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")
    )


def animated(image_format: str) -> bytes:
    file = io.BytesIO()
    frames = [Image.new("RGB", (64, 48), colour) for colour in ("red", "blue")]
    frames[0].save(file, image_format, save_all=True, append_images=frames[1:], duration=100)
    return file.getvalue()


def spools_of(stack: Stack) -> list[str]:
    """The unnamed files that the web process has open."""
    (pid,) = stack.pids()["web"]
    open_files = [
        str(file.readlink()) for file in Path(f"/proc/{pid}/fd").iterdir() if file.is_symlink()
    ]
    return [path for path in open_files if "/spool/" in path]


@pytest.fixture(autouse=True)
def leaves_nothing(customer: Customer, stack: Stack) -> Iterator[None]:
    """Assert that nothing is held or made, and that no web process has a spool file open."""
    yield
    made = [state for state in customer.states() if state != "succeeded"]
    assert made == []
    assert customer.balance()[1] == 0
    assert spools_of(stack) == []


GOOD = form(TEXTS, IMAGE)
BAD_FORMS: dict[str, tuple[bytes, str, str | None]] = {
    "no boundary": (GOOD, "multipart/form-data", None),
    "another boundary": (GOOD, "multipart/form-data; boundary=other", None),
    "an endless boundary": (GOOD, f"multipart/form-data; boundary={'x' * 300}", None),
    "cut off in a file": (GOOD[:-60], FORM, None),
    "cut off in a header": (GOOD[: len(TEXTS) + 30], FORM, None),
    "cut off before its end": (GOOD[: -len(f"--{BOUNDARY}--\r\n")], FORM, None),
    "empty": (b"", FORM, None),
    "JSON": (json.dumps(FIELDS).encode(), FORM, None),
    "10,000 parts": (form(TEXTS, IMAGE, *[part("user", b"x")] * 10_000), FORM, "user"),
    "10,000 names": (
        form(*[part(f"n{number}", b"") for number in range(10_000)]),
        FORM,
        None,
    ),
    "a part without a name": (
        form(TEXTS, f"--{BOUNDARY}\r\nContent-Type: image/png\r\n\r\nx\r\n".encode()),
        FORM,
        None,
    ),
    "a field twice": (form(TEXTS, part("prompt", b"x"), IMAGE), FORM, "prompt"),
    "an image twice": (form(TEXTS, IMAGE, IMAGE), FORM, "image"),
    "a mask twice": (form(TEXTS, IMAGE, *[part("mask", MASK)] * 2), FORM, "mask"),
    "one image and several": (form(TEXTS, IMAGE, part("image[]", picture())), FORM, "image[]"),
    "18 files": (form(TEXTS, *[part("image[]", picture())] * 18), FORM, "image[]"),
    "17 images": (form(TEXTS, *[part("image[]", picture())] * 17), FORM, "image[]"),
    "a file where text belongs": (
        form(TEXTS, IMAGE, part("user", b"x", filename="x")),
        FORM,
        "user",
    ),
    "an unknown field": (form(TEXTS, IMAGE, part("colour", b"red")), FORM, "colour"),
    "a style": (form(TEXTS, IMAGE, part("style", b"vivid")), FORM, "style"),
    "no image": (form(TEXTS), FORM, "image"),
    "an empty image": (form(TEXTS, part("image", b"", filename="a.png")), FORM, "image"),
    "no model": (form(part("prompt", b"x"), IMAGE), FORM, "model"),
    "no prompt": (form(part("model", b"gpt-image-2"), IMAGE), FORM, "prompt"),
    "a broken flag": (form(TEXTS, IMAGE, part("stream", b"yes")), FORM, "stream"),
    "a broken number": (form(TEXTS, IMAGE, part("output_compression", b"1e2")), FORM,
                        "output_compression"),
    "bytes that are no text": (form(TEXTS, IMAGE, part("user", b"\xff\xfe")), FORM, "user"),
    "a NUL": (form(TEXTS, IMAGE, part("user", b"a\x00b")), FORM, "user"),
    "a NUL that is passed on": (
        form(TEXTS, IMAGE, part("background", b"a\x00b")),
        FORM,
        "background",
    ),
}  # fmt: skip


@pytest.mark.refused
@pytest.mark.parametrize(("content", "content_type", "param"), BAD_FORMS.values(), ids=BAD_FORMS)
def test_a_bad_form_is_refused(
    customer: Customer, content: bytes, content_type: str, param: str | None
) -> None:
    response = sent(customer, content, content_type)

    assert response.status_code == 400, response.text
    assert response.json()["error"]["param"] == param
    assert response.headers["x-should-retry"] == "false"


BAD_IMAGES = {
    "a zip named .png": zipped(),
    "words": b"not an image at all",
    "half a png": picture((640, 480))[:-40],
    "a gif": picture(image_format="gif"),
    "a bomb of pixels": bomb(),
    "an animated webp": animated("webp"),
}


@pytest.mark.refused
@pytest.mark.parametrize("image", BAD_IMAGES.values(), ids=BAD_IMAGES)
def test_a_file_that_is_no_image_is_refused(customer: Customer, image: bytes) -> None:
    response = edit(customer, {"image": ("a.png", image, "image/png")})

    error = response.json()["error"]
    assert (response.status_code, error["code"], error["param"]) == (400, "invalid_image", "image")


BAD_MASKS = {
    "of another size": picture((48, 64), mode="RGBA"),
    "without transparency": picture(),
    "a jpeg": picture(image_format="jpeg"),
    "no image": b"words",
}


@pytest.mark.refused
@pytest.mark.parametrize("mask", BAD_MASKS.values(), ids=BAD_MASKS)
def test_a_file_that_is_no_mask_is_refused(customer: Customer, mask: bytes) -> None:
    as_form = edit(customer, {"image": picture(), "mask": mask})
    body = {**FIELDS, "images": [data_uri(picture())], "mask": {"image_url": data_uri(mask)}}
    as_json = customer.client.post(EDITS, json=body)

    refused = [(one.status_code, one.json()["error"]) for one in (as_form, as_json)]
    assert [(status, error["code"], error["param"]) for status, error in refused] == [
        (400, "invalid_image", "mask")
    ] * 2


@pytest.mark.refused
def test_a_markup_beside_a_mask_is_refused(customer: Customer) -> None:
    mask = picture(mode="RGBA")

    response = edit(customer, {"image": picture(), "mask": mask, "markup": mask})

    error = response.json()["error"]
    assert (response.status_code, error["param"]) == (400, "markup")
    assert error["message"] == "An edit has a mask or a markup, not both."


ODD_IMAGES = {
    "cmyk": (picture(image_format="jpeg", mode="CMYK"), "CMYK"),
    "16 bits": (picture(mode="I;16"), "16 bits"),
    "an animated png": (animated("png"), "animated"),
    "an animated webp": (animated("webp"), "animated"),
}


@pytest.mark.parametrize(("image", "why"), ODD_IMAGES.values(), ids=ODD_IMAGES)
def test_an_image_that_vendors_read_differently_is_refused(
    customer: Customer, image: bytes, why: str
) -> None:
    as_form = edit(customer, [("image[]", picture()), ("image[]", image)])
    as_json = customer.client.post(
        EDITS, json={**FIELDS, "images": [data_uri(picture()), data_uri(image)]}
    )

    refused = [(one.status_code, one.json()["error"]) for one in (as_form, as_json)]
    assert [(status, error["code"]) for status, error in refused] == [(400, "invalid_image")] * 2
    messages = [error["message"] for _, error in refused]
    assert [message.startswith("image[1] is ") for message in messages] == [True, True]
    assert [why in message for message in messages] == [True, True]


def test_a_palette_is_an_image_as_any_other(customer: Customer) -> None:
    file = io.BytesIO()
    Image.new("RGB", (64, 48), "red").quantize(4).save(file, "png")

    assert edit(customer, {"image": file.getvalue()}).status_code == 200


@pytest.mark.refused
@pytest.mark.parametrize(
    ("fields", "status", "param"),
    [
        ({"model": "gpt-image-9"}, 404, "model"),
        ({"model": "dall-e-3", "quality": ""}, 400, "model"),
        ({"size": "77x77"}, 400, "size"),
        ({"n": "11"}, 400, "n"),
        ({"input_fidelity": "middling"}, 400, "input_fidelity"),
        ({"output_format": "jpeg", "background": "transparent"}, 400, "background"),
    ],
)
def test_bad_values_are_refused_by_their_names(
    customer: Customer, fields: dict[str, str], status: int, param: str
) -> None:
    response = edit(customer, None, headers=None, **fields)

    assert (response.status_code, response.json()["error"]["param"]) == (status, param)


@pytest.mark.refused
@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({}, "image"),
        ({"images": []}, "images"),
        ({"images": [data_uri(picture())], "image": data_uri(picture())}, "images"),
        ({"images": [{"file_id": "file-1"}]}, "image"),
        ({"images": [{"image_url": "http://127.0.0.1/a.png"}]}, "image"),
        ({"images": [data_uri(picture())] * 17}, "images"),
    ],
)
def test_bad_images_in_json_are_refused(
    customer: Customer, body: dict[str, Any], param: str
) -> None:
    response = customer.client.post(EDITS, json={**FIELDS, **body})

    assert (response.status_code, response.json()["error"]["param"]) == (400, param)


def test_a_form_is_taken_where_files_are_and_nowhere_else(customer: Customer) -> None:
    response = customer.client.post("/v1/images/generations", data=FIELDS, files={"image": MASK})

    assert response.status_code == 400
    assert response.json()["error"]["code"] == "invalid_json"


# --- too much ---------------------------------------------------------------------------------


def web_bytes(stack: Stack) -> int:
    return sum(psutil.Process(pid).memory_info().rss for pid in stack.pids()["web"])


def test_two_gigabytes_that_are_announced_are_refused_before_they_come(
    customer: Customer, stack: Stack
) -> None:
    address = urlsplit(stack.base_url)
    connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=60)
    connection.putrequest("POST", EDITS)
    connection.putheader("Authorization", f"Bearer {customer.api_key}")
    connection.putheader("Content-Type", FORM)
    connection.putheader("Content-Length", str(2 * 1024**3))
    connection.endheaders()
    response = connection.getresponse()
    error = json.loads(response.read())["error"]
    connection.close()

    assert (response.status, error["code"]) == (413, "request_too_large")


def test_a_file_that_never_ends_is_refused_at_its_limit_in_flat_memory(
    customer: Customer, stack: Stack
) -> None:
    edit(customer)
    before = web_bytes(stack)
    count = 0

    def endless() -> Iterator[bytes]:
        nonlocal count
        yield TEXTS + part("image", b"", filename="a.png")[:-2]
        while count < 2048:
            count += 1
            yield bytes(MEGABYTE)

    try:
        status = sent(customer, endless()).status_code
    except httpx.TransportError:  # the server closed it before the client had read the answer
        status = 413

    assert status == 413
    assert count < 100
    assert web_bytes(stack) - before < 30 * MEGABYTE


def test_text_without_end_is_refused(customer: Customer) -> None:
    response = sent(customer, form(TEXTS, IMAGE, part("user", b"x" * MEGABYTE)))

    assert response.status_code == 413


def test_a_key_that_is_not_good_sends_no_large_form(stack: Stack) -> None:
    response = httpx.post(
        stack.base_url + EDITS,
        content=form(TEXTS, part("image", bytes(MEGABYTE))),
        headers={"Content-Type": FORM, "Authorization": "Bearer sk-pictor-" + "0" * 40},
        trust_env=False,
    )

    assert response.status_code == 401
