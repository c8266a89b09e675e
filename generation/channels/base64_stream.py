"""A vendor's JSON answer in, images out, in flat memory.

Long strings are decoded into spools while they arrive; unused long texts are discarded. At most
`max_images` spools are opened, so surplus images cost nothing. Raises JsonRefused (cut short, not
JSON, too deep, too large) and SpoolError. Only what pictures need is strict: bytes that are not
UTF-8 are replaced, control characters in strings are taken, an array of objects counts as `data`,
and what follows the document (NULs, blanks, a proxy's words) is ignored.

An event of a stream is such an answer too. Often only its end tells if its image is needed, so with
`is_patient` a spool's error is raised only when its image is requested.
"""

import json
import re
from collections.abc import AsyncIterator
from contextlib import suppress

from typing_extensions import override

from pictor.kit.bytes.base64_sink import Base64Sink
from pictor.kit.bytes.json_stream import JsonInvalid, JsonStream
from pictor.kit.bytes.spool import MEMORY_BYTES, SpoolError, SpoolFile, Spools
from pictor.kit.outbound.http import HttpError, deadline

LONG_BYTES = 16 * 1024
"""Longer strings are images; shorter ones may be urls, which are rarely above 2 KB."""
MAX_SKELETON_BYTES = 2 * 1024**2
MAX_VALUES = 10_000
"""An answer has some dozens; who looks for its words walks through all of them on the loop."""

END_SECONDS = 1.0
"""The time for the end of a body whose document is whole."""

_USUAL = bytes.maketrans(b"-_", b"+/")

TEXT_KEYS = frozenset({"revised_prompt", "prompt", "text", "content", "message", "refusal"})
"""Texts kept in the answer even if they are long, unless they begin as a picture."""
_PICTURE_TEXT = re.compile(
    rb"(?:\s|\\[nrt])*(?:!\[[^]]{0,900}\]\(\s*)?data:image\\?/", re.IGNORECASE
)
_MARKDOWN = re.compile(rb"\s*+!\[[^]]{0,900}\]\(\s*")
"""The begin of a picture in Markdown: ![a fox](data:…)"""
MAX_MARKDOWN_BYTES = 2048


class DiscardSink:
    """Discards an unneeded long string."""

    def write(self, _data: bytes) -> None:
        """Discard the data."""

    def finish(self) -> None:
        """Do nothing."""


class AnswerSink(Base64Sink):
    """Accepts more, as an image that was paid for shall arrive.

    The URL-safe alphabet (RFC 4648, 5), and a text that is one Markdown image with a data URI.
    """

    _is_markdown = _is_closed = False

    @staticmethod
    @override
    def _is_head_decided(head: bytearray) -> bool:
        text = head.lstrip()
        starts = (b"![", b"data:")
        if not any(start.startswith(text[: len(start)].lower()) for start in starts):
            return True
        return b"base64," in text.lower() or len(head) > MAX_MARKDOWN_BYTES

    @override
    def _without_header(self, head: bytes) -> bytes:
        begun = _MARKDOWN.match(head)
        self._is_markdown = begun is not None
        return super()._without_header(head[begun.end() :] if begun else head.lstrip())

    @override
    def _decode(self, data: bytes) -> None:
        if self._is_markdown:
            data, bracket, rest = (b"", b")", data) if self._is_closed else data.partition(b")")
            self._is_closed = bool(bracket)
            if rest.strip():
                self.error = self.error or "words after the picture"
        super()._decode(data.translate(_USUAL))


class PatientSink(AnswerSink):
    """Keeps its spool's error in `refusal` and discards the rest of the bytes."""

    refusal: SpoolError | None = None

    @override
    def write(self, data: bytes) -> None:
        try:
            super().write(data)
        except SpoolError as error:
            self._refuse(error)

    @override
    def finish(self) -> None:
        try:
            super().finish()
        except SpoolError as error:
            self._refuse(error)

    def _refuse(self, error: SpoolError) -> None:
        self.refusal = error
        self.error = str(error)
        self.spool.close()


