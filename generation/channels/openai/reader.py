"""Reads the images API's answer: a JSON document, a stream of events, a picture, or a refusal.

For partial images the upstream is asked for a stream. The answer is read by its content, JSON or
events, regardless of the request and the Content-Type. A stream that is cut off is an answer cut
short: its images are lost. What is complete by its own grammar counts, however the connection or
its Content-Length ends.
"""

import asyncio
from codecs import BOM_UTF8
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, replace

from generation.channels.answers import request_id_of
from generation.channels.base import (
    MAX_IMAGE_BYTES,
    OnPartial,
    UpstreamAnswer,
    UpstreamImage,
    UpstreamRequest,
)
from generation.channels.base64_stream import AnswerStream
from generation.channels.errors import UpstreamError
from generation.channels.failed_calls import body_of_refusal
from generation.channels.openai import errors, wire
from generation.channels.openai.event_stream import EventStream
from generation.channels.openai.streamed_answer import StreamedAnswer
from generation.channels.openai.tasks import Tasks, tasks_in
from generation.channels.wires import Reply
from pictor.kit.bytes.spool import SpoolFile, Spools
from pictor.kit.outbound.http import ConnectionLost, HttpAnswer
from pictor.kit.words import clock

MAX_ANSWER_BYTES_PER_IMAGE = MAX_IMAGE_BYTES // 3 * 4 + 1024**2
EVENT_FIELDS = (b":", b"data:", b"event:", b"id:", b"retry:")
"""The first bytes of a stream of events."""
PICTURE_STARTS = (b"\x89PNG", b"\xff\xd8\xff", b"RIFF")
"""The first bytes of a body that is the picture itself: png, jpeg, webp."""
TEXT_STARTS = (b"data:image/", b"iVBORw0KGg", b"/9j/", b"UklGR", b"![", b"http", b'"')
"""The first bytes of a body that is a text of one picture, as it is or as a JSON string."""
SPARE_IMAGES = 2
"""Answers with this many surplus images are still read to their end."""


