"""A wake-up that carries the finished generation, so that whoever waits for it need not read it.

It goes through the broker, which never sees words of a prompt: a revised prompt is not told, and a
generation that has one is read. What else is not told of a row is deferred, and not to be had on an
event loop: code that comes to need more of it fails at once, and does not answer from a field that
was never filled.

Web processes and workers of two releases run beside each other. So what is told carries the number
of its format, and beside it the generation's id, which every release reads: what cannot be read is
looked up.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar
from uuid import UUID

from django.db import DEFAULT_DB_ALIAS, models

from generation.models import Generation
from generation.selectors import Finished
from storage.models import StoredImage

FORMAT = 1
"""Of what is told; without a number it is 1, as 0.1.0 told it. A field more is no other format."""
_UNREADABLE = (ValueError, TypeError, KeyError, AttributeError)

_OF_GENERATION = frozenset(
    {
        *("model", "task", "state", "livemode", "response_format"),
        *("captured_micros", "answer", "error"),
    }
)
_OF_IMAGE = frozenset({"object_key", "content_type", "format", "size_bytes", "width", "height"})
_WORDS = "revised_prompt"
Row = TypeVar("Row", bound=models.Model)


@dataclass(slots=True)
class Heard:
    """What a message says.

    Attributes:
        finished: what can be answered from.
        ids: generations that are final and have to be read.
        is_clear: False where it says more than could be made out.
    """

    finished: list[Finished] = field(default_factory=list)
    ids: list[UUID] = field(default_factory=list)
    is_clear: bool = True


def has_words(finished: Finished) -> bool:
    """Whether an answer says more than may be told."""
    return any(getattr(image, _WORDS) for image in finished.images)


def told(finished: Finished) -> dict[str, Any]:
    """What an answer is rendered from, as JSON has it."""
    return {
        "format": FORMAT,
        "id": str(finished.generation.id),
        "generation": {name: getattr(finished.generation, name) for name in _OF_GENERATION},
        "images": [{name: getattr(image, name) for name in _OF_IMAGE} for image in finished.images],
    }


def heard(message: str | bytes) -> Heard:
    """What a wake-up of this release or of another says: ids, and what is told."""
    found = Heard()
    try:
        for one in json.loads(message):
            _hear(one, found)
    except _UNREADABLE:
        found.is_clear = False
    return found


def _hear(one: str | Mapping[str, Any], found: Heard) -> None:
    """Raises ValueError, TypeError, KeyError or AttributeError where not even an id is in it."""
    if isinstance(one, str):
        found.ids.append(UUID(one))
        return
    try:
        found.finished.append(_finished(one))
    except _UNREADABLE:
        found.ids.append(UUID(one["id"]))


def _finished(message: Mapping[str, Any]) -> Finished:
    if message.get("format", FORMAT) != FORMAT:
        raise ValueError("it is told in another format")
    images: Iterable[Mapping[str, Any]] = message["images"]
    generation = {**message["generation"], "id": UUID(message["id"])}
    return Finished(
        _row(Generation, _HEARD_OF_GENERATION, generation),
        tuple(_row(StoredImage, _HEARD_OF_IMAGE, {**image, _WORDS: ""}) for image in images),
    )


def _row(kind: type[Row], names: Sequence[str], values: Mapping[str, Any]) -> Row:
    return kind.from_db(DEFAULT_DB_ALIAS, names, [values[name] for name in names])


def _ordered(kind: type[models.Model], *names: str) -> Sequence[str]:
    # pylint: disable=protected-access
    fields = kind._meta.concrete_fields  # noqa: SLF001 - Django's documented way to fields
    return [field.attname for field in fields if field.attname in names]


_HEARD_OF_GENERATION = _ordered(Generation, *_OF_GENERATION, "id")
_HEARD_OF_IMAGE = _ordered(StoredImage, *_OF_IMAGE, _WORDS)
