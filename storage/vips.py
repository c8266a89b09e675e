"""libvips, set up for many images at once: one thread per image, no cache, fixed loaders."""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal

from pictor.kit.bytes.spool import MEMORY_BYTES, SpoolFile, reader_of
from storage.containers.orientation import UPRIGHT, Orientation
from storage.containers.pieces import ByteSource, View

os.environ.setdefault("VIPS_CONCURRENCY", "1")  # libvips reads this when it is imported

import pyvips  # type: ignore[import-untyped] # it ships no types

pyvips.cache_set_max(0)  # operations are never repeated: a cache would only keep images in memory

Error: type[Exception] = pyvips.Error
"""The errors of libvips: anything unexpected in the file."""

LARGE_BYTES = 36_000_000
"""An image that takes more than this to decode is decoded alone: a webp of 4.5 megapixels."""
SIXTEEN_BITS = "of 16 bits a channel"
"""The words of `oddity` for more than 8 bits a channel."""
_one_at_a_time = threading.Lock()
_LOADERS = {"png": "pngload_source", "jpeg": "jpegload_source", "webp": "webpload_source"}


@contextmanager
def open_image(
    file: SpoolFile | View,
    image_format: str,
    *,
    access: Literal["sequential", "random"] = "sequential",
    orientation: Orientation = UPRIGHT,
) -> Iterator[Any]:
    """Load an image whose pixels are decoded when they are needed, with warnings as errors.

    An image that is to be turned is turned upright, for which its samples are held whole.

    Valid only inside the `with`: libvips reads from the source later, also for derived images, and
    holds no reference to its memory. It moves the position of the spool's file, so only one thread
    may work on a spool.
    """
    descriptor = None if isinstance(file, View) else file.descriptor()
    is_small = descriptor is None and file.size <= MEMORY_BYTES
    memory = file.read_at(0, file.size) if is_small else b""
    if is_small:
        source = pyvips.Source.new_from_memory(memory)
    elif descriptor is None:
        source = _source_of(file)
    else:
        with os.fdopen(
            descriptor, "rb", buffering=0
        ) as opened:  # libvips makes itself one more of it
            opened.seek(0)
            source = pyvips.Source.new_from_descriptor(descriptor)
    load = getattr(pyvips.Image, _LOADERS[image_format])
    if orientation == UPRIGHT:
        yield load(source, access=access, fail_on="warning")
    else:
        yield _upright(load(source, access="random", fail_on="warning"), orientation)
    del source, memory  # kept until here


def _source_of(file: ByteSource) -> Any:
    """A source that reads pieces of another file."""
    source, reader = pyvips.SourceCustom(), reader_of(file)
    source.on_read(reader.read)
    source.on_seek(reader.seek)
    return source


def _upright(image: Any, orientation: Orientation) -> Any:
    """Turn the image as its EXIF said, which was dropped before libvips could see it."""
    marked = image.copy()
    marked.set_type(pyvips.GValue.gint_type, "orientation", orientation)
    return marked.autorot()


def whole_bytes(image: Any, image_format: str) -> int:
    """The memory for decoding an image whole; 0 if it is decoded strip by strip.

    Computed from the header, as measured with libvips 8.18: 8 bytes a pixel of a webp, 2.5 bytes a
    sample of a jpeg in several scans (its coefficients, and buffers), an interlaced png's samples.
    """
    pixels: int = image.width * image.height
    if image_format == "webp":
        return pixels * 8
    if image_format == "jpeg":
        return pixels * image.bands * 5 // 2 if _flag(image, "jpeg-multiscan") else 0
    sample_bytes = 2 if image.format == "ushort" else 1
    return pixels * image.bands * sample_bytes if _flag(image, "interlaced") else 0


def oddity(image: Any) -> str:
    """A feature in the header that other decoders may treat differently; mostly empty."""
    if image.interpretation == "cmyk":
        return "CMYK"
    return SIXTEEN_BITS if image.format == "ushort" else ""


def _flag(image: Any, name: str) -> bool:
    return bool(image.get_typeof(name) and image.get(name))


@contextmanager
def alone() -> Iterator[None]:
    """Run memory-hungry work one at a time in this process."""
    with _one_at_a_time:
        yield


def decode(image: Any, strip_rows: int) -> None:
    """Decode every pixel once, in strips that are not kept."""
    region = pyvips.Region.new(image)
    for top in range(0, image.height, strip_rows):
        region.fetch(0, top, image.width, min(strip_rows, image.height - top))


def new_target() -> Any:
    """A target that passes an image's bytes to a function."""
    return pyvips.TargetCustom()
