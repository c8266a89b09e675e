"""What accounts asks of the app above it when somebody stops being staff (`kit/plugs.py`)."""

from typing import TYPE_CHECKING, Protocol

from pictor.kit.plugs import Plug

if TYPE_CHECKING:  # apps plug in before there are models
    from accounts.models import Actor


class Duties(Protocol):
    """What staff see to."""

    def hand_back(self, *, of: str, actor: "Actor", ip: str | None = None) -> None:
        """Let nobody see to what this e-mail address saw to, in the caller's transaction."""


duties = Plug[Duties]("accounts knows nobody's duties")
