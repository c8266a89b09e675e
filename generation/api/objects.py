"""The objects of the images API: rendered from shown.py's values, and described by themselves."""

from typing import Any

from rest_framework import serializers

from generation.catalogue.plans import PLANS
from generation.channels.declaration import Task
from generation.lifecycle.answer import DELETED
from generation.models import State
from pictor.kit.endpoints.objects import (
    ApiObject,
    Constant,
    ErrorDetail,
    PageObject,
    UnixSeconds,
    Usd,
    page_example,
)
from storage.content_credentials import REASONS
from storage.probe import MENDED

FROM_IMAGES = [Task.EDIT.value, Task.VARIATION.value]
GENERATION_ID = "gen_01m7xwfx9bf3vty34tyve35tm9"
IMAGES_EXAMPLE: dict[str, Any] = {
    "created": 1_795_225_544,
    "data": [
        {"url": "https://images.example.com/pictor/20261121/4c54a70a/1-0.png?X-Amz-Expires=3600"}
    ],
    "size": "1024x1024",
    "quality": "medium",
    "output_format": "png",
    "usage": {
        "input_tokens": 12,
        "output_tokens": 1756,
        "total_tokens": 1768,
        "input_tokens_details": {"text_tokens": 12, "image_tokens": 0},
        "images": 1,
        "cost": "0.052680",
    },
    "metadata": {
        "generation_id": GENERATION_ID,
        "requested_size": "1024x1024",
        "upstream_size": "1024x1024",
        "delivered_sizes": ["1024x1024"],
        "size_plan": "native",
        "ignored": [],
        "content_credentials": [{"status": "kept", "marked": False}],
        "url_expires_at": 1_795_229_144,
    },
}
GENERATION_EXAMPLE = {
    "id": GENERATION_ID,
    "object": "image.generation",
    "livemode": True,
    "status": "queued",
    "created": 1_795_225_540,
    "started": None,
    "finished": None,
    "model": "gpt-image-2-origin",
    "size": "1024x1024",
    "quality": "medium",
    "n": 1,
    "quoted": "0.052680",
    "held": "0.052680",
    "captured": "0.000000",
    "currency": "USD",
    "result": None,
    "error": None,
}


class ImageItem(ApiObject):
    """One image: exactly one of `url` and `b64_json`."""

    url = serializers.URLField(required=False)
    b64_json = serializers.CharField(required=False)
    revised_prompt = serializers.CharField(required=False)


class InputTokens(ApiObject):
    """Input tokens by kind."""

    text_tokens = serializers.IntegerField()
    image_tokens = serializers.IntegerField()


class Tokens(ApiObject):
    """Tokens as the upstream counted them."""

    input_tokens = serializers.IntegerField()
    output_tokens = serializers.IntegerField()
    total_tokens = serializers.IntegerField()
    input_tokens_details = InputTokens()


class UsageObject(Tokens):
    """Tokens as the upstream counted them, the images delivered, and what was charged."""

    images = serializers.IntegerField()
    cost = Usd(help_text="USD, six decimals.")


class ImageCredentials(ApiObject):
    """What became of an image's Content Credentials (C2PA)."""

    status = serializers.ChoiceField(
        choices=("kept", "signed", "removed", "none", "unknown"),
        help_text="`kept`: delivered byte for byte as it came, which does not mean that they are"
        " valid. `signed`: changed or marked here, and signed by this service, with the vendor's"
        " among the ingredients if it had any. `none`: it came without.",
    )
    reason = serializers.ChoiceField(
        choices=REASONS, required=False, help_text="Why those it came with were removed."
    )
    marked = serializers.BooleanField(
        help_text="True if an XMP packet of ours says that a model made it."
    )


