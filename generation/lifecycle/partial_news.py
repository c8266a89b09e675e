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


_EACH = Pause(0.0, "a partial image is not announced")
"""No pause after a failure: each partial image was made and stored, so each is tried."""


def announce_command(partial: PartialImage) -> RedisCommand[bool]:
    """The command that tells the web processes of a partial image.

    Its result is False if Redis did not take it.
    """
    words = ("PUBLISH", PARTIALS, partial.as_json())
    return RedisCommand(words, lambda _: True, lambda: False, _EACH)
