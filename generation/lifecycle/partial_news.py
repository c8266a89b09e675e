"""News of a stored partial image, for the web process that streams to its caller.

A hint that may be lost, like a wake-up: then the caller gets one preview fewer. Only the object's
key goes through Redis, never the image.
"""

import json
from dataclasses import asdict, dataclass, fields
from typing import Self
from uuid import UUID

from pictor.kit.redis.client import RedisCommand
from pictor.kit.running.pauses import Pause

PARTIALS = "pictor:partials"
"""Pub/sub channel: one partial image per message, as a JSON object."""
KEPT_SECONDS = 480
"""The longest time a generation takes: pages show no partial image of one that has ended."""
FORMAT = 1
"""The format of a message without a number. No message has one yet: 0.1.0 drops messages with new
fields."""


@dataclass(frozen=True, slots=True)
class PartialImage:
    """A stored partial image, and the data of its event.

    Attributes:
        generation_id: a UUID as text.
        key: the object's key.
        image: the index of the generation's image it becomes, from 0.
        index: its place among the partials of that image, from 0.
        size: its true pixels, `WxH`.
        created: Unix seconds.
    """

    generation_id: str
    key: str
    image: int
    index: int
    size: str
    output_format: str
    quality: str
    background: str
    created: int

    def as_json(self) -> str:
        """The message's text."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str | bytes) -> Self:
        """Read the form published by this or another release.

        Raises ValueError, TypeError, KeyError or AttributeError for anything else.
        """
        facts = json.loads(text)
        if facts.get("format", FORMAT) != FORMAT:
            raise ValueError("it is announced in another format")
        return cls(**{field.name: facts[field.name] for field in fields(cls)})

    @property
    def generation(self) -> UUID:
        """The generation's id. Raises ValueError if it is not one."""
        return UUID(str(self.generation_id))


def keep_command(partial: PartialImage) -> RedisCommand[bool]:
    """The command that keeps it for a page that looks again and again; the next one replaces it."""
    words = ("SET", _kept_key(partial.generation), partial.as_json(), "EX", KEPT_SECONDS)
    return RedisCommand(words, lambda _: True, lambda: False, _EACH)


def kept_command(generation_id: UUID) -> RedisCommand[PartialImage | None]:
    """The command that reads the last one that was kept; None if there is none."""
    return RedisCommand(("GET", _kept_key(generation_id)), _read, lambda: None, _LOOK)


def _kept_key(generation_id: UUID) -> str:
    return f"pictor:partial:{generation_id}"


def _read(text: bytes | None) -> PartialImage | None:
    try:
        return PartialImage.from_json(text) if text else None
    except (ValueError, TypeError, KeyError, AttributeError):  # another release's
        return None


_LOOK = Pause(1.0, "partial images are not shown")
_EACH = Pause(0.0, "a partial image is not announced")
"""No pause after a failure: each partial image was made and stored, so each is tried."""


def announce_command(partial: PartialImage) -> RedisCommand[bool]:
    """The command that tells the web processes of a partial image.

    Its result is False if Redis did not take it.
    """
    words = ("PUBLISH", PARTIALS, partial.as_json())
    return RedisCommand(words, lambda _: True, lambda: False, _EACH)
