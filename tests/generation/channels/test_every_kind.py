"""What holds for all vendors' kinds, over real HTTP, against the servers that stand for them."""

import base64
import json
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from generation.channels import download, engine
from generation.channels.base import Adapter, Job, UpstreamRequest
from generation.channels.base64_stream import AnswerStream
from generation.channels.comfyui.kind import GRAPHS
from generation.channels.declaration import Task
from generation.channels.errors import UpstreamError
from generation.channels.openai import adapter
from generation.channels.registry import KINDS, open_adapter
from generation.channels.vertex.wire import VertexWire
from pictor.kit.bytes.spool import SpoolFile
from pictor.kit.outbound.http import HttpPool
from tests.fakes import bfl_api, comfy_server, fal_queue, replicate_api
from tests.fakes.azure_deployments import DEPLOYMENT, AzureDeployments
from tests.fakes.bfl_api import BflApi
from tests.fakes.comfy_server import ComfyServer
from tests.fakes.data_vendors import ArkImages, OpenRouterImages, XaiImages
from tests.fakes.fal_queue import FalQueue
from tests.fakes.gemini_models import MODEL, WRONG_KEY, GeminiModels, blocked, ended, failed, part
from tests.fakes.raw_server import RawServer, Received, Script, running, says, sends
from tests.fakes.replicate_api import ReplicateApi
from tests.generation.channels.conftest import API_KEY, PIXEL, config_for, large_value
from tests.generation.channels.printing import Vendor, pictures_of, tells

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("quick")]

LOST = sends(b"", then_reset=True)
GRAPH = GRAPHS.checked(comfy_server.MAP)
RELAY_ORDER, RELAY_LOOK = "POST /v1/images/generations", "GET /v1/tasks/t-1"
TAKEN = tells({"task_id": "t-1"})
Shop = Callable[[RawServer, Script | None, Script | None], Any]


def encoded(picture: bytes) -> str:
    return base64.b64encode(picture).decode()


def gemini(server: RawServer, pictures: Sequence[bytes]) -> Script:
    return ended(*map(part, pictures))


def azure(server: RawServer, pictures: Sequence[bytes]) -> Script:
    return tells({"data": [{"b64_json": encoded(each)} for each in pictures]})


def fal(server: RawServer, pictures: Sequence[bytes]) -> Script:
    urls = [f"data:image/png;base64,{encoded(each)}" for each in pictures]
    return tells({"images": [{"url": url} for url in urls]})


def bfl(server: RawServer, pictures: Sequence[bytes]) -> Script:
    results = [{"sample": f"data:image/png;base64,{encoded(each)}"} for each in pictures]
    return bfl_api.is_at("Ready", result=results[0], others=results[1:])


def replicate(server: RawServer, pictures: Sequence[bytes]) -> Script:
    urls = [f"data:image/png;base64,{encoded(each)}" for each in pictures]
    return tells({"status": "succeeded", "output": urls})


def relay(server: RawServer, pictures: Sequence[bytes]) -> Script:
    return tells({"status": "completed", "results": [{"b64_json": encoded(p)} for p in pictures]})


def comfy(server: RawServer, pictures: Sequence[bytes]) -> Script:
    """The last look, and the files that it names."""
    files = [{"filename": str(i), "subfolder": "", "type": "output"} for i in range(len(pictures))]
    done = tells({"status": "completed", "outputs": {"9": {"images": files}}})

    async def script(request: Received, writer: Any) -> None:
        _, _, query = request.target.partition("?filename=")
        turn = says(pictures[int(query.partition("&")[0])]) if query else done
        await turn(request, writer)

    return script


def shop_at_once(vendor: Callable[..., Any]) -> Shop:
    def shop(server: RawServer, order: Script | None, last: Script | None) -> Any:
        scripts = [each for each in (order or last,) if each]
        return vendor(PIXEL, key=API_KEY, scripts=scripts)

    return shop


def shop_that_follows(vendor: Callable[..., Any], order_at: str, last_at: str) -> Shop:
    def shop(server: RawServer, order: Script | None, last: Script | None) -> Any:
        named = {order_at: order, last_at: last}
        return vendor(server.url, PIXEL, {name: [each] for name, each in named.items() if each})

    return shop


