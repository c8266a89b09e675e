"""fal's own client against the server that stands for fal in our tests; Pictor has no part in it.

What this client understands, our channels of kind `fal` are tested against. Only its transport is
ours, which finds all of fal's hosts at one address.
"""

import asyncio
from importlib import import_module
from typing import Any

import httpx
from typing_extensions import override

from tests.clients import checks
from tests.fakes import fal_queue
from tests.fakes.raw_server import RawServer, Script, hangs, running

fal: Any = import_module("fal_client")
MODEL, ASKED = "fal-ai/flux-2", {"prompt": "a kite", "num_images": 1}
LOOKS = [fal_queue.WAITING, fal_queue.WORKING, fal_queue.COMPLETED]


class OneAddress(httpx.HTTPTransport):
    """Sends each call to our server."""

    def __init__(self, server: RawServer) -> None:
        super().__init__()
        self._at = {"scheme": "http", "host": server.host, "port": server.port}

    @override
    def handle_request(self, request: httpx.Request) -> httpx.Response:
        request.url = request.url.copy_with(**self._at)
        return super().handle_request(request)


class Account:
    """An account at the server, called by fal's client."""

    def __init__(self, server: RawServer) -> None:
        self._server = server
        self._client = fal.SyncClient(key="a-key")
        headers = {"Authorization": "Key a-key"}
        vars(self._client)["_client"] = httpx.Client(transport=OneAddress(server), headers=headers)

    def ordered(self, **scripts: list[Script]) -> Any:
        """A new order, whose looks and result are answered so."""
        named = {getattr(fal_queue, name): turns for name, turns in scripts.items()}
        shop = fal_queue.FalQueue(self._server.url, checks.picture(), named)
        self._server.script, self.shop = shop, shop
        self._server.received.clear()
        return self._client.submit(MODEL, ASKED, start_timeout=60)

    def order_sent(self) -> str:
        self.ordered()
        order = self._server.received[0]
        names = ("authorization", "x-fal-request-timeout")
        return " ".join([order.method, order.target, *(order.headers[name] for name in names)])

    def looks(self) -> str:
        events = self.ordered(LOOK=[*LOOKS]).iter_events(interval=0.01)
        return " ".join(type(event).__name__ for event in events)

    def picture(self) -> str:
        result = self.ordered(LOOK=[*LOOKS]).get(interval=0.01)
        return checks.pixels_at(result["images"][0]["url"])

    def cancelled(self) -> str:
        self.ordered().cancel()
        return str(self.shop.seen[-1])

    def failed(self, document: object, status: int, **headers: str) -> str:
        order = self.ordered(RESULT=[fal_queue.told(document, status, **headers)])
        try:
            order.get(interval=0.01)
        except fal.FalClientHTTPError as error:
            return f"{error.status_code} {error.error_type} {error.message}"
        return "no error"

    def uploaded(self) -> str:
        self.ordered()
        address = self._client.upload(checks.picture(), "image/png", repository="fal")
        is_whole = self._server.received[-1].body == checks.picture()
        return f"{' '.join(self.shop.seen[1:])} {address} {is_whole}"


def check(server: RawServer) -> None:
    account = Account(server)
    late = {"detail": "late", "error_type": "request_timeout"}
    policy = {"detail": [{"loc": ["body"], "msg": "no", "type": "content_policy_violation"}]}
    checks.expect("order", f"POST /{MODEL} Key a-key 60.0", account.order_sent)
    checks.expect("looks", "Queued InProgress Completed", account.looks)
    checks.expect("picture", "64x64", account.picture)
    checks.expect("cancel", "PUT /requests/r-1/cancel", account.cancelled)
    checks.expect(
        "start deadline",
        "504 request_timeout late",
        lambda: account.failed(late, 504, X_Fal_Request_Timeout_Type="user"),
    )
    checks.expect("policy", f"422 None {policy['detail']}", lambda: account.failed(policy, 422))
    checks.expect(
        "upload", f"{fal_queue.INITIATE} {fal_queue.UPLOAD} https://v3/i True", account.uploaded
    )


async def main() -> None:
    async with running(hangs) as server:
        await asyncio.to_thread(check, server)


if __name__ == "__main__":
    asyncio.run(main())
