"""A wake-up that carries the finished generation, so that whoever waits for it need not read it.

It goes through the broker, which never sees words of a prompt: a revised prompt is not told, and a
generation that has one is read. What else is not told of a row is deferred, and not to be had on an
event loop: code that comes to need more of it fails at once, and does not answer from a field that
was never filled.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeVar
from uuid import UUID

from django.db import DEFAULT_DB_ALIAS, models

from generation.models import Generation
from generation.selectors import Finished
from storage.models import StoredImage

_OF_GENERATION = frozenset(
    {
        *("model", "task", "state", "livemode", "response_format"),
        *("captured_micros", "answer", "error"),
    }
)
_OF_IMAGE = frozenset({"object_key", "content_type", "format", "size_bytes", "width", "height"})
_WORDS = "revised_prompt"
Row = TypeVar("Row", bound=models.Model)


def has_words(finished: Finished) -> bool:
    """Whether an answer says more than may be told."""
    return any(getattr(image, _WORDS) for image in finished.images)


def told(finished: Finished) -> dict[str, Any]:
    """What an answer is rendered from, as JSON has it."""
    return {
        "id": str(finished.generation.id),
        "generation": {name: getattr(finished.generation, name) for name in _OF_GENERATION},
        "images": [{name: getattr(image, name) for name in _OF_IMAGE} for image in finished.images],
    }


def heard(message: Mapping[str, Any]) -> Finished:
    """The same again. Raises ValueError, TypeError, KeyError or AttributeError for others."""
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