def comfy_shop(server: RawServer, order: Script | None, last: Script | None) -> Any:
    named = {comfy_server.ORDER: order, comfy_server.LOOK: last, comfy_server.VIEW: last}
    return ComfyServer(PIXEL, {name: [each] for name, each in named.items() if each})


def relay_shop(server: RawServer, order: Script | None, last: Script | None) -> Any:
    done = relay(server, [PIXEL] * 3)
    there = {"GET /p.png": [says(b"gone", status=410)]}
    return Vendor({RELAY_ORDER: [order or TAKEN], RELAY_LOOK: [last or done], **there})


def taken_by_fal(name: str, look: str) -> dict[str, Any]:
    return {"request_id": name, "status_url": look, "response_url": look}


def taken_by_bfl(name: str, look: str) -> dict[str, Any]:
    return {"id": name, "polling_url": look}


def taken_by_replicate(name: str, look: str) -> dict[str, Any]:
    return {"id": name, "urls": {"get": look}}


@dataclass(frozen=True)
class Kind:
    """A kind of channel with the server that stands for it.

    Attributes:
        shop: that server's script, by other answers to the order, and to the last call.
        document: the last answer, with these pictures.
        orders: those of three pictures.
        cost: that which the vendor states of them.
        look: the call that looks at an order, of kinds that follow theirs.
        taken: the answer to an order, by its id and the address of its looks.
    """

    name: str
    shop: Shop
    document: Callable[[RawServer, Sequence[bytes]], Script]
    orders: int
    model: str = "fox"
    settings: dict[str, str] = field(default_factory=dict)
    field_map: dict[str, Any] = field(default_factory=dict)
    cost: int | None = None
    look: str = ""
    taken: Callable[[str, str], dict[str, Any]] = lambda name, _: {"task_id": name}


EVERY = [
    Kind("gemini", shop_at_once(GeminiModels), gemini, 3, MODEL),
    Kind(
        "vertex", shop_at_once(GeminiModels), gemini, 3, MODEL,
        {"project": "acme-1", "location": "global"},
    ),
    Kind(
        "azure_openai", shop_at_once(AzureDeployments), azure, 1, DEPLOYMENT,
        {"api_version": "v1"},
    ),
    Kind("ark", shop_at_once(ArkImages), azure, 3),
    Kind("openrouter", shop_at_once(OpenRouterImages), azure, 3, cost=116_100),
    Kind("xai", shop_at_once(XaiImages), azure, 1, cost=120_000),
    Kind(
        "fal", shop_that_follows(FalQueue, "POST /fox", fal_queue.RESULT), fal, 1,
        look=fal_queue.LOOK, taken=taken_by_fal,
    ),
    Kind("openai", relay_shop, relay, 1, look=RELAY_LOOK),
    Kind(
        "bfl", shop_that_follows(BflApi, bfl_api.ORDER, bfl_api.LOOK), bfl, 3, "flux-2-pro",
        cost=90_000, look=bfl_api.LOOK, taken=taken_by_bfl,
    ),
    Kind(
        "replicate", shop_that_follows(ReplicateApi, replicate_api.ORDER, replicate_api.LOOK),
        replicate, 3, replicate_api.MODEL, look=replicate_api.LOOK, taken=taken_by_replicate,
    ),
    Kind("comfyui", comfy_shop, comfy, 1, field_map=GRAPH, look=comfy_server.LOOK),
]  # fmt: skip


def each(*, of: Callable[[Kind], bool]) -> Any:
    kinds = [kind for kind in EVERY if of(kind)]
    return pytest.mark.parametrize("kind", kinds, ids=[kind.name for kind in kinds])


every_kind = each(of=lambda _: True)
kinds_that_follow = each(of=lambda kind: bool(kind.look))
GEMINI, VERTEX, AZURE, *_ = EVERY


def service_account() -> str:
    pem = rsa.generate_private_key(public_exponent=65537, key_size=2048).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return json.dumps({"client_email": "fox@acme-1.iam.example", "private_key": pem.decode()})


