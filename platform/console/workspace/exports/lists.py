"""Lists that take too long for a request, and how each is written to a file."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import IO, Any

from django.core.exceptions import PermissionDenied
from django.http import QueryDict

from accounts.models import Tenant, User
from accounts.selectors.office.members import membership_in
from console.parts.exports import csv_chunks
from console.workspace import audit
from console.workspace.access import Permission, Workspace, allows
from console.workspace.generations import pages as generations
from console.workspace.generations import zip_files
from console.workspace.money import pages as money


@dataclass(frozen=True, slots=True)
class ExportedList:
    """A list: its words, the permission to see it, its columns and its rows at a time.

    One without columns is a zip file, read at a time.
    """

    words: str
    needs: Permission
    columns: Sequence[str]
    pages: Callable[[Workspace, QueryDict, datetime], Iterable[Any]]


LISTS: Mapping[str, ExportedList] = {
    "generations": ExportedList(
        "generations", Permission.SEE_GENERATIONS, generations.COLUMNS, generations.pages_of
    ),
    "ledger": ExportedList("ledger entries", Permission.SEE_MONEY, money.COLUMNS, money.pages_of),
    "audit": ExportedList("audit events", Permission.SEE_AUDIT, audit.COLUMNS, audit.pages_of),
    "images": ExportedList(
        "images of a generation", Permission.SEE_GENERATIONS, (), zip_files.chunks_of
    ),
}
"""By the name of the page, which is that of the export."""


def write(
    *, name: str, query: str, tenant: Tenant, user: User, at: datetime, file: IO[bytes]
) -> None:
    """Write a list as this member sees it; see storage.lists.Lists."""
    membership, listed = membership_in(user.id, tenant.public_id), LISTS[name]
    if membership is None or not user.is_active or not allows(membership.role, listed.needs):
        raise PermissionDenied
    workspace = Workspace.of_member(membership)
    pages = listed.pages(workspace, QueryDict(query), at)
    for chunk in csv_chunks(listed.columns, pages) if listed.columns else pages:
        file.write(chunk)
