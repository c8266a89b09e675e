"""Replicate's own client against the server that stands for Replicate in our tests.

What this client understands, our channels of kind `replicate` are tested against; Pictor has no
part in it. It does not know `aborted`.
"""

import asyncio
import io
import json
from functools import partial
from importlib import import_module
from typing import Any

from tests.clients import checks
from tests.fakes.raw_server import RawServer, Script, hangs, running
from tests.fakes.replicate_api import LOOK, MODEL, ORDER, VERSION, ReplicateApi, complaint

replicate: Any = import_module("replicate")
ASKED = {"prompt": "a kite", "width": 1024, "height": 768}


class Account:
    """An account at the server, called by Replicate's client."""

    def __init__(self, server: RawServer) -> None:
        self._server = server
        self._client = replicate.Client(api_token="a-key", base_url=server.url)
        self._client.poll_interval = 0.01

    def ordered(self, *looks: str, **ended: Any) -> Any:
        """A new order, whose looks are answered with these states; the last has more."""
        self._opened()
        last = [self.shop.is_at(looks[-1], **ended)] if looks else [self.shop.made()]
        self.shop.scripts[LOOK] = [self.shop.is_at(state) for state in looks[:-1]] + last
        return self._client.models.predictions.create(MODEL, ASKED, wait=False)

    def order_sent(self) -> str:
        self.ordered()
        [order] = self._server.received
        body = json.loads(order.body)
        waits = order.headers.get("prefer", "no wait")
        words = (order.method, order.target, order.headers["authorization"], waits, *body["input"])
        return " ".join(words)

    def version_sent(self) -> str:
        self._opened()
        self._client.predictions.create(f"fox/den:{VERSION}", ASKED)
        [order] = self._server.received
        return f"{order.target} {json.loads(order.body)['version']}"

    def looks(self) -> str:
        order = self.ordered("starting", "processing", "succeeded", output=["https://r/a.png"])
        order.wait()
        return f"{self.shop.seen.count(LOOK)} {order.status} {order.output}"

    def picture(self) -> str:
        order = self.ordered()
        order.wait()
        return checks.pixels_at(order.output[0])

    def cancelled(self) -> str:
        order = self.ordered()
        order.cancel()
        return f"{self.shop.seen[-1]} {order.status}"

    def failed(self) -> str:
        self.ordered("failed", error="flagged as sensitive (E005)")
        try:
            self._client.run(MODEL, ASKED, wait=False)
        except replicate.exceptions.ModelError as error:
            return str(error)
        return "no error"

    def refused(self, script: Script) -> str:
        self._opened()
        self.shop.scripts[ORDER] = [script]
        try:
            self._client.models.predictions.create(MODEL, ASKED)
        except replicate.exceptions.ReplicateError as error:
            return f"{error.status} {error.detail}"
        return "no error"

    def uploaded(self) -> str:
        self._opened()
        up = self._client.files.create(io.BytesIO(checks.picture()), filename="a.png")
        [call] = self._server.received
        is_whole = checks.picture() in call.body and b'name="content"' in call.body
        return f"{self.shop.seen[0]} {up.urls['get'].removeprefix(self._server.url)} {is_whole}"

    def aborted(self) -> str:
        order = self.ordered("aborted")
        try:
            order.reload()
        except ValueError as error:
            return type(error).__name__
        return str(order.status)

    def _opened(self) -> None:
        self._server.script = self.shop = ReplicateApi(self._server.url, checks.picture())
        self._server.received.clear()


def check(server: RawServer) -> None:
    account = Account(server)
    order = f"POST /v1/models/{MODEL}/predictions Bearer a-key no wait prompt width height"
    throttled = "Request was throttled. Your rate limit resets in ~30s."
    checks.expect("order", order, account.order_sent)
    checks.expect("version", f"/v1/predictions fox/den:{VERSION}", account.version_sent)
    checks.expect("looks", "3 succeeded ['https://r/a.png']", account.looks)
    checks.expect("picture", "64x64", account.picture)
    checks.expect("cancel", "POST /v1/predictions/p-1/cancel canceled", account.cancelled)
    checks.expect("failed", "flagged as sensitive (E005)", account.failed)
    for status, words in ((402, "You have insufficient credit."), (429, throttled)):
        refused = partial(account.refused, complaint(status, words))
        checks.expect(f"error {status}", f"{status} {words}", refused)
    checks.expect("upload", "POST /v1/files /v1/files/f-1 True", account.uploaded)
    checks.expect("aborted: unknown to it", "ValidationError", account.aborted)


async def main() -> None:
    async with running(hangs) as server:
        await asyncio.to_thread(check, server)


if __name__ == "__main__":
    asyncio.run(main())
