"""What webhooks asks of the apps whose events it carries: what is said of a subject.

plug_in("generation", load)      # generation/apps.py, once a process
data_of(event)                   # webhooks, before an event is sent for the first time
"""

from collections.abc import Callable, Mapping
from typing import Any, Protocol
from uuid import UUID

from pictor.kit.plugs import Plug


class Contents(Protocol):
    """Whoever keeps the subjects of some kind of events."""

    def data_of(self, subject_id: UUID) -> Mapping[str, Any]:
        """The `data` of its event: JSON without words of persons, prompts or addresses of images.

        The same whenever it is asked, once the event has happened.
        """


_plugs: dict[str, Plug[Contents]] = {}


def plug_in(kind: str, load: Callable[[], Contents]) -> None:
    """Say who knows the subjects of `kind.…` events. `load` is called when it is first needed."""
    _plugs[kind] = Plug(f"nobody knows {kind} events")
    _plugs[kind].plug_in(load)


def data_of(event_type: str, subject_id: UUID) -> Mapping[str, Any]:
    """The `data` of an event."""
    kind, _, _ = event_type.partition(".")
    return _plugs[kind]().data_of(subject_id)
