"""A worker that carries one generation through scripted upstreams."""

import asyncio
import base64
import io
import json
from collections.abc import Mapping
from contextlib import AsyncExitStack
from pathlib import Path

from PIL import Image

from generation import pipeline
from generation.catalogue.credentials import encrypted
from generation.catalogue.snapshot import current_catalogue
from generation.dispatch.service import Dispatcher
from generation.dispatch.storage_gate import Gate
from generation.lifecycle.notify import Ring
from generation.models import Channel, Generation
from pictor.kit.bytes.spool import SpoolBudget, Spools
from pictor.kit.database import pools
from pictor.kit.outbound.http_pools import HttpPools
from tests.fakes.raw_server import Script, running
from tests.making.factories import make_worker, open_gate


def png() -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (1024, 1024)).save(file, "PNG")
    return file.getvalue()


ONE_IMAGE = json.dumps({"data": [{"b64_json": base64.b64encode(png()).decode()}]}).encode()


def carried(
    made: Generation, folder: Path, *, scripts: Mapping[str, Script], gate: Gate | None = None
) -> None:
    """Let a worker carry its first doorbell's generation; each channel's upstream has a script."""

    async def journey() -> None:
        async with AsyncExitStack() as upstreams:
            reached = []
            for name, script in scripts.items():
                upstream = await upstreams.enter_async_context(running(script))
                channel = Channel.objects.filter(name=name)
                key = await pools.database(encrypted, "sk-upstream")
                await pools.database(channel.update, base_url=upstream.url, credentials=key)
                reached.append(upstream.host_port)
            await pools.database(current_catalogue)
            http, spools = HttpPools(), Spools(folder, SpoolBudget(4_000_000))
            dispatcher = Dispatcher(
                http=http, allow=reached, spools=spools, gate=gate or open_gate()
            )
            worker = await pools.database(make_worker)
            try:
                await pipeline.run(ring=Ring.of(made), worker=worker, dispatcher=dispatcher)
            finally:
                await http.aclose()

    try:
        asyncio.run(journey())
    finally:
        made.refresh_from_db()
