"""The declared abilities of a kind of channel. Pure: dispatch and the catalogue read them.

A vendor's folder declares its adapter once, in `kind.py`; an operator may narrow a channel further,
by the fields, tasks and numbers of images that its account does not honour.
"""

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from math import ceil
from typing import Any, Protocol

from generation.channels.size_rules import Size, SizeRule

STREAM_FIELDS = ("stream", "partial_images")
"""A channel that ignores either of them gets a plain call."""


MAX_IMAGES = 16
"""Images of one edit, besides its mask."""
OUTPUT_FORMATS = ("png", "jpeg", "webp")
"""The formats of images, the usual one first."""
OVERLAYS = ("mask", "markup")
"""Files of an edit that lie over its first image; it has at most one of them."""


class Task(StrEnum):
    """The task of a request, and of a call to an upstream."""

    GENERATE = "generate"
    EDIT = "edit"
    VARIATION = "variation"


AUTO_SIZE = "auto"
"""The upstream chooses the size."""
REFUSABLE = (Task.EDIT, Task.VARIATION)
"""Tasks that an operator may take from a channel."""


@dataclass(frozen=True, slots=True)
class Needs:
    """The abilities that a request needs of a channel, besides its size.

    Attributes:
        images: those to be edited or varied; reference images of a generation are a plain field.
        overlay: of an edit, the one of OVERLAYS that it has.
    """

    task: Task = Task.GENERATE
    images: int = 0
    overlay: str = ""


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
        fields: those honoured, of all that are passed on; edits may have those of OVERLAYS.
        streams: partial images are possible.
        max_images: the most images that one edit may begin with.
        takes_parameters: a contract's own parameters are sent under their names.
        parameters: those that are sent otherwise.
        formats: those it can be asked for; others are made here from what comes.
        sizes: those it makes, with AUTO_SIZE if it may choose; None is every size.
        size_rule: it makes these sizes, and those of `sizes` that are listed.
        max_n: the most images of one order; more are several orders. 0 is any number.
    """

    tasks: frozenset[Task] = frozenset()
    fields: frozenset[str] = frozenset()
    streams: bool = False
    max_images: int = 0
    takes_parameters: bool = False
    parameters: frozenset[str] = frozenset()
    formats: frozenset[str] = frozenset()
    sizes: frozenset[str] | None = None
    size_rule: SizeRule | None = None
    max_n: int = 0

    def with_parameters(self, names: Iterable[str]) -> "Abilities":
        """The abilities for a contract with these parameters."""
        sent = names if self.takes_parameters else self.parameters.intersection(names)
        return replace(self, fields=self.fields.union(sent))

    @property
    def simplest(self) -> Needs:
        """The needs of a generation or, if it makes none, of an edit of one image."""
        return PLAIN if Task.GENERATE in self.tasks else Needs(Task.EDIT, images=1)

    def orders_for(self, n: int) -> int:
        """The number of orders for so many images."""
        return ceil(n / self.max_n) if self.max_n else 1

    def makes(self, size: str) -> bool:
        """True if it makes that size itself or, if it is AUTO_SIZE, chooses one."""
        if self.sizes is not None and size in self.sizes:
            return True
        if self.size_rule is None:
            return self.sizes is None
        return size != AUTO_SIZE and self.size_rule.allows(Size.parse(size))

    def with_sizes(self, chosen: Collection[str] | None) -> "Abilities":
        """The abilities with only those sizes that an operator chose; None is all of them."""
        if chosen is None:
            return self
        return replace(self, sizes=frozenset(filter(self.makes, chosen)), size_rule=None)

    def sizes_near(self, size: Size) -> list[Size]:
        """The sizes from which a replacement of one that it does not make is chosen.

        Always in the same order, the narrower first, so that every process chooses the same of two
        that are equally near.
        """
        listed = [Size.parse(name) for name in self.sizes or () if name != AUTO_SIZE]
        return sorted([*listed, *(self.size_rule.near(size) if self.size_rule else ())])

    def without(
        self,
        ignored: Collection[str],
        *,
        tasks: Collection[str] = (),
        max_images: int | None = None,
        max_n: int = 0,
    ) -> "Abilities":
        """The abilities without those an operator has excluded.

        Args:
            ignored: fields, including those of STREAM_FIELDS.
            tasks: of REFUSABLE.
            max_images: a smaller number than the kind's.
            max_n: likewise; 0 leaves it.
        """
        return replace(
            self,
            tasks=self.tasks.difference(tasks),
            fields=self.fields.difference(ignored),
            streams=self.streams and not set(STREAM_FIELDS).intersection(ignored),
            max_images=self.max_images if max_images is None else min(self.max_images, max_images),
            max_n=min(filter(None, (self.max_n, max_n)), default=0),
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
        if needs.overlay and needs.overlay not in self.fields:
            return MissingAbility(f"takes a {needs.overlay}", needs.overlay)
        return None


_CAN = {
    Task.GENERATE: "makes images",
    Task.EDIT: "edits images",
    Task.VARIATION: "makes variations",
}


class RequestMap(Protocol):
    """What an operator may type of how a route's requests are put to the vendor; {} is nothing."""

    def checked(self, typed: Mapping[str, Any]) -> dict[str, Any]:
        """The map in stored form. Raises ValueError in words for a person."""
        ...

    def narrowed(self, abilities: Abilities, typed: Mapping[str, Any]) -> Abilities:
        """The abilities of a route with that map."""
        ...

    def told(self, typed: Mapping[str, Any]) -> list[str]:
        """What the map says, a line for each field."""
        ...


@dataclass(frozen=True, slots=True)
class CredentialForm:
    """The form of a vendor's credential, as a whole."""

    name: str
    pattern: re.Pattern[str]
    fault: str = "is empty or has characters that no key has"

    def checked(self, text: str) -> str:
        """The credential without surrounding spaces. Raises ValueError in words for a person."""
        credential = text.strip()
        if not self.pattern.fullmatch(credential):
            raise ValueError(f"the {self.name} {self.fault}")
        return credential


@dataclass(frozen=True, slots=True)
class AccountSetting:
    """A word that calls of an account have besides its key, such as a project's name."""

    name: str
    pattern: re.Pattern[str]
    is_needed: bool = True


HEADER_KEY = CredentialForm("API key", re.compile("[!-~]+"))
"""Any characters that a header may carry."""
