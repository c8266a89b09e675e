"""The call of webhooks to the app that keeps the generations, which plugs itself in."""

from collections.abc import Mapping
from typing import Any, Protocol
from uuid import UUID

from pictor.kit.running.plugs import Plug


class Contents(Protocol):
    """The keeper of the generations."""

    def data_of(self, subject_id: UUID) -> Mapping[str, Any]:
        """Return the `data` of a generation's event: JSON without prompts, tags or image addresses.

        Once the event has happened, the result is always the same.
        """


contents = Plug[Contents]("webhooks.contents is not plugged in")
