"""A vendor's names for a request's fields: usual ones of its kind, and an operator's of a route.

    size = { to = "image_size", as = "object" }     # or "sides", of two names; "star"; "text"
    size = { words = { 1024x1024 = { aspect_ratio = "1:1", resolution = "1k" } } }
    images = { to = "image_urls", as = "list" }     # or "one"; "numbered": input_image, …_2, …_3
    output_format = { to = "format", words = { jpeg = "jpg", png = "png" } }
    seed = "seed_number"
    n = ""                                          # it has none: each order is for one image
    fixed = { enable_safety_checker = false }

What a map leaves out has the kind's usual name, but of a contract's parameters only those that it
names are sent. Pure.
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from generation.channels.declaration import AUTO_SIZE, Abilities, Task
from generation.channels.size_rules import Size

if TYPE_CHECKING:  # operators' commands read maps, and make no requests
    from generation.channels.base import UpstreamRequest

MAX_CHARS, MAX_ENTRIES = 8_192, 60
"""Of a map as JSON; of each of its tables."""
FIXED = "fixed"
_NAME = re.compile("[A-Za-z_][A-Za-z0-9_]{0,63}")
_FORMS = {"size": ("object", "sides", "star", "text"), "images": ("list", "one", "numbered")}
_MAY_LACK = frozenset({"n", "size", "quality", "images", "output_format", "output_compression"})
_OWN = frozenset({
    *("model", "prompt", "n", "size", "quality", "output_format", "output_compression"),
    *("response_format", "stream", "partial_images"),
})  # fmt: skip
"""Names that kinds send as they are, unless they are mapped."""
_NEITHER = frozenset({"model", "stream", "partial_images", "image", "mask", "markup"})


class FieldMap:
    """The names of one kind, which each route may change."""

    def __init__(self, **usual: Any) -> None:
        self._usual = usual

    def checked(self, typed: Mapping[str, Any]) -> dict[str, Any]:
        """The map in stored form. Raises ValueError in words for a person."""
        if len(json.dumps(typed)) > MAX_CHARS or len(typed) > MAX_ENTRIES:
            raise ValueError(f"a map has at most {MAX_ENTRIES} fields and {MAX_CHARS} characters")
        entries = {**self._usual, **typed}
        targets = [*_table(FIXED, entries.pop(FIXED, {})), *(_OWN - entries.keys())]
        for name, entry in entries.items():
            targets += _targets(name, entry)
        twice = {target for target in targets if targets.count(target) > 1}
        if wrong := [*twice, *(each for each in targets if not _NAME.fullmatch(each))]:
            raise ValueError(f"{min(wrong)!r} is named twice, or is no field's name")
        return dict(typed)

    def narrowed(self, abilities: Abilities, typed: Mapping[str, Any]) -> Abilities:
        """The abilities of a route with that map."""
        if not typed:
            return abilities
        fixed, images = typed.get(FIXED, {}), typed.get("images")
        entries = {"image" if name == "images" else name: entry for name, entry in typed.items()}
        named = {name for name, entry in entries.items() if entry} - {FIXED}
        lacks = entries.keys() - named - {FIXED}
        # An order in JSON has no files.
        files = set() if images is None else {"mask", "markup"}
        fields = (abilities.fields | named) - lacks - files - fixed.keys()
        changed: dict[str, Any] = {"takes_parameters": False, "parameters": frozenset(named)}
        if images is not None:
            most = 1 if images and _full(images).get("as") == "one" else abilities.max_images
            changed["tasks"] = abilities.tasks - {Task.EDIT} | ({Task.EDIT} if images else set())
            changed["max_images"] = most if images else 0
        if "n" in lacks:
            changed["max_n"] = 1
        if "size" in lacks or _words(typed.get("size")):
            sizes = {AUTO_SIZE, *_words(typed["size"])}
            changed |= {"sizes": frozenset(sizes), "size_rule": None}
        if "output_format" in typed:
            words = _words(typed["output_format"]) or abilities.formats
            changed["formats"] = frozenset() if "output_format" in lacks else frozenset(words)
        return replace(abilities, fields=frozenset(fields), **changed)

    def told(self, typed: Mapping[str, Any]) -> list[str]:
        """What the map says, a line for each field."""
        return [f"{name} = {json.dumps(entry, sort_keys=True)}" for name, entry in typed.items()]

    def body_of(
        self, typed: Mapping[str, Any], request: "UpstreamRequest", images: Sequence[object]
    ) -> dict[str, object]:
        """The fields of an order, whose images have gone up."""
        own = {
            "prompt": request.prompt,
            "n": request.n,
            "size": request.size,
            "quality": request.quality,
            # Where nobody asks, many models make a jpeg; one without this field overlooks it.
            "output_format": request.output_format or "png",
        }
        given = {name: value for name, value in own.items() if value is not None}
        return self.body(typed, {**request.fields, **given}, images)

    def body(
        self,
        typed: Mapping[str, Any],
        fields: Mapping[str, object],
        images: Sequence[object] = (),
    ) -> dict[str, object]:
        """The fields by the vendor's names; `images` stand in place of the field `image`."""
        entries = {**self._usual, **typed}
        body: dict[str, object] = dict(typed.get(FIXED, {}))
        given = {**fields, "images": images} if images else fields
        for name, value in given.items():
            if not (images and name == "image"):
                body |= _sent(entries.get(name, name), value)
        return body


