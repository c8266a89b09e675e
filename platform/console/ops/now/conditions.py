"""Open conditions as the overview shows them, and the actions on each."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from console.ops.access import POST, Operator, Permission, by, done, staff
from console.ops.now.kinds import PARTLY, UNSERVED, ConditionKind, kind_of
from console.parts.page_guards import View
from generation.models import Condition, Incident
from generation.oversight import conditions
from generation.oversight.conditions.kinds import public_title_of, title_of
from generation.oversight.incidents import under_way
from pictor.kit.words import clock

INCIDENT = "incident"
"""The kind of an incident's row, which no look finds."""
OVERDUE = "update_overdue"
"""A condition for alerts; on the overview the incident's own row says it."""


@dataclass(frozen=True, slots=True)
class ConditionRow:
    """A condition or an incident; `url` is the page to fix it, empty if the role has none."""

    condition: Condition
    kind: ConditionKind
    url: str
    is_mine: bool

    @property
    def title(self) -> str:
        return title_of(self.condition.kind)

    @property
    def is_felt(self) -> bool:
        """True if customers notice the condition, so that it can start an incident."""
        return bool(public_title_of(self.condition.kind))


def rows_of(operator: Operator, conditions: Iterable[Condition]) -> list[ConditionRow]:
    """Sort conditions by severity, then by the money they cost, then by age, the oldest first."""
    return _worst_first(_row(operator, condition) for condition in conditions)


def needing_rows(
    operator: Operator, conditions: Iterable[Condition], now: datetime
) -> list[ConditionRow]:
    """The rows that need attention: incidents under way and conditions, the worst first."""
    rows = rows_of(operator, [one for one in conditions if one.kind != OVERDUE])
    return _worst_first([*(_incident_row(one, now) for one in under_way(now=now)), *rows])


def _worst_first(rows: Iterable[ConditionRow]) -> list[ConditionRow]:
    return sorted(
        rows,
        key=lambda row: (row.kind.severity, -(row.condition.micros or 0), row.condition.since),
    )


def _incident_row(incident: Incident, now: datetime) -> ConditionRow:
    """An incident that customers read of, as a row that cannot be silenced."""
    due = incident.next_update_at
    verb = "is" if due is None or due > now else "was"
    words = f"next update {verb} due by {due:%-d %B, %H:%M} UTC" if due else "no update promised"
    condition = Condition(
        kind=INCIDENT,
        object=incident.title,
        words=f"{incident.state_at(now).label}; {words}",
        since=incident.begins_at,
    )
    severity = PARTLY if incident.is_maintenance else UNSERVED
    url = reverse("ops:incident", args=[incident.pk])
    return ConditionRow(condition, ConditionKind(severity, "See incident"), url, is_mine=False)


def _row(operator: Operator, condition: Condition) -> ConditionRow:
    kind = kind_of(condition)
    url = kind.way(condition) if kind.way and kind.needs in operator.may else ""
    return ConditionRow(condition, kind, url, condition.assigned_to == operator.user.email)


@staff(Permission.SEE)
def lead(request: HttpRequest, operator: Operator, condition: int) -> HttpResponse:
    """Redirect from a mail to the condition's page, or to the overview if the condition ended."""
    found = conditions.condition_by_id(condition)
    if found is None or found.resolved_at is not None:
        ended = f" since {found.resolved_at:%-d %B, %H:%M:%S} UTC" if found else ""
        messages.info(request, f"That is over{ended}.")
        return redirect("ops:overview")
    (row,) = rows_of(operator, [found])
    return redirect(row.url or f"{reverse('ops:overview')}#condition-{found.pk}")


Further = Callable[[HttpRequest, Operator], Mapping[str, Any]]
"""Returns what a service takes besides the condition."""


def _action(
    service: Callable[..., Condition], words: str, further: Further = lambda *_: {}
) -> View:
    """Return the view that calls a service; the overview shows the result or the refusal."""

    @staff(Permission.INCIDENTS, POST)
    def view(request: HttpRequest, operator: Operator, condition: int) -> HttpResponse:
        given = {**further(request, operator), **by(request, operator)}
        try:
            service(condition_id=condition, **given)
        except ValidationError as error:
            messages.error(request, " ".join(error.messages))
            return redirect("ops:overview")
        return done(request, words, "overview")

    return view


def _why(request: HttpRequest, _operator: Operator) -> Mapping[str, Any]:
    return {"why": request.POST.get("why", ""), "now": clock.now()}


ACTIONS = {
    "assign": _action(
        conditions.assign, "Assigned to you", lambda _, operator: {"to": operator.user.email}
    ),
    "unassign": _action(conditions.unassign, "Assigned to nobody"),
    "silence": _action(conditions.silence, "Silenced for 4 hours", _why),
    "accept": _action(conditions.accept, "Accepted for good", _why),
    "recall": _action(conditions.recall, "Shown again"),
}
"""By the name and the end of their addresses."""
