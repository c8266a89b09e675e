"""A request for images, checked and complete: every default is filled in.

Pure. Fields that the sandbox has no use for (`style`, `watermark`, `user`, …) are accepted and
ignored, as are all model names. Raises ApiError in OpenAI's words.
"""

import re
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeVar

from sandbox import credentials, directives, errors, pictures
from sandbox.bodies import Body
from sandbox.directives import Directive, DirectiveError
from sandbox.errors import ApiError
from sandbox.pictures import Format, Picture
from sandbox.sizes import DEFAULT_SIZE, INPUT_IMAGE_TOKENS, Size, output_tokens, text_tokens

Task = Literal["generations", "edits", "variations"]
Word = TypeVar("Word", bound=str)

MODELS: Final = (
    "dall-e-2",
    "dall-e-3",
    "gpt-image-1",
    "gpt-image-2",
    "gpt-image-2-pro",
    "gpt-image-2-auto",
    "gpt-image-2-origin",
)
MAX_PROMPT_CHARACTERS: Final = 32_000
MAX_IMAGES: Final = 10
MAX_PARTIAL_IMAGES: Final = 3
MAX_INPUT_IMAGES: Final = 16
AUTO: Final = "auto"
_DEFAULT_QUALITY: Final = "medium"
_ECHOED_FOR_DALL_E_ONLY: Final = {"standard": "medium", "hd": "high"}
_QUALITY: Final = re.compile("[A-Za-z0-9][A-Za-z0-9._:() -]{0,39}", re.ASCII)
"""Any word: a test of any vendor's model is drawn here."""
_DIGITS: Final = re.compile("[0-9]{1,3}")
_BACKGROUNDS: Final = frozenset({"transparent", "opaque"})


@dataclass(frozen=True, slots=True)
class Order:
    """The images to draw, and the form of the answer.

    Attributes:
        prompt: without the directives.
        size: of the images delivered, in pixels.
        n: images delivered, 0 to 10.
        quality: as reported in the answer.
        as_url: answer with addresses instead of base64.
        partial_images: before each image of a stream; None for an answer in one piece.
        input_images: the number that came with the request.
    """

    task: Task
    prompt: str
    directive: Directive
    size: Size
    n: int
    quality: str
    as_url: bool
    output_format: Format
    compression: int
    background: str
    partial_images: int | None
    input_images: int

    def picture(self, index: int) -> Picture:
        """The image of this index."""
        asked = self.directive
        kind: pictures.Kind = "signed" if asked.signed else "noise" if asked.noise else "scene"
        return Picture(
            width=self.size.width,
            height=self.size.height,
            text=pictures.shortened(self.prompt),
            scene=pictures.scene_number(self.prompt, index),
            format=self.output_format,
            compression=self.compression,
            transparent=self.background == "transparent",
            kind="corrupt" if asked.corrupt else kind,
        )

    def usage(self, *, images: int, with_input: bool = True) -> dict[str, Any]:
        """Token counts of this many images of the order."""
        text = text_tokens(self.prompt) if with_input else 0
        image = INPUT_IMAGE_TOKENS * self.input_images if with_input else 0
        output = output_tokens(self.size, self.quality) * images
        return {
            "input_tokens": text + image,
            "output_tokens": output,
            "total_tokens": text + image + output,
            "input_tokens_details": {"text_tokens": text, "image_tokens": image},
        }

    def described(self) -> dict[str, str]:
        """The fields of an answer that describe the images."""
        return {
            "size": str(self.size),
            "quality": self.quality,
            "output_format": self.output_format,
            "background": self.background,
        }


def take(body: Body, *, task: Task) -> Order:
    """The order in a request's body."""
    fields = body.fields
    if task != "generations":
        _check_images(body.images, model=str(fields.get("model") or ""), task=task)
    try:
        prompt, directive = directives.split(_prompt(fields, task=task))
    except DirectiveError as error:
        raise ApiError(str(error), code="invalid_value", param="prompt") from None
    model = str(fields.get("model") or "")
    output_format = _one_of(fields, "output_format", pictures.FORMATS, default="png")
    background = _background(fields, output_format=output_format)
    size = _size(fields)
    is_from_file = directive.signed and not credentials.CAN_SIGN
    n = _integer(fields, "n", low=1, high=MAX_IMAGES, default=1)
    partial_images = _integer(fields, "partial_images", low=0, high=MAX_PARTIAL_IMAGES, default=0)
    return Order(
        task=task,
        prompt=prompt,
        directive=directive,
        size=pictures.SIGNED_SIZE if is_from_file else directive.size or size,
        n=_delivered(n, directive),
        quality=_quality(fields, model=model),
        as_url=_wants_url(fields, model=model),
        output_format=output_format,
        compression=_integer(fields, "output_compression", low=0, high=100, default=100),
        background=background,
        partial_images=partial_images if _flag(fields, "stream") else None,
        input_images=body.images,
    )


