"""OpenAI's images API over HTTP: one call, its images decoded into spools as they arrive.

Asked for partial images, the upstream is asked for a stream; one that answers with plain JSON all
the same is read as ever. A stream that is cut off is an answer cut short: its images are lost.
"""

import asyncio
from contextlib import suppress
from http import HTTPStatus

from generation.channels.base import (
    AttemptClass,
    ChannelConfig,
    OnPartial,
    UpstreamAnswer,
    UpstreamError,
    UpstreamImage,
    UpstreamRequest,
)
from generation.channels.base64_stream import AnswerStream
from generation.channels.openai import errors, wire
from generation.channels.openai.event_stream import EventStream
from generation.channels.openai.streamed_answer import StreamedAnswer
from pictor.kit import clock
from pictor.kit.http import (
    BodyTooLarge,
    EgressRefused,
    Exchange,
    HttpAnswer,
    HttpError,
    HttpPool,
    NotReached,
    deadline,
)
from pictor.kit.json_stream import JsonRefused
from pictor.kit.spool import SpoolError, SpoolFile, Spools, SpoolTooLarge

MAX_IMAGE_BYTES = 64 * 1024**2
MAX_ANSWER_BYTES_PER_IMAGE = MAX_IMAGE_BYTES // 3 * 4 + 1024**2
SPARE_IMAGES = 2
"""Answers with this many images too many are still read to their end."""
MAX_ERROR_BYTES = 64 * 1024
ERROR_BODY_SECONDS = 10.0

EVENTS_OR_JSON = "text/event-stream, application/json"

DOWNLOAD_TRIES = 3
DOWNLOAD_READ_SECONDS = 30.0
DOWNLOAD_PAUSE_SECONDS = 0.5


