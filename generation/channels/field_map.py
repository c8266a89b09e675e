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
from typing import Any

from generation.channels.declaration import AUTO_SIZE, Abilities, Task
from generation.channels.size_rules import Size

MAX_CHARS, MAX_ENTRIES = 8_192, 60
"""Of a map as JSON; of each of its tables."""
FIXED = "fixed"
_NAME = re.compile("[A-Za-z_][A-Za-z0-9_]{0,63}")
_FORMS = {"size": ("object", "sides", "star", "text"), "images": ("list", "one", "numbered")}
_MAY_LACK = frozenset({"n", "size", "quality", "images", "output_format", "output_compression"})
_OWN = frozenset({"model", "prompt", "quality", "output_format"})
"""Names that are sent as they are, unless they are mapped."""
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
        targets = [*_table(FIXED, typed.get(FIXED, {})), *(_OWN - entries.keys())]
        for name, entry in entries.items():
            if name != FIXED:
                targets += _checked_entry(name, entry)
        twice = {target for target in targets if targets.count(target) > 1}
        if wrong := [*twice, *(each for each in targets if not _NAME.fullmatch(each))]:
            raise ValueError(f"{min(wrong)!r} is named twice, or is no field's name")
        return dict(typed)

    def narrowed(self, abilities: Abilities, typed: Mapping[str, Any]) -> Abilities:
        """The abilities of a route with that map."""
        if not typed:
            return abilities
        named = {name for name, entry in typed.items() if entry and name != FIXED}
        lacks = {name for name, entry in typed.items() if not entry}
        # An order in JSON has no files.
        lacks |= {"mask", "markup"} if "images" in typed else set()
        fields = (abilities.fields | named) - lacks - typed.get(FIXED, {}).keys()
        changed: dict[str, Any] = {"takes_parameters": False, "parameters": frozenset(named)}
        if "images" in typed:
            fields = fields - {"images", "image"} | ({"image"} if typed["images"] else set())
            changed |= _with_images(abilities, typed["images"])
        if "n" in lacks:
            changed["max_n"] = 1
        if "size" in lacks:
            changed |= {"sizes": frozenset({AUTO_SIZE}), "size_rule": None}
        if sizes := _words(typed.get("size")):
            changed |= {"sizes": frozenset({AUTO_SIZE, *sizes}), "size_rule": None}
        if "output_format" in typed:
            words = _words(typed["output_format"]) or abilities.formats
            changed["formats"] = frozenset() if "output_format" in lacks else frozenset(words)
        return replace(abilities, fields=frozenset(fields), **changed)

    def told(self, typed: Mapping[str, Any]) -> list[str]:
        """What the map says, a line for each field."""
        return [f"{name} = {json.dumps(entry, sort_keys=True)}" for name, entry in typed.items()]

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


def _words(entry: object) -> Mapping[str, Any]:
    words: Mapping[str, Any] = entry.get("words", {}) if isinstance(entry, dict) else {}
    return words


def _checked_entry(name: str, entry: object) -> list[str]:
    """The names that it is sent by. Raises ValueError."""
    if not _NAME.fullmatch(name) or name in _NEITHER:
        raise ValueError(f"{name!r} cannot be mapped")
    if isinstance(entry, str) and (entry or name in _MAY_LACK):
        return [entry] if entry else []
    table = _table(name, entry)
    words = _table(f"{name}.words", table.get("words", {}))
    for size in words if name == "size" else ():
        if size != AUTO_SIZE:
            Size.parse(size)
    if words and all(isinstance(word, dict) for word in words.values()):
        return sorted({target for word in words.values() for target in word})
    form, forms = table.get("as", ""), _FORMS.get(name, ())
    if table.keys() - {"to", "as", "words"} or (form and form not in forms):
        raise ValueError(f"{name} has to, words, and as: {', '.join(forms) or 'not here'}")
    return _targets(name, table.get("to"), most=2 if form == "sides" else 1)


def _targets(name: str, to: object, *, most: int) -> list[str]:
    named = to if isinstance(to, list) else [to]
    texts = [each for each in named if isinstance(each, str)]
    if len(texts) != len(named) or len(texts) != most or isinstance(to, list) != (most > 1):
        raise ValueError(f"{name}.to is a field's name, or a list of two with as = 'sides'")
    return texts


def _with_images(abilities: Abilities, entry: Any) -> dict[str, Any]:
    if not entry:
        return {"tasks": abilities.tasks - {Task.EDIT}, "max_images": 0}
    is_one = isinstance(entry, dict) and entry.get("as") == "one"
    return {
        "tasks": abilities.tasks | {Task.EDIT},
        "max_images": 1 if is_one else abilities.max_images,
    }


def _sent(entry: Any, value: Any) -> Mapping[str, object]:
    if isinstance(entry, str):
        return {entry: value} if entry else {}
    word = _words(entry).get(value, value) if isinstance(value, str) else value
    if isinstance(word, dict):
        return word
    form = entry.get("as")
    if word == AUTO_SIZE and form in _FORMS["size"]:
        return {}  # the model chooses
    return _WAYS.get(form, _as_it_is)(entry.get("to"), word)


def _sides(text: str) -> tuple[int, int]:
    size = Size.parse(text)
    return size.width, size.height


def _as_it_is(to: Any, value: Any) -> dict[str, object]:
    return {to: value}


_WAYS: Mapping[str, Callable[[Any, Any], dict[str, object]]] = {
    "object": lambda to, size: {to: dict(zip(("width", "height"), _sides(size), strict=True))},
    "sides": lambda to, size: dict(zip(to, _sides(size), strict=True)),
    "star": lambda to, size: {to: size.replace("x", "*")},
    "one": lambda to, images: {to: images[0]},
    "numbered": lambda to, images: {
        f"{to}_{number}" if number > 1 else to: image for number, image in enumerate(images, 1)
    },
}
