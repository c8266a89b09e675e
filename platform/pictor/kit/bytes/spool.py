"""Spool files: bytes of unknown length, small ones in memory, larger ones in an unnamed file.

A spool knows its size, and computes its sha256 when that is first wanted. On disk it has no name:
closing it, or the end of the process, frees the space. All spools of a process share one
`SpoolBudget`. Callers need not close a spool: it ends with its scope (`Spools`), and every request
and every dispatch has one. Raises:

    SpoolError
    ├── SpoolTooLarge   more bytes than this spool may hold
    ├── SpoolFull       the budget is used up, or the disk is full
    └── SpoolClosed     its scope has ended

Writes go to the page cache and take microseconds, so the event loop may make them itself.
"""

import hashlib
import io
import os
import tempfile
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Protocol
from weakref import WeakSet

from typing_extensions import override

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

MEMORY_BYTES = 256 * 1024
"""Spools up to this size never touch the disk."""

CHUNK_BYTES = 196_608
"""A multiple of 3, so that chunks encode to base64 without padding between them."""


class SpoolError(Exception):
    """The bytes could not be kept."""


class SpoolTooLarge(SpoolError):
    """The spool would exceed its `max_bytes`."""


class SpoolFull(SpoolError):
    """The shared budget is used up, or the disk is full."""


class SpoolClosed(SpoolError):
    """The spool was closed, or its scope has ended before this use."""


class SpoolBudget:
    """The bytes that all spools of this process may have on disk together. Thread-safe.

    An owner gets at most as much as it leaves free: a single owner gets half, each of n owners
    1/(n+1), and there is always room for one more. A budget within another is a part of it, which
    its owners together cannot exceed.
    """

    def __init__(self, max_bytes: int, *, within: "SpoolBudget | None" = None) -> None:
        self._max_bytes = max_bytes
        self._within = within
        self._used_bytes = 0
        self._used_by: Counter[str] = Counter()
        self._lock = threading.RLock()  # a spool's __del__ may run while this thread holds it

    @property
    def used_bytes(self) -> int:
        """Bytes on disk now."""
        return self._used_bytes

    def take(self, size_bytes: int, owner: str = "") -> None:
        """Reserve bytes, for an owner if one is named. Raises SpoolFull if too few are left."""
        with self._lock:
            left = self._max_bytes - self._used_bytes - size_bytes
            if left < 0:
                raise SpoolFull(f"the spool budget of {self._max_bytes} bytes is used up")
            if owner and self._used_by[owner] + size_bytes > left:
                raise SpoolFull(f"this owner's share of {self._max_bytes} bytes is used up")
            if self._within is not None:
                self._within.take(size_bytes)
            self._used_bytes += size_bytes
            self._used_by[owner] += size_bytes

    def give_back(self, size_bytes: int, owner: str = "") -> None:
        """Return reserved bytes."""
        with self._lock:
            self._used_bytes -= size_bytes
            self._used_by[owner] -= size_bytes
            if not self._used_by[owner]:
                del self._used_by[owner]
            if self._within is not None:
                self._within.give_back(size_bytes)

    @contextmanager
    def room(self, size_bytes: int) -> Iterator[None]:
        """Count other files in the spools' folder as long as it lasts. Raises SpoolFull."""
        self.take(size_bytes)
        try:
            yield
        finally:
            self.give_back(size_bytes)


