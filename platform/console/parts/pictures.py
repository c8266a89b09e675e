"""A generation's images for pages, and whether they match the request."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from generation.catalogue.contracts import AUTO
from generation.models import Generation
from pictor.kit.words.money import Micros
from storage.manifest_checks import signers_of
from storage.models import StoredImage
from storage.services import signed_url


@dataclass(frozen=True, slots=True)
class Picture:
    """A delivered image: its url for viewing, its url for saving as a file, and who signed it."""

    image: StoredImage
    url: str
    file_url: str
    signed: str = ""


def picture_of(image: StoredImage) -> Picture:
    """Sign both urls of an image."""
    name = f"{image.public_id}.{image.format}"
    return Picture(
        image=image,
        url=signed_url(image.object_key, content_type=image.content_type),
        file_url=signed_url(image.object_key, content_type=image.content_type, attachment=name),
    )


def checked_pictures(
    images: Sequence[StoredImage], days: int | None
) -> list[tuple[Picture, datetime]]:
    """Each with who signed it, and until when its tenant keeps it; may take 2 s."""
    said = signers_of(images)
    pictures = [replace(picture_of(one), signed=said.get(one.sha256, "")) for one in images]
    return [(picture, picture.image.kept_until(days)) for picture in pictures]


def otherwise(generation: Generation, sizes: Sequence[str]) -> list[str]:
    """How the delivered sizes differ from the request, in short; `auto` is any size."""
    is_short = bool(sizes) and len(sizes) < generation.n
    is_another = bool(sizes) and generation.size != AUTO and set(sizes) != {generation.size}
    return [
        *([f"{len(sizes)} of {generation.n}"] if is_short else []),
        *(["Other size"] if is_another else []),
    ]


def released_of(generation: Generation) -> Micros:
    """The part of the hold that was not charged; 0 before the generation has ended."""
    return Micros(generation.hold_micros - generation.charged_micros if generation.is_final else 0)
