"""libvips, set up for many images at once: one thread an image, no cache, one loader a format."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal

from pictor.kit.spool import SpoolFile

os.environ.setdefault("VIPS_CONCURRENCY", "1")  # libvips reads this when it is imported

import pyvips  # type: ignore[import-untyped] # it ships no types

pyvips.cache_set_max(0)  # operations are never repeated: a cache would only keep images in memory

Error: type[Exception] = pyvips.Error
"""What libvips raises: anything about the file that is not as it should be."""

_LOADERS = {"png": "pngload_source", "jpeg": "jpegload_source", "webp": "webpload_source"}


@contextmanager
def loaded(
    spool: SpoolFile, image_format: str, *, access: Literal["sequential", "random"] = "sequential"
) -> Iterator[Any]:
    """An image whose pixels are decoded when they are needed, warnings as errors.

    Valid inside the `with` alone: libvips reads from the source later, also for images made of
    this one, and holds no reference to its memory. It moves the position of the spool's
    descriptor: work on one spool in one thread.
    """
    descriptor = spool.fileno()
    memory = b"" if descriptor is not None else spool.read_at(0, spool.size)
    if descriptor is None:
        source = pyvips.Source.new_from_memory(memory)
    else:
        os.lseek(descriptor, 0, os.SEEK_SET)
        source = pyvips.Source.new_from_descriptor(descriptor)
    load = getattr(pyvips.Image, _LOADERS[image_format])
    yield load(source, access=access, fail_on="warning")
    del source, memory  # kept until here


def decode(image: Any, strip_rows: int) -> None:
    """Every pixel once, in strips, none of them kept."""
    region = pyvips.Region.new(image)
    for top in range(0, image.height, strip_rows):
        region.fetch(0, top, image.width, min(strip_rows, image.height - top))


def new_target() -> Any:
    """Where an image can be written to by a function of ours."""
    return pyvips.TargetCustom()