ACCOUNT = service_account()


@pytest.fixture
def opened(upstream, pool, spools, monkeypatch):
    """Opens the adapter of a kind, whose server answers so."""
    monkeypatch.setattr(VertexWire, "grant_address", f"{upstream.url}/token")

    def opened(kind: Kind, order: Script | None = None, last: Script | None = None) -> Adapter:
        upstream.script = kind.shop(upstream, order, last)
        key = ACCOUNT if kind.name == "vertex" else API_KEY
        options = {"settings": kind.settings, "field_map": kind.field_map}
        config = config_for(upstream.url, kind=kind.name, key=key, **options)
        return open_adapter(config, pool, spools)

    return opened


async def failure_of(
    channel: Adapter, request: UpstreamRequest, seconds: float = 9
) -> UpstreamError:
    with pytest.raises(UpstreamError) as raised:
        await channel.generate(request, timeout_seconds=seconds)
    return raised.value


def orders_at(server: RawServer) -> list[str]:
    posted = [each.target for each in server.received if each.method == "POST"]
    return [target for target in posted if target != "/token" and not target.endswith("/cancel")]


def test_every_kind_is_here():
    assert {kind.name for kind in EVERY} == set(KINDS)


@every_kind
async def test_three_pictures_are_as_many_orders_as_it_needs(opened, upstream, kind):
    channel = opened(kind, last=fal(upstream, [PIXEL] * 3) if kind.name == "fal" else None)

    answer = await channel.generate(UpstreamRequest(kind.model, "a fox", n=3))

    assert pictures_of(answer) == [PIXEL] * 3
    assert (len(orders_at(upstream)), answer.cost) == (kind.orders, kind.cost)


@every_kind
async def test_an_order_without_an_answer_is_unknown_and_sent_once(opened, upstream, kind):
    error = await failure_of(opened(kind, order=LOST), UpstreamRequest(kind.model, "a fox"))

    assert (error.attempt_class, error.may_have_billed) == ("unknown", True)
    assert len(orders_at(upstream)) == 1


@each(of=lambda kind: kind.document not in {relay, comfy})
async def test_a_reference_image_is_sent(opened, upstream, kind):
    reference = os.urandom(700_000)
    images = (large_value(reference),)

    answer = await opened(kind).generate(
        UpstreamRequest(kind.model, "a fox", task=Task.EDIT, images=images)
    )

    bodies = b"".join(each.body for each in upstream.received)
    assert pictures_of(answer) == [PIXEL]
    assert reference in bodies or encoded(reference).encode() in bodies


@pytest.fixture
def one_mb(monkeypatch):
    """The most bytes of a picture, 64 MB else."""
    for module in (engine, adapter, download):
        assert module.MAX_IMAGE_BYTES == 64 * 1024**2
        monkeypatch.setattr(module, "MAX_IMAGE_BYTES", 1024**2)
    return 1024**2


@every_kind
async def test_a_picture_may_have_the_most_bytes(opened, upstream, one_mb, kind):
    channel = opened(kind, last=kind.document(upstream, [bytes(one_mb)]))

    answer = await channel.generate(UpstreamRequest(kind.model, "a fox"))

    assert pictures_of(answer) == [bytes(one_mb)]


@every_kind
async def test_no_picture_has_a_byte_more(opened, upstream, one_mb, kind):
    channel = opened(kind, last=kind.document(upstream, [bytes(one_mb + 1)]))

    error = await failure_of(channel, UpstreamRequest(kind.model, "a fox"))

    assert (error.attempt_class, error.may_have_billed) == ("bad_result", True)


async def test_64_mb_are_one_picture(opened, upstream):
    channel = opened(GEMINI, last=ended(part(bytes(64 * 1024**2))))

    answer = await channel.generate(UpstreamRequest(MODEL, "a fox"))

    assert [image.spool.size for image in answer.images] == [67_108_864]


@pytest.fixture
def tried(monkeypatch):
    """The strings that were tried as pictures."""
    image, tried = AnswerStream.image, []

    def counted(self: AnswerStream, value: object) -> SpoolFile | None:
        tried.append(value)
        return image(self, value)

    monkeypatch.setattr(AnswerStream, "image", counted)
    return tried


