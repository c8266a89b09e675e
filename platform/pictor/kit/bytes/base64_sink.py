"""Base64 decoded into a spool as it arrives. Raises the spool's errors."""

import pybase64

from pictor.kit.bytes.spool import SpoolFile

DATA_URI_HEADER_BYTES = 256
"""The longest header of a data URI that is accepted."""

_SPACES = (b" ", b"\t", b"\r", b"\n")


class Base64Sink:
    """Decodes base64 that arrives in chunks of any size into a spool.

    White space is ignored, a `data:TYPE/SUBTYPE;base64,` prefix is accepted and missing padding at
    the end is forgiven. Other text, the URL-safe alphabet included, sets `error` to the reason, and
    the rest is thrown away.
    """

    def __init__(self, spool: SpoolFile) -> None:
        self.spool = spool
        self.error: str | None = None
        self.media_type: str | None = None
        """The data URI's type in lower case, if there is one; the sender's claim, unchecked."""
        self._head: bytearray | None = bytearray()
        self._rest = b""
        self._ended = False

    def write(self, data: bytes) -> None:
        """Take the next chunk of text."""
        if self.error is not None:
            return
        if self._head is not None:
            self._head += data
            if not self._is_head_decided(self._head):
                return
            data = self._without_header(bytes(self._head))
            self._head = None
        self._decode(data)

    def finish(self) -> None:
        """Decode the rest. Call once, after the last chunk."""
        if self._head is not None:
            data, self._head = self._without_header(bytes(self._head)), None
            self._decode(data)
        if self._rest and self.error is None:
            self._emit(self._rest + b"=" * (-len(self._rest) % 4))
            self._rest = b""

    @staticmethod
    def _is_head_decided(head: bytearray) -> bool:
        if not b"data:".startswith(head[:5].lower()):
            return True
        return b"," in head or len(head) > DATA_URI_HEADER_BYTES

    def _without_header(self, head: bytes) -> bytes:
        if head[:5].lower() != b"data:":
            return head
        header, comma, data = head[5:].partition(b",")
        media_type, *parameters = header.lower().split(b";")
        if not comma or len(header) > DATA_URI_HEADER_BYTES or b"base64" not in parameters:
            self.error = "not a base64 data URI"
            return b""
        self.media_type = media_type.decode("ascii", "replace").strip()
        return data

    def _decode(self, data: bytes) -> None:
        if any(space in data for space in _SPACES):  # four searches take a tenth of a translation
            data = data.translate(None, b"".join(_SPACES))
        text = self._rest + data if self._rest else data
        if self.error is not None or not text:
            return
        if self._ended:
            self.error = "base64 goes on after its padding"
            return
        whole = len(text) - len(text) % 4
        self._rest = text[whole:]
        self._emit(text if whole == len(text) else text[:whole])

    def _emit(self, text: bytes) -> None:
        self._ended = text.endswith(b"=")
        try:
            self.spool.write(pybase64.b64decode(text, validate=True))
        except ValueError:
            self.error = "not base64"
