"""Check a request against its contract. Pure: values in, an order or an InvalidRequest out.

Types were checked before (api/requests.py); here the model's contract decides on size, quality,
count, prompt length and format. Limits are in characters (code points) and inclusive.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from generation.admission.fields import BODIES, PASSED_ON
from generation.catalogue.contracts import ASPECT_RATIO, AUTO, RESOLUTION, ContractTerms, SizeOption
from generation.catalogue.plans import Candidate, sizes_in_words
from generation.channels.declaration import OVERLAYS, PLAIN, Needs, Task
from pictor.kit.words.errors import InvalidRequest, unknown
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
    """The number of input images, without a mask or a markup."""

    @property
    def sent(self) -> set[str]:
        """The fields that a channel may ignore."""
        given = {
            "quality": self.is_quality_explicit,
            "output_compression": self.output_compression is not None,
            "partial_images": bool(self.partial_images),
        }
        return {*self.fields, *(name for name, is_given in given.items() if is_given)}

    def allows(self, candidate: Candidate) -> bool:
        """True if it takes an image by this plan: a strict request only in its own size."""
        return candidate.keeps_size or not self.strict_size


def check(contract: ContractTerms, request: Json, *, key_response_format: str = "") -> Order:
    """The order of a request with these (typed) fields under this contract.

    `task` among them is the task, a generation by default.
    """
    parameters = _parameters(contract, request)
    needs = _needs(contract, request)
    ratio, resolution = parameters.pop(ASPECT_RATIO, None), parameters.pop(RESOLUTION, None)
    size_requested, size, tier = _size(contract, request.get("size"), ratio, resolution)
    fields = {name: request[name] for name in PASSED_ON if request.get(name) is not None}
    fields |= parameters
    output_format = _output_format(contract, request.get("output_format"))
    _check_background(contract, fields.get("background"), output_format)
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
        references=_references(contract, request.get("image")),
    )


def _parameters(contract: ContractTerms, request: Json) -> dict[str, object]:
    """The contract's own fields, checked."""
    known = {one.name: one for one in contract.own_fields}
    sent: Json = request.get("parameters", {})
    for name in sent:
        if name not in known:
            names = [one.name for one in BODIES[Task(request.get("task", Task.GENERATE))]]
            raise unknown(name, [*names, *known])
    return {name: known[name].checked(value) for name, value in sent.items() if value is not None}


def _references(contract: ContractTerms, image: object) -> int:
    number = len(image) if isinstance(image, list) else int(image is not None)
    if contract.most_references is not None and number > contract.most_references:
        most = f"at most {contract.most_references}" if contract.most_references else "no"
        raise InvalidRequest(
            f"{contract.model} takes {most} reference images.",
            code="invalid_image",
            param="image",
        )
    return number


def _needs(contract: ContractTerms, request: Json) -> Needs:
    task = Task(request.get("task", Task.GENERATE))
    if task not in contract.tasks:
        raise InvalidRequest(
            f"{contract.model} {_CANNOT[task]}. GET /v1/models lists the tasks of each model.",
            param="model",
        )
    if task == Task.GENERATE:
        return PLAIN
    overlays = [name for name in OVERLAYS if name in request]
    if len(overlays) > 1:
        raise InvalidRequest("An edit has a mask or a markup, not both.", param=overlays[-1])
    return Needs(task, len(request["image"]), *overlays)


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


def _size(
    contract: ContractTerms, word: str | None, ratio: object, tier: object
) -> tuple[str, str, str]:
    """The caller's word, its pixels (or auto) and its tier."""
    if ratio or tier:
        chosen = _option_of(contract, ratio, tier)
        if word is not None and contract.option(word) != chosen:
            asked = " and ".join(
                f"{name} {value}"
                for name, value in ((ASPECT_RATIO, ratio), (RESOLUTION, tier))
                if value
            )
            raise InvalidRequest(
                f"size {word[:100]} contradicts {asked}, which is {chosen.size}. Send one of them.",
                code="invalid_size",
                param="size",
            )
        return str(chosen.size), str(chosen.size), chosen.tier
    word = contract.default_size if word is None else word
    if word == AUTO and contract.accepts_auto:
        return AUTO, AUTO, AUTO
    option = contract.option(word)
    if option is None:
        raise InvalidRequest(
            f"{contract.model} does not make that size. It makes: {sizes_in_words(contract)}.",
            code="invalid_size",
            param="size",
        )
    return word, str(option.size), option.tier


def _option_of(contract: ContractTerms, ratio: object, tier: object) -> SizeOption:
    """The largest size of this ratio and tier, each by default that of the default size."""
    usual = contract.by_name.get(contract.default_size)
    ratio, tier = ratio or (usual and usual.ratio), tier or (usual and usual.tier)
    of_ratio = [option for option in contract.options if ratio in {None, option.ratio}]
    found = [option for option in of_ratio if tier in {None, option.tier}]
    if not found:
        tiers = ", ".join(dict.fromkeys(option.tier for option in of_ratio))
        raise InvalidRequest(
            f"{contract.model} makes {ratio} only in resolution {tiers}.",
            code="invalid_size",
            param=RESOLUTION,
        )
    return max(found, key=lambda option: option.size.pixels)


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


def _output_format(contract: ContractTerms, word: str | None) -> str:
    if word is not None and word not in contract.formats:
        raise InvalidRequest(
            f"output_format must be one of {', '.join(contract.formats)} for {contract.model}.",
            param="output_format",
        )
    return word or contract.formats[0]


def _check_background(contract: ContractTerms, background: object, output_format: str) -> None:
    wanted = background.get("type") if isinstance(background, Mapping) else background
    if wanted == "transparent" and output_format == "jpeg":
        able = " or ".join(word for word in contract.formats if word != "jpeg")
        raise InvalidRequest(
            f"A transparent background needs output_format {able}; jpeg has no transparency."
            if able
            else f"{contract.model} makes jpeg only, which has no transparency.",
            param="background",
        )
