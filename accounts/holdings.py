"""The calls of accounts to apps above that keep tenants' data. Each app registers at start-up.

plug_in(load)                    # in each app's apps.py, once per process
for one in holdings(): …         # in accounts, to export or erase a tenant's data
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

Rows = Iterator[Mapping[str, Any]]


class Holdings(Protocol):
    """The tenants' data that one app keeps."""

    def tables(self, tenant_id: UUID) -> Iterable[tuple[str, Rows]]:
        """Yield table names, each with its rows, read lazily: no table is held whole in memory.

        Values must be of types that DjangoJSONEncoder takes.
        """

    def files(self, tenant_id: UUID) -> Iterable[tuple[str, Iterable[bytes]]]:
        """Yield file names with a path, each with its bytes, read lazily."""

    def erase(self, *, tenant_id: UUID, now: datetime) -> None:
        """Erase personal data, outside any transaction; safe to call again.

        Raises ValidationError while something cannot be erased yet.
        """


_plugged: list[Callable[[], Holdings]] = []


def plug_in(load: Callable[[], Holdings]) -> None:
    """Register an app that keeps tenants' data. `load` is called on first use."""
    if load not in _plugged:
        _plugged.append(load)


def holdings() -> list[Holdings]:
    """The registered apps, in the order of INSTALLED_APPS."""
    return [load() for load in _plugged]
