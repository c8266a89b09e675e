"""The call that accounts makes to the app above when a person stops being staff (`plugs.py`)."""

from typing import TYPE_CHECKING, Protocol

from pictor.kit.running.plugs import Plug

if TYPE_CHECKING:  # apps plug in before there are models
    from accounts.models import Actor


class Duties(Protocol):
    """The tasks assigned to staff."""

    def hand_back(self, *, of: str, actor: "Actor", ip: str | None = None) -> None:
        """Unassign the tasks of this e-mail address, in the caller's transaction."""


duties = Plug[Duties]("accounts.duties is not plugged in")
