"""Servers that stand for Black Forest Labs in our tests, for a client of Node.

It prints its address and serves until it is killed: /NAME/v1 answers in the way of that name, /seen
tells of the last order.
"""

import asyncio
import json
import sys
from dataclasses import replace

from tests.clients import checks
from tests.fakes.bfl_api import LOOK, ORDER, BflApi, is_at
from tests.fakes.raw_server import RawServer, Received, hangs, running, told

WAYS = {
    "plain": {LOOK: [is_at("Pending")]},
    "moderated": {LOOK: [is_at("Request Moderated")]},
    "content": {LOOK: [is_at("Content Moderated")]},
    "reasoning": {LOOK: [is_at("Reasoning")]},
    "failed": {LOOK: [is_at("Failed")]},
    "refused": {ORDER: [told({"detail": "Insufficient credits"}, 402)]},
    "schema": {},
}


class Shops:
    """A vendor for each way to answer, by the first part of the path."""

    def __init__(self, server: RawServer) -> None:
        picture = checks.picture()
        self._shops = {
            name: BflApi(f"{server.url}/{name}", picture, {**way}) for name, way in WAYS.items()
        }
        plain = self._shops["plain"]
        plain.scripts[LOOK] = [*plain.scripts[LOOK], plain.ready()]
        self._last = "none"

    async def __call__(self, request: Received, writer: asyncio.StreamWriter) -> None:
        if request.target == "/seen":
            await told({"last": self._last})(request, writer)
            return
        _, name, rest = request.target.split("/", 2)
        if request.body:
            sent = json.loads(request.body)
            fields = " ".join(sorted(sent))
            self._last = f"{request.method} /{rest} {request.headers['x-key']} {fields}"
        await self._shops[name](replace(request, target=f"/{rest}"), writer)


async def main() -> None:
    async with running(hangs) as server:
        server.script = Shops(server)
        sys.stdout.write(f"{server.url}\n")
        sys.stdout.flush()
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
