"""A contract's own parameters: fields of a request that only some models have. Pure.

    [parameters]
    seed = { type = "integer", least = 0, most = 4294967295 }
    style = { type = "word", words = ["photo", "drawing"], default = "photo" }
    negative_prompt = { type = "text", most = 2000 }
    grounding = { type = "flag", default = false }

None changes a price. A default is sent where a channel takes the parameter.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any

from pictor.kit.bytes.multipart import FormText
from pictor.kit.words.errors import InvalidRequest

MAX_PARAMETERS = 20
MAX_WORDS = 50
MAX_CHARS = 4_000
MAX_NUMBER = 2**53 - 1
"""The largest whole number that every JSON parser reads exactly."""
TYPES = ("integer", "number", "word", "text", "flag")
RESERVED = frozenset({
    "model", "prompt", "n", "size", "quality", "response_format", "style", "background",
    "watermark", "image", "images", "image[]", "mask", "output_format", "output_compression",
    "user", "safety_identifier", "moderation", "stream", "partial_images", "input_fidelity",
    "complexity", "markup", "strict_size", "task", "explain", "aspect_ratio", "resolution",
    "metadata",
})  # fmt: skip
"""Fields that every model has, or may have: no parameter has such a name."""
KEYS = ("type", "least", "most", "words", "default")
"""The keys of a parameter in a file, in order: the database keeps none."""
_NAME = re.compile("[a-z][a-z0-9_]{0,31}", re.ASCII)
_WHOLE = re.compile("-?[0-9]{1,16}", re.ASCII)
_DECIMAL = re.compile(r"-?[0-9]{1,16}(\.[0-9]{1,20})?(e-?[0-9]{1,2})?", re.ASCII)
_NEEDS: Mapping[str, tuple[str, ...]] = {
    "integer": ("least", "most"),
    "number": ("least", "most"),
    "word": ("words",),
    "text": ("most",),
    "flag": (),
}


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter.

    Attributes:
        least: of an integer or number, inclusive.
        most: of these, or the characters of a text.
        words: the choices of a word.
        default: the value that is sent if the caller gives none; None for none.
    """

    name: str
    type: str
    least: float | None = None
    most: float | None = None
    words: tuple[str, ...] = ()
    default: Any = None

    def checked(self, value: Any) -> Any:
        """Return a caller's value in its type. Raises InvalidRequest."""
        if isinstance(value, FormText):
            value = self.of_text(value)
        match self.type:
            case "integer" | "number":
                return self._number(value)
            case "flag":
                if not isinstance(value, bool):
                    raise self._refusal("invalid_type", "must be true or false")
            case _:
                self._check_text(value)
        return value

    @property
    def schema(self) -> dict[str, Any]:
        """Its JSON Schema."""
        types = {"word": "string", "text": "string", "flag": "boolean"}
        schema: dict[str, Any] = {"type": types.get(self.type, self.type)}
        if self.type in {"integer", "number"}:
            schema |= {"minimum": self.least, "maximum": self.most}
        if self.type == "text":
            schema["maxLength"] = self.most
        if self.words:
            schema["enum"] = [*self.words]
        return schema if self.default is None else {**schema, "default": self.default}

    def of_text(self, text: str) -> Any:
        """A form's text in its type, whatever its bounds; other text is returned unchanged."""
        if self.type == "flag":
            return {"true": True, "false": False}.get(text.lower(), text)
        if self.type == "integer" and _WHOLE.fullmatch(text):
            return int(text)
        if self.type == "number" and _DECIMAL.fullmatch(text):
            return float(text)
        return str(text)

    def _number(self, value: Any) -> Any:
        if self.type == "integer" and isinstance(value, float) and value.is_integer():
            value = int(value)  # JSON Schema: 1.0 is one
        is_number = isinstance(value, int | float if self.type == "number" else int)
        if isinstance(value, bool) or not is_number:
            raise self._refusal("invalid_type", f"must be {_A[self.type]}")
        if self.least is None or self.most is None or not self.least <= value <= self.most:
            raise self._refusal("invalid_value", f"must be between {self.least} and {self.most}")
        return value

    def _check_text(self, value: Any) -> None:
        if not isinstance(value, str):
            raise self._refusal("invalid_type", "must be a string")
        if "\0" in value:
            raise self._refusal("invalid_value", "must not contain NUL characters")
        if self.words and value not in self.words:
            raise self._refusal("invalid_value", f"must be one of {', '.join(self.words)}")
        if self.most is not None and len(value) > self.most:
            words = f"must have at most {self.most} characters"
            raise self._refusal("string_above_max_length", words)

    def _refusal(self, code: str, words: str) -> InvalidRequest:
        return InvalidRequest(f"{self.name} {words}.", code=code, param=self.name)


_A = {"integer": "an integer", "number": "a number"}
_KEYS = frozenset(one.name for one in fields(Parameter))


def parameter_of(row: Mapping[str, Any]) -> Parameter:
    """A parameter from its stored form: the keys of a file, and its name."""
    return Parameter(**{**row, "words": tuple(row.get("words", ()))})


def faults_of(row: Mapping[str, Any]) -> Iterator[str]:
    """What is wrong with a parameter in its stored form, in words after its name."""
    name, kind = row.get("name"), row.get("type")
    if not isinstance(name, str) or not _NAME.fullmatch(name) or name in RESERVED:
        yield "cannot be the name of a parameter"
    elif kind not in TYPES:
        yield f"needs a type: {', '.join(TYPES)}"
    elif unknown := sorted(row.keys() - {"name", "type", "default", *_NEEDS[kind]}):
        yield f"has no {unknown[0]}: it is {kind}"
    elif missing := [key for key in _NEEDS[kind] if key not in row]:
        yield f"needs {missing[0]}"
    else:
        yield from _wrong_bounds(row, kind)


def _wrong_bounds(row: Mapping[str, Any], kind: str) -> Iterator[str]:
    words, least, most = row.get("words", []), row.get("least", 1), row.get("most", 1)
    number = float | int if kind == "number" else int
    bounds = (least, most)
    if any(isinstance(one, bool) or not isinstance(one, number) for one in bounds):
        yield "has bounds that are no numbers"
    elif not -MAX_NUMBER <= least <= most <= (MAX_CHARS if kind == "text" else MAX_NUMBER):
        yield "has bounds the wrong way round, or too large"
    elif not isinstance(words, list) or not all(isinstance(word, str) for word in words):
        yield "must have a list of words"
    elif kind == "word" and not 0 < len(set(words)) == len(words) <= MAX_WORDS:
        yield f"needs 1 to {MAX_WORDS} words, each once"
    elif row.get("default") is not None:
        try:
            parameter_of(row).checked(row["default"])
        except InvalidRequest as error:
            yield f"has a default that it refuses: {error.message}"
