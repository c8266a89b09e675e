"""The caller's answer without its images, as settlement writes it; `api/objects.py` shows it."""

from datetime import datetime
from typing import Any

from billing.pricing import AmountDue
from generation.channels.declaration import Task
from generation.lifecycle.outcome import Verified, VerifiedImage
from generation.models import Generation

DELETED = "deleted"
"""The status shown for a successful generation whose images are gone."""
ECHOED_QUALITIES = frozenset({"low", "medium", "high", "xhigh", "max"})
ECHOED_BACKGROUNDS = frozenset({"transparent", "opaque"})


def answer_of(
    generation: Generation, delivery: Verified, bill: AmountDue, now: datetime
) -> dict[str, Any]:
    """The caller's answer without its images; `api/shown.py` adds those."""
    usage = delivery.answer.usage
    # OpenAI's answer names one size and one format for all images.
    first = delivery.images[0]
    answer: dict[str, Any] = {"created": int(now.timestamp()), "size": first.size}
    if bill.quality_billed in ECHOED_QUALITIES:
        answer["quality"] = bill.quality_billed
    background = generation.fields.get("background")
    if isinstance(background, str) and background in ECHOED_BACKGROUNDS:
        answer["background"] = background
    answer["output_format"] = first.format
    answer["usage"] = {
        "input_tokens": usage.input_tokens if usage else 0,
        "output_tokens": usage.output_tokens if usage else 0,
        "total_tokens": usage.total_tokens if usage else 0,
        "input_tokens_details": {
            "text_tokens": usage.input_text_tokens if usage else 0,
            "image_tokens": usage.input_image_tokens if usage else 0,
        },
        "images": len(delivery.images),
    }
    too_few = ["n"] if len(delivery.images) < generation.n else []
    answer["metadata"] = {
        "requested_size": generation.size_requested,
        "upstream_size": delivery.upstream_size,
        "delivered_sizes": [image.size for image in delivery.images],
        "size_plan": delivery.plan,
        "ignored": sorted([*delivery.ignored, *too_few]),
        "content_credentials": [_credentials_of(image) for image in delivery.images],
    }
    if delivery.other_model:
        answer["metadata"]["upstream_model"] = delivery.other_model
    if any(image.mended for image in delivery.images):
        answer["metadata"]["mended"] = [list(image.mended) for image in delivery.images]
    if any(image.seed is not None for image in delivery.images):
        answer["metadata"]["seeds"] = [image.seed for image in delivery.images]
    if generation.task != Task.GENERATE:
        answer["metadata"] |= {"task": generation.task, "upstream_task": delivery.task.value}
    return answer


def _credentials_of(image: VerifiedImage) -> dict[str, Any]:
    """What became of its Content Credentials, and whether it has our mark."""
    found = image.credentials
    reason = {"reason": found.reason} if found.reason else {}
    return {"status": found.status, **reason, "marked": image.is_marked}
