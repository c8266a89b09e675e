"""The body gate and forms: files into spools, which go with the request."""

import gzip
import json

import pytest

from generation.admission.inputs import FORM_LIMITS
from pictor.kit.bytes.spools import process_spools
from pictor.web.edge import Message
from tests.web.conftest import Exchange, body_of, call
from tests.web.gates import CHUNKED, GZIP, MEGABYTE, app, error_of, gate_of, inner, length

pytestmark = pytest.mark.anyio

__all__ = ["app", "inner"]

EDITS = "/v1/images/edits"
FORM = {"Content-Type": "multipart/form-data; boundary=b"}


def form(*files: bytes, end: bytes = b"--b--\r\n") -> bytes:
    head = b'--b\r\nContent-Disposition: form-data; name="image[]"; filename="x"\r\n\r\n'
    return b"".join(head + file + b"\r\n" for file in files) + end


class Files:
    """The application behind the gate: it records the files it was given."""

    def __init__(self) -> None:
        self.files: list[bytes] = []

    async def __call__(self, scope, receive, send):
        found = scope["pictor.body"].form
        self.files = [b"".join(file.spool.chunks()) for file in found.files["image[]"]]
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"ok"})


async def send_form(bearer: dict[str, str], *messages: Message, **headers: str) -> Exchange:
    said = {**bearer, **FORM, **(headers or CHUNKED)}
    return await call(gate_of(Files()), path=EDITS, headers=said, messages=messages)


@pytest.mark.parametrize("announced", [True, False])
@pytest.mark.parametrize("packed", [True, False])
async def test_the_files_of_a_form_go_to_spools_that_go_with_the_request(bearer, announced, packed):
    inner, files = Files(), [b"A" * MEGABYTE, b"small"]
    body = gzip.compress(form(*files)) if packed else form(*files)
    headers = {**FORM, **(GZIP if packed else {}), **(length(len(body)) if announced else CHUNKED)}

    exchange = await call(
        gate_of(inner),
        path=EDITS,
        headers={**bearer, **headers},
        messages=body_of(body[:50], body[50:]),
    )

    assert exchange.status == 200
    assert inner.files == files
    assert process_spools().budget.used_bytes == 0


async def test_a_form_that_unpacks_to_far_more_than_was_sent_is_refused(bearer, settings):
    settings.MAX_JSON_BYTES = MEGABYTE
    packed = gzip.compress(form(bytes(2 * MEGABYTE)))

    exchange = await send_form(bearer, *body_of(packed), **CHUNKED, **GZIP)

    assert error_of(exchange) == (413, "request_too_large")
    assert process_spools().budget.used_bytes == 0


async def test_a_form_is_read_as_json_where_no_files_are_taken(app, inner, bearer):
    body = form(b"x")

    await call(app, headers={**bearer, **FORM, **length(len(body))}, messages=body_of(body))

    assert inner.skeletons == [body]


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("image[0]", "Did you mean 'image[]'?"),
        ("images", "Did you mean 'image'?"),
        ("photo", "Known: image, mask, markup, image[]."),
    ],
)
async def test_a_file_of_an_unknown_name_is_an_unknown_parameter(bearer, name, hint):
    body = form(b"x").replace(b"image[]", name.encode())

    exchange = await send_form(bearer, *body_of(body))

    error = json.loads(exchange.body)["error"]
    assert (exchange.status, error["code"], error["param"]) == (400, "unknown_parameter", name)
    assert error["message"] == f"Unknown parameter: {name!r}. {hint}"


async def test_a_form_that_is_cut_off_leaves_nothing(bearer):
    exchange = await send_form(bearer, *body_of(form(b"A" * MEGABYTE, end=b"")))

    assert error_of(exchange) == (400, "invalid_value")
    assert process_spools().budget.used_bytes == 0


async def test_a_caller_who_leaves_in_the_middle_of_a_file_leaves_nothing(bearer):
    begun = {"type": "http.request", "body": form(b"A" * MEGABYTE)[:-20], "more_body": True}

    await send_form(bearer, begun, {"type": "http.disconnect"})

    assert process_spools().budget.used_bytes == 0


async def test_a_form_that_says_it_is_larger_than_its_files_may_be_is_not_read(bearer):
    exchange = await send_form(bearer, **length(FORM_LIMITS.max_bytes + 1))

    assert error_of(exchange) == (413, "request_too_large")


async def test_no_room_for_files_is_our_trouble(bearer, settings):
    budget = process_spools().budget
    budget.take(settings.SPOOL_BUDGET_BYTES)

    exchange = await send_form(bearer, *body_of(form(b"A" * MEGABYTE)))

    budget.give_back(settings.SPOOL_BUDGET_BYTES)
    assert error_of(exchange) == (503, "service_unavailable")


@pytest.mark.parametrize("announced", [True, False])
async def test_a_form_whose_type_was_lost_is_told_which_it_needs(app, inner, bearer, announced):
    body = form(b"A" * 100)
    headers = {"Content-Type": "text/plain;charset=UTF-8"}
    headers |= length(len(body)) if announced else CHUNKED

    exchange = await call(app, path=EDITS, headers={**bearer, **headers}, messages=body_of(body))

    error = json.loads(exchange.body)["error"]
    assert (exchange.status, error["code"]) == (415, "unsupported_media_type")
    assert error["message"].startswith(
        "The body looks like a form: send it with Content-Type multipart/form-data"
    )