class SpoolFile:
    """A spooled stream of bytes: written once by one writer, then read by any number of readers.

    `read_at` and the readers share no position, so threads may read at the same time. Once it is
    closed, reading and writing raise SpoolClosed.

    Args:
        spools: its scope, which has the directory, the budget and the owner.
        max_bytes: the largest size; beyond it, SpoolTooLarge is raised.
        memory_bytes: the largest size in memory; beyond it, an unnamed file is used.
    """

    def __init__(self, spools: "Spools", *, max_bytes: int, memory_bytes: int) -> None:
        self.spools = spools
        self._owner = spools.owner
        self._max_bytes = max_bytes
        self._memory_bytes = memory_bytes
        self._memory = bytearray()
        self._file: IO[bytes] | None = None
        self._on_disk_bytes = 0
        self._shown: ReadableAt | None = None
        self._sha256 = ""
        self.is_closed = False
        """True once its bytes are gone."""
        self._lock = threading.Lock()  # a closed descriptor's number may soon be another file's
        self.size = 0

    def sibling(self, *, max_bytes: int | None = None) -> "SpoolFile":
        """Return an empty spool in the same scope, with the same bounds unless one is given."""
        most = self._max_bytes if max_bytes is None else max_bytes
        return self.spools.new(max_bytes=most, memory_bytes=self._memory_bytes)

    @property
    def sha256(self) -> str:
        """Hex digest of the bytes so far; the first time, it takes a millisecond a MB."""
        if not self._sha256:
            digest = hashlib.sha256()
            for data in self.chunks():
                digest.update(data)
            self._sha256 = digest.hexdigest()
        return self._sha256

    def write(self, data: bytes | bytearray | memoryview) -> int:
        """Append. Raises SpoolTooLarge, SpoolFull or SpoolClosed."""
        if self.size + len(data) > self._max_bytes:
            raise SpoolTooLarge(f"more than {self._max_bytes} bytes")
        with self._lock:
            self._check_open()
            if self._file is None and self.size + len(data) <= self._memory_bytes:
                self._memory += data
            else:
                self._write_to_disk(data)
        self.size, self._sha256 = self.size + len(data), ""
        return len(data)

    def read_at(self, offset: int, size: int) -> bytes:
        """Return up to `size` bytes from `offset`; fewer only at the end."""
        if self._shown is not None:
            return self._shown.read_at(offset, size)
        return self._written_at(offset, size)

    @property
    def content(self) -> "ReadableAt":
        """Its bytes as they were written, whatever it shows."""
        return _Content(self._written_at, self.size)

    def show(self, view: "ReadableAt") -> None:
        """Let readers see a view of its `content` instead. Nothing is written any more."""
        self._shown, self.size, self._sha256 = view, view.size, ""

    def chunks(self, size: int = CHUNK_BYTES) -> Iterator[bytes]:
        """Yield the whole content in chunks of exactly `size` bytes, except for the last."""
        for offset in range(0, self.size, size):
            yield self.read_at(offset, size)

    @property
    def is_in_memory(self) -> bool:
        """True if no file is needed yet."""
        return self._file is None

    def leave_memory(self) -> None:
        """Move the content from memory to a file, because it is kept long. Raises SpoolFull."""
        with self._lock:
            self._check_open()
            if self._file is None:
                self._write_to_disk(b"")

    def descriptor(self) -> int | None:
        """Return a new descriptor of the file to close; None in memory, or if it shows a view."""
        with self._lock:
            self._check_open()
            return None if self._file is None or self._shown else os.dup(self._file.fileno())

    def move_to(self, spools: "Spools") -> None:
        """Move to another scope, to end with it."""
        spools.own(self)
        self.spools = spools

    def close(self) -> None:
        """Free memory, disk and budget before the scope's end. Safe to call twice."""
        with self._lock:
            if self.is_closed:
                return
            self.is_closed, self._shown = True, None
            self._memory = bytearray()
            if self._file is not None:
                self._file.close()
            self.spools.budget.give_back(self._on_disk_bytes, self._owner)

    def __del__(self) -> None:
        # Nothing refers to the spool any more, so it need not wait for its scope's end.
        self.close()

    def _written_at(self, offset: int, size: int) -> bytes:
        with self._lock:
            self._check_open()
            if self._file is None:
                with memoryview(self._memory) as view:  # copied once, not twice
                    return bytes(view[offset : offset + size])
            return os.pread(self._file.fileno(), size, offset)

    def _check_open(self) -> None:
        if self.is_closed:
            raise SpoolClosed("the spool is closed")

    def _write_to_disk(self, data: bytes | bytearray | memoryview) -> None:
        taken = len(data) + (len(self._memory) if self._file is None else 0)
        self.spools.budget.take(taken, self._owner)
        self._on_disk_bytes += taken
        try:
            if self._file is None:
                self._file, self._memory = self._copy_memory(), bytearray()
            _write_all(self._file, data)
        except OSError as error:
            raise SpoolFull(f"the spool disk refused the bytes: {error.strerror}") from error

    def _copy_memory(self) -> IO[bytes]:
        """Return a file with all of the memory, which is kept in case the disk is full."""
        file = tempfile.TemporaryFile(  # noqa: SIM115 - it lives as long as the spool
            dir=self.spools.directory, buffering=0
        )
        try:
            _write_all(file, self._memory)
        except OSError:
            file.close()
            raise
        return file


