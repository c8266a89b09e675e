"""What accounts asks of the ledger. The ledger lies above accounts, so it plugs itself in at start.

plug_in(load)                              # billing/apps.py, once a process
ledger().open_account(tenant_id=…)         # accounts, whenever it needs the ledger
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol
from uuid import UUID

from django.core.exceptions import ImproperlyConfigured

from pictor.kit.money import Micros

if TYPE_CHECKING:  # apps plug in before there are models
    from accounts.models import Actor


class Ledger(Protocol):
    """Whoever keeps the tenants' money. Each change is part of the caller's transaction."""

    def open_account(self, *, tenant_id: UUID) -> object:
        """An account for a tenant, with nothing in it. Safe to call again."""

    def top_up(self, *, tenant_id: UUID, amount: Micros, reason: str, actor: "Actor") -> object:
        """Money the tenant paid in. Raises ValidationError unless it is above 0."""

    def credit(self, *, tenant_id: UUID, amount: Micros, reason: str, actor: "Actor") -> object:
        """A gift of the operator's. Raises ValidationError unless it is above 0."""

    def available_to(self, tenant_id: UUID) -> Micros:
        """What the tenant can spend now."""


_plugged: list[Callable[[], Ledger]] = []


def plug_in(load: Callable[[], Ledger]) -> None:
    """Say who keeps the ledger. `load` is called when it is first needed, not before."""
    _plugged[:] = [load]


def ledger() -> Ledger:
    """The ledger that is plugged in. Raises ImproperlyConfigured where none is."""
    if not _plugged:
        raise ImproperlyConfigured(
            "accounts has no ledger: an app of INSTALLED_APPS must call accounts.ledger.plug_in"
        )
    return _plugged[0]()
