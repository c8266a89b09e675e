"""A delivered image: metadata removed, verified and, if necessary, repaired or converted.

Runs in the conversion pool: decoding is the one step that needs memory and CPU for pixels. Work of
up to two milliseconds runs on the loop (ADR 0030).
"""

import asyncio
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial

from generation.channels.base import UpstreamImage
from generation.channels.size_rules import Size
from generation.lifecycle.outcome import VerifiedImage
from pictor.kit.bytes.spool import SpoolFile, Spools, SpoolTooLarge
from pictor.kit.database import pools
from storage import convert, probe


@dataclass(frozen=True, slots=True)
class WantedImage:
    """The image the caller gets: a format, its compression, and the plan's pixels, if any."""

    output_format: str
    compression: int | None = None
    made_into: Size | None = None


def verify_image(
    image: UpstreamImage, *, wanted: WantedImage, spools: Spools, at_once: bool = False
) -> VerifiedImage | None:
    """The image in the wanted form, with its true pixels; None if undecodable or too large.

    Raises SpoolFull if there is no room for it, and NotAtOnce if `at_once` and it must be repaired
    or turned. A spool is closed as soon as a stripped or converted one takes its place.
    """
    try:
        cleaned = probe.clean_image(image.spool, at_once=at_once)
        if cleaned.spool is not image.spool:
            image.spool.close()
        spool, size = _fit(cleaned, wanted, spools)
        if spool is not cleaned.spool:
            cleaned.spool.close()
    except (probe.NotAnImage, SpoolTooLarge):
        return None
    return VerifiedImage(
        spool=spool,
        format=wanted.output_format,
        width=size.width,
        height=size.height,
        revised_prompt=image.revised_prompt,
        mended=cleaned.mended,
        seed=image.seed,
    )


async def verify_on_loop(
    image: UpstreamImage, *, wanted: WantedImage, spools: Spools
) -> VerifiedImage | None:
    """Like `verify_image`, on the event loop, without holding it up.

    Slow work runs in the pool, in the turn of the spools' owner.
    """
    verify = partial(verify_image, image, wanted=wanted, spools=spools)
    if _is_quick(image.spool, wanted):
        await asyncio.sleep(0)  # others get their turn between the images of one answer
        # An image that must be repaired or turned begins again in the pool (ADR 0030).
        with suppress(probe.NotAtOnce):
            return verify(at_once=True)
    return await pools.conversion().run(spools.owner, verify)


def _is_quick(spool: SpoolFile, wanted: WantedImage) -> bool:
    """True if it is a small png that is wanted unchanged."""
    return wanted.output_format == "png" and wanted.made_into is None and probe.is_quick(spool)


def _fit(cleaned: probe.Cleaned, wanted: WantedImage, spools: Spools) -> tuple[SpoolFile, Size]:
    """The same spool, or a converted one, and its pixels."""
    facts, crop = cleaned.facts, wanted.made_into
    size = Size(facts.width, facts.height)
    if crop is not None and crop != size and size.covers(crop):
        return _crop(cleaned, crop, wanted, spools), crop
    # Its EXIF is not stored, so a picture that must be turned is turned here.
    if facts.format == wanted.output_format and cleaned.is_upright:
        return cleaned.spool, size
    converted = convert.to_format(
        cleaned.spool,
        facts,
        wanted.output_format,
        compression=wanted.compression,
        spools=spools,
        orientation=cleaned.orientation,
    )
    return converted, size


def _crop(cleaned: probe.Cleaned, crop: Size, wanted: WantedImage, spools: Spools) -> SpoolFile:
    return convert.to_size(
        cleaned.spool,
        cleaned.facts,
        wanted.output_format,
        width=crop.width,
        height=crop.height,
        compression=wanted.compression,
        spools=spools,
        orientation=cleaned.orientation,
    )


def without_echo(image: VerifiedImage, sent: str) -> VerifiedImage:
    """Drop a revised prompt that merely repeats the sent one."""
    return replace(image, revised_prompt=None) if image.revised_prompt == sent else image
