"""OpenRouter's own client against the server that stands for it in our tests.

What this client understands, our channels of kind `openrouter` are tested against; Pictor has no
part in it.
"""

import asyncio
import base64
import json
from functools import partial
from importlib import import_module
from typing import Any

from tests.clients import checks
from tests.fakes.data_vendors import OpenRouterImages
from tests.fakes.raw_server import RawServer, Script, hangs, running

openrouter: Any = import_module("openrouter")
errors: Any = import_module("openrouter.errors")

MODEL = "google/gemini-nano-banana-2.1"
ERRORS = {
    400: "BadRequestResponseError",
    402: "PaymentRequiredResponseError",
    404: "NotFoundResponseError",
    413: "PayloadTooLargeResponseError",
    429: "TooManyRequestsResponseError",
    500: "InternalServerResponseError",
    502: "BadGatewayResponseError",
    524: "EdgeNetworkTimeoutResponseError",
    529: "ProviderOverloadedResponseError",
}
URI = "data:image/png;base64,b25l"
PART = {"type": "image_url", "image_url": {"url": URI}}


class Account:
    """An account at the server, called by OpenRouter's client."""

    def __init__(self, server: RawServer, key: str = "a-key") -> None:
        self._server = server
        url = f"{server.url}/api/v1"
        self._client = openrouter.OpenRouter(api_key=key, server_url=url)

    def made(self, *scripts: Script, **fields: Any) -> Any:
        """The answer to an order, by its usual picture or by these scripts."""
        self._server.script = OpenRouterImages(checks.picture(), scripts=[*scripts])
        self._server.received.clear()
        asked = {"model": MODEL, "prompt": "a kite", "retries": None, **fields}
        return self._client.images.generate(**asked)

    def sent(self, **fields: Any) -> str:
        self.made(**fields)
        [order] = self._server.received
        asked = {"model": MODEL, "prompt": "a kite", **fields}
        is_ours = json.loads(order.body) == asked
        return f"{order.method} {order.target} {order.headers['authorization']} {is_ours}"

    def picture(self) -> str:
        answer = self.made()
        [image] = answer.data
        counted = answer.usage
        words = f"{counted.cost} {counted.is_byok} {counted.completion_tokens}"
        return f"{checks.pixels(base64.b64decode(image.b64_json))} {words}"

    def refused(self, *scripts: Script, **fields: Any) -> str:
        try:
            self.made(*scripts, **fields)
        except errors.OpenRouterError as error:
            return f"{type(error).__name__} {error.status_code} {error.message}"
        return "no error"


def check(server: RawServer) -> None:
    account = Account(server)
    given = {"size": "2048x2048", "quality": "high", "output_format": "png", "seed": 5}
    order = {"input_references": [PART], "background": "transparent", "user": "d1", **given}
    sent = "POST /api/v1/images Bearer a-key True"
    checks.expect("order", sent, lambda: account.sent(**order))
    checks.expect("picture", "64x64 0.0387 False 1290", account.picture)
    for status, name in ERRORS.items():
        script = OpenRouterImages.failed(status, "", "no")
        expected = f"{name} {status} no"
        checks.expect(str(status), expected, partial(account.refused, script))
    flagged = OpenRouterImages.failed(403, "", "flagged", reasons=["violence"])
    checks.expect("flagged", "ForbiddenResponseError 403 flagged", lambda: account.refused(flagged))
    wrong = "UnauthorizedResponseError 401 The API key is missing or invalid."
    checks.expect("key", wrong, Account(server, "another").refused)


async def main() -> None:
    async with running(hangs) as server:
        await asyncio.to_thread(check, server)


if __name__ == "__main__":
    asyncio.run(main())
