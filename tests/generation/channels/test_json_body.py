import base64
import json

import pytest

from generation.channels.errors import AttemptClass, UpstreamError
from generation.channels.json_body import json_body
from tests.generation.channels.conftest import large_value

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("size", [0, 1, 2, 3, 196_608, 500_000])
async def test_large_values_are_streamed_into_their_places(size):
    data = bytes(range(256)) * 2000
    large = large_value(data[:size], prefix="data:image/png;base64,")
    fields = {"prompt": "a «fox» ph-1", "image": ["ph-1", {"url": "ph-1"}, "https://x.example/"]}

    body = json_body(fields, large={"ph-1": large})

    text = b"".join([chunk async for chunk in body.chunks()])
    uri = "data:image/png;base64," + base64.b64encode(data[:size]).decode()
    assert body.size_bytes == len(text)
    assert json.loads(text) == {
        "prompt": "a «fox» ph-1",
        "image": [uri, {"url": uri}, "https://x.example/"],
    }


async def test_a_large_value_may_stand_in_the_fields():
    body = json_body({"images": [{"data": large_value(b"one")}, large_value(b"two")]}, large={})

    text = b"".join([chunk async for chunk in body.chunks()])
    assert text == b'{"images":[{"data":"b25l"},"dHdv"]}'
    assert body.size_bytes == len(text)


async def test_a_large_value_of_another_length_than_told_stops_the_call():
    large = large_value(b"12345", size_bytes=6)
    body = json_body({"image": "ph"}, large={"ph": large})

    with pytest.raises(UpstreamError) as raised:
        async for _ in body.chunks():
            pass

    assert raised.value.attempt_class is AttemptClass.NOT_REACHED