class OpenAIAdapter:
    """One account that speaks OpenAI's images API.

    Args:
        config: the account.
        http: the event loop's clients.
        spools: where images go.
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
        """Ask once for `request.n` images. Ends within the time-out; raises UpstreamError."""
        seconds = timeout_seconds or self._config.timeout_seconds
        exchange = self._exchange(request, seconds)
        stream = AnswerStream(self._spools, max_images=request.n, max_image_bytes=MAX_IMAGE_BYTES)
        kept: tuple[SpoolFile, ...] = ()
        try:
            async with deadline(seconds):
                answer = await self._ask(request, exchange, stream, on_partial)
            kept = tuple(image.spool for image in answer.images)
        except (HttpError, SpoolError, JsonRefused) as error:
            raise self._failed(error, exchange) from error
        else:
            return answer
        finally:
            stream.close(keep=kept)

    def _exchange(self, request: UpstreamRequest, seconds: float) -> Exchange:
        model = self._config.upstream_models.get(request.model, request.model)
        fields = wire.request_fields(
            request,
            model=model,
            response_format=wire.response_format(model, self._config.response_format),
        )
        return self._http.exchange(
            "POST",
            wire.endpoint(self._config.base_url),
            headers={
                "Authorization": f"Bearer {self._config.api_key}",
                "Content-Type": "application/json",
                "Accept": EVENTS_OR_JSON if fields.get("stream") is True else "application/json",
            },
            body=wire.request_body(request, fields),
            read_timeout_seconds=seconds,
        )

    async def _ask(
        self,
        request: UpstreamRequest,
        exchange: Exchange,
        stream: AnswerStream,
        on_partial: OnPartial | None,
    ) -> UpstreamAnswer:
        async with exchange as answer:
            if answer.status // 100 != HTTPStatus.OK // 100:
                raise await self._refusal(answer)
            if request.partial_images and _is_event_stream(answer):
                return await self._streamed(request, answer, on_partial)
            cap = MAX_ANSWER_BYTES_PER_IMAGE * (request.n + SPARE_IMAGES)
            async for chunk in answer.chunks(cap):
                stream.feed(chunk)
        document = stream.finish()
        images = await self._images(document, stream, request.n)
        if not images:
            raise self._without_image(answer, document)
        return UpstreamAnswer(
            images=tuple(images),
            size=wire.word_of(document, "size"),
            quality=wire.word_of(document, "quality"),
            output_format=wire.word_of(document, "output_format"),
            background=wire.word_of(document, "background"),
            usage=wire.usage_of(document),
            request_id=errors.request_id_of(answer.headers),
            http_status=answer.status,
        )

    async def _streamed(
        self, request: UpstreamRequest, answer: HttpAnswer, on_partial: OnPartial | None
    ) -> UpstreamAnswer:
        """Read events until all images are here; the stream need not end then."""
        streamed = StreamedAnswer(request, images_of=self._images, on_partial=on_partial)
        is_kept = False
        try:
            await self._read_events(request, answer, streamed)
            if not streamed.images:
                error = self._without_image(answer, streamed.last)
                raise errors.after_work(error) if streamed.has_begun else error
            is_kept = True
            return streamed.answer(
                request_id=errors.request_id_of(answer.headers), http_status=answer.status
            )
        finally:
            if not is_kept:
                streamed.close()

    async def _read_events(
        self, request: UpstreamRequest, answer: HttpAnswer, streamed: StreamedAnswer
    ) -> None:
        images = request.n * (1 + request.partial_images) + SPARE_IMAGES
        events = EventStream(self._new_event)
        try:
            async for chunk in answer.chunks(MAX_ANSWER_BYTES_PER_IMAGE * images):
                for event in events.feed(chunk):
                    await streamed.take(event)
                    if streamed.is_whole:
                        return
                if events.is_done:
                    break
            for event in events.finish():
                await streamed.take(event)
            streamed.check_end()
        finally:
            events.close()

    def _new_event(self) -> AnswerStream:
        return AnswerStream(
            self._spools, max_images=1, max_image_bytes=MAX_IMAGE_BYTES, is_patient=True
        )

    def _without_image(self, answer: HttpAnswer, document: dict[str, object]) -> UpstreamError:
        return errors.error_of_document(
            answer.status,
            answer.headers,
            document,
            api_key=self._config.api_key,
            now=clock.now(),
        )

    async def _refusal(self, answer: HttpAnswer) -> UpstreamError:
        """The status alone decides when its body does not come, or has no end."""
        body = bytearray()
        with suppress(HttpError):
            async with deadline(ERROR_BODY_SECONDS):
                async for chunk in answer.chunks(MAX_ERROR_BYTES):
                    body += chunk
        return errors.error_of_answer(
            answer.status,
            answer.headers,
            bytes(body),
            api_key=self._config.api_key,
            now=clock.now(),
        )

    async def _images(
        self, document: dict[str, object], stream: AnswerStream, n: int
    ) -> list[UpstreamImage]:
        """Up to n images in order; one that does not decode or cannot be fetched is left out."""
        images: list[UpstreamImage] = []
        for found in wire.found_images(document):
            if len(images) == n:
                break
            if found.url is not None:
                spool = await self._download(found.url, stream)
            else:
                spool = stream.image(found.base64)
            if spool is not None:
                images.append(UpstreamImage(spool, found.revised_prompt))
        return images

    async def _download(self, url: str, stream: AnswerStream) -> SpoolFile | None:
        """A result by its url; fetching it again is free, so a failure is tried again."""
        for attempt in range(DOWNLOAD_TRIES):
            if attempt:
                await asyncio.sleep(DOWNLOAD_PAUSE_SECONDS)
            try:
                spool = await self._fetch(url, stream)
            except (EgressRefused, BodyTooLarge):
                return None
            except HttpError:
                continue
            if spool is not None:
                return spool
        return None

    async def _fetch(self, url: str, stream: AnswerStream) -> SpoolFile | None:
        exchange = self._http.exchange("GET", url, read_timeout_seconds=DOWNLOAD_READ_SECONDS)
        async with exchange as answer:
            if answer.status != HTTPStatus.OK:
                return None
            spool = stream.new_spool()
            async for chunk in answer.chunks(MAX_IMAGE_BYTES):
                spool.write(chunk)
            return spool if spool.size else None

    def _failed(
        self, error: HttpError | SpoolError | JsonRefused, exchange: Exchange
    ) -> UpstreamError:
        """Without an answer, only a call that surely was not sent may be made again."""
        if isinstance(error, EgressRefused | NotReached) or not exchange.is_sent:
            attempt_class = AttemptClass.NOT_REACHED
        elif isinstance(error, SpoolTooLarge):
            attempt_class = AttemptClass.BAD_RESULT
        else:
            attempt_class = AttemptClass.UNKNOWN
        return UpstreamError(
            attempt_class,
            errors.redacted(f"{type(error).__name__}: {error}", self._config.api_key),
            http_status=exchange.status,
            request_id=errors.request_id_of(exchange.answer_headers),
            may_have_billed=attempt_class is not AttemptClass.NOT_REACHED,
        )


def _is_event_stream(answer: HttpAnswer) -> bool:
    kind: str = answer.headers.get("content-type", "")
    return kind.partition(";")[0].strip().lower() == "text/event-stream"
