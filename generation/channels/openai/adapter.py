"""OpenAI's images API over HTTP: one call, its images decoded into spools as they arrive.

A relay's tasks are followed by the engine (tasks.py).
"""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from functools import partial
from http import HTTPStatus

from typing_extensions import override

from generation.channels.base import (
    MAX_IMAGE_BYTES,
    ChannelConfig,
    Hooks,
    OnJob,
    UpstreamAnswer,
    UpstreamRequest,
)
from generation.channels.base64_stream import AnswerStream
from generation.channels.declaration import Task
from generation.channels.download import download
from generation.channels.engine import WireAdapter
from generation.channels.errors import UpstreamError
from generation.channels.failed_calls import error_without_answer
from generation.channels.form_body import form_body
from generation.channels.json_body import json_body
from generation.channels.openai import wire
from generation.channels.openai.kind import FIELDS
from generation.channels.openai.reader import (
    EVENT_FIELDS,
    PICTURE_STARTS,
    TEXT_STARTS,
    AnswerReader,
)
from generation.channels.openai.tasks import PATH, Tasks, TaskWire
from generation.channels.several_orders import Order
from pictor.kit.bytes.json_stream import JsonRefused
from pictor.kit.bytes.spool import SpoolError, Spools
from pictor.kit.outbound.http import Exchange, HttpAnswer, HttpError, HttpPool, Payload, deadline

EVENTS_OR_JSON = "text/event-stream, application/json"


class OpenAIAdapter(WireAdapter):
    """One account that speaks OpenAI's images API.

    Args:
        config: the account.
        http: the event loop's clients.
        spools: the scope of the images.
    """

    def __init__(self, config: ChannelConfig, http: HttpPool, spools: Spools) -> None:
        most = config.max_n or int(config.settings.get("max_n", 0))
        credit_usd = Decimal(config.settings.get("credit_usd", 0))
        super().__init__(config, http, spools, TaskWire(self.key, credit_usd), max_n=most)

    @override
    def order(self, request: UpstreamRequest, hooks: Hooks) -> Order:
        return partial(self._order, request, hooks)

    async def _order(
        self, request: UpstreamRequest, hooks: Hooks, seconds: float
    ) -> UpstreamAnswer:
        """Make one call for `request.n` images, within that time. Raises UpstreamError."""
        wire.check_words(request)
        now = asyncio.get_running_loop().time
        ends_at = now() + seconds
        exchange = self._exchange(request)
        reader = AnswerReader(
            request,
            download=partial(
                download,
                base=self.address(request.task, self.config.upstream_model(request.model)),
                http=self.http,
                headers_for=lambda url: self.key() if self.is_base(url) else {},
            ),
            spools=self.spools,
            api_key=self.config.api_key,
            on_partial=hooks.get("on_partial"),
        )
        stream = AnswerStream(self.spools, max_images=request.n, max_image_bytes=MAX_IMAGE_BYTES)
        try:
            async with deadline(ends_at - now()):
                answer = await _ask(reader, request, exchange, stream)
        except (HttpError, SpoolError, JsonRefused) as error:
            raise error_without_answer(error, exchange, api_key=self.config.api_key) from error
        if isinstance(answer, UpstreamAnswer):
            return answer
        return await self._follow(answer, request, hooks.get("on_job"), seconds=ends_at - now())

    async def _follow(
        self, tasks: Tasks, request: UpstreamRequest, on_job: OnJob | None, *, seconds: float
    ) -> UpstreamAnswer:
        path = self.config.settings.get("task_path", PATH)
        try:
            jobs = tasks.jobs(f"{self.config.root('v1')}/{path}")
            if on_job is not None:
                for job in jobs:
                    await on_job(job)
            answer = await self.resume(jobs, request, timeout_seconds=seconds)
        except UpstreamError as error:
            raise error.but(request_id=tasks.request_id or error.request_id) from error
        return replace(answer, request_id=tasks.request_id or answer.request_id)

    def _exchange(self, request: UpstreamRequest) -> Exchange:
        model, typed = self.config.upstream_model(request.model), self.config.field_map
        images = [one.data_uri for one in request.references] if typed.get("images") else []
        fields = FIELDS.body(typed, self.fields(request, model), images)
        task = Task.GENERATE if images else request.task  # where all is JSON
        content_type, body = _body(task, request, fields)
        return self.http.exchange(
            "POST",
            self.address(task, model),
            headers={
                **self.key(),
                "Content-Type": content_type,
                "Accept": EVENTS_OR_JSON if fields.get("stream") is True else "application/json",
            },
            body=body,
            # An image may take minutes without a byte; the deadline bounds all of it.
            read_timeout_seconds=None,
        )

    def address(self, task: Task, model: str) -> str:
        """The address of an order."""
        suffix = self.config.settings.get("order_suffix")
        return wire.endpoint(self.config, task) + (f"/{suffix}" if suffix else "")

    def key(self) -> Mapping[str, str]:
        """The headers with the key."""
        header = self.config.settings.get("key_header")
        key = self.config.api_key
        return {header: key} if header else {"Authorization": f"Bearer {key}"}

    def fields(self, request: UpstreamRequest, model: str) -> dict[str, object]:
        """The fields of an order."""
        return wire.request_fields(request, model=model)


def _body(
    task: Task, request: UpstreamRequest, fields: Mapping[str, object]
) -> tuple[str, Payload]:
    if task == Task.GENERATE:
        return "application/json", json_body(fields, large=request.large)
    return form_body(fields, wire.files(request))


async def _ask(
    reader: AnswerReader, request: UpstreamRequest, exchange: Exchange, stream: AnswerStream
) -> UpstreamAnswer | Tasks:
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
        document = await stream.read(chunks)
    # The connection is free by now, while images by url are fetched.
    return await reader.plain(answer, document, stream)


def _says_events(answer: HttpAnswer) -> bool:
    kind: str = answer.headers.get("content-type", "")
    return kind.partition(";")[0].strip().lower() == "text/event-stream"
