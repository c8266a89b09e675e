"""What an app asks of one above it, which plugs itself in at start, so that no import points up.

ledger = Plug[Ledger]("accounts has no ledger")   # accounts/ledger.py
ledger.plug_in(load)                              # billing/apps.py, once a process
ledger().open_account(tenant_id=…)                # accounts, whenever it needs the ledger
"""

from collections.abc import Callable
from typing import Generic, TypeVar

from django.core.exceptions import ImproperlyConfigured

T = TypeVar("T")


class Plug(Generic[T]):
    """A place for one implementation of a protocol; `lacking` says what is so without one."""

    def __init__(self, lacking: str) -> None:
        self._lacking = lacking
        self._load: Callable[[], T] | None = None

    def plug_in(self, load: Callable[[], T]) -> None:
        """Say who it is. `load` is called when it is first needed, not before."""
        self._load = load

    def __call__(self) -> T:
        """What is plugged in. Raises ImproperlyConfigured where nothing is."""
        if self._load is None:
            raise ImproperlyConfigured(
                f"{self._lacking}: an app of INSTALLED_APPS must plug itself in"
            )
        return self._load()
