"""OpenAI's own client against the server that stands for Azure OpenAI in our tests.

What this client understands, our channels of kind `azure_openai` are tested against; Pictor has no
part in it.
"""

import asyncio
from functools import partial
from typing import Any

import openai

from tests.clients import checks
from tests.fakes.azure_deployments import (
    CLASSIC,
    DEPLOYMENT,
    FILTERED,
    AzureDeployments,
    failed,
    told,
)
from tests.fakes.raw_server import RawServer, Script, hangs, running

FILTER, AWAY = told(FILTERED, 400), failed(503, "x")
WEBP: dict[str, Any] = {"output_format": "webp"}
SEED: dict[str, Any] = {"extra_body": {"seed": 5}}


class Account:
    """A resource at the server, called by OpenAI's client for one of Azure's two APIs."""

    def __init__(self, server: RawServer, client: Any) -> None:
        self._server = server
        self._client = client

    def made(self, *scripts: Script, edits: bool = False, **fields: Any) -> Any:
        """The answer to an order, by its usual picture or by these scripts."""
        self.shop = self._server.script = AzureDeployments(checks.picture(), scripts=[*scripts])
        images = self._client.images
        asked = {"model": DEPLOYMENT, "prompt": "a kite", **fields}
        if edits:
            return images.edit(image=checks.picture(), mask=checks.picture(), **asked)
        return images.generate(size="1024x1024", quality="low", **asked)

    def order(self, **options: Any) -> str:
        answer = self.made(**options)
        return f"{' '.join(self.shop.seen)} {checks.image_of(answer, 'b64_json')}"

    def several(self) -> str:
        answer = self.made(n=3)
        return f"{len(answer.data)} {answer.usage.output_tokens}"

    def refused(self, *scripts: Script, **fields: Any) -> str:
        try:
            self.made(*scripts, **fields)
        except openai.APIStatusError as error:
            return f"{type(error).__name__} {error.status_code} {error.code}"
        return "no error"


def check(account: Account, name: str, place: str, query: str) -> None:
    for task, edits in (("generations", False), ("edits", True)):
        where = f"POST /openai/{place}/images/{task}{query} 64x64"
        checks.expect(f"{name} {task}", where, partial(account.order, edits=edits))
    checks.expect(f"{name} n", "3 196", account.several)
    for what, expected, seen in (
        ("filter", "BadRequestError 400 contentFilter", partial(account.refused, FILTER)),
        ("unavailable", "InternalServerError 503 x", partial(account.refused, AWAY)),
        ("webp", "BadRequestError 400 invalid_value", partial(account.refused, **WEBP)),
        ("field", "BadRequestError 400 unknown_parameter", partial(account.refused, **SEED)),
    ):
        checks.expect(f"{name} {what}", expected, seen)


def check_all(server: RawServer) -> None:
    options: dict[str, Any] = {"api_key": "a-key", "max_retries": 0}
    azure = openai.AzureOpenAI(azure_endpoint=server.url, api_version=CLASSIC, **options)
    plain = openai.OpenAI(base_url=f"{server.url}/openai/v1", **options)
    preview = openai.OpenAI(
        base_url=f"{server.url}/openai/v1", default_query={"api-version": "preview"}, **options
    )
    place = f"deployments/{DEPLOYMENT}"
    check(Account(server, azure), "classic", place, f"?api-version={CLASSIC}")
    check(Account(server, plain), "v1", "v1", "")
    check(Account(server, preview), "preview", "v1", "?api-version=preview")
    stranger = openai.AzureOpenAI(
        azure_endpoint=server.url, api_version=CLASSIC, **{**options, "api_key": "another"}
    )
    strange = Account(server, stranger)
    checks.expect("key", "AuthenticationError 401 401", strange.refused)
    nowhere = "NotFoundError 404 DeploymentNotFound"
    checks.expect("deployment", nowhere, partial(Account(server, plain).refused, model="another"))


async def main() -> None:
    async with running(hangs) as server:
        await asyncio.to_thread(check_all, server)


if __name__ == "__main__":
    asyncio.run(main())