@every_kind
async def test_of_1_000_pictures_a_few_are_tried(opened, upstream, tried, kind):
    channel = opened(kind, last=kind.document(upstream, [b"x"] * 1_000))

    answer = await channel.generate(UpstreamRequest(kind.model, "a fox"))

    assert pictures_of(answer) == [b"x"]
    assert len(tried) <= 3


@every_kind
async def test_10_000_pictures_are_no_answer(opened, upstream, tried, kind):
    channel = opened(kind, last=kind.document(upstream, [b"x"] * 10_000))

    error = await failure_of(channel, UpstreamRequest(kind.model, "a fox"))

    assert (error.attempt_class, error.may_have_billed, tried) == ("unknown", True, [])


async def test_azure_gets_the_mask_of_an_edit(opened, upstream):
    channel = opened(AZURE)
    edit = UpstreamRequest(DEPLOYMENT, "a fox", task=Task.EDIT, images=(large_value(PIXEL),))

    await channel.generate(replace(edit, mask=large_value(b"a mask")))

    [order] = upstream.received
    assert b'name="mask"; filename="1.png"' in order.body
    assert b"a mask" in order.body


async def test_vertexs_picture_stands_among_drafts(opened):
    drafts = [part(draft, thought=True) for draft in (b"one", b"two", b"three")]
    channel = opened(VERTEX, last=ended(*drafts[:2], part(b"first"), part(PIXEL), drafts[2]))

    answer = await channel.generate(UpstreamRequest(MODEL, "a fox"))

    assert pictures_of(answer) == [PIXEL]
    assert answer.model == MODEL


@pytest.mark.parametrize(
    "case",
    [
        (blocked("PROHIBITED_CONTENT"), "moderated", True),
        (ended(reason="IMAGE_SAFETY"), "moderated", True),
        (ended(reason="NO_IMAGE"), "bad_result", True),
        (ended(reason="PUP_LIMITED_DISABLED"), "refused", False),
        (failed(400, "INVALID_ARGUMENT"), "rejected", False),
        (failed(400, "INVALID_ARGUMENT", {"reason": WRONG_KEY}), "refused", False),
        (failed(400, "FAILED_PRECONDITION"), "refused", False),
        (failed(401, "UNAUTHENTICATED"), "refused", False),
        (failed(403, "PERMISSION_DENIED"), "refused", False),
        (failed(404, "NOT_FOUND"), "refused", False),
        (failed(429, "RESOURCE_EXHAUSTED"), "refused", False),
        (failed(503, "UNAVAILABLE"), "refused", False),
        (failed(500, "INTERNAL"), "unknown", True),
        (failed(504, "DEADLINE_EXCEEDED"), "unknown", True),
    ],
)
async def test_vertex_refuses_by_a_200_or_by_a_status(opened, upstream, case):
    script, expected, is_paid = case

    error = await failure_of(opened(VERTEX, order=script), UpstreamRequest(MODEL, "a fox"))

    assert (error.attempt_class, error.may_have_billed) == (expected, is_paid)
    assert len(orders_at(upstream)) == 1


def at_address(kind: Kind, url: str) -> Script:
    """The last answer, with a picture there."""
    gone = {
        "fal": {"images": [{"url": url}]},
        "openai": {"status": "completed", "result": {"images": [{"url": [url]}]}},
        "bfl": {"status": "Ready", "result": {"sample": url}},
        "replicate": {"status": "succeeded", "output": url},
    }
    return tells(gone.get(kind.name, {"data": [{"url": url}]}))


kinds_with_addresses = each(of=lambda kind: kind.document not in {gemini, comfy})


@kinds_with_addresses
async def test_a_picture_that_is_gone_from_its_address_was_paid(opened, upstream, kind):
    channel = opened(kind, last=at_address(kind, f"{upstream.url}/p.png"))

    error = await failure_of(channel, UpstreamRequest(kind.model, "a fox"))

    assert (error.attempt_class, error.may_have_billed) == ("bad_result", True)
    assert len([each for each in upstream.received if each.target == "/p.png"]) == 2


