"""JSON with very long strings, read in chunks and flat memory.

`JsonStream` takes a document in chunks cut anywhere. Strings longer than a threshold are unescaped
and passed to a sink as they arrive. The rest, the skeleton, has a short placeholder for each one
and is small enough for an ordinary JSON parser. A placeholder holds 128 random bits made for the
document, so no input can forge one.

Nesting is bounded here, before any parser recurses. The syntax outside long strings is otherwise
not checked: parse the skeleton, as UTF-8, to learn whether the document is JSON. Inside a long
string an escape beyond Latin-1 becomes `?`, which base64 never contains.

Strings are searched by `bytes.find` and regular expressions, never byte by byte: a hostile
document costs at most 0.3 s of CPU for each 4 MB. Raises:

    JsonRefused
    ├── JsonInvalid    cut short, a broken escape, a long object key
    ├── JsonTooDeep    nested deeper than allowed
    ├── JsonTooLarge   too much outside the long strings
    ├── JsonTooManyLong    too many long strings
    └── JsonTooMany    more members than a parser should build
"""

import json
import re
import secrets
from collections.abc import Callable
from itertools import accumulate
from typing import Generic, Protocol, TypeVar

MAX_DEPTH = 32
MAX_SKELETON_BYTES = 4 * 1024**2
MAX_LONG_STRINGS = 64
MAX_VALUES = 250_000

_GLANCE_BYTES = 1024
_START_BYTES = 1024
_ESCAPE_BYTES = 6
"""The longest escape, \\uXXXX."""

# Runs are possessive, groups are not: up to Python 3.11.4 a possessive group that fails half-way
# keeps the part it read. Each pattern matches in one way only, so none backtracks far. But it
# remembers every turn of its loop, 50 to 100 bytes for each escape, so it gets a window at a time.
_WINDOW_BYTES = 4096
_STRING_BODY = re.compile(rb'[^"\\]*+(?:\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})[^"\\]*+)*')
_ESCAPE_START = re.compile(rb"\\(?:u[0-9a-fA-F]{0,3})?\Z")
_ONE_STRING = rb'"[^"\\]*+(?:\\.[^"\\]*+)*"'
_STRING = re.compile(_ONE_STRING + rb"?", re.DOTALL)
"""A string; one that is not closed ends with the text, so no search begins again within it."""
_WHOLE_STRINGS = re.compile(rb'[^"]*+(?:' + _ONE_STRING + rb'[^"]*+)*', re.DOTALL)
_STEP = {ord("["): 1, ord("{"): 1, ord("]"): -1, ord("}"): -1}
_NOT_BRACKETS = bytes(set(range(256)) - _STEP.keys())
_LONG_KEYS = re.compile(rb'(long-string-[0-9a-f]{32}-)\d+"\s*:')
"""Object keys that are a placeholder of any document; a pattern for each would cost 0.1 ms."""
_KEY_BEFORE = re.compile(rb'(?<![^{,\s])"((?:[^"\\]|\\.){1,200})"\s*:\s*\Z')
_KEY_TAIL_BYTES = 256


class JsonRefused(ValueError):
    """The document is refused and not read any further."""


class JsonInvalid(JsonRefused):
    """The document is not JSON."""


class JsonTooDeep(JsonRefused):
    """The document is nested deeper than allowed."""


class JsonTooLarge(JsonRefused):
    """The skeleton is too large."""


class JsonTooManyLong(JsonRefused):
    """There are too many long strings."""


class JsonTooMany(JsonRefused):
    """The document has more members than a parser should build."""


class Sink(Protocol):
    """The receiver of one long string, unescaped."""

    def write(self, data: bytes, /) -> object:
        """Take the next bytes of the string."""
        ...

    def finish(self) -> object:
        """End the string."""
        ...


SinkT = TypeVar("SinkT", bound=Sink)


