"""The boxes of a C2PA manifest store: that they nest as they say, and the active manifest's label.

Only heads are read; what boxes hold is left to verifiers. Compressed boxes are refused.

Source: JUMBF (ISO/IEC 19566-5) annexes A and B; C2PA 2.2, 11.1 (use of JUMBF).
"""

from collections.abc import Iterator
from itertools import count

from storage.containers.pieces import ByteSource

MAX_DEPTH, MAX_BOXES = 32, 10_000
MAX_LABEL_BYTES = 200

_HEAD_BYTES, _LONG_HEAD_BYTES = 8, 16
_LONG, _TO_ITS_END = 1, 0
"""Sizes that say that the size follows, and that the box ends with its parent."""
_SUPERBOX, _DESCRIPTION, _COMPRESSED = b"jumb", b"jumd", b"brob"
_UUID_BYTES, _HAS_LABEL = 16, 0x02
_OF_A_MANIFEST = 2
"""The depth of its description."""
_STORE_UUID = bytes.fromhex("63327061 0011 0010 8000 00aa00389b71")


class Malformed(ValueError):
    """Not one manifest store, or boxes that do not nest as they say."""


def active_label(store: ByteSource) -> str:
    """The label of the active manifest, the last one of the store. Raises Malformed."""
    described = [
        (depth, *_described(store, begin, end))
        for depth, begin, end in _descriptions(store, 0, store.size, depth=0, number=count())
        if depth <= _OF_A_MANIFEST
    ]
    labels = ("", *(label for depth, _, label in described if depth == _OF_A_MANIFEST))
    if not labels[-1] or described[0][1] != _STORE_UUID:
        raise Malformed("not a store of manifests")
    return labels[-1]


def _descriptions(
    store: ByteSource, position: int, end: int, *, depth: int, number: Iterator[int]
) -> Iterator[tuple[int, int, int]]:
    """Yield the depth of each superbox's description, and where its content begins and ends."""
    is_first = depth > 0
    while is_first or position < end:
        kind, begin, position = _box(store, position, end)
        if is_first != (kind == _DESCRIPTION) or kind == _COMPRESSED:
            raise Malformed("a box without its description, or a compressed one")
        if depth > MAX_DEPTH or next(number) == MAX_BOXES or (depth == 0 and position < end):
            raise Malformed("too many boxes, too deep, or a second store")
        if is_first:
            yield depth, begin, position
        is_first = False
        if kind == _SUPERBOX:
            yield from _descriptions(store, begin, position, depth=depth + 1, number=number)


def _box(store: ByteSource, position: int, end: int) -> tuple[bytes, int, int]:
    head = store.read_at(position, _LONG_HEAD_BYTES)
    size, begin = int.from_bytes(head[:4], "big"), position + _HEAD_BYTES
    if size == _LONG:
        size, begin = int.from_bytes(head[_HEAD_BYTES:], "big"), position + _LONG_HEAD_BYTES
    elif size == _TO_ITS_END:
        size = end - position
    if begin > position + size or position + size > end:
        raise Malformed("a box of an impossible size")
    return head[4:_HEAD_BYTES], begin, position + size


def _described(store: ByteSource, begin: int, end: int) -> tuple[bytes, str]:
    data = store.read_at(begin, min(end - begin, _UUID_BYTES + 1 + MAX_LABEL_BYTES))
    uuid, toggles, text = data[:_UUID_BYTES], data[_UUID_BYTES : _UUID_BYTES + 1], data[17:]
    has_label = bool(toggles) and bool(toggles[0] & _HAS_LABEL)
    label, ends, _ = text.partition(b"\0")
    if not (has_label and ends and label.isascii() and label.decode().isprintable()):
        raise Malformed("a box without a label")
    return uuid, label.decode()