class AnswerStream:
    """One answer.

    Args:
        spools: the scope of its images.
        max_images: the most images to keep; they share the memory that one may have.
        max_image_bytes: the most bytes of each, decoded.
        is_patient: a SpoolError is raised by `image`, not while the image arrives.
        image_keys: the only keys of images; by default any key but TEXT_KEYS.
    """

    def __init__(
        self,
        spools: Spools,
        *,
        max_images: int,
        max_image_bytes: int,
        is_patient: bool = False,
        image_keys: frozenset[str] | None = None,
    ) -> None:
        self.spools = spools
        self._image_keys = image_keys
        self._sink_kind = PatientSink if is_patient else AnswerSink
        self._left_images = max_images
        self._memory_bytes = MEMORY_BYTES // max(max_images, 1)
        self._max_image_bytes = max_image_bytes
        self._stream: JsonStream[Base64Sink | DiscardSink] = JsonStream(
            LONG_BYTES,
            self._open,
            max_skeleton_bytes=MAX_SKELETON_BYTES,
            max_values=MAX_VALUES,
        )

    def feed(self, chunk: bytes) -> None:
        """Take the next bytes of the answer."""
        self._stream.feed(chunk)

    @property
    def is_whole(self) -> bool:
        """True if the answer is complete by its own grammar; more may follow it."""
        return self._stream.is_whole

    @property
    def small_bytes(self) -> int:
        """The bytes of the answer without its images and discarded strings."""
        return self._stream.skeleton_bytes

    async def read(self, chunks: AsyncIterator[bytes]) -> dict[str, object]:
        """The answer in these chunks, as by `finish`."""
        async for chunk in chunks:
            self.feed(chunk)
            if self.is_whole:
                break
        # A body read to its end leaves its connection to the next call.
        with suppress(HttpError):
            async with deadline(END_SECONDS):
                async for _ in chunks:
                    pass
        return self.finish()

    def finish(self) -> dict[str, object]:
        """The answer with placeholders for its long strings; see `image`."""
        skeleton, _ = self._stream.finish()
        try:
            text = skeleton.decode("utf-8", "replace").lstrip()
            document, _ = json.JSONDecoder(strict=False).raw_decode(text)
        except (ValueError, RecursionError):
            raise JsonInvalid("the answer is not JSON") from None
        if isinstance(document, list) and isinstance(next(iter(document), None), dict):
            document = {"data": document}
        if not isinstance(document, dict):
            raise JsonInvalid("the answer is not a JSON object")
        return document

    def image(self, value: object) -> SpoolFile | None:
        """The decoded bytes of a string of the answer; None if it is not base64, or is empty."""
        if not isinstance(value, str):
            return None
        sink = self._stream.sink_of(value)
        # A string below LONG_BYTES stayed in the answer as text.
        if sink is None:
            sink = self._decode(value)
        if isinstance(sink, PatientSink) and sink.refusal is not None:
            raise sink.refusal
        if isinstance(sink, Base64Sink) and sink.error is None and sink.spool.size > 0:
            return sink.spool
        return None

    def new_spool(self) -> SpoolFile:
        """A spool for an image that is not in the answer itself, such as one by url."""
        return self.spools.new(max_bytes=self._max_image_bytes, memory_bytes=self._memory_bytes)

    def _open(self, _index: int, key: str) -> Base64Sink | DiscardSink | None:
        is_named = self._image_keys is not None and key in self._image_keys
        is_text = key in TEXT_KEYS and not is_named
        if is_text and not _PICTURE_TEXT.match(self._stream.long_start):
            return None
        if self._left_images == 0 or (self._image_keys is not None and not is_named):
            return DiscardSink()
        self._left_images -= 1
        return self._new_sink()

    def _decode(self, text: str) -> Base64Sink:
        sink = self._new_sink()
        # A letter outside of ASCII becomes `?`, which the sink refuses.
        sink.write(text.encode("ascii", "replace"))
        sink.finish()
        return sink

    def _new_sink(self) -> Base64Sink:
        return self._sink_kind(self.new_spool())