@dataclass(frozen=True, slots=True, repr=False)  # it has a key and a prompt
class AnswerReader:
    """Reads the answer to one request.

    Args:
        request: as it was sent.
        download: fetches a result by its url.
        spools: the scope of its images.
        api_key: to be kept out of an error's words.
        on_partial: gets partial images.
    """

    request: UpstreamRequest
    download: Callable[..., Awaitable[SpoolFile | None]]
    spools: Spools
    api_key: str
    on_partial: OnPartial | None

    @property
    def _asked(self) -> str:
        return f"{self.request.prompt} {self.request.fields}"

    async def begun(self, answer: HttpAnswer) -> tuple[bytes, AsyncIterator[bytes]]:
        """The first meaningful bytes of the answer, and all of it from there.

        A byte order mark is skipped, and so are NULs and the blanks by which an upstream keeps a
        connection alive.
        """
        # Each preview may be as large as its image.
        images = self.request.n * (1 + self.request.partial_images) + SPARE_IMAGES
        chunks = answer.chunks(MAX_ANSWER_BYTES_PER_IMAGE * images)
        head = b""
        async for chunk in chunks:
            head = (head + chunk).removeprefix(BOM_UTF8).lstrip(b"\0 \t\r\n")
            # A part of the mark, or of a field's name, may be all that has come.
            wholes = (BOM_UTF8, *EVENT_FIELDS, *PICTURE_STARTS, *TEXT_STARTS)
            if head and not any(head != whole and whole.startswith(head) for whole in wholes):
                break

        async def whole() -> AsyncIterator[bytes]:
            yield head
            async for chunk in chunks:
                yield chunk

        return head, whole()

    @staticmethod
    async def quoted(head: bytes, chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        """The text of one picture, within an answer."""
        is_string = head.startswith(b'"')
        yield b'{"image":' if is_string else b'{"image":"'
        async for chunk in chunks:
            yield chunk if is_string else chunk.replace(b"\\", b"").replace(b'"', b'\\"')
        yield b"}" if is_string else b'"}'

    async def picture(
        self, answer: HttpAnswer, chunks: AsyncIterator[bytes], stream: AnswerStream
    ) -> UpstreamAnswer:
        """The answer whose body is the picture; its verification finds a cut one."""
        spool = stream.new_spool()
        with suppress(ConnectionLost):
            async for chunk in chunks:
                spool.write(chunk)
        return UpstreamAnswer(
            images=(UpstreamImage(spool),),
            request_id=request_id_of(answer.headers),
            http_status=answer.status,
        )

    async def plain(
        self, answer: HttpAnswer, document: dict[str, object], stream: AnswerStream
    ) -> UpstreamAnswer | Tasks:
        """The answer for a document that was read, with its images by url fetched."""
        images = await self._images(document, stream, self.request.n)
        request_id = request_id_of(answer.headers)
        # Before any complaint, as tasks have codes and states of their own.
        if not images and (ids := tasks_in(document, most=self.request.n)):
            return Tasks(ids, request_id)
        if not images:
            raise self._without_image(answer, document)
        return replace(
            wire.facts(document),
            images=tuple(images),
            request_id=request_id,
            http_status=answer.status,
        )

    async def streamed(self, answer: HttpAnswer, chunks: AsyncIterator[bytes]) -> UpstreamAnswer:
        """Read events until all images are here; the stream need not have ended."""
        streamed = StreamedAnswer(self.request, images_of=self._images, on_partial=self.on_partial)
        events = EventStream(self._new_event)
        try:
            await self._read_events(chunks, events, streamed)
        except ConnectionLost:
            await self._end(events, streamed)
            if not streamed.is_whole:
                raise
        if not streamed.images:
            raise self._without_image(answer, streamed.last, has_begun=streamed.has_begun)
        return streamed.answer(request_id=request_id_of(answer.headers), http_status=answer.status)

    async def refusal(self, answer: HttpAnswer) -> UpstreamError:
        """The error of a refused call; if the body does not arrive in time, by its status only."""
        return errors.error_of_answer(
            answer.status,
            headers=answer.headers,
            body=await body_of_refusal(answer),
            api_key=self.api_key,
            now=clock.now(),
            asked=self._asked,
        )

    async def _read_events(
        self, chunks: AsyncIterator[bytes], events: EventStream, streamed: StreamedAnswer
    ) -> None:
        async for chunk in chunks:
            for event in events.feed(chunk):
                if event is None:
                    await asyncio.sleep(0)
                    continue
                await streamed.take(event)
                if streamed.is_whole:
                    return
            if events.is_done:
                break
        await self._end(events, streamed)

    async def _end(self, events: EventStream, streamed: StreamedAnswer) -> None:
        for event in events.finish():
            await streamed.take(event)
        streamed.check_end()

    def _new_event(self) -> AnswerStream:
        return AnswerStream(
            self.spools.scope(), max_images=1, max_image_bytes=MAX_IMAGE_BYTES, is_patient=True
        )

    async def _images(
        self, document: dict[str, object], stream: AnswerStream, n: int
    ) -> list[UpstreamImage]:
        """Up to n images in order; one that does not decode or cannot be fetched is left out.

        At most SPARE_IMAGES more are tried: an answer may list hundreds of thousands.
        """
        images: list[UpstreamImage] = []
        for image in wire.images_in(document, most=n + SPARE_IMAGES):
            if len(images) == n:
                break
            if image.url:
                spool = await self.download(image.url, new_spool=stream.new_spool)
            else:
                spool = stream.image(image.base64)
            if spool is not None:
                images.append(UpstreamImage(spool, image.revised_prompt, image.seed))
        return images

    def _without_image(
        self, answer: HttpAnswer, document: dict[str, object], *, has_begun: bool = False
    ) -> UpstreamError:
        reply = Reply(answer.status, answer.headers, document, received_at=clock.now())
        return errors.error_of_reply(
            reply,
            api_key=self.api_key,
            has_begun=has_begun,
            asked=self._asked,
        )