def _table(name: str, value: object) -> Mapping[str, Any]:
    if not isinstance(value, dict) or len(value) > MAX_ENTRIES:
        raise ValueError(f"{name} must be a table of at most {MAX_ENTRIES}")
    return value


def _full(entry: Any) -> Mapping[str, Any]:
    return entry if isinstance(entry, dict) else {"to": entry}


def _words(entry: Any) -> Mapping[str, Any]:
    words: Mapping[str, Any] = _full(entry).get("words", {})
    return words


def _targets(name: str, entry: Any) -> list[str]:
    """The names that it is sent by. Raises ValueError."""
    if not _NAME.fullmatch(name) or name in _NEITHER:
        raise ValueError(f"{name!r} cannot be mapped")
    if entry == "" and name in _MAY_LACK:
        return []
    table = _full(entry) if isinstance(entry, str) and entry else _table(name, entry)
    words = _table(f"{name}.words", table.get("words", {}))
    for size in words if name == "size" else ():
        if size != AUTO_SIZE:
            Size.parse(size)
    if words and all(isinstance(word, dict) for word in words.values()):
        return sorted({target for word in words.values() for target in word})
    form, forms = table.get("as", ""), _FORMS.get(name, ())
    if table.keys() - {"to", "as", "words"} or (form and form not in forms):
        raise ValueError(f"{name} has to, words, and as: {', '.join(forms) or 'not here'}")
    to = table.get("to")
    named: list[Any] = to if form == "sides" and isinstance(to, list) else [to]
    if len(named) != 1 + (form == "sides") or not all(isinstance(each, str) for each in named):
        raise ValueError(f"{name}.to is a field's name, or a list of two with as = 'sides'")
    return named


def _sent(entry: Any, value: Any) -> Mapping[str, object]:
    words = _words(entry)
    word = words.get(value, value) if isinstance(value, str) else value
    if isinstance(word, dict) and word is not value:
        return word
    to, form = _full(entry).get("to"), _full(entry).get("as", "")
    if not to or (word == AUTO_SIZE and (form in _FORMS["size"] or words)):
        return {}  # there is no such field, or the model chooses
    return _WAYS[form](to, word)


def _sides(text: str) -> tuple[int, int]:
    size = Size.parse(text)
    return size.width, size.height


_WAYS: Mapping[str, Callable[[Any, Any], dict[str, object]]] = {
    **dict.fromkeys(("", "text", "list"), lambda to, word: {to: word}),
    "object": lambda to, size: {to: dict(zip(("width", "height"), _sides(size), strict=True))},
    "sides": lambda to, size: dict(zip(to, _sides(size), strict=True)),
    "star": lambda to, size: {to: size.replace("x", "*")},
    "one": lambda to, images: {to: images[0]},
    "numbered": lambda to, images: {
        f"{to}_{number}" if number > 1 else to: image for number, image in enumerate(images, 1)
    },
}
