import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from generation.channels import download, engine
from generation.channels.base import Adapter, ChannelConfig, LargeValue
from generation.channels.registry import open_adapter
from pictor.kit.bytes.spool import SpoolBudget, Spools
from pictor.kit.outbound.http import HttpPool
from pictor.kit.running import retries
from tests.fakes.raw_server import RawServer, Script, running, says
from tests.generation.channels.streaming import Collector

API_KEY = "sk-test-0123456789abcdef"
PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
async def upstream():
    async with running(says(b"{}")) as server:
        yield server


@pytest.fixture
def spools(tmp_path: Path) -> Spools:
    return Spools(tmp_path / "spool", SpoolBudget(1024**3))


@pytest.fixture
async def pool(upstream):
    pool = HttpPool(egress_allow=[upstream.host_port], connect_timeout_seconds=2)
    yield pool
    await pool.aclose()


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Short pauses between looks, and few tries of a download."""
    monkeypatch.setattr(engine, "FIRST_PAUSE_SECONDS", 0.01)
    monkeypatch.setattr(engine, "LONGEST_PAUSE_SECONDS", 0.02)
    monkeypatch.setattr(engine, "_quiet_until", {})
    monkeypatch.setattr(download, "_again", retries.calls(tries=2, pause_seconds=0.01))


@pytest.fixture
def channel(upstream: RawServer, pool: HttpPool, spools: Spools) -> Adapter:
    return open_adapter(config_for(upstream.url), pool, spools)


def config_for(
    base_url: str, *, kind: str = "openai", key: str = API_KEY, **options: Any
) -> ChannelConfig:
    return ChannelConfig(id="1", name="one", kind=kind, base_url=base_url, api_key=key, **options)


@pytest.fixture
def answers() -> Callable[..., Script]:
    """A script that answers with a JSON document."""

    def script(document: object, *, status: int = 200, **headers: str) -> Script:
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        return says(json.dumps(document).encode(), status=status, headers=names)

    return script


@pytest.fixture
def pixel() -> bytes:
    """A whole png of one pixel."""
    return PIXEL


@pytest.fixture
def pixel_b64() -> str:
    return base64.b64encode(PIXEL).decode()


@pytest.fixture
def collector():
    collector = Collector()
    yield collector
    collector.close()


def large_value(data: bytes, *, prefix: str = "", size_bytes: int | None = None) -> LargeValue:
    async def read():
        for start in range(0, len(data), 1000):
            yield data[start : start + 1000]

    size = len(data) if size_bytes is None else size_bytes
    return LargeValue(size_bytes=size, read=read, prefix=prefix)
