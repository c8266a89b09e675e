"""A generation for its card: its images, and whether they match the request."""

from dataclasses import dataclass

from console.parts.pictures import Picture, otherwise, picture_of, released_of
from console.parts.rows import GenerationRow, row_of
from generation.api.playground import last_preview
from generation.models import Generation
from generation.selectors import Finished
from pictor.kit.words.errors import PictorError
from pictor.kit.words.money import Micros


@dataclass(frozen=True, slots=True)
class Run:
    """A generation with its row and its images."""

    made: Generation
    row: GenerationRow
    pictures: tuple[Picture, ...]
    refusal: PictorError | None = None
    """Why the last requested change was refused."""
    preview: str = ""
    """The address of its last partial image while it is made."""

    @property
    def delivered(self) -> list[tuple[str, int]]:
        sizes = [picture.image.size for picture in self.pictures]
        return [(size, sizes.count(size)) for size in dict.fromkeys(sizes)]

    @property
    def differs(self) -> bool:
        """True if the delivered sizes or their number differ from the request."""
        return bool(otherwise(self.made, [picture.image.size for picture in self.pictures]))

    @property
    def released(self) -> Micros:
        return released_of(self.made)


def run_of(finished: Finished, refusal: PictorError | None = None) -> Run:
    made, pictures = finished.generation, tuple(map(picture_of, finished.images))
    return Run(made, row_of(finished, {}), pictures, refusal, last_preview(made))
