"""Thumbnails of stored images, for lists: made once, when first requested.

Blocks on network and pixels. Raises StorageFailed, NotAnImage and SpoolError.
"""

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass

from pictor.kit.bytes.spool import Spools
from storage import convert
from storage.models import StoredImage
from storage.object_keys import icon_key, thumbnail_key
from storage.services import delete_objects, open_stream, signed_url, upload

CONTENT_TYPE = "image/webp"


@dataclass(frozen=True, slots=True)
class ThumbnailSize:
    """A size of thumbnail.

    Attributes:
        side: the most pixels for width and height.
        key_of: maps an image's key to that of its thumbnail.
        flag: the model field that says that it exists.
    """

    side: int
    key_of: Callable[[str], str]
    flag: str


THUMBNAIL = ThumbnailSize(512, thumbnail_key, "has_thumbnail")
"""For a gallery."""
ICON = ThumbnailSize(96, icon_key, "has_icon")
"""For a row of a list."""


def is_made(image: StoredImage, kind: ThumbnailSize) -> bool:
    """True if the image has a thumbnail of this kind on storage."""
    return bool(getattr(image, kind.flag))


def small_url(image: StoredImage, kind: ThumbnailSize, *, spools: Spools) -> str:
    """A url of the image's thumbnail, valid as long as that of the image; made first if needed.

    Args:
        image: one that is not deleted.
        kind: the size of thumbnail.
        spools: the scope of the bytes on their way.
    """
    if not is_made(image, kind):
        _make(image, kind, spools)
    return signed_url(kind.key_of(image.object_key), content_type=CONTENT_TYPE)


def _make(image: StoredImage, kind: ThumbnailSize, spools: Spools) -> None:
    key, source, form = kind.key_of(image.object_key), image.object_key, image.format
    # A thumbnail is less to read and to decode than the image.
    if kind is ICON and image.has_thumbnail:
        source, form = thumbnail_key(image.object_key), "webp"
    with closing(open_stream(source)) as stream:
        whole = spools.new(max_bytes=stream.size_bytes)
        for chunk in stream:
            whole.write(chunk)
    small = convert.thumbnail(whole, form, side=kind.side, spools=spools)
    upload(key, small, content_type=CONTENT_TYPE)
    kept = StoredImage.objects.filter(id=image.id, deleted_at=None).update(**{kind.flag: True})
    if not kept:  # deleted meanwhile by a task that knew of no thumbnail
        delete_objects([key])
