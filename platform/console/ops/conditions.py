"""Open conditions as the overview shows them, and what one does about each."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from console.ops.access import May, Operator, by, done, staff
from console.ops.incident_forms import PUBLIC_WORDS
from console.ops.kinds import Channels, Kind, kind_of
from generation import conditions
from generation.conditions.condition_titles import title_of
from generation.models import Channel, Condition
from pictor.kit.words import clock


@dataclass(frozen=True, slots=True)
class Row:
    """A condition in the list; `url` is where it is mended, empty where they have no such page."""

    condition: Condition
    kind: Kind
    url: str
    is_mine: bool

    @property
    def title(self) -> str:
        """Of its kind."""
        return title_of(self.condition.kind)

    @property
    def is_felt(self) -> bool:
        """Whether customers feel it, so that an incident begins with it."""
        return self.condition.kind in PUBLIC_WORDS


def rows_of(operator: Operator, found: Iterable[Condition]) -> list[Row]:
    """The worst first: by how bad they are, then by what they cost, then the oldest."""
    channels = dict(Channel.objects.values_list("name", "id"))
    rows = [_row(operator, one, channels) for one in found]
    return sorted(
        rows,
        key=lambda row: (row.kind.severity, -(row.condition.micros or 0), row.condition.since),
    )


def _row(operator: Operator, condition: Condition, channels: Channels) -> Row:
    kind = kind_of(condition)
    url = kind.way(condition, channels) if kind.way and kind.needs in operator.may else ""
    return Row(condition, kind, url, condition.assigned_to == operator.user.email)


@staff(May.SEE)
@require_safe
def lead(request: HttpRequest, operator: Operator, condition: int) -> HttpResponse:
    """Lead from a mail to where the condition's button leads; once it is over, to the overview."""
    found = Condition.objects.filter(id=condition).first()
    if found is None or found.resolved_at is not None:
        ended = f" since {found.resolved_at:%-d %B, %H:%M:%S} UTC" if found else ""
        messages.info(request, f"That is over{ended}.")
        return redirect("ops:overview")
    (row,) = rows_of(operator, [found])
    return redirect(row.url or f"{reverse('ops:overview')}#condition-{found.pk}")


@staff(May.INCIDENTS)
@require_POST
def assign(request: HttpRequest, operator: Operator, condition: int) -> HttpResponse:
    """Say that the person who asks sees to it."""
    act = partial(conditions.assign, to=operator.user.email)
    return _tried(request, operator, condition, act, "Assigned to you")


@staff(May.INCIDENTS)
@require_POST
def unassign(request: HttpRequest, operator: Operator, condition: int) -> HttpResponse:
    """Say that nobody does."""
    return _tried(request, operator, condition, conditions.unassign, "Assigned to nobody")


@staff(May.INCIDENTS)
@require_POST
def silence(request: HttpRequest, operator: Operator, condition: int) -> HttpResponse:
    """Hear no more of it for four hours."""
    why = request.POST.get("why", "")
    act = partial(conditions.silence, why=why, now=clock.now())
    return _tried(request, operator, condition, act, "Silenced for 4 hours")


@staff(May.INCIDENTS)
@require_POST
def accept(request: HttpRequest, operator: Operator, condition: int) -> HttpResponse:
    """Hear no more of it at all."""
    why = request.POST.get("why", "")
    act = partial(conditions.accept, why=why, now=clock.now())
    return _tried(request, operator, condition, act, "Accepted for good")


@staff(May.INCIDENTS)
@require_POST
def recall(request: HttpRequest, operator: Operator, condition: int) -> HttpResponse:
    """Hear of it again."""
    return _tried(request, operator, condition, conditions.recall, "Shown again")


def _tried(
    request: HttpRequest,
    operator: Operator,
    condition: int,
    act: Callable[..., Condition],
    words: str,
) -> HttpResponse:
    """Do it and say so, or say why not, on the overview."""
    try:
        act(condition_id=condition, **by(request, operator))
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
        return redirect("ops:overview")
    return done(request, words, "overview")