def _check_images(images: int, *, model: str, task: Task) -> None:
    """Refuse what the vendor refuses: dall-e-2 takes one image, and only it makes variations."""
    if not images:
        raise errors.missing("image")
    most = 1 if _is_dall_e(model) or task == "variations" else MAX_INPUT_IMAGES
    if images > most:
        raise errors.invalid("image", f"{model or 'it'} takes at most {most}, not {images}")
    if task == "variations" and model not in {"", "dall-e-2"}:
        raise errors.invalid("model", "only dall-e-2 makes variations")
    if task == "edits" and model == "dall-e-3":
        raise errors.invalid("model", "dall-e-3 does not edit images")


def _delivered(n: int, directive: Directive) -> int:
    if directive.failure == "empty":
        return 0
    return n if directive.images is None else directive.images


def _prompt(fields: dict[str, Any], *, task: Task) -> str:
    prompt = fields.get("prompt")
    if prompt is None and task == "variations":
        return "A variation"
    if prompt is None or prompt == "":
        raise errors.missing("prompt")
    if not isinstance(prompt, str):
        raise errors.invalid("prompt", "it must be a string")
    if len(prompt) > MAX_PROMPT_CHARACTERS:
        message = f"Invalid 'prompt': string too long, at most {MAX_PROMPT_CHARACTERS} characters."
        raise ApiError(message, code="string_above_max_length", param="prompt")
    return prompt


def _size(fields: dict[str, Any]) -> Size:
    asked = fields.get("size")
    if asked is None or asked == AUTO:
        return DEFAULT_SIZE
    size = Size.parse(asked) if isinstance(asked, str) else None
    if size is None:
        raise errors.invalid("size", f"{str(asked)[:40]!r} is not a size from 16x16 to 4096x4096")
    return size


def _quality(fields: dict[str, Any], *, model: str) -> str:
    quality = AUTO if fields.get("quality") is None else fields["quality"]
    if not isinstance(quality, str) or not _QUALITY.fullmatch(quality):
        raise errors.invalid("quality", f"{str(quality)[:40]!r} is no quality")
    if quality == AUTO:
        return _DEFAULT_QUALITY
    return quality if _is_dall_e(model) else _ECHOED_FOR_DALL_E_ONLY.get(quality, quality)


def _wants_url(fields: dict[str, Any], *, model: str) -> bool:
    default = "url" if _is_dall_e(model) else "b64_json"
    return _one_of(fields, "response_format", ("url", "b64_json"), default=default) == "url"


def _is_dall_e(model: str) -> bool:
    return model.startswith("dall-e")


def _background(fields: dict[str, Any], *, output_format: str) -> str:
    """The background: any word but `transparent` and `opaque` counts as `auto`, drawn opaque."""
    asked = fields.get("background")
    background = asked if isinstance(asked, str) and asked in _BACKGROUNDS else "opaque"
    if background == "transparent" and output_format == "jpeg":
        raise errors.invalid("background", "a transparent background needs png or webp")
    return background


def _one_of(fields: dict[str, Any], name: str, words: tuple[Word, ...], *, default: Word) -> Word:
    value = fields.get(name)
    if value is None:
        return default
    for word in words:
        if value == word:
            return word
    raise errors.invalid(name, f"{str(value)[:40]!r} is not one of {', '.join(words)}")


def _integer(fields: dict[str, Any], name: str, *, low: int, high: int, default: int) -> int:
    value = fields.get(name)
    if value is None:
        return default
    number = int(value) if isinstance(value, str) and _DIGITS.fullmatch(value) else value
    if isinstance(number, bool) or not isinstance(number, int) or not low <= number <= high:
        raise errors.invalid(name, f"it must be an integer from {low} to {high}")
    return number


def _flag(fields: dict[str, Any], name: str) -> bool:
    value = fields.get(name)
    if value in (None, False, "false", "False", "0"):
        return False
    if value in (True, "true", "True", "1"):
        return True
    raise errors.invalid(name, "it must be true or false")
