"""What needs a person now, the worst first, and what to do about it."""

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from console.ops.access import May, Operator, by, done, staff
from generation.conditions.handling import assign, silence, standing
from pictor.kit import clock


@require_safe
@staff(May.SEE)
def overview(request: HttpRequest, operator: Operator) -> HttpResponse:
    """Open conditions, those that cost most first, and when they were looked for last."""
    now = clock.now()
    found = standing(now=now)
    needing = sorted(found.needing(now), key=lambda one: -(one.micros or 0))
    context = {"operator": operator, "standing": found, "needing": needing}
    return render(request, "ops/overview.html", context)


@require_POST
@staff(May.INCIDENTS)
def assign_condition(request: HttpRequest, operator: Operator, condition: int) -> HttpResponse:
    """Say that the person who asks sees to it."""
    try:
        assign(condition_id=condition, to=operator.user.email, **by(request, operator))
    except ValidationError as error:
        return _refused(request, error)
    return done(request, "Assigned to you", "overview")


@require_POST
@staff(May.INCIDENTS)
def silence_condition(request: HttpRequest, operator: Operator, condition: int) -> HttpResponse:
    """Hear no more of it for four hours."""
    why = request.POST.get("why", "")
    try:
        silence(condition_id=condition, why=why, now=clock.now(), **by(request, operator))
    except ValidationError as error:
        return _refused(request, error)
    return done(request, "Silenced for 4 hours", "overview")


def _refused(request: HttpRequest, error: ValidationError) -> HttpResponse:
    messages.error(request, " ".join(error.messages))
    return redirect("ops:overview")
