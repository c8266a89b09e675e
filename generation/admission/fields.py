"""The fields of a request for images, defined once for parser, document, errors and rules.

api/requests.py reads, documents and refuses their shapes; rules.py checks them against a contract.
"""

from dataclasses import dataclass, replace
from typing import Literal

from generation.channels.declaration import OUTPUT_FORMATS, OVERLAYS, Task

MAX_COUNT = 10
MAX_PASSED_ON_CHARS = 64_000
MAX_PROMPT_CHARS = 32_000
"""The limit of the models with the longest prompts."""

Shape = Literal[
    "text", "prompt", "count", "word", "number", "flag", "tag", "long_text", "text_or_object",
    "image_or_images", "image", "file", "files",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a body.

    Attributes:
        about: its description in the document.
        words: the choices of a `word`.
        most: the highest value of a `number`, which starts at 0.
        is_passed_on: it goes to the upstream unchanged, or not at all.
        is_required: the parser refuses a body without it, by its bare name.
        is_nullable: null means the same as its absence, in the document too.
    """

    name: str
    shape: Shape
    about: str
    words: tuple[str, ...] = ()
    most: int = 0
    is_passed_on: bool = False
    is_required: bool = False
    is_nullable: bool = True


_MASK = "A png or webp of the first image's size, transparent where the image may change."
_MARKUP = "A transparent png of the first image's size, with notes drawn on it; without a mask."
_STRICT = "If true, an image of another size than requested is refused and not charged."

GENERATION = (
    Field("model", "text", "A model's name from GET /v1/models.",
          is_required=True, is_nullable=False),
    Field("prompt", "prompt", "What the image should show. Not blank.", is_nullable=False),
    Field("n", "count", "Number of images, 1 to 10. Default 1."),
    Field("size", "text",
          "`WxH`, a preset such as `16:9`, or `auto`: see the model's `sizes` and `size_rule`."),
    Field("quality", "text", "A quality of the model: low, medium, high, auto, standard or hd."),
    Field("response_format", "word", "How images are returned.", ("url", "b64_json", "base64")),
    Field("style", "text_or_object", "Sent to the upstream unchanged.", is_passed_on=True),
    Field("background", "text_or_object", "Sent to the upstream unchanged.", is_passed_on=True),
    Field("watermark", "flag", "Sent to the upstream if given, true or false.",
          is_passed_on=True),
    Field("image", "image_or_images",
          "Reference image: base64, a data URI, an address, or an object with one.",
          is_passed_on=True),
    Field("mask", "image", "As OpenAI.", is_passed_on=True),
    Field("output_format", "word", "Format of the bytes. Default png.", OUTPUT_FORMATS),
    Field("output_compression", "number", "0 to 100, for jpeg and webp. Ignored for png.",
          most=100),
    Field("user", "tag", "Your own tag for the end user.", is_passed_on=True),
    Field("safety_identifier", "tag", "As OpenAI.", is_passed_on=True),
    Field("moderation", "word", "As OpenAI.", ("auto", "low"), is_passed_on=True),
    Field("stream", "flag", "Answer as server-sent events."),
    Field("partial_images", "number", "0 to 3, with stream.", most=3),
    Field("input_fidelity", "word", "As OpenAI.", ("high", "low"), is_passed_on=True),
    Field("complexity", "word", "As OpenAI: how long the model plans.", ("low", "medium", "high"),
          is_passed_on=True),
    Field("strict_size", "flag",
          f"{_STRICT} If every channel last delivered another size for this one, the answer is a"
          " 503 and no channel is called."),
)  # fmt: skip
"""The body of POST /v1/images/generations; the other bodies are derived from it."""

_BY_NAME = {field.name: field for field in GENERATION}


def _edit_fields(*own: Field) -> tuple[Field, ...]:
    """A generation's fields without `style`; an edit's own take the place of their namesakes."""
    known = {name: field for name, field in _BY_NAME.items() if name != "style"}
    return tuple((known | {field.name: field for field in own}).values())


EDIT = _edit_fields(
    Field(
        "images",
        "image_or_images",
        "Images to edit, 1 to 16, each in a form that a generation's `image` takes.",
    ),
    Field("image", "image_or_images", "The same under another name."),
    Field("mask", "image", _MASK),
    Field("markup", "image", _MARKUP, is_passed_on=True),
)
PASSED_ON = tuple(dict.fromkeys(field.name for field in (*GENERATION, *EDIT) if field.is_passed_on))
REFERENCES = ("image", *OVERLAYS)
"""Fields with images, by the names that they have once they are parsed."""
EDIT_FORM = _edit_fields(
    Field("image", "file",
          "One image: png, jpeg or webp, at most 50 MiB. Several are sent as `image[]`."),
    Field("mask", "file", _MASK),
    Field("markup", "file", _MARKUP),
    Field("image[]", "files", "Several images, at most 16, instead of `image`."),
    replace(_BY_NAME["background"], shape="long_text"),
)  # fmt: skip
FILES = tuple(field.name for field in EDIT_FORM if field.shape in {"file", "files"})
TEXTS = tuple(field.name for field in EDIT_FORM if field.name not in FILES)
VARIATION_FORM = (
    replace(_BY_NAME["model"], about="Default and only value: dall-e-2.", is_required=False),
    Field("image", "file", "The image to vary: a square png, at most 50 MiB. Required.",
          is_required=True),
    _BY_NAME["n"],
    replace(_BY_NAME["size"], about="256x256, 512x512 or 1024x1024. Default 1024x1024."),
    *map(_BY_NAME.__getitem__, ("response_format", "output_format", "output_compression", "user")),
    replace(_BY_NAME["strict_size"], about=_STRICT),
)  # fmt: skip
BODIES = {Task.GENERATE: GENERATION, Task.EDIT: EDIT, Task.VARIATION: VARIATION_FORM}
QUOTE = (
    *GENERATION,
    next(field for field in EDIT if field.name == "markup"),
    Field("task", "word",
          "The kind of request; `image` holds its reference images. Default generate; all cost the"
          " same.",
          tuple(task.value for task in Task)),
    Field("explain", "flag",
          "If true, `size_plan`, `upstream_size` and `ignored` say how the request would be served"
          " now. Default false."),
)  # fmt: skip
