"""A run of the playground as its card tells it: every image, and what was asked beside it."""

from collections.abc import Sequence
from dataclasses import dataclass

from console.workspace.rows import Row, row_of
from generation.catalogue.contracts import AUTO
from generation.models import Generation
from generation.selectors import Finished
from pictor.kit.errors import PictorError
from pictor.kit.money import Micros
from storage.models import StoredImage
from storage.services import signed_url


@dataclass(frozen=True, slots=True)
class Picture:
    """A delivered image: where it is looked at, and where a browser saves it from."""

    image: StoredImage
    url: str
    file_url: str


@dataclass(frozen=True, slots=True)
class Run:
    """A generation with its row and its images."""

    made: Generation
    row: Row
    pictures: tuple[Picture, ...]
    refusal: PictorError | None = None
    """Why it was not changed as somebody just wished."""

    @property
    def delivered(self) -> list[tuple[str, int]]:
        """Each size that came, and how many images of it."""
        sizes = [picture.image.size for picture in self.pictures]
        return [(size, sizes.count(size)) for size in dict.fromkeys(sizes)]

    @property
    def differs(self) -> bool:
        """Whether what is there is not what was asked for."""
        return is_otherwise(self.made, [picture.image.size for picture in self.pictures])

    @property
    def released(self) -> Micros:
        """What was held and not charged."""
        return released_of(self.made)


def is_otherwise(made: Generation, sizes: Sequence[str]) -> bool:
    """Whether images of these sizes are fewer than it asked for, or others; `auto` is any size."""
    is_another = made.size != AUTO and set(sizes) != {made.size}
    return bool(sizes) and (is_another or len(sizes) < made.n)


def released_of(made: Generation) -> Micros:
    """What was held for it and not charged; nothing before it has ended."""
    return Micros(made.hold_micros - made.charged_micros if made.is_final else 0)


def run_of(one: Finished, refusal: PictorError | None = None) -> Run:
    """A generation as its card shows it."""
    return Run(one.generation, row_of(one, {}), tuple(map(picture_of, one.images)), refusal)


def picture_of(image: StoredImage) -> Picture:
    """An image as it is shown and as a file."""
    name = f"{image.public_id}.{image.format}"
    return Picture(
        image=image,
        url=signed_url(image.object_key, content_type=image.content_type),
        file_url=signed_url(image.object_key, content_type=image.content_type, attachment=name),
    )
