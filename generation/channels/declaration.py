"""What a kind of channel declares of itself. Pure: dispatch and the catalogue read it.

A vendor's folder declares its adapter once, in `kind.py`; an operator may narrow a channel further,
by what the account behind it does not honour: fields of a request, tasks, many images at once.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass, replace
from enum import StrEnum

STREAM_FIELDS = ("stream", "partial_images")
"""A channel that ignores either of them gets a plain call."""


class Task(StrEnum):
    """What a caller asks for, and what an upstream is asked to do."""

    GENERATE = "generate"
    EDIT = "edit"
    VARIATION = "variation"


REFUSABLE = (Task.EDIT, Task.VARIATION)
"""What an operator may say that a channel does not do."""


@dataclass(frozen=True, slots=True)
class Needs:
    """What a request needs of a channel besides its size.

    Attributes:
        images: that are to be edited or varied; those of a generation are a field like others.
        has_mask: of an edit.
    """

    task: Task = Task.GENERATE
    images: int = 0
    has_mask: bool = False


PLAIN = Needs()
"""What a generation needs."""


@dataclass(frozen=True, slots=True)
class Lack:
    """Something that a channel cannot do.

    Attributes:
        what: as in 'no channel …'.
        field: of the request, where it would do with less in that field.
    """

    what: str
    field: str = ""


@dataclass(frozen=True, slots=True)
class Abilities:
    """What may be asked of a channel; by default nothing.

    Attributes:
        fields: those that are honoured, of all that is passed on; with `mask`, edits may have one.
        streams: partial images can be had.
        max_images: that one edit may begin with.
    """

    tasks: frozenset[Task] = frozenset()
    fields: frozenset[str] = frozenset()
    streams: bool = False
    max_images: int = 0

    def without(
        self,
        ignored: Collection[str],
        *,
        tasks: Collection[str] = (),
        max_images: int | None = None,
    ) -> "Abilities":
        """The same, less what an operator says.

        Args:
            ignored: fields, of STREAM_FIELDS too.
            tasks: of REFUSABLE, which the channel does not do.
            max_images: fewer than the kind of channel takes.
        """
        return replace(
            self,
            tasks=self.tasks.difference(tasks),
            fields=self.fields.difference(ignored),
            streams=self.streams and not set(STREAM_FIELDS).intersection(ignored),
            max_images=self.max_images if max_images is None else min(self.max_images, max_images),
        )

    def task_for(self, needs: Needs) -> Task | None:
        """What it would be asked; a variation that it does not know is an edit. None: it cannot."""
        if self.lack(needs):
            return None
        return needs.task if needs.task in self.tasks else Task.EDIT

    def lack(self, needs: Needs) -> Lack | None:
        """The first thing that it cannot do; None when it can do it all."""
        if needs.task not in self.tasks and not (
            needs.task == Task.VARIATION and Task.EDIT in self.tasks
        ):
            return Lack(_CAN[needs.task])
        if needs.task == Task.GENERATE:
            return None
        most = self.max_images if "image" in self.fields else 0
        if needs.images > most:
            what = f"takes {needs.images} image{'s' if needs.images > 1 else ''}"
            return Lack(what, "image" if most else "")
        is_masked = needs.has_mask and "mask" not in self.fields
        return Lack("takes a mask", "mask") if is_masked else None


_CAN = {
    Task.GENERATE: "makes images",
    Task.EDIT: "edits images",
    Task.VARIATION: "makes variations",
}


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
