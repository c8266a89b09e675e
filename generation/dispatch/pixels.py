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
from storage.containers.pieces import NotAnImage, View
from storage.content_credentials import Credentials
from storage.marking import SOURCE_TYPES, Mark, marked
from storage.stripping import close_others, shown


@dataclass(frozen=True, slots=True)
class WantedImage:
    """The image the caller gets: a format, its compression, and the plan's pixels, if any.

    What keeps no Content Credentials gets the mark of how it was made, which may be signed.
    """

    output_format: str
    compression: int | None = None
    made_into: Size | None = None
    keeps_credentials: bool = True
    mark: Mark | None = None
    signs: bool = False


def verify_image(
    image: UpstreamImage, *, wanted: WantedImage, spools: Spools, at_once: bool = False
) -> VerifiedImage | None:
    """The image in the wanted form, with its true pixels; None if undecodable or too large.

    Raises SpoolFull if there is no room for it, and NotAtOnce if `at_once` and it must be repaired
    or turned. A spool is closed as soon as another one takes its place.
    """
    original = image.spool
    try:
        cleaned = probe.clean_image(original, at_once=at_once)
        made = _made(cleaned, wanted, spools)
        credentials = _credentials(cleaned, wanted, is_converted=made is not None)
        is_kept = credentials.status == "kept"
        spool = unsigned = original if is_kept else made or shown(cleaned.source, original)
        if wanted.mark and not is_kept:
            source = made or cleaned.source
            unmarked = source if isinstance(source, View) else source.content
            spool.show(marked(unmarked, wanted.output_format, wanted.mark))
            if wanted.signs:
                spool, credentials = _signed(spool, original, cleaned, wanted, credentials)
        _ = spool.sha256  # here, off the loop
        close_others(spool, original, cleaned.source, unsigned)
    except (NotAnImage, SpoolTooLarge):
        return None
    size = _size(cleaned, wanted)
    return VerifiedImage(
        spool=spool,
        format=wanted.output_format,
        width=size.width,
        height=size.height,
        revised_prompt=image.revised_prompt,
        mended=cleaned.mended,
        seed=image.seed,
        credentials=credentials,
        is_marked=wanted.mark is not None and not is_kept,
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
    if wanted.output_format != "png" or wanted.made_into or (wanted.signs and wanted.mark):
        return False
    return probe.is_quick(spool)


def _size(cleaned: probe.Cleaned, wanted: WantedImage) -> Size:
    """The pixels that it gets."""
    size = Size(cleaned.facts.width, cleaned.facts.height)
    crop = wanted.made_into
    return crop if crop is not None and size.covers(crop) else size


def _made(cleaned: probe.Cleaned, wanted: WantedImage, spools: Spools) -> SpoolFile | None:
    """A cropped or converted one; None if it is delivered in the pixels that came."""
    facts, size = cleaned.facts, _size(cleaned, wanted)
    has_its_size = size == Size(facts.width, facts.height)
    # Its EXIF is not stored, so a picture that must be turned is turned here.
    if has_its_size and facts.format == wanted.output_format and cleaned.is_upright:
        return None
    return convert.converted(
        cleaned.source,
        facts,
        wanted.output_format,
        spools=spools,
        size=None if has_its_size else (size.width, size.height),
        compression=wanted.compression,
        orientation=cleaned.orientation,
    )


def _credentials(cleaned: probe.Cleaned, wanted: WantedImage, *, is_converted: bool) -> Credentials:
    """What becomes of its Content Credentials."""
    came = cleaned.credentials
    if is_converted:
        is_only_turned = cleaned.facts.format == wanted.output_format and not cleaned.is_upright
        came = came.without("turned" if is_only_turned else "converted")
    if cleaned.mended:
        came = came.without("mended")
    return came if wanted.keeps_credentials else came.without("setting")


def _signed(
    spool: SpoolFile,
    original: SpoolFile,
    cleaned: probe.Cleaned,
    wanted: WantedImage,
    credentials: Credentials,
) -> tuple[SpoolFile, Credentials]:
    """The marked image with a manifest of ours, which has the vendor's as its ingredient."""
    from storage import manifests  # noqa: PLC0415 - only where a certificate is set

    facts, size = cleaned.facts, _size(cleaned, wanted)
    has_parent = cleaned.credentials.status == "kept" and wanted.keeps_credentials
    steps = {
        "opened": has_parent,
        "created": not has_parent,
        "edited": not has_parent and wanted.mark == "compositeWithTrainedAlgorithmicMedia",
        "orientation": not cleaned.is_upright,
        "resized": size.width != facts.width and size.height != facts.height,
        "cropped": size.width * facts.height != size.height * facts.width,
        "transcoded": facts.format != wanted.output_format,
    }
    return manifests.sign(
        spool,
        wanted.output_format,
        credentials,
        steps=[f"c2pa.{step}" for step, is_done in steps.items() if is_done],
        source=f"{SOURCE_TYPES}{wanted.mark}",
        parent=(original, facts.format) if has_parent else None,
    )


def without_echo(image: VerifiedImage, sent: str) -> VerifiedImage:
    """Drop a revised prompt that merely repeats the sent one."""
    return replace(image, revised_prompt=None) if image.revised_prompt == sent else image
