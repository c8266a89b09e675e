"""OpenAI's own client, as xAI's documents use it, against the server that stands for xAI.

What this client understands, our channels of kind `xai` are tested against; Pictor has no part in
it. It sends edits as a form, which xAI does not take.
"""

import asyncio
import json
from typing import Any

import openai

from tests.clients import checks
from tests.fakes.data_vendors import XaiImages
from tests.fakes.raw_server import RawServer, Script, hangs, running

MODEL = "grok-imagine-image-2.0"
SHAPE: dict[str, Any] = {"aspect_ratio": "16:9", "resolution": "2k"}
REJECTED = "Generated image rejected by content moderation."


class Account:
    """An account at the server, called by OpenAI's client."""

    def __init__(self, server: RawServer, key: str = "a-key") -> None:
        self._server = server
        self._client = openai.OpenAI(base_url=f"{server.url}/v1", api_key=key, max_retries=0)

    def made(self, *scripts: Script, **fields: Any) -> Any:
        """The answer to an order, by its usual picture or by these scripts."""
        self._server.script = XaiImages(checks.picture(), scripts=[*scripts])
        self._server.received.clear()
        asked = {"model": MODEL, "prompt": "a kite", "response_format": "b64_json", **fields}
        return self._client.images.generate(extra_body=SHAPE, **asked)

    def sent(self, **fields: Any) -> str:
        self.made(**fields)
        [order] = self._server.received
        asked = {"model": MODEL, "prompt": "a kite", "response_format": "b64_json", **fields}
        is_ours = json.loads(order.body) == {**asked, **SHAPE}
        return f"{order.method} {order.target} {order.headers['authorization']} {is_ours}"

    def several(self) -> str:
        answer = self.made(n=3)
        ticks = answer.usage.model_extra["cost_in_usd_ticks"]
        return f"{len(answer.data)} {ticks}"

    def refused(self, *scripts: Script, **fields: Any) -> str:
        try:
            self.made(*scripts, **fields)
        except openai.APIStatusError as error:
            return f"{type(error).__name__} {error.status_code}"
        return "no error"


def check(server: RawServer) -> None:
    account = Account(server)
    sent = "POST /v1/images/generations Bearer a-key True"
    checks.expect("order", sent, lambda: account.sent(n=2, quality="low"))
    checks.expect("picture", "64x64", lambda: checks.image_of(account.made(), "b64_json"))
    checks.expect("n", "3 1200000000", account.several)
    checks.expect("size", "BadRequestError 400", lambda: account.refused(size="1024x1024"))
    checks.expect("quality", "BadRequestError 400", lambda: account.refused(quality="high"))
    rejected = XaiImages.failed(400, "invalid argument", REJECTED, ticks=200_000_000)
    checks.expect("rejected", "BadRequestError 400", lambda: account.refused(rejected))
    checks.expect("key", "AuthenticationError 401", Account(server, "another").refused)


async def main() -> None:
    async with running(hangs) as server:
        await asyncio.to_thread(check, server)


if __name__ == "__main__":
    asyncio.run(main())
