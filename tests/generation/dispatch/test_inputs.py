"""Reference images by address: fetched by us from a real server, verified, sent as bytes."""

import asyncio
import base64
import io
import ssl
import threading
from typing import Any
from uuid import UUID, uuid4

import pytest
from PIL import Image

from generation.channels.base import LargeValue
from generation.channels.declaration import Task
from generation.dispatch import inputs
from generation.dispatch.service import Dispatcher
from generation.lifecycle.outcome import Failure
from pictor.kit.bytes.spool import SpoolBudget, Spools
from pictor.kit.outbound.http import HttpPool
from pictor.kit.outbound.http_pools import HttpPools
from tests.fakes.raw_server import Script, running, says
from tests.fakes.recorder import drawn, noise
from tests.kit.calls import make_certificate
from tests.making.factories import open_gate
from tests.making.odd_pictures import photo, with_tail

pytestmark = pytest.mark.anyio

PNG = drawn((64, 64))


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    return make_certificate(tmp_path_factory.mktemp("tls"), "cats.com")


@pytest.fixture
async def server(certificate):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    async with running(says(PNG), tls=context) as server:
        yield server


@pytest.fixture
async def public(server, certificate):
    """An HTTP pool for which only cats.com is public; any other name is private."""
    pool = HttpPool(
        egress_allow=[f"cats.com:{server.port}"],
        resolve=lambda host, port: ["127.0.0.1"],
        ssl_context=ssl.create_default_context(cafile=certificate),
        connect_timeout_seconds=2,
    )
    yield pool
    await pool.aclose()


def addressed(*addresses: str) -> list[dict[str, Any]]:
    return [
        {"label": f"image[{place}]", "placeholder": f"input:{place}", "address": address}
        for place, address in enumerate(addresses)
    ]


async def text_of(value: LargeValue) -> str:
    data = b"".join([chunk async for chunk in value.read()])
    assert len(data) == value.size_bytes
    return value.prefix + base64.b64encode(data).decode()


async def fetched(http: HttpPool, spools: Spools, *addresses: str) -> dict[str, str]:
    """The bytes that an upstream would be sent, by placeholder."""
    async with inputs.readable(
        addressed(*addresses),
        task=Task.GENERATE,
        fetching=inputs.Fetching(http),
        tenant=uuid4(),
        spools=spools,
        seconds=20,
    ) as large:
        return {name: await text_of(value) for name, value in large.items()}


async def refusal(http: HttpPool, spools: Spools, *addresses: str) -> str:
    with pytest.raises(Failure) as failed:
        await fetched(http, spools, *addresses)
    error = failed.value.error
    assert (error.status, error.code, error.param) == (400, "invalid_image", "image")
    return error.message


async def test_an_image_is_fetched_and_sent_as_bytes(server, public, spools):
    url = f"https://cats.com:{server.port}"

    found = await fetched(public, spools, f"{url}/a.png?x=1", f"{url}/b.png")

    assert found == dict.fromkeys(
        ["input:0", "input:1"], f"data:image/png;base64,{base64.b64encode(PNG).decode()}"
    )
    assert [each.target for each in server.received] == ["/a.png?x=1", "/b.png"]
    assert "authorization" not in server.received[0].headers


async def test_an_image_that_is_mended_or_turned_is_sent_so(server, public, spools):
    url = f"https://cats.com:{server.port}/a"
    server.script = says(with_tail(PNG))
    padded = await fetched(public, spools, url)
    server.script = says(photo("JPEG"))

    async with inputs.readable(
        addressed(url),
        task=Task.EDIT,
        fetching=inputs.Fetching(public),
        tenant=uuid4(),
        spools=spools,
        seconds=20,
    ) as large:
        (turned,) = large.values()
        upright = base64.b64decode((await text_of(turned)).removeprefix(turned.prefix))

    assert padded == {"input:0": f"data:image/png;base64,{base64.b64encode(PNG).decode()}"}
    assert (turned.prefix, turned.format) == ("data:image/jpeg;base64,", "jpeg")
    with Image.open(io.BytesIO(upright)) as image:
        assert (image.size, dict(image.getexif())) == ((400, 600), {})


