"""POST /v1/images/edits and /v1/images/variations: as create.py, from images."""

from django.core.handlers.asgi import ASGIRequest
from django.http import HttpResponseBase

from generation.api import requests
from generation.api.create import ANSWERED, ERRORS, IDEMPOTENCY_KEY, PREFER, respond
from generation.api.objects import (
    EditCompletedEvent,
    EditPartialImageEvent,
    ErrorEvent,
    GenerationObject,
    ImagesAnswer,
)
from generation.api.requests import EditForm, EditRequest, VariationForm
from pictor.kit.endpoints.documents import described

EVENTS = {
    "image_edit.partial_image": EditPartialImageEvent,
    "image_edit.completed": EditCompletedEvent,
    "error": ErrorEvent,
}


@described(
    "create_edit",
    summary="Edit images",
    body=EditRequest,
    form=EditForm,
    parameters=[IDEMPOTENCY_KEY, PREFER, *ANSWERED],
    events=EVENTS,
    answers={200: ImagesAnswer, 202: GenerationObject},
    errors=ERRORS,
)
async def edit(request: ASGIRequest) -> HttpResponseBase:
    """Edit images by a prompt. The charge is that of a generation of the same size and quality.

    Reference images are charged too if the price list has a price for them. Send a form with one
    file as `image` or several as `image[]`, and a `mask` if only a part may change or a `markup`
    with notes drawn on it; or send JSON with base64, data URIs or addresses. Images are png, jpeg
    or webp, recognized by their bytes, fully decodable, of at most 50 MiB and 16 megapixels (webp
    11.25, progressive RGB jpeg 12). File names are ignored. With `stream`, the events are
    `image_edit.partial_image` and `image_edit.completed`.
    """
    return await respond(request, parse=requests.edit)


@described(
    "create_variation",
    summary="Vary an image",
    body=None,
    form=VariationForm,
    parameters=[IDEMPOTENCY_KEY, PREFER, *ANSWERED],
    answers={200: ImagesAnswer, 202: GenerationObject},
    errors=ERRORS,
)
async def vary(request: ASGIRequest) -> HttpResponseBase:
    """Make variations of a square png. The charge is that of a generation of the same size.

    A channel without variations makes an edit instead, and `metadata.upstream_task` says so.
    """
    return await respond(request, parse=requests.variation)
