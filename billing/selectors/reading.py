"""Reading rows once: for a page that asks several selectors about the same books."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TypeVar, cast

T = TypeVar("T")

_read: ContextVar[dict[object, object] | None] = ContextVar("read", default=None)


@contextmanager
def read_once() -> Iterator[None]:
    """Within it price books and what belongs to them are read once. To look, never to decide by."""
    before = _read.set({} if (read := _read.get()) is None else read)
    try:
        yield
    finally:
        _read.reset(before)


def once(key: object, read: Callable[[], T]) -> T:
    """What was read by that key within `read_once`; outside it, read each time."""
    found = _read.get()
    if found is None:
        return read()
    if key not in found:
        found[key] = read()
    return cast("T", found[key])
