"""OpenAI's images API over HTTP: one call, its images decoded into spools as they arrive."""

from collections.abc import Mapping
from http import HTTPStatus

from generation.channels.base import (
    MAX_IMAGE_BYTES,
    ChannelConfig,
    OnPartial,
    UpstreamAnswer,
    UpstreamRequest,
)
from generation.channels.base64_stream import AnswerStream
from generation.channels.declaration import Task
from generation.channels.failed_calls import error_without_answer
from generation.channels.form_body import form_body
from generation.channels.json_body import json_body
from generation.channels.openai import wire
from generation.channels.openai.reader import (
    EVENT_FIELDS,
    PICTURE_STARTS,
    TEXT_STARTS,
    AnswerReader,
)
from pictor.kit.bytes.json_stream import JsonRefused
from pictor.kit.bytes.spool import SpoolError, Spools
from pictor.kit.outbound.http import (
    Exchange,
    HttpAnswer,
    HttpError,
    HttpPool,
    Payload,
    deadline,
)

EVENTS_OR_JSON = "text/event-stream, application/json"


class OpenAIAdapter:
    """One account that speaks OpenAI's images API.

    Args:
        config: the account.
        http: the event loop's clients.
        spools: the scope of the images.
    """

    def __init__(self, config: ChannelConfig, http: HttpPool, spools: Spools) -> None:
        self._config = config
        self._http = http
        self._spools = spools

    async def generate(
        self,
        request: UpstreamRequest,
        *,
        timeout_seconds: float | None = None,
        on_partial: OnPartial | None = None,
    ) -> UpstreamAnswer:
        """Make one call for `request.n` images, within the time-out. Raises UpstreamError."""
        seconds = timeout_seconds or self._config.timeout_seconds
        exchange = self._exchange(request)
        reader = AnswerReader(
            request,
            address=wire.endpoint(self._config.base_url, request.task),
            http=self._http,
            spools=self._spools,
            api_key=self._config.api_key,
            on_partial=on_partial,
        )
        stream = AnswerStream(self._spools, max_images=request.n, max_image_bytes=MAX_IMAGE_BYTES)
        try:
            async with deadline(seconds):
                return await _ask(reader, request, exchange, stream)
        except (HttpError, SpoolError, JsonRefused) as error:
            raise error_without_answer(error, exchange, api_key=self._config.api_key) from error

    def _exchange(self, request: UpstreamRequest) -> Exchange:
        model = self._config.upstream_models.get(request.model, request.model)
        fields = wire.request_fields(request, model=model)
        content_type, body = _body(request, fields)
        return self._http.exchange(
            "POST",
            wire.endpoint(self._config.base_url, request.task),
            headers={
                "Authorization": f"Bearer {self._config.api_key}",
                "Content-Type": content_type,
                "Accept": EVENTS_OR_JSON if fields.get("stream") is True else "application/json",
            },
            body=body,
            # An image may take minutes without a byte; the deadline bounds all of it.
            read_timeout_seconds=None,
        )


def _body(request: UpstreamRequest, fields: Mapping[str, object]) -> tuple[str, Payload]:
    if request.task == Task.GENERATE:
        return "application/json", json_body(fields, large=request.large)
    return form_body(fields, wire.files(request))


async def _ask(
    reader: AnswerReader, request: UpstreamRequest, exchange: Exchange, stream: AnswerStream
) -> UpstreamAnswer:
    async with exchange as answer:
        if answer.status // 100 != HTTPStatus.OK // 100:
            raise await reader.refusal(answer)
        head, chunks = await reader.begun(answer)
        if head.startswith(TEXT_STARTS):
            chunks = reader.quoted(head, chunks)
        # An empty answer has only its Content-Type to tell.
        elif head.startswith(EVENT_FIELDS) or (not head and _says_events(answer)):
            return await reader.streamed(answer, chunks)
        if head.startswith(PICTURE_STARTS):
            return await reader.picture(answer, chunks, stream)
        document = await reader.document(chunks, stream)
    # The connection is free by now, while images by url are fetched.
    return await reader.plain(answer, document, stream)


def _says_events(answer: HttpAnswer) -> bool:
    kind: str = answer.headers.get("content-type", "")
    return kind.partition(";")[0].strip().lower() == "text/event-stream"
