"""The call of exports to the app that writes tenants' lists and checks access."""

from datetime import datetime
from typing import IO, TYPE_CHECKING, Protocol

from pictor.kit.running.plugs import Plug

if TYPE_CHECKING:  # apps plug in before there are models
    from accounts.models import Tenant, User


class Lists(Protocol):
    """The writer of lists that take too long for a request."""

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
        """Write a list to a file as this member sees it.

        Args:
            name: the list's name.
            query: its filters, as in the query string of its page.
            tenant: the list's tenant.
            user: the person who requested it.
            at: the time of the request.
            file: takes the bytes.

        Raises:
            PermissionDenied: the person may not see the list, or no longer.
        """


lists = Plug[Lists]("storage.lists is not plugged in")
