"""A generation's request and answer, as the caller's programs see them."""

import json
from typing import Any

from generation.api.objects import GenerationObject
from generation.api.shown import shown_generation
from generation.catalogue.snapshot import current_catalogue
from generation.models import Generation
from generation.selectors import Finished


def request_body(generation: Generation) -> dict[str, Any]:
    """The request's body in a form that can be sent again; reference images are only named."""
    contract = current_catalogue().contracts.get(generation.model)
    formats = {generation.output_format, *(contract.formats[:1] if contract else ())}
    named: dict[str, Any] = {
        "model": generation.model,
        "prompt": generation.prompt,
        "n": generation.n,
        "size": generation.size_requested,
        "quality": generation.quality_sent or None,
        "output_format": None if formats == {"png"} else generation.output_format,
        "output_compression": generation.output_compression,
        "strict_size": generation.strict_size or None,
        "partial_images": generation.partial_images or None,
        **generation.fields,
    }
    return {name: value for name, value in named.items() if value is not None}


def as_json(body: object) -> str:
    return json.dumps(body, indent=2, ensure_ascii=False)


def answer_body(finished: Finished) -> dict[str, Any]:
    return GenerationObject.render(shown_generation(finished))