class Metadata(ApiObject):
    """Facts about what was requested, sent and delivered."""

    generation_id = serializers.CharField()
    requested_size = serializers.CharField()
    upstream_size = serializers.CharField()
    delivered_sizes = serializers.ListField(child=serializers.CharField())
    size_plan = serializers.ChoiceField(choices=PLANS)
    ignored = serializers.ListField(
        child=serializers.CharField(),
        help_text="Fields that were not honoured: also `n` if fewer images came, and `size` if they"
        " were ordered in another.",
    )
    task = serializers.ChoiceField(
        choices=FROM_IMAGES, required=False, help_text="The requested task; absent for generations."
    )
    upstream_task = serializers.ChoiceField(
        choices=FROM_IMAGES,
        required=False,
        help_text="The task sent to the upstream: an edit if it has no variations.",
    )
    upstream_model = serializers.CharField(
        required=False,
        help_text="The upstream's name of the model that made the images, if it is another than we"
        " asked for. You are charged as you ordered.",
    )
    mended = serializers.ListField(
        child=serializers.ListField(child=serializers.ChoiceField(choices=MENDED)),
        required=False,
        help_text="Repairs to each image, in the order of `data`: turned upright according to its"
        " EXIF, bytes after a png's pixels removed, or a jpeg's missing end marker added. Absent"
        " if nothing was repaired.",
    )
    content_credentials = ImageCredentials(
        many=True, help_text="Of each image, in the order of `data`."
    )
    seeds = serializers.ListField(
        child=serializers.IntegerField(allow_null=True),
        required=False,
        help_text="The seed of each image, in the order of `data`. Absent if the upstream told"
        " none.",
    )
    url_expires_at = serializers.IntegerField(
        required=False,
        help_text="Unix time at which the `url`s in this answer expire; fetch the generation again"
        " for new ones.",
    )


class ImagesAnswer(ApiObject):
    """The images, in OpenAI's shape."""

    example = IMAGES_EXAMPLE

    created = serializers.IntegerField(source="answer.created")
    data = ImageItem(many=True)  # type: ignore[assignment]  # a field, named as OpenAI names it
    size = serializers.CharField(source="answer.size")
    quality = serializers.CharField(source="answer.quality", required=False)
    background = serializers.CharField(source="answer.background", required=False)
    output_format = serializers.CharField(source="answer.output_format")
    usage = UsageObject()
    metadata = Metadata()


class GenerationObject(ApiObject):
    """A generation and its state. Money is USD with six decimals."""

    example = GENERATION_EXAMPLE

    id = serializers.CharField(source="generation.public_id")
    object = Constant("image.generation")
    livemode = serializers.BooleanField(
        source="generation.livemode",
        help_text="False if a test key requested it: a sandbox made it, and no money moved.",
    )
    status = serializers.ChoiceField(
        choices=[*State.values, DELETED],
        help_text="`deleted`: it succeeded, and its images have since been deleted or have"
        " expired.",
    )
    created = UnixSeconds(source="generation.created_at")
    started = UnixSeconds(source="generation.started_at", allow_null=True)
    finished = UnixSeconds(source="generation.finished_at", allow_null=True)
    model = serializers.CharField(source="generation.model")
    size = serializers.CharField(source="generation.size_requested")
    quality = serializers.CharField()
    n = serializers.IntegerField(source="generation.n")
    quoted = Usd(source="generation.held_micros")
    held = Usd()
    captured = Usd()
    currency = Constant("USD")
    result = ImagesAnswer(allow_null=True)
    error = ErrorDetail(source="generation.error", allow_null=True)


class GenerationList(PageObject):
    """A page, newest first."""

    example = page_example(GENERATION_EXAMPLE)

    data = GenerationObject(many=True)  # type: ignore[assignment]  # as above


class DeletedObject(ApiObject):
    """The images, the prompt and its other fields are deleted."""

    example = {"id": GENERATION_ID, "object": "image.generation", "deleted": True}

    id = serializers.CharField(source="public_id")
    object = Constant("image.generation")
    deleted = Constant(value=True)


class ProvenanceObject(ApiObject):
    """Whether the file was delivered here. The facts about its image are absent if it was not."""

    example = {
        "object": "image.provenance",
        "made_here": True,
        "as_delivered": True,
        "generation_id": GENERATION_ID,
        "index": 0,
        "model": "gpt-image-2-origin",
        "created": 1_795_225_540,
    }

    object = Constant("image.provenance")
    made_here = serializers.BooleanField()
    as_delivered = serializers.BooleanField(
        help_text="False if it has a delivered image's manifest, and other bytes."
    )
    generation_id = serializers.CharField(source="found.generation.public_id", required=False)
    index = serializers.IntegerField(
        source="found.image.index", required=False, help_text="Its place in `data`, from 0."
    )
    model = serializers.CharField(source="found.generation.model", required=False)
    created = UnixSeconds(source="found.generation.created_at", required=False)