async def test_a_mask_is_held_against_what_viewers_show(server, public, spools):
    file = io.BytesIO()
    Image.new("LA", (400, 600)).save(file, "PNG")

    async def script(request: Any, writer: asyncio.StreamWriter) -> None:
        await says(photo("JPEG") if request.target == "/photo" else file.getvalue())(
            request, writer
        )

    server.script = script
    url = f"https://cats.com:{server.port}"
    image, mask = addressed(f"{url}/photo", f"{url}/mask")

    async with inputs.readable(
        [image, {**mask, "label": "mask"}],
        task=Task.EDIT,
        fetching=inputs.Fetching(public),
        tenant=uuid4(),
        spools=spools,
        seconds=20,
    ) as large:
        assert len(large) == 2


def leads_to(location: str) -> Script:
    return says(b"", status=302, headers={"Location": location})


async def test_a_redirect_is_followed_where_the_guard_lets_it(server, public, spools):
    async def script(request: Any, writer: asyncio.StreamWriter) -> None:
        answer = says(PNG) if request.target == "/b.png" else leads_to("/b.png")
        await answer(request, writer)

    server.script = script

    found = await fetched(public, spools, f"https://cats.com:{server.port}/a.png")

    assert len(found) == 1
    assert [each.target for each in server.received] == ["/a.png", "/b.png"]


@pytest.mark.parametrize(
    "script",
    [
        says(b"no", status=404),
        says(b"no", status=500),
        leads_to("https://10.0.0.1/"),
        leads_to("http://cats.com/"),
        leads_to("/again"),
        leads_to("https://[oops"),
        says(b"", status=302),
        says(PNG, headers={"Content-Length": str(len(PNG) + 9)}),
    ],
    ids=["404", "500", "private", "http", "a circle", "nonsense", "nowhere", "cut short"],
)
async def test_every_failed_fetch_has_one_answer(server, public, spools, script, monkeypatch):
    monkeypatch.setattr(inputs, "READ_SECONDS", 0.5)
    server.script = script

    message = await refusal(public, spools, f"https://cats.com:{server.port}/a.png")

    assert message == "image[0] could not be fetched from its address. You were not charged."


@pytest.mark.parametrize("host", ["internal.corp.com", "nowhere.com"])
async def test_the_answer_is_the_same_whether_a_name_is_private_or_none(server, spools, host):
    def resolve(name: str, _port: int) -> list[str]:
        if name == "nowhere.com":
            raise OSError("no such name")
        return ["127.0.0.1"]

    pool = HttpPool(resolve=resolve)

    message = await refusal(pool, spools, f"https://{host}:{server.port}/a.png")

    assert message == "image[0] could not be fetched from its address. You were not charged."
    assert server.connections == 0
    await pool.aclose()


async def test_the_second_of_two_is_named(server, public, spools):
    url = f"https://cats.com:{server.port}/a.png"

    assert (await refusal(public, spools, url, "https://db.corp.com/")).startswith("image[1] ")


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"<html>", "is not a PNG, JPEG or WebP"),
        (b"", "is not a PNG, JPEG or WebP"),
        (b"GIF89a" + bytes(50), "is not a PNG, JPEG or WebP"),
        (PNG[:-20], "is broken or cut short"),
    ],
)
async def test_a_body_that_is_no_image_is_refused(server, public, spools, body, reason):
    server.script = says(body)

    message = await refusal(public, spools, f"https://cats.com:{server.port}/a.png")

    assert message.startswith(f"image[0] {reason}")


async def test_too_many_pixels_are_refused_with_their_limit(server, public, spools):
    file = io.BytesIO()
    Image.new("RGB", (3600, 3200)).save(file, "webp", method=0)
    server.script = says(file.getvalue())

    message = await refusal(public, spools, f"https://cats.com:{server.port}/a.png")

    assert message.startswith("image[0] has more than 11.25 megapixels, the most that a webp may")


async def test_too_many_bytes_are_refused_and_nothing_is_left(
    server, public, tmp_path, monkeypatch
):
    budget = SpoolBudget(64 * 1024**2)
    spools = Spools(tmp_path, budget)
    large = noise((640, 480))
    monkeypatch.setattr(inputs, "MAX_FETCHED_BYTES", len(large) * 2 - 1)
    server.script = says(large)
    url = f"https://cats.com:{server.port}/a.png"

    alone = await fetched(public, spools, url)
    both = await refusal(public, spools, url, url)

    assert len(alone) == 1
    assert both.startswith("image[1] could not be fetched")
    assert budget.used_bytes == 0


