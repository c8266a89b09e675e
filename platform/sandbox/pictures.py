"""One picture: its description, its bytes, and its address.

A picture is drawn only from its description, so `url` results need no storage: the address holds
the description, and each fetch draws the picture again, byte for byte (random ones only until the
sandbox restarts).
"""

import base64
import binascii
import hashlib
import json
from dataclasses import asdict, dataclass, replace
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import Final, Literal, get_args

from PIL import Image, ImageDraw

from sandbox import caption, credentials, png, scenes
from sandbox.cache import BoundedCache
from sandbox.sizes import Size

Format = Literal["png", "jpeg", "webp"]
Kind = Literal["scene", "noise", "signed", "corrupt"]

FORMATS: Final[tuple[Format, ...]] = get_args(Format)
SIGNED_SIZE: Final = Size(1024, 1024)
"""Of the files beside this one, signed once; they are sent where nothing can be signed."""
CORRUPT: Final = b"This is not an image. " * 64

_SCENES_MAX_BYTES: Final = 48 << 20
_PICTURES_MAX_BYTES: Final = 96 << 20
_CORNER: Final = 0.08
_COARSEST: Final = 32

_scenes: BoundedCache[tuple[int, Size], png.Beginning] = BoundedCache(
    max_bytes=_SCENES_MAX_BYTES, weigh=lambda beginning: len(beginning.data)
)
_pictures: BoundedCache["Picture", bytes] = BoundedCache(max_bytes=_PICTURES_MAX_BYTES, weigh=len)


@dataclass(frozen=True, slots=True)
class Picture:
    """The description of a picture.

    Attributes:
        text: for the caption, already shortened.
        scene: number of the landscape.
        compression: quality of jpeg and webp, 0 to 100.
        transparent: cut the corners out (png and webp).
        blur: 0 for the finished picture; partial ones are coarser by this many pixels.
    """

    width: int
    height: int
    text: str
    scene: int
    format: Format = "png"
    compression: int = 100
    transparent: bool = False
    kind: Kind = "scene"
    blur: int = 0

    @property
    def size(self) -> Size:
        """The size of the drawn image."""
        return Size(self.width, self.height)


def scene_number(prompt: str, index: int) -> int:
    """The landscape for this prompt; the images of one request follow each other in colour."""
    digest = hashlib.sha256(prompt.encode("utf-8", "replace")).digest()
    return (digest[0] + index) % len(scenes.PALETTES)


def shortened(prompt: str) -> str:
    """The part of the prompt that fits into a caption, ending in `...` if it is cut."""
    fits = len(prompt) <= caption.MAX_CHARACTERS
    return prompt if fits else prompt[: caption.MAX_CHARACTERS - 3].rstrip() + "..."


def draw(picture: Picture) -> bytes:
    """The file. CPU-bound and safe in threads; finished ones are kept for a while."""
    return _pictures.get(picture, partial(_draw, picture))


def partial_blur(index: int) -> int:
    """How coarse the partial picture of this index is: each is sharper than the one before."""
    return max(2, _COARSEST >> 2 * index)


def address(picture: Picture) -> str:
    """The description as one path segment, with the format as its extension."""
    packed = json.dumps(asdict(picture), separators=(",", ":")).encode()
    return f"{base64.urlsafe_b64encode(packed).decode().rstrip('=')}.{picture.format}"


def at_address(name: str) -> Picture | None:
    """The picture of an address, or None for anything this server did not make."""
    packed, _, _ = name.rpartition(".")
    try:
        fields = json.loads(base64.urlsafe_b64decode(packed + "=" * (-len(packed) % 4)))
        picture = Picture(**fields)
        known = picture.format in FORMATS and picture.kind in get_args(Kind)
        sound = known and Size.parse(str(picture.size)) is not None
    except (ValueError, TypeError, RecursionError, binascii.Error):
        return None
    return picture if sound and address(picture) == name else None


def _draw(picture: Picture) -> bytes:
    if picture.kind == "corrupt":
        return CORRUPT
    if picture.kind == "signed" and not picture.blur:
        if credentials.CAN_SIGN:
            return credentials.signed(_draw(replace(picture, kind="scene")), picture.format)
        return Path(__file__).with_name(f"signed.{picture.format}").read_bytes()
    drawn = png.noise(picture.size) if picture.kind == "noise" else _draw_scene(picture)
    if picture.format == "png" and not picture.transparent and not picture.blur:
        return drawn
    with Image.open(BytesIO(drawn)) as image:
        return _encode(_finish(image, picture), picture)


def _draw_scene(picture: Picture) -> bytes:
    size = picture.size
    rows = caption.height_for(size)
    beginning = _scenes.get(
        (picture.scene, size),
        lambda: png.begin(
            scenes.draw(picture.scene, Size(size.width, size.height - rows)), size=size
        ),
    )
    if not rows:
        return png.finish(beginning, caption=None)
    palette = scenes.PALETTES[picture.scene % len(scenes.PALETTES)]
    strip = caption.draw(picture.text, size=size, palette=palette)
    return png.finish(beginning, caption=strip)


def _finish(image: Image.Image, picture: Picture) -> Image.Image:
    if picture.blur:
        coarse = image.convert("RGB").reduce(picture.blur)
        image = coarse.resize(image.size, Image.Resampling.BILINEAR)
    if picture.transparent:
        mask = Image.new("L", image.size)
        radius = round(min(image.size) * _CORNER)
        edges = (0, 0, image.width - 1, image.height - 1)
        ImageDraw.Draw(mask).rounded_rectangle(edges, radius=radius, fill=255)
        image = image.convert("RGB")
        image.putalpha(mask)
    return image


def _encode(image: Image.Image, picture: Picture) -> bytes:
    file = BytesIO()
    if picture.format == "png":
        image.save(file, "PNG", compress_level=1)
    elif picture.format == "jpeg":
        image.convert("RGB").save(file, "JPEG", quality=max(1, picture.compression))
    else:
        image.save(file, "WEBP", quality=picture.compression, method=0)
    return file.getvalue()
