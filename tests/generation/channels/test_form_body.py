"""A multipart form as an upstream reads it, with files streamed into it."""

import pytest

from generation.channels.errors import AttemptClass, UpstreamError
from generation.channels.form_body import FilePart, form_body
from tests.fakes.recorder import read
from tests.generation.channels.conftest import large_value

pytestmark = pytest.mark.anyio

FIELDS: dict[str, object] = {
    "prompt": "ein «Boot»", "n": 2, "stream": True, "background": {"a": [1]}, "user": "",
}  # fmt: skip


async def test_a_form_has_text_as_json_writes_it_and_files_as_they_are():
    data = bytes(range(256)) * 2000
    files = [FilePart("image[]", large_value(data)), FilePart("mask", large_value(b"\r\n--"))]

    content_type, body = form_body(FIELDS, files)

    raw = b"".join([chunk async for chunk in body.chunks()])
    assert body.size_bytes == len(raw)
    assert read(content_type, raw) == (
        {"prompt": "ein «Boot»", "n": "2", "stream": "true", "background": '{"a":[1]}', "user": ""},
        [("image[]", "0.png", data), ("mask", "1.png", b"\r\n--")],
    )


async def test_every_form_has_a_boundary_of_its_own():
    assert form_body({}, [])[0] != form_body({}, [])[0]


async def test_a_file_of_another_length_than_told_stops_the_call():
    file = FilePart("image", large_value(b"12345", size_bytes=6))
    _, body = form_body(FIELDS, [file])

    with pytest.raises(UpstreamError) as raised:
        async for _ in body.chunks():
            pass

    assert raised.value.attempt_class is AttemptClass.NOT_REACHED
