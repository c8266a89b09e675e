"""Small pictures of stored images, for lists: made once, when one is first looked at.

Blocks on network and pixels. Raises StorageFailed, NotAnImage and SpoolError.
"""

from contextlib import closing

from pictor.kit.spool import Spools
from storage import convert
from storage.models import StoredImage
from storage.object_keys import thumbnail_key
from storage.services import delete_objects, open_stream, signed_url, upload

SIDE = 512
"""The most of width and height, in pixels."""
CONTENT_TYPE = "image/webp"


def thumbnail_url(image: StoredImage, *, spools: Spools) -> str:
    """A url of the image's small picture, good as long as its own.

    Args:
        image: one that is not deleted.
        spools: where the bytes pass through.
    """
    if not image.has_thumbnail:
        _make(image, spools)
    return signed_url(thumbnail_key(image.object_key), content_type=CONTENT_TYPE)


def _make(image: StoredImage, spools: Spools) -> None:
    key = thumbnail_key(image.object_key)
    with closing(spools.new(max_bytes=image.size_bytes)) as whole:
        with closing(open_stream(image.object_key)) as stream:
            for chunk in stream:
                whole.write(chunk)
        with closing(convert.thumbnail(whole, image.format, side=SIDE, spools=spools)) as small:
            upload(key, small, content_type=CONTENT_TYPE)
    kept = StoredImage.objects.filter(id=image.id, deleted_at=None).update(has_thumbnail=True)
    if not kept:  # deleted meanwhile, by somebody who knew of no small picture
        delete_objects([key])
