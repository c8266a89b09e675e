"""A streamed answer in, its events out, in flat memory. Pure.

Server-sent events (WHATWG HTML, 9.2) cut into chunks anywhere: lines end in LF, CR or CRLF, `data:`
may be followed by a space, an event may have several data lines, `event:` may be missing, comments
and other fields are skipped. The content of `data:` goes, piece by piece, to an AnswerStream, which
decodes its image into a spool. `data: [DONE]` ends the stream. Raises:

    JsonRefused   data that is not a JSON object, or cut short; too many lines
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from generation.channels.base64_stream import AnswerStream
from pictor.kit.bytes.json_stream import JsonRefused, JsonTooLarge

ERROR = "error"
FAILURES = frozenset({ERROR, "response.failed", "response.incomplete"})
"""Types of events that end a stream without its images (OpenAI's API reference, "Responses")."""
MAX_LINES = 20_000
"""Each costs 2.5 microseconds, one of data 14: endless ones must not keep a processor busy."""
LINES_A_TURN = 1000
MAX_EVENTS = MAX_IGNORED = 1000
"""The most events of an answer, and the most of them that are ignored, such as pings with data.

Each costs 43 microseconds.
"""
MAX_SMALL_BYTES = 4 * 1024**2
"""The most data of all events without their images: each MB costs a parser 0.1 s."""
MAX_NAME_BYTES = 200
"""The bytes kept of a line that is not data."""

_BOM = b"\xef\xbb\xbf"
_DATA = b"data:"
_CR, _LF = b"\r", b"\n"
_LINE_END = re.compile(rb"[\r\n]")
_DONE = b"[DONE]"
_START_BYTES = 16
"""The bytes kept of an event's data, to tell [DONE] and blank data from JSON."""


@dataclass(frozen=True, slots=True)
class StreamEvent:
    """One event: its type by its data, otherwise by its `event:` line, and its JSON object.

    `answer` holds its decoded image, in the event's own scope, which the receiver must end.
    """

    type: str
    document: dict[str, object]
    answer: AnswerStream

    @property
    def is_error(self) -> bool:
        """True if it reports an error."""
        return bool(self.document.get("error")) or self.type in FAILURES


class EventStream:
    """One stream of events.

    Args:
        new_answer: makes the AnswerStream that takes an event's data.
    """

    def __init__(self, new_answer: Callable[[], AnswerStream]) -> None:
        self.is_done = False
        self._new_answer = new_answer
        self._answer: AnswerStream | None = None
        self._start = b""
        self._name = ""
        self._data_lines = 0
        self._line = bytearray()  # the part so far of a line not known to be data
        self._is_data = False
        self._lines = 0
        self._small_bytes = 0
        self._events = 0
        self._noise: JsonRefused | None = None  # not an event; raised if none follows
        self._is_after_cr = False
        self._ignored = 0

    def feed(self, chunk: bytes) -> Iterator[StreamEvent | None]:
        """Take the next bytes; yields each event as it ends. Exhaust it before the next chunk.

        None after many lines without an event: let others take their turn.
        """
        position = 0
        # The chunk before ended between CR and LF, or with a line that ends in CR.
        if self._is_after_cr and chunk:
            position = int(chunk.startswith(_LF))
            self._is_after_cr = False
        while position < len(chunk):
            found = _LINE_END.search(chunk, position)
            end = found.start() if found else len(chunk)
            self._take(chunk[position:end])
            if end == len(chunk):
                return
            position = end + 1
            if chunk[end : end + 1] == _CR:
                self._is_after_cr = position == len(chunk)
                position += int(chunk[position : position + 1] == _LF)
            event = self._end_line()
            if event is not None or self._lines % LINES_A_TURN == 0:
                yield event

    def finish(self) -> Iterator[StreamEvent]:
        """End the stream; an event with complete data counts without its blank line."""
        event = self._end_line() or self._end_event()
        if event is not None:
            yield event
        if self._noise is not None and not self._events:
            raise self._noise

    def _take(self, piece: bytes) -> None:
        """Take a line or a part of one."""
        if not self._is_data:
            self._line += piece
            if not self._lines and self._line.startswith(_BOM):
                del self._line[: len(_BOM)]
            # The space after the colon may come with the next piece.
            if not self._line.startswith(_DATA) or len(self._line) == len(_DATA):
                del self._line[MAX_NAME_BYTES:]
                return
            piece = bytes(self._line[len(_DATA) :]).removeprefix(b" ")
            self._line.clear()
            self._begin_data()
        self._feed(piece)

    def _begin_data(self) -> None:
        self._is_data = True
        # The standard joins the data lines of an event by line feeds.
        if self._data_lines:
            self._feed(b"\n")
        self._data_lines += 1

    def _feed(self, piece: bytes) -> None:
        if not piece or self.is_done:
            return
        if self._answer is None:
            self._answer = self._new_answer()
        if len(self._start) < _START_BYTES:
            self._start = (self._start + piece).lstrip()[:_START_BYTES]
        self._answer.feed(piece)

    def _end_line(self) -> StreamEvent | None:
        self._lines += 1
        if self._lines > MAX_LINES:
            raise JsonTooLarge(f"more than {MAX_LINES} lines")
        line = bytes(self._line)
        self._line.clear()
        if self._is_data:
            self._is_data = False
        elif not line:
            return self._end_event()
        # A field without a value is an empty data line.
        elif line in {_DATA, _DATA[:-1]}:
            self._begin_data()
            self._is_data = False
        else:
            self._read_name(line)
        return None

    def _read_name(self, line: bytes) -> None:
        field, _, value = line.partition(b":")
        if field == b"event":
            self._name = value.removeprefix(b" ").decode("utf-8", "replace")

    def _end_event(self) -> StreamEvent | None:
        name, self._name = self._name, ""
        start, self._start = self._start.rstrip(), b""
        self._data_lines = 0
        if start == _DONE:
            self.is_done = True
        answer, self._answer = self._answer, None
        if answer is None:
            return None
        if not start or self.is_done:
            self._ignore(answer)
            return None
        self._small_bytes += answer.small_bytes
        if self._small_bytes > MAX_SMALL_BYTES:
            raise JsonTooLarge(f"events of more than {MAX_SMALL_BYTES} bytes without their images")
        try:
            document = answer.finish()
        except JsonRefused as error:
            if _is_ours(name) or (not name and start.startswith(b"{")):
                raise
            self._noise = None if name else error
            self._ignore(answer)  # a ping, or something else that a proxy inserts
            return None
        self._events += 1
        if self._events > MAX_EVENTS:
            raise JsonTooLarge(f"more than {MAX_EVENTS} events")
        kind = document.get("type")
        return StreamEvent(kind if isinstance(kind, str) and kind else name, document, answer)

    def _ignore(self, answer: AnswerStream) -> None:
        """Free an event without use. Each takes a moment, and a read may hold tens of thousands."""
        answer.spools.close()
        self._ignored += 1
        if self._ignored > MAX_IGNORED:
            raise JsonTooLarge(f"more than {MAX_IGNORED} events that are none")


def _is_ours(name: str) -> bool:
    return name in {ERROR, "message"} or name.startswith("image_")
