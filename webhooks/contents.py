"""What webhooks asks of the app whose generations it tells of, which plugs itself in."""

from collections.abc import Mapping
from typing import Any, Protocol
from uuid import UUID

from pictor.kit.running.plugs import Plug


class Contents(Protocol):
    """Whoever keeps the generations."""

    def data_of(self, subject_id: UUID) -> Mapping[str, Any]:
        """The `data` of its event: JSON without words of persons, prompts or addresses of images.

        The same whenever it is asked, once the event has happened.
        """


contents = Plug[Contents]("nobody says what came of a generation")
