"""The audit log's columns and filters that both consoles have."""

from collections.abc import Callable, Mapping

from django.utils.timezone import localtime

from accounts.audit_words import object_words
from console.parts.audit_events import AuditEntry
from console.parts.cells import Cell, Column
from console.parts.listing import Filter

CELLS = "parts/audit_cell.html"
"""The template of the columns' cells."""
ABOUT = Filter(label="Id of what was changed", chip="Id")


def first_columns(zone: str) -> list[Column[AuditEntry]]:
    return [
        Column(
            title=f"At, {zone}",
            cell=lambda entry: f"{localtime(entry.event.at):%-d %b %Y, %H:%M:%S}",
        ),
        Column(
            title="Who did what",
            cell=lambda entry: Cell(f"{entry.who.name} {entry.did}", note=entry.event.object_id),
        ),
    ]


def last_columns(csv: Mapping[str, Callable[[AuditEntry], object]]) -> list[Column[AuditEntry]]:
    return [
        Column(title="From", cell=lambda entry: entry.address),
        Column(title="Before and after", cell=lambda entry: entry.cells[1]),
        Column(csv=csv),
    ]


CSV: Mapping[str, Callable[[AuditEntry], object]] = {
    "at": lambda entry: entry.event.at,
    "by": lambda entry: entry.who.name,
    "action": lambda entry: entry.did,
    "object": lambda entry: object_words(entry.event.object_type),
    "id": lambda entry: entry.event.object_id,
    "before": lambda entry: entry.cells[0],
    "after": lambda entry: entry.cells[1],
    "ip": lambda entry: entry.address,
}
"""The columns of a tenant's file."""
