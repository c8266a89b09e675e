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
_OF_A_MANIFEST = 2
"""The depth of its description."""
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
    boxes = _walk(store)
    top, description = next(boxes), next(boxes)
    if top.end != store.size or _described(store, description)[0] != _STORE_UUID:
        raise Malformed("not one manifest store")
    label = ""
    for box in boxes:
        if box.kind == _DESCRIPTION and box.depth == _OF_A_MANIFEST:
            _, label = _described(store, box)
    if not label:
        raise Malformed("a store without a manifest")
    return label


def _walk(store: ByteSource) -> Iterator[_Box]:
    """Yield a superbox and all within it, in the order of the file: its description comes first."""
    ahead, position = [_box(store, 0, store.size, 0)], 0
    if ahead[0].kind != _SUPERBOX:
        raise Malformed("not a superbox")
    yield ahead[0]
    position, is_first = ahead[0].begin, True
    for _ in range(MAX_BOXES):
        while ahead and position == ahead[-1].end:
            ahead.pop()
        if not ahead:
            return
        box = _box(store, position, ahead[-1].end, len(ahead))
        if is_first != (box.kind == _DESCRIPTION) or box.kind == _COMPRESSED:
            raise Malformed("a superbox without its description, or a compressed box")
        yield box
        is_first = box.kind == _SUPERBOX
        if is_first:
            ahead.append(box)
        if len(ahead) > MAX_DEPTH:
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
