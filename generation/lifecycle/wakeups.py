"""A wake-up that carries the finished generation, so that its waiter need not read the row.

It goes through the broker, which never sees words of a prompt: a generation with a revised prompt
is read from the database. Columns that are not carried are deferred and cannot be loaded on an
event loop, so code that needs one more of them fails at once instead of using an empty field.

Web processes and workers of two releases run side by side. So a wake-up carries the number of its
format, and the generation's id, which every release reads: an unreadable one is looked up.
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
"""The format's number; 0.1.0 sent none, which means 1. A new field does not change it."""
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
class WakeUp:
    """The content of a message.

    Attributes:
        finished: the generations that it carries.
        ids: final generations to be read from the database.
        is_clear: False if a part of it was unreadable.
    """

    finished: list[Finished] = field(default_factory=list)
    ids: list[UUID] = field(default_factory=list)
    is_clear: bool = True


def has_words(finished: Finished) -> bool:
    """True if an answer contains words that may not be carried."""
    return any(getattr(image, _WORDS) for image in finished.images)


def answer_json(finished: Finished) -> dict[str, Any]:
    """The data of an answer, as JSON."""
    return {
        "format": FORMAT,
        "id": str(finished.generation.id),
        "generation": {name: getattr(finished.generation, name) for name in _OF_GENERATION},
        "images": [{name: getattr(image, name) for name in _OF_IMAGE} for image in finished.images],
    }


def read_wakeup(message: str | bytes) -> WakeUp:
    """Read a wake-up of this or another release: ids, and carried generations."""
    wakeup = WakeUp()
    try:
        for part in json.loads(message):
            _hear(part, wakeup)
    except _UNREADABLE:
        wakeup.is_clear = False
    return wakeup


def _hear(part: str | Mapping[str, Any], wakeup: WakeUp) -> None:
    """Read one entry. Raises ValueError, TypeError, KeyError or AttributeError without an id."""
    if isinstance(part, str):
        wakeup.ids.append(UUID(part))
        return
    try:
        wakeup.finished.append(_read_finished(part))
    except _UNREADABLE:
        wakeup.ids.append(UUID(part["id"]))


def _read_finished(message: Mapping[str, Any]) -> Finished:
    if message.get("format", FORMAT) != FORMAT:
        raise ValueError("it is told in another format")
    images: Iterable[Mapping[str, Any]] = message["images"]
    generation = {**message["generation"], "id": UUID(message["id"])}
    return Finished(
        _row(Generation, _HEARD_OF_GENERATION, generation),
        # A generation with a revised prompt is never carried, so here there is none.
        tuple(_row(StoredImage, _HEARD_OF_IMAGE, {**image, _WORDS: ""}) for image in images),
    )


def _row(kind: type[Row], names: Sequence[str], values: Mapping[str, Any]) -> Row:
    return kind.from_db(DEFAULT_DB_ALIAS, names, [values[name] for name in names])


def _in_column_order(kind: type[models.Model], *names: str) -> Sequence[str]:
    # pylint: disable=protected-access
    fields = kind._meta.concrete_fields  # noqa: SLF001 - Django's documented way to fields
    # The order in which `from_db` takes values.
    return [field.attname for field in fields if field.attname in names]


_HEARD_OF_GENERATION = _in_column_order(Generation, *_OF_GENERATION, "id")
_HEARD_OF_IMAGE = _in_column_order(StoredImage, *_OF_IMAGE, _WORDS)
