"""An image as it came: without its metadata, decoded and, where need be, mended or converted.

Runs in the conversion pool: decoding is the one step that needs memory and CPU for pixels. What is
done within two milliseconds runs on the loop (ADR 0030).
"""

from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial

from generation.catalogue.contracts import Size
from generation.channels.base import UpstreamImage
from generation.lifecycle.outcome import VerifiedImage
from pictor.kit.bytes.spool import SpoolFile, Spools, SpoolTooLarge
from pictor.kit.database import pools
from storage import convert, probe


@dataclass(frozen=True, slots=True)
class WantedImage:
    """What the caller gets: a format, its compression, and the pixels a plan makes, if any."""

    output_format: str
    compression: int | None = None
    made_into: Size | None = None


def verified(
    image: UpstreamImage, *, wanted: WantedImage, spools: Spools, at_once: bool = False
) -> VerifiedImage | None:
    """The image with its true format and pixels, as it is wanted; None if undecodable or too large.

    Raises SpoolFull where there is no room for it, and NotAtOnce. A spool is closed as soon as a
    stripped or converted one takes its place.
    """
    try:
        found = probe.cleaned(image.spool, at_once=at_once)
        if found.spool is not image.spool:
            image.spool.close()
        spool, size = _as_wanted(found, wanted, spools)
        if spool is not found.spool:
            found.spool.close()
    except (probe.NotAnImage, SpoolTooLarge):
        return None
    return VerifiedImage(
        spool=spool,
        format=wanted.output_format,
        width=size.width,
        height=size.height,
        revised_prompt=image.revised_prompt,
        mended=found.mended,
    )


async def verified_on_loop(
    image: UpstreamImage, *, wanted: WantedImage, spools: Spools
) -> VerifiedImage | None:
    """The same for who is on the event loop, which what takes time does not hold up.

    That is in the turn of whoever owns the spools.
    """
    verify = partial(verified, image, wanted=wanted, spools=spools)
    if _is_quick(image.spool, wanted):
        with suppress(probe.NotAtOnce):
            return verify(at_once=True)
    return await pools.conversion().run(spools.owner, verify)


def _is_quick(spool: SpoolFile, wanted: WantedImage) -> bool:
    """Whether it is a small png that is wanted as it is."""
    return wanted.output_format == "png" and wanted.made_into is None and probe.is_quick(spool)


def _as_wanted(found: probe.Cleaned, wanted: WantedImage, spools: Spools) -> tuple[SpoolFile, Size]:
    """The very spool, or a converted one, and the pixels in it."""
    facts, crop = found.facts, wanted.made_into
    size = Size(facts.width, facts.height)
    if crop is not None and crop != size and size.covers(crop):
        return _cropped(found, crop, wanted, spools), crop
    if facts.format == wanted.output_format and found.is_upright:
        return found.spool, size
    converted = convert.to_format(
        found.spool,
        facts,
        wanted.output_format,
        compression=wanted.compression,
        spools=spools,
        orientation=found.orientation,
    )
    return converted, size


def _cropped(found: probe.Cleaned, crop: Size, wanted: WantedImage, spools: Spools) -> SpoolFile:
    return convert.to_size(
        found.spool,
        found.facts,
        wanted.output_format,
        width=crop.width,
        height=crop.height,
        compression=wanted.compression,
        spools=spools,
        orientation=found.orientation,
    )


def without_echo(image: VerifiedImage, sent: str) -> VerifiedImage:
    """Without a revised prompt that merely repeats what we sent."""
    return replace(image, revised_prompt=None) if image.revised_prompt == sent else image
