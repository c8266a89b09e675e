"""What a kind of channel declares of itself. Pure: dispatch and the catalogue read it.

A vendor's folder declares its adapter once, in `kind.py`; an operator may narrow a channel further,
by the names of the request's fields that the account behind it does not honour.
"""

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # operators' commands read declarations, and need no HTTP client
    from generation.channels.base import Adapter, ChannelConfig
    from pictor.kit.http import HttpPool
    from pictor.kit.spool import Spools

PASSED_ON = (
    "style",
    "background",
    "watermark",
    "image",
    "mask",
    "moderation",
    "input_fidelity",
    "user",
    "safety_identifier",
)
"""Fields of a request that go to the upstream exactly as they came, or not at all."""
STREAM_FIELDS = ("stream", "partial_images")
"""A channel that ignores either of them gets a plain call."""
NARROWABLE = (*PASSED_ON, *STREAM_FIELDS)
"""What an operator may say that a channel ignores."""


class Task(StrEnum):
    """What an upstream is asked to do."""

    GENERATE = "generate"


@dataclass(frozen=True, slots=True)
class Abilities:
    """What may be asked of a channel; by default nothing.

    Attributes:
        fields: those of PASSED_ON that are honoured.
        streams: partial images can be had.
    """

    tasks: frozenset[Task] = frozenset()
    fields: frozenset[str] = frozenset()
    streams: bool = False

    def without(self, ignored: Collection[str]) -> "Abilities":
        """The same, less the fields (of NARROWABLE) that an operator says are ignored."""
        return replace(
            self,
            fields=self.fields.difference(ignored),
            streams=self.streams and not set(STREAM_FIELDS).intersection(ignored),
        )


@dataclass(frozen=True, slots=True)
class CredentialForm:
    """What a vendor's credential looks like, as a whole."""

    name: str
    pattern: re.Pattern[str]

    def checked(self, text: str) -> str:
        """The credential without spaces around it. Raises ValueError in words for a person."""
        credential = text.strip()
        if not self.pattern.fullmatch(credential):
            raise ValueError(f"the {self.name} is empty or has characters that no key has")
        return credential


HEADER_KEY = CredentialForm("API key", re.compile("[!-~]+"))
"""Anything that can be sent in a header."""


@dataclass(frozen=True, slots=True)
class AdapterKind:
    """One kind of channel: its adapter, and what is known of it before any call.

    Attributes:
        name: as it is stored with a channel.
        open: makes the adapter of one account. Cheap.
    """

    name: str
    open: "Callable[[ChannelConfig, HttpPool, Spools], Adapter]"
    abilities: Abilities
    credential: CredentialForm
