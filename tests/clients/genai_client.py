"""Google's own client against the server that stands for Gemini and Vertex AI in our tests.

What this client understands, our channels of kinds `gemini` and `vertex` are tested against;
Pictor has no part in it.
"""

import asyncio
import json
from importlib import import_module
from typing import Any

from tests.clients import checks
from tests.fakes import gemini_models
from tests.fakes.gemini_models import GeminiModels, blocked, ended, failed
from tests.fakes.raw_server import RawServer, Script, hangs, running

genai: Any = import_module("google.genai")
types: Any = import_module("google.genai.types")
errors: Any = import_module("google.genai.errors")
service_account: Any = import_module("google.oauth2.service_account")
rsa: Any = import_module("cryptography.hazmat.primitives.asymmetric.rsa")
serialization: Any = import_module("cryptography.hazmat.primitives.serialization")

SHAPE = {"aspectRatio": "16:9", "imageSize": "2K"}


class Account:
    """An account at the server, called by Google's client."""

    def __init__(self, server: RawServer) -> None:
        self._server = server
        self._options = types.HttpOptions(base_url=server.url, api_version="v1beta")
        self._client = genai.Client(api_key="a-key", http_options=self._options)

    def made(self, *scripts: Script, contents: Any = "a kite", client: Any = None) -> Any:
        """The answer to an order, by its usual picture or by these scripts."""
        drafts = (checks.picture(16), checks.picture(32))
        self.shop = GeminiModels(checks.picture(), drafts, scripts=[*scripts])
        self._server.script = self.shop
        self._server.received.clear()
        shape = types.ImageConfig(aspect_ratio="16:9", image_size="2K")
        config = types.GenerateContentConfig(
            response_modalities=["IMAGE"], image_config=shape, seed=5
        )
        models = (client or self._client).models
        return models.generate_content(model=gemini_models.MODEL, contents=contents, config=config)

    def order_sent(self) -> str:
        self.made()
        [order] = self._server.received
        body = json.loads(order.body)
        shape = {"responseModalities": ["IMAGE"], "imageConfig": SHAPE, "seed": 5}
        is_ours = body == {
            "contents": [{"parts": [{"text": "a kite"}], "role": "user"}],
            "generationConfig": shape,
        }
        return f"{order.method} {order.target} {order.headers['x-goog-api-key']} {is_ours}"

    def reference_sent(self) -> str:
        image = types.Part.from_bytes(data=checks.picture(), mime_type="image/png")
        self.made(contents=["a kite", image])
        text, given = json.loads(self._server.received[0].body)["contents"][0]["parts"]
        sent = gemini_models.part(checks.picture())["inlineData"]
        # It writes one name with an underscore; Google's documents write `mimeType`.
        given["inlineData"]["mimeType"] = given["inlineData"].pop("mime_type")
        return str(text == {"text": "a kite"} and given == {"inlineData": sent})

    def pictures(self) -> str:
        parts = self.made().candidates[0].content.parts
        return " ".join(
            f"{'draft ' if part.thought else ''}{checks.pixels(part.inline_data.data)}"
            for part in parts
        )

    def facts(self) -> str:
        answer = self.made()
        counted = answer.usage_metadata
        return (
            f"{answer.model_version} {counted.candidates_token_count} {counted.prompt_token_count}"
        )

    def ends(self) -> str:
        words = (*gemini_models.MODERATED, *gemini_models.WITHOUT_PICTURE, "PUP_LIMITED_DISABLED")
        seen = [self.made(ended(reason=word)).candidates[0].finish_reason for word in words]
        return str(seen == [types.FinishReason[word] for word in words])

    def blocks(self) -> str:
        words = gemini_models.BLOCKED
        seen = [self.made(blocked(word)).prompt_feedback.block_reason for word in words]
        return str(seen == [types.BlockedReason[word] for word in words])

    def refused(self, script: Script) -> str:
        try:
            self.made(script)
        except errors.APIError as error:
            return f"{type(error).__name__} {error.code} {error.status}"
        return "no error"

    def wrong_key(self) -> str:
        stranger = genai.Client(api_key="another", http_options=self._options)
        try:
            self.made(client=stranger)
        except errors.APIError as error:
            return f"{error.code} {error.details['error']['details'][0]['reason']}"
        return "no error"

    def by_default(self) -> str:
        """The version that the client takes of itself, which Google's documents call stable."""
        plain = genai.Client(api_key="a-key", http_options={"base_url": self._server.url})
        self.made(client=plain)
        return " ".join(self.shop.seen)

    def by_vertex(self) -> str:
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        pem = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        known = {
            "client_email": "fox@acme-1.iam.example",
            "private_key": pem.decode(),
            "token_uri": f"{self._server.url}/token",
        }
        scopes = ["https://www.googleapis.com/auth/cloud-platform"]
        client = genai.Client(
            vertexai=True,
            project="acme-1",
            location="global",
            credentials=service_account.Credentials.from_service_account_info(known, scopes=scopes),
            http_options=types.HttpOptions(base_url=self._server.url, api_version="v1"),
        )
        picture = self.made(client=client).candidates[0].content.parts[-1]
        return f"{' '.join(self.shop.seen)} {checks.pixels(picture.inline_data.data)}"


def check(server: RawServer) -> None:
    account = Account(server)
    order = f"{gemini_models.ORDER} a-key True"
    checks.expect("order", order, account.order_sent)
    checks.expect("reference image", "True", account.reference_sent)
    checks.expect("drafts", "draft 16x16 draft 32x32 64x64 64x64", account.pictures)
    checks.expect("facts", f"{gemini_models.MODEL} 1120 9", account.facts)
    checks.expect("ends", "True", account.ends)
    checks.expect("blocks", "True", account.blocks)
    for status, code, kind in (
        (429, "RESOURCE_EXHAUSTED", "ClientError"),
        (503, "UNAVAILABLE", "ServerError"),
    ):
        what = f"{kind} {status} {code}"
        checks.expect(code, what, lambda: account.refused(failed(status, code)))  # noqa: B023 - at once
    checks.expect("key", "400 API_KEY_INVALID", account.wrong_key)
    checks.expect("default version", gemini_models.STABLE_ORDER, account.by_default)
    vertex = f"{gemini_models.TOKENS} {gemini_models.VERTEX_ORDER} 64x64"
    checks.expect("vertex", vertex, account.by_vertex)


async def main() -> None:
    async with running(hangs) as server:
        await asyncio.to_thread(check, server)


if __name__ == "__main__":
    asyncio.run(main())