class JsonStream(Generic[SinkT]):
    """The reader of one document.

    Args:
        threshold_bytes: strings with more (escaped) bytes than this are long.
        open_sink: called as `open_sink(index, key)` when a string turns out to be long; `index`
            counts from 0, `key` is the string's object key, or "" inside an array. If it returns
            None, the string stays in the skeleton.
        max_depth: nesting of arrays and objects.
        max_skeleton_bytes: size of the skeleton.
        max_long_strings: number of sinks.
        max_values: members of arrays and objects, which cost a parser far more than their bytes.
    """

    def __init__(
        self,
        threshold_bytes: int,
        open_sink: Callable[[int, str], SinkT | None],
        *,
        max_depth: int = MAX_DEPTH,
        max_skeleton_bytes: int = MAX_SKELETON_BYTES,
        max_long_strings: int = MAX_LONG_STRINGS,
        max_values: int = MAX_VALUES,
    ) -> None:
        self._threshold_bytes = threshold_bytes
        self._open_sink = open_sink
        self._max_depth = max_depth
        self._max_skeleton_bytes = max_skeleton_bytes
        self._max_long_strings = max_long_strings
        self._values_left = max_values
        self._token = f"long-string-{secrets.token_hex(16)}-"
        self._skeleton = bytearray()
        self._sinks: list[SinkT] = []
        self._sink: SinkT | None = None
        self._is_kept = False
        self._string_start = -1  # where the open string begins in the skeleton; -1 outside one
        self._carry = b""  # an escape cut off by the end of a chunk
        self._depth = 0
        self._has_ended = False
        self.long_start = b""
        """The first bytes, still escaped, of the string that `open_sink` is called for."""

    def feed(self, chunk: bytes) -> None:
        """Take the next bytes of the document."""
        if self._carry:
            chunk, self._carry = self._carry + chunk, b""
        position = 0
        while position < len(chunk):
            if self._string_start < 0:
                position = self._outside(chunk, position)
            else:
                position = self._inside(chunk, position)

    def finish(self) -> tuple[bytes, list[SinkT]]:
        """Return the skeleton and the sinks in order.

        Raises JsonInvalid if the document is cut short or an object key was long.
        """
        if self._string_start >= 0 or self._carry or self._depth:
            raise JsonInvalid("the document is cut short")
        skeleton = bytes(self._skeleton)
        if self._sinks and self._token.encode() in _LONG_KEYS.findall(skeleton):
            raise JsonInvalid("an object key is too long")
        return skeleton, self._sinks

    @property
    def is_whole(self) -> bool:
        """True if the object or array has ended; more may follow it."""
        return self._has_ended and self._string_start < 0

    @property
    def skeleton_bytes(self) -> int:
        """The skeleton's size so far."""
        return len(self._skeleton)

    def index_of(self, text: object) -> int | None:
        """Return the index of the long string that a skeleton's value replaces, or None."""
        if isinstance(text, str) and text.startswith(self._token):
            return int(text[len(self._token) :])
        return None

    def sink_of(self, text: object) -> SinkT | None:
        """Return the sink of the long string that a skeleton's value replaces, or None."""
        index = self.index_of(text)
        return None if index is None else self._sinks[index]

    def _outside(self, chunk: bytes, position: int) -> int:
        """Take everything up to a string that is not closed within the next threshold bytes.

        The expression sees only a little at a time, because for long strings a search is quicker.
        """
        glance = min(_GLANCE_BYTES, self._threshold_bytes)
        whole = _WHOLE_STRINGS.match(chunk, position, position + glance)
        if whole and whole[0]:
            self._nest(_STRING.sub(b"", whole[0]))
            self._keep(whole[0])
            return whole.end()
        end = self._end_of_string(chunk, position)
        if end == position:
            self._keep(b'"')
            self._string_start = len(self._skeleton)
            return position + 1
        self._keep(chunk[position:end])
        return end

    def _end_of_string(self, chunk: bytes, position: int) -> int:
        """Return the position after the string begun here, or `position` if it is too long."""
        limit = position + self._threshold_bytes
        if chunk.find(b'"', position + 1, limit) < 0:
            return position
        end = _body_end(chunk, position + 1, limit)
        return end + 1 if end < limit and chunk[end : end + 1] == b'"' else position

    def _nest(self, data: bytes) -> None:
        brackets = data.translate(None, _NOT_BRACKETS)
        self._values_left -= len(brackets) + data.count(b",")
        if self._values_left < 0:
            raise JsonTooMany("it holds too many values")
        depths = list(accumulate(map(_STEP.__getitem__, brackets), initial=self._depth))
        if max(depths) > self._max_depth:
            raise JsonTooDeep(f"nested deeper than {self._max_depth} levels")
        if min(depths) < 0:
            raise JsonInvalid("a bracket closes nothing")
        self._depth = depths[-1]
        if brackets:
            self._has_ended = self._depth == 0

    def _inside(self, chunk: bytes, position: int) -> int:
        """Take the string's body up to its end or the chunk's; return the position after it."""
        quote = chunk.find(b'"', position)
        end = len(chunk) if quote < 0 else quote
        if chunk.find(b"\\", position, end) >= 0:
            end = _body_end(chunk, position, len(chunk))
        is_closed = chunk[end : end + 1] == b'"'
        if not is_closed and end < len(chunk):
            self._cut_escape(chunk[end:])
        self._take(chunk[position:end])
        if is_closed:
            self._end_string()
            return end + 1
        return len(chunk)

    def _cut_escape(self, tail: bytes) -> None:
        if len(tail) >= _ESCAPE_BYTES or not _ESCAPE_START.match(tail):
            raise JsonInvalid("a broken escape in a string")
        self._carry = tail

    def _take(self, body: bytes) -> None:
        if self._sink is not None:
            self._sink.write(_unescape(body))
            return
        length = len(self._skeleton) - self._string_start + len(body)
        if length <= self._threshold_bytes or self._is_kept:
            self._keep(body)
            return
        self._divert(body)

    def _divert(self, body: bytes) -> None:
        """Move the open string, which has become long, to a sink if one is offered."""
        if len(self._sinks) >= self._max_long_strings:
            raise JsonTooManyLong(f"more than {self._max_long_strings} long strings")
        begun = self._skeleton[self._string_start : self._string_start + _START_BYTES]
        self.long_start = (bytes(begun) + body[:_START_BYTES])[:_START_BYTES]
        sink = self._open_sink(len(self._sinks), self._key())
        if sink is None:
            self._is_kept = True
            self._keep(body)
            return
        start = bytes(self._skeleton[self._string_start :])
        del self._skeleton[self._string_start :]
        self._keep(f"{self._token}{len(self._sinks)}".encode())
        self._sinks.append(sink)
        self._sink = sink
        sink.write(_unescape(start))
        sink.write(_unescape(body))

    def _key(self) -> str:
        end = self._string_start - 1
        tail = bytes(self._skeleton[max(0, end - _KEY_TAIL_BYTES) : end])
        match = _KEY_BEFORE.search(tail)
        return match[1].decode("utf-8", "replace") if match else ""

    def _end_string(self) -> None:
        if self._sink is not None:
            self._sink.finish()
        self._sink = None
        self._is_kept = False
        self._string_start = -1
        self._keep(b'"')

    def _keep(self, data: bytes) -> None:
        self._skeleton += data
        if len(self._skeleton) > self._max_skeleton_bytes:
            raise JsonTooLarge(f"more than {self._max_skeleton_bytes} bytes outside long strings")


def _body_end(chunk: bytes, position: int, limit: int) -> int:
    """Return the end of the string body: at a quote, a broken escape, or the limit."""
    while True:
        body = _STRING_BODY.match(chunk, position, min(position + _WINDOW_BYTES, limit))
        if not body or not body[0]:
            return position
        position = body.end()


def _unescape(body: bytes) -> bytes:
    """Unescape a piece of string body, whose escapes must be whole and valid."""
    if b"\\" not in body:
        return body
    # PHP writes every slash of base64 as \/. If no backslash is left, there were no other escapes.
    plain = body.replace(b"\\/", b"/")
    if b"\\" not in plain:
        return plain
    text: str = json.loads(f'"{body.decode("latin-1")}"', strict=False)
    return text.encode("latin-1", "replace")
