"""Spool files: bytes of unknown length, small ones in memory, larger ones in an unnamed file.

A spool knows its size and sha256 as it is written, so nothing is read twice. On disk it has no
name: closing it, or the death of the process, frees the space. All spools of a process share one
`SpoolBudget`. Raises:

    SpoolError
    ├── SpoolTooLarge   more bytes than this spool may hold
    └── SpoolFull       no room: the budget is used up, or the disk is

Writes go to the page cache and take microseconds, so the event loop may make them itself.
"""

import hashlib
import io
import os
import tempfile
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import IO, TYPE_CHECKING

import pybase64
from typing_extensions import override

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

MEMORY_BYTES = 256 * 1024
"""Spools up to this size never touch the disk."""

CHUNK_BYTES = 196_608
"""A multiple of 3, so that chunks encode to base64 without padding between them."""

DATA_URI_HEADER_BYTES = 256
"""A data URI whose header is longer than this is not one."""


class SpoolError(Exception):
    """Bytes that could not be kept."""


class SpoolTooLarge(SpoolError):
    """More bytes than this spool may hold."""


class SpoolFull(SpoolError):
    """The shared budget is used up, or the disk is full."""


class SpoolBudget:
    """How many bytes all spools of this process may have on disk together. Thread-safe.

    An owner gets no more than what it would leave free: alone it can have half, of n owners each
    an n-plus-first part, and there is always room for one more.
    """

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._used_bytes = 0
        self._used_by: Counter[str] = Counter()
        self._lock = threading.Lock()

    @property
    def used_bytes(self) -> int:
        """Bytes on disk now."""
        return self._used_bytes

    def take(self, size_bytes: int, owner: str = "") -> None:
        """Set bytes aside, for an owner if one is named; raises SpoolFull when there are none."""
        with self._lock:
            left = self._max_bytes - self._used_bytes - size_bytes
            if left < 0:
                raise SpoolFull(f"the spool budget of {self._max_bytes} bytes is used up")
            if owner and self._used_by[owner] + size_bytes > left:
                raise SpoolFull(f"this owner's share of {self._max_bytes} bytes is used up")
            self._used_bytes += size_bytes
            self._used_by[owner] += size_bytes

    def give_back(self, size_bytes: int, owner: str = "") -> None:
        """Return bytes taken before."""
        with self._lock:
            self._used_bytes -= size_bytes
            self._used_by[owner] -= size_bytes
            if not self._used_by[owner]:
                del self._used_by[owner]


class SpoolFile:
    """One spooled stream of bytes: written once by one writer, then read by any number of readers.

    `read_at` and the readers keep no shared position, so threads may read at the same time.

    Args:
        directory: where the unnamed file is made once the bytes outgrow memory.
        budget: shared by all spools that lie on the same disk.
        max_bytes: SpoolTooLarge beyond this.
        memory_bytes: what may stay in memory.
        owner: whose share of the budget it takes; nobody's if empty.
    """

    def __init__(
        self,
        directory: Path,
        *,
        budget: SpoolBudget,
        max_bytes: int,
        memory_bytes: int = MEMORY_BYTES,
        owner: str = "",
    ) -> None:
        self._directory = directory
        self._budget = budget
        self._max_bytes = max_bytes
        self._memory_bytes = memory_bytes
        self._owner = owner
        self._memory = bytearray()
        self._file: IO[bytes] | None = None
        self._on_disk_bytes = 0
        self._digest = hashlib.sha256()
        self._closed = False
        self.size = 0

    def sibling(self) -> "SpoolFile":
        """An empty spool in the same place, with the same bounds and budget."""
        return SpoolFile(
            self._directory,
            budget=self._budget,
            max_bytes=self._max_bytes,
            memory_bytes=self._memory_bytes,
            owner=self._owner,
        )

    @property
    def sha256(self) -> str:
        """Hex digest of what was written so far."""
        return self._digest.hexdigest()

    def write(self, data: bytes | bytearray | memoryview) -> int:
        """Append; raises SpoolTooLarge or SpoolFull."""
        if self.size + len(data) > self._max_bytes:
            raise SpoolTooLarge(f"more than {self._max_bytes} bytes")
        if self._file is None and self.size + len(data) <= self._memory_bytes:
            self._memory += data
        else:
            self._write_to_disk(data)
        self._digest.update(data)
        self.size += len(data)
        return len(data)

    def read_at(self, offset: int, size: int) -> bytes:
        """Up to `size` bytes from `offset`; fewer only at the end."""
        if self._closed:
            raise ValueError("the spool is closed")
        if self._file is None:
            return bytes(self._memory[offset : offset + size])
        return os.pread(self._file.fileno(), size, offset)

    def chunks(self, size: int = CHUNK_BYTES) -> Iterator[bytes]:
        """The whole content, in chunks of exactly `size` bytes but for the last."""
        for offset in range(0, self.size, size):
            yield self.read_at(offset, size)

    def reader(self) -> io.BufferedReader:
        """A new seekable binary file over the content, with a position of its own."""
        return io.BufferedReader(_SpoolReader(self), buffer_size=64 * 1024)

    def fileno(self) -> int | None:
        """The descriptor of the unnamed file; None while all is in memory. Its position is free."""
        return None if self._file is None else self._file.fileno()

    def close(self) -> None:
        """Free memory, disk and budget. Safe to call twice."""
        if self._closed:
            return
        self._closed = True
        self._memory = bytearray()
        if self._file is not None:
            self._file.close()
        self._budget.give_back(self._on_disk_bytes, self._owner)
        self._on_disk_bytes = 0

    def __del__(self) -> None:
        # The net under a forgotten close: the budget must not leak.
        self.close()

    def _write_to_disk(self, data: bytes | bytearray | memoryview) -> None:
        self._take(len(data) + (len(self._memory) if self._file is None else 0))
        try:
            if self._file is None:
                self._file = tempfile.TemporaryFile(  # noqa: SIM115 - it lives as long as the spool
                    dir=self._directory, buffering=0
                )
                _write_all(self._file, self._memory)
                self._memory = bytearray()
            _write_all(self._file, data)
        except OSError as error:
            raise SpoolFull(f"the spool disk refused the bytes: {error.strerror}") from error

    def _take(self, size_bytes: int) -> None:
        self._budget.take(size_bytes, self._owner)
        self._on_disk_bytes += size_bytes


