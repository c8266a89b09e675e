"""From nothing to a first sold picture, by a preset: five commands for each kind of channel."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import pyvips  # type: ignore[import-untyped] # it ships no types
from anyio.from_thread import start_blocking_portal

from generation.catalogue.services import shipped_files
from tests.customers.customer import Customer, Operator
from tests.fakes.azure_deployments import DEPLOYMENT, AzureDeployments
from tests.fakes.bfl_api import BflApi
from tests.fakes.comfy_server import ComfyServer
from tests.fakes.data_vendors import ArkImages, OpenRouterImages, XaiImages
from tests.fakes.fal_queue import FalQueue
from tests.fakes.gemini_models import GeminiModels
from tests.fakes.raw_server import RawServer, running, says
from tests.fakes.replicate_api import ReplicateApi
from tests.stack.servers import Stack

KEY = "sk-vendor"
PICTURE = pyvips.Image.black(1024, 1024, bands=3).pngsave_buffer()
LARGE = pyvips.Image.black(2048, 2048, bands=3).jpegsave_buffer()
Connect = Callable[..., None]


@pytest.fixture
def vendor(stack: Stack) -> Iterator[RawServer]:
    """A server at an address that the stack may call."""
    to = running(says(b""), port=stack.upstream_ports[3])
    with start_blocking_portal() as portal, portal.wrap_async_context_manager(to) as server:
        yield server


@pytest.fixture
def connect(vendor: RawServer, operator: Operator) -> Iterator[Connect]:
    """Connect the vendor by a preset, before all others, and test it."""
    done: list[str] = []

    def connected(preset: str, *more: str, path: str = "") -> None:
        to = f"{vendor.url}{path}"
        where = ("--preset", preset, "--base-url", to, "--api-key", KEY, "--priority", "1")
        done.append(preset)
        operator("channel", "set", preset, *where, *more, "--yes")
        operator("channel", "test", preset, "--enable")

    yield connected
    for name in done:
        operator("channel", "disable", name, "--yes")


class Shop(NamedTuple):
    """A vendor's server, the preset that connects it, and what its picture is sold for."""

    preset: str
    model: str
    micros: int
    script_of: Callable[[str], Any]
    more: tuple[str, ...] = ()
    path: str = ""
    size: str = "1024x1024"


SHOPS = (
    Shop("gemini", "nano-banana-pro", 134_400, lambda _: GeminiModels(PICTURE, key=KEY)),
    Shop(
        "fal", "flux-3", 48_000, lambda url: FalQueue(url, PICTURE),
        ("--sizes-of", "flux-3:1024x1024"),
    ),
    Shop(
        "xai", "grok-imagine-2.0", 40_000, lambda _: XaiImages(PICTURE, key=KEY),
        ("--sizes-of", "grok-imagine-2.0:1024x1024"), "/v1",
    ),
    Shop(
        "openrouter", "nano-banana-pro", 134_400, lambda _: OpenRouterImages(PICTURE, key=KEY),
        ("--models", "nano-banana-pro", "--sizes-of", "nano-banana-pro:1024x1024"), "/api/v1",
    ),
    Shop(
        "bfl", "flux-3", 48_000, lambda url: BflApi(url, PICTURE),
        ("--sizes-of", "flux-3:1024x1024"),
    ),
    Shop(
        "replicate", "seedream-4.5", 40_000, lambda url: ReplicateApi(url, LARGE),
        ("--models", "seedream-4.5", "--sizes-of", "seedream-4.5:2048x2048"), "", "2048x2048",
    ),
    Shop(
        "ark", "seedream-4.5", 40_000, lambda _: ArkImages(LARGE, key=KEY),
        ("--sizes-of", "seedream-4.5:2048x2048"), "/api/v3", "2048x2048",
    ),
)  # fmt: skip


@pytest.mark.parametrize("shop", SHOPS, ids=[shop.preset for shop in SHOPS])
def test_a_shipped_model_is_sold_after_five_commands(
    shop: Shop, vendor: RawServer, connect: Connect, customer: Customer, operator: Operator
) -> None:
    vendor.script = shop.script_of(vendor.url)

    imported = operator("do", "model.import", "--shipped", shop.model, "--yes")
    for draft in re.findall(r"in the draft (\S+)", imported)[-1:]:
        operator("price", "publish", draft, "--yes")
    connect(shop.preset, *shop.more, path=shop.path)
    operator("do", "model.enable", shop.model, "--yes")
    made = customer.generate("a fox", model=shop.model)
    operator("do", "model.disable", shop.model, "--yes")

    assert made.status_code == 200, made.text
    assert customer.captures() == [shop.micros]
    assert made.json()["metadata"]["delivered_sizes"] == [shop.size]


def test_a_graph_on_hardware_of_ours_is_sold_at_a_price_of_ours(
    vendor: RawServer, connect: Connect, customer: Customer, operator: Operator, tmp_path: Path
) -> None:
    vendor.script = ComfyServer(PICTURE)
    priced = tmp_path / "flux-1-schnell.toml"
    priced.write_text(
        f"{shipped_files()['flux-1-schnell']}\n[prices]\nany = {{ standard = '0.01' }}"
    )

    imported = operator("do", "model.import", "--file", f"@{priced}", "--yes")
    (draft,) = re.findall(r"in the draft (\S+)", imported)
    operator("price", "publish", draft, "--yes")
    connect("comfyui", "--sizes-of", "flux-1-schnell:1024x1024")
    operator("do", "model.enable", "flux-1-schnell", "--yes")
    made = customer.generate("a fox", model="flux-1-schnell")
    operator("do", "model.disable", "flux-1-schnell", "--yes")

    assert made.status_code == 200, made.text
    assert customer.captures() == [10_000]


@pytest.mark.parametrize(
    ("preset", "path"), [("azure", ""), ("azure-classic", ""), ("openai", "/openai/v1")]
)
def test_a_model_that_is_on_sale_is_sold_at_another_vendor_after_two(
    preset: str, path: str, vendor: RawServer, connect: Connect, customer: Customer
) -> None:
    shop = AzureDeployments(PICTURE, key=KEY)
    vendor.script = shop

    connect(preset, "--map", f"gpt-image-2={DEPLOYMENT}", "--sizes", "1024x1024", path=path)
    made = customer.generate("a fox", model="gpt-image-2", size="1024x1024", quality="medium")

    assert made.status_code == 200, made.text
    assert customer.captures() == [52_680]
    assert len(shop.seen) == 2
