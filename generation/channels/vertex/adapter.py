"""One service account at Vertex AI: Gemini's wire with a token of Google's."""

import asyncio
from dataclasses import replace
from typing import Any
from urllib.parse import quote

from typing_extensions import override

from generation.channels.account_tokens import token_of
from generation.channels.base import ChannelConfig, UpstreamAnswer, UpstreamRequest
from generation.channels.engine import WireAdapter
from generation.channels.gemini.wire import GeminiWire
from generation.channels.vertex import google_tokens
from pictor.kit.bytes.spool import Spools
from pictor.kit.outbound.http import HttpPool


class VertexWire(GeminiWire):
    """One account at Vertex AI, with a token for its key."""

    def __init__(self, account: ChannelConfig) -> None:
        super().__init__(account)
        place = {name: quote(word, safe="") for name, word in account.settings.items()}
        self.models = (
            f"{account.base_url.rstrip('/')}/v1/projects/{place['project']}"
            f"/locations/{place['location']}/publishers/google/models"
        )
        self.key = {"Authorization": f"Bearer {account.api_key}"}

    @override
    def image_config(self, request: UpstreamRequest, model: str) -> dict[str, object]:
        config = super().image_config(request, model)
        if request.output_format == "jpeg":
            quality = request.output_compression
            options = {} if quality is None else {"compressionQuality": quality}
            config["imageOutputOptions"] = {"mimeType": "image/jpeg", **options}
        return config


class VertexAdapter(WireAdapter):
    """One service account, whose key is good for tokens only."""

    def __init__(self, config: ChannelConfig, http: HttpPool, spools: Spools) -> None:
        super().__init__(config, http, spools, VertexWire(config), max_n=1)

    @override
    async def generate(
        self, request: UpstreamRequest, *, timeout_seconds: float | None = None, **options: Any
    ) -> UpstreamAnswer:
        now = asyncio.get_running_loop().time
        ends_at = now() + (timeout_seconds or self.config.timeout_seconds)
        token = await token_of(
            self.config.api_key, self.http, address=google_tokens.ADDRESS, form=google_tokens.asking
        )
        account = replace(self.config, api_key=token)
        adapter = WireAdapter(account, self.http, self.spools, VertexWire(account), max_n=1)
        return await adapter.generate(request, timeout_seconds=ends_at - now(), **options)
