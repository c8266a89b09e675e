"""Incidents and maintenance as customers see them on the status page and by mail."""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.urls import reverse

from console.ops.access import FORM, POST, Operator, Permission, by, done, or_404, rendered, staff
from console.ops.incidents.forms import CalmUpdateForm, IncidentForm, PlanForm, SayForm, UpdateForm
from console.parts.form_fields import dressed, take_errors
from console.parts.page_query import meant_by, refuse
from console.parts.periods import number_of
from console.site.news import ShownIncident
from generation.models import Incident
from generation.oversight import incidents
from generation.oversight.conditions import condition_by_id
from generation.oversight.conditions.kinds import public_title_of
from generation.oversight.incidents import State
from pictor.kit.words import clock

TEMPLATE = "ops/incident.html"


@staff(Permission.INCIDENTS, FORM, fresh=True)
def begin(request: HttpRequest, operator: Operator) -> HttpResponse:
    """Start an incident; `?condition=` and `?parts=` fill in the form."""
    form = IncidentForm(_post_data(request), initial=_initial_values(request))
    return _announce(request, operator, form, incidents.begin, "Incident started")


@staff(Permission.INCIDENTS, FORM, fresh=True)
def plan(request: HttpRequest, operator: Operator) -> HttpResponse:
    form = PlanForm(_post_data(request), initial=_initial_values(request))
    return _announce(request, operator, form, incidents.plan, "Maintenance planned")


def _announce(
    request: HttpRequest,
    operator: Operator,
    form: IncidentForm,
    announce: Callable[..., Incident],
    words: str,
) -> HttpResponse:
    """Announce what a valid form says; otherwise render it, with its errors."""
    if dressed(form).is_valid():
        post = form.post(page=_page(request))
        try:
            made = announce(**form.facts(), post=post, now=clock.now(), **by(request, operator))
            return done(request, f"{words}: {made.title}", "incident", str(made.id))
        except ValidationError as error:
            take_errors(form, error)
    return _form_page(request, operator, form, "ops/incident_new.html")


@staff(Permission.SEE)
def detail(request: HttpRequest, operator: Operator, incident: int) -> HttpResponse:
    """Show an incident with its updates and the form for the next one."""
    found = or_404(incidents.incident_by_id(incident))
    return _form_page(request, operator, _form_of(None, found), TEMPLATE, incident=found)


@staff(Permission.INCIDENTS, POST)
def update(request: HttpRequest, operator: Operator, incident: int) -> HttpResponse:
    found = or_404(incidents.incident_by_id(incident))
    form = _form_of(request.POST, found)
    if form.is_valid():
        try:
            return _post_update(request, operator, found, form)
        except ValidationError as error:
            take_errors(form, error)
    return _form_page(request, operator, form, TEMPLATE, incident=found)


@staff(Permission.INCIDENTS, POST)
def correct(request: HttpRequest, operator: Operator, incident: int, update: int) -> HttpResponse:
    """Replace the words of an update, which marks it as edited."""
    words = request.POST.get("words", "")
    try:
        edited = incidents.correct(
            update_id=update, words=words, now=clock.now(), **by(request, operator)
        )
    except ValidationError as error:
        found, complaint = incidents.incident_by_id(incident), " ".join(error.messages)
        if found is None:
            messages.error(request, complaint)
            return redirect("ops:incident", incident)
        form, corrected = _form_of(None, found), (update, words, complaint)
        return _form_page(request, operator, form, TEMPLATE, incident=found, corrected=corrected)
    return done(request, "Corrected, and marked as edited", "incident", str(edited.incident_id))


def _form_of(sent: QueryDict | None, incident: Incident) -> SayForm:
    """Return the form for the next update; after "investigating" it proposes "identified"."""
    state = State.IDENTIFIED if incident.state == State.INVESTIGATING else incident.state
    kind = CalmUpdateForm if incident.is_maintenance else UpdateForm
    return dressed(kind(sent, initial={"state": state}))


def _post_update(
    request: HttpRequest, operator: Operator, incident: Incident, form: SayForm
) -> HttpResponse:
    state = form.cleaned_data["state"]
    updated = incidents.update(
        incident_id=incident.id,
        state=State(state) if state else None,
        post=form.post(page=_page(request)),
        now=clock.now(),
        **by(request, operator),
    )
    words = updated.state_at(clock.now()).label.lower()
    return done(request, f"Update posted: {updated.title}, {words}", "incident", str(updated.id))


def _form_page(
    request: HttpRequest,
    operator: Operator,
    form: SayForm,
    template: str,
    *,
    incident: Incident | None = None,
    corrected: tuple[int, str, str] | None = None,
) -> HttpResponse:
    """Render the page with its form and the number of owners who would get mail.

    `corrected` is an update's id, the words typed for it, and the reason why they are refused.
    """
    now = clock.now()
    chosen = incident.parts if incident else _chosen_parts(request, form)
    context: dict[str, Any] = {
        "form": form,
        "reach": len(incidents.owners_touched(chosen, now=now)),
        "one": ShownIncident(incident, now) if incident else None,
        "corrected": corrected,
    }
    refused = request.method == "POST"
    return rendered(request, operator, template, context, refused=refused)


def _chosen_parts(request: HttpRequest, form: SayForm) -> list[str]:
    """Return the ticked parts; those of the form's initial values if none is ticked."""
    typed = request.POST if request.method == "POST" else request.GET
    return _parts(typed) or list(form.initial.get("parts", ()))


def _initial_values(request: HttpRequest) -> dict[str, Any]:
    """Fill in parts and title from the condition, in words that customers may read."""
    initial: dict[str, Any] = {"parts": _parts(request.GET)}
    number = meant_by(request.GET, "condition", number_of)
    condition = condition_by_id(number) if number is not None else None
    if condition is not None:
        named = {condition.object, *condition.object.split()}
        initial["parts"] = [part for part in incidents.parts() if part in named]
        initial["title"] = public_title_of(condition.kind)
    return initial


def _parts(query: QueryDict) -> list[str]:
    known, parts = incidents.parts(), query.getlist("parts")
    if not {*known}.issuperset(parts):
        refuse(query, "parts")
    return [part for part in parts if part in known]


def _post_data(request: HttpRequest) -> QueryDict | None:
    return request.POST if request.method == "POST" else None


def _page(request: HttpRequest) -> str:
    return request.build_absolute_uri(reverse("site:status"))
