"""The images of a generation as pages show them, and whether they are what was asked for."""

from collections.abc import Sequence
from dataclasses import dataclass

from generation.catalogue.contracts import AUTO
from generation.models import Generation
from pictor.kit.words.money import Micros
from storage.models import StoredImage
from storage.services import signed_url


@dataclass(frozen=True, slots=True)
class Picture:
    """A delivered image: where it is looked at, and where a browser saves it from."""

    image: StoredImage
    url: str
    file_url: str


def picture_of(image: StoredImage) -> Picture:
    """An image as it is shown and as a file."""
    name = f"{image.public_id}.{image.format}"
    return Picture(
        image=image,
        url=signed_url(image.object_key, content_type=image.content_type),
        file_url=signed_url(image.object_key, content_type=image.content_type, attachment=name),
    )


def is_otherwise(made: Generation, sizes: Sequence[str]) -> bool:
    """Whether images of these sizes are fewer than it asked for, or others; `auto` is any size."""
    is_another = made.size != AUTO and set(sizes) != {made.size}
    return bool(sizes) and (is_another or len(sizes) < made.n)


def released_of(made: Generation) -> Micros:
    """What was held for it and not charged; nothing before it has ended."""
    return Micros(made.hold_micros - made.charged_micros if made.is_final else 0)
