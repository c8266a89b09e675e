"""Names of objects: deterministic for us, unguessable for everyone else. Pure.

    20261120/7f3/c41…(29 hex digits)/1-0.png  an image: day, HMAC of its generation, dispatch-index
    in/20261120/7f3/c41…/0.bin                an input of a generation: a reference image
    tmp/20261120/7f3/c41…/1-0-2.png           a partial image: dispatch-image-partial
    small/20261120/7f3/c41…/1-0.webp          a thumbnail for lists, made when first requested
    small/20261120/7f3/c41…/1-0-icon.webp     a smaller one, made likewise
    proof/of-storage.txt                      written and read by workers, to check that they can
    proof/of-removal.txt                      written and removed by them, for the same reason
    trials/20261120/7f3/c41…/picture.png      the picture from a test of a route, for a week
    exports/20261120/7f3/c41…/export.zip      all data of a tenant, or a list, for a day

A dispatch that is repeated writes the same key again, so a retry overwrites its own objects; a
worker whose dispatch is over writes to a key that nothing reads. 128 bits of HMAC-SHA256 keep keys
unguessable, and all objects of a generation can be named without listing the bucket. Every key has
an extension, because the embedded S3 server derives content types from it. That server also lists a
folder for each new name in it, so the first digits are a level of their own: with a day's 100,000
images in one folder a PUT cost it 39 CPU-ms, with the level 1.5 (docs/adr/0018).
"""

import hmac
from datetime import date
from uuid import UUID

FOLDER_HEX_DIGITS = 32
LEVEL_HEX_DIGITS = 3

INPUTS, PARTIALS, THUMBNAILS, EXPORTS, TRIALS = "in", "tmp", "small", "exports", "trials"
"""The prefixes of the keys of objects other than delivered images."""
PROOF, PROOF_OF_REMOVAL = "proof/of-storage.txt", "proof/of-removal.txt"
"""The objects that workers write and read, or remove, to check that storage works."""

EXTENSIONS = {"png": "png", "jpeg": "jpg", "webp": "webp"}


def object_key(secret: str, owner_id: UUID, name: str, *, created: date, kind: str = "") -> str:
    """The key of an object of a generation, an export or a trial, made on that day in UTC.

    The name has an extension; the kind is one of the prefixes, or empty for a delivered image.
    """
    if not secret:
        raise ValueError("object keys need a secret")
    digest = hmac.digest(secret.encode(), owner_id.bytes, "sha256").hex()
    level, folder = digest[:LEVEL_HEX_DIGITS], digest[LEVEL_HEX_DIGITS:FOLDER_HEX_DIGITS]
    prefix = f"{kind}/" if kind else ""
    return f"{prefix}{created:%Y%m%d}/{level}/{folder}/{name}"


def thumbnail_key(image_key: str) -> str:
    """The key of an image's thumbnail, which is removed with it."""
    return f"{THUMBNAILS}/{image_key.rpartition('.')[0]}.webp"


def icon_key(image_key: str) -> str:
    """The key of an image's icon, which is removed with it."""
    return f"{THUMBNAILS}/{image_key.rpartition('.')[0]}-icon.webp"
