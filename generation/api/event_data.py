"""The body of a webhook about an ended generation: its object without words and urls.

An image of a result is an empty object: its url would be a key to it, and a revised prompt contains
a person's words, which would outlast their deletion here. Clients read both from the API.
"""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from generation.api.objects import GENERATION_EXAMPLE, IMAGES_EXAMPLE, GenerationObject
from generation.api.shown import Result, ShownGeneration, ShownImage
from generation.models import State
from generation.selectors import ended_generation
from pictor.kit.words.errors import UpstreamFailed
from webhooks import models
from webhooks.events import AT, event_webhook

_ENDED = {
    **GENERATION_EXAMPLE,
    "started": AT - 3,
    "finished": AT,
    "held": "0.000000",
}
_METADATA = IMAGES_EXAMPLE["metadata"]
_RESULT = {
    **IMAGES_EXAMPLE,
    "data": [{}],
    "metadata": {k: v for k, v in _METADATA.items() if k != "url_expires_at"},
}
_NO_ANSWER = {
    "message": "The upstream failed. You were not charged.",
    "type": UpstreamFailed.type,
    "param": None,
    "code": UpstreamFailed.default_code,
}
_LEFT_OUT = "Image urls and revised prompts are left out: fetch the generation by its id."
SUCCEEDED = event_webhook(
    models.SUCCEEDED,
    GenerationObject,
    summary="A generation succeeded",
    about=f"The images are stored, and charged unless a test key ordered them. {_LEFT_OUT}",
    example={**_ENDED, "status": "succeeded", "captured": "0.052680", "result": _RESULT},
)
FAILED = event_webhook(
    models.FAILED,
    GenerationObject,
    summary="A generation failed",
    about="It produced no image; nothing was charged.",
    example={**_ENDED, "status": "failed", "error": _NO_ANSWER},
)
CANCELED = event_webhook(
    models.CANCELED,
    GenerationObject,
    summary="A generation was canceled",
    about="It was canceled before it began; nothing was charged.",
    example={**_ENDED, "status": "canceled", "started": None},
)


def data_of(subject_id: UUID) -> Mapping[str, Any]:
    """Always the same, even when the images are gone. Raises LookupError."""
    generation = ended_generation(subject_id)
    if generation is None:
        raise LookupError(f"no generation {subject_id} that has ended")
    result = None
    if generation.state == State.SUCCEEDED:
        images = (generation.answer or {})["usage"]["images"]
        result = Result(generation, [ShownImage()] * images)
    return GenerationObject.render(ShownGeneration(generation, result))
