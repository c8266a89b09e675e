"""Order ten pictures at once from one vendor and print the peak of Python's heap, in bytes.

A process of its own, as production's loop is: `python tests/generation/channels/weigh_orders.py
KIND URL`. An order before them loads what is loaded on first use.
"""

import asyncio
import sys
import tempfile
import tracemalloc
from pathlib import Path
from urllib.parse import urlsplit

import uvloop

from generation.channels.base import ChannelConfig, UpstreamRequest
from generation.channels.registry import open_adapter
from pictor.kit.bytes.spool import SpoolBudget, Spools
from pictor.kit.outbound.http import HttpPool

ORDERS = 10
FOX = UpstreamRequest(model="gemini-3-pro-image", prompt="a fox")


async def main(kind: str, url: str) -> None:
    account = ChannelConfig(id="1", name="one", kind=kind, base_url=url, api_key="a-key")
    pool = HttpPool(egress_allow=[urlsplit(url).netloc])
    with tempfile.TemporaryDirectory() as folder:
        spools = Spools(Path(folder), SpoolBudget(1024**3))

        async def order() -> None:
            with spools.scope() as scope:
                await open_adapter(account, pool, scope).generate(FOX)

        await order()
        tracemalloc.start()
        before, _ = tracemalloc.get_traced_memory()
        await asyncio.gather(*(order() for _ in range(ORDERS)))
        print(tracemalloc.get_traced_memory()[1] - before)  # noqa: T201 - what it is for
    await pool.aclose()


uvloop.run(main(*sys.argv[1:]))
