"""The declared abilities of a kind of channel. Pure: dispatch and the catalogue read them.

A vendor's folder declares its adapter once, in `kind.py`; an operator may narrow a channel further,
by the fields, tasks and numbers of images that its account does not honour.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass, replace
from enum import StrEnum

STREAM_FIELDS = ("stream", "partial_images")
"""A channel that ignores either of them gets a plain call."""


class Task(StrEnum):
    """The task of a request, and of a call to an upstream."""

    GENERATE = "generate"
    EDIT = "edit"
    VARIATION = "variation"


REFUSABLE = (Task.EDIT, Task.VARIATION)
"""Tasks that an operator may take from a channel."""


@dataclass(frozen=True, slots=True)
class Needs:
    """The abilities that a request needs of a channel, besides its size.

    Attributes:
        images: those to be edited or varied; reference images of a generation are a plain field.
        has_mask: of an edit.
    """

    task: Task = Task.GENERATE
    images: int = 0
    has_mask: bool = False


PLAIN = Needs()
"""The needs of a generation."""


@dataclass(frozen=True, slots=True)
class MissingAbility:
    """An ability that a channel lacks.

    Attributes:
        what: as in 'no channel …'.
        field: the request's field that asks too much; empty if no smaller value would help.
    """

    what: str
    field: str = ""


@dataclass(frozen=True, slots=True)
class Abilities:
    """The abilities of a channel; by default none.

    Attributes:
        fields: those honoured, of all that are passed on; with `mask`, edits may have one.
        streams: partial images are possible.
        max_images: the most images that one edit may begin with.
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
        """The abilities without those an operator has excluded.

        Args:
            ignored: fields, including those of STREAM_FIELDS.
            tasks: of REFUSABLE.
            max_images: a smaller number than the kind's.
        """
        return replace(
            self,
            tasks=self.tasks.difference(tasks),
            fields=self.fields.difference(ignored),
            streams=self.streams and not set(STREAM_FIELDS).intersection(ignored),
            max_images=self.max_images if max_images is None else min(self.max_images, max_images),
        )

    def task_for(self, needs: Needs) -> Task | None:
        """The task to send; a variation may be sent as an edit. None if it lacks an ability."""
        if self.lack(needs):
            return None
        return needs.task if needs.task in self.tasks else Task.EDIT

    def lack(self, needs: Needs) -> MissingAbility | None:
        """The first ability it lacks; None if it has all."""
        if needs.task not in self.tasks and not (
            needs.task == Task.VARIATION and Task.EDIT in self.tasks
        ):
            return MissingAbility(_CAN[needs.task])
        if needs.task == Task.GENERATE:
            return None
        # A channel whose operator ignores `image` takes none at all.
        most = self.max_images if "image" in self.fields else 0
        if needs.images > most:
            what = f"takes {needs.images} image{'s' if needs.images > 1 else ''}"
            return MissingAbility(what, "image" if most else "")
        is_masked = needs.has_mask and "mask" not in self.fields
        return MissingAbility("takes a mask", "mask") if is_masked else None


_CAN = {
    Task.GENERATE: "makes images",
    Task.EDIT: "edits images",
    Task.VARIATION: "makes variations",
}


@dataclass(frozen=True, slots=True)
class CredentialForm:
    """The form of a vendor's credential, as a whole."""

    name: str
    pattern: re.Pattern[str]

    def checked(self, text: str) -> str:
        """The credential without surrounding spaces. Raises ValueError in words for a person."""
        credential = text.strip()
        if not self.pattern.fullmatch(credential):
            raise ValueError(f"the {self.name} is empty or has characters that no key has")
        return credential


HEADER_KEY = CredentialForm("API key", re.compile("[!-~]+"))
"""Any characters that a header may carry."""