class _SpoolReader(io.RawIOBase):
    def __init__(self, spool: SpoolFile) -> None:
        self._spool = spool
        self._position = 0

    @override
    def readable(self) -> bool:
        return True

    @override
    def seekable(self) -> bool:
        return True

    @override
    def readinto(self, buffer: "WriteableBuffer") -> int:
        view = memoryview(buffer).cast("B")
        data = self._spool.read_at(self._position, len(view))
        view[: len(data)] = data
        self._position += len(data)
        return len(data)

    @override
    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._spool.size}[whence]
        if base + offset < 0:
            raise ValueError("negative seek position")
        self._position = base + offset
        return self._position

    @override
    def tell(self) -> int:
        return self._position


class Spools:
    """Makes spools in one directory under one budget."""

    def __init__(self, directory: Path, budget: SpoolBudget, owner: str = "") -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self._directory = directory
        self._budget = budget
        self._owner = owner

    @property
    def budget(self) -> SpoolBudget:
        """What all spools made here share."""
        return self._budget

    def of(self, owner: str) -> "Spools":
        """The same place, where new spools take the share of an owner: a tenant, say."""
        return Spools(self._directory, self._budget, owner)

    def new(self, *, max_bytes: int, memory_bytes: int = MEMORY_BYTES) -> SpoolFile:
        """An empty spool that may hold up to `max_bytes`."""
        return SpoolFile(
            self._directory,
            budget=self._budget,
            max_bytes=max_bytes,
            memory_bytes=memory_bytes,
            owner=self._owner,
        )


_SPACES = (b" ", b"\t", b"\r", b"\n")


class Base64Sink:
    """Decodes base64 that arrives in chunks of any size into a spool.

    White space is ignored and a `data:TYPE/SUBTYPE;base64,` prefix is accepted; missing padding at
    the end is forgiven. The URL-safe alphabet and anything else is not base64: `error` says what
    was wrong and the rest is thrown away. Raises what the spool raises.
    """

    def __init__(self, spool: SpoolFile) -> None:
        self.spool = spool
        self.error: str | None = None
        self.media_type: str | None = None
        """The type named by a data URI, in lower case; None without one. A claim, not a fact."""
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
        """Decode what is left. Call once, after the last chunk."""
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


def _write_all(file: IO[bytes], data: bytes | bytearray | memoryview) -> None:
    """An unbuffered file may take fewer bytes than it was given."""
    with memoryview(data) as view:
        done = 0
        while done < len(view):
            done += file.write(view[done:])
