"""The images of a streamed answer: partial ones are handed on, finished ones collected.

Source: OpenAI's API reference, "Image streaming events" (20 Nov 2026). Events do not tell which of
the n images they belong to: the j-th partial of an index is taken to be of the j-th image, or of
the first unfinished one if that is later. Facts (size, quality, …) are those of the first finished
image, usage is the sum of all.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace

from generation.channels.base import (
    OnPartial,
    TokenUsage,
    UpstreamAnswer,
    UpstreamImage,
    UpstreamPartial,
    UpstreamRequest,
)
from generation.channels.base64_stream import AnswerStream
from generation.channels.complaints import ComplaintSubject
from generation.channels.openai import wire
from generation.channels.openai.complaints import complaint_of
from generation.channels.openai.event_stream import StreamEvent
from pictor.kit.bytes.json_stream import JsonInvalid
from pictor.kit.bytes.spool import SpoolError

TASKS = ("image_generation", "image_edit")
SUMMARY = "response.completed"
POLICY = ComplaintSubject.POLICY
COMPLETED = frozenset(f"{task}.completed" for task in TASKS)
PARTIAL = frozenset(f"{task}.partial_image" for task in TASKS)

ImagesOf = Callable[[dict[str, object], AnswerStream, int], Awaitable[list[UpstreamImage]]]
"""The images of a JSON answer, up to that number, including those fetched by url."""


@dataclass(slots=True, repr=False)  # it has a prompt
class StreamedAnswer:
    """One stream's events, taken in order.

    Args:
        request: as it was sent.
        images_of: reads a completed event.
        on_partial: gets partial images.
    """

    request: UpstreamRequest
    images_of: ImagesOf
    on_partial: OnPartial | None
    images: list[UpstreamImage] = field(default_factory=list)
    last: dict[str, object] = field(default_factory=dict)
    """The document for the error if no image arrives: the error, the first about policy,
    or the last event that is no preview."""
    _facts: dict[str, object] | None = None
    _usages: list[TokenUsage] = field(default_factory=list)
    _completed: int = 0
    _partials: dict[int, int] = field(default_factory=dict)  # by index, the next partial's image
    _has_failed: bool = False

    @property
    def is_whole(self) -> bool:
        """True if nothing more is expected."""
        return self._has_failed or self._completed >= self.request.n

    @property
    def has_begun(self) -> bool:
        """True if the upstream has worked on it: an image arrived, finished or not."""
        return bool(self._partials or self._completed)

    async def take(self, event: StreamEvent) -> None:
        """Take an event's images, and free the rest. Raises SpoolError for a finished image."""
        with event.answer.spools:
            if event.is_error:
                self._has_failed = True
                # The event itself may be the error object.
                self.last = {**event.document, "error": event.document.get("error") or True}
            elif event.type in PARTIAL:
                await self._take_partial(event)
            elif event.type in COMPLETED or self._has_more(event):
                await self._take_completed(event)
            elif not self._completed and complaint_of(self.last).about is not POLICY:
                self.last = event.document

    def check_end(self) -> None:
        """End the stream. Raises JsonInvalid if images were only begun."""
        if self._partials and not self._completed and not self._has_failed:
            raise JsonInvalid("the stream ended before a completed event")

    def answer(self, *, request_id: str, http_status: int) -> UpstreamAnswer:
        """The whole answer, once there is an image."""
        return replace(
            wire.facts(self._facts or {}),
            images=tuple(self.images),
            usage=TokenUsage.sum_of(self._usages),
            model=None,
            request_id=request_id,
            http_status=http_status,
            is_streamed=True,
        )

    def _has_more(self, event: StreamEvent) -> bool:
        """True if another API's event has a picture: no preview, no summary of those before."""
        is_preview = "partial" in event.type or "partial_image_index" in event.document
        is_summary = event.type == SUMMARY and bool(self._completed)
        return not (is_preview or is_summary) and bool(wire.images_in(event.document, most=1))

    async def _take_completed(self, event: StreamEvent) -> None:
        self._completed += 1
        self.last = event.document
        # An event has the shape of one entry of a plain answer's `data`.
        images = await self.images_of({"data": [event.document]}, event.answer, 1)
        event.answer.spools.keep(*(image.spool for image in images))
        self.images += images
        if self._facts is None:
            self._facts = event.document
        usage = wire.usage_of(event.document)
        if usage is not None:
            self._usages.append(usage)

    async def _take_partial(self, event: StreamEvent) -> None:
        """Hand it on, unless it is surplus or unreadable."""
        index = event.document.get("partial_image_index")
        if not isinstance(index, int) or not 0 <= index < self.request.partial_images:
            return
        image = max(self._partials.get(index, 0), self._completed)
        self._partials[index] = image + 1
        if self.on_partial is None or image >= self.request.n:
            return
        try:
            spool = event.answer.image(event.document.get("b64_json"))
        # A preview without room is left out; the image goes on.
        except SpoolError:
            return
        if spool is not None:
            event.answer.spools.keep(spool)
            quality = wire.word_of(event.document, "quality")
            await self.on_partial(UpstreamPartial(spool, image, index, quality))
