"""An image as it came, decoded and, where another format was asked for, converted.

Runs in the conversion pool: decoding is the one step that needs memory and CPU for pixels.
"""

from generation.channels.base import UpstreamImage
from generation.settlement import VerifiedImage
from pictor.kit.spool import Spools
from storage import convert, probe


def verified(
    image: UpstreamImage, *, output_format: str, compression: int | None, spools: Spools
) -> VerifiedImage | None:
    """The image with its true format and pixels, in the format asked for; None if undecodable.

    The image's own spool is closed when a converted one takes its place.
    """
    try:
        facts = probe.verify(image.spool)
    except probe.NotAnImage:
        return None
    spool = image.spool
    if facts.format != output_format:
        spool = convert.to_format(
            image.spool, facts, output_format, compression=compression, spools=spools
        )
        image.spool.close()
    return VerifiedImage(
        spool=spool,
        format=output_format,
        width=facts.width,
        height=facts.height,
        revised_prompt=image.revised_prompt,
    )
