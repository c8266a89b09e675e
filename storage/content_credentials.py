"""Content Credentials: whether a file that carries them can stay byte for byte as it came.

A manifest binds its file by hashes, so a file stays whole or loses it. It stays if it is known to
hold nothing else that could hurt or reveal: little other metadata, nothing compressed, no
thumbnail, no place. Nothing here says that a manifest is valid.
"""

from dataclasses import dataclass
from typing import Literal, get_args

from storage.containers import jumbf
from storage.containers.orientation import directory
from storage.containers.pieces import ByteSource, Parts, Spoiled, View

Status = Literal["kept", "signed", "removed", "none"]
Reason = Literal[Spoiled, "converted", "turned", "setting"]
REASONS: tuple[Reason, ...] = get_args(Reason)

MAX_STORE_BYTES = 4 * 1024**2
MAX_OTHER_BYTES = 64 * 1024
_PLACE_TAG = 0x8825
_PLACE = (b"GPS", "GPS".encode("utf-16-le"))
"""Names of fields that say where a picture was taken, in XMP and text."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """What became of an image's Content Credentials.

    Attributes:
        status: `none` if it came without; `signed` if it has ours now.
        reason: why those that it came with were removed.
        label: the active manifest's, of kept and signed ones.
    """

    status: Status = "none"
    reason: Reason | Literal[""] = ""
    label: str = ""

    def without(self, reason: Reason) -> "Credentials":
        """They were removed, for this reason unless there was another one before."""
        return Credentials("removed", reason) if self.status == "kept" else self


NONE = Credentials()


def judge(file: ByteSource, walk: Parts) -> Credentials:
    """Say whether a file can stay as it came."""
    if not walk.store:
        return NONE
    if why := walk.spoiled or _in_others(file, walk):
        return Credentials("removed", why)
    try:
        return Credentials("kept", label=jumbf.active_label(View(file, walk.store)))
    except jumbf.Malformed:
        return Credentials("removed", "malformed")


def _in_others(file: ByteSource, walk: Parts) -> Spoiled | Literal[""]:
    others = sum(len(data) for _, data in walk.others)
    if others > MAX_OTHER_BYTES or sum(map(len, walk.store)) > MAX_STORE_BYTES:
        return "too_large"
    for kind, data in walk.others:
        if not walk.is_plain(file, kind, data):
            return "malformed"
        fields, next_at = directory(file, data)
        text = file.read_at(data.offset, data.size)
        if any(tag == _PLACE_TAG for tag, *_ in fields) or any(name in text for name in _PLACE):
            return "malformed"
        if next_at:
            return "mended"
    return ""
