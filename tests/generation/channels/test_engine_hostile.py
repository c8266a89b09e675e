"""A vendor that sends our key elsewhere, or more than anyone can hold."""

import base64

import pytest

from generation.channels import engine
from generation.channels.base import UpstreamRequest
from generation.channels.base64_stream import AnswerStream
from generation.channels.engine import WireAdapter
from generation.channels.errors import AttemptClass, UpstreamError
from pictor.kit.bytes.spool import SpoolFile
from pictor.kit.outbound.http import EgressRefused, HttpPool
from tests.fakes.raw_server import running, says
from tests.generation.channels.conftest import PIXEL, config_for
from tests.generation.channels.printing import KEY, PrinterWire, Vendor, tells

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("quick")]

FOX = UpstreamRequest(model="fox-1", prompt="a fox")
PICTURE = base64.b64encode(PIXEL).decode()
DONE = tells({"pictures": [{"picture": PICTURE}]})


@pytest.fixture
async def elsewhere():
    async with running(says(PIXEL)) as server:
        yield server


@pytest.fixture
async def printer(upstream, elsewhere, spools):
    """May call both servers, as if both were public."""
    pool = HttpPool(egress_allow=[upstream.host_port, elsewhere.host_port])
    yield WireAdapter(config_for(upstream.url), pool, spools, PrinterWire())
    await pool.aclose()


async def error_of(adapter: WireAdapter) -> UpstreamError:
    with pytest.raises(UpstreamError) as raised:
        await adapter.generate(FOX, timeout_seconds=5)
    return raised.value


async def test_a_look_elsewhere_is_made_without_the_key(printer, upstream, elsewhere):
    upstream.script = tells({"id": "1", "look": f"{elsewhere.url}/look"})
    elsewhere.script = DONE

    answer = await printer.generate(FOX)

    [look] = elsewhere.received
    assert (look.target, len(answer.images)) == ("/look", 1)
    assert "sk-test" not in str(look.headers)


async def test_a_cancel_elsewhere_is_made_without_the_key(printer, upstream, elsewhere):
    taken = tells({"id": "1", "look": "/look", "stop": f"{elsewhere.url}/stop"})
    upstream.script = Vendor({"POST /order": [taken], "GET /look": [tells({"state": "printing"})]})

    with pytest.raises(UpstreamError):
        await printer.generate(FOX, timeout_seconds=1.0)

    [stop] = elsewhere.received
    assert (stop.method, "authorization" in stop.headers) == ("DELETE", False)


async def test_the_key_goes_to_results_of_the_base_urls_origin_only(printer, upstream, elsewhere):
    pictures = [{"url": f"{elsewhere.url}/a.png"}, {"url": "/b.png"}]
    upstream.script = Vendor(
        {"POST /order": [tells({"pictures": pictures})], "GET /b.png": [says(PIXEL)]}
    )

    answer = await printer.generate(UpstreamRequest("fox-1", "a fox", n=2))

    assert len(answer.images) == 2
    assert upstream.received[-1].headers["authorization"] == KEY["Authorization"]
    assert "authorization" not in elsewhere.received[0].headers


async def test_a_redirect_of_a_result_takes_the_key_nowhere(printer, upstream, elsewhere):
    away = says(b"", status=302, headers={"Location": f"{elsewhere.url}/a.png"})
    upstream.script = Vendor(
        {"POST /order": [tells({"pictures": [{"url": "/b.png"}]})], "GET /b.png": [away]}
    )

    await printer.generate(FOX)

    assert "authorization" not in elsewhere.received[0].headers


async def test_a_private_address_is_not_looked_at(pool, upstream, elsewhere, spools):
    upstream.script = tells({"id": "1", "look": f"{elsewhere.url}/look"})
    adapter = WireAdapter(config_for(upstream.url), pool, spools, PrinterWire())

    error = await error_of(adapter)

    assert (error.attempt_class, error.may_have_billed) == (AttemptClass.UNKNOWN, True)
    assert elsewhere.received == []


@pytest.mark.parametrize("look", ["http://[", "ftp://x/", "https://127.0.0.1/", "https://a@b\\c/"])
async def test_what_is_no_public_address_is_not_looked_at(printer, upstream, look):
    upstream.script = tells({"id": "1", "look": look})

    error = await error_of(printer)

    assert error.attempt_class == AttemptClass.UNKNOWN


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://rest.shop.example/x", True),
        ("https://a.b.shop.example/x", True),
        ("https://cdn.example/x", True),
        ("https://shop.example/x", False),
        ("https://rest.shop.example.evil.example/x", False),
        ("https://api.vendor.example/x", True),
        ("https://api.vendor.example:8443/x", False),
    ],
)
def test_a_kind_names_the_hosts_that_may_have_the_key(spools, url, expected):
    adapter = WireAdapter(
        config_for("https://api.vendor.example/v1"),
        HttpPool(),
        spools,
        PrinterWire(),
        hosts=("*.shop.example", "cdn.example"),
    )

    assert adapter.may_have_key(url) is expected


def test_no_host_gets_the_key_in_the_clear(spools):
    config = config_for("https://api.vendor.example")
    adapter = WireAdapter(config, HttpPool(), spools, PrinterWire(), hosts=("cdn.example",))

    with pytest.raises(EgressRefused):
        adapter.may_have_key("http://cdn.example/x")


async def test_a_huge_id_is_not_kept(printer, upstream):
    upstream.script = tells({"id": "1" * 10_000, "look": "/look"})

    error = await error_of(printer)

    assert (error.attempt_class, error.may_have_billed) == (AttemptClass.UNKNOWN, True)
    assert len(upstream.received) == 1


async def test_a_look_of_a_megabyte_of_id_is_bounded(printer, upstream):
    upstream.script = tells({"id": "1" * 1_000_000, "look": "/look"})

    error = await error_of(printer)

    assert error.attempt_class == AttemptClass.BAD_RESULT


async def test_of_far_too_many_pictures_a_few_are_tried(printer, upstream, monkeypatch):
    image, tried = AnswerStream.image, []

    def counted(self: AnswerStream, value: object) -> SpoolFile | None:
        tried.append(value)
        return image(self, value)

    monkeypatch.setattr(AnswerStream, "image", counted)
    upstream.script = tells({"pictures": [{"picture": "!"}] * 3000})

    error = await error_of(printer)

    assert (error.attempt_class, len(tried)) == (AttemptClass.BAD_RESULT, 3)


@pytest.mark.parametrize("endless", [b'{"log": [' + b"1," * 100_000, b'{"log": "' + b"1" * 200_000])
async def test_an_endless_look_is_read_no_further(printer, upstream, monkeypatch, endless):
    monkeypatch.setattr(engine, "MAX_SKELETON_BYTES", 100_000)
    monkeypatch.setattr(engine, "_BYTES_PER_IMAGE", 0)
    taken = tells({"id": "1", "look": "/look"})
    upstream.script = shop = Vendor({"POST /order": [taken], "GET /look": [says(endless)]})

    error = await error_of(printer)

    assert (error.attempt_class, shop.seen.count("GET /look")) == (AttemptClass.UNKNOWN, 1)
