"""Check a request against its contract. Pure: values in, an order or an InvalidRequest out.

Types were checked before (api/requests.py); here the model's contract decides on size, quality,
count, prompt length and format. Limits are in characters (code points) and inclusive.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from generation.admission.fields import OUTPUT_FORMATS, PASSED_ON
from generation.catalogue.contracts import AUTO, ContractTerms
from generation.channels.declaration import PLAIN, Needs, Task
from pictor.kit.words.errors import InvalidRequest
from pictor.kit.words.untyped import Json

_CANNOT = {
    Task.GENERATE: "does not make images from a prompt alone",
    Task.EDIT: "does not edit images",
    Task.VARIATION: "does not make variations",
}


@dataclass(frozen=True, slots=True)
class Order:
    """A valid request in the contract's own words.

    `size` is pixels or "auto", `size_requested` the caller's word for it; `quality` is the
    contract's word or "auto". `partial_images` is 0 without `stream`.
    """

    model: str
    prompt: str
    n: int
    size_requested: str
    size: str
    tier: str
    quality: str
    is_quality_explicit: bool
    response_format: str
    output_format: str
    output_compression: int | None
    strict_size: bool
    partial_images: int = 0
    fields: Json = field(default_factory=dict)
    needs: Needs = PLAIN
    references: int = 0
    """The number of input images, without a mask."""


def check(contract: ContractTerms, request: Json, *, key_response_format: str = "") -> Order:
    """The order of a request with these (typed) fields under this contract.

    `task` among them is the task, a generation by default.
    """
    needs = _needs(contract, request)
    size_requested, size, tier = _size(contract, request.get("size"))
    fields = {name: request[name] for name in PASSED_ON if request.get(name) is not None}
    output_format = request.get("output_format") or OUTPUT_FORMATS[0]
    _check_background(fields.get("background"), output_format)
    return Order(
        model=contract.model,
        prompt=_prompt(contract, request),
        n=_count(contract, request.get("n") or 1),
        size_requested=size_requested,
        size=size,
        tier=tier,
        quality=_quality(contract, request.get("quality")),
        is_quality_explicit=request.get("quality") is not None,
        response_format=_response_format(contract, request, key_response_format),
        output_format=output_format,
        output_compression=request.get("output_compression"),
        strict_size=bool(request.get("strict_size")),
        partial_images=(request.get("partial_images") or 0) if request.get("stream") else 0,
        fields=fields,
        needs=needs,
        references=_references(request.get("image")),
    )


def _references(image: object) -> int:
    return len(image) if isinstance(image, list) else int(image is not None)


def _needs(contract: ContractTerms, request: Json) -> Needs:
    task = Task(request.get("task", Task.GENERATE))
    if task not in contract.tasks:
        raise InvalidRequest(
            f"{contract.model} {_CANNOT[task]}. GET /v1/models lists the tasks of each model.",
            param="model",
        )
    if task == Task.GENERATE:
        return PLAIN
    return Needs(task, len(request["image"]), has_mask="mask" in request)


def _prompt(contract: ContractTerms, request: Json) -> str:
    """The prompt; empty for a variation."""
    prompt: str | None = request.get("prompt")
    if request.get("task") == Task.VARIATION:
        return ""
    if prompt is None or not prompt.strip():
        raise InvalidRequest(
            "The prompt is missing: say what the image should show.",
            code="missing_required_parameter",
            param="prompt",
        )
    if len(prompt) > contract.prompt_max_chars:
        raise InvalidRequest(
            f"The prompt has {len(prompt)} characters; {contract.model} takes at most"
            f" {contract.prompt_max_chars}.",
            code="string_above_max_length",
            param="prompt",
        )
    return prompt


def _count(contract: ContractTerms, n: int) -> int:
    if n > contract.max_n:
        raise InvalidRequest(
            f"n must be between 1 and {contract.max_n} for {contract.model}.", param="n"
        )
    return n


def _size(contract: ContractTerms, word: str | None) -> tuple[str, str, str]:
    """The caller's word, its pixels (or auto) and its tier."""
    word = contract.default_size if word is None else word
    if word == AUTO and contract.accepts_auto:
        return AUTO, AUTO, AUTO
    option = contract.by_name.get(word)
    if option is None:
        raise InvalidRequest(
            f"{contract.model} does not make that size. It makes:"
            f" {', '.join(contract.size_names)}.",
            code="invalid_size",
            param="size",
        )
    return word, str(option.size), option.tier


def _quality(contract: ContractTerms, word: str | None) -> str:
    if word is None:
        return contract.quality_default
    quality = contract.quality(word)
    if quality is None:
        raise InvalidRequest(
            f"quality must be one of {', '.join(contract.qualities)} for {contract.model}.",
            param="quality",
        )
    return quality


def _response_format(contract: ContractTerms, request: Json, key_response_format: str) -> str:
    requested = request.get("response_format")
    if requested is None:
        return key_response_format or contract.response_format_default
    return "b64_json" if requested == "base64" else str(requested)


def _check_background(background: object, output_format: str) -> None:
    wanted = background.get("type") if isinstance(background, Mapping) else background
    if wanted == "transparent" and output_format == "jpeg":
        raise InvalidRequest(
            "A transparent background needs output_format png or webp; jpeg has no transparency.",
            param="background",
        )
