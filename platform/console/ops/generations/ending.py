"""Actions on a generation: cancel it, end it as failed, or notify a worker again."""

from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from console.ops.access import Operator, Permission, by, done, staff
from console.ops.generations.giving import MAX_CHARACTERS
from console.ops.generations.one import generation_or_404
from console.parts.form_fields import dressed, take_errors
from generation.models import Generation, State
from generation.oversight import interventions
from generation.oversight.interventions import EndedAsFailed
from pictor.kit.words import clock
from pictor.kit.words.money import in_dollars


class EndReasonForm(forms.Form):
    reason = forms.CharField(label="Note for staff", max_length=MAX_CHARACTERS)


@dataclass(frozen=True, slots=True)
class EndAction:
    """A way to end a generation: its words, its service, and the states that it is for."""

    verb: str
    done: str
    words: str
    end: Callable[..., EndedAsFailed]
    states: frozenset[State]


def _cancel(**facts: object) -> EndedAsFailed:
    return EndedAsFailed(interventions.cancel(**facts), ())  # type: ignore[arg-type]  # as EndAction.end


CANCEL = EndAction(
    "Cancel",
    "Canceled",
    "It is queued, and no worker has taken it. Its caller is told that it was canceled.",
    _cancel,
    frozenset({State.QUEUED}),
)
FAIL = EndAction(
    "End as failed",
    "Ended as failed",
    "Its caller is not charged, and gets an error that says the operator ended it. Images of calls"
    " in flight are not delivered.",
    interventions.end_as_failed,
    frozenset({State.QUEUED, State.RUNNING}),
)


@staff(Permission.GENERATIONS, fresh=True)
@require_http_methods(["GET", "HEAD", "POST"])
def cancel(request: HttpRequest, operator: Operator, generation: str) -> HttpResponse:
    return _end(request, operator, generation_or_404(generation), CANCEL)


@staff(Permission.GENERATIONS, fresh=True)
@require_http_methods(["GET", "HEAD", "POST"])
def fail(request: HttpRequest, operator: Operator, generation: str) -> HttpResponse:
    return _end(request, operator, generation_or_404(generation), FAIL)


@staff(Permission.GENERATIONS)
@require_POST
def ring(request: HttpRequest, operator: Operator, generation: str) -> HttpResponse:
    """Notify an image worker again of a queued generation."""
    made = generation_or_404(generation)
    if made.state != State.QUEUED:
        messages.error(request, "It is no longer queued, so no worker was notified")
        return redirect("ops:generation", made.public_id)
    try:
        interventions.ring_again(made)
    except ValidationError as error:
        messages.error(request, " ".join(error.messages).capitalize())
        return redirect("ops:generation", made.public_id)
    return done(request, "Rung again: an image worker was notified", "generation", made.public_id)


def _end(
    request: HttpRequest, operator: Operator, generation: Generation, way: EndAction
) -> HttpResponse:
    form = EndReasonForm(request.POST if request.method == "POST" else None)
    if form.is_bound and form.is_valid():
        reason, now = form.cleaned_data["reason"], clock.now()
        try:
            ended = way.end(generation=generation, reason=reason, now=now, **by(request, operator))
        except ValidationError as error:
            take_errors(form, error)
        else:
            words = f"{way.done}: {end_effect(ended)}"
            return done(request, words, "generation", generation.public_id)
    context = {
        "operator": operator,
        "made": generation,
        "way": way,
        "can_be": generation.state in way.states,
        "effect": end_effect(interventions.expected_result(generation), will=True),
        "form": dressed(form),
    }
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.is_bound else HTTPStatus.OK
    return render(request, "ops/generation_end.html", context, status=status)


def end_effect(ended: EndedAsFailed, *, will: bool = False) -> str:
    """Describe the amount released, and the channels that may still bill a call."""
    released = in_dollars(ended.released)
    calls = [
        f"{call.channel} may still bill"
        f" {'nobody knows how much' if call.cost is None else in_dollars(call.cost)}"
        for call in ended.may_bill
    ]
    return "; ".join([f"releases {released}" if will else f"{released} released", *calls])
