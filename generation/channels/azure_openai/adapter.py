"""One resource at Azure OpenAI, by its v1 or its classic API: OpenAI's wire with another address.

    v1        POST /openai/v1/images/generations?api-version=preview     the deployment as `model`
    classic   POST /openai/deployments/NAME/images/generations?api-version=…   and no `model`

It takes images in forms only, and refuses fields that it does not know.
Source: Azure OpenAI, "How to use image generation models" and the REST references (17 April 2026).
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import quote

from typing_extensions import override

from generation.channels.base import UpstreamAnswer, UpstreamRequest
from generation.channels.declaration import Task
from generation.channels.errors import AttemptClass, UpstreamError
from generation.channels.openai import wire
from generation.channels.openai.adapter import OpenAIAdapter


class AzureOpenAIAdapter(OpenAIAdapter):
    """One resource, whose deployments are its models."""

    @override
    async def generate(self, request: UpstreamRequest, **options: Any) -> UpstreamAnswer:
        answer = await super().generate(_as_form(request), **options)
        return replace(answer, model=None)  # what was asked for is a deployment

    @override
    def address(self, task: Task, model: str) -> str:
        base = self.config.base_url.rstrip("/").removesuffix("/v1").removesuffix("/openai")
        place = "v1" if self._is_v1 else f"deployments/{quote(model, safe='')}"
        version = self.config.settings["api_version"]
        query = "" if version == "v1" else f"?api-version={version}"
        return f"{base}/openai/{place}/{wire.PATHS[task]}{query}"

    @override
    def key(self) -> Mapping[str, str]:
        return {"api-key": self.config.api_key}

    @override
    def fields(self, request: UpstreamRequest, model: str) -> dict[str, object]:
        fields = super().fields(request, model)
        if not self._is_v1:
            del fields["model"]  # which breaks gpt-image-2 (litellm#26316)
        return fields

    @property
    def _is_v1(self) -> bool:
        """True for a word such as `preview`; the classic API's versions are dates."""
        return "-" not in self.config.settings["api_version"]


def _as_form(request: UpstreamRequest) -> UpstreamRequest:
    """The request, as an edit if it has reference images. Raises UpstreamError for a webp."""
    images = request.references
    if any(image.format == "webp" for image in images):
        words = "The image model takes png and jpeg images only."
        raise UpstreamError(
            AttemptClass.REJECTED, "Azure takes no webp", public_message=words, public_param="image"
        )
    if not images:
        return request
    fields = {name: value for name, value in request.fields.items() if name != "image"}
    return replace(request, task=Task.EDIT, images=images, fields=fields)
