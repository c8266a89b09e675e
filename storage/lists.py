"""What exports ask of whoever knows a tenant's lists and who may see them; it plugs itself in."""

from datetime import datetime
from typing import IO, TYPE_CHECKING, Protocol

from pictor.kit.running.plugs import Plug

if TYPE_CHECKING:  # apps plug in before there are models
    from accounts.models import Tenant, User


class Lists(Protocol):
    """Whoever writes the lists that are too long to be waited for."""

    def write(
        self,
        *,
        name: str,
        query: str,
        tenant: "Tenant",
        user: "User",
        at: datetime,
        file: IO[bytes],
    ) -> None:
        """Write a list to a file as that member sees it.

        Args:
            name: which list.
            query: how it is filtered, as its page's address says it.
            tenant: whose it is.
            user: who asked for it.
            at: as of when.
            file: takes the bytes.

        Raises:
            PermissionDenied: they may not see it, or not any more.
        """


lists = Plug[Lists]("nobody writes lists")
