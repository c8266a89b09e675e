"""A run of the playground as its card tells it: every image, and what was asked beside it."""

from dataclasses import dataclass

from console.parts.pictures import Picture, is_otherwise, picture_of, released_of
from console.parts.rows import Row, row_of
from generation.models import Generation
from generation.selectors import Finished
from pictor.kit.words.errors import PictorError
from pictor.kit.words.money import Micros


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


def run_of(one: Finished, refusal: PictorError | None = None) -> Run:
    """A generation as its card shows it."""
    return Run(one.generation, row_of(one, {}), tuple(map(picture_of, one.images)), refusal)