@kinds_with_addresses
async def test_a_picture_on_a_private_address_is_not_fetched(opened, kind):
    async with running(says(PIXEL)) as private:
        channel = opened(kind, last=at_address(kind, f"{private.url}/p.png"))
        error = await failure_of(channel, UpstreamRequest(kind.model, "a fox"))

    assert (error.attempt_class, error.may_have_billed) == ("bad_result", True)
    assert private.received == []


@kinds_that_follow
async def test_looks_that_fail_are_made_again(opened, upstream, kind):
    channel = opened(kind, last=kind.document(upstream, [PIXEL]))
    shop = upstream.script
    failed = tells({"detail": "x", "error": {"message": "x"}}, status=500)
    failing = [failed, says(b"<html>", status=502), says(b"", status=429), LOST]
    shop.scripts[kind.look] = [*failing, *shop.scripts.get(kind.look, [fal_queue.COMPLETED])]

    answer = await channel.generate(UpstreamRequest(kind.model, "a fox"), timeout_seconds=9)

    assert pictures_of(answer) == [PIXEL]
    assert (len(orders_at(upstream)), shop.seen.count(kind.look)) == (1, 5)


@kinds_that_follow
async def test_no_key_follows_an_order_to_a_former_address(upstream, spools, kind):
    refused = tells({"detail": "no key", "error": {"message": "no key"}}, status=401)
    async with running(refused) as former:
        pool = HttpPool(egress_allow=[upstream.host_port, former.host_port])
        moved = open_adapter(config_for(upstream.url, kind=kind.name), pool, spools)
        job = Job("t-1", f"{former.url}/look", f"{former.url}/result", f"{former.url}/stop")
        with pytest.raises(UpstreamError) as raised:
            await moved.resume([job], UpstreamRequest("fox", "a fox"), timeout_seconds=5)
        await pool.aclose()

    assert (raised.value.attempt_class, raised.value.may_have_billed) == ("unknown", True)
    assert {each.target for each in former.received} == {"/look"}
    assert API_KEY not in str(former.received)
    assert upstream.received == []


@each(of=lambda kind: bool(kind.look) and kind.name != "comfyui")
@pytest.mark.parametrize("length", [5_000, 1024**2])
async def test_a_huge_id_is_followed_nowhere(opened, upstream, kind, length):
    name = "a" * length
    channel = opened(kind, order=tells(kind.taken(name, f"{upstream.url}/{name}")))
    nothing = tells({"detail": "none", "error": {"message": "no such task"}}, status=404)
    order = upstream.script

    async def script(request: Any, writer: Any) -> None:
        await (order if request.method == "POST" else nothing)(request, writer)

    upstream.script = script

    error = await failure_of(channel, UpstreamRequest(kind.model, "a fox"))

    assert (error.attempt_class, error.may_have_billed) == ("unknown", True)
    assert max(len(each.target) for each in upstream.received) < 200


@kinds_that_follow
@pytest.mark.parametrize("endless", [b'{"log": [' + b"1," * 100_000, b'{"log": "' + b"1" * 200_000])
async def test_an_endless_look_is_read_no_further(opened, upstream, monkeypatch, kind, endless):
    monkeypatch.setattr(engine, "MAX_SKELETON_BYTES", 100_000)
    monkeypatch.setattr(engine, "_BYTES_PER_IMAGE", 0)
    channel = opened(kind)
    shop = upstream.script
    shop.scripts[kind.look] = [says(endless)]

    error = await failure_of(channel, UpstreamRequest(kind.model, "a fox"))

    assert (error.attempt_class, error.may_have_billed) == ("unknown", True)
    assert shop.seen.count(kind.look) == 1


@kinds_that_follow
async def test_a_status_never_heard_of_proves_nothing(opened, upstream, kind):
    channel = opened(kind)
    upstream.script.scripts[kind.look] = [tells({"status": "never heard of"})]

    error = await failure_of(channel, UpstreamRequest(kind.model, "a fox"), 0.5)

    assert (error.attempt_class, error.may_have_billed) == ("unknown", True)
    assert len(orders_at(upstream)) == 1
