"""What webhooks say of a generation that ended: the generation object without words and urls.

An image of a result is an empty object: its url would be a key to it, and a revised prompt is a
person's words, which would outlast their deletion here. Both are read from the API.
"""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from generation.api.objects import GenerationObject
from generation.api.shown import Result, Shown, ShownImage
from generation.models import Generation, State


def data_of(subject_id: UUID) -> Mapping[str, Any]:
    """The same whenever it is asked, also when the images are gone. Raises LookupError."""
    generation = Generation.objects.filter(id=subject_id).first()
    if generation is None or not generation.is_final:
        raise LookupError(f"no generation {subject_id} that has ended")
    result = None
    if generation.state == State.SUCCEEDED:
        images = (generation.answer or {})["usage"]["images"]
        result = Result(generation, [ShownImage()] * images)
    return GenerationObject.render(Shown(generation, result))
