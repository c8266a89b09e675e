"""The boxes of a C2PA manifest store: that they nest as they say, and the active manifest's label.

Only heads are read; what boxes hold is left to verifiers. Compressed boxes are refused.

Source: JUMBF (ISO/IEC 19566-5) annexes A and B; C2PA 2.2, 11.1 (use of JUMBF).
"""

from collections.abc import Iterator
from typing import NamedTuple

from storage.containers.pieces import ByteSource

MAX_DEPTH, MAX_BOXES = 32, 10_000
MAX_LABEL_BYTES = 200

_HEAD_BYTES, _LONG_HEAD_BYTES = 8, 16
_LONG, _TO_ITS_END = 1, 0
"""Sizes that say that the size follows, and that the box ends with its parent."""
_SUPERBOX, _DESCRIPTION, _COMPRESSED = b"jumb", b"jumd", b"brob"
_UUID_BYTES, _HAS_LABEL = 16, 0x02
_OF_A_MANIFEST, _CONTENT = 2, 3
"""The depths of its description, and of what it holds."""
_STORE_UUID = bytes.fromhex("63327061 0011 0010 8000 00aa00389b71")


class Malformed(ValueError):
    """Not one manifest store, or boxes that do not nest as they say."""


class _Box(NamedTuple):
    kind: bytes
    begin: int
    """Where its content begins."""
    end: int
    depth: int


def active_label(store: ByteSource) -> str:
    """The label of the active manifest, the last one of the store. Raises Malformed."""
    boxes = [box for box in _walk(store) if box.kind == _DESCRIPTION and 0 < box.depth < _CONTENT]
    described = [(box.depth, *_described(store, box)) for box in boxes]
    labels = ("", *(label for depth, _, label in described if depth == _OF_A_MANIFEST))
    if not labels[-1] or described[0][1] != _STORE_UUID:
        raise Malformed("not a store of manifests")
    return labels[-1]


def _walk(store: ByteSource) -> Iterator[_Box]:
    """Yield the one box and all within it, in the order of the file."""
    ends, position, is_first = [store.size], 0, False
    for _ in range(MAX_BOXES):
        while position == ends[-1]:
            ends.pop()
            if not ends:
                return
        box = _box(store, position, ends[-1], len(ends) - 1)
        if is_first != (box.kind == _DESCRIPTION) or box.kind == _COMPRESSED:
            raise Malformed("a superbox without its description, or a compressed box")
        if not position and box.end != store.size:
            raise Malformed("more than one box")
        yield box
        is_first = box.kind == _SUPERBOX
        if is_first:
            ends.append(box.end)
        if len(ends) > MAX_DEPTH + 1:
            break
        position = box.begin if is_first else box.end
    raise Malformed("too many boxes, or too deep")


def _box(store: ByteSource, position: int, end: int, depth: int) -> _Box:
    head = store.read_at(position, _LONG_HEAD_BYTES)
    size, begin = int.from_bytes(head[:4], "big"), position + _HEAD_BYTES
    if size == _LONG:
        size, begin = int.from_bytes(head[_HEAD_BYTES:], "big"), position + _LONG_HEAD_BYTES
    elif size == _TO_ITS_END:
        size = end - position
    if begin > position + size or position + size > end:
        raise Malformed("a box of an impossible size")
    return _Box(head[4:_HEAD_BYTES], begin, position + size, depth)


def _described(store: ByteSource, box: _Box) -> tuple[bytes, str]:
    data = store.read_at(box.begin, min(box.end - box.begin, _UUID_BYTES + 1 + MAX_LABEL_BYTES))
    uuid, toggles, text = data[:_UUID_BYTES], data[_UUID_BYTES : _UUID_BYTES + 1], data[17:]
    has_label = bool(toggles) and bool(toggles[0] & _HAS_LABEL)
    label, ends, _ = text.partition(b"\0")
    if not (has_label and ends and label.isascii() and label.decode().isprintable()):
        raise Malformed("a box without a label")
    return uuid, label.decode()