class QuoteObject(ApiObject):
    """The cost of a body in USD: at most `unit_price` per image, `hold` in total."""

    example = {
        "object": "image.quote",
        "model": "gpt-image-2",
        "size": "1024x1024",
        "requested_size": "1024x1024",
        "tier": "base",
        "quality": "auto",
        "n": 1,
        "unit_price": "0.210720",
        "price": "0.210720",
        "price_min": "0.005880",
        "price_max": "0.210720",
        "decided_by": ["quality"],
        "references": "0.000000",
        "hold": "0.210720",
        "quality_held": "high",
        "is_final": False,
        "size_plan": "native",
        "upstream_size": "1024x1024",
        "currency": "USD",
    }

    object = Constant("image.quote")
    model = serializers.CharField(source="order.model")
    size = serializers.CharField(source="order.size")
    requested_size = serializers.CharField(source="order.size_requested")
    tier = serializers.CharField(source="order.tier")
    quality = serializers.CharField(source="order.quality")
    n = serializers.IntegerField(source="order.n")
    unit_price = Usd(source="quote.unit")
    price = Usd(source="quote.total")
    price_min = Usd(source="least", help_text="USD for the cheapest possible result.")
    price_max = Usd(source="quote.total", help_text="USD; the charge is never higher.")
    decided_by = serializers.ListField(
        source="open_fields",
        child=serializers.ChoiceField(choices=["size", "quality", "image"]),
        help_text="Fields that the body leaves open, so that the result decides the price."
        " `image`: the cost of reference images is known once they have been read.",
    )
    references = Usd(source="quote.references", help_text="USD, at most, for all reference images.")
    hold = Usd(source="quote.total")
    quality_held = serializers.CharField(source="quote.quality_held")
    is_final = serializers.BooleanField(
        help_text="True if size and quality, and so the price, are known."
    )
    size_plan = serializers.ChoiceField(source="plan.plan", choices=PLANS)
    upstream_size = serializers.CharField(source="plan.upstream_size")
    ignored = serializers.ListField(
        child=serializers.CharField(),
        required=False,
        help_text="Fields that would not be honoured now, as in the answer's metadata; with several"
        " ways to serve the request, by any of them. Absent without `explain`.",
    )
    currency = Constant("USD")


class PartialImageEvent(ApiObject):
    """An unfinished image in a streamed answer."""

    type = Constant("image_generation.partial_image")
    b64_json = serializers.CharField()
    created_at = serializers.IntegerField(source="partial.created")
    size = serializers.CharField(source="partial.size")
    quality = serializers.CharField(source="partial.quality")
    background = serializers.CharField(source="partial.background")
    output_format = serializers.CharField(source="partial.output_format")
    partial_image_index = serializers.IntegerField(source="partial.index")


class EditPartialImageEvent(PartialImageEvent):
    """An unfinished image in a streamed edit."""

    type = Constant("image_edit.partial_image")


class EventFacts(ApiObject):
    """Facts about a finished image."""

    seeds = serializers.ListField(
        child=serializers.IntegerField(), required=False, help_text="The image's seed, if known."
    )
    content_credentials = ImageCredentials(many=True, help_text="Of this image alone.")


class CompletedEvent(ApiObject):
    """A finished image in a streamed answer, with its share of the tokens."""

    type = Constant("image_generation.completed")
    b64_json = serializers.CharField()
    created_at = serializers.IntegerField(source="answer.created")
    size = serializers.CharField(source="image.size")
    quality = serializers.CharField(source="answer.quality")
    background = serializers.CharField(source="answer.background")
    output_format = serializers.CharField(source="answer.output_format")
    usage = Tokens()
    metadata = EventFacts()


class ErrorEvent(ApiObject):
    """The error of a streamed answer, in the same form as any other error."""

    type = Constant("error")
    error = ErrorDetail()


class EditCompletedEvent(CompletedEvent):
    """A finished image in a streamed edit, with its share of the tokens."""

    type = Constant("image_edit.completed")
