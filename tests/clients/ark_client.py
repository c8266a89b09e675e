"""Ark's own client against the server that stands for it in our tests.

What this client understands, our channels of kind `ark` are tested against; Pictor has no part in
it.
"""

import asyncio
import json
from functools import partial
from importlib import import_module
from typing import Any

from tests.clients import checks
from tests.fakes.data_vendors import ArkImages, told
from tests.fakes.raw_server import RawServer, Script, hangs, running

ark: Any = import_module("volcenginesdkarkruntime")
errors: Any = import_module("volcenginesdkarkruntime._exceptions")

MODEL, PRO = "seedream-4-5-251128", "seedream-5-0-pro-260628"
URI = "data:image/png;base64,b25l"
FLAGGED = {"code": "OutputImageSensitiveContentDetected", "message": "may be sensitive"}


class Account:
    """An account at the server, called by Ark's client."""

    def __init__(self, server: RawServer, key: str = "a-key") -> None:
        self._server = server
        url = f"{server.url}/api/v3"
        self._client = ark.Ark(base_url=url, api_key=key, max_retries=0)

    def made(self, *scripts: Script, **fields: Any) -> Any:
        """The answer to an order, by its usual picture or by these scripts."""
        self._server.script = ArkImages(checks.picture(), scripts=[*scripts])
        self._server.received.clear()
        asked = {"model": MODEL, "prompt": "a kite", "response_format": "b64_json", **fields}
        return self._client.images.generate(**asked)

    def sent(self, **fields: Any) -> str:
        """What it sent, and whether these are the fields that are not null."""
        self.made(**fields)
        [order] = self._server.received
        body = {key: value for key, value in json.loads(order.body).items() if value is not None}
        asked = {"model": MODEL, "prompt": "a kite", "response_format": "b64_json", **fields}
        return f"{order.method} {order.target} {order.headers['authorization']} {body == asked}"

    def picture(self) -> str:
        answer = self.made(size="2048x2048")
        [image] = answer.data
        counted = answer.usage
        words = f"{answer.model} {image.size} {counted.generated_images} {counted.output_tokens}"
        return f"{checks.image_of(answer, 'b64_json')} {words}"

    def failed_within(self) -> str:
        answer = self.made(told({"model": MODEL, "data": [], "error": FLAGGED}))
        return f"{answer.data} {answer.error.code}"

    def refused(self, *scripts: Script, **fields: Any) -> str:
        try:
            self.made(*scripts, **fields)
        except errors.ArkAPIStatusError as error:
            return f"{type(error).__name__} {error.status_code} {error.code}"
        return "no error"


def check(server: RawServer) -> None:
    account = Account(server)
    sent = "POST /api/v3/images/generations Bearer a-key True"
    images = {"image": [URI, URI], "size": "2048x2048", "watermark": False}
    checks.expect("order", sent, lambda: account.sent(**images))
    checks.expect("format", sent, lambda: account.sent(model=PRO, output_format="png"))
    checks.expect("picture", f"64x64 {MODEL} 2048x2048 1 16384", account.picture)
    checks.expect("within a 200", f"[] {FLAGGED['code']}", account.failed_within)
    for status, code, name in (
        (400, "InputTextSensitiveContentDetected", "ArkBadRequestError"),
        (403, "AccountOverdueError", "ArkPermissionDeniedError"),
        (404, "ModelNotOpen", "ArkNotFoundError"),
        (429, "SetLimitExceeded", "ArkRateLimitError"),
        (500, "InternalServiceError", "ArkInternalServerError"),
    ):
        script = ArkImages.failed(status, code)
        expected = f"{name} {status} {code}"
        checks.expect(code, expected, partial(account.refused, script))
    series = {"model": PRO, "sequential_image_generation": "disabled"}
    wrong = "ArkBadRequestError 400 InvalidParameter"
    checks.expect("series", wrong, lambda: account.refused(**series))
    checks.expect("small", wrong, lambda: account.refused(size="1024x1024"))
    wrong = "ArkAuthenticationError 401 AuthenticationError"
    checks.expect("key", wrong, Account(server, "another").refused)


async def main() -> None:
    async with running(hangs) as server:
        await asyncio.to_thread(check, server)


if __name__ == "__main__":
    asyncio.run(main())
