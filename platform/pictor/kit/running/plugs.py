"""Places where an app plugs in an implementation for an app below, so that no import points up.

ledger = Plug[Ledger]("accounts has no ledger")   # accounts/ledger.py
ledger.plug_in(load)                              # billing/apps.py, once a process
ledger().open_account(tenant_id=…)                # accounts, whenever it needs the ledger
"""

from collections.abc import Callable
from typing import Generic, TypeVar

from django.core.exceptions import ImproperlyConfigured

T = TypeVar("T")


class Plug(Generic[T]):
    """A place for one implementation of a protocol; `lacking` is the error's text without one."""

    def __init__(self, lacking: str) -> None:
        self._lacking = lacking
        self._load: Callable[[], T] | None = None

    def plug_in(self, load: Callable[[], T]) -> None:
        """Set the implementation. `load` is called at each use, and not before the first."""
        self._load = load

    def __call__(self) -> T:
        """Return the implementation. Raises ImproperlyConfigured if none is plugged in."""
        if self._load is None:
            raise ImproperlyConfigured(
                f"{self._lacking}: an app of INSTALLED_APPS must plug itself in"
            )
        return self._load()
