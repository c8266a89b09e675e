"""Requirements for a request's reference images, each and in relation to each other. Pure.

Vendors disagree on how to show an animated, a CMYK or a 16-bit image, so those are refused. The
check runs before admission on uploaded images, and in the worker on fetched ones.

Sources: OpenAI's API reference, "Create image edit" and "Create image variation" (20 Nov 2026).
"""

from collections.abc import Sequence

from generation.channels.declaration import OVERLAYS, Task
from pictor.kit.bytes.spool import SpoolError
from storage import probe
from storage.containers.pieces import Animated, UnknownFormat
from storage.probe import ImageFacts

FIRST = "image[0]"
MASK, MARKUP = OVERLAYS
_UNKNOWN = "is not a PNG, JPEG or WebP"
_BROKEN = "is broken or cut short: it does not decode whole"
Problem = tuple[str, str]
"""The label at fault, and its problem."""


def unreadable(error: Exception) -> str:
    """The problem of an image that could not be read whole."""
    if isinstance(error, Animated):
        return _odd("animated")
    if isinstance(error, SpoolError):
        return "is too large once it is turned upright: send it smaller, or upright"
    if isinstance(error, UnknownFormat):
        return _UNKNOWN
    return error.problem if isinstance(error, probe.TooManyPixels) else _BROKEN


def _odd(oddity: str) -> str:
    return f"is {oddity}: send a still one in RGB or grey, 8 bits a channel"


def problem(task: Task, pictures: Sequence[tuple[str, ImageFacts]]) -> Problem | None:
    """The first problem of these images; None if there is none, or none known yet.

    Args:
        task: the request's task.
        pictures: by label (`image[0]`, `mask`), in order; images not fetched yet are left out.
    """
    for label, picture in pictures:
        if picture.oddity:
            return label, _odd(picture.oddity)
    by_label = dict(pictures)
    first = by_label.get(FIRST)
    if task == Task.VARIATION and first is not None:
        return _variation_problem(first)
    if task == Task.EDIT:
        problems = (_unfit(name, by_label[name], first) for name in OVERLAYS if name in by_label)
        return next(filter(None, problems), None)
    return None


def _variation_problem(first: ImageFacts) -> Problem | None:
    if first.format == "png" and first.width == first.height:
        return None
    return "image", f"must be a square png to be varied, and is a {first.format} of {first.size}"


def _unfit(name: str, over: ImageFacts, first: ImageFacts | None) -> Problem | None:
    if name == MARKUP and not (over.has_alpha and over.format == "png"):
        return MARKUP, "is no transparent png: what is to be done is drawn on one"
    if not over.has_alpha:
        return MASK, "has no transparency: what may change must be transparent, in a png or webp"
    if first is not None and over.size != first.size:
        return name, f"is {over.size}, and the first image {first.size}: they must be the same"
    return None
