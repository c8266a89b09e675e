"""The state of every process and queue, and the stop switch."""

from datetime import datetime

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from console.ops.access import FORM, POST, Operator, Permission, by, done, rendered, staff
from console.ops.system.rows import lane_rows, part_rows, touched_rows, worker_row
from console.parts.form_fields import dressed, take_errors
from generation.catalogue.services.stop_switch import (
    ALL,
    MAX_NOTICE_CHARS,
    MAX_REASON_CHARS,
    start,
    stop,
    stoppable,
)
from generation.catalogue.snapshot import current_catalogue
from generation.lifecycle import lease
from generation.oversight.watch import WORKERS
from generation.selectors import lanes, present_stops
from pictor.kit.words import clock


class StopForm(forms.Form):
    what = forms.CharField(
        label="What", widget=forms.TextInput(attrs={"list": "stoppable", "autocomplete": "off"})
    )
    reason = forms.CharField(label="Reason", max_length=MAX_REASON_CHARS)
    words = forms.CharField(
        label="Words for customers",
        max_length=MAX_NOTICE_CHARS,
        required=False,
        widget=forms.Textarea(attrs={"rows": 2}),
    )


@staff(Permission.SEE)
def system(request: HttpRequest, operator: Operator) -> HttpResponse:
    """Show stops, queues, image workers and every other part, each with its trouble."""
    now, workers, queued = clock.now(), lease.recent_workers(), lanes()
    stops = present_stops()
    context = {
        "now": now,
        "stops": stops,
        "lanes": lane_rows(queued, workers, has_stops=bool(stops)),
        "workers": [worker_row(seen) for seen in workers],
        "workers_part": WORKERS,
        "parts": part_rows(workers, now),
    }
    return rendered(request, operator, "ops/system.html", context)


@staff(Permission.INCIDENTS, FORM, fresh=True)
def stop_switch(request: HttpRequest, operator: Operator) -> HttpResponse:
    """Stop a model, a tenant or everything; the form shows first what a stop would touch."""
    is_sent = request.method == "POST"
    named = {name: request.GET[name] for name in StopForm.base_fields if name in request.GET}
    form = dressed(StopForm(request.POST if is_sent else None, initial=named))
    if is_sent and form.is_valid():
        try:
            outcome = _stop(form, now=clock.now(), request=request, operator=operator)
            return done(request, f"{outcome} stopped", "system")
        except ValidationError as error:
            take_errors(form, error)
    models = [contract.model for contract in current_catalogue().offered]
    context = {
        "form": form,
        "touched": touched_rows(models, clock.now()),
        "names": [ALL, *models],
    }
    return rendered(request, operator, "ops/stop.html", context, refused=is_sent)


@staff(Permission.INCIDENTS, POST)
def start_again(request: HttpRequest, operator: Operator) -> HttpResponse:
    try:
        what = stoppable(request.POST.get("what", ""))
        ended = start(what=what, now=clock.now(), **by(request, operator))
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
        return redirect("ops:system")
    return done(request, f"{ended.name} has resumed", "system")


def _stop(form: StopForm, *, now: datetime, request: HttpRequest, operator: Operator) -> str:
    try:
        what = stoppable(form.cleaned_data["what"])
    except ValidationError as error:
        raise ValidationError({"what": error.messages}) from None
    texts = {name: form.cleaned_data[name] for name in ("reason", "words")}
    return stop(what=what, now=now, **texts, **by(request, operator)).name
