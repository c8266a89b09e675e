"""The calls of accounts to apps above that keep tenants' data. Each plugs itself in at start-up.

plug_in(load)                    # each of their apps.py, once a process
for one in holdings(): …         # accounts, to hand a tenant's data out or erase it
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

Rows = Iterator[Mapping[str, Any]]


class Holdings(Protocol):
    """The tenants' data that one app keeps."""

    def tables(self, tenant_id: UUID) -> Iterable[tuple[str, Rows]]:
        """Names, and the rows under each, read as they are asked for: nothing is whole in memory.

        Values are what DjangoJSONEncoder takes.
        """

    def files(self, tenant_id: UUID) -> Iterable[tuple[str, Iterable[bytes]]]:
        """Names with a path, and the bytes of each, read as they are asked for."""

    def erase(self, *, tenant_id: UUID, now: datetime) -> None:
        """Erase what is of persons, outside any transaction; safe to call again.

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
