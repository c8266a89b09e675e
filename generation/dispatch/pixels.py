"""An image as it came, decoded and, where another format was asked for, converted.

Runs in the conversion pool: decoding is the one step that needs memory and CPU for pixels.
"""

from dataclasses import dataclass

from generation.catalogue.contracts import Size
from generation.channels.base import UpstreamImage
from generation.outcome import VerifiedImage
from pictor.kit.spool import SpoolError, SpoolFile, Spools
from storage import convert, probe


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the caller gets: a format, its compression, and the pixels a plan makes, if any."""

    output_format: str
    compression: int | None = None
    made_into: Size | None = None


def verified(image: UpstreamImage, *, wanted: Wanted, spools: Spools) -> VerifiedImage | None:
    """The image with its true format and pixels, as it is wanted; None if undecodable or not kept.

    The image's own spool is closed when a converted one takes its place.
    """
    try:
        facts = probe.verify(image.spool)
        spool, size = _as_wanted(image, facts, wanted, spools)
    except (probe.NotAnImage, SpoolError):
        return None
    if spool is not image.spool:
        image.spool.close()
    return VerifiedImage(
        spool=spool,
        format=wanted.output_format,
        width=size.width,
        height=size.height,
        revised_prompt=image.revised_prompt,
    )


def _as_wanted(
    image: UpstreamImage, facts: probe.ImageFacts, wanted: Wanted, spools: Spools
) -> tuple[SpoolFile, Size]:
    """The image's own spool, or a converted one, and the pixels in it."""
    size, crop = Size(facts.width, facts.height), wanted.made_into
    if crop is not None and crop != size and _covers(size, crop):
        return _cropped(image, facts, crop, wanted, spools), crop
    if facts.format == wanted.output_format:
        return image.spool, size
    compression = wanted.compression
    converted = convert.to_format(
        image.spool, facts, wanted.output_format, compression=compression, spools=spools
    )
    return converted, size


def _covers(size: Size, crop: Size) -> bool:
    return size.width >= crop.width and size.height >= crop.height


def _cropped(
    image: UpstreamImage, facts: probe.ImageFacts, crop: Size, wanted: Wanted, spools: Spools
) -> SpoolFile:
    return convert.to_size(
        image.spool,
        facts,
        wanted.output_format,
        width=crop.width,
        height=crop.height,
        compression=wanted.compression,
        spools=spools,
    )
