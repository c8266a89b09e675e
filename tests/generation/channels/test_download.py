"""A result by its url: from a real local server that resets, lies and stalls."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from generation.channels import download as shelf
from pictor.kit.bytes.spool import SpoolFile, Spools, SpoolTooLarge
from pictor.kit.outbound.http import DeadlineExceeded, HttpPool, deadline
from pictor.kit.running import retries
from tests.fakes import raw_server
from tests.fakes.raw_server import Received, Script, says, sends

pytestmark = [pytest.mark.anyio, pytest.mark.thorough]

Download = Callable[[str], Awaitable[SpoolFile | None]]


@pytest.fixture
def download(pool: HttpPool, spools: Spools) -> Download:
    """Downloads into spools of at most 1,000 bytes."""

    async def one(url: str) -> SpoolFile | None:
        return await shelf.download(
            url,
            base="https://vendor.example/v1/images/generations",
            http=pool,
            new_spool=lambda: spools.new(max_bytes=1000),
        )

    return one


def in_turn(*scripts: Script) -> Script:
    """Answer each request with the next script."""
    left = list(scripts)

    async def script(request: Received, writer: asyncio.StreamWriter) -> None:
        await left.pop(0)(request, writer)

    return script


async def test_the_bytes_come_without_any_credential(download, upstream, pixel):
    upstream.script = says(pixel)

    spool = await download(f"{upstream.url}/a.png?sig=1")

    assert b"".join(spool.chunks()) == pixel
    assert upstream.received[0].target == "/a.png?sig=1"
    assert "authorization" not in upstream.received[0].headers
    spool.close()


@pytest.mark.parametrize(
    "failures",
    [
        (sends(b"", then_reset=True), says(b"", status=503)),
        (says(b"", status=404),),
        (says(b""),),
        (sends(b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\nQUJD"),),
    ],
)
async def test_a_failed_download_is_tried_again(download, upstream, pixel, failures):
    upstream.script = in_turn(*failures, says(pixel))

    spool = await download(f"{upstream.url}/a.png")

    assert b"".join(spool.chunks()) == pixel
    spool.close()


async def test_five_tries_are_enough(download, upstream, monkeypatch):
    monkeypatch.setattr(shelf, "_again", retries.calls(tries=5, pause_seconds=0.01))
    upstream.script = says(b"", status=503)

    assert await download(f"{upstream.url}/a.png") is None
    assert len(upstream.received) == 5


def leads_to(place: str) -> Script:
    return says(b"", status=302, headers={"Location": place})


async def test_three_redirects_are_followed_relative_ones_too(download, upstream, pixel):
    absolute = leads_to(f"{upstream.url}/one.png")
    upstream.script = in_turn(absolute, leads_to("two.png?a=%2F"), leads_to("/three"), says(pixel))

    spool = await download(f"{upstream.url}/files/zero.png")

    assert b"".join(spool.chunks()) == pixel
    targets = [request.target for request in upstream.received]
    assert targets == ["/files/zero.png", "/one.png", "/two.png?a=%2F", "/three"]
    spool.close()


async def test_a_redirect_is_judged_as_any_address(download, upstream):
    upstream.script = leads_to("http://169.254.169.254/latest/meta-data")

    assert await download(f"{upstream.url}/a.png") is None
    assert len(upstream.received) == 1


@pytest.mark.parametrize(
    "url",
    [
        *("https://[x/y.png", "//[x/a.png", "https://x/\ud800.png", "https://xn--ls8h.la/a.png"),
        "https://x/" + "a" * 8_183,  # joined only up to this length, which takes 70 ms
    ],
)
async def test_what_is_no_address_is_no_image(download, url):
    assert await download(url) is None


async def test_a_redirect_to_what_is_no_address_is_no_image(download, upstream):
    upstream.script = sends(b"HTTP/1.1 302 Found\r\nLocation: https://[x\r\n\r\n")

    assert await download(f"{upstream.url}/a.png") is None


async def test_redirects_without_end_are_given_up(download, upstream, monkeypatch):
    monkeypatch.setattr(shelf, "_again", retries.calls(tries=2, pause_seconds=0.01))
    upstream.script = leads_to("/again")

    assert await download(f"{upstream.url}/a.png") is None
    assert len(upstream.received) == 2 * 4


@pytest.mark.parametrize(
    ("path", "target"),
    [
        ("/a b.png", "/a%20b.png"),
        ("/图 1.png", "/%E5%9B%BE%201.png"),
        (
            "/a%2Fb%7Ec.png?sig=ab%2Bcd~e+g%3D&x=a;b:c,d'e",
            "/a%2Fb%7Ec.png?sig=ab%2Bcd~e+g%3D&x=a;b:c,d'e",
        ),
    ],
)
async def test_an_address_is_asked_as_it_came_but_for_what_it_may_not_hold(
    download, upstream, pixel, path, target
):
    upstream.script = says(pixel)

    spool = await download(upstream.url + path)

    assert upstream.received[0].target == target
    spool.close()


@pytest.mark.parametrize(
    "url",
    [
        "http://169.254.169.254/latest/meta-data",
        "https://127.0.0.1:1/a.png",
        "https://localhost/a.png",
        "https://[::ffff:127.0.0.1]/a.png",
        "http://example.com/a.png",
        "file:///etc/passwd",
    ],
)
async def test_an_address_that_points_inside_is_never_called(download, url):
    async with asyncio.timeout(0.4):  # and not retried, which would take a second
        assert await download(url) is None


async def test_a_redirect_is_not_followed(download, upstream):
    upstream.script = says(b"", status=302, headers={"Location": "http://127.0.0.1:1/"})

    assert await download(f"{upstream.url}/a.png") is None
    assert {request.target for request in upstream.received} == {"/a.png"}


async def test_more_than_an_image_can_have_is_not_fetched_twice(download, upstream, monkeypatch):
    monkeypatch.setattr(shelf, "MAX_IMAGE_BYTES", 100)
    upstream.script = says(b"x" * 101)

    assert await download(f"{upstream.url}/a.png") is None
    assert len(upstream.received) == 1


async def test_a_spool_that_takes_no_more_ends_it(download, upstream):
    upstream.script = says(b"x" * 1001)

    with pytest.raises(SpoolTooLarge):
        await download(f"{upstream.url}/a.png")

    assert len(upstream.received) == 1


@pytest.mark.parametrize("script", [raw_server.drips, says(b"", status=503)])
async def test_the_callers_deadline_holds_for_all_tries(download, upstream, script):
    upstream.script = script

    with pytest.raises(DeadlineExceeded):
        async with deadline(0.3):
            await download(f"{upstream.url}/a.png")