async def test_a_server_that_never_ends_is_given_up(server, public, spools, monkeypatch):
    release = asyncio.Event()

    async def drips(_request: Any, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 x\r\nContent-Length: 99999\r\n\r\n\x89PNG")
        await writer.drain()
        await release.wait()

    monkeypatch.setattr(inputs, "FETCH_SECONDS", 0.3)
    server.script = drips

    message = await refusal(public, spools, f"https://cats.com:{server.port}/a.png")
    release.set()

    assert message.startswith("image[0] could not be fetched")


async def test_a_tenant_fetches_a_few_at_a_time_and_keeps_nobody_else(server, public, spools):
    fetching, greedy = inputs.Fetching(public), uuid4()
    go_on = asyncio.Event()

    async def waits(request: Any, writer: asyncio.StreamWriter) -> None:
        if request.target == "/slow.png":
            await go_on.wait()
        await says(PNG)(request, writer)

    server.script = waits

    async def fetch(tenant: UUID, name: str) -> int:
        one = addressed(f"https://cats.com:{server.port}/{name}.png")
        async with inputs.readable(
            one, task=Task.GENERATE, fetching=fetching, tenant=tenant, spools=spools, seconds=20
        ) as large:
            return len(large)

    slow = [asyncio.create_task(fetch(greedy, "slow")) for _ in range(6)]
    other = await fetch(uuid4(), "quick")
    begun = [each.target for each in server.received].count("/slow.png")
    go_on.set()

    assert other == 1
    assert begun <= inputs.FETCHES_PER_TENANT
    assert await asyncio.gather(*slow) == [1] * 6


async def test_private_hosts_allowed_to_channels_stay_closed_to_callers_addresses(server, spools):
    ways = HttpPools()
    dispatcher = Dispatcher(http=ways, allow=[server.host_port], spools=spools, gate=open_gate())
    theirs = dispatcher._fetching.http  # noqa: SLF001 - what callers' addresses are fetched by

    message = await refusal(theirs, spools, f"https://{server.host_port}/a.png")
    await ways.aclose()

    assert message.startswith("image[0] could not be fetched from its address.")
    assert (theirs.allow, server.received) == (frozenset(), [])


async def test_an_address_whose_name_had_no_turn_is_not_the_callers_fault(spools):
    begun, release = threading.Event(), threading.Event()

    def resolve(_host: str, _port: int) -> list[str]:
        begun.set()
        release.wait(10)
        return []

    pool = HttpPool(connect_timeout_seconds=0.5, resolve=resolve, dns_threads=1)

    asking = asyncio.create_task(refusal(pool, spools, "https://mute.example/a.png"))
    await asyncio.to_thread(begun.wait, 10)
    with pytest.raises(Failure) as failed:
        await fetched(pool, spools, "https://other.example/a.png")
    mute = await asking
    release.set()
    await pool.aclose()

    assert mute.startswith("image[0] could not be fetched from its address.")
    assert failed.value.error.status == 503
    assert "could not be looked up just now" in failed.value.error.message


async def test_a_fetch_without_a_turn_in_time_is_refused(server, public, spools, monkeypatch):
    monkeypatch.setattr(inputs, "FETCHES_PER_TENANT", 1)
    fetching, tenant = inputs.Fetching(public), uuid4()
    one = addressed(f"https://cats.com:{server.port}/a.png")

    async with fetching.turns.turn(tenant):
        with pytest.raises(Failure) as failed:
            async with inputs.readable(
                one,
                task=Task.GENERATE,
                fetching=fetching,
                tenant=tenant,
                spools=spools,
                seconds=0.05,
            ):
                raise AssertionError

    assert "could not be fetched from its address in time" in failed.value.error.message


async def test_names_that_callers_choose_are_looked_up_apart_from_operators_names():
    pools = HttpPools()

    assert pools.strangers is pools.strangers
    assert pools.strangers is not pools.allowing(frozenset())
    await pools.aclose()


async def test_a_mask_that_was_fetched_must_fit_the_first_image(server, public, spools):
    """The image came in the request, the mask by address."""
    facts = {"format": "png", "width": 64, "height": 48, "has_alpha": False}
    image = {"label": "image[0]", "placeholder": "p", "key": "k", "prefix": "", "size_bytes": 1}
    (mask,) = addressed(f"https://cats.com:{server.port}/a.png")

    with pytest.raises(Failure) as failed:
        async with inputs.readable(
            [{**image, "facts": facts}, {**mask, "label": "mask"}],
            task=Task.EDIT,
            fetching=inputs.Fetching(public),
            tenant=uuid4(),
            spools=spools,
            seconds=20,
        ):
            pass

    assert failed.value.error.param == "mask"
    assert "has no transparency" in failed.value.error.message
    assert spools.budget.used_bytes == 0