class ReadableAt(Protocol):
    """Bytes that are read at any offset."""

    size: int

    def read_at(self, offset: int, size: int, /) -> bytes:
        """Up to `size` bytes from `offset`; fewer only at the end."""


@dataclass(slots=True)
class _Content:
    read_at: Callable[[int, int], bytes]
    size: int


def reader_of(source: ReadableAt) -> io.BufferedReader:
    """Return a new seekable binary file over these bytes, with its own position."""
    return io.BufferedReader(_Reader(source), buffer_size=64 * 1024)


class _Reader(io.RawIOBase):
    def __init__(self, source: ReadableAt) -> None:
        self._source, self._position = source, 0

    @override
    def readable(self) -> bool:
        return True

    @override
    def seekable(self) -> bool:
        return True

    @override
    def readinto(self, buffer: "WriteableBuffer") -> int:
        view = memoryview(buffer).cast("B")
        data = self._source.read_at(self._position, len(view))
        view[: len(data)] = data
        self._position += len(data)
        return len(data)

    @override
    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._source.size}[whence]
        if base + offset < 0:
            raise ValueError("negative seek position")
        self._position = base + offset
        return self._position

    @override
    def tell(self) -> int:
        return self._position


class Spools:
    """A scope that makes spools in one directory under one budget. Thread-safe.

    At the end of its `with` block, all spools made in it and in its inner scopes are closed, even
    if still referenced, except those moved out by `keep`. A late thread finds its spools closed and
    gets no new ones.
    """

    def __init__(
        self, directory: Path, budget: SpoolBudget, *, outer: "Spools | None" = None
    ) -> None:
        if outer is None:
            directory.mkdir(parents=True, exist_ok=True)
        self.directory = directory
        self.budget = budget
        self.owner: str = "" if outer is None else outer.owner
        """The owner, such as a tenant, in whose share the next spools count; empty for none."""
        self._outer = outer
        self._made: WeakSet[SpoolFile | Spools] | None = None
        """None until the first spool, since many scopes wait without any; the outer owns it too."""
        self._lock = threading.Lock()
        self._has_ended = False

    def scope(self, owner: str | None = None) -> "Spools":
        """Return a new scope within this one, for another owner if given. Raises SpoolClosed."""
        self._check_open()
        inner = Spools(self.directory, self.budget, outer=self)
        if owner is not None:
            inner.owner = owner
        return inner

    def new(self, *, max_bytes: int, memory_bytes: int = MEMORY_BYTES) -> SpoolFile:
        """Return an empty spool for up to `max_bytes`. Raises SpoolClosed after the scope's end."""
        spool = SpoolFile(self, max_bytes=max_bytes, memory_bytes=memory_bytes)
        self.own(spool)
        return spool

    def keep(self, *spools: SpoolFile) -> None:
        """Move spools to the outer scope, so that they outlive this one."""
        if self._outer is None:
            raise TypeError("there is no scope around this one")
        for spool in spools:
            spool.move_to(self._outer)
        with self._lock:
            if self._made is not None:
                self._made.difference_update(spools)

    def close(self) -> None:
        """End the scope. Safe to call twice."""
        with self._lock:
            self._has_ended = True
            files, self._made = list(self._made or ()), None
        for spool_file in files:
            spool_file.close()

    def __enter__(self) -> "Spools":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def own(self, spools: "SpoolFile | Spools") -> None:
        """End a spool or scope with this scope. Raises SpoolClosed if it has ended."""
        with self._lock:
            self._check_open()
            if self._made is None:
                if self._outer is not None:
                    self._outer.own(self)
                self._made = WeakSet()
            self._made.add(spools)

    def _check_open(self) -> None:
        if self._has_ended:
            raise SpoolClosed("the owner of this spool has ended")


def _write_all(file: IO[bytes], data: bytes | bytearray | memoryview) -> None:
    """Write all bytes, since an unbuffered file may take only a part of them at once."""
    with memoryview(data) as view:
        done = 0
        while done < len(view):
            done += file.write(view[done:])
